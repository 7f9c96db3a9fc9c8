//! Trust policies: who may assume a role.
//!
//! Conditions are not judged: engines do not say for which resource they act.

use serde_json::Value;

use crate::principal::Principal;

const ACTION: &str = "sts:AssumeRole";

/// Whether the trust policy `text` lets `principal` assume the role.
pub(super) fn allows(text: &str, principal: &Principal) -> bool {
    let Ok(policy) = serde_json::from_str::<Value>(text) else { return false };
    let fits = |statement: &&Value| {
        list(&statement["Action"]).any(is_assume_role) && names(&statement["Principal"], principal)
    };
    let statements: Vec<&Value> = items(&policy["Statement"]).filter(fits).collect();
    let effect = |wanted: &str| statements.iter().any(|statement| statement["Effect"] == wanted);
    effect("Allow") && !effect("Deny")
}

fn is_assume_role(action: &str) -> bool {
    action == "*" || action.eq_ignore_ascii_case("sts:*") || action.eq_ignore_ascii_case(ACTION)
}

fn names(who: &Value, principal: &Principal) -> bool {
    if who == "*" {
        return true;
    }
    let root = format!("arn:aws:iam::{}:root", principal.account);
    let is_service = !principal.arn.starts_with("arn:");
    if is_service {
        return list(&who["Service"]).any(|name| name == principal.arn);
    }
    list(&who["AWS"]).any(|arn| {
        arn == "*"
            || arn == root
            || arn == principal.account
            || arn == principal.arn
            || principal.role_arn.as_deref() == Some(arn)
    })
}

/// One value or a list of them, as policies have both.
fn items(value: &Value) -> impl Iterator<Item = &Value> {
    let many = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let one = (!value.is_array() && !value.is_null()).then_some(value);
    many.iter().chain(one)
}

fn list(value: &Value) -> impl Iterator<Item = &str> {
    items(value).filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Principal": {"Service": ["codebuild.amazonaws.com"]}, "Action": "sts:AssumeRole"}]}"#;

    #[test]
    fn only_the_trusted_service_may_assume_the_role() {
        assert!(allows(TRUST, &Principal::service("codebuild.amazonaws.com", "000000000000")));
        assert!(!allows(TRUST, &Principal::service("ecs-tasks.amazonaws.com", "000000000000")));
        assert!(!allows(TRUST, &Principal::operator("000000000000")));
    }

    #[test]
    fn the_account_s_root_stands_for_everybody_in_it() {
        let trust = TRUST.replace(
            r#""Service": ["codebuild.amazonaws.com"]"#,
            r#""AWS": "arn:aws:iam::000000000000:root""#,
        );
        assert!(allows(&trust, &Principal::operator("000000000000")));
        assert!(!allows(&trust, &Principal::service("codebuild.amazonaws.com", "000000000000")));
    }
}
