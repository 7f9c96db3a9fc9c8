//! The request context: condition keys and the values that a request has for them.

use std::collections::BTreeMap;

use crate::principal::{Principal, account_of};

/// Condition keys with their values. Keys are without case (AWS: IAM JSON policy elements: Condition, "context key
/// names are not case-sensitive"); a key without values is as if it were absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    values: BTreeMap<String, Vec<String>>,
}

impl Context {
    /// The keys that follow from who asks: `aws:PrincipalArn` (of a role session the role's, not the session's),
    /// `aws:PrincipalAccount`, `aws:PrincipalType`, `aws:username` of users, `aws:PrincipalIsAWSService` and
    /// `aws:PrincipalServiceName` of services (AWS: AWS global condition context keys).
    pub fn of(principal: &Principal) -> Self {
        let mut context = Self::default();
        let arn = match principal {
            Principal::User { arn } => {
                context.insert("aws:PrincipalType", ["User"]);
                context.insert("aws:username", arn.rsplit('/').next());
                arn
            }
            Principal::RoleSession { role_arn, .. } => {
                context.insert("aws:PrincipalType", ["AssumedRole"]);
                role_arn
            }
            Principal::Service { name } => {
                context.insert("aws:PrincipalIsAWSService", ["true"]);
                context.insert("aws:PrincipalServiceName", [name]);
                return context;
            }
        };
        context.insert("aws:PrincipalIsAWSService", ["false"]);
        context.insert("aws:PrincipalArn", [arn]);
        context.insert("aws:PrincipalAccount", account_of(arn));
        context
    }

    /// Sets the values of `key`, in place of those that it had.
    pub fn insert<V: Into<String>>(&mut self, key: &str, values: impl IntoIterator<Item = V>) {
        let values: Vec<String> = values.into_iter().map(Into::into).collect();
        self.values.insert(key.to_ascii_lowercase(), values);
    }

    /// The values of a key that is in lower case already, none where it is absent.
    pub(crate) fn values(&self, key: &str) -> &[String] {
        self.values.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    /// The value of a key (in lower case) that has exactly one.
    pub(crate) fn single(&self, key: &str) -> Option<&str> {
        match self.values(key) {
            [value] => Some(value),
            _ => None,
        }
    }
}
