//! Keys of KMS: who may use one, by which policy, through which service.

use serde_json::{Value, json};

use super::{call_as, role, session};
use crate::Cloud;
use crate::principal::Principal;
use crate::tests::{ACCOUNT, call, cloud_in};

const ROLE: &str = "arn:aws:iam::000000000000:role/build";
const ALL_BUT_KEYS: &str = r#"{"Effect": "Allow", "NotAction": "kms:*", "Resource": "*"}"#;

async fn key(cloud: &Cloud, policy: Option<Value>) -> String {
    let input =
        json!({"Policy": policy.map(|policy| policy.to_string()), "BypassPolicyLockoutSafetyCheck": true});
    let made = call(cloud, "kms:CreateKey", input).await.unwrap();
    made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
}

fn statement(principal: Value, action: &str) -> Value {
    json!({"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"})
}

fn policy(statements: Value) -> Option<Value> {
    Some(json!({"Version": "2012-10-17", "Statement": statements}))
}

fn root() -> Value {
    statement(json!({"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}), "kms:*")
}

async fn may(cloud: &Cloud, statements: &str) {
    let document = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
    let input = json!({"RoleName": "build", "PolicyName": "inline", "PolicyDocument": document});
    call(cloud, "iam:PutRolePolicy", input).await.unwrap();
}

/// What is encrypted with the key, for calls on it.
async fn encrypted(cloud: &Cloud, key: &str) -> String {
    call(cloud, "s3:CreateBucket", json!({"Bucket": "store"})).await.unwrap();
    let default = json!({"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key});
    let rules = json!({"Rules": [{"ApplyServerSideEncryptionByDefault": default}]});
    let encryption = json!({"Bucket": "store", "ServerSideEncryptionConfiguration": rules});
    call(cloud, "s3:PutBucketEncryption", encryption).await.unwrap();
    call(cloud, "s3:PutObject", json!({"Bucket": "store", "Key": "k", "Body": "b25l"})).await.unwrap();
    let secret = json!({"Name": "db", "SecretString": "one", "KmsKeyId": key});
    call(cloud, "secretsmanager:CreateSecret", secret).await.unwrap();
    let parameter = json!({"Name": "/key", "Value": "v", "Type": "SecureString", "KeyId": key});
    call(cloud, "ssm:PutParameter", parameter).await.unwrap();
    let begun =
        call(cloud, "s3:CreateMultipartUpload", json!({"Bucket": "store", "Key": "m"})).await.unwrap();
    begun["UploadId"].as_str().unwrap().to_owned()
}

/// Operation, input, the actions on the key, and code and words of the refusal.
type Row = (&'static str, Value, &'static [&'static str], (&'static str, &'static str));

/// A call of each service that asks for a key; `NEW` stands for another name in each try.
fn calls(key: &str, upload: &str) -> Vec<Row> {
    let object = |members: Value| {
        let mut input = json!({"Bucket": "store", "Key": "k"});
        input.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        input
    };
    let part = json!({"Key": "m", "UploadId": upload, "PartNumber": 1, "Body": "b25l"});
    let copy = json!({"Key": "copy", "CopySource": "store/k"});
    let by_alias = json!({"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "alias/own", "Body": "b25l"});
    let secret = json!({"SecretId": "db", "SecretString": "two"});
    let new_secret = json!({"Name": "NEW", "SecretString": "one", "KmsKeyId": "alias/own"});
    let parameter =
        json!({"Name": "/key", "Value": "w", "Type": "SecureString", "KeyId": key, "Overwrite": true});
    let database = json!({"DBInstanceIdentifier": "db", "DBInstanceClass": "db.t4g.micro", "Engine": "mysql", "KmsKeyId": key});
    let repository =
        json!({"repositoryName": "NEW", "encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": key}});
    let both: &'static [&'static str] = &["kms:GenerateDataKey", "kms:Decrypt"];
    let ecr: &'static [&'static str] = &["kms:DescribeKey", "kms:CreateGrant", "kms:RetireGrant"];
    let denied = "is not authorized to perform: ACTION on resource: KEY";
    let not_accessible = "Specified KMS key [KEY] does not exist";
    vec![
        ("s3:PutObject", object(json!({"Body": "b25l"})), &["kms:GenerateDataKey"], ("AccessDenied", denied)),
        ("s3:PutObject", object(by_alias), &["kms:GenerateDataKey"], ("AccessDenied", denied)),
        ("s3:GetObject", object(json!({})), &["kms:Decrypt"], ("AccessDenied", denied)),
        ("s3:CreateMultipartUpload", object(json!({})), both, ("AccessDenied", denied)),
        ("s3:UploadPart", object(part), both, ("AccessDenied", denied)),
        (
            "s3:CompleteMultipartUpload",
            object(json!({"Key": "m", "UploadId": upload})),
            &["kms:Decrypt"],
            ("AccessDenied", denied),
        ),
        ("s3:CopyObject", object(copy), both, ("AccessDenied", denied)),
        (
            "secretsmanager:GetSecretValue",
            json!({"SecretId": "db"}),
            &["kms:Decrypt"],
            ("AccessDeniedException", "Access to KMS is not allowed"),
        ),
        (
            "secretsmanager:PutSecretValue",
            secret,
            both,
            ("AccessDeniedException", "Access to KMS is not allowed"),
        ),
        (
            "secretsmanager:CreateSecret",
            new_secret,
            both,
            ("AccessDeniedException", "Access to KMS is not allowed"),
        ),
        (
            "ssm:GetParameter",
            json!({"Name": "/key", "WithDecryption": true}),
            &["kms:Decrypt"],
            ("AccessDeniedException", denied),
        ),
        (
            "ssm:GetParameters",
            json!({"Names": ["/key"], "WithDecryption": true}),
            &["kms:Decrypt"],
            ("AccessDeniedException", denied),
        ),
        ("ssm:PutParameter", parameter, &["kms:Encrypt"], ("AccessDeniedException", denied)),
        (
            "rds:CreateDBInstance",
            database,
            &["kms:DescribeKey", "kms:CreateGrant"],
            ("KMSKeyNotAccessibleFault", not_accessible),
        ),
        ("ecr:CreateRepository", repository, ecr, ("AccessDeniedException", denied)),
    ]
}

/// Service by missing permission: without any one of them the call is refused, with all of them it is not, and not where
/// they are for another service.
#[tokio::test]
async fn a_call_needs_the_key_through_its_service_and_is_refused_without_any_one_permission() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let key = key(&cloud, None).await;
    call(&cloud, "kms:CreateAlias", json!({"AliasName": "alias/own", "TargetKeyId": key})).await.unwrap();
    let upload = encrypted(&cloud, &key).await;
    let role = role(&cloud, ALL_BUT_KEYS).await;
    let session = session(&cloud, &role).await;
    let name = || format!("n{}", crate::id::hex(8));
    for (operation, input, actions, (code, words)) in calls(&key, &upload) {
        let service = operation.split(':').next().unwrap();
        let allow = |actions: &[&str], service: &str| {
            let condition =
                json!({"StringEquals": {"kms:ViaService": format!("{service}.eu-central-1.amazonaws.com")}});
            let allow =
                json!({"Effect": "Allow", "Action": actions, "Resource": key, "Condition": condition});
            if actions.is_empty() { ALL_BUT_KEYS.to_owned() } else { format!("{ALL_BUT_KEYS}, {allow}") }
        };
        let input = || {
            let text = input.to_string().replace("NEW", &name());
            serde_json::from_str::<Value>(&text).unwrap()
        };
        may(&cloud, &allow(actions, service)).await;
        if let Err(error) = call_as(&cloud, &session, operation, input()).await {
            let other = ["InvalidRequest", "InvalidParameterValue"];
            assert!(other.contains(&error.code.as_str()), "{operation}: {error}");
        }
        let elsewhere = (actions[0], allow(actions, "lambda"));
        let without = |action: &&str| {
            let rest: Vec<&str> = actions.iter().filter(|one| *one != action).copied().collect();
            allow(&rest, service)
        };
        let tries = actions.iter().map(|action| (*action, without(action)));
        for (action, statements) in tries.chain([elsewhere]) {
            may(&cloud, &statements).await;
            let error = call_as(&cloud, &session, operation, input()).await.unwrap_err();
            let words = words.replace("ACTION", action).replace("KEY", &key);
            assert_eq!(error.code, code, "{operation} without {action}: {error}");
            assert!(error.message.contains(&words), "{operation} without {action}: {error}");
            let entry = cloud.journal().entries().into_iter().last().unwrap();
            assert_eq!(
                (entry.allowed, entry.denied.unwrap().action.as_str()),
                (false, action),
                "{operation}"
            );
        }
    }
}

async fn encrypt(cloud: &Cloud, who: &Principal, key: &str) -> Result<Value, crate::error::ServiceError> {
    let input = json!({"KeyId": key, "Plaintext": "b25l", "EncryptionContext": {"app": "web"}});
    call_as(cloud, who, "kms:Encrypt", input).await
}

#[tokio::test]
async fn a_keys_policy_decides_whose_policies_count() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let role = role(&cloud, r#"{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}"#).await;
    let session = session(&cloud, &role).await;
    let operator = Principal::operator(ACCOUNT);
    let with = |condition: Value| {
        let mut statement = statement(json!({"AWS": ROLE}), "kms:Encrypt");
        statement["Condition"] = condition;
        policy(json!([statement]))
    };
    let equals = |key: &str, value: Value| with(json!({"StringEquals": {key: value}}));
    // Policy, whether the role's own policy lets it, whether the role and the operator may.
    let rows = [
        (None, true, (true, true)),
        (None, false, (false, true)),
        // Without the account nobody's own policy counts.
        (policy(json!([statement(json!({"AWS": ROLE}), "kms:Encrypt")])), false, (true, false)),
        (policy(json!([statement(json!({"AWS": ROLE}), "kms:Decrypt")])), true, (false, false)),
        (equals("kms:CallerAccount", json!(ACCOUNT)), false, (true, false)),
        (equals("kms:CallerAccount", json!("111122223333")), false, (false, false)),
        (equals("kms:EncryptionContext:app", json!("web")), false, (true, false)),
        (equals("kms:EncryptionContext:app", json!("shop")), false, (false, false)),
        (
            with(json!({"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["app"]}})),
            false,
            (true, false),
        ),
        // Nobody asks through a service.
        (equals("kms:ViaService", json!("s3.eu-central-1.amazonaws.com")), false, (false, false)),
    ];
    for (index, (policy, has_own, expected)) in rows.into_iter().enumerate() {
        let key = key(&cloud, policy).await;
        let action = if has_own { "kms:*" } else { "s3:*" };
        may(&cloud, &json!({"Effect": "Allow", "Action": action, "Resource": "*"}).to_string()).await;
        let (of_role, of_operator) =
            (encrypt(&cloud, &session, &key).await, encrypt(&cloud, &operator, &key).await);
        assert_eq!(
            (of_role.is_ok(), of_operator.is_ok()),
            expected,
            "row {index}: {of_role:?} {of_operator:?}"
        );
    }
    let of_nobody = key(&cloud, policy(json!([statement(json!({"AWS": ROLE}), "kms:Decrypt")]))).await;
    let denied = encrypt(&cloud, &operator, &of_nobody).await.unwrap_err();
    assert!(
        denied.message.ends_with("because no resource-based policy allows the kms:Encrypt action"),
        "{denied}"
    );
}

#[tokio::test]
async fn a_grant_lets_in_whom_no_policy_does_and_no_longer_than_it_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let role = role(&cloud, ALL_BUT_KEYS).await;
    let session = session(&cloud, &role).await;
    let key = key(&cloud, None).await;
    let subset = |app: &str| json!({"EncryptionContextSubset": {"app": app}});
    let grant = |constraints: Value| json!({"KeyId": key, "GranteePrincipal": ROLE, "Operations": ["Encrypt"], "Constraints": constraints});

    assert!(encrypt(&cloud, &session, &key).await.is_err());
    call(&cloud, "kms:CreateGrant", grant(subset("shop"))).await.unwrap();
    assert!(encrypt(&cloud, &session, &key).await.is_err());
    let granted = call(&cloud, "kms:CreateGrant", grant(subset("web"))).await.unwrap();
    encrypt(&cloud, &session, &key).await.unwrap();
    let deny = r#"{"Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*"}"#;
    may(&cloud, deny).await;
    assert!(encrypt(&cloud, &session, &key).await.is_err());
    may(&cloud, ALL_BUT_KEYS).await;
    let listed = call(&cloud, "kms:ListGrants", json!({"KeyId": key})).await.unwrap();
    assert_eq!(listed["Grants"].as_array().unwrap().len(), 2);
    let revoke = json!({"KeyId": key, "GrantId": granted["GrantId"]});
    call(&cloud, "kms:RevokeGrant", revoke).await.unwrap();
    assert!(encrypt(&cloud, &session, &key).await.is_err());
}

#[tokio::test]
async fn a_secret_is_decrypted_by_its_arn_alone() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let key = key(&cloud, None).await;
    let mut arns = Vec::new();
    for name in ["one", "two"] {
        let secret = json!({"Name": name, "SecretString": "s", "KmsKeyId": key});
        let made = call(&cloud, "secretsmanager:CreateSecret", secret).await.unwrap();
        arns.push(made["ARN"].as_str().unwrap().to_owned());
    }
    for name in ["/one", "/two"] {
        let parameter = json!({"Name": name, "Value": "v", "Type": "SecureString", "KeyId": key});
        call(&cloud, "ssm:PutParameter", parameter).await.unwrap();
    }
    let context = json!({
        "kms:EncryptionContext:SecretARN": arns[0],
        "kms:EncryptionContext:PARAMETER_ARN": format!("arn:aws:ssm:eu-central-1:{ACCOUNT}:parameter/one"),
    });
    let allow = |key_name: &str| {
        let condition = json!({"StringEquals": {key_name: context[key_name]}});
        json!({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", "Condition": condition})
    };
    let names = ["kms:EncryptionContext:SecretARN", "kms:EncryptionContext:PARAMETER_ARN"];
    let statements = format!("{ALL_BUT_KEYS}, {}, {}", allow(names[0]), allow(names[1]));
    let role = role(&cloud, &statements).await;
    let session = session(&cloud, &role).await;

    let secret = |name: &str| ("secretsmanager:GetSecretValue", json!({"SecretId": name}));
    let parameters = |names: Value| ("ssm:GetParameters", json!({"Names": names, "WithDecryption": true}));
    for ((operation, input), is_allowed) in [
        (secret("one"), true),
        (secret("two"), false),
        (parameters(json!(["/one"])), true),
        (parameters(json!(["/one", "/two"])), false),
    ] {
        let found = call_as(&cloud, &session, operation, input.clone()).await;
        assert_eq!(found.is_ok(), is_allowed, "{operation} {input}: {found:?}");
    }
}

#[tokio::test]
async fn a_log_group_has_a_key_whose_policy_lets_its_service_use_it_for_that_group() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let logs = |group: &str| {
        let mut statement = statement(json!({"Service": "logs.eu-central-1.amazonaws.com"}), "kms:*");
        let arn = format!("arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:{group}");
        statement["Condition"] = json!({"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": arn}});
        policy(json!([root(), statement]))
    };
    let not_allowed = format!(
        "AccessDeniedException: The specified KMS key does not exist or is not allowed to be used with Arn \
         'arn:aws:logs:eu-central-1:{ACCOUNT}:log-group:app'"
    );
    let missing = "InvalidParameterException: The specified KMS Key Id could not be found.".to_owned();
    let allowed = key(&cloud, logs("app")).await;
    let other = key(&cloud, logs("web")).await;
    let usual = key(&cloud, None).await;
    let disabled = key(&cloud, logs("app")).await;
    call(&cloud, "kms:DisableKey", json!({"KeyId": disabled})).await.unwrap();
    let none = allowed.replace(allowed.rsplit('/').next().unwrap(), "134f2428-cec1-4b25-a1ae-9048164dba47");
    for (key, expected) in [
        (&other, &not_allowed),
        (&usual, &not_allowed),
        (&disabled, &missing),
        (&none, &missing),
        (&allowed, &String::new()),
    ] {
        let made = call(&cloud, "logs:CreateLogGroup", json!({"logGroupName": "app", "kmsKeyId": key})).await;
        let made = made.map_or_else(|error| error.to_string(), |_| String::new());
        assert_eq!(made, *expected, "{key}");
    }
    let change = json!({"logGroupName": "app", "kmsKeyId": usual});
    let refused = call(&cloud, "logs:AssociateKmsKey", change).await.unwrap_err();
    assert_eq!(refused.to_string(), not_allowed);
    call(&cloud, "logs:DisassociateKmsKey", json!({"logGroupName": "app"})).await.unwrap();
    let groups = call(&cloud, "logs:DescribeLogGroups", json!({})).await.unwrap();
    assert!(groups["logGroups"][0]["kmsKeyId"].is_null(), "{groups}");
}
