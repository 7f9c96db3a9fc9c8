//! The time below which no tool can come: resources that need each other one after the other, and so with stacks.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Seconds to make a resource of each type, as on AWS.
pub(super) type Creations = BTreeMap<String, f64>;

/// From a file of latencies.
///
/// # Errors
/// What is wrong with it.
pub(super) fn creations(file: &str) -> Result<Creations, String> {
    let document =
        seatrial_template::parse("latencies.yml", file.as_bytes()).map_err(|error| error.to_string())?;
    let read = document.to_json();
    let all = read.as_object().into_iter().flatten();
    let seconds = |value: &Value| value.as_f64().or_else(|| value["create"].as_f64()).unwrap_or_default();
    Ok(all.map(|(name, value)| (name.clone(), seconds(value))).collect())
}

/// How long the resources of a template take that were `made`, by logical ID. What a resource needs is read from its
/// properties; what stands in an `Fn::If` is passed over, which makes the path no longer than it is.
///
/// # Errors
/// A template that cannot be read.
pub(super) fn of_template(text: &str, made: &BTreeSet<String>, creations: &Creations) -> Result<f64, String> {
    let document =
        seatrial_template::parse("template", text.as_bytes()).map_err(|error| error.to_string())?;
    let template = document.to_json();
    let resources = template["Resources"].as_object().into_iter().flatten();
    let nodes = resources.filter(|(id, _)| made.contains(*id)).map(|(id, resource)| {
        let mut needs = BTreeSet::new();
        mentioned(&resource["Properties"], &mut needs);
        match &resource["DependsOn"] {
            Value::String(id) => drop(needs.insert(id.clone())),
            list => needs.extend(list.as_array().into_iter().flatten().filter_map(text_of)),
        }
        let seconds = resource["Type"].as_str().and_then(|name| creations.get(name)).copied();
        (id.clone(), Node { needs, seconds: seconds.unwrap_or_default() })
    });
    Ok(longest(&nodes.collect()))
}

/// One thing that is to be made.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Of those that are not there, nobody waits.
    pub needs: BTreeSet<String>,
    pub seconds: f64,
}

/// The seconds of the longest way through a graph without circles.
pub(super) fn longest(nodes: &BTreeMap<String, Node>) -> f64 {
    let mut ends: BTreeMap<&str, f64> = BTreeMap::new();
    while ends.len() < nodes.len() {
        let before = ends.len();
        for (id, node) in nodes {
            let mut needs = node.needs.iter().filter(|need| nodes.contains_key(*need) && *need != id);
            let begins = needs.try_fold(0.0_f64, |latest, need| Some(latest.max(*ends.get(need.as_str())?)));
            if let Some(begins) = begins {
                ends.insert(id, begins + node.seconds);
            }
        }
        if ends.len() == before {
            break;
        }
    }
    ends.into_values().fold(0.0, f64::max)
}

fn text_of(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// The names that `Ref`, `Fn::GetAtt` and `Fn::Sub` mention.
fn mentioned(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| mentioned(item, names)),
        Value::Object(fields) => {
            for (key, value) in fields {
                match (key.as_str(), value) {
                    ("Fn::If", _) => {}
                    ("Ref", Value::String(name)) => drop(names.insert(name.clone())),
                    ("Fn::GetAtt", Value::String(name)) => names.extend(first_part(name)),
                    ("Fn::GetAtt", Value::Array(parts)) => names.extend(parts.first().and_then(text_of)),
                    ("Fn::Sub", Value::String(text)) => substituted(text, names),
                    ("Fn::Sub", Value::Array(parts)) => {
                        substituted(parts.first().and_then(Value::as_str).unwrap_or_default(), names);
                        parts.iter().skip(1).for_each(|part| mentioned(part, names));
                    }
                    _ => mentioned(value, names),
                }
            }
        }
        _ => {}
    }
}

fn substituted(text: &str, names: &mut BTreeSet<String>) {
    let inside = text.split("${").skip(1).filter_map(|rest| Some(rest.split_once('}')?.0));
    names.extend(inside.filter(|name| !name.starts_with('!')).filter_map(first_part));
}

fn first_part(name: &str) -> Option<String> {
    name.split('.').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_takes_its_longest_way_through_references_and_dependencies() {
        let creations = creations("A: 1\nB: {create: 10, delete: 99}\nC: {update: 7}\n").unwrap();
        let template = "Resources:
  One: {Type: A}
  Two: {Type: B, Properties: {Name: !Sub '${One.Arn}-x'}}
  Three: {Type: B, DependsOn: Two}
  Four: {Type: A, Properties: {List: [{Fn::GetAtt: [Three, Arn]}, !If [Yes, !Ref Never, !Ref Never]]}}
  Never: {Type: B, DependsOn: [Three]}
  Free: {Type: C}
";
        let made = ["One", "Two", "Three", "Four", "Free"].map(str::to_owned).into();

        assert_eq!(of_template(template, &made, &creations).unwrap(), 22.0);
        assert_eq!(of_template(template, &["Three".to_owned()].into(), &creations).unwrap(), 10.0);
    }

    #[test]
    fn a_graph_takes_the_longest_of_its_ways_and_a_circle_does_not_hang() {
        let node = |needs: &[&str], seconds| Node {
            needs: needs.iter().map(|need| (*need).to_owned()).collect(),
            seconds,
        };
        let nodes = [("a", node(&[], 1.0)), ("b", node(&["a"], 5.0)), ("c", node(&["a", "gone"], 2.0))];
        let nodes = nodes.map(|(name, node)| (name.to_owned(), node)).into();
        assert_eq!(longest(&nodes), 6.0);

        let circle = [("a", node(&["b"], 1.0)), ("b", node(&["a"], 1.0))];
        assert_eq!(longest(&circle.map(|(name, node)| (name.to_owned(), node)).into()), 0.0);
    }
}
