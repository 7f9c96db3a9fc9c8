//! AWS's services, one folder each: operations over a store, and engines.
//!
//! A service's store is its own: other services reach it through [`crate::Cloud::call`] only.

pub(crate) mod acm;
mod authorization;
pub(crate) mod autoscaling;
pub(crate) mod cloudformation;
pub(crate) mod cloudwatch;
pub(crate) mod codebuild;
pub(crate) mod codeconnections;
pub(crate) mod codedeploy;
pub(crate) mod codepipeline;
pub(crate) mod ec2;
pub(crate) mod ecr;
pub(crate) mod ecs;
pub(crate) mod elbv2;
pub(crate) mod iam;
pub(crate) mod kms;
pub(crate) mod logs;
mod page;
pub(crate) mod rds;
pub(crate) mod s3;
pub(crate) mod secretsmanager;
pub(crate) mod ssm;
mod stand_in;
pub(crate) mod sts;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cloud::Cloud;
use crate::collector::Collector;
use crate::operation::Operations;

pub(crate) use page::SOURCES;
pub(crate) use stand_in::StandIn;

/// Serves every operation of every service.
pub(crate) fn register(operations: &mut Operations) {
    operations.set_gate(authorization::gate);
    acm::register(operations);
    autoscaling::register(operations);
    cloudformation::register(operations);
    cloudwatch::register(operations);
    codebuild::register(operations);
    codeconnections::register(operations);
    codedeploy::register(operations);
    codepipeline::register(operations);
    ec2::register(operations);
    ecr::register(operations);
    ecs::register(operations);
    elbv2::register(operations);
    iam::register(operations);
    kms::register(operations);
    logs::register(operations);
    rds::register(operations);
    s3::register(operations);
    secretsmanager::register(operations);
    ssm::register(operations);
    sts::register(operations);
}

/// A role, and what it may.
#[derive(Serialize)]
pub(crate) struct RoleOfStack {
    name: String,
    arn: String,
    /// The stack that made it, and its logical ID there.
    stack: Option<String>,
    logical_id: Option<String>,
    /// JSON.
    trust: String,
    /// JSON by name, inline and managed ones that are known.
    policies: BTreeMap<String, String>,
}

/// The roles of the account, without service-linked ones.
pub(crate) fn roles_with_policies(cloud: &Cloud) -> Vec<RoleOfStack> {
    let of = |(name, arn): (String, String)| {
        let policies = iam::policies_of(cloud, &arn)?;
        let (stack, logical_id) = cloudformation::made_by(cloud, "AWS::IAM::Role", &name).unzip();
        let (trust, policies) = (policies.trust, policies.identity.into_iter().collect());
        Some(RoleOfStack { name, arn, stack, logical_id, trust, policies })
    };
    iam::roles(cloud).into_iter().filter_map(of).collect()
}

/// Takes up what was under way, in the order in which one needs the other: databases, load balancers, tasks,
/// then what waits for them.
pub(crate) async fn resume(cloud: &Cloud) {
    rds::resume(cloud).await;
    acm::renew(cloud);
    elbv2::resume(cloud).await;
    ecs::resume(cloud).await;
    cloudwatch::resume(cloud);
    cloud.resume::<Collector>();
    codebuild::resume(cloud).await;
    codedeploy::resume(cloud).await;
    codepipeline::resume(cloud).await;
    cloudformation::resume(cloud).await;
}

/// Ends what runs outside this process: tasks, builds, databases.
pub(crate) async fn stop(cloud: &Cloud) {
    codebuild::stop(cloud).await;
    ecs::stop(cloud).await;
    elbv2::stop(cloud).await;
    rds::stop(cloud).await;
}
