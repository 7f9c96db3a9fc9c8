//! Resource types of CodePipeline.

use super::ResourceTypes;

pub(super) fn register(_types: &mut ResourceTypes) {}
