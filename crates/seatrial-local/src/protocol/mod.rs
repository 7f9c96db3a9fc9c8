//! AWS's wire protocols: bytes to values and back by AWS's models. Knows no service.
//!
//! A request is recognised ([`route`]), its signature verified ([`sigv4`]), its body turned into a
//! [`serde_json::Value`] by the model's shape (timestamps are epoch seconds, blobs base64), dispatched
//! through the one door, and the answer written in the protocol the client chose ([`http`]).

mod cbor;
mod checksum;
mod connections;
mod error;
mod http;
mod json;
mod model;
mod query;
mod receive;
mod rest;
mod route;
mod sigv4;
mod text;
mod time;
mod validate;
mod xml;

pub(crate) use http::{Doors, Transfer, TransferHandler, TransferOutput, serve};
pub(crate) use receive::Received;

/// Whether the table of a service has an operation's shapes; without them HTTP cannot reach it. `None`: no
/// table of this service, so it is reached in process only.
pub(crate) fn has_shapes(service: &str, operation: &str) -> Option<bool> {
    model::Model::of(service).map(|model| model.operations.contains_key(operation))
}

/// The operations of a service that AWS's model has answer a list in pages: its output names a token for the
/// next page or tells that there is one. With the names of all members of output and input.
#[cfg(test)]
pub(crate) fn paged(service: &str) -> Vec<(&'static str, Vec<&'static str>, Vec<&'static str>)> {
    const TOKENS: [&str; 6] =
        ["NextToken", "nextToken", "Marker", "NextMarker", "ContinuationToken", "IsTruncated"];
    let Some(model) = model::Model::of(service) else { return Vec::new() };
    let members = |reference: &'static Option<model::Reference>| {
        let shape = reference.as_ref().map(|reference| model.shape(reference));
        shape.into_iter().flat_map(|shape| shape.members.iter().map(|(name, _)| name)).collect::<Vec<_>>()
    };
    let operations = model
        .operations
        .iter()
        .map(|(name, operation)| (name.as_str(), members(&operation.output), members(&operation.input)));
    operations.filter(|(_, output, _)| output.iter().any(|name| TOKENS.contains(name))).collect()
}

/// Refuses what the door refuses of an operation's input before its service sees it.
#[cfg(test)]
pub(crate) fn check(operation: &str, input: &serde_json::Value) -> Result<(), crate::error::ServiceError> {
    let (service, name) = operation.split_once(':').unwrap_or_default();
    let Some(model) = model::Model::of(service) else { return Ok(()) };
    let Some(operation) = model.operations.get(name) else { return Ok(()) };
    let speaks = |protocol: &str| model.metadata.protocols.iter().any(|spoken| spoken == protocol);
    let protocol = match () {
        () if service == "s3" => Protocol::RestXml,
        () if speaks("query") || model.metadata.is_ec2() => Protocol::Query,
        () => Protocol::Json { version: "1.1" },
    };
    validate::check(protocol, model, operation, input)
}

/// The code that a client of the service reads.
#[cfg(test)]
pub(crate) fn wire_code(operation: &str, code: &str) -> String {
    let model = operation.split_once(':').and_then(|(service, _)| model::Model::of(service));
    let known = model.and_then(|model| model.error(None, code)).and_then(|(_, shape)| shape.error.as_ref());
    known.and_then(|error| error.code.clone()).unwrap_or_else(|| code.to_owned())
}

/// How a request is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Form in, XML out: CloudFormation, Elastic Load Balancing, STS.
    Query,
    /// `application/x-amz-json-VERSION`, the operation in `x-amz-target`.
    Json { version: &'static str },
    /// `smithy-rpc-v2-cbor`: service and operation in the path.
    Cbor,
    /// S3.
    RestXml,
}

/// What tests feed with bytes of strangers.
#[cfg(test)]
pub(crate) mod fuzzing {
    use ::http::{HeaderMap, HeaderName, HeaderValue, Request};

