//! Exports that are in use: they can neither be removed nor changed, nor can another stack take their name.

use super::super::evaluate::Output;
use super::super::status::Status;
use super::super::store::Stack;
use super::run::Run;

impl Run {
    /// The names of the stacks that import `export`.
    pub(in super::super) fn importers(&self, export: &str) -> Vec<String> {
        // What is only reviewed imports nothing yet, and what was rolled back nothing any more.
        let stands = |stack: &Stack| {
            !matches!(
                stack.status,
                Status::DeleteComplete | Status::ReviewInProgress | Status::RollbackComplete
            )
        };
        let imports = |stack: &Stack| {
            let scope = Run::new(&self.cloud, &stack.id).scope(stack, &stack.current);
            scope.is_ok_and(|scope| scope.imports().contains(export))
        };
        let stacks = self.store.stacks.values().into_iter();
        let importing = stacks.filter(|stack| stands(stack) && imports(stack));
        importing.map(|stack| stack.name).collect()
    }

    /// Why a stack with these outputs in place of its own cannot be; `None`: it can.
    pub(in super::super) fn export_conflict(&self, stack: &Stack, outputs: &[Output]) -> Option<String> {
        for output in outputs {
            let Some(name) = &output.export_name else { continue };
            let exports = self.store.exports();
            let other = exports.iter().find(|(taken, _, id)| taken == name && *id != stack.id);
            if let Some((_, _, id)) = other {
                return Some(format!("Export with name {name} is already exported by stack {id}."));
            }
        }
        for old in &stack.outputs {
            let Some(name) = &old.export_name else { continue };
            let new = outputs.iter().find(|new| new.export_name.as_ref() == Some(name));
            if new.is_some_and(|new| new.output_value == old.output_value) {
                continue;
            }
            let users = self.importers(name);
            let users = users.iter().filter(|user| **user != stack.name).cloned().collect::<Vec<_>>();
            if users.is_empty() {
                continue;
            }
            let users = users.join(", ");
            return Some(match new {
                Some(_) => format!("Export {name} cannot be updated as it is in use by {users}."),
                None => format!("Delete canceled. Cannot delete export {name} as it is in use by {users}."),
            });
        }
        None
    }
}
