//! Errors as each protocol spells them.

use ::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::body::Body;
use axum::response::Response;
use serde_json::{Map, Value};

use super::model::{Model, Operation};
use super::sigv4::Refusal;
use super::{Protocol, cbor, text, xml};
use crate::error::ServiceError;

/// What is known of a request that failed.
#[derive(Clone, Copy)]
pub(super) struct Failed<'a> {
    pub protocol: Protocol,
    pub model: Option<&'static Model>,
    pub operation: Option<&'static Operation>,
    pub path: &'a str,
    /// No body may follow the head.
    pub head_only: bool,
    pub request_id: &'a str,
}

/// The answer that tells `error`.
pub(super) fn render(failed: Failed<'_>, error: &ServiceError) -> Response {
    let error = &spelled(failed.protocol, error);
    let known = failed.model.and_then(|model| model.error(failed.operation, &error.code));
    let known_error = known.and_then(|(_, shape)| shape.error.as_ref());
    let status = known_error.and_then(|error| error.http_status_code);
    let status = status.filter(|_| error.status < 500).unwrap_or(error.status);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let wire_code = known_error.and_then(|error| error.code.as_deref());
    let mut headers = HeaderMap::new();
    let body = match failed.protocol {
        Protocol::Query => query(failed, (wire_code.unwrap_or(&error.code), status), error).into_bytes(),
        Protocol::RestXml => {
            error.members.iter().filter(|(name, _)| is_header(name)).for_each(|(name, value)| {
                insert(&mut headers, name, &text::of(value));
            });
            rest_xml(failed, error).into_bytes()
        }
        Protocol::Json { .. } | Protocol::Cbor => {
            let name = known.map_or(error.code.as_str(), |(name, _)| name);
            insert(&mut headers, "x-amzn-errortype", name);
            let compatible = failed.model.is_some_and(|model| model.metadata.aws_query_compatible.is_some());
            if compatible {
                let fault = if status.is_server_error() { "Receiver" } else { "Sender" };
                insert(&mut headers, "x-amzn-query-error", &format!("{};{fault}", wire_code.unwrap_or(name)));
            }
            let members =
                json_members(name, known.is_some_and(|(_, s)| s.members.get("Message").is_some()), error);
            match failed.protocol {
                Protocol::Cbor => cbor::encode_plain(&members),
                _ => Value::Object(members).to_string().into_bytes(),
            }
        }
    };
    let body = if failed.head_only { Vec::new() } else { body };
    respond(failed.protocol, (status, headers), failed.request_id, Body::from(body))
}

/// The codes that every service has, each protocol in its own spelling.
fn spelled(protocol: Protocol, error: &ServiceError) -> ServiceError {
    let (code, status) = match (protocol, error.code.as_str()) {
        (Protocol::Query, "ThrottlingException") => ("Throttling", error.status),
        (Protocol::RestXml, "ThrottlingException") => ("SlowDown", 503),
        (Protocol::RestXml, "InternalFailure") => ("InternalError", error.status),
        (Protocol::RestXml, "SerializationException") => ("InvalidArgument", error.status),
        (Protocol::Query, "SerializationException") => ("MalformedInput", error.status),
        (Protocol::Json { .. } | Protocol::Cbor, "AccessDenied") => ("AccessDeniedException", 400),
        _ => return error.clone(),
    };
    ServiceError { code: code.to_owned(), status, ..error.clone() }
}

fn query(failed: Failed<'_>, (code, status): (&str, StatusCode), error: &ServiceError) -> String {
    if failed.model.is_some_and(|model| model.metadata.is_ec2()) {
        let mut out = "<Response><Errors><Error>".to_owned();
        xml::write_text(&mut out, "Code", code);
        xml::write_text(&mut out, "Message", &error.message);
        out.push_str("</Error></Errors>");
        xml::write_text(&mut out, "RequestID", failed.request_id);
        out.push_str("</Response>");
        return out;
    }
    let mut out = "<ErrorResponse xmlns=\"".to_owned();
    xml::escape(&mut out, failed.model.and_then(|m| m.metadata.xml_namespace.as_deref()).unwrap_or_default());
    out.push_str("\"><Error>");
    xml::write_text(&mut out, "Type", if status.is_server_error() { "Receiver" } else { "Sender" });
    xml::write_text(&mut out, "Code", code);
    xml::write_text(&mut out, "Message", &error.message);
    members(&mut out, error);
    out.push_str("</Error>");
    xml::write_text(&mut out, "RequestId", failed.request_id);
    out.push_str("</ErrorResponse>");
    out
}

fn rest_xml(failed: Failed<'_>, error: &ServiceError) -> String {
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>".to_owned();
    xml::write_text(&mut out, "Code", &error.code);
    xml::write_text(&mut out, "Message", &error.message);
    xml::write_text(&mut out, "Resource", failed.path);
    members(&mut out, error);
    xml::write_text(&mut out, "RequestId", failed.request_id);
    out.push_str("</Error>");
    out
}

/// Members of S3's errors that go into the head of an answer.
fn is_header(name: &str) -> bool {
    name.starts_with("x-amz-")
}

fn members(out: &mut String, error: &ServiceError) {
    for (name, value) in error.members.iter().filter(|(name, _)| !is_header(name)) {
        xml::write_text(out, name, &text::of(value));
    }
}

fn json_members(name: &str, capital: bool, error: &ServiceError) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("__type".to_owned(), Value::from(name));
    members
        .insert(if capital { "Message" } else { "message" }.to_owned(), Value::from(error.message.as_str()));
    members.extend(error.members.iter().map(|(name, value)| (name.clone(), value.clone())));
    members
}

