//! S3's protocol: members lie in the path, the query, headers and an XML body, as the model says.

use ::http::request::Parts;
use ::http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::error::insert;
use super::model::{Http, Kind, Location, Model, Operation, Reference, TimestampFormat};
use super::{query, text, time, xml};
use crate::error::ServiceError;

/// The operation whose request line fits best: the one with the most fixed and required parameters.
pub(super) fn find(model: &'static Model, parts: &Parts) -> Result<&'static str, ServiceError> {
    let pairs = query::pairs(parts.uri.query().unwrap_or_default().as_bytes());
    let served = model.operations.iter().filter_map(|(name, operation)| {
        let fixed = fits(&operation.http, parts, &pairs)?;
        let required = required_present(model, operation, parts, &pairs)?;
        Some((fixed + required, true, name))
    });
    let unserved = model.unserved.iter().filter_map(|(name, http)| {
        let fixed = fits(http, parts, &pairs)?;
        Some((fixed, false, name))
    });
    match served.chain(unserved).max() {
        Some((_, _, name)) => Ok(name),
        None => {
            let message = "The specified method is not allowed against this resource.";
            Err(ServiceError::new("MethodNotAllowed", message).with_status(405))
        }
    }
}

/// How many fixed query parameters of the request line are there; `None` if it does not fit.
fn fits(http: &Http, parts: &Parts, pairs: &[(String, String)]) -> Option<usize> {
    let (path, fixed) = http.request_uri.split_once('?').unwrap_or((&http.request_uri, ""));
    if parts.method != http.method.as_str() {
        return None;
    }
    labels(path, parts.uri.path())?;
    let fixed: Vec<_> = fixed.split('&').filter(|pair| !pair.is_empty()).collect();
    let present = |pair: &&&str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        pairs.iter().any(|(found, text)| found == name && (value.is_empty() || text == value))
    };
    (fixed.iter().filter(present).count() == fixed.len()).then_some(fixed.len())
}

/// How many required members lie in query and headers; `None` if one is missing.
fn required_present(
    model: &Model,
    operation: &Operation,
    parts: &Parts,
    pairs: &[(String, String)],
) -> Option<usize> {
    let Some(input) = &operation.input else { return Some(0) };
    let shape = model.shape(input);
    let mut count = 0;
    for (name, member) in shape.members.iter().filter(|(name, _)| shape.required.iter().any(|r| r == name)) {
        let key = member.location_name.as_deref().unwrap_or(name);
        let present = match member.location {
            Some(Location::QueryString) => pairs.iter().any(|(found, _)| found == key),
            Some(Location::Header) => parts.headers.contains_key(key),
            _ => continue,
        };
        count += usize::from(present);
        if !present {
            return None;
        }
    }
    Some(count)
}

/// The labels of a path by its template; `{Key+}` takes the rest.
fn labels<'a>(template: &'a str, path: &str) -> Option<Vec<(&'a str, String)>> {
    let mut labels = Vec::new();
    let mut rest = path.strip_prefix('/')?;
    let parts = template.strip_prefix('/')?.split('/').filter(|part| !part.is_empty());
    for part in parts {
        let label = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        let greedy = label.and_then(|label| label.strip_suffix('+'));
        let (segment, after) = match (greedy, rest.split_once('/')) {
            (None, Some((segment, after))) => (segment, after),
            _ => (rest, ""),
        };
        if segment.is_empty() || (label.is_none() && part != segment) {
            return None;
        }
        if let Some(label) = greedy.or(label) {
            labels.push((label, percent_decode_str(segment).decode_utf8().ok()?.into_owned()));
        }
        rest = after;
    }
    rest.is_empty().then_some(labels)
}

/// Whether the operation carries an object's bytes, which do not go through values.
pub(super) fn is_transfer(model: &Model, operation: &Operation) -> bool {
    operation.input.iter().chain(&operation.output).any(|reference| is_raw(model, reference))
}

/// Whether a request of the operation does.
pub(super) fn is_upload(model: &Model, operation: &Operation) -> bool {
    operation.input.as_ref().is_some_and(|reference| is_raw(model, reference))
}

fn is_raw(model: &Model, reference: &Reference) -> bool {
    let shape = model.shape(reference);
    let payload = shape.payload.as_deref().and_then(|name| shape.members.get(name));
    payload.is_some_and(|member| model.shape(member).kind == Kind::Blob)
}

