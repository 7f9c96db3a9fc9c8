//! Follows one stack operation to its end by its events.

use std::time::Duration;

use super::{Look, Watch};
use crate::aws::StackEvent;
use crate::aws::status::{StackPhase, resource_failed, rollback_begins, stack_phase};
use crate::output::{Event, Phase, What};

/// A database takes AWS up to half an hour.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// How an operation ended.
#[derive(Debug)]
pub(crate) struct StackEnd {
    /// The stack's status as AWS spells it.
    pub status: String,
    /// All events of the operation, oldest first.
    pub events: Vec<StackEvent>,
}

/// Tells the events of stack `id` that come after `last`, until the stack itself is at rest.
pub(crate) async fn follow_stack(
    watch: Watch<'_>,
    stack: (&str, &str),
    last: Option<String>,
) -> anyhow::Result<StackEnd> {
    follow_stack_seeing(watch, stack, last, |_| {}).await
}

/// The same; `seen` is shown each event.
pub(crate) async fn follow_stack_seeing(
    watch: Watch<'_>,
    (name, id): (&str, &str),
    mut last: Option<String>,
    seen: impl Fn(&StackEvent),
) -> anyhow::Result<StackEnd> {
    let mut poll = watch.poll(format!("the operation on stack `{name}`"), PATIENCE);
    let mut events: Vec<StackEvent> = Vec::new();
    let mut gone = false;
    let mut ended: Option<String> = None;
    let status = poll
        .until(async || {
            let new = watch.aws.stack_events_after(id, last.as_deref()).await?;
            if let Some(status) = ended.take() {
                // Whoever begins another operation has found this one ended.
                let is_known = !new.is_empty() || is_told_at_rest(watch, id).await?;
                ended = (!is_known).then(|| status.clone());
                return Ok(if is_known { Look::Ended(status) } else { Look::Nothing });
            }
            let Some(newest) = new.last() else { return quiet(watch, id, &mut gone).await };
            last = Some(newest.id.clone());
            new.iter().for_each(|event| watch.session.printer.tell(told((name, id), event)));
            new.iter().for_each(&seen);
            events.extend(new);
            let end = events.last().filter(|event| event.physical_id == id && at_rest(&event.status));
            let Some(end) = end else { return Ok(Look::News) };
            let status = end.status.clone();
            if is_told_at_rest(watch, id).await? {
                return Ok(Look::Ended(status));
            }
            ended = Some(status);
            Ok(Look::News)
        })
        .await?;
    Ok(StackEnd { status, events })
}

/// Events and descriptions need not agree at once: what a stack gives out is there when its description says so.
async fn is_told_at_rest(watch: Watch<'_>, id: &str) -> anyhow::Result<bool> {
    Ok(watch.aws.describe_stack(id).await?.is_none_or(|stack| at_rest(&stack.status)))
}

/// Nothing new: where somebody else has deleted the stack before, no event will ever come. Where it was deleted between
/// this question and the one for its events, these are there by now, and are asked for once more.
async fn quiet(watch: Watch<'_>, id: &str, gone: &mut bool) -> anyhow::Result<Look<String>> {
    const GONE: &str = "DELETE_COMPLETE";
    if *gone {
        return Ok(Look::Ended(GONE.to_owned()));
    }
    *gone = watch.aws.describe_stack(id).await?.is_none_or(|stack| stack.status == GONE);
    Ok(if *gone { Look::News } else { Look::Nothing })
}

fn told((stack, id): (&str, &str), event: &StackEvent) -> Event {
    let is_stack = event.physical_id == id;
    let what = What::Resource {
        logical_id: event.logical_id.clone(),
        resource_type: event.resource_type.clone(),
        status: event.status.clone(),
        reason: event.reason.clone(),
        phase: phase(event, is_stack),
        is_stack,
    };
    Event::new(event.time, stack, what)
}

fn phase(event: &StackEvent, is_stack: bool) -> Phase {
    let status = &event.status;
    let succeeded = || matches!(stack_phase(status), StackPhase::Stable | StackPhase::Absent);
    if rollback_begins(status) {
        Phase::RollsBack
    } else if !at_rest(status) {
        Phase::OnTheWay
    } else if is_cancelled(event) {
        Phase::Cancelled
    } else if resource_failed(status) || is_stack && !succeeded() {
        Phase::Failed
    } else {
        Phase::Done
    }
}

fn at_rest(status: &str) -> bool {
    !status.ends_with("_IN_PROGRESS")
}

