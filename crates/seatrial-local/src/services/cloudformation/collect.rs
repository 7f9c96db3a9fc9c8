//! Deleted stacks that nobody looks at any more, with what is told of them.

use std::collections::HashSet;
use std::time::Duration;

use super::store::Store;
use crate::cloud::Cloud;
use crate::collector::expire;
use crate::error::ServiceError;
use crate::operation::Freed;

/// API reference, ListStacks: kept for 90 days after the deletion. So is what happened to them.
const DELETED: Duration = Duration::from_secs(90 * 24 * 3600);

pub(super) fn collect(cloud: &Cloud) -> Result<Vec<Freed>, ServiceError> {
    let store = cloud.part::<Store>();
    let before = cloud.clock().now().minus(DELETED);
    let gone =
        expire(&store.stacks, "deleted stacks", before, |stack| Some((String::new(), stack.deleted?)))?;
    let there: HashSet<_> = store.stacks.values().into_iter().map(|stack| stack.id).collect();
    let mut events = Freed { what: "events of deleted stacks", count: 0, bytes: 0 };
    for (key, _) in store.events.entries().into_iter().filter(|(_, event)| !there.contains(&event.stack_id)) {
        events.count += usize::from(store.events.remove(&key)?.is_some());
    }
    for (key, _) in store.resources.entries() {
        if key.rsplit_once('/').is_some_and(|(stack, _)| !there.contains(stack)) {
            store.resources.remove(&key)?;
        }
    }
    for (key, _) in store.change_sets.entries().into_iter().filter(|(_, one)| !there.contains(&one.stack_id))
    {
        store.change_sets.remove(&key)?;
    }
    Ok(vec![gone, events])
}
