//! The engine of pipelines: moves the executions of one pipeline through its stages.
//!
//! ```text
//! execution: InProgress -> Succeeded | Failed | Superseded | Cancelled      InProgress -> Stopping -> Stopped
//! stage:     waiting (inbound) -> InProgress -> Succeeded | Failed | Stopped;  Failed -> InProgress (retry)
//! action:    InProgress -> Succeeded | Failed | Abandoned
//! ```
//! One pipeline is one record of the engine, so that who may enter a stage is decided in one place. What runs
//! elsewhere (a build, a deployment) is known by its id and asked for again after a restart.

mod action;
mod advance;
mod build;
mod deploy;
mod gate;
mod provider;
mod session;
mod source;
mod variables;

use std::time::Duration;

use super::store::{ActionStatus, CodePipeline, ExecutionRow};
use crate::cloud::Cloud;
use crate::engine::{Engine, Next};

/// How often builds and deployments are asked for, in real time.
const POLL: Duration = Duration::from_millis(500);

/// The engine of pipelines; keys are pipeline names.
pub(super) struct Pipelines;

impl Engine for Pipelines {
    const NAME: &'static str = "codepipeline-pipeline";
    const ENDS: bool = true;

    fn in_flight(cloud: &Cloud) -> Vec<String> {
        let rows = cloud.part::<CodePipeline>().executions.values().into_iter();
        let mut names: Vec<_> = rows.filter(|row| row.status.is_running()).map(|row| row.pipeline).collect();
        names.sort();
        names.dedup();
        names
    }

    async fn step(cloud: &Cloud, key: &str) -> Next {
        let running = || -> Vec<ExecutionRow> {
            let rows = cloud.part::<CodePipeline>().executions_of(key);
            rows.into_iter().filter(|row| row.status.is_running()).collect()
        };
        // One that leaves a stage lets another in.
        loop {
            let mut changed = false;
            for row in running() {
                changed |= advance::advance(cloud, &row.key()).await;
            }
            if !changed {
                break;
            }
        }
        let running = running();
        let acts = |row: &ExecutionRow| row.actions.iter().any(|run| run.status == ActionStatus::InProgress);
        if running.is_empty() {
            Next::Done
        } else if running.iter().any(acts) {
            Next::After(POLL)
        } else {
            Next::Wait
        }
    }

    fn fail(cloud: &Cloud, key: &str, why: &str) -> Next {
        for row in cloud.part::<CodePipeline>().executions_of(key) {
            if row.status.is_running() {
                advance::fail(cloud, &row, why);
            }
        }
        Next::Done
    }
}
