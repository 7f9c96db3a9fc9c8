//! Resource types of CloudWatch.

use super::ResourceTypes;

pub(super) fn register(_types: &mut ResourceTypes) {}
