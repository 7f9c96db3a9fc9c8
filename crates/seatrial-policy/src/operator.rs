//! Condition operators by their names (AWS: IAM JSON policy elements: Condition operators).

use std::cmp::Ordering;

/// Of a key with several values in the request: which of them must match (AWS: Set operators for multivalued
/// context keys).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantifier {
    /// `ForAllValues:`, true where there is none.
    All,
    /// `ForAnyValue:`, false where there is none.
    Any,
}

/// What is compared, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Text { wildcards: bool, ignore_case: bool },
    Arn,
    Number(Order),
    Date(Order),
    Bool,
    Binary,
    Network,
    Null,
}

/// How the request's value must stand to the policy's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// An operator, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Operator {
    pub quantifier: Option<Quantifier>,
    pub comparison: Comparison,
    /// `...Not...`: no value of the policy may match.
    pub negated: bool,
    /// `...IfExists`: true where the key is absent.
    pub if_exists: bool,
}

impl Operator {
    /// None for a name that AWS does not document; names are compared with case.
    pub fn parse(name: &str) -> Option<Self> {
        let (quantifier, name) = match name.split_once(':') {
            None => (None, name),
            Some(("ForAllValues", rest)) => (Some(Quantifier::All), rest),
            Some(("ForAnyValue", rest)) => (Some(Quantifier::Any), rest),
            Some(_) => return None,
        };
        let (name, if_exists) = name.strip_suffix("IfExists").map_or((name, false), |name| (name, true));
        let text = |wildcards, ignore_case| Comparison::Text { wildcards, ignore_case };
        let (comparison, negated) = match name {
            "StringEquals" => (text(false, false), false),
            "StringNotEquals" => (text(false, false), true),
            "StringEqualsIgnoreCase" => (text(false, true), false),
            "StringNotEqualsIgnoreCase" => (text(false, true), true),
            "StringLike" => (text(true, false), false),
            "StringNotLike" => (text(true, false), true),
            // "The ArnEquals and ArnLike condition operators behave identically" (AWS: the same page).
            "ArnEquals" | "ArnLike" => (Comparison::Arn, false),
            "ArnNotEquals" | "ArnNotLike" => (Comparison::Arn, true),
            "Bool" => (Comparison::Bool, false),
            "BinaryEquals" => (Comparison::Binary, false),
            "IpAddress" => (Comparison::Network, false),
            "NotIpAddress" => (Comparison::Network, true),
            // Asks for presence by itself: it takes no IfExists (AWS: the same page), and no quantifier here.
            "Null" if quantifier.is_none() && !if_exists => (Comparison::Null, false),
            _ => {
                let (of, order): (fn(Order) -> Comparison, _) = match name.strip_prefix("Numeric") {
                    Some(order) => (Comparison::Number, order),
                    None => (Comparison::Date, name.strip_prefix("Date")?),
                };
                let (order, negated) = Order::parse(order)?;
                (of(order), negated)
            }
        };
        Some(Self { quantifier, comparison, negated, if_exists })
    }
}

impl Order {
    fn parse(name: &str) -> Option<(Self, bool)> {
        Some(match name {
            "Equals" => (Self::Equal, false),
            "NotEquals" => (Self::Equal, true),
            "LessThan" => (Self::Less, false),
            "LessThanEquals" => (Self::LessOrEqual, false),
            "GreaterThan" => (Self::Greater, false),
            "GreaterThanEquals" => (Self::GreaterOrEqual, false),
            _ => return None,
        })
    }

    pub fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}