/// A request's value by the shape, without a blob that is the body.
pub(super) fn decode(
    model: &Model,
    operation: &Operation,
    parts: &Parts,
    body: &[u8],
) -> Result<Value, ServiceError> {
    let Some(input) = &operation.input else { return Ok(Value::Object(Map::new())) };
    let shape = model.shape(input);
    let pairs = query::pairs(parts.uri.query().unwrap_or_default().as_bytes());
    let template = operation.http.request_uri.split('?').next().unwrap_or_default();
    let labels = labels(template, parts.uri.path()).unwrap_or_default();
    let mut object = Map::new();
    for (name, member) in shape.members.iter() {
        let key = member.location_name.as_deref().unwrap_or(name);
        let text = match member.location {
            Some(Location::Uri) => {
                labels.iter().find(|(label, _)| *label == key).map(|(_, text)| text.clone())
            }
            Some(Location::QueryString) => {
                pairs.iter().find(|(found, _)| found == key).map(|(_, text)| text.clone())
            }
            Some(Location::Header) => header(&parts.headers, key),
            Some(Location::Headers) => {
                let found = prefixed(&parts.headers, key);
                if !found.is_empty() {
                    object.insert(name.to_owned(), Value::Object(found));
                }
                continue;
            }
            Some(Location::StatusCode) | None => continue,
        };
        if let Some(text) = text {
            object.insert(name.to_owned(), scalar(model, member, key, &text)?);
        }
    }
    if let Some(name) = &shape.payload
        && let Some(member) = shape.members.get(name)
        && let Some(value) = payload(model, member, body)?
    {
        object.insert(name.clone(), value);
    }
    Ok(Value::Object(object))
}

fn payload(model: &Model, member: &Reference, body: &[u8]) -> Result<Option<Value>, ServiceError> {
    match model.shape(member).kind {
        Kind::Blob => Ok(None),
        Kind::String => Ok(Some(Value::String(String::from_utf8_lossy(body).into_owned()))),
        _ if body.is_empty() => Ok(None),
        _ => xml::decode(model, member, &xml::parse(body)?).map(Some),
    }
}

fn scalar(model: &Model, member: &Reference, key: &str, text: &str) -> Result<Value, ServiceError> {
    let shape = model.shape(member);
    if let (Kind::List, Some(item)) = (shape.kind, &shape.member) {
        return text.split(',').map(|part| scalar(model, item, key, part.trim())).collect();
    }
    text::parse(shape.kind, text).ok_or_else(|| {
        let message = format!("{key} must be of type {:?}, found `{text}`", shape.kind);
        ServiceError::new("InvalidArgument", message)
    })
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn prefixed(headers: &HeaderMap, prefix: &str) -> Map<String, Value> {
    let named = headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix(&prefix.to_lowercase())?;
        Some((name.to_owned(), Value::from(String::from_utf8_lossy(value.as_bytes()).into_owned())))
    });
    named.collect()
}

/// The headers and the body of an answer by the shape; the body is empty where it is a blob.
pub(super) fn encode(model: &Model, operation: &Operation, value: &Value) -> (HeaderMap, String) {
    let mut headers = HeaderMap::new();
    let (Some(output), Value::Object(object)) = (&operation.output, value) else {
        return (headers, String::new());
    };
    let shape = model.shape(output);
    for (name, member) in shape.members.iter() {
        let Some(value) = object.get(name).filter(|value| !value.is_null()) else { continue };
        let key = member.location_name.as_deref().unwrap_or(name);
        match (member.location, value) {
            (Some(Location::Header), value) => insert(&mut headers, key, &header_text(model, member, value)),
            (Some(Location::Headers), Value::Object(entries)) => {
                for (name, value) in entries {
                    insert(&mut headers, &format!("{key}{name}"), &text::of(value));
                }
            }
            _ => {}
        }
    }
    (headers, body(model, (operation, output), object))
}

fn header_text(model: &Model, member: &Reference, value: &Value) -> String {
    let shape = model.shape(member);
    match (shape.kind, value.as_f64(), value.as_array()) {
        (Kind::Timestamp, Some(seconds), _) => {
            let format = member.timestamp_format.or(shape.timestamp_format);
            time::format(seconds, format.unwrap_or(TimestampFormat::Rfc822))
        }
        (Kind::List, _, Some(items)) => items.iter().map(text::of).collect::<Vec<_>>().join(","),
        _ => text::of(value),
    }
}

