//! What the caller may do beyond what is asked of it. It stands in nobody's way, so it is a warning: a first provision is
//! often an administrator's.

use super::finding::Finding;
use crate::aws::{Aws, AwsError, Holder};
use crate::session::Session;

const CHECK: &str = "privileges";
/// The managed policy that allows everything, whatever the partition is called.
const ADMINISTRATOR: &str = ":iam::aws:policy/AdministratorAccess";

/// Who calls, as far as policies are attached to them.
#[derive(Debug, PartialEq, Eq)]
enum Caller<'a> {
    Root,
    User(&'a str),
    Role(&'a str),
    /// A federated user, or a service.
    Other,
}

/// By the forms of "IAM identifiers" (IAM guide): of a role that was assumed, the ARN has the name and not the path.
fn caller(arn: &str) -> Caller<'_> {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    let mut parts = resource.split('/');
    match (parts.next(), parts.next(), parts.next_back()) {
        (Some("root"), None, None) => Caller::Root,
        (Some("user"), Some(name), None) => Caller::User(name),
        // With a path before the name.
        (Some("user"), Some(_), Some(name)) => Caller::User(name),
        (Some("assumed-role"), Some(name), Some(_)) => Caller::Role(name),
        _ => Caller::Other,
    }
}

/// Warns of root and of whoever has `AdministratorAccess`, where the caller may look.
///
/// # Errors
/// [`crate::exit::Interrupted`].
pub(super) async fn privileges(session: &Session, aws: &Aws, arn: &str) -> anyhow::Result<Finding> {
    let (who, look) = match caller(arn) {
        Caller::Root => {
            let found =
                "the caller is the account's root user: nothing limits it, and its keys do not expire";
            let remedy = "use a role (IAM Identity Center), and delete root's access keys";
            return Ok(Finding::warned(CHECK, found, remedy));
        }
        Caller::Other => {
            return Ok(Finding::not_checked(CHECK, "policies are listed of users and roles alone", None));
        }
        Caller::User(name) => (Holder::User(name), format!("list-attached-user-policies --user-name {name}")),
        Caller::Role(name) => (Holder::Role(name), format!("list-attached-role-policies --role-name {name}")),
    };
    Ok(match session.cancel.unless_cancelled(attached(aws, who)).await? {
        Ok(policies) if policies.iter().any(|policy| policy.ends_with(ADMINISTRATOR)) => {
            let found = "AdministratorAccess is attached to the caller: whoever has its keys has the account";
            let remedy = "use a role that may do only what the stacks need, at least once they stand";
            Finding::warned(CHECK, found, remedy)
        }
        Ok(_) => Finding::ok(
            CHECK,
            "AdministratorAccess is not attached to the caller; other policies are not read",
        ),
        Err(error) => {
            let why = error.to_string().replace("\n  ", ", ");
            Finding::not_checked(CHECK, why, Some(format!("`aws iam {look}`")))
        }
    })
}

/// The policies of a user or a role; a user's groups count.
async fn attached(aws: &Aws, who: Holder<'_>) -> Result<Vec<String>, AwsError> {
    let mut policies = aws.attached_policies(who).await?;
    if let Holder::User(name) = who {
        for group in aws.groups_of(name).await? {
            policies.extend(aws.attached_policies(Holder::Group(&group)).await?);
        }
    }
    Ok(policies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_told_by_the_form_of_its_arn() {
        assert_eq!(caller("arn:aws:iam::123456789012:root"), Caller::Root);
        assert_eq!(caller("arn:aws:iam::123456789012:user/jo"), Caller::User("jo"));
        assert_eq!(caller("arn:aws-cn:iam::123456789012:user/a/b/jo"), Caller::User("jo"));
        assert_eq!(
            caller("arn:aws:sts::123456789012:assumed-role/Admin/jo@example.com"),
            Caller::Role("Admin")
        );
        assert_eq!(caller("arn:aws:sts::123456789012:federated-user/jo"), Caller::Other);
        assert_eq!(caller("arn:aws:iam::123456789012:user/root"), Caller::User("root"));
        assert_eq!(caller(""), Caller::Other);
    }
}
