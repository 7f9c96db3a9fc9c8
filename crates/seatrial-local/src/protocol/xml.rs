//! XML by the model: the answers of query services, and both directions of S3.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value};

use super::model::{Kind, Model, Reference, TimestampFormat};
use super::{text, time};
use crate::error::ServiceError;

/// Elements may lie this deep in each other; AWS's shapes need a dozen.
const DEEPEST: usize = 64;

/// Writes `value` as the element `name` by its shape. `namespace` is declared on this element.
pub(super) fn write(
    out: &mut String,
    (name, namespace): (&str, Option<&str>),
    (model, reference): (&Model, &Reference),
    value: &Value,
) {
    let shape = model.shape(reference);
    let flattened = shape.flattened || reference.flattened;
    match (shape.kind, value) {
        (Kind::List, Value::Array(items)) if flattened => {
            let Some(member) = &shape.member else { return };
            let name = member.location_name.as_deref().unwrap_or(name);
            for item in items {
                write(out, (name, None), (model, member), item);
            }
            return;
        }
        (Kind::Map, Value::Object(entries)) if flattened => {
            return write_entries(out, name, (model, reference), entries);
        }
        _ => {}
    }
    out.push('<');
    out.push_str(name);
    attribute(out, "xmlns", namespace);
    if let Some(declared) = &shape.xml_namespace
        && let Some(prefix) = &declared.prefix
    {
        attribute(out, &format!("xmlns:{prefix}"), Some(&declared.uri));
    }
    if let (Kind::Structure, Value::Object(object)) = (shape.kind, value) {
        for (member_name, member) in shape.members.iter().filter(|(_, member)| member.xml_attribute) {
            let name = member.location_name.as_deref().unwrap_or(member_name);
            attribute(out, name, object.get(member_name).and_then(Value::as_str));
        }
    }
    out.push('>');
    write_content(out, (model, reference), value);
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// Writes what is inside of an element.
pub(super) fn write_content(out: &mut String, (model, reference): (&Model, &Reference), value: &Value) {
    let shape = model.shape(reference);
    match (shape.kind, value) {
        (Kind::Structure, Value::Object(object)) => {
            for (name, member) in shape.members.iter() {
                let in_body = member.location.is_none() && !member.xml_attribute;
                if let Some(value) = object.get(name).filter(|value| in_body && !value.is_null()) {
                    let name = member.location_name.as_deref().unwrap_or(name);
                    write(out, (name, None), (model, member), value);
                }
            }
        }
        (Kind::List, Value::Array(items)) => {
            let Some(member) = &shape.member else { return };
            let name = member.location_name.as_deref().unwrap_or("member");
            for item in items {
                write(out, (name, None), (model, member), item);
            }
        }
        (Kind::Map, Value::Object(entries)) => write_entries(out, "entry", (model, reference), entries),
        (Kind::Timestamp, Value::Number(number)) => {
            let format = reference.timestamp_format.or(shape.timestamp_format);
            let format = format.unwrap_or(TimestampFormat::Iso8601);
            out.push_str(&time::format(number.as_f64().unwrap_or_default(), format));
        }
        (_, value) => escape(out, &text::of(value)),
    }
}

fn write_entries(
    out: &mut String,
    name: &str,
    (model, reference): (&Model, &Reference),
    entries: &Map<String, Value>,
) {
    let shape = model.shape(reference);
    let (Some(key), Some(value)) = (&shape.key, &shape.value) else { return };
    for (entry, item) in entries {
        out.push_str(&format!("<{name}>"));
        let key_name = key.location_name.as_deref().unwrap_or("key");
        write(out, (key_name, None), (model, key), &Value::String(entry.clone()));
        write(out, (value.location_name.as_deref().unwrap_or("value"), None), (model, value), item);
        out.push_str(&format!("</{name}>"));
    }
}

fn attribute(out: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        out.push_str(&format!(" {name}=\""));
        escape(out, value);
        out.push('"');
    }
}