    use super::model::Model;
    use super::sigv4::{Decoder, Refusal};
    use super::{Protocol, cbor, json, query, rest, route, sigv4, xml};

    const SERVICES: [&str; 5] = ["codepipeline", "cloudformation", "s3", "monitoring", "ecs"];

    /// The first byte chooses the protocol; the rest is a body, or a head.
    pub(crate) fn decode(input: &[u8]) {
        let Some((first, rest)) = input.split_first() else { return };
        for service in SERVICES {
            let Some(model) = Model::of(service) else { continue };
            let mut operations: Vec<_> = model.operations.iter().collect();
            operations.sort_by_key(|(name, _)| *name);
            let inputs = operations.into_iter().filter_map(|(_, operation)| operation.input.as_ref());
            // Each has its own shapes; a few of them at a time.
            for shape in inputs.skip(usize::from(*first) % 7).step_by(7) {
                match first % 4 {
                    0 => {
                        let parsed =
                            serde_json::from_slice(rest).map(|value| json::decode(model, shape, value));
                        let decoded = parsed.ok().and_then(Result::ok);
                        decoded.iter().for_each(|value| drop(json::encode(model, shape, value)));
                    }
                    1 => drop(query::decode(model, shape, &query::pairs(rest))),
                    2 => {
                        let parsed = xml::parse(rest);
                        drop(parsed.and_then(|element| xml::decode(model, shape, &element)));
                    }
                    _ => {
                        let decoded = cbor::decode(model, shape, rest);
                        decoded.iter().for_each(|value| drop(cbor::encode(model, shape, value)));
                    }
                }
            }
        }
        head(rest);
    }

    /// A line `METHOD TARGET`, then headers; an empty line, then the body.
    fn head(input: &[u8]) {
        let mut lines = input.split(|byte| *byte == b'\n');
        let line = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
        let mut words = line.split(' ');
        let (method, uri) = (words.next().unwrap_or("GET"), words.next().unwrap_or("/"));
        let Ok(request) = Request::builder().method(method).uri(uri).body(()) else { return };
        let mut parts = request.into_parts().0;
        for line in lines.by_ref().take_while(|line| !line.is_empty()) {
            let Some(at) = line.iter().position(|byte| *byte == b':') else { continue };
            let name = HeaderName::from_bytes(&line[..at]);
            let value = HeaderValue::from_bytes(line[at + 1..].trim_ascii());
            if let (Ok(name), Ok(value)) = (name, value) {
                parts.headers.append(name, value);
            }
        }
        let body: Vec<u8> = lines.collect::<Vec<_>>().join(&b'\n');
        let _ = sigv4::claim(&parts);
        for service in SERVICES {
            let protocol = route::protocol(&parts, Some(service));
            let _ = route::upload(protocol, service, &parts);
            if let Ok(target) = route::target(protocol, service, &parts, &body)
                && protocol == Protocol::RestXml
            {
                let _ = rest::decode(target.model, target.operation, &parts, &body);
            }
        }
    }

    /// The first byte says in pieces of which size the rest comes.
    pub(crate) fn take_frames_off(input: &[u8]) {
        let Some((first, rest)) = input.split_first() else { return };
        let mut headers = HeaderMap::new();
        headers
            .insert("x-amz-trailer", HeaderValue::from_static("x-amz-checksum-crc32, x-amz-checksum-sha256"));
        let mut decoder = Decoder::new(&headers, None);
        let mut length = 0;
        for piece in rest.chunks(usize::from(*first).max(1)) {
            let fed = decoder.feed::<Refusal>(piece, |data| {
                length += data.len();
                Ok(())
            });
            if fed.is_err() {
                return;
            }
        }
        assert!(length <= rest.len(), "more came out than went in");
        let _ = decoder.finish();
    }
}

#[cfg(test)]
mod tests;
