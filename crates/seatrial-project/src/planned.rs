//! Keys and forms that project.yml is going to have and has not yet: refused in their own words, for an unknown key
//! reads like a slip of the pen.

use seatrial_template::{Diagnostic, Document, Node};

/// Keys by the mapping that they will stand in.
const WHOLE: &[&str] = &["notify", "services"];
const ENVIRONMENT: &[&str] = &["hosted_zone_id", "notify", "services", "tags"];

/// Refuses the first of them, at its place.
pub(super) fn refuse(document: &Document) -> Result<(), Diagnostic> {
    let root = &document.root;
    let whole = Part { document, path: Vec::new(), node: root };
    whole.refuse_keys(WHOLE)?;
    whole.refuse_overridable()?;
    for environment in root.get("environments").map_or(&[][..], Node::entries) {
        let path = vec!["environments", environment.key.as_str()];
        let own = Part { document, path, node: &environment.value };
        own.refuse_keys(ENVIRONMENT)?;
        own.refuse_overridable()?;
    }
    Ok(())
}

/// One mapping of the file and the keys that lead to it.
struct Part<'a> {
    document: &'a Document,
    path: Vec<&'a str>,
    node: &'a Node,
}

impl<'a> Part<'a> {
    fn below(&self, key: &'a str) -> Option<Self> {
        let node = self.node.get(key)?;
        Some(Part { document: self.document, path: [self.path.as_slice(), &[key]].concat(), node })
    }

    fn refuse_keys(&self, planned: &[&str]) -> Result<(), Diagnostic> {
        let Some(entry) = self.node.entries().iter().find(|entry| planned.contains(&entry.key.as_str()))
        else {
            return Ok(());
        };
        let name = [self.path.as_slice(), &[entry.key.as_str()]].concat().join(".");
        Err(self.document.diagnostic(entry.key_span, format!("key `{name}` is not there yet")))
    }

    /// What stands at the top for all environments, and in an environment for it.
    fn refuse_overridable(&self) -> Result<(), Diagnostic> {
        let Some(secrets) = self.below("app").and_then(|app| app.below("secrets")) else { return Ok(()) };
        for entry in secrets.node.entries() {
            if let Some(value) = secrets.below(&entry.key).filter(|value| value.node.get("output").is_some())
            {
                return Err(value.form("the output of a stack"));
            }
        }
        Ok(())
    }

    fn form(&self, form: &str) -> Diagnostic {
        let message = format!("`{}` cannot be {form} yet", self.path.join("."));
        self.document.diagnostic(self.node.span, message)
    }
}
