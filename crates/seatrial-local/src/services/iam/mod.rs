//! Identity and Access Management: roles, their trust, their policies.

mod linked;
mod managed;
mod operations;
mod service_roles;
mod store;

pub(crate) use linked::ensure_linked_role;
pub(crate) use operations::*;

use crate::cloud::Cloud;
use crate::operation::Operations;

pub(crate) fn register(operations: &mut Operations) {
    operations.add::<CreateRole>();
    operations.add::<CreateServiceLinkedRole>();
    operations.add::<GetRole>();
    operations.add::<ListRoles>();
    operations.add::<DeleteRole>();
    operations.add::<UpdateAssumeRolePolicy>();
    operations.add::<UpdateRole>();
    operations.add::<PutRolePolicy>();
    operations.add::<GetRolePolicy>();
    operations.add::<DeleteRolePolicy>();
    operations.add::<ListRolePolicies>();
    operations.add::<AttachRolePolicy>();
    operations.add::<DetachRolePolicy>();
    operations.add::<ListAttachedRolePolicies>();
    operations.add::<PutRolePermissionsBoundary>();
    operations.add::<DeleteRolePermissionsBoundary>();
    operations.add::<CreatePolicy>();
    operations.add::<CreatePolicyVersion>();
    operations.add::<GetPolicy>();
    operations.add::<GetPolicyVersion>();
    operations.add::<ListPolicyVersions>();
    operations.add::<DeletePolicyVersion>();
    operations.add::<DeletePolicy>();
    operations.add::<TagRole>();
    operations.add::<UntagRole>();
    operations.add::<ListRoleTags>();
    operations.add::<GetUser>();
    operations.add::<ListAccountAliases>();
}

const NOTHING: &str = r#"{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}"#;

/// What a role has of policies.
pub(crate) struct RolePolicies {
    /// JSON by name, inline and managed; of a managed one that nobody knows there is none.
    pub identity: Vec<(String, String)>,
    pub boundary: Option<(String, String)>,
    /// JSON.
    pub trust: String,
}

/// The policies of a role; none of a role that does not exist.
pub(crate) fn policies_of(cloud: &Cloud, role_arn: &str) -> Option<RolePolicies> {
    let store = cloud.part::<store::RoleStore>();
    let role = store.by_arn(role_arn)?;
    let managed = role.attached.iter().filter_map(|arn| Some((arn.clone(), store.document(arn)?)));
    let identity = role.inline.clone().into_iter().chain(managed).collect();
    // A boundary that nobody knows lets nothing through.
    let boundary = role.boundary.map(|arn| {
        let document = store.document(&arn).unwrap_or_else(|| NOTHING.to_owned());
        (arn, document)
    });
    Some(RolePolicies { identity, boundary, trust: role.trust })
}

/// The tags of a role, or of a managed policy of the account.
pub(crate) fn tags_of(cloud: &Cloud, arn: &str) -> Option<Vec<(String, String)>> {
    let store = cloud.part::<store::RoleStore>();
    let role = store.by_arn(arn).map(|role| role.tags);
    let tags = role.or_else(|| store.policies.get(arn).map(|policy| policy.tags));
    Some(tags?.into_iter().collect())
}

/// The ARN of the permissions boundary that a role has.
pub(crate) fn boundary_of(cloud: &Cloud, role_arn: &str) -> Option<String> {
    cloud.part::<store::RoleStore>().by_arn(role_arn)?.boundary
}

/// The roles that are not service-linked: name and ARN of each.
pub(crate) fn roles(cloud: &Cloud) -> Vec<(String, String)> {
    let roles = cloud.part::<store::RoleStore>().roles.values().into_iter();
    let own = roles.filter(|role| !role.path.starts_with(service_roles::LINKED_PATH));
    own.map(|role| (role.name, role.arn)).collect()
}

/// Whether a role is one that AWS made for itself, with policies that nobody can change.
pub(crate) fn is_service_linked(cloud: &Cloud, role_arn: &str) -> bool {
    let role = cloud.part::<store::RoleStore>().by_arn(role_arn);
    role.is_some_and(|role| role.path.starts_with(service_roles::LINKED_PATH))
}

#[cfg(test)]
const EVERYTHING: &str = r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;

