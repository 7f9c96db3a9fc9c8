//! A rollback: production goes back to the original task set, the replacement is deleted.

use std::time::Duration;

use super::turn::{LOOK, Trouble, Turn};
use crate::engine::Next;
use crate::services::codedeploy::deployment::Phase;

/// A task set that drains longer is left to ECS; on AWS's time.
const DRAINING: i64 = 10;
/// Whatever the scale of time.
const SHORTEST: Duration = Duration::from_secs(15);

impl Turn<'_> {
    /// Touches production only where the failed deployment did.
    pub(super) async fn back(mut self) -> Result<Next, Trouble> {
        let now = self.cloud.clock().now();
        for event in ["BeforeInstall", "Install", "AfterInstall", "AllowTestTraffic", "AfterAllowTestTraffic"]
        {
            self.row.skip(event, now);
        }
        self.row.skip("BeforeAllowTraffic", now);
        let Some(original) = self.row.blue.clone() else {
            self.row.skip("AllowTraffic", now);
            self.row.skip("AfterAllowTraffic", now);
            return self.enter(Phase::Remove);
        };
        self.row.begin("AllowTraffic", now);
        self.store.save(&self.row)?;
        let (blue, green) = self.groups();
        let listener = self.production_listener()?;
        let mut traffic = self.traffic(&listener, [&blue, &green]).await?;
        let was_shifted = traffic.percent(&blue.arn) < 100.0;
        if was_shifted {
            traffic = self.route(&listener, [(&blue, 100), (&green, 0)]).await?;
        }
        self.note_traffic(&traffic);
        let service = self.look().await?;
        let found = service.task_sets.iter().find(|set| set.id == original.id);
        if found.is_some_and(|set| set.status != "PRIMARY") {
            self.make_primary(&original.id).await?;
            self.look().await?;
        }
        let now = self.cloud.clock().now();
        match was_shifted {
            true => self.row.succeed("AllowTraffic", now),
            false => self.row.skip("AllowTraffic", now),
        }
        self.row.skip("AfterAllowTraffic", now);
        self.enter(Phase::Remove)
    }

    /// Deletes what the failed deployment made; its task set bears its id.
    pub(super) async fn remove(mut self) -> Result<Next, Trouble> {
        let rollback = self.row.info.rollback_info.clone().unwrap_or_default();
        let failed = rollback.rollback_triggering_deployment_id;
        let service = self.service().await?;
        let made = service.task_sets.iter().filter(|set| set.external_id == failed && set.status == "ACTIVE");
        for set in made {
            self.delete_task_set(&set.id).await?;
        }
        self.look().await?;
        self.enter(Phase::Gone)
    }

    /// Waits until the deleted task set has drained; what takes too long ECS ends alone.
    pub(super) async fn await_gone(mut self) -> Result<Next, Trouble> {
        let service = self.look().await?;
        let drains = service.task_sets.iter().any(|set| {
            let sets = [&self.row.blue, &self.row.green];
            set.status == "DRAINING" && sets.into_iter().flatten().any(|own| own.id == set.id)
        });
        let waited = self.cloud.clock().now().since(self.row.since);
        if drains && (waited < SHORTEST || !self.has_waited(DRAINING)) {
            return self.save(LOOK);
        }
        self.succeed()
    }
}
