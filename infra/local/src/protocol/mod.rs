//! AWS's wire protocols: bytes to values and back by AWS's models. Knows no service.
//!
//! A request is recognised ([`route`]), its signature verified ([`sigv4`]), its body turned into a
//! [`serde_json::Value`] by the model's shape (timestamps are epoch seconds, blobs base64), dispatched
//! through the one door, and the answer written in the protocol the client chose ([`http`]).

mod cbor;
mod checksum;
mod error;
mod http;
mod json;
mod model;
mod query;
mod rest;
mod route;
mod sigv4;
mod text;
mod time;
mod validate;
mod xml;

pub(crate) use http::{Doors, Transfer, TransferHandler, TransferOutput, serve};

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
