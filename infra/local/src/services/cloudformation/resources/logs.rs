//! Resource types of CloudWatch Logs.

use super::ResourceTypes;

pub(super) fn register(_types: &mut ResourceTypes) {}
