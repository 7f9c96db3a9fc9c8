//! Policies of secrets and repositories, tags of what is acted on, and permissions boundaries.

use serde_json::{Value, json};

use super::{call_as, role, session};
use crate::Cloud;
use crate::tests::{ACCOUNT, call, cloud_in};

const ROLE: &str = "arn:aws:iam::000000000000:role/build";

fn statement(effect: &str, principal: &Value, action: &str) -> Value {
    json!({"Effect": effect, "Principal": principal, "Action": action})
}

async fn secret(cloud: &Cloud) -> String {
    let input = json!({"Name": "db", "SecretString": "one", "Tags": [{"Key": "team", "Value": "blue"}]});
    let made = call(cloud, "secretsmanager:CreateSecret", input).await.unwrap();
    made["ARN"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_secret_lets_in_whom_its_policy_names_and_keeps_out_whom_it_denies() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let role = role(&cloud, r#"{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}"#).await;
    let (session, arn) = (session(&cloud, &role).await, secret(&cloud).await);
    let read = || json!({"SecretId": "db"});
    let put = |mut statement: Value| {
        statement["Resource"] = json!("*");
        json!({"SecretId": "db", "ResourcePolicy": json!({"Statement": [statement]}).to_string()})
    };
    let get = "secretsmanager:GetSecretValue";
    call_as(&cloud, &session, get, read()).await.unwrap_err();

    // Within an account the secret's own policy is enough for the role that it names.
    let policy = put(statement("Allow", &json!({"AWS": ROLE}), get));
    let put_policy = "secretsmanager:PutResourcePolicy";
    let answer = call(&cloud, put_policy, policy).await.unwrap();
    assert_eq!(answer, json!({"ARN": arn, "Name": "db"}));
    call_as(&cloud, &session, get, read()).await.unwrap();
    call(&cloud, put_policy, put(statement("Deny", &json!("*"), get))).await.unwrap();
    let denied = call(&cloud, get, read()).await.unwrap_err();
    assert!(denied.message.ends_with("with an explicit deny in a resource-based policy"), "{denied}");

    let shown = call(&cloud, "secretsmanager:GetResourcePolicy", read()).await.unwrap();
    assert!(shown["ResourcePolicy"].as_str().unwrap().contains("Deny"));
    call(&cloud, "secretsmanager:DeleteResourcePolicy", read()).await.unwrap();
    call(&cloud, get, read()).await.unwrap();
    let shown = call(&cloud, "secretsmanager:GetResourcePolicy", read()).await.unwrap();
    assert_eq!(shown, json!({"ARN": arn, "Name": "db"}));
}

#[tokio::test]
async fn what_is_no_policy_of_a_secret_or_lets_everybody_in_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    secret(&cloud).await;
    let everybody = statement("Allow", &json!({"AWS": "*"}), "secretsmanager:GetSecretValue");
    let mut whole = everybody.clone();
    whole["Resource"] = json!("*");
    let put = async |statement: &Value, blocks: bool| {
        let policy = json!({ "Statement": statement }).to_string();
        let input = json!({"SecretId": "db", "ResourcePolicy": policy, "BlockPublicPolicy": blocks});
        call(&cloud, "secretsmanager:PutResourcePolicy", input).await.err().map(|refused| refused.code)
    };

    assert_eq!(put(&everybody, false).await.as_deref(), Some("MalformedPolicyDocumentException"));
    assert_eq!(put(&whole, true).await.as_deref(), Some("PublicPolicyException"));
    assert_eq!(put(&whole, false).await, None);
    whole["Condition"] = json!({"StringEquals": {"aws:PrincipalAccount": ACCOUNT}});
    assert_eq!(put(&whole, true).await, None);
}

#[tokio::test]
async fn a_repository_lets_in_whom_its_policy_names_and_names_no_resource_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let role = role(&cloud, r#"{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}"#).await;
    let session = session(&cloud, &role).await;
    call(&cloud, "ecr:CreateRepository", json!({"repositoryName": "web"})).await.unwrap();
    let list = || json!({"repositoryName": "web"});
    let set = |statement: &Value| json!({"repositoryName": "web", "policyText": json!({"Statement": [statement]}).to_string()});
    let mut allowing = statement("Allow", &json!({"AWS": ROLE}), "ecr:ListImages");
    call_as(&cloud, &session, "ecr:ListImages", list()).await.unwrap_err();
    let missing = call(&cloud, "ecr:GetRepositoryPolicy", list()).await.unwrap_err();
    assert_eq!(missing.code, "RepositoryPolicyNotFoundException");

    call(&cloud, "ecr:SetRepositoryPolicy", set(&allowing)).await.unwrap();
    call_as(&cloud, &session, "ecr:ListImages", list()).await.unwrap();
    let shown = call(&cloud, "ecr:GetRepositoryPolicy", list()).await.unwrap();
    assert!(shown["policyText"].as_str().unwrap().contains("ecr:ListImages"));
    allowing["Resource"] = json!("*");
    let refused = call(&cloud, "ecr:SetRepositoryPolicy", set(&allowing)).await.unwrap_err();
    assert_eq!(
        refused.message,
        "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'"
    );
    call(&cloud, "ecr:DeleteRepositoryPolicy", list()).await.unwrap();
    call_as(&cloud, &session, "ecr:ListImages", list()).await.unwrap_err();
}

#[tokio::test]
async fn a_condition_on_tags_is_judged_by_what_the_resource_has() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let on = |key: &str| {
        format!(
            r#"{{"Effect": "Allow", "Action": ["secretsmanager:*", "ecs:*", "logs:*"], "Resource": "*",
            "Condition": {{"StringEquals": {{"{key}/team": "blue"}}}}}}"#
        )
    };
    let role = role(&cloud, &on("aws:ResourceTag")).await;
    secret(&cloud).await;
    let service = json!({"AWSServiceName": "ecs.amazonaws.com"});
    call(&cloud, "iam:CreateServiceLinkedRole", service).await.unwrap();
    let tags = json!([{"key": "team", "value": "blue"}]);
    call(&cloud, "ecs:CreateCluster", json!({"clusterName": "blue", "tags": tags})).await.unwrap();
    call(&cloud, "ecs:CreateCluster", json!({"clusterName": "green"})).await.unwrap();
    call(&cloud, "logs:CreateLogGroup", json!({"logGroupName": "one", "tags": {"team": "blue"}}))
        .await
        .unwrap();
    let session = session(&cloud, &role).await;
    let cluster = |name: &str| json!({"cluster": name});

    let secret = json!({"SecretId": "db"});
    call_as(&cloud, &session, "secretsmanager:GetSecretValue", secret.clone()).await.unwrap();
    call_as(&cloud, &session, "ecs:DeleteCluster", cluster("blue")).await.unwrap();
    call_as(&cloud, &session, "ecs:DeleteCluster", cluster("green")).await.unwrap_err();
    call_as(&cloud, &session, "logs:DeleteLogGroup", json!({"logGroupName": "one"})).await.unwrap();
    let untag = json!({"SecretId": "db", "TagKeys": ["team"]});
    call(&cloud, "secretsmanager:UntagResource", untag).await.unwrap();
    call_as(&cloud, &session, "secretsmanager:GetSecretValue", secret).await.unwrap_err();

    // A service's own key says the same.
    let policy = format!(r#"{{"Statement": {}}}"#, on("ecs:ResourceTag"));
    let put = json!({"RoleName": "build", "PolicyName": "inline", "PolicyDocument": policy});
    call(&cloud, "iam:PutRolePolicy", put).await.unwrap();
    call(&cloud, "ecs:CreateCluster", json!({"clusterName": "blue", "tags": tags})).await.unwrap();
    call_as(&cloud, &session, "ecs:DeleteCluster", cluster("blue")).await.unwrap();
}

