//! Stopped tasks that nobody looks at any more.

use std::time::Duration;

use super::store::EcsStore;
use crate::cloud::Cloud;
use crate::collector::expire;
use crate::error::ServiceError;
use crate::operation::Freed;

/// "At least one hour" (API reference: DescribeTasks); a day, for who looks in the morning.
const STOPPED: Duration = Duration::from_secs(24 * 3600);

pub(super) fn collect(cloud: &Cloud) -> Result<Vec<Freed>, ServiceError> {
    let before = cloud.clock().now().minus(STOPPED);
    let stopped = expire(&cloud.part::<EcsStore>().tasks, "stopped tasks", before, |row| {
        Some((row.task.cluster_arn.clone(), row.task.stopped_at?))
    })?;
    Ok(vec![stopped])
}
