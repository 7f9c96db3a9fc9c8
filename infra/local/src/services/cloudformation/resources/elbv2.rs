//! Resource types of Elastic Load Balancing.

use super::ResourceTypes;

pub(super) fn register(_types: &mut ResourceTypes) {}
