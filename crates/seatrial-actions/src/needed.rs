//! What is needed for a call, and how its resources are told before the account is known.

use std::fmt;

/// One action that must be allowed to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// With its prefix: `iam:PassRole`.
    pub action: String,
    pub resource: ResourceRule,
    /// Condition keys with their values, beyond those that every request has; text may have the placeholders of
    /// [`Place`]. A key that is not here is absent from the request.
    pub context: Vec<(String, Vec<String>)>,
    /// Where it is written that AWS checks this.
    pub source: &'static str,
}

/// What an action is checked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceRule {
    /// What the operation acts on, whose ARN the door knows.
    Own,
    /// `*`: the action cannot be limited to resources.
    Any,
    /// An ARN with the placeholders of [`Place`]. What AWS has yet to name stands as `*`, as in `task/CLUSTER/*`.
    /// A key of KMS may be there by its alias, of which KMS checks the key.
    Arn(String),
    /// The ARN of a role that is not there: without this action AWS cannot make it. Where it is, nothing is checked.
    IfMissing(String),
    /// What the input names and only a record tells. Where the record has none, nothing is checked.
    Recorded(Record),
}

/// Why [`crate::actions_of`] names an action: one row of the tables.
#[derive(Debug, Clone, Copy)]
pub struct Reason {
    /// The row of `rows.md` with the evidence; 0 where the reference's resource types are all there is to it.
    pub row: u8,
    /// `ecs:RunTask`, by signing name.
    pub operations: &'static [&'static str],
    pub action: &'static str,
    pub source: &'static str,
}

/// What stands in a record of the service that is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// The revision of a task definition, by `family`, `family:revision` or ARN.
    TaskDefinition(String),
    /// Task role and execution role of that task definition, those apart that the input replaces.
    Roles { task_definition: String, replaced: Vec<&'static str> },
    /// The deployment configuration of the deployment group that is the operation's own resource.
    DeploymentConfig,
    /// The deployment group of a deployment, by its id.
    DeploymentGroup(String),
    /// The customer's key that encrypts what the operation acts on, for a new object that of its bucket; not AWS's own,
    /// whose policy lets everybody in.
    Key,
    /// The same of another object, by its ARN.
    KeyOf(String),
    /// The stack, if the change set gives it tags.
    StackGivenTags,
    /// The stack, if it has tags that the new ones are without.
    StackLosingTags,
}

/// Where a call is made: what replaces `${Partition}`, `${Region}` and `${Account}`.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: &'a str,
    pub region: &'a str,
    /// Twelve digits.
    pub account: &'a str,
}

impl Place<'_> {
    /// `text` with its placeholders filled in.
    pub fn fill(&self, text: &str) -> String {
        text.replace("${Partition}", self.partition)
            .replace("${Region}", self.region)
            .replace("${Account}", self.account)
    }
}

impl fmt::Display for Needed {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} on {}", self.action, self.resource)
    }
}

impl fmt::Display for ResourceRule {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => to.write_str("the operation's own resource"),
            Self::Any => to.write_str("*"),
            Self::Arn(arn) => to.write_str(arn),
            Self::IfMissing(arn) => write!(to, "{arn}, if it is missing"),
            Self::Recorded(record) => record.fmt(to),
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TaskDefinition(name) => write!(to, "task definition {name}"),
            Self::Roles { task_definition, .. } => {
                write!(to, "the roles of task definition {task_definition}")
            }
            Self::DeploymentConfig => to.write_str("the deployment group's configuration"),
            Self::DeploymentGroup(id) => write!(to, "the deployment group of {id}"),
            Self::Key => to.write_str("the key that encrypts the operation's own resource"),
            Self::KeyOf(arn) => write!(to, "the key that encrypts {arn}"),
            Self::StackGivenTags => to.write_str("the stack, if the change set gives tags"),
            Self::StackLosingTags => to.write_str("the stack, if it loses tags"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_nothing_else() {
        let place = Place { partition: "aws-cn", region: "cn-north-1", account: "111122223333" };

        let arn = place.fill("arn:${Partition}:ecs:${Region}:${Account}:task/${Cluster}/*");

        assert_eq!(arn, "arn:aws-cn:ecs:cn-north-1:111122223333:task/${Cluster}/*");
    }
}
