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

#[cfg(test)]
mod tests;

#[cfg(test)]
mod fuzz {
    use proptest::prelude::*;

    use super::model::Model;
    use super::{cbor, query, xml};

    proptest! {
        #[test]
        fn no_body_makes_a_decoder_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let input = |service: &str, operation: &str| {
                let model = Model::of(service).unwrap();
                (model, model.operations[operation].input.as_ref().unwrap())
            };
            let (model, shape) = input("codepipeline", "CreatePipeline");
            let _ = cbor::decode(model, shape, &body);
            let (model, shape) = input("cloudformation", "CreateStack");
            let _ = query::decode(model, shape, &query::pairs(&body));
            let _ = xml::parse(&body);
        }

        #[test]
        fn no_form_makes_a_decoder_panic(form in "((Tags|Parameters|member|[0-9]{1,11}|Key|\\.){1,9}=x?&?){0,5}") {
            let model = Model::of("cloudformation").unwrap();
            let shape = model.operations["CreateStack"].input.as_ref().unwrap();
            let _ = query::decode(model, shape, &query::pairs(form.as_bytes()));
        }
    }
}
