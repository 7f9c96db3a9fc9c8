//! Builds that nobody looks at any more.

use super::store::CodeBuild;
use crate::cloud::Cloud;
use crate::collector::{YEAR, expire};
use crate::error::ServiceError;
use crate::operation::Freed;

pub(super) fn collect(cloud: &Cloud) -> Result<Vec<Freed>, ServiceError> {
    let before = cloud.clock().now().minus(YEAR);
    let ended = expire(&cloud.part::<CodeBuild>().builds, "old builds", before, |row| {
        Some((row.build.project_name.clone(), row.build.end_time?))
    })?;
    Ok(vec![ended])
}
