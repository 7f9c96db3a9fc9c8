//! Attributes of load balancers and target groups: the keys AWS knows, their defaults and values.

use std::collections::BTreeMap;
use std::time::Duration;

use super::shapes::Attribute;
use crate::error::ServiceError;
use crate::proxy::{Sharing, Sticky};

/// A kind of object that has attributes.
pub(super) struct Attributes {
    /// What an error calls it.
    noun: &'static str,
    /// Each key with AWS's default.
    defaults: &'static [(&'static str, &'static str)],
}

pub(super) const LOAD_BALANCER: Attributes = Attributes {
    noun: "Load balancer",
    defaults: &[
        ("access_logs.s3.enabled", "false"),
        ("access_logs.s3.bucket", ""),
        ("access_logs.s3.prefix", ""),
        ("client_keep_alive.seconds", "3600"),
        ("connection_logs.s3.enabled", "false"),
        ("connection_logs.s3.bucket", ""),
        ("connection_logs.s3.prefix", ""),
        ("deletion_protection.enabled", "false"),
        ("idle_timeout.timeout_seconds", "60"),
        ("load_balancing.cross_zone.enabled", "true"),
        ("routing.http.desync_mitigation_mode", "defensive"),
        ("routing.http.drop_invalid_header_fields.enabled", "false"),
        ("routing.http.preserve_host_header.enabled", "false"),
        ("routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "false"),
        ("routing.http.xff_client_port.enabled", "false"),
        ("routing.http.xff_header_processing.mode", "append"),
        ("routing.http2.enabled", "true"),
        ("waf.fail_open.enabled", "false"),
        ("zonal_shift.config.enabled", "false"),
    ],
};

pub(super) const TARGET_GROUP: Attributes = Attributes {
    noun: "Target group",
    defaults: &[
        ("deregistration_delay.timeout_seconds", "300"),
        ("load_balancing.algorithm.anomaly_mitigation", "off"),
        ("load_balancing.algorithm.type", "round_robin"),
        ("load_balancing.cross_zone.enabled", "use_load_balancer_configuration"),
        ("slow_start.duration_seconds", "0"),
        ("stickiness.app_cookie.cookie_name", ""),
        ("stickiness.app_cookie.duration_seconds", "86400"),
        ("stickiness.enabled", "false"),
        ("stickiness.lb_cookie.duration_seconds", "86400"),
        ("stickiness.type", "lb_cookie"),
        ("target_group_health.dns_failover.minimum_healthy_targets.count", "1"),
        ("target_group_health.dns_failover.minimum_healthy_targets.percentage", "off"),
        ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1"),
        ("target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off"),
    ],
};

/// Refuses keys AWS does not know, and values that are not of the default's kind.
pub(super) fn check(kind: &Attributes, given: &[Attribute]) -> Result<(), ServiceError> {
    for Attribute { key, value } in given {
        let known = kind.defaults.iter().find(|(name, _)| name == key);
        let Some((_, default)) = known else {
            let message = format!("{} attribute key '{key}' is not recognized", kind.noun);
            return Err(ServiceError::validation(message));
        };
        let fits = match *default {
            "true" | "false" => value == "true" || value == "false",
            number if number.parse::<u32>().is_ok() => value == "off" || value.parse::<u32>().is_ok(),
            _ => true,
        };
        let in_range = match key.as_str() {
            // Elastic Load Balancing's API reference, LoadBalancerAttribute and TargetGroupAttribute.
            "client_keep_alive.seconds" => within(value, 60, 604_800),
            "idle_timeout.timeout_seconds" => within(value, 1, 4000),
            "slow_start.duration_seconds" => value == "0" || within(value, 30, 900),
            "stickiness.app_cookie.duration_seconds" | "stickiness.lb_cookie.duration_seconds" => {
                within(value, 1, 604_800)
            }
            "stickiness.type" => value == "lb_cookie" || value == "app_cookie",
            "deregistration_delay.timeout_seconds" => within(value, 0, 3600),
            _ => true,
        };
        if !fits || !in_range {
            let message = format!("{} attribute value '{value}' of key '{key}' is not valid", kind.noun);
            return Err(ServiceError::validation(message));
        }
    }
    Ok(())
}

fn within(value: &str, low: u32, high: u32) -> bool {
    value.parse().is_ok_and(|value: u32| (low..=high).contains(&value))
}

/// All attributes: those that were set over the defaults.
pub(super) fn shown(kind: &Attributes, set: &BTreeMap<String, String>) -> Vec<Attribute> {
    let of = |(key, default): &(&str, &str)| Attribute {
        key: (*key).to_owned(),
        value: set.get(*key).map_or(*default, String::as_str).to_owned(),
    };
    kind.defaults.iter().map(of).collect()
}

/// The value of an attribute that is a number of seconds.
pub(super) fn seconds(kind: &Attributes, set: &BTreeMap<String, String>, key: &str) -> u64 {
    value(kind, set, key).parse().unwrap_or_default()
}

/// How a target group shares requests.
pub(super) fn sharing(set: &BTreeMap<String, String>) -> Sharing {
    let of = |key: &str| value(&TARGET_GROUP, set, key);
    let duration = |key: &str| Duration::from_secs(seconds(&TARGET_GROUP, set, key));
    let sticky = flag(&TARGET_GROUP, set, "stickiness.enabled").then(|| match of("stickiness.type") {
        "app_cookie" => Sticky {
            lasts: duration("stickiness.app_cookie.duration_seconds"),
            application: Some(of("stickiness.app_cookie.cookie_name").to_owned()),
        },
        _ => Sticky { lasts: duration("stickiness.lb_cookie.duration_seconds"), application: None },
    });
    Sharing { sticky, slow_start: duration("slow_start.duration_seconds") }
}

/// The value of an attribute that is a flag.
pub(super) fn flag(kind: &Attributes, set: &BTreeMap<String, String>, key: &str) -> bool {
    value(kind, set, key) == "true"
}

fn value<'a>(kind: &Attributes, set: &'a BTreeMap<String, String>, key: &str) -> &'a str {
    let default = kind.defaults.iter().find(|(name, _)| *name == key).map_or("", |(_, value)| value);
    set.get(key).map_or(default, String::as_str)
}
