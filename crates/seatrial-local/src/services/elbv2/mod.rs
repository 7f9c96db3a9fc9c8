//! Elastic Load Balancing: load balancers, listeners, target groups, and the health of targets.
//!
//! What the tables say is served by [`crate::proxy`] for real. Each listener has a port of its own on
//! 127.0.0.1, kept over restarts, and the load balancer's `DNSName` is one more that leads to its production
//! listener. HTTPS listeners show what ACM has of their certificate.

mod actions;
mod attributes;
mod conditions;
mod errors;
mod health;
mod metrics;
mod network;
mod operations;
mod page;
mod proxies;
mod reach;
mod routing;
mod rows;
mod security;
mod shapes;
mod shown;
mod store;

pub(crate) use conditions::RuleCondition;
pub(crate) use operations::*;
pub(crate) use page::{Colors, colors, health_of, second};
pub(crate) use routing::LocalListener;
pub(crate) use shapes::*;

use crate::cloud::Cloud;
use crate::operation::{CertificateUser, Operations};
use crate::proxy::Snapshot;
use store::Elb;

pub(crate) fn register(operations: &mut Operations) {
    operations.add::<AddTags>();
    operations.add::<CreateListener>();
    operations.add::<CreateLoadBalancer>();
    operations.add::<CreateRule>();
    operations.add::<CreateTargetGroup>();
    operations.add::<DeleteListener>();
    operations.add::<DeleteLoadBalancer>();
    operations.add::<DeleteRule>();
    operations.add::<DeleteTargetGroup>();
    operations.add::<DeregisterTargets>();
    operations.add::<DescribeListeners>();
    operations.add::<DescribeLoadBalancerAttributes>();
    operations.add::<DescribeLoadBalancers>();
    operations.add::<DescribeRules>();
    operations.add::<DescribeTags>();
    operations.add::<DescribeTargetGroupAttributes>();
    operations.add::<DescribeTargetGroups>();
    operations.add::<DescribeTargetHealth>();
    operations.add::<ModifyListener>();
    operations.add::<ModifyLoadBalancerAttributes>();
    operations.add::<ModifyRule>();
    operations.add::<ModifyTargetGroup>();
    operations.add::<ModifyTargetGroupAttributes>();
    operations.add::<RegisterTargets>();
    operations.add::<RemoveTags>();
    operations.add::<SetRulePriorities>();
    operations.add::<SetSecurityGroups>();
    operations.add::<SetSubnets>();
    operations.add_meter(metrics::METER);
    operations.add_certificate_user(CertificateUser { in_use: security::in_use, changed: security::changed });
    operations.add_groups_in_use(|cloud| {
        let rows = cloud.part::<Elb>().load_balancers.values();
        rows.into_iter().flat_map(|row| row.shape.security_groups).collect()
    });
}

/// Opens every port again. Targets that were registered are back as `initial` and are checked; what drained
/// is gone, for nothing is in flight after a restart.
pub(crate) async fn resume(cloud: &Cloud) {
    let elb = cloud.part::<Elb>();
    security::read_again(cloud).await;
    let resumed = elb.reopen(cloud).and_then(|()| health::resume(cloud, &elb));
    if let Err(error) = resumed {
        tracing::error!(%error, "load balancers could not be taken up again");
    }
    cloud.resume::<health::TargetEngine>();
}

/// Closes every port; requests in flight end.
pub(crate) async fn stop(cloud: &Cloud) {
    cloud.part::<Elb>().proxies.stop().await;
}

/// Where each listener answers on this machine.
pub(crate) fn local_listeners(cloud: &Cloud) -> Vec<LocalListener> {
    cloud.part::<Elb>().local_listeners()
}

/// How many requests each target group was sent since the process began, by ARN.
pub(crate) fn access_figures(cloud: &Cloud) -> Vec<(String, Snapshot)> {
    cloud.part::<Elb>().proxies.figures()
}

#[cfg(test)]
mod tests;
