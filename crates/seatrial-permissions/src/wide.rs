//! What a statement allows beyond what was used: the same on a resource of another name, for another service, in another
//! account, or where a condition would have kept it.

use seatrial_policy::{NamedPolicy, PolicyKind};
use serde_json::Value;

use crate::document::{only, statements, texts};
use crate::record::{Record, Use};
use crate::replay::{allows, named, trusts};

/// An account and a service that nobody here is.
const ANOTHER_ACCOUNT: &str = "999999999999";
const ANOTHER_SERVICE: &str = "another.amazonaws.com";
const ANOTHER_NAME: &str = "another-name-altogether";

/// Condition keys without which a statement reaches further than its resources tell: where AWS's guides tell to name them.
const NARROWING: [&str; 5] =
    ["ecs:cluster", "iam:AWSServiceName", "iam:PassedToService", "kms:ViaService", "s3:prefix"];
/// Keys of the same kind, one for each entry of the context.
const ENCRYPTED_WITH: &str = "kms:EncryptionContext:";
/// A bucket's ARN does not tell whose it is.
const OWNER: &str = "aws:ResourceAccount";

/// Says how the statement at `index` allows more than was used; nothing where it does not, or was not used at all.
pub(crate) fn beyond(record: &Record, document: &Value, index: usize, used: &[&Use]) -> Option<String> {
    let statement = statements(document).into_iter().nth(index)?;
    for (key, what) in [("NotAction", "actions"), ("NotResource", "resources")] {
        if statement.get(key).is_some() {
            return Some(format!("`{key}` allows {what} that nobody has named"));
        }
    }
    let actions = texts(statement.get("Action"));
    if let Some(pattern) = actions.iter().find(|action| action.contains(['*', '?'])) {
        return Some(format!("`{pattern}` allows actions that nobody has named"));
    }
    let policy = named(PolicyKind::Identity, "", &only(document, index)?)?;
    let policies = std::slice::from_ref(&policy);
    let own = used.iter().filter(|used| allows(record, policies, used));
    own.flat_map(|used| elsewhere(used)).find_map(|(other, what)| {
        let action = &other.action;
        allows(record, policies, &other).then(|| format!("it also allows `{action}` {what}"))
    })
}

/// The same of a statement of a trust policy.
pub(crate) fn trusts_beyond(
    record: &Record,
    document: &Value,
    index: usize,
    used: &[&Use],
) -> Option<String> {
    let policy: NamedPolicy = named(PolicyKind::Trust, "", &only(document, index)?)?;
    let own = used.iter().find(|used| trusts(record, Some(&policy), used))?;
    if own.principal.starts_with("arn:") {
        return None;
    }
    let service = &own.principal;
    let from = |account: &str, source: String| {
        let sources = [("aws:SourceAccount", account.to_owned()), ("aws:SourceArn", source)];
        let context = sources.map(|(key, value)| (key.to_owned(), vec![value])).into();
        trusts(record, Some(&policy), &Use { context, ..(*own).clone() })
    };
    let source = own.context.get("aws:SourceArn").and_then(|values| values.first());
    let source = source.map_or(own.resource.as_str(), String::as_str);
    if from(ANOTHER_ACCOUNT, source.replace(&record.account, ANOTHER_ACCOUNT)) {
        let what = "for anything of any account: there is no `aws:SourceAccount`";
        return Some(format!("`{service}` may assume the role {what}"));
    }
    let (account, region) = (record.account.as_str(), record.region.as_str());
    from(account, format!("arn:aws:another:{region}:{account}:{ANOTHER_NAME}")).then(|| {
        format!("`{service}` may assume the role for anything of the account: there is no `aws:SourceArn`")
    })
}

/// Uses that are like one that was seen, each with what is other in it.
fn elsewhere(used: &Use) -> Vec<(Use, String)> {
    let mut others = Vec::new();
    if let Some(resource) = another_name(&used.action, &used.resource) {
        let what = format!("on `{resource}`");
        others.push((Use { resource, ..used.clone() }, what));
    }
    for (key, value) in narrowing(used) {
        let other = another_value(key, value);
        let mut context = used.context.clone();
        context.insert(key.to_owned(), vec![other.clone()]);
        others.push((Use { context, ..used.clone() }, format!("where `{key}` is `{other}`")));
    }
    others
}

/// What a condition could have asked of the use, each with its value. A cluster that the resource names is asked already.
fn narrowing(used: &Use) -> impl Iterator<Item = (&str, &str)> {
    let narrows = |key: &str| NARROWING.contains(&key) || key.starts_with(ENCRYPTED_WITH);
    let told = |value: &str| {
        let name = value.rsplit('/').next().unwrap_or_default();
        // `service/CLUSTER/SERVICE`, `task-set/CLUSTER/SERVICE/ID`; a family of tasks knows no cluster.
        value.starts_with("arn:") && used.resource.split('/').nth(1) == Some(name)
    };
    let own = used.context.iter().filter_map(|(key, values)| Some((key.as_str(), values.first()?.as_str())));
    let own = own.filter(move |(key, value)| narrows(key) && !told(value));
    own.chain(used.action.starts_with("s3:").then_some((OWNER, "")))
}

fn another_value(key: &str, value: &str) -> String {
    match (key, value.rfind(['/', ':'])) {
        (OWNER, _) => ANOTHER_ACCOUNT.to_owned(),
        ("iam:AWSServiceName" | "iam:PassedToService" | "kms:ViaService", _) => ANOTHER_SERVICE.to_owned(),
        // An environment has its buckets whole.
        _ if value.starts_with("arn:aws:s3:::") => format!("arn:aws:s3:::{ANOTHER_NAME}/{ANOTHER_NAME}"),
        (_, Some(at)) if value.starts_with("arn:") => format!("{}{ANOTHER_NAME}", &value[..=at]),
        _ => ANOTHER_NAME.to_owned(),
    }
}

