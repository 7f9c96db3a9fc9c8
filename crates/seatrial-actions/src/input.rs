//! Reading an operation's input by paths: `overrides.taskRoleArn`, `pipeline.stages[].actions[].roleArn`.

use serde_json::Value;

/// What stands at `path`: each of a list where the path says `[]`, nothing where a member is not there.
pub(crate) fn at<'a>(input: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![input];
    for part in path.split('.') {
        let (name, is_list) = part.strip_suffix("[]").map_or((part, false), |name| (name, true));
        found = found.into_iter().filter_map(|value| value.get(name)).collect();
        if is_list {
            found = found.into_iter().filter_map(Value::as_array).flatten().collect();
        }
    }
    found
}

/// The texts at `path`; empty ones are as good as none.
pub(crate) fn texts(input: &Value, path: &str) -> Vec<String> {
    at(input, path).into_iter().filter_map(text).filter(|text| !text.is_empty()).collect()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Whether the caller says something at `path`: `null`, `false` and what is empty say nothing.
pub(crate) fn is_given(input: &Value, path: &str) -> bool {
    at(input, path).into_iter().any(|value| match value {
        Value::Null => false,
        Value::Bool(is_set) => *is_set,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Number(_) => true,
    })
}

/// The members that hold tags in the inputs of AWS's services.
pub(crate) const TAGS: &[&str] =
    &["tags", "Tags", "TagSpecifications", "pipeline.tags", "CreateBucketConfiguration.Tags", "Tagging"];

/// The tags that a call gives, whichever way its service spells them.
pub(crate) fn tags(input: &Value) -> Vec<(String, String)> {
    TAGS.iter().flat_map(|path| at(input, path)).flat_map(tags_in).collect()
}

fn tags_in(value: &Value) -> Vec<(String, String)> {
    let of = |one: &Value, names: [&str; 3]| names.iter().find_map(|name| one.get(*name)).and_then(text);
    match value {
        Value::Array(list) => list.iter().flat_map(tags_in).collect(),
        Value::Object(members) => {
            if let Some(inner) = members.get("Tags").or_else(|| members.get("TagSet")) {
                return tags_in(inner);
            }
            match of(value, ["Key", "key", "TagKey"]) {
                Some(key) => vec![(key, of(value, ["Value", "value", "TagValue"]).unwrap_or_default())],
                None => members.iter().filter_map(|(key, value)| Some((key.clone(), text(value)?))).collect(),
            }
        }
        // S3's header `x-amz-tagging` is a query; keys with escapes are compared as they stand.
        Value::String(query) => query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_goes_through_lists() {
        let input = json!({"pipeline": {"stages": [
            {"actions": [{"roleArn": "a"}, {"name": "none"}]},
            {"actions": [{"roleArn": "b"}, {"roleArn": ""}]},
        ]}});

        assert_eq!(texts(&input, "pipeline.stages[].actions[].roleArn"), ["a", "b"]);
        assert!(texts(&input, "pipeline.stages.actions").is_empty());
    }

    #[test]
    fn what_is_empty_is_not_given() {
        let input = json!({"a": null, "b": "", "c": [], "d": {}, "e": false, "f": 0, "g": "x"});

        let given: Vec<_> = ["a", "b", "c", "d", "e", "f", "g", "h"]
            .into_iter()
            .filter(|path| is_given(&input, path))
            .collect();
        assert_eq!(given, ["f", "g"]);
    }

    #[test]
    fn tags_are_read_in_each_spelling() {
        let expected = [("team".to_owned(), "blue".to_owned())];
        for input in [
            json!({"tags": [{"key": "team", "value": "blue"}]}),
            json!({"Tags": [{"Key": "team", "Value": "blue"}]}),
            json!({"Tags": [{"TagKey": "team", "TagValue": "blue"}]}),
            json!({"tags": {"team": "blue"}}),
            json!({"Tagging": "team=blue"}),
            json!({"Tagging": {"TagSet": [{"Key": "team", "Value": "blue"}]}}),
            json!({"TagSpecifications": [{"ResourceType": "vpc", "Tags": [{"Key": "team", "Value": "blue"}]}]}),
            json!({"CreateBucketConfiguration": {"Tags": [{"Key": "team", "Value": "blue"}]}}),
        ] {
            assert_eq!(tags(&input), expected, "{input}");
        }
    }
}