/// Writes `<name>text</name>`.
pub(super) fn write_text(out: &mut String, name: &str, text: &str) {
    out.push_str(&format!("<{name}>"));
    escape(out, text);
    out.push_str(&format!("</{name}>"));
}

/// Control characters, which XML 1.0 cannot hold at all, become U+FFFD: a stopped task's last words must not
/// make an answer unreadable.
pub(super) fn escape(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\n' | '\t' => out.push(character),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(character),
        }
    }
}

/// An element that was read: names without prefix, except those of attributes.
#[derive(Debug, Default)]
pub(super) struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Element>,
    text: String,
}

/// Reads a document; entities are the five that XML defines, so nothing can be expanded.
pub(super) fn parse(body: &[u8]) -> Result<Element, ServiceError> {
    let text = std::str::from_utf8(body).map_err(|_| malformed())?;
    let mut reader = quick_xml::Reader::from_str(text);
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().map_err(|_| malformed())? {
            Event::Start(tag) if open.len() < DEEPEST => open.push(start(&tag)?),
            Event::Start(_) | Event::DocType(_) => return Err(malformed()),
            Event::Empty(tag) => top(&mut open)?.children.push(start(&tag)?),
            Event::End(_) => {
                let closed = open.pop().ok_or_else(malformed)?;
                top(&mut open)?.children.push(closed);
            }
            Event::Text(text) => top(&mut open)?.text.push_str(&text.xml10_content()),
            Event::CData(text) => top(&mut open)?.text.push_str(&text.xml10_content()),
            Event::GeneralRef(entity) => {
                let character = entity.resolve_char_ref().map_err(|_| malformed())?;
                let character = character.or_else(|| predefined(&entity)).ok_or_else(malformed)?;
                top(&mut open)?.text.push(character);
            }
            Event::Eof if open.len() == 1 => break,
            Event::Eof => return Err(malformed()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    open.pop().and_then(|mut document| document.children.pop()).ok_or_else(malformed)
}

fn top(open: &mut [Element]) -> Result<&mut Element, ServiceError> {
    open.last_mut().ok_or_else(malformed)
}

fn start(tag: &BytesStart<'_>) -> Result<Element, ServiceError> {
    let mut element = Element { name: tag.local_name().as_ref().to_owned(), ..Element::default() };
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|_| malformed())?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| malformed())?;
        element.attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
    }
    Ok(element)
}

