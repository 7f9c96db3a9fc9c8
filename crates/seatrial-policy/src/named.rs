//! `Principal` and `NotPrincipal` (AWS: AWS JSON policy elements: Principal).

use serde_json::Value;

use crate::elements::{SYNTAX, texts};
use crate::error::Fault;
use crate::principal::Named;

/// # Errors
/// Another type than AWS, Service, Federated and CanonicalUser, and a principal that none of them has: wildcards
/// match no part of a name or ARN.
pub(crate) fn read(value: &Value) -> Result<Vec<Named>, Fault> {
    if value.as_str() == Some("*") {
        return Ok(vec![Named::Everyone]);
    }
    let types = value.as_object().filter(|types| !types.is_empty());
    let types = types.ok_or_else(|| Fault::new(value.to_string(), format!("is no principal: {SYNTAX}")))?;
    let mut named = Vec::new();
    for (kind, values) in types {
        for text in texts(kind, values)? {
            let one = match kind.as_str() {
                "AWS" => of_aws(text),
                "Service" => service(text),
                "Federated" | "CanonicalUser" => Some(Named::Other),
                _ => return Err(Fault::new(kind, format!("is no type of principal: {SYNTAX}"))),
            };
            named.push(one.ok_or_else(|| Fault::new(text, "is no principal: Invalid principal in policy"))?);
        }
    }
    Ok(named)
}

fn of_aws(text: &str) -> Option<Named> {
    if text == "*" {
        return Some(Named::Everyone);
    }
    if is_account(text) {
        return Some(Named::Account(text.to_owned()));
    }
    // What IAM shows in place of a principal that was deleted.
    if text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
        return Some(Named::Other);
    }
    let components: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", _, service, "", account, resource] = components.as_slice() else { return None };
    if !is_account(account) || text.contains(['*', '?']) {
        return None;
    }
    let name = |kind: &str| resource.strip_prefix(kind).filter(|name| !name.is_empty());
    match *service {
        "iam" if *resource == "root" => Some(Named::Account((*account).to_owned())),
        "iam" if name("user/").is_some() => Some(Named::User(text.to_owned())),
        "iam" if name("role/").is_some() => Some(Named::Role(text.to_owned())),
        "sts" if name("assumed-role/").is_some_and(|name| name.contains('/')) => {
            Some(Named::Session(text.to_owned()))
        }
        "sts" if name("federated-user/").is_some() => Some(Named::Other),
        _ => None,
    }
}

fn service(text: &str) -> Option<Named> {
    let is_service = text.ends_with(".amazonaws.com") || text.ends_with(".amazonaws.com.cn");
    (is_service && !text.contains(['*', '?'])).then(|| Named::Service(text.to_owned()))
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}
