//! Intrinsic functions.

use base64::Engine as _;
use serde_json::{Map, Value};

use super::super::schema::text_of;
use super::super::template::template_error;
use super::cidr;
use super::names::{no_attribute, unresolved};
use super::references::{Piece, call, pieces};
use super::scope::{Lookup, Scope, UNKNOWN};
use crate::error::ServiceError;

/// In the order of AWS's message.
const SUPPORTED: &str = "Fn::Base64, Fn::GetAtt, Fn::GetAZs, Fn::ImportValue, Fn::Join, Fn::Split, Fn::FindInMap, \
                         Fn::Select, Ref, Fn::Equals, Fn::If, Fn::Not, Condition, Fn::And, Fn::Or, Fn::Contains, \
                         Fn::EachMemberEquals, Fn::EachMemberIn, Fn::ValueOf, Fn::ValueOfAll, Fn::RefAll, Fn::Sub, \
                         Fn::Cidr";

/// A value, or nothing where `AWS::NoValue` stands.
type Evaluated = Result<Option<Value>, ServiceError>;

impl Scope {
    /// The value with all intrinsic functions replaced by what they answer.
    pub(super) fn evaluate(&self, value: &Value, lookup: &dyn Lookup) -> Evaluated {
        if let Some((name, argument)) = call(value) {
            return self.call(name, argument, lookup);
        }
        match value {
            Value::Array(items) => {
                let mut evaluated = Vec::new();
                for item in items {
                    evaluated.extend(self.evaluate(item, lookup)?);
                }
                Ok(Some(Value::Array(evaluated)))
            }
            Value::Object(members) => {
                let mut evaluated = Map::new();
                for (key, member) in members {
                    if let Some(member) = self.evaluate(member, lookup)? {
                        evaluated.insert(key.clone(), member);
                    }
                }
                Ok(Some(Value::Object(evaluated)))
            }
            scalar => Ok(Some(scalar.clone())),
        }
    }

    fn call(&self, name: &str, argument: &Value, lookup: &dyn Lookup) -> Evaluated {
        match (name, argument) {
            ("Ref", Value::String(target)) => self.reference(target, lookup),
            ("Fn::GetAtt", Value::Array(parts)) => match parts.as_slice() {
                [Value::String(target), attribute] => {
                    let attribute = self.text(attribute, lookup)?;
                    self.attribute(target, &attribute, lookup).map(Some)
                }
                _ => Err(malformed_get_att()),
            },
            ("Fn::Sub", argument) => self.substitute(argument, lookup),
            ("Fn::Join", argument) => self.join(argument, lookup),
            ("Fn::Split", argument) => self.split(argument, lookup),
            ("Fn::Select", argument) => self.select(argument, lookup),
            ("Fn::If", argument) => self.choose(argument, lookup),
            ("Fn::FindInMap", argument) => self.find_in_map(argument, lookup),
            ("Fn::GetAZs", argument) => self.zones(argument, lookup),
            ("Fn::Cidr", argument) => self.cidr(argument, lookup),
            ("Fn::Base64", argument) => {
                let text = self.text(argument, lookup)?;
                if text.contains(UNKNOWN) {
                    return unknown();
                }
                Ok(Some(Value::String(base64::engine::general_purpose::STANDARD.encode(text))))
            }
            ("Fn::ImportValue", argument) => self.import(argument, lookup),
            ("Ref", _) => Err(template_error("every Ref object must have a single String value.")),
            ("Fn::GetAtt", _) => Err(malformed_get_att()),
            ("Fn::Transform", _) => Err(ServiceError::validation(
                "Fn::Transform: the local cloud serves no macros: send the template expanded",
            )),
            (other, _) => Err(template_error(format!(
                "Encountered unsupported function: {other} Supported functions are: [{SUPPORTED}]"
            ))),
        }
    }

    fn reference(&self, target: &str, lookup: &dyn Lookup) -> Evaluated {
        let around = &self.surroundings;
        let pseudo = match target {
            "AWS::NoValue" => return Ok(None),
            "AWS::AccountId" => &around.account,
            "AWS::Region" => &around.region,
            "AWS::StackName" => &around.stack_name,
            "AWS::StackId" => &around.stack_id,
            "AWS::Partition" => "aws",
            "AWS::URLSuffix" => "amazonaws.com",
            "AWS::NotificationARNs" => return Ok(Some(Value::from(around.notification_arns.clone()))),
            _ => {
                let resource = || self.active_resource(target).and_then(|_| lookup.reference(target));
                let found = self.parameters.get(target).cloned().or_else(resource);
                return found.map(Some).ok_or_else(|| unresolved(target, "Resources"));
            }
        };
        Ok(Some(Value::String(pseudo.to_owned())))
    }

