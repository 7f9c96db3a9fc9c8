//! What the page shows of stacks: their operations, with the resources in each.

use std::collections::BTreeMap;

use seatrial_page::{Bar, Operation, Phase};

use super::status::Status;
use super::store::{Event, Store};
use crate::cloud::Cloud;

/// So many operations are shown, the newest.
const MOST: usize = 60;

pub(crate) fn operations(cloud: &Cloud) -> Vec<Operation> {
    let events = cloud.part::<Store>().events.values();
    let mut by_operation: BTreeMap<(&str, &str), Vec<&Event>> = BTreeMap::new();
    for event in &events {
        by_operation.entry((&event.stack_id, &event.operation.id)).or_default().push(event);
    }
    let mut all: Vec<Vec<&Event>> = by_operation.into_values().collect();
    let ended = |events: &Vec<&Event>| events.iter().map(|event| event.time.0).fold(0.0, f64::max);
    all.sort_by(|one, other| ended(other).total_cmp(&ended(one)));
    // That a change set was made for a stack that is to come is no operation yet.
    all.retain(|events| events.iter().any(|event| event.status != Status::ReviewInProgress));
    all.truncate(MOST);
    all.into_iter().filter_map(|events| operation(&events)).collect()
}

/// Its events, the oldest first; `None` where the stack itself told nothing.
fn operation(events: &[&Event]) -> Option<Operation> {
    let is_stack = |event: &&&Event| event.physical_id == event.stack_id;
    let own = events.iter().filter(is_stack).fold(None, |bar, event| Some(gone_on(bar, event)))?;
    let first = events.first()?;
    let mut resources: BTreeMap<&str, Bar> = BTreeMap::new();
    for event in events.iter().filter(|event| !is_stack(event)) {
        let before = resources.remove(event.logical_id.as_str());
        resources.insert(&event.logical_id, gone_on(before, event));
    }
    let mut resources: Vec<Bar> = resources.into_values().collect();
    resources.sort_by(|one, other| one.began.total_cmp(&other.began));
    let mut operation = Operation {
        id: format!("{}/{}", first.stack_id, first.operation.id),
        own: Bar { name: first.stack_name.clone(), resource_type: String::new(), ..own },
        resources,
    };
    operation.find_root_cause();
    Some(operation)
}

fn gone_on(before: Option<Bar>, event: &Event) -> Bar {
    let status = event.status.name();
    let mut bar = before.unwrap_or_else(|| Bar {
        name: event.logical_id.clone(),
        resource_type: event.resource_type.clone(),
        began: event.time.0,
        ..Bar::default()
    });
    // What failed stays failed when it is taken back, and so does the time at which it did.
    if bar.phase != Phase::Failed || bar.resource_type == "AWS::CloudFormation::Stack" {
        bar.phase = Phase::of(status, event.reason.as_deref());
        bar.ended = event.time.0;
        bar.reason = event.reason.clone().or(bar.reason);
    }
    status.clone_into(&mut bar.status);
    bar
}