/// An ARN like this one with another name: where the ARNs of the action's types of resources have their first name of
/// its own (AWS: Service Authorization Reference). `None` for actions that know no resource.
fn another_name(action: &str, resource: &str) -> Option<String> {
    seatrial_actions::arns(action).into_iter().find_map(|form| renamed(form, resource))
}

/// A name reaches to the next text of the form: those of log groups and repositories hold slashes.
fn renamed(form: &str, resource: &str) -> Option<String> {
    let (_, form) = after_account(form)?;
    let (own_before, own) = after_account(resource)?;
    let (kind, rest) = form.split_once("${")?;
    let behind = rest.split_once('}')?.1;
    let next = behind.split("${").next().unwrap_or_default();
    let own = own.strip_prefix(kind)?;
    let rest = match next {
        "" => "",
        next => &own[own.find(next)?..],
    };
    Some(format!("{own_before}{kind}{ANOTHER_NAME}{rest}"))
}

/// An ARN's part up to the account, and the one behind it.
fn after_account(arn: &str) -> Option<(&str, &str)> {
    let (at, _) = arn.match_indices(':').nth(4)?;
    Some(arn.split_at(at + 1))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_arn_gets_another_name_where_its_type_has_one() {
        let cases = [
            ("s3:GetObject", "arn:aws:s3:::bucket/a/b", Some("arn:aws:s3:::another-name-altogether/a/b")),
            ("s3:ListBucket", "arn:aws:s3:::bucket", Some("arn:aws:s3:::another-name-altogether")),
            (
                "cloudformation:DescribeStacks",
                "arn:aws:cloudformation:eu-central-1:000000000000:stack/web/1",
                Some("arn:aws:cloudformation:eu-central-1:000000000000:stack/another-name-altogether/1"),
            ),
            (
                "elasticloadbalancing:ModifyListener",
                "arn:aws:elasticloadbalancing:eu-central-1:000000000000:listener/app/web/1/2",
                Some(
                    "arn:aws:elasticloadbalancing:eu-central-1:000000000000:listener/app/another-name-altogether/1/2",
                ),
            ),
            (
                "logs:PutLogEvents",
                "arn:aws:logs:eu-central-1:000000000000:log-group:/ecs/web:log-stream:a",
                Some("arn:aws:logs:eu-central-1:000000000000:log-group:another-name-altogether:log-stream:a"),
            ),
            ("ecr:GetAuthorizationToken", "*", None),
        ];
        for (action, resource, expected) in cases {
            let found = another_name(action, resource);
            assert_eq!(found.as_deref(), expected, "{action}");
        }
    }

    fn used(action: &str, resource: &str, context: &[(&str, &str)]) -> Use {
        let context = context.iter().map(|(key, value)| ((*key).to_owned(), vec![(*value).to_owned()]));
        Use {
            principal: "arn:aws:iam::000000000000:role/r".to_owned(),
            program: None,
            action: action.to_owned(),
            resource: resource.to_owned(),
            context: context.collect(),
            operation: String::new(),
            allowed: 1,
            denied: 0,
        }
    }

    #[test]
    fn a_condition_that_is_not_there_is_told_unless_the_resource_says_the_same() {
        let at = "eu-central-1:000000000000";
        let (web, task) =
            (format!("arn:aws:ecs:{at}:cluster/web"), format!("arn:aws:ecs:{at}:task-definition/web:1"));
        let set = format!("arn:aws:ecs:{at}:task-set/web/web/1");
        let key = format!("arn:aws:kms:{at}:key/k");
        let cases = [
            (
                used("ecs:RunTask", &task, &[("ecs:cluster", &web)]),
                json!({"ArnEquals": {"ecs:cluster": web}}),
                true,
            ),
            (used("ecs:CreateTaskSet", &set, &[("ecs:cluster", &web)]), json!({}), false),
            (
                used("s3:ListBucket", "arn:aws:s3:::b", &[("s3:prefix", "cache/a")]),
                json!({"StringLike": {"s3:prefix": "cache/*"}, "StringEquals": {OWNER: "000000000000"}}),
                true,
            ),
            (
                used("kms:Decrypt", &key, &[("kms:EncryptionContext:aws:s3:arn", "arn:aws:s3:::b/c")]),
                json!({"StringLike": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::b/*"}}),
                true,
            ),
            (
                used("kms:Decrypt", &key, &[("kms:ViaService", "ssm.a"), ("kms:EncryptionContext:X", "y")]),
                json!({"StringEquals": {"kms:ViaService": "ssm.a", "kms:EncryptionContext:X": "y"}}),
                true,
            ),
            (
                used("iam:PassRole", "arn:aws:iam::000000000000:role/r", &[("iam:PassedToService", "ecs")]),
                json!({"StringEquals": {"iam:PassedToService": ["ecs"]}}),
                true,
            ),
        ];
        let record = Record {
            account: "000000000000".to_owned(),
            region: "eu-central-1".to_owned(),
            ..Record::default()
        };
        for (used, condition, narrows) in cases {
            let mut statement =
                json!({ "Effect": "Allow", "Action": used.action, "Resource": used.resource });
            let told = |statement: &Value| {
                beyond(&record, &json!({ "Version": "2012-10-17", "Statement": [statement] }), 0, &[&used])
            };
            let without = told(&statement);
            assert_eq!(without.is_some_and(|told| told.contains(" where `")), narrows, "{used:?}");
            statement["Condition"] = condition;
            assert_eq!(told(&statement), None, "{used:?}");
        }
    }
}
