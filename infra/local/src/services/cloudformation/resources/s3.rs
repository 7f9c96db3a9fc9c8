//! Resource types of S3.

use super::ResourceTypes;

pub(super) fn register(_types: &mut ResourceTypes) {}
