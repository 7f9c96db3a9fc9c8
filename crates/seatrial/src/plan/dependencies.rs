//! Which resource of a template waits for which.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::references::References;
use super::template::StackTemplate;

impl StackTemplate {
    /// Every resource, and those of the same template that CloudFormation makes before it: what it names by `Ref`,
    /// `Fn::GetAtt` or `Fn::Sub`, and its `DependsOn` (user guide, "DependsOn attribute").
    pub(crate) fn dependencies(&self) -> BTreeMap<String, BTreeSet<String>> {
        let of = |id: &String| {
            let mut found = BTreeSet::new();
            if let Some(resource) = self.json.get("Resources").and_then(|resources| resources.get(id)) {
                found = References::of(resource).values;
                match resource.get("DependsOn") {
                    Some(Value::String(one)) => drop(found.insert(one.clone())),
                    Some(Value::Array(many)) => {
                        found.extend(many.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    _ => {}
                }
            }
            found.retain(|other| other != id && self.has_logical_id(other));
            found
        };
        self.resources
            .iter()
            .map(|resource| (resource.logical_id.clone(), of(&resource.logical_id)))
            .collect()
    }
}

#[cfg(test)]
mod tests {

    #[test]
    fn a_resource_waits_for_what_it_names_and_for_what_it_says() {
        let text = "Parameters: {Vpc: {Type: String}}
Resources:
  A: {Type: T, Properties: {Vpc: !Ref Vpc, Name: !Sub '${A}-${AWS::Region}'}}
  B: {Type: T, Properties: {Name: !Sub '${A.Arn}'}}
  C: {Type: T, DependsOn: A, Properties: {Of: !GetAtt B.Arn}}
  D: {Type: T, DependsOn: [C, A]}
";
        let template = super::super::template::parse("a", "a.yml", text.as_bytes()).unwrap();

        let found = template.dependencies();

        let shown: Vec<String> = found.iter().map(|(id, others)| format!("{id}: {others:?}")).collect();
        assert_eq!(shown, ["A: {}", "B: {\"A\"}", "C: {\"A\", \"B\"}", "D: {\"A\", \"C\"}"]);
    }
}
