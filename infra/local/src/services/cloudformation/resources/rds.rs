//! Resource types of RDS.

use super::ResourceTypes;

pub(super) fn register(_types: &mut ResourceTypes) {}
