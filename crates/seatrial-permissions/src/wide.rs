//! What a statement allows beyond what was used: the same on a resource of another name, for another service, for another
//! account.

use std::collections::BTreeMap;

use seatrial_policy::{NamedPolicy, PolicyKind};
use serde_json::Value;

use crate::document::{only, statements, texts};
use crate::record::{Record, Use};
use crate::replay::{allows, named, trusts};

/// An account and a service that nobody here is.
const ANOTHER_ACCOUNT: &str = "999999999999";
const ANOTHER_SERVICE: &str = "another.amazonaws.com";
const ANOTHER_NAME: &str = "another-name-altogether";

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
    let mut other = (*own).clone();
    let source = other.resource.replace(&record.account, ANOTHER_ACCOUNT);
    other.context = BTreeMap::from([
        ("aws:SourceAccount".to_owned(), vec![ANOTHER_ACCOUNT.to_owned()]),
        ("aws:SourceArn".to_owned(), vec![source]),
    ]);
    let service = &own.principal;
    trusts(record, Some(&policy), &other).then(|| {
        format!(
            "`{service}` may assume the role for anything of any account: there is no `aws:SourceAccount`"
        )
    })
}

/// Uses that are like one that was seen, each with what is other in it.
fn elsewhere(used: &Use) -> Vec<(Use, String)> {
    let mut others = Vec::new();
    if let Some(resource) = another_name(&used.action, &used.resource) {
        let what = format!("on `{resource}`");
        others.push((Use { resource, ..used.clone() }, what));
    }
    if used.context.contains_key("iam:PassedToService") {
        let mut context = used.context.clone();
        context.insert("iam:PassedToService".to_owned(), vec![ANOTHER_SERVICE.to_owned()]);
        others.push((Use { context, ..used.clone() }, "to services that nobody has named".to_owned()));
    }
    others
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
}
