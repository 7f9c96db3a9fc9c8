//! What a caller needs, told without the names that differ from one environment to the next.

use serde::{Deserialize, Serialize};

use crate::record::{Record, Use};

/// Condition keys that a policy should name: which service is given a role, and for which a role is made.
const CONDITIONS: [&str; 2] = ["iam:PassedToService", "iam:AWSServiceName"];

/// An action on resources of an environment: `${Account}`, `${Region}` and `${Name}` (project and environment) stand for
/// its own, a star for what is made up anew each time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub struct Need {
    pub action: String,
    pub resource: String,
    /// A condition key and the value that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<(String, String)>,
}

impl Need {
    /// What a use of the environment `name` (`myapp-local`) needed.
    pub fn of(used: &Use, record: &Record, name: &str) -> Self {
        let mut conditions = used.context.iter().filter(|(key, _)| CONDITIONS.contains(&key.as_str()));
        let condition = conditions.find_map(|(key, values)| Some((key.clone(), values.first()?.clone())));
        let resource = general(&used.action, &used.resource, name);
        let resource = resource.replace(&record.account, "${Account}").replace(&record.region, "${Region}");
        Self { action: used.action.clone(), resource, condition }
    }

    /// The same in an environment: account, region, name.
    #[must_use]
    pub fn in_place(&self, (account, region, name): (&str, &str, &str)) -> Self {
        let resource = self.resource.replace("${Account}", account).replace("${Region}", region);
        Self { resource: resource.replace("${Name}", name), ..self.clone() }
    }
}

/// What stands for all resources of a form: `arn:aws:iam::${Account}:role/*`.
pub fn all_of(form: &str) -> String {
    let mut text = String::new();
    let mut rest = form;
    while let Some((before, variable)) = rest.split_once("${") {
        let (name, behind) = variable.split_once('}').unwrap_or((variable, ""));
        text.push_str(before);
        match name {
            "Partition" => text.push_str("aws"),
            "Region" | "Account" => text.push_str(&format!("${{{name}}}")),
            _ => text.push('*'),
        }
        rest = behind;
    }
    text + rest
}

/// The ARN with a star for each of its names that is not the environment's own.
fn general(action: &str, resource: &str, name: &str) -> String {
    let forms = seatrial_actions::arns(action);
    let found = forms.into_iter().find_map(|form| generalised(form, resource, name));
    found.or_else(|| by_segments(resource, name)).unwrap_or_else(|| resource.to_owned())
}

/// Where no form is known for the action, as for tags of a listener: the type stays, and what kind of load balancer it is.
fn by_segments(resource: &str, name: &str) -> Option<String> {
    let (at, _) = resource.match_indices(':').nth(4)?;
    let (before, rest) = resource.split_at(at + 1);
    let (kind, behind) = rest.split_at(rest.find('/')? + 1);
    let general = |segment: &str| match segment {
        "app" | "net" => segment.to_owned(),
        _ => named(segment, name),
    };
    let behind: Vec<String> = behind.split('/').map(general).collect();
    Some(format!("{before}{kind}{}", behind.join("/")))
}

fn generalised(form: &str, resource: &str, name: &str) -> Option<String> {
    let (at, _) = form.match_indices(':').nth(4)?;
    let (own_at, _) = resource.match_indices(':').nth(4)?;
    let (mut form, mut rest) = (&form[at + 1..], &resource[own_at + 1..]);
    let mut text = resource[..=own_at].to_owned();
    loop {
        let Some((literal, behind)) = form.split_once("${") else {
            return (rest == form).then(|| text + form);
        };
        rest = rest.strip_prefix(literal)?;
        text.push_str(literal);
        form = behind.split_once('}')?.1;
        let next = form.split("${").next().unwrap_or_default();
        let end = if next.is_empty() { rest.len() } else { rest.find(next)? };
        text.push_str(&named(&rest[..end], name));
        rest = &rest[end..];
    }
}

/// A name with the environment's in it keeps what stands before, and the dash or slash behind: what follows, as that of
/// CloudFormation's names, is made up.
fn named(value: &str, name: &str) -> String {
    // A service's own role has one name in every account.
    if value.starts_with("aws-service-role/") {
        return value.to_owned();
    }
    let Some((before, behind)) = value.split_once(name) else { return "*".to_owned() };
    let behind = behind.chars().next().map(|separator| format!("{separator}*")).unwrap_or_default();
    format!("{before}${{Name}}{behind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_a_form_are_those_of_the_environments_account() {
        let form = "arn:${Partition}:ec2:${Region}:${Account}:natgateway/${NatGatewayId}";
        assert_eq!(all_of(form), "arn:aws:ec2:${Region}:${Account}:natgateway/*");
        assert_eq!(all_of("arn:${Partition}:s3:::${BucketName}/${ObjectName}"), "arn:aws:s3:::*/*");
    }

    #[test]
    fn names_that_are_made_up_become_stars_and_the_environments_own_stays() {
        let at = "eu-central-1:000000000000";
        let cases = [
            (
                "cloudformation:DescribeStacks",
                format!("arn:aws:cloudformation:{at}:stack/web-a-network/1-2"),
                "stack/${Name}-*/*",
            ),
            ("codebuild:StartBuild", format!("arn:aws:codebuild:{at}:project/web-a"), "project/${Name}"),
            (
                "logs:GetLogEvents",
                format!("arn:aws:logs:{at}:log-group:/x/web-a:log-stream:b/c"),
                "log-group:/x/${Name}:log-stream:*",
            ),
            (
                "logs:FilterLogEvents",
                format!("arn:aws:logs:{at}:log-group:/x/web-a/app:log-stream:"),
                "log-group:/x/${Name}/*",
            ),
            ("ec2:CreateSubnet", format!("arn:aws:ec2:{at}:vpc/vpc-1"), "vpc/*"),
        ];
        for (action, resource, expected) in cases {
            let found = general(action, &resource, "web-a");
            assert!(found.ends_with(&format!(":{expected}")), "{action}: {found}");
        }
        assert_eq!(
            general("s3:PutObject", "arn:aws:s3:::web-a-build-x/a/b", "web-a"),
            "arn:aws:s3:::${Name}-*/*"
        );
        assert_eq!(general("ecr:GetAuthorizationToken", "*", "web-a"), "*");
        let linked = "arn:aws:iam::000000000000:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";
        assert_eq!(general("iam:CreateServiceLinkedRole", linked, "web-a"), linked);
    }
}
