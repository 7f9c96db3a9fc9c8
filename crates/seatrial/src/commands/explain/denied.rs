//! What AWS says where a role may not do something: which action, on what, by whom.

use super::told::{Kind, Told};

/// A permission that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Denied {
    pub action: String,
    /// The role's name, or whoever else was denied.
    pub who: String,
    /// Empty where AWS does not tell.
    pub resource: String,
}

impl Denied {
    /// The first in a text: `User: WHO is not authorized to perform: ACTION on resource: RESOURCE`.
    pub(super) fn find(text: &str) -> Option<Self> {
        let (before, rest) = text.split_once("not authorized to perform")?;
        let action = word(rest.trim_start_matches([':', ' ']));
        let resource =
            rest.split_once("on resource:").map(|(_, resource)| word(resource)).unwrap_or_default();
        let who = before.rsplit_once("arn:").map(|(_, arn)| word(arn)).unwrap_or_default();
        let role = who
            .split_once("assumed-role/")
            .map(|(_, role)| role.split('/').next().unwrap_or(role).to_owned());
        Some(Self { action, who: role.unwrap_or(who), resource })
    }

    pub(super) fn told(&self) -> Told {
        let Self { action, who, resource } = self;
        let who = if who.is_empty() { "a role".to_owned() } else { format!("role `{who}`") };
        let on = if resource.is_empty() { String::new() } else { format!(" on `{resource}`") };
        Told::new(
            Kind::Denied,
            format!("{who} may not `{action}`{on}"),
            format!(
                "allow `{action}` in the template of the role's stack, and `provision`; a boundary or a policy of the organization may deny it, too"
            ),
        )
    }
}

fn word(text: &str) -> String {
    let text = text.trim_start_matches([' ', '"', '\'', '`']);
    let end = text.find(|c: char| c.is_whitespace() || "\"'`,()".contains(c)).unwrap_or(text.len());
    text[..end].trim_end_matches(['.', ';', ':']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn action_role_and_resource_are_read_from_aws_words() {
        let denied = Denied::find(
            "AccessDenied: User: arn:aws:sts::123456789012:assumed-role/web-prod-pipeline/1700 is not authorized to \
             perform: s3:PutObjectAcl on resource: \"arn:aws:s3:::bucket/key\" because no identity-based policy allows it",
        );
        let denied = denied.unwrap();
        assert_eq!(
            (denied.action.as_str(), denied.who.as_str(), denied.resource.as_str()),
            ("s3:PutObjectAcl", "web-prod-pipeline", "arn:aws:s3:::bucket/key")
        );
        assert_eq!(Denied::find("no such words"), None);
    }
}
