//! What a template comes to with its parameters' values: two templates that come to the same change nothing, however they
//! write it. CloudFormation answers a change set between them with "didn't contain changes", each time anew.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::template::{Parameter, StackTemplate};

/// Parameters' values by name.
pub(crate) type Values = BTreeMap<String, Value>;

/// The values that stand for parameters in a template, given or by default: not those that CloudFormation looks up, nor
/// secrets.
pub(crate) fn values(template: &StackTemplate, given: &BTreeMap<&String, &String>) -> Values {
    let value = |parameter: &Parameter| {
        let text = given.get(&parameter.name).copied().or(parameter.default.as_ref())?;
        Some((parameter.name.clone(), value_of(parameter, text)))
    };
    template.parameters.iter().filter(|parameter| parameter.is_wired()).filter_map(value).collect()
}

/// What a stack's ARN tells of its pseudo parameters.
pub(crate) fn pseudo_parameters(stack_id: &str) -> Vec<(String, Value)> {
    let parts: Vec<&str> = stack_id.split(':').collect();
    let [_, partition, _, region, account, ..] = parts[..] else { return Vec::new() };
    let pseudo = [("Partition", partition), ("Region", region), ("AccountId", account)];
    pseudo.map(|(name, value)| (format!("AWS::{name}"), json!(value))).into()
}

fn value_of(parameter: &Parameter, text: &str) -> Value {
    match parameter.is_list() {
        true => text.split(',').map(|item| json!(item.trim())).collect(),
        false => json!(text),
    }
}

/// The template (with long forms) with values in the place of references, without what declares or judges them, and
/// without what conditions leave out. What is not known before CloudFormation works on it stays as it is written.
pub(crate) fn resolved(template: &Value, values: &Values) -> Value {
    let mut known = Known { values, conditions: BTreeMap::new() };
    let declared = template.get("Conditions").and_then(Value::as_object);
    // Each round finds those that are made of what the last one found.
    for _ in 0..declared.map_or(0, Map::len) {
        for (name, condition) in declared.into_iter().flatten() {
            if let Some(holds) = known.holds(&known.resolve(condition)) {
                known.conditions.insert(name.clone(), holds);
            }
        }
    }
    let Value::Object(sections) = template else { return template.clone() };
    let kept = sections.iter().filter(|(name, _)| !["Parameters", "Rules"].contains(&name.as_str()));
    let sections = kept.map(|(name, section)| (name.clone(), known.section(name, section)));
    Value::Object(sections.collect())
}

/// What is known before.
struct Known<'a> {
    values: &'a Values,
    conditions: BTreeMap<String, bool>,
}

