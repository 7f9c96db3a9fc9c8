//! Resource types of CodeBuild.

use super::ResourceTypes;

pub(super) fn register(_types: &mut ResourceTypes) {}
