//! CloudFormation: stacks and change sets from templates.

mod changes;
mod collect;
mod drift;
mod engine;
mod evaluate;
mod form;
mod graph;
mod operations;
pub(crate) mod page;
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

/// Name of the stack and logical ID of a resource that a stack made.
pub(crate) fn made_by(cloud: &Cloud, resource_type: &str, physical_id: &str) -> Option<(String, String)> {
    let store = cloud.part::<store::Store>();
    let is_meant = |made: &store::Resource| {
        made.resource_type == resource_type && made.physical_id.as_deref() == Some(physical_id)
    };
    let (key, resource) = store.resources.entries().into_iter().find(|(_, made)| is_meant(made))?;
    let stack = store.stacks.get(key.strip_suffix(&format!("/{}", resource.logical_id))?)?;
    Some((stack.name, resource.logical_id))
}

/// The tags of a stack.
pub(crate) fn tags_of(cloud: &Cloud, stack: &str) -> Option<Vec<(String, String)>> {
    let stack = cloud.part::<store::Store>().stack(stack)?;
    Some(stack.current.tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
}

/// The keys of a stack's tags.
pub(crate) fn tag_keys(cloud: &Cloud, stack: &str) -> Option<Vec<String>> {
    let stack = cloud.part::<store::Store>().stack(stack)?;
    Some(stack.current.tags.into_iter().map(|tag| tag.key).collect())
}

/// The keys of the tags that a change set, by name or ARN, gives the stack.
pub(crate) fn tag_keys_of_change_set(cloud: &Cloud, stack: &str, name: &str) -> Option<Vec<String>> {
    let store = cloud.part::<store::Store>();
    let is_meant = |set: &store::ChangeSet| set.id == name || (set.name == name && set.stack_id == stack);
    let found = store.change_sets.find(is_meant)?;
    Some(found.revision.tags.into_iter().map(|tag| tag.key).collect())
}

pub(crate) fn register(operations: &mut Operations) {
    operations.add_collect(collect::collect);
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

/// What tests feed with patterns of strangers.
#[cfg(test)]
pub(crate) mod fuzzing {
    use super::pattern::Pattern;

    pub(crate) fn matches(pattern: &str, text: &str) {
        let Ok(pattern) = Pattern::new(pattern) else { return };
        let _ = (pattern.finds(text), pattern.matches(text));
    }
}

#[cfg(test)]
mod tests;
