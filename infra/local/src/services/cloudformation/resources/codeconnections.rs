//! Resource types of CodeConnections.

use super::ResourceTypes;

pub(super) fn register(_types: &mut ResourceTypes) {}
