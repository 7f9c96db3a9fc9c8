//! Resource types of ECR.

use super::ResourceTypes;

pub(super) fn register(_types: &mut ResourceTypes) {}