    fn attribute(&self, target: &str, name: &str, lookup: &dyn Lookup) -> Result<Value, ServiceError> {
        let Some(resource) = self.active_resource(target) else {
            return Err(unresolved(target, "Resources"));
        };
        lookup.attribute(target, name).ok_or_else(|| no_attribute(&resource.resource_type, name))
    }

    /// A value that must be a scalar, as text.
    fn text(&self, value: &Value, lookup: &dyn Lookup) -> Result<String, ServiceError> {
        match self.evaluate(value, lookup)? {
            Some(Value::Array(_) | Value::Object(_)) => {
                Err(template_error("an intrinsic function that needs a string was given a list or an object"))
            }
            value => Ok(value.as_ref().map(text_of).unwrap_or_default()),
        }
    }

    /// A value that must be a list.
    fn list(&self, value: &Value, lookup: &dyn Lookup, function: &str) -> Result<Vec<Value>, ServiceError> {
        match self.evaluate(value, lookup)? {
            Some(Value::Array(items)) => Ok(items),
            Some(Value::String(text)) if text.contains(UNKNOWN) => Ok(vec![Value::String(text)]),
            _ => Err(template_error(format!("{function} requires a list"))),
        }
    }

    fn substitute(&self, argument: &Value, lookup: &dyn Lookup) -> Evaluated {
        let none = Map::new();
        let (text, variables) = match argument {
            Value::String(text) => (text, &none),
            Value::Array(parts) => match parts.as_slice() {
                [Value::String(text), Value::Object(variables)] => (text, variables),
                _ => return Err(malformed_sub()),
            },
            _ => return Err(malformed_sub()),
        };
        let mut out = String::new();
        for piece in pieces(text) {
            let name = match piece {
                Piece::Text(text) => {
                    out.push_str(text);
                    continue;
                }
                Piece::Variable(name) => name,
            };
            out.push_str(
                &match (variables.get(name), name.split_once('.')) {
                    (Some(value), _) => self.evaluate(value, lookup)?.map(|value| scalar(name, &value)),
                    (None, Some((target, attribute))) => {
                        Some(scalar(name, &self.attribute(target, attribute, lookup)?))
                    }
                    (None, None) => self.reference(name, lookup)?.map(|value| scalar(name, &value)),
                }
                .transpose()?
                .unwrap_or_default(),
            );
        }
        Ok(Some(Value::String(out)))
    }

    fn join(&self, argument: &Value, lookup: &dyn Lookup) -> Evaluated {
        let Some([Value::String(separator), items]) = argument.as_array().map(Vec::as_slice) else {
            return Err(template_error(
                "every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings \
                 to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.",
            ));
        };
        let items = self.list(items, lookup, "Fn::Join")?;
        let texts: Vec<_> = items.iter().map(text_of).collect();
        Ok(Some(Value::String(texts.join(separator))))
    }

    fn split(&self, argument: &Value, lookup: &dyn Lookup) -> Evaluated {
        let Some([Value::String(separator), text]) = argument.as_array().map(Vec::as_slice) else {
            return Err(template_error(
                "every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to \
                 be split or a function that returns a string to be split.",
            ));
        };
        let text = self.text(text, lookup)?;
        if text.contains(UNKNOWN) {
            return unknown();
        }
        Ok(Some(text.split(separator.as_str()).map(|part| Value::String(part.to_owned())).collect()))
    }

    fn select(&self, argument: &Value, lookup: &dyn Lookup) -> Evaluated {
        let Some([index, items]) = argument.as_array().map(Vec::as_slice) else {
            return Err(malformed_select());
        };
        let index = self.text(index, lookup)?;
        let is_literal = items.is_array();
        let items = self.list(items, lookup, "Fn::Select").map_err(|_| malformed_select())?;
        if index.contains(UNKNOWN) {
            return unknown();
        }
        let position = index.parse::<usize>().map_err(|_| malformed_select())?;
        if let Some(item) = items.get(position) {
            return Ok(Some(item.clone()));
        }
        if items.iter().any(|item| text_of(item).contains(UNKNOWN)) {
            return unknown();
        }
        if is_literal {
            return Err(malformed_select());
        }
        Err(template_error(format!("Fn::Select cannot select nonexistent value at index {index}")))
    }