impl Known<'_> {
    fn section(&self, name: &str, section: &Value) -> Value {
        let Value::Object(entries) = section else { return self.resolve(section) };
        let entry = |(name, entry): (&String, &Value)| {
            let mut entry = self.resolve(entry);
            let condition =
                entry.get("Condition").and_then(Value::as_str).and_then(|name| self.conditions.get(name));
            match condition {
                Some(false) => return None,
                Some(true) => drop(entry.as_object_mut()?.remove("Condition")),
                None => {}
            }
            Some((name.clone(), entry))
        };
        match name {
            "Conditions" => {
                let left = entries.iter().filter(|(name, _)| !self.conditions.contains_key(*name));
                left.map(|(name, entry)| (name.clone(), self.resolve(entry))).collect::<Map<_, _>>().into()
            }
            "Resources" | "Outputs" => entries.iter().filter_map(entry).collect::<Map<_, _>>().into(),
            _ => self.resolve(section),
        }
    }

    fn resolve(&self, value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(name)) = members.get("Ref").filter(|_| members.len() == 1) {
                    return self.values.get(name).cloned().unwrap_or_else(|| value.clone());
                }
                let inner = |key: &str, inner: &Value| match inner.as_array().filter(|_| key == "Fn::If") {
                    // What either branch leaves out counts once it is chosen.
                    Some(branches) => branches.iter().map(|branch| self.resolve(branch)).collect(),
                    None => self.resolve(inner),
                };
                let members = members.iter().map(|(key, value)| (key.clone(), inner(key, value)));
                let members: Map<String, Value> = members.filter(|(_, inner)| !is_no_value(inner)).collect();
                let only = members.iter().next().filter(|_| members.len() == 1);
                let called = only.and_then(|(function, argument)| self.call(function, argument));
                called.unwrap_or(Value::Object(members))
            }
            Value::Array(items) => {
                items.iter().map(|item| self.resolve(item)).filter(|item| !is_no_value(item)).collect()
            }
            other => other.clone(),
        }
    }

    /// Whether a condition holds, where it is known.
    fn holds(&self, condition: &Value) -> Option<bool> {
        if let Value::Bool(holds) = condition {
            return Some(*holds);
        }
        let (function, argument) = condition.as_object().filter(|one| one.len() == 1)?.iter().next()?;
        let all = || argument.as_array()?.iter().map(|one| self.holds(one)).collect::<Option<Vec<bool>>>();
        match (function.as_str(), argument.as_array().map(Vec::as_slice)) {
            ("Condition", None) => self.conditions.get(argument.as_str()?).copied(),
            ("Fn::Equals", Some([Value::String(left), Value::String(right)])) => Some(left == right),
            ("Fn::Not", Some([one])) => Some(!self.holds(one)?),
            ("Fn::And", Some(_)) => Some(all()?.into_iter().all(|holds| holds)),
            ("Fn::Or", Some(_)) => Some(all()?.into_iter().any(|holds| holds)),
            _ => None,
        }
    }

    /// What a function of known arguments comes to.
    fn call(&self, function: &str, argument: &Value) -> Option<Value> {
        let values = self.values;
        match (function, argument.as_array().map(Vec::as_slice)) {
            ("Fn::Select", Some([index, Value::Array(items)])) => {
                let index = index.as_u64().or_else(|| index.as_str()?.parse().ok())?;
                items.get(usize::try_from(index).ok()?).cloned()
            }
            ("Fn::Split", Some([Value::String(by), Value::String(text)])) if !by.is_empty() => {
                Some(text.split(by.as_str()).map(|part| json!(part)).collect())
            }
            ("Fn::Join", Some([Value::String(by), Value::Array(items)])) => {
                let items: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
                Some(json!(items?.join(by)))
            }
            ("Fn::Sub", Some([Value::String(text), Value::Object(own)])) => {
                let own: Option<Values> =
                    own.iter().map(|(name, value)| Some((name.clone(), json!(value.as_str()?)))).collect();
                let mut all = values.clone();
                all.extend(own?);
                Some(substituted(text, &all))
            }
            ("Fn::If", Some([Value::String(name), yes, no])) => {
                Some(if *self.conditions.get(name)? { yes.clone() } else { no.clone() })
            }
            ("Fn::Sub", None) => Some(substituted(argument.as_str()?, values)),
            _ => None,
        }
    }
}

fn is_no_value(value: &Value) -> bool {
    value.get("Ref").is_some_and(|name| name == "AWS::NoValue")
}

