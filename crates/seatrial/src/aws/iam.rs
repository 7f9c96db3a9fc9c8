//! IAM: the roles by which services act for the account, one a service, and what is attached to who calls.

use super::Aws;
use super::error::AwsError;
use seatrial_query::{Place, Protocol, Service, elements, form};

const IAM: Service = Service {
    name: "IAM",
    signing_name: "iam",
    protocol: Protocol::Query { version: "2010-05-08" },
    place: Place::Iam,
};

/// Whose policies are asked for, by name.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Holder<'a> {
    User(&'a str),
    Group(&'a str),
    Role(&'a str),
}

impl Aws {
    /// The ARNs of the managed policies that are attached: 100 at most, where IAM allows 20 ("IAM and AWS STS quotas").
    pub(crate) async fn attached_policies(&self, holder: Holder<'_>) -> Result<Vec<String>, AwsError> {
        let (operation, key, name) = match holder {
            Holder::User(name) => ("ListAttachedUserPolicies", "UserName", name),
            Holder::Group(name) => ("ListAttachedGroupPolicies", "GroupName", name),
            Holder::Role(name) => ("ListAttachedRolePolicies", "RoleName", name),
        };
        let attempt = || format!("list the policies that are attached to `{name}`");
        let answer = self.call_rarely(&IAM, (operation, form(&[(key, name)])), attempt).await?;
        Ok(members(&answer, "PolicyArn"))
    }

    /// The names of the groups that a user is in: 10 at most ("IAM and AWS STS quotas").
    pub(crate) async fn groups_of(&self, user: &str) -> Result<Vec<String>, AwsError> {
        let attempt = || format!("list the groups of user `{user}`");
        let input = form(&[("UserName", user)]);
        let answer = self.call_rarely(&IAM, ("ListGroupsForUser", input), attempt).await?;
        Ok(members(&answer, "GroupName"))
    }

    /// Makes the service-linked role of a service, such as `ecs.amazonaws.com`; false where it is there already. IAM has
    /// no code of its own for that: the message says so (terraform-aws-hasura#17 and many others).
    pub(crate) async fn create_service_linked_role(&self, service: &str) -> Result<bool, AwsError> {
        let input = form(&[("AWSServiceName", service)]);
        let attempt = || format!("create the service-linked role of `{service}`");
        match self.call_rarely(&IAM, ("CreateServiceLinkedRole", input), attempt).await {
            Err(error) if error.is("InvalidInput") && error.reason.contains("has been taken") => Ok(false),
            answer => answer.map(|_| true),
        }
    }

    /// Whether a role is there.
    pub(crate) async fn role_exists(&self, name: &str) -> Result<bool, AwsError> {
        let input = form(&[("RoleName", name)]);
        match self.call_rarely(&IAM, ("GetRole", input), || format!("get role `{name}`")).await {
            Err(error) if error.is("NoSuchEntity") => Ok(false),
            answer => answer.map(|answer| !elements(&answer, "Role").is_empty()),
        }
    }
}

/// One value of each item of the list in an answer.
fn members(answer: &str, key: &str) -> Vec<String> {
    let items = elements(answer, "member").into_iter().flatten();
    items.filter(|(name, _)| name == key).map(|(_, value)| value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer of IAM's reference page for ListAttachedUserPolicies.
    #[test]
    fn each_policy_of_a_list_is_read() {
        let answer = "<ListAttachedUserPoliciesResponse><ListAttachedUserPoliciesResult><AttachedPolicies>
            <member><PolicyName>AdministratorAccess</PolicyName>
            <PolicyArn>arn:aws:iam::aws:policy/AdministratorAccess</PolicyArn></member>
            <member><PolicyName>Other</PolicyName><PolicyArn>arn:aws:iam::1:policy/Other</PolicyArn></member>
            </AttachedPolicies><IsTruncated>false</IsTruncated></ListAttachedUserPoliciesResult>
            </ListAttachedUserPoliciesResponse>";
        let expected = ["arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::1:policy/Other"];
        assert_eq!(members(answer, "PolicyArn"), expected);
        assert!(members("", "PolicyArn").is_empty());
    }
}
