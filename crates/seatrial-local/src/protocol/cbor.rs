//! CBOR bodies of the `smithy-rpc-v2-cbor` protocol.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use ciborium::Value as Cbor;
use serde_json::{Map, Value};

use super::model::{Kind, Model, Reference};
use super::{json, time};
use crate::error::ServiceError;

/// RFC 8949 section 3.4.2: seconds since 1970.
const EPOCH_TAG: u64 = 1;

/// A request's value by the shape; an empty body is an empty structure.
pub(super) fn decode(model: &Model, reference: &Reference, body: &[u8]) -> Result<Value, ServiceError> {
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let parsed: Cbor = ciborium::from_reader(body)
        .map_err(|error| ServiceError::new("SerializationException", error.to_string()))?;
    json::decode(model, reference, plain(parsed)?)
}

/// The JSON value that says the same: CBOR's tags and byte strings tell their type themselves.
fn plain(value: Cbor) -> Result<Value, ServiceError> {
    let refuse =
        |what: &str| ServiceError::new("SerializationException", format!("unexpected {what} in CBOR"));
    Ok(match value {
        Cbor::Null => Value::Null,
        Cbor::Bool(flag) => Value::Bool(flag),
        Cbor::Text(text) => Value::String(text),
        Cbor::Bytes(bytes) => Value::String(BASE64_STANDARD.encode(bytes)),
        Cbor::Float(float) => time::number(float),
        Cbor::Integer(integer) => {
            Value::from(i64::try_from(integer).map_err(|_| refuse("integer of more than 64 bits"))?)
        }
        Cbor::Tag(EPOCH_TAG, inner) => plain(*inner)?,
        Cbor::Array(items) => items.into_iter().map(plain).collect::<Result<_, _>>()?,
        Cbor::Map(entries) => {
            let entries = entries.into_iter().map(|(key, value)| match key {
                Cbor::Text(key) => Ok((key, plain(value)?)),
                _ => Err(refuse("key that is no text")),
            });
            Value::Object(entries.collect::<Result<_, _>>()?)
        }
        _ => return Err(refuse("tag")),
    })
}

/// An answer's bytes by the shape.
pub(super) fn encode(model: &Model, reference: &Reference, value: &Value) -> Vec<u8> {
    write(&tree(model, reference, value))
}

/// An error's members, all of them text or numbers, without a shape.
pub(super) fn encode_plain(members: &Map<String, Value>) -> Vec<u8> {
    let entries = members
        .iter()
        .filter_map(|(key, value)| Some((Cbor::Text(key.clone()), Cbor::serialized(value).ok()?)));
    write(&Cbor::Map(entries.collect()))
}

fn write(tree: &Cbor) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Err(error) = ciborium::into_writer(tree, &mut bytes) {
        tracing::error!(%error, "an answer could not be written as CBOR");
    }
    bytes
}

fn tree(model: &Model, reference: &Reference, value: &Value) -> Cbor {
    let shape = model.shape(reference);
    match (shape.kind, value) {
        _ if shape.document => Cbor::serialized(value).unwrap_or(Cbor::Null),
        (Kind::Structure, Value::Object(object)) => {
            let present = shape.members.iter().filter_map(|(name, member)| {
                let value = object.get(name).filter(|value| !value.is_null())?;
                Some((Cbor::Text(name.to_owned()), tree(model, member, value)))
            });
            Cbor::Map(present.collect())
        }
        (Kind::List, Value::Array(items)) => {
            let member =
                shape.member.iter().flat_map(|of| items.iter().map(move |item| tree(model, of, item)));
            Cbor::Array(member.collect())
        }
        (Kind::Map, Value::Object(object)) => {
            let entries = shape.value.iter().flat_map(|of| {
                object.iter().map(move |(key, item)| (Cbor::Text(key.clone()), tree(model, of, item)))
            });
            Cbor::Map(entries.collect())
        }
        (Kind::Timestamp, Value::Number(number)) => {
            Cbor::Tag(EPOCH_TAG, Box::new(Cbor::Float(number.as_f64().unwrap_or_default())))
        }
        (Kind::Float | Kind::Double, Value::Number(number)) => {
            Cbor::Float(number.as_f64().unwrap_or_default())
        }
        (Kind::Blob, Value::String(text)) => Cbor::Bytes(BASE64_STANDARD.decode(text).unwrap_or_default()),
        (_, value) => Cbor::serialized(value).unwrap_or(Cbor::Null),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn timestamps_and_texts_survive_the_round_trip() {
        let model = Model::of("codedeploy").unwrap();
        let shape = model.operations["GetDeployment"].output.as_ref().unwrap();
        let value = json!({"deploymentInfo": {"deploymentId": "d-1", "createTime": 1_795_408_112.5}});
        let bytes = encode(model, shape, &value);
        assert_eq!(decode(model, shape, &bytes).unwrap(), value);
    }

    #[test]
    fn an_indefinite_map_and_an_empty_body_are_empty_structures() {
        let model = Model::of("codeconnections").unwrap();
        let shape = model.operations["ListConnections"].input.as_ref().unwrap();
        assert_eq!(decode(model, shape, &[0xbf, 0xff]).unwrap(), json!({}));
        assert_eq!(decode(model, shape, &[]).unwrap(), json!({}));
        assert_eq!(decode(model, shape, &[0xff, 0x00]).unwrap_err().code, "SerializationException");
    }
}
