//! The table of the resource types of Elastic Load Balancing.

use super::super::ResourceTypes;
use super::{listener, listener_rule, load_balancer, target_group};

pub(in super::super) fn register(types: &mut ResourceTypes) {
    types.add::<listener::Listener>();
    types.add::<listener_rule::ListenerRule>();
    types.add::<load_balancer::LoadBalancer>();
    types.add::<target_group::TargetGroup>();
}
