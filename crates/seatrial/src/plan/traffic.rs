//! Which resources of a template lead requests to blue or green, and how listeners that name the two are brought to
//! the form in which only rules do.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::owned::Owned;
use super::references::References;

const LISTENER: &str = "AWS::ElasticLoadBalancingV2::Listener";
const RULE: &str = "AWS::ElasticLoadBalancingV2::ListenerRule";
/// The parameter that tells which of the two groups is live when a traffic rule or the service is made.
pub(crate) const LIVE: &str = "LiveTargetGroup";

/// A listener or rule that forwards to blue or green.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Route {
    pub logical_id: String,
    /// A rule's listener, if it is of the same template; `None` for a listener.
    pub listener: Option<String>,
}

/// The listeners and rules of a template (with long forms) that forward to blue or green, whichever way they are named:
/// as resources behind the outputs that own the names, or as parameters of those names.
pub(crate) fn routes(template: &Value) -> BTreeSet<Route> {
    let groups = groups(template);
    let resources = section(template, "Resources").into_iter().flatten();
    let route = |(logical_id, resource): (&String, &Value)| {
        let (actions, is_rule) = match resource.get("Type").and_then(Value::as_str)? {
            LISTENER => ("DefaultActions", false),
            RULE => ("Actions", true),
            _ => return None,
        };
        let properties = resource.get("Properties")?;
        let named = References::of(properties.get(actions)?).values;
        let listener = || Some(properties.get("ListenerArn")?.get("Ref")?.as_str()?.to_owned());
        let listener = if is_rule { listener() } else { None };
        (!named.is_disjoint(&groups)).then(|| Route { logical_id: logical_id.clone(), listener })
    };
    resources.filter_map(route).collect()
}

fn groups(template: &Value) -> BTreeSet<String> {
    let mut groups = BTreeSet::new();
    for name in [Owned::BlueTargetGroupArn, Owned::GreenTargetGroupArn].map(Owned::name) {
        if section(template, "Parameters").is_some_and(|parameters| parameters.contains_key(name)) {
            groups.insert(name.to_owned());
        }
        if let Some(value) = template.pointer(&format!("/Outputs/{name}/Value")) {
            groups.extend(References::of(value).values);
        }
    }
    groups
}

fn section<'a>(template: &'a Value, name: &str) -> Option<&'a Map<String, Value>> {
    template.get(name).and_then(Value::as_object)
}

/// The deployed template with the traffic rules of the new one, where its listeners name blue or green themselves and
/// the new ones do not; `None` where there is nothing to bring over.
///
/// In one update CloudFormation would first empty the listeners and then make the rules, which need them: every request
/// in between would fail. So the rules come first, with the weights that hold now instead of `LiveTargetGroup`'s, and
/// nothing else is touched. A rollback of that only takes them away again.
pub(crate) fn rules_first(deployed: &Value, new: &Value, live: &str) -> Option<Value> {
    let (old, wanted) = (routes(deployed), routes(new));
    let is_named = |listener: &str| old.iter().any(|route| route.logical_id == listener);
    let stays = |listener: &str| wanted.iter().any(|route| route.logical_id == listener);
    let has_rule = |listener: &str| old.iter().any(|route| route.listener.as_deref() == Some(listener));
    let mut rules = Map::new();
    for route in &wanted {
        let Some(listener) = route.listener.as_deref() else { continue };
        if is_named(listener) && !stays(listener) && !has_rule(listener) {
            let mut rule = new.pointer(&format!("/Resources/{}", route.logical_id))?.clone();
            settle(&mut rule, live);
            rules.insert(route.logical_id.clone(), rule);
        }
    }
    if rules.is_empty() {
        return None;
    }
    let mut template = deployed.clone();
    let conditions = section(new, "Conditions").cloned().unwrap_or_default();
    add(&mut template, "Conditions", conditions);
    add(&mut template, "Resources", rules);
    Some(template)
}

/// Adds what is not there of that name.
fn add(template: &mut Value, section: &str, entries: Map<String, Value>) {
    if entries.is_empty() {
        return;
    }
    let Some(sections) = template.as_object_mut() else { return };
    let there = sections.entry(section).or_insert_with(|| json!({}));
    if let Some(there) = there.as_object_mut() {
        for (name, entry) in entries {
            there.entry(name).or_insert(entry);
        }
    }
}

