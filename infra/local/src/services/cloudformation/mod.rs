//! Placeholder.

mod engine;
mod resources;

use crate::cloud::Cloud;
use crate::operation::Operations;

pub(crate) fn register(_operations: &mut Operations) {}

pub(crate) async fn resume(_cloud: &Cloud) {}
