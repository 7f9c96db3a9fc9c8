//! What the page shows of a release in an account: what was told of it while it was followed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seatrial_page::{About, Action, Deployment, Item, LifecycleEvent, Line, Release, Second, Source};

use crate::commands::released::Release as Followed;
use crate::context::Ctx;
use crate::output::{Event, What};

/// The items of `release`, by what was told of it.
pub(super) fn items(ctx: &Ctx, release: &Followed, events: &[Event]) -> Vec<Item> {
    let environment = &ctx.environment;
    let mut items = vec![Item::About(About {
        name: format!("{}-{}", environment.project, environment.name),
        place: "AWS".to_owned(),
        region: ctx.aws.region().to_owned(),
        url: Some(release.url.clone()),
        program: ctx.session.program.to_owned(),
        colors: ["original", "replacement"].map(str::to_owned),
        ..About::default()
    })];
    items.push(Item::Release(Box::new(told(release, events))));
    items.extend(seconds(release, events).into_iter().map(Item::Second));
    items.extend(events.iter().enumerate().filter_map(|(index, event)| line(index, event)).map(Item::Line));
    items
}

fn at(time: Timestamp) -> f64 {
    time.as_millisecond() as f64 / 1_000.0
}

fn told(release: &Followed, events: &[Event]) -> Release {
    let began = events.first().map_or(0.0, |event| at(event.time));
    let ended = events.last().map_or(0.0, |event| at(event.time));
    let steps = lifecycle(events);
    let first = steps.iter().filter_map(|step| step.began).fold(f64::INFINITY, f64::min);
    let deployment = release.deployment_id.as_ref().map(|id| Deployment {
        id: id.clone(),
        status: release.status.clone(),
        began: if first.is_finite() { first } else { began },
        ended: Some(ended),
        rolled_back_by: release.rolled_back.then(|| "a rollback".to_owned()),
        events: steps,
        error: None,
    });
    Release {
        id: release.pipeline_execution_id.clone(),
        pipeline: String::new(),
        revision: release.source_revision.clone(),
        summary: String::new(),
        status: release.status.clone(),
        began,
        ended: Some(ended),
        actions: actions(events),
        deployment,
        why: None,
    }
}

fn is_over(status: &str) -> bool {
    !matches!(status, "InProgress" | "Pending" | "Created" | "Queued")
}

/// By stage and action, in the order in which they were heard of.
fn actions(events: &[Event]) -> Vec<Action> {
    let mut actions: Vec<Action> = Vec::new();
    for event in events {
        let What::Action { action, status, detail } = &event.what else { continue };
        let known = actions.iter().position(|one| one.stage == event.subject && one.name == *action);
        let index = known.unwrap_or_else(|| {
            let (stage, name) = (event.subject.clone(), action.clone());
            actions.push(Action { stage, name, began: Some(at(event.time)), ..Action::default() });
            actions.len() - 1
        });
        if let Some(one) = actions.get_mut(index) {
            one.status.clone_from(status);
            one.ended = is_over(status).then(|| at(event.time));
            one.detail.clone_from(detail);
        }
    }
    actions
}

/// Those of the deployment: a rollback is one of its own, whose events bear the same names and are told behind.
fn lifecycle(events: &[Event]) -> Vec<LifecycleEvent> {
    let mut steps: Vec<LifecycleEvent> = Vec::new();
    for event in events {
        let What::Lifecycle { name, status, diagnostics } = &event.what else { continue };
        // What was skipped was at no time.
        let time = (status != "Skipped").then(|| at(event.time));
        let known = steps.iter().position(|step| step.name == *name);
        let index = known.unwrap_or_else(|| {
            steps.push(LifecycleEvent { name: name.clone(), began: time, ..LifecycleEvent::default() });
            steps.len() - 1
        });
        if let Some(step) =
            steps.get_mut(index).filter(|step| !is_over(&step.status) || step.status.is_empty())
        {
            step.status.clone_from(status);
            step.ended = time.filter(|_| is_over(status));
            step.detail.clone_from(diagnostics);
        }
    }
    steps
}

/// What the probe counted, with the weights that were told last; it cannot know which task set answered.
fn seconds(release: &Followed, events: &[Event]) -> Vec<Second> {
    let mut seconds: BTreeMap<i64, Second> = BTreeMap::new();
    for counted in &release.requests.seconds {
        let second = Second {
            time: counted.time,
            unknown: counted.ended,
            failed: counted.failed,
            p50: Some(counted.p50_ms),
            p99: Some(counted.p99_ms),
            ..Second::default()
        };
        seconds.insert(counted.time, second);
    }
    let mut weights = BTreeMap::new();
    for event in events {
        let What::Traffic(shares) = &event.what else { continue };
        let percent = |index: usize| shares.get(index).map_or(0.0, |(_, percent, _)| *percent);
        let time = event.time.as_second();
        weights.insert(time, (percent(0), percent(1)));
        seconds.entry(time).or_insert(Second { time, ..Second::default() });
    }
    for (time, second) in &mut seconds {
        // Before the first that was told nothing has moved.
        let before = weights.range(..=time).next_back().map_or((100.0, 0.0), |(_, weights)| *weights);
        (second.blue_weight, second.green_weight) = before;
    }
    seconds.into_values().collect()
}

fn line(index: usize, event: &Event) -> Option<Line> {
    let (source, text) = match &event.what {
        What::BuildLog(line) => (Source::Build, line.clone()),
        What::Action { .. }
        | What::BuildPhase { .. }
        | What::Lifecycle { .. }
        | What::Traffic(_)
        | What::StoppedTask { .. }
        | What::Text(_) => (Source::Deployment, event.what.to_string()),
        _ => return None,
    };
    Some(Line { id: index.to_string(), time: at(event.time), source, stream: event.subject.clone(), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(second: i64, what: What) -> Event {
        Event::new(Timestamp::from_second(second).ok(), "Deploy", what)
    }

    #[test]
    fn steps_begin_with_the_first_and_end_with_the_last_that_was_told_of_them() {
        let step = |status: &str| What::Lifecycle {
            name: "Install".to_owned(),
            status: status.to_owned(),
            diagnostics: (status == "Failed").then(|| "no room".to_owned()),
        };
        // Then its rollback.
        let events = [("InProgress", 10), ("Failed", 15), ("InProgress", 20), ("Skipped", 25)];
        let events = events.map(|(status, second)| event(second, step(status)));

        let steps = lifecycle(&events);

        assert_eq!(steps.len(), 1);
        assert_eq!(
            (steps[0].began, steps[0].ended, steps[0].status.as_str()),
            (Some(10.0), Some(15.0), "Failed")
        );
        assert_eq!(steps[0].detail.as_deref(), Some("no room"));
    }
}
