//! Constraints of the model: required members, enumerations, lengths, ranges, patterns. What AWS's own front
//! end refuses is refused here, with its code and wording.

use serde_json::Value;

use super::Protocol;
use super::model::{Kind, Model, Operation, Reference, Shape};
use crate::error::ServiceError;

/// AWS lists at most this many violations.
const LISTED: usize = 10;

/// One broken constraint.
struct Violation {
    /// The top-level member it is in.
    member: String,
    missing: bool,
    text: String,
}

/// Refuses a value that breaks the model's constraints.
pub(super) fn check(
    protocol: Protocol,
    model: &Model,
    operation: &Operation,
    value: &Value,
) -> Result<(), ServiceError> {
    let Some(input) = &operation.input else { return Ok(()) };
    let mut found = Vec::new();
    walk(model, input, ("", value), &mut found);
    if protocol == Protocol::RestXml {
        // S3 checks by hand: of the model's constraints only the required members are its own.
        found.retain(|violation| violation.missing);
    }
    let Some(first) = found.first() else { return Ok(()) };
    let code = code(protocol, model, operation, first);
    Err(ServiceError::new(code, message(protocol, model, first, &found)))
}

fn code(protocol: Protocol, model: &Model, operation: &Operation, violation: &Violation) -> String {
    let own = if violation.missing { &model.metadata.missing_code } else { &model.metadata.invalid_code };
    if let Some(own) = own {
        return own.clone();
    }
    match protocol {
        Protocol::Query => return "ValidationError".to_owned(),
        Protocol::RestXml => return "InvalidRequest".to_owned(),
        Protocol::Json { .. } | Protocol::Cbor => {}
    }
    // CodeDeploy has an exception for each member; the others have one for all.
    let member = with_first(&violation.member, char::to_ascii_uppercase);
    let of_member = match violation.missing {
        true => format!("{member}RequiredException"),
        false => format!("Invalid{member}Exception"),
    };
    let general = [
        "ValidationException",
        "InvalidParameterException",
        "InvalidInputException",
        "InvalidRequestException",
    ];
    let listed = |name: &&str| operation.errors.iter().any(|error| error == name);
    let found = std::iter::once(of_member.as_str()).chain(general).find(listed);
    found.unwrap_or("ValidationException").to_owned()
}

fn message(protocol: Protocol, model: &Model, first: &Violation, found: &[Violation]) -> String {
    if first.missing && (model.metadata.missing_code.is_some() || protocol == Protocol::RestXml) {
        return format!("The request must contain the parameter {}", first.member);
    }
    let listed: Vec<_> = found.iter().take(LISTED).map(|violation| violation.text.as_str()).collect();
    let plural = if listed.len() == 1 { "" } else { "s" };
    format!("{} validation error{plural} detected: {}", listed.len(), listed.join("; "))
}

/// Visits `value`; its path is spelled as AWS spells it: `tags.1.member.key`.
fn walk(model: &Model, reference: &Reference, (path, value): (&str, &Value), found: &mut Vec<Violation>) {
    let shape = model.shape(reference);
    match (shape.kind, value) {
        _ if shape.document => {}
        (Kind::Structure, Value::Object(object)) => {
            for name in shape.required.iter().filter(|name| !object.contains_key(*name)) {
                let text = constraint("null", &join(path, name), "Member must not be null");
                found.push(Violation { member: top_of(&join(path, name), name), missing: true, text });
            }
            for (name, value) in object {
                if let Some(member) = shape.members.get(name) {
                    walk(model, member, (&join(path, name), value), found);
                }
            }
        }
        (Kind::List, Value::Array(items)) => {
            check_length(shape, (path, value), items.len(), found);
            for (index, item) in items.iter().enumerate() {
                if let Some(member) = &shape.member {
                    walk(model, member, (&format!("{path}.{}.member", index + 1), item), found);
                }
            }
        }
        (Kind::Map, Value::Object(entries)) => {
            check_length(shape, (path, value), entries.len(), found);
            for (key, item) in entries {
                if let Some(of) = &shape.value {
                    walk(model, of, (&format!("{path}.{key}.member"), item), found);
                }
            }
        }
        (Kind::String, Value::String(text)) => check_text(shape, path, text, found),
        (_, Value::Number(number)) if shape.kind != Kind::Timestamp => {
            let number = number.as_f64().unwrap_or_default();
            let rule = match (shape.min, shape.max) {
                (Some(min), _) if number < min => format!("value greater than or equal to {min}"),
                (_, Some(max)) if number > max => format!("value less than or equal to {max}"),
                _ => return,
            };
            break_rule((path, &format!("'{number}'")), &format!("Member must have {rule}"), found);
        }
        _ => {}
    }
}

