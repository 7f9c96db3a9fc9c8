//! CloudFormation: stacks and change sets from templates.

mod changes;
mod drift;
mod engine;
mod evaluate;
mod form;
mod graph;
mod operations;
mod pattern;
mod policy;
mod records;
mod resources;
mod schema;
mod status;
mod store;
mod template;

use crate::cloud::Cloud;
use crate::operation::Operations;

pub(crate) fn register(operations: &mut Operations) {
    operations::register(operations);
}

/// Whether there are resources of this type here.
pub(crate) fn is_type(name: &str) -> bool {
    store::handler(&resources::ResourceTypes::all(), name).is_some()
}

/// Takes up stack operations that were under way.
pub(crate) async fn resume(cloud: &Cloud) {
    cloud.resume::<engine::StackEngine>();
}

#[cfg(test)]
mod tests;