async fn policy(cloud: &Cloud, action: &str) -> String {
    let document = json!({"Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}}).to_string();
    let input = json!({"PolicyName": "limit", "PolicyDocument": document});
    let made = call(cloud, "iam:CreatePolicy", input).await.unwrap();
    made["Policy"]["Arn"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_role_may_no_more_than_its_permissions_boundary() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let role = role(&cloud, r#"{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}"#).await;
    let session = session(&cloud, &role).await;
    let boundary = policy(&cloud, "logs:Describe*").await;
    let bound = |arn: &str| json!({"RoleName": "build", "PermissionsBoundary": arn});
    let group = |name: &str| json!({"logGroupName": name});

    call(&cloud, "iam:PutRolePermissionsBoundary", bound(&boundary)).await.unwrap();
    call_as(&cloud, &session, "logs:DescribeLogGroups", json!({})).await.unwrap();
    let denied = call_as(&cloud, &session, "logs:CreateLogGroup", group("one")).await.unwrap_err();
    assert!(
        denied.message.ends_with("because no permissions boundary allows the logs:CreateLogGroup action"),
        "{denied}"
    );
    let shown = call(&cloud, "iam:GetRole", json!({"RoleName": "build"})).await.unwrap();
    assert_eq!(shown["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"], boundary);
    let in_use = call(&cloud, "iam:DeletePolicy", json!({"PolicyArn": boundary})).await.unwrap_err();
    assert_eq!(in_use.code, "DeleteConflict");

    let version = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}).to_string();
    let version = json!({"PolicyArn": boundary, "PolicyDocument": version, "SetAsDefault": true});
    call(&cloud, "iam:CreatePolicyVersion", version).await.unwrap();
    call_as(&cloud, &session, "logs:CreateLogGroup", group("one")).await.unwrap();
    // Of a policy of AWS that nobody here knows nothing comes through.
    let unknown = bound("arn:aws:iam::aws:policy/PowerUserAccess");
    call(&cloud, "iam:PutRolePermissionsBoundary", unknown).await.unwrap();
    call_as(&cloud, &session, "logs:CreateLogGroup", group("two")).await.unwrap_err();
    call(&cloud, "iam:DeleteRolePermissionsBoundary", json!({"RoleName": "build"})).await.unwrap();
    call_as(&cloud, &session, "logs:CreateLogGroup", group("two")).await.unwrap();
    let missing = format!("arn:aws:iam::{ACCOUNT}:policy/none");
    let missing = call(&cloud, "iam:PutRolePermissionsBoundary", bound(&missing)).await.unwrap_err();
    assert_eq!((missing.code.as_str(), missing.status), ("NoSuchEntity", 404));
}

#[tokio::test]
async fn whoever_may_change_only_roles_of_a_boundary_is_held_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let limit = format!("arn:aws:iam::{ACCOUNT}:policy/limit");
    let role = role(
        &cloud,
        &format!(
            r#"{{"Effect": "Allow", "Action": ["iam:CreateRole", "iam:PutRolePolicy"], "Resource": "*",
            "Condition": {{"StringEquals": {{"iam:PermissionsBoundary": "{limit}"}}}}}}"#
        ),
    )
    .await;
    policy(&cloud, "logs:*").await;
    let session = session(&cloud, &role).await;
    let trust = json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"}});
    let create = |name: &str, boundary: &Value| json!({"RoleName": name, "AssumeRolePolicyDocument": trust.to_string(), "PermissionsBoundary": boundary});
    let document = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}).to_string();
    let put = |role: &str| json!({"RoleName": role, "PolicyName": "p", "PolicyDocument": document});

    call_as(&cloud, &session, "iam:CreateRole", create("free", &Value::Null)).await.unwrap_err();
    call_as(&cloud, &session, "iam:CreateRole", create("bound", &json!(limit))).await.unwrap();
    call_as(&cloud, &session, "iam:PutRolePolicy", put("bound")).await.unwrap();
    call_as(&cloud, &session, "iam:PutRolePolicy", put("build")).await.unwrap_err();
}
