//! The scheduler of one service.

use crate::cloud::Cloud;
use crate::engine::{Engine, Next};

pub(in crate::services::ecs) struct ServiceEngine;

impl Engine for ServiceEngine {
    const NAME: &'static str = "ecs-service";

    fn in_flight(_cloud: &Cloud) -> Vec<String> {
        Vec::new()
    }

    async fn step(_cloud: &Cloud, _key: &str) -> Next {
        Next::Done
    }
}
