//! Placeholder.

use super::resources::ResourceContext;

/// A handler told the physical ID of what it is making.
pub(super) fn initiated(_ctx: &ResourceContext, _physical_id: &str) {}
