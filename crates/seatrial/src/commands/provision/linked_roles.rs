//! The roles by which services act for an account, one a service and account.
//!
//! A service makes its own when it is first used, and then uses it before it is there everywhere: the first ECS cluster
//! of an account fails (cloudformation-coverage-roadmap#818; the same of services and load balancers). So they are made
//! before any stack, and only where a stack is to be made that needs one. Changes in AWS: those roles, which cost
//! nothing and stay; no stack owns them, for the account has one of each whatever its environments.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::plan::Plan;
use crate::context::Ctx;
use crate::exit::Interrupted;
use crate::plan::graph::Graph;

/// The start of a resource type's name, the service that acts for it, and its role (AWS: service-linked roles of ECS,
/// Elastic Load Balancing, RDS and Application Auto Scaling).
pub(in crate::commands) const LINKED: [(&str, &str, &str); 4] = [
    ("AWS::ECS::", "ecs.amazonaws.com", "AWSServiceRoleForECS"),
    (
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "elasticloadbalancing.amazonaws.com",
        "AWSServiceRoleForElasticLoadBalancing",
    ),
    ("AWS::RDS::", "rds.amazonaws.com", "AWSServiceRoleForRDS"),
    (
        "AWS::ApplicationAutoScaling::",
        "ecs.application-autoscaling.amazonaws.com",
        "AWSServiceRoleForApplicationAutoScaling_ECSService",
    ),
];

/// Makes those that the stacks to be made need and that are not there. Where that cannot be done it is said and no
/// more: they may be there for all that, and else the stack tells.
pub(super) async fn make(ctx: &Ctx, graph: &Graph, plan: &Plan) {
    let to_be_made = graph.stacks().filter(|stack| plan.creates(&stack.name));
    let kinds: BTreeSet<&str> =
        to_be_made.flat_map(|stack| stack.resources.iter().map(|resource| resource.kind.as_str())).collect();
    let needed = LINKED.iter().filter(|(start, ..)| kinds.iter().any(|kind| kind.starts_with(start)));
    join_all(needed.map(|(_, service, role)| one(ctx, service, role))).await;
}

async fn one(ctx: &Ctx, service: &str, role: &str) {
    let made = async {
        // Whoever may not make roles need not, where they are there.
        let there = ctx.reading(ctx.aws.role_exists(role)).await?;
        anyhow::Ok(!there && ctx.aws.create_service_linked_role(service).await?)
    };
    match made.await {
        Ok(true) => ctx.printer().event("account", format_args!("made role {role}, by which {service} acts")),
        Ok(false) => {}
        Err(error) if error.is::<Interrupted>() => {}
        Err(error) => {
            let told = format_args!("{error}\n  if {role} is missing, the first use of {service} may fail");
            ctx.printer().warning(told);
        }
    }
}
