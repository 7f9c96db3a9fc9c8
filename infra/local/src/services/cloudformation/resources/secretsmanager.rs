//! Resource types of Secrets Manager.

use super::ResourceTypes;

pub(super) fn register(_types: &mut ResourceTypes) {}
