//! The engine of builds: takes a build up, runs it through CodeBuild's phases, and writes down how it ended.
//!
//! ```text
//! SUBMITTED QUEUED PROVISIONING DOWNLOAD_SOURCE INSTALL PRE_BUILD BUILD POST_BUILD UPLOAD_ARTIFACTS FINALIZING
//! COMPLETED; a phase that failed is followed as AWS does:
//!   PROVISIONING, DOWNLOAD_SOURCE -> FINALIZING      INSTALL, PRE_BUILD -> UPLOAD_ARTIFACTS
//!   BUILD -> POST_BUILD (on-failure: ABORT -> UPLOAD_ARTIFACTS)
//! ```
//! A build runs within one step, after it has waited in QUEUED for its turn. If the local cloud was ended meanwhile, the build has lost its host: FAULT.

mod artifacts;
mod book;
mod cache;
mod commands;
mod environment;
mod host;
mod log;
mod queue;
mod run;
mod secrets;
mod shell;
mod sink;
mod source;

use super::store::CodeBuild;
use crate::cloud::Cloud;
use crate::engine::{Engine, Next};
use book::{Book, End};

/// The engine of builds; keys are build ids.
pub(super) struct Builds;

impl Engine for Builds {
    const NAME: &'static str = "codebuild-build";
    const ENDS: bool = true;

    fn in_flight(cloud: &Cloud) -> Vec<String> {
        let builds = cloud.part::<CodeBuild>().builds.entries();
        builds.into_iter().filter(|(_, record)| !record.build.ended()).map(|(id, _)| id).collect()
    }

    async fn step(cloud: &Cloud, key: &str) -> Next {
        let part = cloud.part::<CodeBuild>();
        let Some(record) = part.builds.get(key) else { return Next::Done };
        if record.build.ended() {
            return Next::Done;
        }
        let book = Book::new(cloud, key);
        if record.taken_up {
            shell::end_leftovers(key);
            book.finish(End::Fault("The build's host ended before the build did"));
            return Next::Done;
        }
        match queue::turn(cloud, &book, &record) {
            queue::Turn::Later(next) => next,
            queue::Turn::Begin(slot) => {
                run::run(cloud, &book, record, slot).await;
                Next::Done
            }
        }
    }

    fn fail(cloud: &Cloud, key: &str, _why: &str) -> Next {
        shell::end_leftovers(key);
        Book::new(cloud, key).finish(End::Fault("Internal Service Error"));
        Next::Done
    }
}

/// Ends the processes of every build that runs: their records are looked at by the next start.
pub(super) fn end_processes(cloud: &Cloud) {
    for record in cloud.part::<CodeBuild>().builds.values() {
        if !record.build.ended() {
            shell::end_leftovers(&record.build.id);
        }
    }
}