/// The event that everything else follows from: the oldest genuine failure.
pub(crate) fn root_cause(events: &[StackEvent]) -> Option<&StackEvent> {
    events.iter().find(|event| resource_failed(&event.status) && !is_cancelled(event))
}

/// What a failure cancels says so: `Resource creation cancelled`, and the same of updates, deletions and imports.
fn is_cancelled(event: &StackEvent) -> bool {
    let reason = event.reason.as_deref().unwrap_or_default();
    resource_failed(&event.status) && reason.starts_with("Resource ") && reason.contains(" cancelled")
}

/// The events of the rollback, where the operation was rolled back.
pub(crate) fn rollback_of(events: &[StackEvent]) -> Option<&[StackEvent]> {
    let begins = |event: &StackEvent| rollback_begins(&event.status);
    events.iter().position(begins).and_then(|first| events.get(first..))
}

#[cfg(test)]
mod tests {
    use seatrial_local::{Fault, FaultKind};

    use super::*;
    use crate::aws::ChangeSetRequest;
    use crate::aws::tests::InProcess;
    use crate::output::{Format, Printer};
    use crate::session::Session;

    /// A stack of so many resources, begun by a change set; its id.
    async fn begin(local: &InProcess, resources: usize) -> String {
        let one = |number| format!("  Handle{number}: {{Type: AWS::CloudFormation::WaitConditionHandle}}\n");
        let template = format!("Resources:\n{}", (0..resources).map(one).collect::<String>());
        let request = ChangeSetRequest {
            stack_name: "many",
            change_set_name: "first",
            create: true,
            revert_drift: false,
            template: &template,
            parameters: &[],
            tags: &Default::default(),
            capabilities: Default::default(),
            imports: &[],
        };
        let set = local.aws.create_change_set(&request, None).await.unwrap();
        local.aws.execute_change_set(&set).await.unwrap();
        local.aws.describe_stack("many").await.unwrap().unwrap().id
    }

    #[tokio::test]
    async fn a_stack_is_followed_through_throttling_and_errors_of_aws() {
        let local = InProcess::start().await;
        for kind in [FaultKind::Throttle, FaultKind::Error] {
            let operation = Some("DescribeStackEvents".to_owned());
            local.cloud.cloud().faults().arm(Fault { operation, count: 5, ..Fault::new(kind) });
        }
        let id = begin(&local, 1).await;
        let session = Session::new(Printer::new(Format::Text), "cargo xtask");

        let watch = Watch { aws: &local.aws, session: &session };
        let end = follow_stack(watch, ("many", &id), None).await.unwrap();

        assert_eq!(end.status, "CREATE_COMPLETE");
        assert!(local.cloud.cloud().faults().armed().is_empty());
    }

    #[tokio::test]
    async fn every_call_of_a_follower_is_borne_where_aws_is_busy_or_broken() {
        let local = InProcess::start().await;
        let id = begin(&local, 1).await;
        let stack = async || local.aws.describe_stack(&id).await.unwrap().map(|stack| stack.status);
        while stack().await.as_deref() != Some("CREATE_COMPLETE") {
            tokio::task::yield_now().await;
        }
        local.aws.delete_stack(&id, &[]).await.unwrap();
        while stack().await.as_deref() != Some("DELETE_COMPLETE") {
            tokio::task::yield_now().await;
        }
        // No event will come: what it has become is asked otherwise.
        let last = local.aws.newest_stack_event(&id).await.unwrap();
        let session = Session::new(Printer::new(Format::Text), "cargo xtask");
        for operation in ["DescribeStackEvents", "DescribeStacks"] {
            for kind in [FaultKind::Throttle, FaultKind::Error] {
                let operation = Some(operation.to_owned());
                local.cloud.cloud().faults().arm(Fault { operation, count: 3, ..Fault::new(kind) });

                let watch = Watch { aws: &local.aws, session: &session };
                let end = follow_stack(watch, ("many", &id), last.clone()).await.unwrap();

                assert_eq!(end.status, "DELETE_COMPLETE");
                assert!(local.cloud.cloud().faults().armed().is_empty());
            }
        }
    }

