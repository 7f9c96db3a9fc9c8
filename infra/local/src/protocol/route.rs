//! Which protocol a request speaks, and which operation of which service it means.

use ::http::Method;
use ::http::request::Parts;

use super::model::{Model, Operation};
use super::{Protocol, query, rest};
use crate::error::ServiceError;

/// The operation a request means.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub model: &'static Model,
    pub name: &'static str,
    pub operation: &'static Operation,
}

/// The protocol, told from the head alone, so that even an unsigned request is refused in its own language.
pub(super) fn protocol(parts: &Parts) -> Protocol {
    if header(parts, "smithy-protocol") == Some("rpc-v2-cbor") {
        return Protocol::Cbor;
    }
    let content_type = header(parts, "content-type").unwrap_or_default();
    if header(parts, "x-amz-target").is_some() || content_type.starts_with("application/x-amz-json") {
        let version = if content_type.starts_with("application/x-amz-json-1.0") { "1.0" } else { "1.1" };
        return Protocol::Json { version };
    }
    let is_form =
        parts.method == Method::POST && content_type.starts_with("application/x-www-form-urlencoded");
    let has_action = || query::pairs(parts.uri.query().unwrap_or_default().as_bytes());
    if is_form || (parts.uri.path() == "/" && has_action().iter().any(|(name, _)| name == "Action")) {
        return Protocol::Query;
    }
    Protocol::RestXml
}

/// The form of a query request: its body, or the query string of a GET.
pub(super) fn form(parts: &Parts, body: &[u8]) -> Vec<(String, String)> {
    let mut form = query::pairs(parts.uri.query().unwrap_or_default().as_bytes());
    form.extend(query::pairs(body));
    form
}

/// Finds the operation of the service that the request was signed for.
pub(super) fn target(
    protocol: Protocol,
    service: &str,
    parts: &Parts,
    body: &[u8],
) -> Result<Target, ServiceError> {
    let named = name(protocol, parts, body);
    let Some(model) = Model::of(service) else {
        return Err(ServiceError::not_served(service, named.as_deref().unwrap_or(parts.uri.path())));
    };
    let name = match named {
        Some(name) => name,
        None if protocol == Protocol::RestXml => rest::find(model, parts)?.to_owned(),
        None => return Err(unknown(protocol, "")),
    };
    match model.operations.get_key_value(&name) {
        Some((name, operation)) => Ok(Target { model, name, operation }),
        None if model.unserved.contains_key(&name) => Err(ServiceError::not_served(service, &name)),
        None => Err(unknown(protocol, &name)),
    }
}

/// The operation's name, where the request carries it.
fn name(protocol: Protocol, parts: &Parts, body: &[u8]) -> Option<String> {
    match protocol {
        Protocol::Query => {
            form(parts, body).into_iter().find(|(name, _)| name == "Action").map(|(_, value)| value)
        }
        Protocol::Json { .. } => {
            header(parts, "x-amz-target")?.rsplit_once('.').map(|(_, name)| name.to_owned())
        }
        Protocol::Cbor => match parts.uri.path().split('/').collect::<Vec<_>>()[..] {
            ["", "service", _, "operation", name] => Some(name.to_owned()),
            _ => None,
        },
        Protocol::RestXml => None,
    }
}

fn unknown(protocol: Protocol, name: &str) -> ServiceError {
    match protocol {
        Protocol::Query if name.is_empty() => {
            ServiceError::new("MissingAction", "The request has no Action.")
        }
        Protocol::Query => {
            let message = format!("Could not find operation {name} for this version of the service.");
            ServiceError::new("InvalidAction", message)
        }
        Protocol::RestXml => {
            let message = "The specified method is not allowed against this resource.";
            ServiceError::new("MethodNotAllowed", message).with_status(405)
        }
        Protocol::Json { .. } => {
            ServiceError::new("UnknownOperationException", format!("Unknown operation `{name}`"))
        }
        Protocol::Cbor => {
            ServiceError::new("UnknownOperationException", format!("Unknown operation `{name}`"))
                .with_status(404)
        }
    }
}

fn header<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.headers.get(name)?.to_str().ok()
}
