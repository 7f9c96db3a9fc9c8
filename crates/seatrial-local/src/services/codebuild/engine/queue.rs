//! A build on its way to its host: submitted, then queued while as many builds of its project run as the project's
//! `concurrentBuildLimit` allows. The oldest begins first.

use std::time::Duration;

use super::super::store::{BuildRecord, CodeBuild};
use super::book::{Book, End};
use crate::cloud::Cloud;
use crate::engine::Next;

/// Between two looks at whether the build's turn has come.
const LOOK: Duration = Duration::from_millis(100);

/// What comes next for a build that has not begun.
pub(super) enum Turn {
    /// It begins, in the work folder of this number.
    Begin(usize),
    /// It is looked at again, or has ended.
    Later(Next),
}

/// Waiting costs a build its time in the queue, which is real time, as its time-out is.
pub(super) fn turn(cloud: &Cloud, book: &Book, record: &BuildRecord) -> Turn {
    let part = cloud.part::<CodeBuild>();
    let build = &record.build;
    if build.phases.is_empty() {
        book.enter("SUBMITTED");
        book.leave(&Ok(()));
        book.enter("QUEUED");
    }
    if part.stopper(&build.id).is_cancelled() {
        return end(&part, book, End::Stopped);
    }
    let project = &build.project_name;
    let limit = part.projects.get(project).and_then(|project| project.concurrent_build_limit);
    let slot = match limit {
        None => Some(part.take_slot(project)),
        Some(_) if waits_behind(&part, record) => None,
        Some(limit) => part.take_slot_of(project, usize::try_from(limit).unwrap_or(usize::MAX)),
    };
    if let Some(slot) = slot {
        book.leave(&Ok(()));
        return Turn::Begin(slot);
    }
    let longest = Duration::from_secs(build.queued_timeout_in_minutes * 60);
    if cloud.clock().now().since(build.start_time) >= longest {
        return end(&part, book, End::TimedOut);
    }
    Turn::Later(Next::After(LOOK))
}

fn end(part: &CodeBuild, book: &Book, end: End) -> Turn {
    part.forget_stopper(book.id());
    book.finish(end);
    Turn::Later(Next::Done)
}

fn waits_behind(part: &CodeBuild, record: &BuildRecord) -> bool {
    let of_project = part.builds.with_prefix(&format!("{}:", record.build.project_name));
    of_project.iter().any(|(_, other)| {
        !other.taken_up && !other.build.ended() && other.build.build_number < record.build.build_number
    })
}