/// A text with the values that are known in it: a plain one where no other variable is left.
fn substituted(text: &str, values: &Values) -> Value {
    let mut parts = text.split("${");
    let mut result = parts.next().unwrap_or_default().to_owned();
    let mut is_plain = true;
    for part in parts {
        let known = part.split_once('}').and_then(|(name, rest)| Some((values.get(name)?.as_str()?, rest)));
        match known {
            Some((value, rest)) => {
                result.push_str(value);
                result.push_str(rest);
            }
            None => {
                is_plain = false;
                result.push_str("${");
                result.push_str(part);
            }
        }
    }
    if is_plain { json!(result) } else { json!({ "Fn::Sub": result }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::template::parse;

    const ARN: &str = "arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/app/web/50dc";

    /// What property `P` comes to.
    fn property(text: &str) -> Value {
        let text = format!(
            "Parameters: {{Arn: {{Type: String}}, Ids: {{Type: CommaDelimitedList}}, Secret: {{Type: String, NoEcho: true}}, \
             Image: {{Type: 'AWS::SSM::Parameter::Value<String>'}}}}\nResources: {{R: {{Type: T, Properties: {{P: {text}}}}}}}"
        );
        let template = parse("s", "s.yml", text.as_bytes()).unwrap();
        let given = [("Arn", ARN), ("Ids", "a, b"), ("Secret", "s"), ("Image", "/image")];
        let given: Vec<(String, String)> =
            given.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let given = given.iter().map(|(name, value)| (name, value)).collect();
        let resolved = resolved(&template.json, &values(&template, &given));
        assert!(resolved.get("Parameters").is_none());
        resolved["Resources"]["R"]["Properties"]["P"].clone()
    }

    #[test]
    fn what_a_template_makes_of_its_parameters_is_known_before() {
        let table = [
            ("!Ref Arn", json!(ARN)),
            ("!Ref Ids", json!(["a", "b"])),
            ("!Select [1, !Ref Ids]", json!("b")),
            ("!Select [1, !Split [':loadbalancer/', !Ref Arn]]", json!("app/web/50dc")),
            ("!Join ['-', [x, !Select ['0', !Ref Ids]]]", json!("x-a")),
            ("!Sub 'of-${Arn}'", json!(format!("of-{ARN}"))),
            ("!Sub ['${N}/*', {N: !Select [0, !Ref Ids]}]", json!("a/*")),
        ];
        for (text, expected) in table {
            assert_eq!(property(text), expected, "{text}");
        }
    }

    #[test]
    fn where_a_stack_is_stands_in_its_arn() {
        let values: Values =
            pseudo_parameters("arn:aws:cloudformation:eu-central-1:12:stack/a/1").into_iter().collect();
        let template = json!({"Outputs": {"O": {"Value": {"Fn::Sub": "arn:${AWS::Partition}:s3:${AWS::Region}:${AWS::AccountId}"}}}});
        assert_eq!(resolved(&template, &values)["Outputs"]["O"]["Value"], "arn:aws:s3:eu-central-1:12");
        assert!(pseudo_parameters("").is_empty());
    }

    #[test]
    fn what_conditions_leave_out_is_not_there() {
        let text = "
Parameters: {Shell: {Type: String, Default: 'false'}, Secret: {Type: String, NoEcho: true}}
Conditions:
  Both: !And [!Condition Shell, !Not [!Condition Quiet]]
  Quiet: !Or [!Equals [a, b], !Equals [c, d]]
  Shell: !Equals [!Ref Shell, 'true']
  Hidden: !Equals [!Ref Secret, '']
Resources:
  A: {Type: T, Condition: Both}
  B: {Type: T, Properties: {Shell: !If [Shell, true, !Ref 'AWS::NoValue'], List: [1, !If [Quiet, 2, !Ref 'AWS::NoValue']]}}
  C: {Type: T, Condition: Hidden}
Outputs: {O: {Condition: Shell, Value: 1}}
";
        let template = parse("s", "s.yml", text.as_bytes()).unwrap();
        let (name, on) = ("Shell".to_owned(), "true".to_owned());
        let of = |given: &BTreeMap<&String, &String>| resolved(&template.json, &values(&template, given));

        let off = of(&BTreeMap::new());

        let b = json!({"Type": "T", "Properties": {"List": [1]}});
        let c = json!({"Type": "T", "Condition": "Hidden"});
        assert_eq!(off["Resources"], json!({"B": b, "C": c}));
        assert_eq!(off["Outputs"], json!({}));
        assert_eq!(off["Conditions"], json!({"Hidden": {"Fn::Equals": [{"Ref": "Secret"}, ""]}}));
        let on = of(&BTreeMap::from([(&name, &on)]));
        assert_eq!(on["Resources"]["A"], json!({"Type": "T"}));
        assert_eq!(on["Resources"]["B"]["Properties"]["Shell"], true);
        assert_eq!(on["Outputs"]["O"], json!({"Value": 1}));
    }

    #[test]
    fn what_only_cloudformation_knows_stays_as_it_is_written() {
        let table = [
            ("!Ref Secret", json!({"Ref": "Secret"})),
            ("!Ref Image", json!({"Ref": "Image"})),
            ("!Ref Other", json!({"Ref": "Other"})),
            ("!Select [7, !Ref Ids]", json!({"Fn::Select": [7, ["a", "b"]]})),
            ("!Sub 'x-${AWS::Region}-${!Arn}'", json!({"Fn::Sub": "x-${AWS::Region}-${!Arn}"})),
            ("!Sub '${Ids}'", json!({"Fn::Sub": "${Ids}"})),
            (
                "!Sub ['${N}', {N: !GetAtt A.B}]",
                json!({"Fn::Sub": ["${N}", {"N": {"Fn::GetAtt": ["A", "B"]}}]}),
            ),
            ("!If [C, !Ref Arn, x]", json!({"Fn::If": ["C", ARN, "x"]})),
        ];
        for (text, expected) in table {
            assert_eq!(property(text), expected, "{text}");
        }
    }
}
