//! A template that takes in what exists: what is deployed, and of the wanted template the resources to be imported with
//! what they refer to. An import may change nothing else (user guide, "Import AWS resources into a CloudFormation
//! stack").

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::references::References;
use super::template::StackTemplate;

/// What is sent for an import.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ImportTemplate {
    pub json: Value,
    /// The parameters that it declares.
    pub parameters: BTreeSet<String>,
}

/// The template that takes in the resources with these logical IDs; `deployed` is that of a stack that is there.
///
/// # Errors
/// In words: a resource that the wanted template has not, or that refers to one that neither is there nor comes too.
pub(crate) fn import_template(
    wanted: &StackTemplate,
    deployed: &Value,
    ids: &BTreeSet<&str>,
) -> Result<ImportTemplate, String> {
    let mut json = deployed.clone();
    let place = |section: &str, name: &str| wanted.json.get(section)?.get(name).cloned();
    let is_there = |json: &Value, section: &str, name: &str| {
        json.get(section).and_then(|section| section.get(name)).is_some()
    };
    for id in ids {
        let Some(mut resource) = place("Resources", id) else {
            return Err(format!("`{}` has no resource `{id}`", wanted.path));
        };
        if let Some(resource) = resource.as_object_mut() {
            // Whatever fails on the way must leave it. The update that follows says what the template says.
            resource.insert("DeletionPolicy".to_owned(), json!("Retain"));
            resource.remove("DependsOn");
        }
        // What conditions are made of comes to the end of the list.
        let mut left: Vec<(&str, String)> = named(&resource).collect();
        insert(&mut json, "Resources", (id, resource));
        while let Some((section, name)) = left.pop() {
            if is_there(&json, section, &name) {
                continue;
            }
            if let Some(found) = place(section, &name) {
                left.extend(named(&found));
                insert(&mut json, section, (&name, found));
            } else if section == "Parameters"
                && place("Resources", &name).is_some()
                && !is_there(&json, "Resources", &name)
                && !ids.contains(name.as_str())
            {
                return Err(format!(
                    "`{id}` refers to `{name}`, which is not there: import that, too, or after `provision` has made it"
                ));
            }
        }
    }
    let parameters = json.get("Parameters").and_then(Value::as_object).into_iter().flatten();
    let parameters = parameters.map(|(name, _)| name.clone()).collect();
    Ok(ImportTemplate { json, parameters })
}

fn insert(json: &mut Value, section: &str, (name, value): (&str, Value)) {
    let Some(template) = json.as_object_mut() else { return };
    let section = template.entry(section).or_insert_with(|| Value::Object(Map::new()));
    if let Some(section) = section.as_object_mut() {
        section.insert(name.to_owned(), value);
    }
}

/// Every name that a value may refer to, with the section in which it would stand; resources share that of parameters.
fn named(value: &Value) -> impl Iterator<Item = (&'static str, String)> {
    let References { values, conditions, mappings } = References::of(value);
    let sections = [("Parameters", values), ("Conditions", conditions), ("Mappings", mappings)];
    sections.into_iter().flat_map(|(section, names)| names.into_iter().map(move |name| (section, name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::template::parse;

    const WANTED: &str = "
Parameters:
  Days: {Type: String}
  Named: {Type: String}
  Name: {Type: String}
  Size: {Type: String}
  Other: {Type: String}
Mappings: {Sizes: {large: {Count: 3}}, More: {a: {b: c}}}
Conditions:
  Named: !Not [!Condition Nameless]
  Nameless: !Equals [!Ref Name, '']
  Unused: !Equals [!Ref Other, '']
Resources:
  Group:
    Type: AWS::Logs::LogGroup
    DependsOn: Topic
    Condition: Named
    Properties:
      LogGroupName: !Sub ['of-${Name}-${Topic}', {Topic: x}]
      RetentionInDays: !If [Named, !Ref Days, !FindInMap [Sizes, !Ref Size, Count]]
  Stream: {Type: AWS::Logs::LogStream, Properties: {LogGroupName: !Ref Group}}
  Topic: {Type: AWS::SNS::Topic}
Outputs: {Group: {Value: !Ref Group}}
";

    fn of(deployed: &Value, ids: &[&str]) -> Result<ImportTemplate, String> {
        let wanted = parse("s", "infra/stacks/s.yml", WANTED.as_bytes()).unwrap();
        import_template(&wanted, deployed, &ids.iter().copied().collect())
    }

    fn names(template: &ImportTemplate, section: &str) -> Vec<String> {
        template.json[section].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
    }

    #[test]
    fn what_is_imported_comes_with_what_it_refers_to_and_nothing_else() {
        let group = of(&json!({}), &["Group"]).unwrap();

        assert_eq!(names(&group, "Resources"), ["Group"]);
        assert_eq!(names(&group, "Conditions"), ["Named", "Nameless"]);
        assert_eq!(names(&group, "Mappings"), ["Sizes"]);
        assert_eq!(Vec::from_iter(&group.parameters), ["Days", "Name", "Size"]);
        assert!(group.json.get("Outputs").is_none(), "an import may change none");
        let resource = &group.json["Resources"]["Group"];
        assert_eq!(resource["DeletionPolicy"], "Retain");
        assert!(resource.get("DependsOn").is_none());
    }

    #[test]
    fn what_refers_to_another_resource_needs_it_there_or_with_it() {
        assert!(
            of(&json!({}), &["Stream"])
                .unwrap_err()
                .starts_with("`Stream` refers to `Group`, which is not there")
        );
        assert!(of(&json!({}), &["Nothing"]).unwrap_err().contains("has no resource `Nothing`"));
        assert!(of(&json!({}), &["Stream", "Group"]).is_ok());
        let deployed =
            json!({"Parameters": {"Days": {"Type": "Number"}}, "Resources": {"Group": {"Type": "X"}}});

        let stream = of(&deployed, &["Stream"]).unwrap();

        let mut expected = deployed;
        expected["Resources"]["Stream"] = json!({
            "Type": "AWS::Logs::LogStream", "Properties": {"LogGroupName": {"Ref": "Group"}}, "DeletionPolicy": "Retain",
        });
        assert_eq!(stream.json, expected, "what is deployed stays as it is");
    }
}
