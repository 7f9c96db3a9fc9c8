//! ECS's scheduler as the rest of ECS knows it: as whom it calls other services, and how it is woken.

use crate::cloud::Cloud;
use crate::principal::Principal;

/// ECS itself, as it registers targets and replaces tasks.
pub(super) fn scheduler(cloud: &Cloud) -> Principal {
    let role = format!(
        "arn:aws:iam::{}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
        cloud.account()
    );
    Principal::assumed_role(&role, "ecs-service-scheduler", cloud.account())
}

/// The engine of services. Tasks know it by this name only: it starts them, and they cannot start it.
pub(super) const SERVICES: &str = "ecs-service";

/// Has the scheduler look at a service, which it drives for as long as the service lives.
pub(super) fn wake(cloud: &Cloud, service: &str) {
    cloud.drivers().wake(SERVICES, service);
}
