//! What a local cloud saw of permissions: roles with their policies, and what each caller's calls needed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What `/_local/permissions` of a local cloud answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Record {
    /// Twelve digits.
    pub account: String,
    pub region: String,
    /// What was played meanwhile, for people: `deploy`.
    #[serde(default)]
    pub scenarios: Vec<String>,
    pub uses: Vec<Use>,
    pub roles: Vec<Role>,
}

/// A permission that somebody's calls needed, as often as they did.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Use {
    /// The role's ARN of a session, else the user's, or a service's name.
    pub principal: String,
    /// The program that called, where it names itself: `seatrial-release`.
    #[serde(default)]
    pub program: Option<String>,
    /// With its prefix: `iam:PassRole`.
    pub action: String,
    /// An ARN, or `*`.
    pub resource: String,
    /// Condition keys with their values, beyond those that follow from who calls.
    #[serde(default)]
    pub context: BTreeMap<String, Vec<String>>,
    /// One operation that needed it: `ecs:RunTask`.
    pub operation: String,
    pub allowed: u64,
    pub denied: u64,
}

/// A role as it was in the end.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Role {
    pub name: String,
    pub arn: String,
    /// The stack that made it, and its logical ID there.
    pub stack: Option<String>,
    pub logical_id: Option<String>,
    /// JSON.
    pub trust: String,
    /// JSON by name; managed ones by their ARN.
    pub policies: BTreeMap<String, String>,
}

impl Record {
    /// What sessions of `role` needed.
    pub fn uses_of<'a>(&'a self, role: &'a Role) -> impl Iterator<Item = &'a Use> {
        self.uses.iter().filter(|used| used.principal == role.arn)
    }

    /// How `role` was assumed, by services and whoever else.
    pub fn assumed<'a>(&'a self, role: &'a Role) -> impl Iterator<Item = &'a Use> {
        self.uses.iter().filter(|used| used.action == "sts:AssumeRole" && used.resource == role.arn)
    }
}
