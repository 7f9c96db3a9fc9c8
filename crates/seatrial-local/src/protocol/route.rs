//! Which protocol a request speaks, and which operation of which service it means.

use ::http::Method;
use ::http::request::Parts;

use super::model::{Metadata, Model, Operation};
use super::{Protocol, query, rest};
use crate::error::ServiceError;

/// The operation a request means.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub model: &'static Model,
    pub name: &'static str,
    pub operation: &'static Operation,
}

/// The protocol of a request that is signed for `service`, `None` if for none. A service is answered in its own
/// protocols only: what else the head may say, signed or not, makes no request for one service another's.
pub(super) fn protocol(parts: &Parts, service: Option<&str>) -> Protocol {
    let told = told(parts);
    match service.map(Model::of) {
        Some(Some(model)) if !is_spoken(told, &model.metadata) => preferred(&model.metadata),
        // A service without a table; only S3 speaks this protocol.
        Some(None) if told == Protocol::RestXml => Protocol::Json { version: "1.1" },
        _ => told,
    }
}

/// The protocol, told from the head alone, so that even an unsigned request is refused in its own language.
fn told(parts: &Parts) -> Protocol {
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

fn is_spoken(protocol: Protocol, metadata: &Metadata) -> bool {
    let name = match protocol {
        Protocol::Query => "query",
        Protocol::Json { .. } => "json",
        Protocol::Cbor => "smithy-rpc-v2-cbor",
        Protocol::RestXml => "rest-xml",
    };
    metadata.protocols.iter().any(|spoken| spoken == name) || protocol == Protocol::Query && metadata.is_ec2()
}

/// The protocol that refuses a request of a foreign one: JSON where the service speaks it, for a request in CBOR
/// says so in its head.
fn preferred(metadata: &Metadata) -> Protocol {
    let version = if metadata.json_version.as_deref() == Some("1.0") { "1.0" } else { "1.1" };
    let json = Protocol::Json { version };
    let others = [json, Protocol::Query, Protocol::RestXml];
    others.into_iter().find(|protocol| is_spoken(*protocol, metadata)).unwrap_or(json)
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
        // A name that another service's requests have is none of this one's.
        Some(name) if !is_prefixed(protocol, parts, &model.metadata) => return Err(unknown(protocol, &name)),
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

/// The operation of a request whose body is an object's bytes; it is known by the head.
pub(super) fn upload(protocol: Protocol, service: &str, parts: &Parts) -> Option<Target> {
    let model = Model::of(service).filter(|_| protocol == Protocol::RestXml)?;
    let (name, operation) = model.operations.get_key_value(rest::find(model, parts).ok()?)?;
    rest::is_upload(model, operation).then_some(Target { model, name, operation })
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

/// Whether the request names the service as its model does.
fn is_prefixed(protocol: Protocol, parts: &Parts, metadata: &Metadata) -> bool {
    let Some(prefix) = metadata.target_prefix.as_deref() else { return true };
    match protocol {
        Protocol::Json { .. } => {
            let target = header(parts, "x-amz-target").and_then(|target| target.rsplit_once('.'));
            target.is_some_and(|(found, _)| found == prefix)
        }
        // Smithy's own clients leave the namespace out.
        Protocol::Cbor => {
            let short = prefix.rsplit_once('.').map_or(prefix, |(_, short)| short);
            parts.uri.path().split('/').nth(2).is_some_and(|found| found == prefix || found == short)
        }
        Protocol::Query | Protocol::RestXml => true,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_head_makes_a_service_speak_a_protocol_that_is_not_its_own() {
        let request = |method: &str, uri: &str, headers: &[(&str, &str)]| {
            let builder = ::http::Request::builder().method(method).uri(uri);
            let builder =
                headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
            builder.body(()).unwrap().into_parts().0
        };
        let heads = [
            ("x-amz-target", "X.Y"),
            ("content-type", "application/x-amz-json-1.0"),
            ("content-type", "application/x-www-form-urlencoded"),
            ("smithy-protocol", "rpc-v2-cbor"),
            ("accept", "*/*"),
        ];
        let services = [
            "application-autoscaling",
            "cloudformation",
            "codebuild",
            "codeconnections",
            "codedeploy",
            "codepipeline",
            "ec2",
            "ecr",
            "ecs",
            "elasticloadbalancing",
            "iam",
            "kms",
            "logs",
            "monitoring",
            "rds",
            "s3",
            "secretsmanager",
            "ssm",
            "sts",
        ];
        for service in services {
            let metadata = &Model::of(service).unwrap().metadata;
            for head in heads {
                for uri in ["/", "/?Action=ListRoles", "/b/k", "/service/X/operation/Y"] {
                    for method in ["GET", "POST", "PUT"] {
                        let parts = request(method, uri, &[head]);
                        let found = protocol(&parts, Some(service));
                        assert!(is_spoken(found, metadata), "{service} {head:?} {method} {uri}: {found:?}");
                        let is_s3 = found == Protocol::RestXml;
                        assert_eq!(is_s3, service == "s3", "{service} {head:?} {method} {uri}");
                    }
                }
            }
        }
    }
}
