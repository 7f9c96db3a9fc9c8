//! Resource types of CloudFormation itself.

use serde::Deserialize;

use super::{Attributes, Created, Resource, ResourceContext, ResourceTypes};
use crate::error::ServiceError;

pub(super) fn register(types: &mut ResourceTypes) {
    types.add::<WaitConditionHandle>();
}

/// `AWS::CloudFormation::WaitConditionHandle`: a name for nothing. On AWS its URL can be signalled; here
/// nobody listens.
struct WaitConditionHandle;

#[derive(Deserialize)]
struct Nothing {}

impl Resource for WaitConditionHandle {
    const TYPE: &'static str = "AWS::CloudFormation::WaitConditionHandle";
    type Properties = Nothing;

    async fn create(ctx: &ResourceContext, _: Nothing) -> Result<Created, ServiceError> {
        let physical_id = format!("{}/_local/wait/{}", ctx.cloud.endpoint(), ctx.token);
        Ok(Created { physical_id, attributes: Attributes::new() })
    }

    async fn delete(_: &ResourceContext, _: &str, _: Nothing) -> Result<(), ServiceError> {
        Ok(())
    }
}