/// Puts numbers in the place of weights that depend on `LiveTargetGroup`.
fn settle(rule: &mut Value, live: &str) {
    let Some(groups) =
        rule.pointer_mut("/Properties/Actions/0/ForwardConfig/TargetGroups").and_then(Value::as_array_mut)
    else {
        return;
    };
    for (group, name) in groups.iter_mut().zip(["blue", "green"]) {
        group["Weight"] = if name == live { json!(100) } else { json!(0) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Value {
        seatrial_template::parse("a template", text.as_bytes()).unwrap().to_json()
    }

    const OUTPUTS: &str = "
Outputs:
  BlueTargetGroupArn: {Value: !Ref Blue}
  GreenTargetGroupArn: {Value: !Ref Green}
";
    const OLD: &str = "
Resources:
  Http:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties: {DefaultActions: [{Type: forward, ForwardConfig: {TargetGroups: [
      {TargetGroupArn: !Ref Blue, Weight: 100}, {TargetGroupArn: !Ref Green, Weight: 0}]}}]}
";
    const NEW: &str = "
Conditions:
  Always: !Equals [a, a]
Resources:
  Http:
    Type: AWS::ElasticLoadBalancingV2::Listener
    Properties: {DefaultActions: [{Type: forward, TargetGroupArn: !Ref Empty}]}
  Redirect:
    Type: AWS::ElasticLoadBalancingV2::ListenerRule
    Properties: {ListenerArn: !Ref Http, Actions: [{Type: redirect}]}
  Rule:
    Type: AWS::ElasticLoadBalancingV2::ListenerRule
    Condition: Always
    Properties:
      ListenerArn: !Ref Http
      Actions: [{Type: forward, ForwardConfig: {TargetGroups: [
        {TargetGroupArn: !Ref Blue, Weight: !If [IsGreenLive, 0, 100]},
        {TargetGroupArn: !Ref Green, Weight: !If [IsGreenLive, 100, 0]}]}}]
";

    fn names(template: &Value) -> Vec<String> {
        routes(template).into_iter().map(|route| route.logical_id).collect()
    }

    #[test]
    fn a_route_is_whatever_forwards_to_one_of_the_two_by_output_or_parameter() {
        assert_eq!(names(&template(&format!("{OLD}{OUTPUTS}"))), ["Http"]);
        assert_eq!(names(&template(&format!("{NEW}{OUTPUTS}"))), ["Rule"]);
        let users = "
Parameters: {BlueTargetGroupArn: {Type: String}}
Resources:
  Theirs:
    Type: AWS::ElasticLoadBalancingV2::ListenerRule
    Properties: {Actions: [{Type: forward, TargetGroupArn: !Sub '${BlueTargetGroupArn}'}]}
";
        assert_eq!(names(&template(users)), ["Theirs"]);
        assert!(names(&template(&users.replace("BlueTargetGroupArn", "OtherArn"))).is_empty());
    }

    #[test]
    fn listeners_that_name_the_two_get_their_rules_first_with_the_weights_that_hold() {
        let (old, new) = (template(&format!("{OLD}{OUTPUTS}")), template(&format!("{NEW}{OUTPUTS}")));

        let bridge = rules_first(&old, &new, "green").unwrap();

        assert_eq!(bridge["Resources"]["Http"], old["Resources"]["Http"]);
        assert!(bridge["Resources"].get("Redirect").is_none());
        assert_eq!(bridge["Conditions"], new["Conditions"]);
        let rule = &bridge["Resources"]["Rule"]["Properties"]["Actions"][0]["ForwardConfig"]["TargetGroups"];
        assert_eq!((&rule[0]["Weight"], &rule[1]["Weight"]), (&json!(0), &json!(100)));
        // Once they are there, and where nothing names the two, there is nothing to bring over.
        assert_eq!(rules_first(&bridge, &new, "green"), None);
        assert_eq!(rules_first(&new, &new, "green"), None);
    }
}