    fn choose(&self, argument: &Value, lookup: &dyn Lookup) -> Evaluated {
        let Some([Value::String(name), yes, no]) = argument.as_array().map(Vec::as_slice) else {
            return Err(template_error("Fn::If requires a list argument with three elements"));
        };
        let Some(holds) = self.conditions.get(name) else {
            return Err(template_error(format!("unresolved condition dependency {name} in Fn::If")));
        };
        self.evaluate(if *holds { yes } else { no }, lookup)
    }

    fn find_in_map(&self, argument: &Value, lookup: &dyn Lookup) -> Evaluated {
        // A fourth argument, the default, needs the transform AWS::LanguageExtensions.
        let parts = argument.as_array().filter(|parts| parts.len() == 3);
        let Some(parts) = parts else {
            return Err(template_error(
                "every Fn::FindInMap object requires three parameters, the map name, map key and the \
                 attribute for return value",
            ));
        };
        let mut keys = Vec::new();
        for part in parts {
            keys.push(self.text(part, lookup)?);
        }
        if keys.iter().any(|key| key.contains(UNKNOWN)) {
            return unknown();
        }
        let found =
            keys.iter().skip(1).try_fold(
                self.template.mappings.get(keys.first().map_or("", String::as_str)),
                |value, key| value.map(|value| value.get(key)),
            );
        match found.flatten() {
            Some(value) => Ok(Some(value.clone())),
            None => Err(template_error(format!("Unable to get mapping for {}", keys.join("::")))),
        }
    }

    fn zones(&self, argument: &Value, lookup: &dyn Lookup) -> Evaluated {
        let asked = self.text(argument, lookup)?;
        if asked.contains(UNKNOWN) {
            return unknown();
        }
        let region = if asked.is_empty() { &self.surroundings.region } else { &asked };
        Ok(Some(["a", "b", "c"].iter().map(|zone| Value::String(format!("{region}{zone}"))).collect()))
    }

    fn cidr(&self, argument: &Value, lookup: &dyn Lookup) -> Evaluated {
        let parts = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        let [block, count, rest @ ..] = parts else {
            return Err(template_error("every Fn::Cidr object requires the block, the count and the bits"));
        };
        let block = self.text(block, lookup)?;
        let count = self.text(count, lookup)?;
        let bits = rest.first().map(|bits| self.text(bits, lookup)).transpose()?.unwrap_or("8".to_owned());
        if [&block, &count, &bits].iter().any(|text| text.contains(UNKNOWN)) {
            return unknown();
        }
        let ranges = match (count.parse(), bits.parse()) {
            (Ok(count), Ok(bits)) => cidr::ranges(&block, count, bits),
            _ => None,
        };
        let Some(ranges) = ranges else {
            return Err(template_error(format!(
                "Fn::Cidr cannot cut {count} ranges of {bits} bits from {block}"
            )));
        };
        Ok(Some(Value::from(ranges)))
    }

    fn import(&self, argument: &Value, lookup: &dyn Lookup) -> Evaluated {
        let name = self.text(argument, lookup)?;
        if name.contains(UNKNOWN) {
            return unknown();
        }
        let Some(value) = self.surroundings.exports.get(&name) else {
            return Err(ServiceError::validation(format!("No export named {name} found.")));
        };
        Ok(Some(Value::String(value.clone())))
    }
}

/// What depends on a value that is known only after the change set is executed: it must not be looked into.
fn unknown() -> Evaluated {
    Ok(Some(Value::String(UNKNOWN.to_owned())))
}

/// The value of a variable of `Fn::Sub`, as text.
fn scalar(name: &str, value: &Value) -> Result<String, ServiceError> {
    match value {
        Value::Array(_) | Value::Object(_) => {
            Err(template_error(format!("variable {name} in Fn::Sub expression does not resolve to a string")))
        }
        value => Ok(text_of(value)),
    }
}

fn malformed_get_att() -> ServiceError {
    template_error(
        "every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute",
    )
}

fn malformed_select() -> ServiceError {
    template_error("Fn::Select requires a list argument with two elements: an integer index and a list")
}

fn malformed_sub() -> ServiceError {
    template_error(
        "One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first \
         argument, and an optional second argument to specify a mapping of values to replace in the string",
    )
}
