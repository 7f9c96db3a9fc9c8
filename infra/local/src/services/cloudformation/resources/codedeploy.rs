//! Resource types of CodeDeploy.

use super::ResourceTypes;

pub(super) fn register(_types: &mut ResourceTypes) {}
