//! What the page shows of load balancing: traffic by the second, colors, and the health of targets.

use std::collections::BTreeMap;

use seatrial_page::Second;

use super::store::{Elb, primary};
use crate::cloud::Cloud;

/// The two target groups that production's traffic moves between: those of the first rule that names two. Their order in
/// it says nothing, for CodeDeploy writes it anew: the names do, as the templates give them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Colors {
    /// ARNs.
    pub blue: String,
    pub green: String,
    /// Percent of production's traffic.
    pub blue_weight: f64,
    pub green_weight: f64,
}

impl Colors {
    /// `blue`, `green`, or nothing for another group.
    pub(crate) fn of(&self, group: &str) -> &'static str {
        match group {
            _ if group == self.blue => "blue",
            _ if group == self.green => "green",
            _ => "",
        }
    }

    pub(crate) fn weight(&self, group: &str) -> Option<f64> {
        match self.of(group) {
            "blue" => Some(self.blue_weight),
            "green" => Some(self.green_weight),
            _ => None,
        }
    }
}

/// `None`: no load balancer has such a rule on its production listener.
#[expect(clippy::cast_precision_loss, reason = "a weight is 999 at the most")]
pub(crate) fn colors(cloud: &Cloud) -> Option<Colors> {
    let elb = cloud.part::<Elb>();
    elb.load_balancers.values().iter().find_map(|balancer| {
        let listeners = elb.listeners_of(&balancer.shape.load_balancer_arn);
        let rules = elb.rules_of(&primary(&listeners)?.shape.listener_arn);
        let groups = rules.iter().flat_map(|rule| &rule.actions).map(super::Action::target_groups);
        let [blue, green] = groups.into_iter().find(|groups| groups.len() == 2)? else { return None };
        let (blue, green) = if is_green(blue) || is_blue(green) { (green, blue) } else { (blue, green) };
        let weight = |group: &super::WeightedTargetGroup| group.weight.unwrap_or(1) as f64;
        let percent = |part: f64| (100.0 * part / (weight(blue) + weight(green)).max(1.0)).round();
        Some(Colors {
            blue: blue.target_group_arn.clone(),
            green: green.target_group_arn.clone(),
            blue_weight: percent(weight(blue)),
            green_weight: percent(weight(green)),
        })
    })
}

fn is_green(group: &super::WeightedTargetGroup) -> bool {
    group.target_group_arn.to_lowercase().contains("green")
}

fn is_blue(group: &super::WeightedTargetGroup) -> bool {
    group.target_group_arn.to_lowercase().contains("blue")
}

/// The second that ends now: what both groups counted since the last call.
pub(crate) fn second(cloud: &Cloud) -> Option<Second> {
    let colors = colors(cloud)?;
    let elb = cloud.part::<Elb>();
    let [(blue, blue_times), (green, green_times)] =
        [&colors.blue, &colors.green].map(|arn| elb.proxies.tick(arn));
    let both = blue.and(&green);
    let times = match (blue_times, green_times) {
        // Of the same bounds, so that none is lost.
        (Some(mut one), Some(other)) => one.add(&other).map(|()| one).ok(),
        (one, other) => one.or(other),
    };
    let at = |quantile: f64| times.as_ref().map(|times| milliseconds(times.value_at_quantile(quantile)));
    #[expect(clippy::cast_possible_truncation, reason = "seconds since 1970 fit")]
    let time = cloud.clock().now().0 as i64;
    Some(Second {
        time,
        blue: blue.requests,
        green: green.requests,
        unknown: 0,
        failed: both.target_5xx + both.load_balancer_5xx,
        blue_weight: colors.blue_weight,
        green_weight: colors.green_weight,
        p50: at(0.5),
        p99: at(0.99),
    })
}

#[expect(clippy::cast_precision_loss, reason = "two minutes at the most")]
fn milliseconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1_000.0
}

/// State of each registered target, and why, by its address: `ADDRESS` and `ADDRESS:PORT`.
pub(crate) fn health_of(cloud: &Cloud) -> BTreeMap<String, (String, Option<String>)> {
    let rows = cloud.part::<Elb>().targets.values().into_iter();
    rows.flat_map(|row| {
        let why = row.health.description.or(row.health.reason);
        let state = if row.draining_since.is_some() { "draining".to_owned() } else { row.health.state };
        [row.id.clone(), format!("{}:{}", row.id, row.port)]
            .map(|address| (address, (state.clone(), why.clone())))
    })
    .collect()
}