/// An answer with the headers that every answer of this protocol has.
pub(super) fn respond(
    protocol: Protocol,
    (status, mut headers): (StatusCode, HeaderMap),
    request_id: &str,
    body: Body,
) -> Response {
    let content_type = match protocol {
        Protocol::Query => "text/xml",
        Protocol::RestXml => "application/xml",
        Protocol::Json { version: "1.0" } => "application/x-amz-json-1.0",
        Protocol::Json { .. } => "application/x-amz-json-1.1",
        Protocol::Cbor => "application/cbor",
    };
    let empty = axum::body::HttpBody::size_hint(&body).exact() == Some(0);
    if !empty && !headers.contains_key(header::CONTENT_TYPE) {
        insert(&mut headers, "content-type", content_type);
    }
    let request_id_header =
        if protocol == Protocol::RestXml { "x-amz-request-id" } else { "x-amzn-requestid" };
    insert(&mut headers, request_id_header, request_id);
    if protocol == Protocol::Cbor {
        insert(&mut headers, "smithy-protocol", "rpc-v2-cbor");
    }
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Sets a header; a value that no header can hold is left out.
pub(super) fn insert(headers: &mut HeaderMap, name: &str, value: &str) {
    match (HeaderName::try_from(name), HeaderValue::from_bytes(value.as_bytes())) {
        (Ok(name), Ok(value)) => {
            headers.insert(name, value);
        }
        _ => tracing::warn!(name, "a header's name or value is not valid in HTTP"),
    }
}

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your \
                        AWS Secret Access Key and signing method. Consult the service documentation for details.";

/// A header's name as AWS's messages spell it.
fn spelled_header(name: &str) -> String {
    if name == "host" {
        return "'Host' or ':authority'".to_owned();
    }
    let parts = name.split('-').map(|part| {
        let (first, rest) = part.split_at_checked(1).unwrap_or((part, ""));
        format!("{}{rest}", first.to_uppercase())
    });
    format!("'{}'", parts.collect::<Vec<_>>().join("-"))
}

/// Headers that had to be signed: S3 lists them, the others name one.
fn not_signed(protocol: Protocol, headers: &[String]) -> ServiceError {
    if protocol == Protocol::RestXml {
        let message = "There were headers present in the request which were not signed";
        let mut error = ServiceError::access_denied(message);
        error.members.insert("HeadersNotSigned".to_owned(), Value::from(headers.join(", ")));
        return error;
    }
    let header = headers.first().map(|name| spelled_header(name)).unwrap_or_default();
    let message = format!("{header} must be a 'SignedHeader' in the AWS Authorization.");
    match protocol {
        Protocol::Query => ServiceError::new("SignatureDoesNotMatch", message).with_status(403),
        _ => ServiceError::new("InvalidSignatureException", message),
    }
}

/// A refused signature, in the code and wording of each family of services.
pub(super) fn refused(protocol: Protocol, refusal: &Refusal) -> ServiceError {
    let invalid_token = "The security token included in the request is invalid.";
    let expired = "The security token included in the request is expired";
    // Code of the JSON services (all 400); code of the query services; code and status of S3; message.
    let (json, query, (s3, s3_status), message) = match refusal {
        Refusal::Unsigned => {
            let missing = "Request is missing Authentication Token";
            (
                "MissingAuthenticationTokenException",
                "MissingAuthenticationToken",
                ("AccessDenied", 403),
                missing,
            )
        }
        Refusal::Incomplete(why) => {
            let s3 = ("AuthorizationHeaderMalformed", 400);
            ("IncompleteSignatureException", "IncompleteSignature", s3, why.as_str())
        }
        Refusal::UnsignedHeaders(headers) => return not_signed(protocol, headers),
        Refusal::Mismatch => {
            ("InvalidSignatureException", "SignatureDoesNotMatch", ("SignatureDoesNotMatch", 403), MISMATCH)
        }
        Refusal::UnknownKey => (
            "UnrecognizedClientException",
            "InvalidClientTokenId",
            ("InvalidAccessKeyId", 403),
            invalid_token,
        ),
        Refusal::WrongToken => {
            ("UnrecognizedClientException", "InvalidClientTokenId", ("InvalidToken", 400), invalid_token)
        }
        Refusal::ExpiredSession => ("ExpiredTokenException", "ExpiredToken", ("ExpiredToken", 400), expired),
        Refusal::Skewed(why) => {
            let s3 = ("RequestTimeTooSkewed", 403);
            ("InvalidSignatureException", "SignatureDoesNotMatch", s3, why.as_str())
        }
        Refusal::WrongBody => {
            let s3 = ("XAmzContentSHA256Mismatch", 400);
            (
                "InvalidSignatureException",
                "SignatureDoesNotMatch",
                s3,
                "The body does not match its checksum.",
            )
        }
        Refusal::Chunks(why) => ("SerializationException", "MalformedInput", ("IncompleteBody", 400), *why),
    };
    match protocol {
        Protocol::RestXml if *refusal == Refusal::Unsigned => {
            ServiceError::new(s3, "Access Denied").with_status(s3_status)
        }
        Protocol::RestXml => ServiceError::new(s3, message).with_status(s3_status),
        Protocol::Query if query == "IncompleteSignature" || query == "MalformedInput" => {
            ServiceError::new(query, message)
        }
        Protocol::Query => ServiceError::new(query, message).with_status(403),
        Protocol::Json { .. } | Protocol::Cbor => ServiceError::new(json, message),
    }
}
