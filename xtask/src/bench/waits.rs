//! The phases of a release, and what AWS's own waits add to each: seconds that this machine does not need, for it starts no
//! virtual machines and its health checks come sixty times as fast.
//!
//! Hardly anything of it is promised: what no page of AWS's says is an estimate, and marked so.

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Seen,
    Source,
    Environment,
    Prepare,
    Compile,
    Pack,
    Push,
    Artifacts,
    Begin,
    Tasks,
    Health,
    Shift,
}

/// A phase, and the seconds that AWS adds at the least and at the most.
pub(super) struct Wait {
    pub phase: Phase,
    pub shown: &'static str,
    pub least: f64,
    pub most: f64,
    pub why: &'static str,
}

const fn wait(phase: Phase, shown: &'static str, (least, most): (f64, f64), why: &'static str) -> Wait {
    Wait { phase, shown, least, most, why }
}

pub(super) const PHASES: [Wait; 12] = [
    wait(
        Phase::Seen,
        "the push is seen",
        (1.0, 10.0),
        "the connection's webhook: estimate. Here `release` starts the execution",
    ),
    wait(Phase::Source, "source", (2.0, 10.0), "clone and upload, and the pass to the next stage: estimate"),
    wait(
        Phase::Environment,
        "build: environment, source, install",
        (10.0, 190.0),
        "PROVISIONING: estimate; at most as in issue 793 of aws/aws-codebuild-docker-images. The cache comes from S3",
    ),
    wait(Phase::Prepare, "build: what is fresh", (0.0, 0.0), ""),
    wait(Phase::Compile, "build: compile", (0.0, 0.0), "two processors there, too (BUILD_GENERAL1_SMALL)"),
    wait(Phase::Pack, "build: pack", (0.0, 0.0), ""),
    wait(Phase::Push, "build: push", (0.0, 2.0), "a few MB to ECR: estimate"),
    wait(
        Phase::Artifacts,
        "build: artifacts",
        (5.0, 30.0),
        "the cache goes to S3, UPLOAD_ARTIFACTS: estimate",
    ),
    wait(Phase::Begin, "deploy: begins", (5.0, 20.0), "the pass to the stage, Created, Queued: estimate"),
    wait(
        Phase::Tasks,
        "deploy: tasks start",
        (20.0, 60.0),
        "Fargate finds a host, attaches the network interface (\"several seconds\", ECS developer guide, task launch \
         time), pulls: estimate",
    ),
    wait(
        Phase::Health,
        "deploy: health",
        (10.0, 30.0),
        "two checks 10 s apart (`HealthyThresholdCount`, `HealthCheckIntervalSeconds` of the target group), and ECS's \
         steady state: estimate",
    ),
    wait(
        Phase::Shift,
        "deploy: test traffic, shift",
        (5.0, 60.0),
        "CodeDeploy's pauses between lifecycle events: estimate",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_stand_in_their_order_and_what_adds_time_says_why() {
        assert!(PHASES.windows(2).all(|pair| pair[0].phase < pair[1].phase));
        assert!(PHASES.iter().all(|wait| wait.least <= wait.most));
        assert!(PHASES.iter().all(|wait| wait.most == 0.0 || !wait.why.is_empty()));
    }
}
