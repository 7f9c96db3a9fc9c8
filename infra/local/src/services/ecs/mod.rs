//! Placeholder.

use crate::cloud::Cloud;
use crate::operation::Operations;

pub(crate) fn register(_operations: &mut Operations) {}

pub(crate) async fn resume(_cloud: &Cloud) {}

pub(crate) async fn stop(_cloud: &Cloud) {}
