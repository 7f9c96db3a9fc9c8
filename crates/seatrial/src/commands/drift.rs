//! How the environment differs from its templates, and which of that is as it should be.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::at_once::all;
use super::deployed::Deployed;
use crate::aws::{Detection, DriftedResource};
use crate::context::Ctx;
use crate::follow::Look;

/// CloudFormation reads a resource after the other.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// A resource that is not as its template says.
#[derive(Debug, Serialize)]
pub(super) struct Drifted {
    /// The stack's name.
    stack: String,
    #[serde(flatten)]
    resource: DriftedResource,
    /// Why it should be so; `None` where somebody changed it beside CloudFormation.
    expected_because: Option<&'static str>,
}

/// Detects the drift of all stacks, at once.
pub(super) async fn detect(ctx: &Ctx, deployed: &Deployed) -> anyhow::Result<Vec<Drifted>> {
    let found = all(deployed.stacks.values().map(|stack| one(ctx, &stack.name, &stack.id))).await;
    let found = found.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    Ok(found.into_iter().flatten().collect())
}

async fn one(ctx: &Ctx, name: &str, id: &str) -> anyhow::Result<Vec<Drifted>> {
    let detection = ctx.reading(ctx.aws.detect_drift(id)).await?;
    let mut poll = ctx.watch().poll(format!("the drift detection of stack `{name}`"), PATIENCE);
    let ended = poll.until(async || {
        Ok(match ctx.aws.drift_detection(&detection).await? {
            Detection::Running => Look::Nothing,
            ended => Look::Ended(ended),
        })
    });
    if let Detection::Failed(why) = ended.await? {
        ctx.printer().warning(format_args!("not every resource of stack `{name}` could be read: {why}"));
    }
    let resources = ctx.reading(ctx.aws.drifted_resources(id)).await?;
    let drifted = |resource: DriftedResource| Drifted {
        stack: name.to_owned(),
        expected_because: expected(&resource),
        resource,
    };
    Ok(resources.into_iter().map(drifted).collect())
}

/// Why a resource differs that nobody changed by hand: all its differences must have a reason.
fn expected(resource: &DriftedResource) -> Option<&'static str> {
    let only = |starts: &[&str]| {
        let known = |path: &str| starts.iter().any(|start| path.starts_with(start));
        resource.status == "MODIFIED" && resource.differences.iter().all(|difference| known(&difference.path))
    };
    match resource.resource_type.as_str() {
        "AWS::ElasticLoadBalancingV2::ListenerRule" if only(&["/Actions"]) => {
            Some("deployments move traffic by this rule")
        }
        "AWS::ECS::Service"
            if only(&[
                "/TaskDefinition",
                "/LoadBalancers",
                "/DesiredCount",
                "/NetworkConfiguration",
                "/PlatformVersion",
            ]) =>
        {
            Some("releases and scaling change the service")
        }
        _ => None,
    }
}

impl fmt::Display for Drifted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DriftedResource { logical_id, resource_type, status, differences } = &self.resource;
        write!(f, "drift in {}: {logical_id} ({resource_type}) {status}", self.stack)?;
        if let Some(because) = self.expected_because {
            return write!(f, ", as it should be: {because}");
        }
        for difference in differences {
            write!(f, "\n  {}: {} -> {}", difference.path, difference.expected, difference.actual)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::PropertyDrift;

    fn drifted(resource_type: &str, status: &str, paths: &[&str]) -> DriftedResource {
        let difference = |path: &&str| PropertyDrift {
            path: (*path).to_owned(),
            expected: "100".to_owned(),
            actual: "0".to_owned(),
        };
        DriftedResource {
            logical_id: "It".to_owned(),
            resource_type: resource_type.to_owned(),
            status: status.to_owned(),
            differences: paths.iter().map(difference).collect(),
        }
    }

    #[test]
    fn what_releases_change_is_expected_and_whatever_else_differs_is_not() {
        let rule = "AWS::ElasticLoadBalancingV2::ListenerRule";
        let weight = "/Actions/0/ForwardConfig/TargetGroups/0/Weight";
        assert!(expected(&drifted(rule, "MODIFIED", &[weight])).is_some());
        assert!(expected(&drifted(rule, "MODIFIED", &[weight, "/Priority"])).is_none());
        assert!(expected(&drifted(rule, "DELETED", &[])).is_none());
        assert!(expected(&drifted("AWS::ECS::Service", "MODIFIED", &["/TaskDefinition"])).is_some());
        let ingress = drifted("AWS::EC2::SecurityGroup", "MODIFIED", &["/SecurityGroupIngress/1"]);
        assert!(expected(&ingress).is_none());
        assert!(expected(&drifted("AWS::S3::Bucket", "MODIFIED", &["/Actions"])).is_none());
    }
}