fn body(model: &Model, (operation, output): (&Operation, &Reference), object: &Map<String, Value>) -> String {
    const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    let shape = model.shape(output);
    let namespace = model.metadata.xml_namespace.as_deref();
    let mut out = DECLARATION.to_owned();
    let mut root = |name: &str, reference: &Reference, value: &Value| {
        xml::write(&mut out, (name, namespace), (model, reference), value);
    };
    if let Some(name) = &shape.payload {
        let (Some(member), Some(value)) = (shape.members.get(name), object.get(name)) else {
            return String::new();
        };
        let payload = model.shape(member);
        match payload.kind {
            Kind::Blob => return String::new(),
            Kind::String => return text::of(value),
            _ => {
                let name =
                    member.location_name.as_deref().or(payload.location_name.as_deref()).unwrap_or(name);
                root(name, member, value);
            }
        }
        return out;
    }
    let mut in_body = shape.members.iter().filter(|(_, member)| member.location.is_none()).peekable();
    if in_body.peek().is_none() || operation.http.method == Method::HEAD.as_str() {
        return String::new();
    }
    if output.unwrapped {
        for (name, member) in in_body {
            root(name, member, object.get(name).unwrap_or(&Value::Null));
        }
        return out;
    }
    let name = shape.location_name.as_deref().unwrap_or(&output.shape);
    root(name, output, &Value::Object(object.clone()));
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut builder = ::http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(()).unwrap().into_parts().0
    }

    fn s3() -> &'static Model {
        Model::of("s3").unwrap()
    }

    #[test]
    fn the_most_specific_request_line_wins() {
        let copy: &[_] = &[("x-amz-copy-source", "/a/b")];
        for (method, uri, headers, expected) in [
            ("GET", "/", &[][..], "ListBuckets"),
            ("GET", "/b", &[], "ListObjects"),
            ("GET", "/b/", &[], "ListObjects"),
            ("GET", "/b?list-type=2&prefix=x", &[], "ListObjectsV2"),
            ("GET", "/b?versions", &[], "ListObjectVersions"),
            ("GET", "/b?website", &[], "GetBucketWebsite"),
            ("GET", "/b/k/l?x-id=GetObject", &[], "GetObject"),
            ("GET", "/b/k?uploadId=u", &[], "ListParts"),
            ("HEAD", "/b/k", &[], "HeadObject"),
            ("PUT", "/b/k", &[], "PutObject"),
            ("PUT", "/b/k", copy, "CopyObject"),
            ("PUT", "/b/k?partNumber=1&uploadId=u", &[], "UploadPart"),
            ("PUT", "/b/k?partNumber=1&uploadId=u", copy, "UploadPartCopy"),
            ("POST", "/b/k?uploads", &[], "CreateMultipartUpload"),
            ("POST", "/b/k?uploadId=u", &[], "CompleteMultipartUpload"),
            ("DELETE", "/b/k?versionId=v", &[], "DeleteObject"),
            ("DELETE", "/b/k?uploadId=u", &[], "AbortMultipartUpload"),
        ] {
            assert_eq!(find(s3(), &request(method, uri, headers)).unwrap(), expected, "{method} {uri}");
        }
        assert_eq!(find(s3(), &request("PATCH", "/b", &[])).unwrap_err().status, 405);
    }

    #[test]
    fn members_are_gathered_from_path_query_headers_and_body() {
        let headers = [("x-amz-meta-a", "1"), ("content-type", "text/plain"), ("content-length", "5")];
        let parts = request("PUT", "/bucket/a%20b/c%2Bd", &headers);
        let value = decode(s3(), &s3().operations["PutObject"], &parts, b"bytes").unwrap();
        let expected = json!({"Bucket": "bucket", "ContentLength": 5, "ContentType": "text/plain",
            "Key": "a b/c+d", "Metadata": {"a": "1"}});
        assert_eq!(value, expected);
        let parts = request("PUT", "/b?versioning", &[]);
        let body = b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
        let value = decode(s3(), &s3().operations["PutBucketVersioning"], &parts, body).unwrap();
        assert_eq!(value, json!({"Bucket": "b", "VersioningConfiguration": {"Status": "Enabled"}}));
        let parts = request("GET", "/b?list-type=2&max-keys=many", &[]);
        let error = decode(s3(), &s3().operations["ListObjectsV2"], &parts, b"").unwrap_err();
        assert_eq!(error.code, "InvalidArgument");
    }

    #[test]
    fn answers_put_members_where_the_model_says() {
        let encode = |name: &str, value| encode(s3(), &s3().operations[name], &value);
        let value = json!({"ETag": "\"e\"", "LastModified": 0, "ContentLength": 3, "Metadata": {"a": "1"}});
        let (headers, body) = encode("GetObject", value);
        assert_eq!(headers["etag"], "\"e\"");
        assert_eq!(headers["last-modified"], "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(headers["x-amz-meta-a"], "1");
        assert_eq!(body, "");
        let root = |body: String| body.lines().nth(1).unwrap().to_owned();
        let xmlns = "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";
        let (_, body) = encode("GetBucketLocation", json!({"LocationConstraint": "eu-central-1"}));
        assert_eq!(root(body), format!("<LocationConstraint {xmlns}>eu-central-1</LocationConstraint>"));
        let (_, body) = encode("ListObjectsV2", json!({"Name": "b", "KeyCount": 0}));
        let expected =
            format!("<ListBucketResult {xmlns}><Name>b</Name><KeyCount>0</KeyCount></ListBucketResult>");
        assert_eq!(root(body), expected);
        let (_, body) = encode("CopyObject", json!({"CopyObjectResult": {"ETag": "e"}}));
        assert_eq!(root(body), format!("<CopyObjectResult {xmlns}><ETag>e</ETag></CopyObjectResult>"));
    }
}
