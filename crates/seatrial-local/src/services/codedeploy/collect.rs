//! Deployments that nobody looks at any more.

use super::store::CodeDeploy;
use crate::cloud::Cloud;
use crate::collector::{YEAR, expire};
use crate::error::ServiceError;
use crate::operation::Freed;

pub(super) fn collect(cloud: &Cloud) -> Result<Vec<Freed>, ServiceError> {
    let before = cloud.clock().now().minus(YEAR);
    let ended = expire(&cloud.part::<CodeDeploy>().deployments, "old deployments", before, |row| {
        let group = format!("{}/{}", row.info.application_name, row.info.deployment_group_name);
        Some((group, row.info.complete_time?))
    })?;
    Ok(vec![ended])
}