fn predefined(entity: &str) -> Option<char> {
    Some(match entity {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

fn malformed() -> ServiceError {
    let message = "The XML you provided was not well-formed or did not validate against our published schema";
    ServiceError::new("MalformedXML", message)
}

/// A value by the shape from the element that holds it.
pub(super) fn decode(model: &Model, reference: &Reference, element: &Element) -> Result<Value, ServiceError> {
    let shape = model.shape(reference);
    match shape.kind {
        Kind::Structure => {
            let mut object = Map::new();
            for (member_name, member) in shape.members.iter().filter(|(_, member)| member.location.is_none())
            {
                if let Some(value) = decode_member(model, (member_name, member), element)? {
                    object.insert(member_name.to_owned(), value);
                }
            }
            Ok(Value::Object(object))
        }
        Kind::List => {
            let Some(member) = &shape.member else { return Ok(Value::Array(Vec::new())) };
            element.children.iter().map(|item| decode(model, member, item)).collect()
        }
        Kind::Map => {
            let (Some(key), Some(value)) = (&shape.key, &shape.value) else { return Err(malformed()) };
            let named = |entry: &Element, reference: &Reference, default: &str| {
                let name = reference.location_name.as_deref().unwrap_or(default);
                entry.children.iter().position(|child| child.name == name).ok_or_else(malformed)
            };
            let entries = element.children.iter().map(|entry| {
                let (key, at) = (named(entry, key, "key")?, named(entry, value, "value")?);
                Ok((entry.children[key].text.clone(), decode(model, value, &entry.children[at])?))
            });
            entries.collect()
        }
        Kind::String => Ok(Value::String(element.text.clone())),
        kind => text::parse(kind, element.text.trim()).ok_or_else(malformed),
    }
}

fn decode_member(
    model: &Model,
    (name, member): (&str, &Reference),
    element: &Element,
) -> Result<Option<Value>, ServiceError> {
    let shape = model.shape(member);
    let name = member.location_name.as_deref().unwrap_or(name);
    if member.xml_attribute {
        let found = element.attributes.iter().find(|(attribute, _)| attribute == name);
        return Ok(found.map(|(_, value)| Value::String(value.clone())));
    }
    if shape.kind == Kind::List && (shape.flattened || member.flattened) {
        let Some(of) = &shape.member else { return Ok(None) };
        let name = of.location_name.as_deref().unwrap_or(name);
        let items = element.children.iter().filter(|child| child.name == name);
        let items = items.map(|item| decode(model, of, item)).collect::<Result<Vec<_>, _>>()?;
        return Ok((!items.is_empty()).then_some(Value::Array(items)));
    }
    let found = element.children.iter().find(|child| child.name == name);
    found.map(|child| decode(model, member, child)).transpose()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(service: &str, operation: &str, value: &Value) -> String {
        let model = Model::of(service).unwrap();
        let output = model.operations[operation].output.as_ref().unwrap();
        let mut out = String::new();
        write(&mut out, ("R", None), (model, output), value);
        out
    }

    #[test]
    fn lists_wear_member_elements_unless_they_are_flattened() {
        let value = json!({"Stacks": [{"StackName": "a<b", "CreationTime": 0, "Outputs": []}]});
        let xml = "<R><Stacks><member><StackName>a&lt;b</StackName><CreationTime>1970-01-01T00:00:00.000Z\
                   </CreationTime><Outputs></Outputs></member></Stacks></R>";
        assert_eq!(written("cloudformation", "DescribeStacks", &value), xml);
        let value = json!({"Contents": [{"Key": "k"}, {"Key": "l"}], "IsTruncated": false});
        let xml = "<R><IsTruncated>false</IsTruncated><Contents><Key>k</Key></Contents>\
                   <Contents><Key>l</Key></Contents></R>";
        assert_eq!(written("s3", "ListObjectsV2", &value), xml);
    }

    #[test]
    fn attributes_and_their_namespace_are_written_on_the_element() {
        let value = json!({"Grants": [{"Grantee": {"Type": "CanonicalUser", "ID": "1"}}]});
        let xml = "<R><AccessControlList><Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
                   xsi:type=\"CanonicalUser\"><ID>1</ID></Grantee></Grant></AccessControlList></R>";
        assert_eq!(written("s3", "GetBucketAcl", &value), xml);
    }

    #[test]
    fn a_request_is_read_by_the_shape() {
        let model = Model::of("s3").unwrap();
        let input = model.shape(model.operations["DeleteObjects"].input.as_ref().unwrap());
        let body = b"<?xml version='1.0'?><Delete xmlns='x'><Object><Key>a&amp;&#98;</Key></Object>\
                     <Object><Key> c</Key><VersionId>1</VersionId></Object><Quiet>true</Quiet></Delete>";
        let value = decode(model, input.members.get("Delete").unwrap(), &parse(body).unwrap()).unwrap();
        let objects = json!([{"Key": "a&b"}, {"Key": " c", "VersionId": "1"}]);
        assert_eq!(value, json!({"Objects": objects, "Quiet": true}));
    }

    #[test]
    fn what_is_no_xml_is_refused() {
        let deep = "<a>".repeat(1000);
        for body in ["", "<a>", "<a></b>", "<a>&x;</a>", "<!DOCTYPE a><a/>", deep.as_str()] {
            assert_eq!(parse(body.as_bytes()).unwrap_err().code, "MalformedXML", "{body:.20}");
        }
    }

    #[test]
    fn control_characters_do_not_spoil_a_document() {
        let mut out = String::new();
        escape(&mut out, "a\u{1b}[0m\r\n");
        assert_eq!(out, "a\u{fffd}[0m&#13;\n");
    }
}
