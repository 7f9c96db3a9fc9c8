//! Resource types of EC2.

use super::ResourceTypes;

pub(super) fn register(_types: &mut ResourceTypes) {}
