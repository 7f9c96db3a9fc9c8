//! The step `check`: asks the replacement tasks before any traffic goes to them, then lets their deployment go on, or stops
//! it.
//!
//! Changes in AWS: the deployment; for as long as is asked a rule of the load balancer's security group. Where no verdict
//! is reached nobody continues the deployment, and CodeDeploy stops it when its wait is over.

mod deployment;
mod door;
mod requests;

use std::time::Duration;

use seatrial_project::Check;

use crate::error::{ImageError, chain};
use crate::report::Report;
pub use deployment::{Deployer, Group};
pub use door::{Door, own_address};
pub use requests::{TestListener, local_address};

/// How often is looked.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Between two looks at the deployment.
    pub every: Duration,
    /// Between two tries to reach the listener, and between those of a check that was too slow.
    pub again: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { every: Duration::from_secs(2), again: Duration::from_secs(1) }
    }
}

/// What has to hold before traffic moves.
pub struct Checking<'a> {
    pub checks: Vec<Check>,
    /// With digest: whose deployment is meant.
    pub image: String,
    pub deployer: Deployer,
    pub group: Group,
    /// Where requests go.
    pub listener: TestListener,
    /// What is opened for them; `None` where everybody is let in.
    pub door: Option<Door>,
    /// For so long a deployment may take to be ready.
    pub patience: Duration,
    pub pace: Pace,
    pub report: Report<'a>,
}

impl Checking<'_> {
    /// Waits until the deployment of the image is ready, checks, and continues it. A check that fails stops it, with its
    /// rollback; so does `interrupted`.
    ///
    /// # Errors
    /// `ImageError::Failed` unless everything held and the deployment goes on.
    pub async fn run(
        self,
        run_task: impl AsyncFn(&[String]) -> Result<(), ImageError>,
        interrupted: impl Future<Output = ()>,
    ) -> Result<(), ImageError> {
        let ready =
            self.deployer.ready(&self.group, &self.image, (self.patience, self.pace.every), self.report);
        tokio::pin!(interrupted);
        let id = tokio::select! {
            biased;
            () = &mut interrupted => return Err(ImageError::failed("check the deployment", "the build was ended")),
            id = ready => id?,
        };
        let verdict = tokio::select! {
            biased;
            () = &mut interrupted => Err("the build was ended".to_owned()),
            verdict = self.all(run_task) => verdict,
        };
        // Whatever the verdict is: nobody else closes it.
        let closed = match &self.door {
            Some(door) => door.close().await,
            None => Ok(()),
        };
        if let Err(error) = &closed {
            (self.report)(&format!("warning: {}", chain(error)));
        }
        match verdict {
            Ok(()) => {
                self.deployer.go_on(&id).await?;
                (self.report)(&format!("deployment {id} goes on: traffic moves"));
                Ok(())
            }
            Err(why) => {
                (self.report)(&format!("stopping deployment {id}: {why}"));
                self.deployer.stop(&id).await?;
                Err(ImageError::failed(format!("let deployment {id} go on"), why))
            }
        }
    }

    /// All checks, in their order; why the first that fails does.
    async fn all(&self, run_task: impl AsyncFn(&[String]) -> Result<(), ImageError>) -> Result<(), String> {
        let asks = self.checks.iter().any(|check| matches!(check, Check::Request { .. }));
        if let Some(door) = self.door.as_ref().filter(|_| asks) {
            match door.close_what_was_left().await {
                Ok(0) => {}
                Ok(count) => (self.report)(&format!("rules of checks that were killed: {count} closed")),
                // It is not this check's own, which may go on.
                Err(error) => (self.report)(&format!("warning: {}", chain(&error))),
            }
            door.open().await.map_err(|error| chain(&error))?;
        }
        for check in &self.checks {
            let told = match check {
                Check::Command(command) => {
                    let ended = run_task(command).await;
                    ended.map_err(|error| chain(&error))?;
                    format!("`{}` ended with exit code 0", command.join(" "))
                }
                Check::Request { .. } => requests::verdict(&self.listener, check, self.pace.again).await?,
            };
            (self.report)(&format!("check held: {told}"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
