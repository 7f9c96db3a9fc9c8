//! Requests that carry an object's bytes: from HTTP to the operations and back.

use std::sync::Arc;

use axum::body::Body as HttpBody;
use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::body::Body;
use super::operations::{GetObject, PutObject, UploadPart};
use crate::error::ServiceError;
use crate::protocol::{Transfer, TransferHandler, TransferOutput};

/// The handler of requests that carry an object's bytes.
pub(crate) fn transfer() -> TransferHandler {
    Arc::new(|transfer| Box::pin(handle(transfer)))
}

async fn handle(transfer: Transfer) -> Result<TransferOutput, ServiceError> {
    let Transfer { cloud, principal, operation, input, body } = transfer;
    let body = body.map_or_else(Body::default, |received| Body::Received(Arc::new(received)));
    match operation {
        "PutObject" => {
            let read = PutObject { body, ..parse(&input)? };
            let output = value(cloud.call_as_given(&principal, read, &input).await?)?;
            Ok(TransferOutput { status: StatusCode::OK, output, body: HttpBody::empty() })
        }
        "UploadPart" => {
            let read = UploadPart { body, ..parse(&input)? };
            let output = value(cloud.call_as_given(&principal, read, &input).await?)?;
            Ok(TransferOutput { status: StatusCode::OK, output, body: HttpBody::empty() })
        }
        "GetObject" => {
            let mut output = cloud.call_as_given(&principal, parse::<GetObject>(&input)?, &input).await?;
            let body = std::mem::take(&mut output.body).stream().await;
            let body = body.map_err(|error| ServiceError::internal(error.to_string()))?;
            let partial = output.object.content_range.is_some();
            let status = if partial { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
            let mut output = value(output)?;
            if let Value::Object(members) = &mut output {
                members.remove("Body");
            }
            Ok(TransferOutput { status, output, body })
        }
        _ => Err(ServiceError::not_served("s3", operation)),
    }
}

fn parse<T: DeserializeOwned>(input: &Value) -> Result<T, ServiceError> {
    T::deserialize(input).map_err(|error| ServiceError::new("InvalidRequest", error.to_string()))
}

fn value<T: serde::Serialize>(output: T) -> Result<Value, ServiceError> {
    serde_json::to_value(output).map_err(|error| ServiceError::internal(error.to_string()))
}
