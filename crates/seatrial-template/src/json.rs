//! A template as the JSON that CloudFormation works on.

use serde_json::{Map, Number, Value as Json};

use crate::{Node, Resolved, Scalar, Value, short_forms::expand};

/// The value as JSON: short forms expanded, keys in the order written, plain scalars typed by
/// [`Scalar::resolve`], quoted ones strings.
pub fn to_json(node: &Node) -> Json {
    convert(&expand(node))
}

fn convert(node: &Node) -> Json {
    match &node.value {
        Value::Scalar(scalar) => convert_scalar(scalar),
        Value::Sequence(items) => Json::Array(items.iter().map(convert).collect()),
        Value::Mapping(mapping) => {
            let entries = mapping.entries.iter().map(|entry| (entry.key.clone(), convert(&entry.value)));
            Json::Object(entries.collect::<Map<_, _>>())
        }
    }
}

fn convert_scalar(scalar: &Scalar) -> Json {
    match scalar.resolve() {
        Resolved::Null => Json::Null,
        Resolved::Bool(value) => Json::Bool(value),
        Resolved::Unsigned(value) => Json::from(value),
        Resolved::Negative(value) => Json::from(value),
        Resolved::Float(value) => {
            Number::from_f64(value).map_or_else(|| Json::String(scalar.text.clone()), Json::Number)
        }
        Resolved::Text(text) => Json::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::parse;

    #[test]
    fn scalars_are_typed_as_cloudformation_types_them() {
        let text = "n: 10\nq: \"10\"\nb: true\nv: 2012-10-17\nz: 010\ne:\nt: |\n  10\ns: !!str 10\nf: 1.5\n";
        let expected = json!({"n": 10, "q": "10", "b": true, "v": "2012-10-17", "z": "010", "e": null,
            "t": "10\n", "s": "10", "f": 1.5});
        assert_eq!(parse("t.yml", text.as_bytes()).unwrap().to_json(), expected);
    }

    #[test]
    fn keys_keep_their_order() {
        let json = parse("t.yml", b"z: 1\na: 2\nm: 3\n").unwrap().to_json();
        assert_eq!(json.to_string(), r#"{"z":1,"a":2,"m":3}"#);
    }

    #[test]
    fn json_is_read_however_it_is_laid_out() {
        let value = json!({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"A": {"Type": "AWS::S3::Bucket",
            "Properties": {"Tags": [{"Key": "k/\"q\\\"", "Value": "x".repeat(3000)}], "N": -1, "B": false, "Z": null}}}});
        let compact = value.to_string();
        let tabs = serde_json::to_string_pretty(&value).unwrap().replace("  ", "\t").replace('\n', "\r\n");
        for text in [compact, tabs] {
            assert_eq!(parse("t.json", text.as_bytes()).unwrap().to_json(), value);
        }
    }
}
