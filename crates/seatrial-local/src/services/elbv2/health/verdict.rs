//! What a health check means for a target's state: pure.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;

use super::super::shapes::{TargetGroup, TargetHealth};
use super::states::{health, healthy};
use crate::proxy::ProbeFailure;

/// A process needs real time to start, while check intervals shrink with the clock: a target that never
/// answered does not become unhealthy before this much real time, or before AWS would have it so, if sooner.
const START_UP: Duration = Duration::from_secs(10);

/// Checks in a row that ended alike, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Streak {
    pub passed: i64,
    pub failed: i64,
    /// Whether the target ever answered, with whatever code.
    pub answered: bool,
}

/// The streak of each target, by key. In memory: after a restart a target begins as `initial` anyway.
#[derive(Default)]
pub(in super::super) struct Streaks {
    by_target: Mutex<HashMap<String, Streak>>,
}

impl Streaks {
    pub(super) fn count<R>(&self, key: &str, count: impl FnOnce(&mut Streak) -> R) -> R {
        count(self.lock().entry(key.to_owned()).or_default())
    }

    pub(in super::super) fn forget(&self, key: &str) {
        self.lock().remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Streak>> {
        self.by_target.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The outcome of one check.
pub(super) type Outcome = Result<StatusCode, ProbeFailure>;

impl Streak {
    /// Counts a check, and answers the state the target has now.
    pub(super) fn count(
        &mut self,
        group: &TargetGroup,
        current: &TargetHealth,
        (outcome, age): (Outcome, Duration),
    ) -> TargetHealth {
        self.answered |= outcome.is_ok();
        let failure = failure(group, outcome);
        if failure.is_some() {
            *self = Self { passed: 0, failed: self.failed + 1, ..*self };
        } else {
            *self = Self { passed: self.passed + 1, failed: 0, ..*self };
        }
        match (failure, current.state.as_str()) {
            (None, "unhealthy") if self.passed < group.healthy_threshold_count => current.clone(),
            (None, _) => healthy(),
            (Some(failure), "unhealthy") => failure,
            (Some(_), _) if self.failed < group.unhealthy_threshold_count => current.clone(),
            (Some(_), "initial") if !self.answered && age < start_up(group) => current.clone(),
            (Some(failure), _) => failure,
        }
    }
}

fn start_up(group: &TargetGroup) -> Duration {
    let checks = group.health_check_interval_seconds * group.unhealthy_threshold_count;
    START_UP.min(Duration::from_secs(u64::try_from(checks).unwrap_or_default()))
}

/// `None`: the check passed.
fn failure(group: &TargetGroup, outcome: Outcome) -> Option<TargetHealth> {
    let (reason, description) = match outcome {
        Ok(status) if matches(&group.matcher.http_code, status) => return None,
        Ok(status) => {
            let description = format!("Health checks failed with these codes: [{}]", status.as_u16());
            ("Target.ResponseCodeMismatch", description)
        }
        Err(ProbeFailure::Timeout) => ("Target.Timeout", "Request timed out".to_owned()),
        Err(ProbeFailure::Failed) => ("Target.FailedHealthChecks", "Health checks failed".to_owned()),
    };
    Some(health("unhealthy", reason, &description))
}

fn matches(matcher: &str, status: StatusCode) -> bool {
    let ranges = parse_codes(matcher).unwrap_or_default();
    ranges.iter().any(|(low, high)| (*low..=*high).contains(&status.as_u16()))
}

/// The ranges of a matcher: `200`, `200,204`, `200-299`. `None`: it is none, or leaves 200 to 499.
pub(in super::super) fn parse_codes(matcher: &str) -> Option<Vec<(u16, u16)>> {
    let range = |part: &str| {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        let (low, high) = (low.trim().parse().ok()?, high.trim().parse().ok()?);
        (200 <= low && low <= high && high <= 499).then_some((low, high))
    };
    matcher.split(',').map(range).collect()
}

#[cfg(test)]
mod tests {
    use super::super::states::{checking, registering};
    use super::*;
    use crate::services::elbv2::shapes::Matcher;

    fn group() -> TargetGroup {
        TargetGroup {
            target_group_arn: String::new(),
            target_group_name: String::new(),
            protocol: "HTTP".to_owned(),
            port: 4000,
            vpc_id: None,
            health_check_protocol: "HTTP".to_owned(),
            health_check_port: "traffic-port".to_owned(),
            health_check_enabled: true,
            health_check_interval_seconds: 10,
            health_check_timeout_seconds: 5,
            healthy_threshold_count: 2,
            unhealthy_threshold_count: 3,
            health_check_path: "/".to_owned(),
            matcher: Matcher { http_code: "200-204,301".to_owned() },
            load_balancer_arns: Vec::new(),
            target_type: "ip".to_owned(),
            protocol_version: "HTTP1".to_owned(),
            ip_address_type: "ipv4".to_owned(),
        }
    }

    fn run(current: TargetHealth, age: Duration, outcomes: &[Outcome]) -> TargetHealth {
        let mut streak = Streak::default();
        outcomes.iter().fold(current, |health, outcome| streak.count(&group(), &health, (*outcome, age)))
    }

    #[test]
    fn a_registered_target_is_healthy_after_one_check_and_an_unhealthy_one_after_the_threshold() {
        let bad = health("unhealthy", "Target.Timeout", "Request timed out");

        assert_eq!(run(registering(), Duration::ZERO, &[Ok(StatusCode::OK)]).state, "healthy");
        assert_eq!(run(bad.clone(), Duration::ZERO, &[Ok(StatusCode::OK)]).state, "unhealthy");
        assert_eq!(run(bad, Duration::ZERO, &[Ok(StatusCode::NO_CONTENT); 2]).state, "healthy");
    }

    #[test]
    fn wrong_codes_make_a_target_unhealthy_after_the_threshold_and_are_named() {
        let wrong = [Ok(StatusCode::INTERNAL_SERVER_ERROR); 3];

        assert_eq!(run(checking(), Duration::ZERO, &wrong[..2]).state, "initial");
        let unhealthy = run(checking(), Duration::ZERO, &wrong);
        assert_eq!(unhealthy.reason.as_deref(), Some("Target.ResponseCodeMismatch"));
        let description = unhealthy.description.unwrap();
        assert_eq!(description, "Health checks failed with these codes: [500]");
    }

    #[test]
    fn a_target_that_never_answered_gets_real_time_to_start() {
        let refused = [Err(ProbeFailure::Failed); 20];

        assert_eq!(run(checking(), Duration::from_secs(2), &refused).state, "initial");
        assert_eq!(run(checking(), Duration::from_secs(11), &refused).state, "unhealthy");
        assert_eq!(run(healthy(), Duration::ZERO, &refused[..3]).state, "unhealthy");
    }
}
