//! The action that an operation stands for itself: mostly of its own name, on the resource that the door knows.

mod ec2;
mod resources;
mod s3;

use serde_json::Value;

use crate::needed::{Needed, ResourceRule};
use crate::reference;
use crate::row::Row;

const TABLES: &[&[Row]] = &[s3::ROWS, resources::ROWS, ec2::ROWS];

/// Operations that need no permission, each with why.
pub(crate) const FREE: &[(&str, &str)] = &[
    ("sts:GetCallerIdentity", "API reference: no permissions are required, even where a policy denies it"),
    ("acm:ServeCertificate", "not of AWS: how a load balancer of the local cloud gets its certificate"),
    ("acm:ValidateCertificate", "not of AWS: stands for the owner of the domain, who answers outside of IAM"),
    ("ec2:CheckEgress", "not of AWS: asks the network, which asks nobody"),
    ("ec2:CheckRoute", "not of AWS: asks the network, which asks nobody"),
    ("ec2:CheckTraffic", "not of AWS: asks the network, which asks nobody"),
];

/// The prefix of IAM where it is not what requests are signed with.
fn prefix(service: &str) -> &str {
    if service == "monitoring" { "cloudwatch" } else { service }
}

pub(crate) fn of(service: &str, operation: &str, input: &Value) -> Vec<Needed> {
    let called = format!("{service}:{operation}");
    if FREE.iter().any(|(free, _)| *free == called) {
        return Vec::new();
    }
    let mut found = rows().filter(|row| row.is_of(&called)).peekable();
    if found.peek().is_some() {
        return found.flat_map(|row| row.needed(input)).collect();
    }
    let action = format!("{}:{operation}", prefix(service));
    let is_scoped = reference::lookup(&action).is_none_or(|action| !action.resources.is_empty());
    let resource = if is_scoped { ResourceRule::Own } else { ResourceRule::Any };
    vec![Needed {
        action,
        resource,
        context: Vec::new(),
        source: "service authorization reference: by its name",
    }]
}

/// All rows, for whoever asks what can be asked for.
pub(crate) fn rows() -> impl Iterator<Item = &'static Row> {
    TABLES.iter().copied().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_operation_without_a_row_needs_the_action_of_its_name() {
        let needed = of("ecs", "UpdateService", &json!({}));

        assert_eq!(
            needed.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["ecs:UpdateService on the operation's own resource"]
        );
    }

    #[test]
    fn an_action_that_knows_no_resources_is_checked_on_all() {
        assert_eq!(of("ecr", "GetAuthorizationToken", &json!({}))[0].resource, ResourceRule::Any);
    }

    #[test]
    fn an_operation_nobody_knows_is_checked_all_the_same() {
        assert_eq!(
            of("sqs", "SendMessage", &json!({}))[0].to_string(),
            "sqs:SendMessage on the operation's own resource"
        );
    }

    #[test]
    fn alarms_are_signed_with_another_name_than_policies_have() {
        assert_eq!(of("monitoring", "PutMetricAlarm", &json!({}))[0].action, "cloudwatch:PutMetricAlarm");
    }
}
