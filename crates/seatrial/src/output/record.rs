//! What was told of stacks and what else is made, put together: which operation took from when to when, and in it each
//! resource, by AWS's own clock.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::event::{Event, Phase, What, between};

/// Something that went on for a while.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Span {
    /// A stack's name, or a logical ID.
    pub name: String,
    /// The resource's type; empty for a stack, and for what is none.
    pub kind: String,
    /// The first word of its first status, `CREATE` of `CREATE_IN_PROGRESS`; empty for what is no stack.
    pub operation: String,
    pub began: Timestamp,
    /// The last that was heard of it, where its end was not seen.
    pub ended: Timestamp,
    pub status: String,
    pub phase: Phase,
    pub reason: Option<String>,
    /// Both its beginning and its end were seen.
    pub is_whole: bool,
}

/// One operation of a stack, or something else that was made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Operation {
    pub own: Span,
    pub resources: Vec<Span>,
}

/// The operations that events tell of, in the order in which they began.
pub(crate) fn operations(events: &[Event]) -> Vec<Operation> {
    let mut all: Vec<Operation> = Vec::new();
    // Where the operation of a subject is that goes on, and when a subject came into work.
    let (mut open, mut begun) = (BTreeMap::new(), BTreeMap::new());
    for event in events {
        let subject = event.subject.as_str();
        match &event.what {
            What::InWork => drop(begun.insert(subject, event.time)),
            What::Reached { changed, failed } => {
                if let Some(began) = begun.remove(subject)
                    && (*changed || *failed)
                {
                    all.push(Operation::made(subject, (began, event.time), *failed));
                }
            }
            What::Resource { is_stack, phase, .. } => {
                // Of a stack its own events say more.
                begun.remove(subject);
                let at = *open.entry(subject).or_insert_with(|| {
                    all.push(Operation { own: Span::begun(event), resources: Vec::new() });
                    all.len() - 1
                });
                let Some(operation) = all.get_mut(at) else { continue };
                operation.take(event);
                if *is_stack && !matches!(phase, Phase::OnTheWay | Phase::RollsBack) {
                    open.remove(subject);
                }
            }
            _ => {}
        }
    }
    all.sort_by_key(|operation| operation.own.began);
    all
}

impl Operation {
    fn made(subject: &str, (began, ended): (Timestamp, Timestamp), failed: bool) -> Self {
        let own = Span {
            name: subject.to_owned(),
            kind: String::new(),
            operation: String::new(),
            began,
            ended,
            status: if failed { "failed" } else { "done" }.to_owned(),
            phase: if failed { Phase::Failed } else { Phase::Done },
            reason: None,
            is_whole: true,
        };
        Self { own, resources: Vec::new() }
    }

    fn take(&mut self, event: &Event) {
        self.own.ended = self.own.ended.max(event.time);
        let What::Resource { logical_id, is_stack, .. } = &event.what else { return };
        if *is_stack {
            self.own.go_on(event);
            return;
        }
        let open = |span: &&mut Span| span.name == *logical_id && !span.is_over();
        match self.resources.iter_mut().rev().find(open) {
            Some(span) => span.go_on(event),
            None => self.resources.push(Span::begun(event)),
        }
    }
}

impl Span {
    pub(crate) fn took(&self) -> Duration {
        between(self.began, self.ended)
    }

    fn begun(event: &Event) -> Self {
        let mut span = Self {
            name: event.subject.clone(),
            kind: String::new(),
            operation: String::new(),
            began: event.time,
            ended: event.time,
            status: String::new(),
            phase: Phase::OnTheWay,
            reason: None,
            is_whole: false,
        };
        if let What::Resource { logical_id, resource_type, status, is_stack, .. } = &event.what {
            span.operation = status.split('_').next().unwrap_or_default().to_owned();
            if !is_stack {
                (span.name, span.kind) = (logical_id.clone(), resource_type.clone());
                span.go_on(event);
                // Its end is the first that was heard of it.
                span.is_whole = false;
            }
        }
        span
    }

    fn go_on(&mut self, event: &Event) {
        let What::Resource { status, reason, phase, .. } = &event.what else { return };
        self.ended = self.ended.max(event.time);
        self.status.clone_from(status);
        self.reason = reason.clone().or(self.reason.take());
        self.phase = *phase;
        self.is_whole = self.is_over();
    }

    fn is_over(&self) -> bool {
        !matches!(self.phase, Phase::OnTheWay | Phase::RollsBack)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// So many seconds after seven o'clock, of a stack or `stack.Resource`.
    pub(crate) fn event(seconds: i64, about: &str, status: &str, phase: Phase) -> Event {
        let time = Timestamp::from_second(1_795_762_800 + seconds).unwrap();
        let (stack, id) = about.split_once('.').unwrap_or((about, about));
        let is_stack = stack == id;
        let kind =
            if is_stack { "AWS::CloudFormation::Stack".to_owned() } else { format!("AWS::Test::{id}") };
        let what = What::Resource {
            logical_id: id.to_owned(),
            resource_type: kind,
            status: status.to_owned(),
            reason: (phase == Phase::Failed).then(|| "it <cannot> be".to_owned()),
            phase,
            is_stack,
        };
        Event::new(Some(time), stack, what)
    }

    pub(crate) fn node(seconds: i64, subject: &str, what: What) -> Event {
        Event::new(Some(Timestamp::from_second(1_795_762_800 + seconds).unwrap()), subject, what)
    }

    #[test]
    fn an_operation_goes_from_the_first_to_the_last_event_of_its_stack_and_so_do_its_resources() {
        let (way, done) = (Phase::OnTheWay, Phase::Done);
        let events = [
            node(0, "a", What::InWork),
            event(1, "a", "CREATE_IN_PROGRESS", way),
            event(2, "a.R", "CREATE_IN_PROGRESS", way),
            event(3, "a.R", "CREATE_IN_PROGRESS", way),
            node(3, "first image", What::InWork),
            event(9, "a.R", "CREATE_COMPLETE", done),
            event(9, "a.Kept", "DELETE_SKIPPED", done),
            event(10, "a", "CREATE_COMPLETE", done),
            node(11, "a", What::Reached { changed: true, failed: false }),
            node(70, "first image", What::Reached { changed: true, failed: false }),
            node(70, "task definition", What::InWork),
            node(71, "task definition", What::Reached { changed: false, failed: false }),
            event(80, "a", "UPDATE_IN_PROGRESS", way),
        ];

        let told = operations(&events);

        let took = |span: &Span| span.ended.duration_since(span.began).as_secs();
        let own: Vec<_> =
            told.iter().map(|one| (one.own.name.as_str(), took(&one.own), one.own.is_whole)).collect();
        assert_eq!(own, [("a", 9, true), ("first image", 67, true), ("a", 0, false)]);
        let resources = told[0].resources.iter();
        let resources: Vec<_> =
            resources.map(|span| (span.name.as_str(), took(span), span.is_whole)).collect();
        assert_eq!(resources, [("R", 7, true), ("Kept", 0, false)]);
        assert_eq!((told[0].own.operation.as_str(), told[2].own.operation.as_str()), ("CREATE", "UPDATE"));
    }
}
