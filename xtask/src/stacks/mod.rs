//! The stacks: their templates, and in which order they are made.

/// Why the templates make no plan. Exit 3.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StacksError {}
