//! JSON 1.0 and 1.1 bodies: checked against the shape on the way in, reduced to it on the way out.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Map, Value};

use super::model::{Kind, Model, Reference, Shape, TimestampFormat};
use super::time;
use crate::error::ServiceError;

/// A request's value by the shape: members the model does not have are dropped as AWS drops them, nulls are
/// absent members, wrong types are `SerializationException`.
pub(super) fn decode(model: &Model, reference: &Reference, value: Value) -> Result<Value, ServiceError> {
    let shape = model.shape(reference);
    if shape.document {
        return Ok(value);
    }
    match (shape.kind, value) {
        (Kind::Structure, Value::Object(mut object)) => {
            let mut members = Map::new();
            for (name, member) in shape.members.iter() {
                match object.remove(member.location_name.as_deref().unwrap_or(name)) {
                    None | Some(Value::Null) => {}
                    Some(value) => {
                        members.insert(name.to_owned(), decode(model, member, value)?);
                    }
                }
            }
            Ok(Value::Object(members))
        }
        (Kind::List, Value::Array(items)) => {
            let Some(member) = &shape.member else { return Ok(Value::Array(items)) };
            items.into_iter().map(|item| decode(model, member, item)).collect()
        }
        (Kind::Map, Value::Object(object)) => {
            let Some(value) = &shape.value else { return Ok(Value::Object(object)) };
            let entries = object.into_iter().filter(|(_, item)| !item.is_null());
            entries.map(|(key, item)| Ok((key, decode(model, value, item)?))).collect()
        }
        (kind, value) => scalar(kind, value),
    }
}

