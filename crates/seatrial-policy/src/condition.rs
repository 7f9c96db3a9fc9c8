//! One condition: an operator, a key, and the values that it is held against.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::context::Context;
use crate::error::Fault;
use crate::kind::Effect;
use crate::operator::{Comparison, Operator, Quantifier};
use crate::pattern::{Pattern, Reading};
use crate::value::{self, ArnPattern, Network};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    operator: Operator,
    /// In lower case.
    key: String,
    expected: Vec<Expected>,
}

/// A value of the policy, read as its operator asks for.
#[derive(Debug, Clone, PartialEq)]
enum Expected {
    Text(Pattern),
    Arn(ArnPattern),
    Number(f64),
    Date(jiff::Timestamp),
    Bool(bool),
    Binary(Vec<u8>),
    Network(Network),
}

impl Condition {
    /// # Errors
    /// An operator that is not documented, a key without a prefix, no value, and values that are not what the
    /// operator compares (Access Analyzer's policy checks: data type mismatch; invalid IP range and others).
    pub fn new(name: &str, key: &str, values: &[String], variables: bool) -> Result<Self, Fault> {
        let operator = Operator::parse(name)
            .ok_or_else(|| Fault::new(name, "is not a condition operator that IAM knows"))?;
        if !key.split_once(':').is_some_and(|(prefix, rest)| !prefix.is_empty() && !rest.is_empty()) {
            let rule = "must be a condition key with its prefix: Actions/Conditions must be prefaced by a vendor, \
                        e.g., iam, sdb, ec2, etc.";
            return Err(Fault::new(key, rule));
        }
        if values.is_empty() {
            return Err(Fault::new(key, "has no value in its condition"));
        }
        let expected = values.iter().map(|value| Expected::read(operator.comparison, value, variables));
        Ok(Self { operator, key: key.to_ascii_lowercase(), expected: expected.collect::<Result<_, _>>()? })
    }

    /// Whether the condition is met. The statement's effect decides only where AWS documents nothing: a key with
    /// several values under an operator without quantifier. There the stricter reading counts.
    pub fn is_met(&self, context: &Context, effect: Effect) -> bool {
        let values = context.values(&self.key);
        let Operator { quantifier, comparison, negated, if_exists } = self.operator;
        if comparison == Comparison::Null {
            return self.expected.contains(&Expected::Bool(values.is_empty()));
        }
        let quantifier = match quantifier {
            _ if values.is_empty() && if_exists => return true,
            // "If the key that you specify in a policy condition is not present in the request context, the values do
            // not match and the condition is false"; of negated operators true (AWS: Condition operators).
            None if values.is_empty() => return negated,
            None if effect == Effect::Allow => Quantifier::All,
            None => Quantifier::Any,
            // An empty text is an empty set to quantifiers, too (AWS: Set operators for multivalued context keys).
            Some(quantifier) if values.iter().all(String::is_empty) => return quantifier == Quantifier::All,
            Some(quantifier) => quantifier,
        };
        // Several values in the policy: any may match, and of negated operators none (AWS: Conditions with multiple
        // context keys or values).
        let is_met =
            |value: &String| self.expected.iter().any(|one| self.compare(one, value, context)) != negated;
        match quantifier {
            Quantifier::All => values.iter().all(is_met),
            Quantifier::Any => values.iter().any(is_met),
        }
    }

    fn compare(&self, expected: &Expected, found: &str, context: &Context) -> bool {
        match (expected, self.operator.comparison) {
            (Expected::Text(pattern), _) => pattern.matches(found, context),
            (Expected::Arn(arn), _) => arn.matches(found, context),
            (Expected::Number(expected), Comparison::Number(order)) => value::number(found)
                .and_then(|found| found.partial_cmp(expected))
                .is_some_and(|ordering| order.holds(ordering)),
            (Expected::Date(expected), Comparison::Date(order)) => {
                value::date(found).is_some_and(|found| order.holds(found.cmp(expected)))
            }
            (Expected::Bool(expected), _) => found.parse() == Ok(*expected),
            (Expected::Binary(expected), _) => STANDARD.decode(found).is_ok_and(|found| found == *expected),
            (Expected::Network(network), _) => found.parse().is_ok_and(|address| network.contains(address)),
            _ => false,
        }
    }
}

impl Expected {
    fn read(comparison: Comparison, text: &str, variables: bool) -> Result<Self, Fault> {
        let read = match comparison {
            Comparison::Text { wildcards, ignore_case } => {
                return Pattern::new(text, Reading { wildcards, variables, ignore_case }).map(Self::Text);
            }
            Comparison::Arn => {
                let reading = Reading { wildcards: true, variables, ignore_case: false };
                return ArnPattern::new(text, reading).map(Self::Arn);
            }
            // Nothing below takes variables (AWS: Variables and tags, "Where you can use policy variables").
            Comparison::Number(_) => value::number(text).map(Self::Number).ok_or("a number"),
            Comparison::Date(_) => value::date(text).map(Self::Date).ok_or("a date, or seconds since 1970"),
            Comparison::Bool | Comparison::Null => {
                text.parse().map(Self::Bool).map_err(|_| "`true` or `false`")
            }
            Comparison::Binary => STANDARD.decode(text).map(Self::Binary).map_err(|_| "base64"),
            Comparison::Network => {
                Network::parse(text).map(Self::Network).ok_or("an address or a range in CIDR form")
            }
        };
        read.map_err(|what| Fault::new(text, format!("must be {what}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_values_without_quantifier_are_read_strictly_by_effect() {
        let condition = Condition::new("StringEquals", "aws:TagKeys", &["a".to_owned()], true).unwrap();
        let mut context = Context::default();
        context.insert("aws:TagKeys", ["a", "b"]);

        assert!(!condition.is_met(&context, Effect::Allow), "not all of them match");
        assert!(condition.is_met(&context, Effect::Deny), "one of them matches");
    }
}
