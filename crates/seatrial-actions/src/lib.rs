//! Which actions of IAM AWS checks when an operation is called, on which resources and with which context.
//!
//! Two sources, kept apart: `data/reference.json`, extracted from a package that carries AWS's service authorization
//! reference (`reference.rs`), and our own tables of what follows from an operation's input (`own/`, `beyond/`), each
//! row with its source. What CloudFormation's handlers may call besides, type by type, is in `data/handlers.json`
//! (`handlers.rs`). Pure: the data is part of the program, and parsed once.

mod beyond;
mod context;
mod handlers;
mod input;
mod needed;
mod on;
mod own;
mod reference;
mod row;

use serde_json::Value;

pub use handlers::{Certain, Handlers, Handling, certain, handlers};
pub use needed::{Needed, Place, Reason, Record, ResourceRule};
pub use reference::{Action, arns, known, lookup, source};

/// What AWS checks before `operation` of `service` is done with `input`: all of it must be allowed to the caller.
///
/// `service` is the name that requests are signed with (`ecs`, `monitoring`), `operation` the name in AWS's model,
/// `input` its members as that model names them; members that are not there count as not given. An operation that this
/// crate does not know needs the action of its own name. Empty only where AWS checks nothing: `GetCallerIdentity`, and
/// operations that are this local cloud's own.
pub fn actions_of(service: &str, operation: &str, input: &Value) -> Vec<Needed> {
    let mut needed = own::of(service, operation, input);
    needed.extend(beyond::of(service, operation, input));
    for one in &mut needed {
        one.context.extend(context::of(service, operation, &one.action, input));
    }
    needed
}

/// Every row of the tables: which actions can be asked for beyond an operation's own name, and why.
pub fn reasons() -> impl Iterator<Item = Reason> {
    let rows = own::rows().chain(beyond::rows());
    rows.map(|row| Reason {
        row: row.number,
        operations: row.operations,
        action: row.action,
        source: row.source,
    })
}

#[cfg(test)]
mod tests;
