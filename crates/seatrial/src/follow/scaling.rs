//! The scaling of a service while a rollout of it runs. A scaling activity in the middle of a blue/green deployment counts
//! the tasks of both task sets as its capacity, and one that does not settle within five minutes fails the deployment
//! (ECS developer guide, "CodeDeploy blue/green deployments for Amazon ECS", considerations). So what policies do is
//! suspended from before the new tasks are made until the rollout is no longer followed. Scheduled actions go on: one whose
//! time passes meanwhile is never made up for (Application Auto Scaling user guide, "Suspend and resume scaling").
//!
//! | before | meanwhile | afterwards |
//! |---|---|---|
//! | scale-in and scale-out not both suspended | both are, scheduled actions as before | as before |
//! | these two alone | nothing is touched | resumed, once nothing is released: a run that was killed left it so |
//! | all three | nothing is touched | nothing is touched: somebody wants it so |
//! | changed by somebody meanwhile | | left as it is then |

use std::sync::{Mutex, PoisonError};

use super::Watch;
use crate::aws::status::{Progress, execution_progress};
use crate::aws::{AwsError, Suspended};

/// What a run of this tool leaves where nothing was suspended before it, and what AWS's own guide has people suspend for a
/// deployment alone (ECS developer guide, "Service auto scaling and deployments").
pub(crate) const FOR_A_ROLLOUT: Suspended = Suspended { scale_in: true, scale_out: true, scheduled: false };

const AS_BEFORE: &str = "automatic scaling goes on as before the deployment";

/// The scaling of one service, suspended by this run or not.
pub(crate) struct Scaling<'a> {
    watch: Watch<'a>,
    /// Cluster, and service.
    service: (&'a str, &'a str),
    releases: Releases<'a>,
    held: Mutex<Held>,
}

/// What releases the service.
pub(crate) struct Releases<'a> {
    pub pipeline: &'a str,
    /// The action of the pipeline behind which a rollout begins.
    pub last: &'static str,
    /// Application, and deployment group.
    pub deployments: (&'a str, &'a str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    /// Nobody has asked.
    Unknown,
    /// Both are suspended already: by another run, by one that was killed, by somebody.
    Found,
    /// There is nothing to suspend, or nobody who may.
    Never,
    /// By this run; whether AWS has said so.
    Here { before: Suspended, is_sure: bool },
}

impl<'a> Scaling<'a> {
    pub(crate) fn new(watch: Watch<'a>, service: (&'a str, &'a str), releases: Releases<'a>) -> Self {
        Self { watch, service, releases, held: Mutex::new(Held::Unknown) }
    }

    /// Suspends it where a rollout comes next: behind the end of this action.
    pub(super) async fn suspend_behind(&self, action: Option<&str>) {
        if action == Some(self.releases.last) {
            self.suspend().await;
        }
    }

    /// Suspends it, once. Whoever may not, or is not understood, releases all the same, and is told.
    pub(crate) async fn suspend(&self) {
        let Watch { aws, session } = self.watch;
        let known = self.held();
        if matches!(known, Held::Never | Held::Here { .. }) {
            return;
        }
        let before = match aws.suspended(self.service).await {
            Ok(Some(before)) => before,
            Ok(None) => return self.hold(Held::Never),
            Err(error) => {
                // Asked again as the rollout begins, if it may be answered then.
                self.hold(if error.passing { known } else { Held::Never });
                return self.warn("scaling may disturb the deployment: it cannot be suspended", &error);
            }
        };
        if before.scale_in && before.scale_out {
            if known != Held::Found {
                session.printer.event("scaling", format_args!("it is suspended already{}", whose(before)));
            }
            return self.hold(Held::Found);
        }
        // Before the call: one that is left in the middle may have been carried out, and is undone.
        self.hold(Held::Here { before, is_sure: false });
        let during = Suspended { scale_in: true, scale_out: true, ..before };
        match aws.suspend(self.service, during).await {
            Ok(()) => {
                self.hold(Held::Here { before, is_sure: true });
                session.printer.event("scaling", "suspended while the deployment runs");
            }
            Err(error) => {
                let was_refused = error.code.is_some() && !error.passing;
                if was_refused {
                    self.hold(Held::Never);
                }
                self.warn("scaling may disturb the deployment: it cannot be suspended", &error);
            }
        }
    }

    /// Puts back what this run suspended, unless somebody has changed it since; else resumes what a run left that was
    /// killed, unless something deploys. Awaited on every exit, and left by none.
    pub(crate) async fn resume(&self) {
        let aws = self.watch.aws;
        let held = self.held();
        if held == Held::Never {
            return;
        }
        let now = match (aws.suspended(self.service).await, held) {
            (Ok(Some(now)), _) => now,
            (Ok(None), _) => return,
            // What is suspended now is no more than a guess, and resumed all the same.
            (Err(_), Held::Here { before, .. }) => return self.put(before, AS_BEFORE).await,
            (Err(error), _) => return self.warn("whether scaling is suspended cannot be read", &error),
        };
        match held {
            Held::Here { before, is_sure } => {
                let during = Suspended { scale_in: true, scale_out: true, ..before };
                if now == during || !is_sure {
                    return self.put(before, AS_BEFORE).await;
                }
                let told = "somebody has changed meanwhile what is suspended: it stays so";
                self.watch.session.printer.event("scaling", told);
            }
            _ if now == FOR_A_ROLLOUT => match self.deploys().await {
                Ok(false) => {
                    self.put(Suspended::default(), "resumed: an earlier run had left it suspended").await
                }
                Ok(true) => {}
                Err(error) => self.warn("scaling is suspended, and stays so", &error),
            },
            _ => {}
        }
        self.hold(Held::Never);
    }

    /// Whether anything deploys, or will: whoever follows that may have suspended it.
    async fn deploys(&self) -> Result<bool, AwsError> {
        let Releases { pipeline, deployments: (application, group), .. } = self.releases;
        if !self.watch.aws.active_deployments(application, group).await?.is_empty() {
            return Ok(true);
        }
        let executions = self.watch.aws.list_executions(pipeline, |_| true).await?.unwrap_or_default();
        Ok(executions.iter().any(|one| execution_progress(&one.status) == Progress::Running))
    }

    async fn put(&self, state: Suspended, told: &str) {
        let Watch { aws, session } = self.watch;
        match aws.suspend(self.service, state).await {
            Ok(()) => {
                self.hold(Held::Never);
                session.printer.event("scaling", told);
            }
            Err(error) => {
                let status = session.command("status");
                self.warn(&format!("scaling is left suspended, `{status}` tells what to type"), &error);
            }
        }
    }

    fn warn(&self, what: &str, error: &AwsError) {
        self.watch.session.printer.warning(format!("{what}: {error}").replace('\n', " "));
    }

    fn held(&self) -> Held {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(&self, held: Held) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = held;
    }
}

/// By whom, as far as that can be known.
fn whose(found: Suspended) -> &'static str {
    match found == FOR_A_ROLLOUT {
        true => ": by another run, which resumes it, or by one that was killed",
        false => ", and stays so: by somebody",
    }
}

#[cfg(test)]
mod tests;
