//! Resource types of IAM.

use super::ResourceTypes;

pub(super) fn register(_types: &mut ResourceTypes) {}
