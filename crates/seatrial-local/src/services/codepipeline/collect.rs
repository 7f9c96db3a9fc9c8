//! Executions that nobody looks at any more.

use super::store::CodePipeline;
use crate::cloud::Cloud;
use crate::collector::{YEAR, expire};
use crate::error::ServiceError;
use crate::operation::Freed;

pub(super) fn collect(cloud: &Cloud) -> Result<Vec<Freed>, ServiceError> {
    let before = cloud.clock().now().minus(YEAR);
    let ended = expire(&cloud.part::<CodePipeline>().executions, "old executions", before, |row| {
        (!row.status.is_running()).then(|| (row.pipeline.clone(), row.updated))
    })?;
    Ok(vec![ended])
}