    #[tokio::test]
    async fn what_happens_while_a_quiet_stack_is_looked_at_is_told() {
        let local = InProcess::start().await;
        let id = begin(&local, 1).await;
        while local.aws.describe_stack(&id).await.unwrap().unwrap().status != "CREATE_COMPLETE" {
            tokio::task::yield_now().await;
        }
        let last = local.aws.newest_stack_event(&id).await.unwrap();
        let operation = Some("DescribeStacks".to_owned());
        let faults = local.cloud.cloud().faults();
        faults.arm(Fault { operation, delay_ms: 2_000, ..Fault::new(FaultKind::Slow) });
        let session = Session::new(Printer::new(Format::Text), "cargo xtask");
        // There was no event yet, and the question for its status is on its way.
        let delete = async {
            while !faults.armed().is_empty() {
                tokio::task::yield_now().await;
            }
            local.aws.delete_stack(&id, &[]).await.unwrap();
        };

        let watch = Watch { aws: &local.aws, session: &session };
        let (end, ()) = tokio::join!(follow_stack(watch, ("many", &id), last), delete);

        let end = end.unwrap();
        assert_eq!(end.status, "DELETE_COMPLETE");
        let told: Vec<_> = end.events.iter().map(|event| event.status.as_str()).collect();
        assert_eq!((told.first(), told.last()), (Some(&"DELETE_IN_PROGRESS"), Some(&"DELETE_COMPLETE")));
    }

    #[tokio::test]
    async fn all_150_resources_of_a_stack_are_listed() {
        let local = InProcess::start().await;
        let id = begin(&local, 150).await;
        while local.aws.describe_stack(&id).await.unwrap().unwrap().status != "CREATE_COMPLETE" {
            tokio::task::yield_now().await;
        }

        let listed = local.aws.list_stack_resources(&id).await.unwrap();

        let names: std::collections::BTreeSet<_> = listed.into_iter().map(|one| one.logical_id).collect();
        assert_eq!(names.len(), 150);
    }

    #[tokio::test]
    async fn an_access_denied_ends_the_following_of_a_stack_at_once() {
        let local = InProcess::start().await;
        let id = begin(&local, 1).await;
        let operation = Some("DescribeStackEvents".to_owned());
        local.cloud.cloud().faults().arm(Fault { operation, ..Fault::new(FaultKind::Deny) });
        let session = Session::new(Printer::new(Format::Text), "cargo xtask");

        let watch = Watch { aws: &local.aws, session: &session };
        let ended = follow_stack(watch, ("many", &id), None).await.unwrap_err();

        assert!(format!("{ended:#}").contains("AccessDenied: User: "), "{ended:#}");
    }

    fn event(logical_id: &str, status: &str, reason: &str) -> StackEvent {
        StackEvent {
            id: String::new(),
            time: None,
            logical_id: logical_id.to_owned(),
            physical_id: String::new(),
            resource_type: String::new(),
            status: status.to_owned(),
            reason: Some(reason.to_owned()),
        }
    }

    #[test]
    fn where_a_resource_and_where_its_stack_stands_is_told_apart() {
        let cases = [
            ("A", "CREATE_IN_PROGRESS", "", Phase::OnTheWay),
            ("A", "CREATE_COMPLETE", "", Phase::Done),
            ("A", "DELETE_SKIPPED", "", Phase::Done),
            ("A", "CREATE_FAILED", "the bucket exists", Phase::Failed),
            ("A", "CREATE_FAILED", "Resource creation cancelled", Phase::Cancelled),
            (
                "stack",
                "ROLLBACK_IN_PROGRESS",
                "The following resource(s) failed to create: [A].",
                Phase::RollsBack,
            ),
            ("stack", "UPDATE_ROLLBACK_COMPLETE", "", Phase::Failed),
            ("stack", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "", Phase::OnTheWay),
            ("stack", "DELETE_COMPLETE", "", Phase::Done),
        ];
        for (logical_id, status, reason, expected) in cases {
            let event = event(logical_id, status, reason);
            assert_eq!(phase(&event, logical_id == "stack"), expected, "{logical_id} {status} {reason}");
        }
    }

    #[test]
    fn the_root_cause_is_the_oldest_failure_that_was_not_cancelled() {
        let events = [
            event("A", "CREATE_IN_PROGRESS", ""),
            event("B", "CREATE_FAILED", "Resource creation cancelled"),
            event("D", "DELETE_FAILED", "Resource deletion cancelled"),
            event("C", "CREATE_FAILED", "the bucket exists"),
            event("stack", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [C, B]."),
        ];

        assert_eq!(root_cause(&events).map(|event| event.logical_id.as_str()), Some("C"));
    }
}