fn scalar(kind: Kind, value: Value) -> Result<Value, ServiceError> {
    let refuse = |value: &Value| Err(cannot_be(value, kind));
    match (kind, value) {
        (Kind::String, Value::String(text)) => Ok(Value::String(text)),
        (Kind::Boolean, Value::Bool(flag)) => Ok(Value::Bool(flag)),
        (Kind::Float | Kind::Double, Value::Number(number)) => Ok(Value::Number(number)),
        (Kind::Integer | Kind::Long, Value::Number(number)) => match whole(&number) {
            Some(whole) if kind == Kind::Long || i32::try_from(whole).is_ok() => Ok(Value::from(whole)),
            _ => refuse(&Value::Number(number)),
        },
        (Kind::Timestamp, Value::Number(number)) => Ok(Value::Number(number)),
        (Kind::Timestamp, Value::String(text)) => {
            time::parse(&text).ok_or_else(|| cannot_be(&Value::String(text), kind))
        }
        (Kind::Blob, Value::String(text)) if BASE64_STANDARD.decode(&text).is_ok() => Ok(Value::String(text)),
        (_, value) => refuse(&value),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only whole numbers in range are taken")]
fn whole(number: &serde_json::Number) -> Option<i64> {
    let whole_float = |float: f64| float.fract() == 0.0 && float.abs() < 9e15;
    number.as_i64().or_else(|| number.as_f64().filter(|float| whole_float(*float)).map(|float| float as i64))
}

fn cannot_be(value: &Value, kind: Kind) -> ServiceError {
    let found = match value {
        Value::Null => "NULL",
        Value::Bool(true) => "TRUE_VALUE",
        Value::Bool(false) => "FALSE_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
        Value::Array(_) => "START_ARRAY",
        Value::Object(_) => "START_OBJECT",
    };
    ServiceError::new("SerializationException", format!("{found} can not be converted to {kind:?}"))
}

/// An answer's value by the shape: nulls and members the model does not have are left out.
pub(super) fn encode(model: &Model, reference: &Reference, value: &Value) -> Value {
    let shape = model.shape(reference);
    if shape.document {
        return value.clone();
    }
    match (shape.kind, value) {
        (Kind::Structure, Value::Object(object)) => {
            let present = shape.members.iter().filter_map(|(name, member)| {
                let value = object.get(name).filter(|value| !value.is_null())?;
                let name = member.location_name.as_deref().unwrap_or(name);
                Some((name.to_owned(), encode(model, member, value)))
            });
            Value::Object(present.collect())
        }
        (Kind::List, Value::Array(items)) => match &shape.member {
            Some(member) => items.iter().map(|item| encode(model, member, item)).collect(),
            None => value.clone(),
        },
        (Kind::Map, Value::Object(object)) => match &shape.value {
            Some(of) => object.iter().map(|(key, item)| (key.clone(), encode(model, of, item))).collect(),
            None => value.clone(),
        },
        (Kind::Timestamp, Value::Number(number)) => timestamp(reference, shape, number),
        _ => value.clone(),
    }
}

fn timestamp(reference: &Reference, shape: &Shape, number: &serde_json::Number) -> Value {
    let seconds = number.as_f64().unwrap_or_default();
    match reference.timestamp_format.or(shape.timestamp_format) {
        None | Some(TimestampFormat::Epoch) => time::number(seconds),
        Some(format) => Value::String(time::format(seconds, format)),
    }
}

/// What in an answer's value the model does not know: paths of unknown members and of wrong types. Each is
/// a mistake in a service of this local cloud.
pub(super) fn strangers(model: &Model, reference: &Reference, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect_strangers(model, reference, value, &mut (String::new(), &mut found));
    found
}

fn collect_strangers(
    model: &Model,
    reference: &Reference,
    value: &Value,
    (path, found): &mut (String, &mut Vec<String>),
) {
    let shape = model.shape(reference);
    let length = path.len();
    match (shape.kind, value) {
        _ if shape.document => {}
        (Kind::Structure, Value::Object(object)) => {
            for (name, value) in object.iter().filter(|(_, value)| !value.is_null()) {
                path.push('.');
                path.push_str(name);
                match shape.members.get(name) {
                    Some(member) => collect_strangers(model, member, value, &mut (path.clone(), found)),
                    None => found.push(path.clone()),
                }
                path.truncate(length);
            }
        }
        (Kind::List, Value::Array(items)) => {
            for (member, item) in
                shape.member.iter().flat_map(|member| items.iter().map(move |i| (member, i)))
            {
                collect_strangers(model, member, item, &mut (format!("{path}[]"), found));
            }
        }
        (Kind::Map, Value::Object(object)) => {
            for (of, (key, item)) in shape.value.iter().flat_map(|of| object.iter().map(move |e| (of, e))) {
                collect_strangers(model, of, item, &mut (format!("{path}.{key}"), found));
            }
        }
        (Kind::String | Kind::Blob, Value::String(_))
        | (Kind::Boolean, Value::Bool(_))
        | (Kind::Float | Kind::Double | Kind::Timestamp, Value::Number(_)) => {}
        (Kind::Integer | Kind::Long, Value::Number(number)) if whole(number).is_some() => {}
        (kind, value) => found.push(format!("{path}: {value} is no {kind:?}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn input(service: &str, operation: &str) -> (&'static Model, &'static Reference) {
        let model = Model::of(service).unwrap();
        (model, model.operations[operation].input.as_ref().unwrap())
    }

    #[test]
    fn a_request_keeps_what_the_model_knows_and_drops_the_rest() {
        let (model, shape) = input("ecs", "CreateService");
        let value =
            json!({"serviceName": "web", "desiredCount": 2.0, "enableExecuteCommand": null, "new": 1});
        assert_eq!(decode(model, shape, value).unwrap(), json!({"serviceName": "web", "desiredCount": 2}));
    }

    #[test]
    fn a_wrong_type_is_a_serialization_exception() {
        let (model, shape) = input("ecs", "CreateService");
        for value in
            [json!({"desiredCount": "2"}), json!({"desiredCount": 1.5}), json!([]), json!({"tags": 1})]
        {
            assert_eq!(decode(model, shape, value).unwrap_err().code, "SerializationException");
        }
    }

    #[test]
    fn an_answer_is_reduced_to_the_model_and_its_strangers_are_named() {
        let model = Model::of("ecs").unwrap();
        let shape = model.operations["DescribeClusters"].output.as_ref().unwrap();
        let value = json!({"clusters": [{"clusterName": "c", "color": "red", "status": 1, "tags": null}]});
        assert_eq!(
            encode(model, shape, &json!({"clusters": [{"clusterName": "c", "color": "red"}]})),
            json!({"clusters": [{"clusterName": "c"}]})
        );
        assert_eq!(
            strangers(model, shape, &value),
            [".clusters[].color", ".clusters[].status: 1 is no String"]
        );
    }
}
