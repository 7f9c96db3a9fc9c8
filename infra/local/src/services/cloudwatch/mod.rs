//! Placeholder.

use crate::operation::Operations;

pub(crate) fn register(_operations: &mut Operations) {}
