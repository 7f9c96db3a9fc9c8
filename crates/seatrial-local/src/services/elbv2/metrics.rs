//! What the load balancer measures for CloudWatch, as AWS documents it ("CloudWatch metrics for your Application Load
//! Balancer"): counts are reported if they are not zero, hosts if targets are registered. Availability zones are no
//! dimension here.

use std::collections::BTreeMap;

use super::store::Elb;
use crate::cloud::Cloud;
use crate::metric::{Dimension, Measured, Statistics};
use crate::operation::Meter;
use crate::proxy::Snapshot;

pub(super) const METER: Meter = Meter {
    namespace: "AWS/ApplicationELB",
    metrics: &[
        "RequestCount",
        "HTTPCode_Target_2XX_Count",
        "HTTPCode_Target_3XX_Count",
        "HTTPCode_Target_4XX_Count",
        "HTTPCode_Target_5XX_Count",
        "HTTPCode_ELB_5XX_Count",
        "HTTPCode_ELB_502_Count",
        "HTTPCode_ELB_503_Count",
        "HTTPCode_ELB_504_Count",
        "TargetConnectionErrorCount",
        "TargetResponseTime",
        "HealthyHostCount",
        "UnHealthyHostCount",
    ],
    measure,
};

/// What happened in one minute, in one group or in all of a load balancer.
#[derive(Default)]
struct Minute {
    counts: Snapshot,
    response_times: Option<Statistics>,
}

impl Minute {
    fn add(&mut self, other: &Self) {
        self.counts = self.counts.and(&other.counts);
        self.response_times = match (self.response_times, other.response_times) {
            (Some(one), Some(two)) => Some(one.and(two)),
            (one, two) => one.or(two),
        };
    }

    /// What is reported by group and by load balancer alike.
    fn of_targets(&self) -> Vec<(&'static str, &'static str, Statistics)> {
        let counts = &self.counts;
        let counted = [
            // AWS counts requests for which a target was chosen: 503 says that there was none.
            ("RequestCount", counts.requests.saturating_sub(counts.load_balancer_503)),
            ("HTTPCode_Target_2XX_Count", counts.target_2xx),
            ("HTTPCode_Target_3XX_Count", counts.target_3xx),
            ("HTTPCode_Target_4XX_Count", counts.target_4xx),
            ("HTTPCode_Target_5XX_Count", counts.target_5xx),
            ("TargetConnectionErrorCount", counts.connection_errors),
        ];
        let times = self.response_times.map(|times| ("TargetResponseTime", "Seconds", times));
        counted.into_iter().filter_map(count).chain(times).collect()
    }

    /// What AWS reports by load balancer only.
    fn of_balancer(&self) -> Vec<(&'static str, &'static str, Statistics)> {
        let counts = &self.counts;
        let counted = [
            ("HTTPCode_ELB_5XX_Count", counts.load_balancer_5xx),
            ("HTTPCode_ELB_502_Count", counts.load_balancer_502),
            ("HTTPCode_ELB_503_Count", counts.load_balancer_503),
            ("HTTPCode_ELB_504_Count", counts.load_balancer_504),
        ];
        counted.into_iter().filter_map(count).collect()
    }
}

/// Each event is a sample of the value 1: AWS's minimum, maximum and average of counts are 1.
#[expect(clippy::cast_precision_loss, reason = "no minute has so many requests")]
fn count((name, count): (&'static str, u64)) -> Option<(&'static str, &'static str, Statistics)> {
    (count > 0).then(|| (name, "Count", Statistics::of(1.0, count as f64)))
}

/// A group that no load balancer uses reports nothing.
fn measure(cloud: &Cloud) -> Vec<Measured> {
    let elb = cloud.part::<Elb>();
    let mut measured = Vec::new();
    let mut balancers = BTreeMap::<String, Minute>::new();
    for (arn, counts, response_times) in elb.proxies.measure() {
        let minute = Minute { counts, response_times };
        let Some(balancer) = elb.load_balancers_of(&arn).into_iter().next() else { continue };
        let dimensions = [balancer_dimension(&balancer), group_dimension(&arn)];
        measured.extend(named(minute.of_targets(), &dimensions));
        measured.extend(named(hosts(&elb, &arn), &dimensions));
        balancers.entry(balancer).or_default().add(&minute);
    }
    for (arn, minute) in balancers {
        let dimensions = [balancer_dimension(&arn)];
        measured.extend(named(minute.of_targets(), &dimensions));
        measured.extend(named(minute.of_balancer(), &dimensions));
    }
    measured
}

/// Targets that drain are neither, and so are those that have not been judged yet.
#[expect(clippy::cast_precision_loss, reason = "a group has a thousand targets at the most")]
fn hosts(elb: &Elb, target_group: &str) -> Vec<(&'static str, &'static str, Statistics)> {
    let registered: Vec<_> =
        elb.targets_of(target_group).into_iter().filter(|row| row.draining_since.is_none()).collect();
    if registered.is_empty() {
        return Vec::new();
    }
    let hosts = |state: &str| registered.iter().filter(|row| row.health.state == state).count() as f64;
    vec![
        ("HealthyHostCount", "Count", Statistics::of(hosts("healthy"), 1.0)),
        ("UnHealthyHostCount", "Count", Statistics::of(hosts("unhealthy"), 1.0)),
    ]
}

fn named(
    figures: Vec<(&'static str, &'static str, Statistics)>,
    dimensions: &[Dimension],
) -> impl Iterator<Item = Measured> {
    let figures = figures.into_iter();
    figures.map(|(name, unit, statistics)| Measured {
        name,
        dimensions: dimensions.to_vec(),
        unit,
        statistics,
    })
}

/// `app/NAME/ID`: the end of the load balancer's ARN.
fn balancer_dimension(arn: &str) -> Dimension {
    let value = arn.split_once(":loadbalancer/").map_or(arn, |(_, name)| name);
    Dimension { name: "LoadBalancer".to_owned(), value: value.to_owned() }
}

/// `targetgroup/NAME/ID`: the end of the target group's ARN.
fn group_dimension(arn: &str) -> Dimension {
    let value = arn.rsplit_once(':').map_or(arn, |(_, name)| name);
    Dimension { name: "TargetGroup".to_owned(), value: value.to_owned() }
}
