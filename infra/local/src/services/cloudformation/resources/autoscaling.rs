//! Resource types of Application Auto Scaling.

use super::ResourceTypes;

pub(super) fn register(_types: &mut ResourceTypes) {}