/// A role that everybody may assume and that may everything, for tests of engines.
#[cfg(test)]
pub(crate) fn add_trusting_role(cloud: &Cloud, name: &str) {
    let role = store::RoleRecord {
        name: name.to_owned(),
        path: "/".to_owned(),
        id: "AROA".to_owned(),
        arn: format!("arn:aws:iam::{}:role/{name}", cloud.account()),
        created: cloud.clock().now(),
        trust: r#"{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}}"#
            .to_owned(),
        description: None,
        max_session_duration: 3600,
        tags: Default::default(),
        inline: [("all".to_owned(), EVERYTHING.to_owned())].into(),
        attached: Vec::new(),
        boundary: None,
    };
    cloud.part::<store::RoleStore>().roles.put(name, &role).unwrap();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::services::sts;
    use crate::tests::{ACCOUNT, call, cloud_in};

    const TRUST: &str = r#"{"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "codebuild.amazonaws.com"}}}"#;

    fn project(name: &str) -> String {
        format!("arn:aws:codebuild:eu-central-1:{ACCOUNT}:project/{name}")
    }

    #[tokio::test]
    async fn a_service_that_acts_for_another_resource_or_account_is_not_let_in() {
        let conditions = [
            (r#""ArnLike": {"aws:SourceArn": "arn:aws:codebuild:eu-central-1:ACCOUNT:project/web"}"#, true),
            (
                r#""ArnLike": {"aws:SourceArn": "arn:aws:codebuild:eu-central-1:ACCOUNT:project/other"}"#,
                false,
            ),
            (r#""StringEquals": {"aws:SourceAccount": "ACCOUNT"}"#, true),
            (r#""StringEquals": {"aws:SourceAccount": "123456789012"}"#, false),
            (r#""StringLike": {"sts:RoleSessionName": "s*"}"#, true),
            (r#""StringEquals": {"sts:ExternalId": "x"}"#, false),
            // What a service does not say is not as it should be.
            (r#""Null": {"aws:SourceArn": "true"}"#, false),
        ];
        for (condition, is_let_in) in conditions {
            let dir = tempfile::tempdir().unwrap();
            let cloud = cloud_in(dir.path());
            let condition = condition.replace("ACCOUNT", ACCOUNT);
            let trust = format!(
                r#"{{"Statement": {{"Effect": "Allow", "Action": "sts:AssumeRole", "Condition": {{{condition}}},
                "Principal": {{"Service": "codebuild.amazonaws.com"}}}}}}"#
            );
            let role = json!({"RoleName": "build", "AssumeRolePolicyDocument": trust});
            call(&cloud, "iam:CreateRole", role).await.unwrap();

            let service = ("codebuild.amazonaws.com", Some(project("web")));
            let role = format!("arn:aws:iam::{ACCOUNT}:role/build");
            let assumed = sts::assume_role(&cloud, service, &role, "s").await;

            assert_eq!(assumed.is_ok(), is_let_in, "{condition}");
        }
    }

    #[tokio::test]
    async fn what_is_no_policy_is_refused_with_its_statement_and_the_rule() {
        let dir = tempfile::tempdir().unwrap();
        let cloud = cloud_in(dir.path());
        let role = json!({"RoleName": "build", "AssumeRolePolicyDocument": TRUST});
        call(&cloud, "iam:CreateRole", role).await.unwrap();
        let cases = [
            ("{", "This policy contains invalid Json"),
            (r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "bucket"}}"#, "statement 0"),
            (r#"{"Statement": {"Effect": "Perhaps", "Action": "*", "Resource": "*"}}"#, "Effect"),
            (
                r#"{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*"}}"#,
                "Principal",
            ),
        ];
        for (document, words) in cases {
            let put = json!({"RoleName": "build", "PolicyName": "p", "PolicyDocument": document});
            let refused = call(&cloud, "iam:PutRolePolicy", put).await.unwrap_err();
            assert_eq!(refused.code, "MalformedPolicyDocument", "{document}");
            assert!(refused.message.contains(words), "{}", refused.message);
        }
    }

    #[tokio::test]
    async fn only_a_role_that_exists_and_trusts_the_service_is_assumed() {
        let dir = tempfile::tempdir().unwrap();
        let cloud = cloud_in(dir.path());
        let arn = format!("arn:aws:iam::{ACCOUNT}:role/build");
        let missing = sts::assume_role(&cloud, ("codebuild.amazonaws.com", Some(project("web"))), &arn, "s")
            .await
            .err()
            .unwrap();
        let role = json!({"RoleName": "build", "AssumeRolePolicyDocument": TRUST});
        call(&cloud, "iam:CreateRole", role).await.unwrap();

        let assumed =
            sts::assume_role(&cloud, ("codebuild.amazonaws.com", Some(project("web"))), &arn, "s").await;
        let stranger = sts::assume_role(&cloud, ("ecs-tasks.amazonaws.com", Some(project("web"))), &arn, "s")
            .await
            .err()
            .unwrap();

        assert_eq!(assumed.map(|it| it.principal.role_arn).ok(), Some(Some(arn.clone())));
        assert_eq!(stranger.code, "AccessDenied");
        let words =
            "User: codebuild.amazonaws.com is not authorized to perform: sts:AssumeRole on resource: ";
        assert_eq!(missing.message, format!("{words}{arn}"));
    }

    #[tokio::test]
    async fn a_service_linked_role_is_made_once_and_is_nobodys_to_change() {
        let dir = tempfile::tempdir().unwrap();
        let cloud = cloud_in(dir.path());
        let make = json!({"AWSServiceName": "ecs.amazonaws.com"});

        let made = call(&cloud, "iam:CreateServiceLinkedRole", make.clone()).await.unwrap();
        let again = call(&cloud, "iam:CreateServiceLinkedRole", make.clone()).await.unwrap_err();
        let mut suffixed = make;
        suffixed["CustomSuffix"] = json!("x");
        let suffixed = call(&cloud, "iam:CreateServiceLinkedRole", suffixed).await.unwrap_err();
        let name = json!({"RoleName": "AWSServiceRoleForECS"});
        let deleted = call(&cloud, "iam:DeleteRole", name.clone()).await.unwrap_err();
        let mut attach = name;
        attach["PolicyArn"] = json!("arn:aws:iam::aws:policy/ReadOnlyAccess");
        let attached = call(&cloud, "iam:AttachRolePolicy", attach).await.unwrap_err();

        let arn =
            format!("arn:aws:iam::{ACCOUNT}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS");
        assert_eq!(made["Role"]["Arn"], arn);
        // As lgallard/terraform-aws-elasticsearch#59 and tf_aws_elasticsearch#23 quote AWS.
        assert_eq!((again.code.as_str(), again.status), ("InvalidInput", 400));
        let words = "Service role name AWSServiceRoleForECS has been taken in this account, please try a different suffix.";
        assert_eq!(again.message, words);
        assert_eq!(suffixed.message, "Custom suffix is not allowed for ecs.amazonaws.com");
        assert_eq!(
            (deleted.code.as_str(), attached.code.as_str()),
            ("UnmodifiableEntity", "UnmodifiableEntity")
        );
    }

    #[tokio::test]
    async fn a_role_is_deleted_only_after_its_policies() {
        let dir = tempfile::tempdir().unwrap();
        let cloud = cloud_in(dir.path());
        let role = json!({"RoleName": "build", "AssumeRolePolicyDocument": TRUST});
        call(&cloud, "iam:CreateRole", role).await.unwrap();
        let names = json!({"RoleName": "build", "PolicyName": "logs"});
        let mut put = names.clone();
        put["PolicyDocument"] =
            json!(r#"{"Statement": {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}}"#);
        call(&cloud, "iam:PutRolePolicy", put).await.unwrap();

        let refused = call(&cloud, "iam:DeleteRole", json!({"RoleName": "build"})).await.unwrap_err();
        call(&cloud, "iam:DeleteRolePolicy", names).await.unwrap();
        call(&cloud, "iam:DeleteRole", json!({"RoleName": "build"})).await.unwrap();

        assert_eq!(refused.code, "DeleteConflict");
        let gone = call(&cloud, "iam:GetRole", json!({"RoleName": "build"})).await.unwrap_err();
        assert_eq!((gone.code.as_str(), gone.status), ("NoSuchEntity", 404));
    }
}
