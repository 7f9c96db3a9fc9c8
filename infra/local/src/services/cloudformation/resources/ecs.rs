//! Resource types of ECS.

use super::ResourceTypes;

pub(super) fn register(_types: &mut ResourceTypes) {}