fn check_text(shape: &Shape, path: &str, text: &str, found: &mut Vec<Violation>) {
    let quoted = format!("'{text}'");
    if !shape.values.is_empty() && !shape.values.iter().any(|value| value == text) {
        let rule = format!("Member must satisfy enum value set: [{}]", shape.values.join(", "));
        return break_rule((path, &quoted), &rule, found);
    }
    check_length(shape, (path, &Value::String(text.to_owned())), text.chars().count(), found);
    if let Some(regex) = shape.regex()
        && !regex.is_match(text)
    {
        let pattern = shape.pattern.as_deref().unwrap_or_default();
        let rule = format!("Member must satisfy regular expression pattern: {pattern}");
        break_rule((path, &quoted), &rule, found);
    }
}

fn check_length(shape: &Shape, (path, value): (&str, &Value), length: usize, found: &mut Vec<Violation>) {
    #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
    let length = length as f64;
    let rule = match (shape.min, shape.max) {
        (Some(min), _) if length < min => format!("greater than or equal to {min}"),
        (_, Some(max)) if length > max => format!("less than or equal to {max}"),
        _ => return,
    };
    let quoted = match value {
        Value::String(text) => format!("'{text}'"),
        other => format!("'{other}'"),
    };
    break_rule((path, &quoted), &format!("Member must have length {rule}"), found);
}

fn break_rule((path, value): (&str, &str), rule: &str, found: &mut Vec<Violation>) {
    let text = constraint(value, path, rule);
    found.push(Violation { member: top_of(path, path), missing: false, text });
}

fn constraint(value: &str, path: &str, rule: &str) -> String {
    format!("Value {value} at '{path}' failed to satisfy constraint: {rule}")
}

/// AWS spells paths in lower camel case, whatever the member's own case.
fn join(path: &str, name: &str) -> String {
    let name = with_first(name, char::to_ascii_lowercase);
    if path.is_empty() { name } else { format!("{path}.{name}") }
}

/// The first part of a path; `name`, in its own case, if it is the only one.
fn top_of(path: &str, name: &str) -> String {
    match path.split_once('.') {
        Some((top, _)) => top.to_owned(),
        None => name.to_owned(),
    }
}

fn with_first(name: &str, change: impl Fn(&char) -> char) -> String {
    let mut characters = name.chars();
    characters.next().map(|first| change(&first)).into_iter().chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const JSON: Protocol = Protocol::Json { version: "1.1" };

    fn refusal(protocol: Protocol, service: &str, operation: &str, value: &Value) -> ServiceError {
        let model = Model::of(service).unwrap();
        check(protocol, model, &model.operations[operation], value).unwrap_err()
    }

    #[test]
    fn a_missing_member_is_named_as_the_service_names_it() {
        let error = refusal(Protocol::Query, "cloudformation", "CreateStack", &json!({}));
        assert_eq!(error.code, "ValidationError");
        assert_eq!(
            error.message,
            "1 validation error detected: Value null at 'stackName' failed to satisfy constraint: \
             Member must not be null"
        );
        assert_eq!(
            refusal(JSON, "codedeploy", "GetDeployment", &json!({})).code,
            "DeploymentIdRequiredException"
        );
        assert_eq!(refusal(JSON, "codepipeline", "GetPipeline", &json!({})).code, "ValidationException");
        assert_eq!(refusal(JSON, "codebuild", "BatchGetBuilds", &json!({})).code, "InvalidInputException");
        assert_eq!(refusal(JSON, "ecr", "CreateRepository", &json!({})).code, "InvalidParameterException");
        let error = refusal(Protocol::Query, "rds", "DeleteDBInstance", &json!({}));
        assert_eq!(
            error.to_string(),
            "MissingParameter: The request must contain the parameter DBInstanceIdentifier"
        );
    }

    #[test]
    fn numbers_are_checked_for_json_services() {
        let error = refusal(JSON, "ecr", "DescribeImages", &json!({"repositoryName": "r", "maxResults": 0}));
        assert_eq!(error.code, "InvalidParameterException");
        assert!(error.message.contains("Value '0' at 'maxResults'"), "{}", error.message);
    }

    #[test]
    fn enumerations_lengths_and_patterns_are_checked_at_any_depth() {
        let value = json!({
            "ChangeSetName": "a_b",
            "StackName": "s",
            "Capabilities": ["CAPABILITY_ANY"],
            "Tags": [{"Key": "", "Value": "v"}],
        });
        let message = refusal(Protocol::Query, "cloudformation", "CreateChangeSet", &value).message;
        assert!(message.starts_with("3 validation errors detected: Value "), "{message}");
        for part in [
            "Value 'a_b' at 'changeSetName' failed to satisfy constraint: Member must satisfy regular expression \
             pattern: [a-zA-Z][-a-zA-Z0-9]*",
            "Value 'CAPABILITY_ANY' at 'capabilities.1.member' failed to satisfy constraint: Member must satisfy \
             enum value set: [CAPABILITY_IAM, CAPABILITY_NAMED_IAM, CAPABILITY_AUTO_EXPAND]",
            "Value '' at 'tags.1.member.key' failed to satisfy constraint: Member must have length greater than or \
             equal to 1",
        ] {
            assert!(message.contains(part), "{part} not in {message}");
        }
    }
}
