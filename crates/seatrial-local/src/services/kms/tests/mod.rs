//! What KMS answers: as it was recorded on AWS, by state, with and without the encryption context.
//!
//! Recordings are LocalStack's snapshots of its tests, which were validated on AWS (localstack/localstack,
//! tests/aws/services/kms/test_kms.snapshot.json, Apache-2.0).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::Cloud;
use crate::tests::{ACCOUNT, call, cloud_in};

async fn new_key(cloud: &Cloud) -> (String, String) {
    let made = call(cloud, "kms:CreateKey", json!({})).await.unwrap();
    let text = |member: &str| made["KeyMetadata"][member].as_str().unwrap().to_owned();
    (text("KeyId"), text("Arn"))
}

async fn sealed(cloud: &Cloud, key: &str, context: Value) -> Value {
    let input =
        json!({"KeyId": key, "Plaintext": BASE64_STANDARD.encode("hunter2"), "EncryptionContext": context});
    call(cloud, "kms:Encrypt", input).await.unwrap()["CiphertextBlob"].clone()
}

/// Recording, operation with input, code and words that AWS answered.
type Row<'a> = (&'a str, (&'a str, Value), &'a str, String);

async fn compare(cloud: &Cloud, rows: Vec<Row<'_>>) {
    let mut different = Vec::new();
    for (recording, (operation, input), code, words) in rows {
        match call(cloud, operation, input).await {
            Err(error) if (error.code.as_str(), &error.message) == (code, &words) => {}
            found => different.push(format!("{recording}: {found:?}, on AWS {code}: {words}")),
        }
    }
    assert!(different.is_empty(), "{different:#?}");
}

#[tokio::test]
async fn what_is_wrong_is_refused_as_it_was_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let (key, _) = new_key(&cloud).await;
    let (other, _) = new_key(&cloud).await;
    let blob = sealed(&cloud, &key, json!({"app": "web"})).await;
    let uuid = "134f2428-cec1-4b25-a1ae-9048164dba47";
    let mrk = "mrk-d3b95762d3b95762d3b95762d3b95762";
    let arn = |region: &str, id: &str| format!("arn:aws:kms:{region}:{ACCOUNT}:key/{id}");
    let here = |id: &str| arn("eu-central-1", id);
    let missing = |id: &str| format!("Key '{}' does not exist", here(id));
    let describe = |id: &str| ("kms:DescribeKey", json!({"KeyId": id}));
    let (none, invalid) = ("NotFoundException", "ValidationException");
    let rows = vec![
        ("test_get_key_does_not_exist", describe(uuid), none, missing(uuid)),
        ("test_get_key_does_not_exist", describe(&here(uuid)), none, missing(uuid)),
        ("test_get_key_does_not_exist", describe(mrk), none, missing(mrk)),
        ("test_get_key_invalid_uuid", describe("fake-key-id"), none, "Invalid keyId 'fake-key-id'".into()),
        (
            "test_get_key_invalid_uuid",
            describe("134f2428cec14b25a1ae9048164dba47"),
            none,
            "Invalid keyId '134f2428cec14b25a1ae9048164dba47'".into(),
        ),
        (
            "test_get_key_invalid_uuid",
            describe("mrk-fake-key-id"),
            none,
            "Invalid keyId 'mrk-fake-key-id'".into(),
        ),
        (
            "test_get_key_in_different_region",
            describe(&arn("ap-southeast-1", &key)),
            none,
            "Invalid arn ap-southeast-1".into(),
        ),
        (
            "test_create_alias",
            ("kms:CreateAlias", json!({"AliasName": "app", "TargetKeyId": key})),
            invalid,
            "Alias must start with the prefix \"alias/\". Please see \
             https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
                .into(),
        ),
        (
            "test_plaintext_size_for_encrypt",
            ("kms:Encrypt", json!({"KeyId": key, "Plaintext": BASE64_STANDARD.encode([0; 4097])})),
            invalid,
            "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length \
             less than or equal to 4096"
                .into(),
        ),
        (
            "test_error_messaging_for_invalid_keys",
            ("kms:Decrypt", json!({"KeyId": other, "CiphertextBlob": blob, "EncryptionContext": {"app": "web"}})),
            "IncorrectKeyException",
            "The key ID in the request does not identify a CMK that can perform this operation.".into(),
        ),
    ];
    compare(&cloud, rows).await;
}

#[tokio::test]
async fn what_has_another_context_is_no_ciphertext_as_it_was_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let (key, _) = new_key(&cloud).await;
    let blob = sealed(&cloud, &key, json!({"app": "web"})).await;
    let data_key = async |operation: &str| {
        let input = json!({"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": {"app": "web"}});
        call(&cloud, operation, input).await.unwrap()["CiphertextBlob"].clone()
    };
    let generated = data_key("kms:GenerateDataKey").await;
    let without_plaintext = data_key("kms:GenerateDataKeyWithoutPlaintext").await;
    let row = |recording: &'static str, blob: &Value| {
        (
            recording,
            ("kms:Decrypt", json!({"CiphertextBlob": blob})),
            "InvalidCiphertextException",
            String::new(),
        )
    };
    let rows = vec![
        row("test_encrypt_decrypt_encryption_context", &blob),
        row("test_encryption_context_generate_data_key", &generated),
        row("test_encryption_context_generate_data_key_without_plaintext", &without_plaintext),
    ];
    compare(&cloud, rows).await;
}

/// Recorded: `test_create_key`, `test_non_multi_region_keys_should_not_have_multi_region_properties`,
/// `test_generate_data_key`, `test_generate_data_key_without_plaintext`.
#[tokio::test]
async fn answers_have_the_members_that_were_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let made = call(&cloud, "kms:CreateKey", json!({"Description": "test key 123"})).await.unwrap();
    let (id, arn) = (&made["KeyMetadata"]["KeyId"], &made["KeyMetadata"]["Arn"]);
    let mut shown =
        call(&cloud, "kms:DescribeKey", json!({"KeyId": id})).await.unwrap()["KeyMetadata"].take();
    shown.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    shown.as_object_mut().unwrap().remove("CreationDate").unwrap();

    assert_eq!(
        shown,
        json!({
            "AWSAccountId": ACCOUNT, "Arn": format!("arn:aws:kms:eu-central-1:{ACCOUNT}:key/{}", id.as_str().unwrap()),
            "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT", "Description": "test key 123", "Enabled": true,
            "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"], "KeyId": id, "KeyManager": "CUSTOMER",
            "KeySpec": "SYMMETRIC_DEFAULT", "KeyState": "Enabled", "KeyUsage": "ENCRYPT_DECRYPT", "MultiRegion": false,
            "Origin": "AWS_KMS",
        })
    );
    for (operation, members) in [
        ("kms:GenerateDataKey", vec!["CiphertextBlob", "KeyId", "Plaintext"]),
        ("kms:GenerateDataKeyWithoutPlaintext", vec!["CiphertextBlob", "KeyId"]),
    ] {
        let answer = call(&cloud, operation, json!({"KeyId": id, "KeySpec": "AES_256"})).await.unwrap();
        let mut found: Vec<_> = answer.as_object().unwrap().keys().collect();
        found.sort();
        assert_eq!(found, members);
        assert_eq!(&answer["KeyId"], arn);
    }
}

/// The developer guide's table, "Key states of AWS KMS keys": what each operation answers of an enabled key, a disabled one, and
/// one that waits for its deletion; no code: it is done.
#[tokio::test]
async fn what_may_be_done_with_a_key_depends_on_its_state() {
    const DONE: &str = "";
    const DISABLED: &str = "DisabledException: KEY is disabled.";
    const PENDING: &str = "KMSInvalidStateException: KEY is pending deletion.";
    const NOT_PENDING: &str = "KMSInvalidStateException: KEY is not pending deletion.";
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let only_key = |_: &str, _: &Value| json!({});
    type Input = fn(&str, &Value) -> Value;
    let grant: Input = |_, _| json!({"GranteePrincipal": "arn:aws:iam::1:role/r", "Operations": ["Decrypt"]});
    let rows: Vec<(&str, Input, [&str; 3])> = vec![
        ("CancelKeyDeletion", only_key, [NOT_PENDING, NOT_PENDING, DONE]),
        (
            "CreateAlias",
            |key, _| json!({"AliasName": format!("alias/{}", crate::id::hex(8)), "TargetKeyId": key}),
            [DONE, DONE, PENDING],
        ),
        ("CreateGrant", grant, [DONE, DISABLED, PENDING]),
        ("Decrypt", |_, blob| json!({"CiphertextBlob": blob}), [DONE, DISABLED, PENDING]),
        ("DescribeKey", only_key, [DONE, DONE, DONE]),
        ("DisableKey", only_key, [DONE, DONE, PENDING]),
        ("DisableKeyRotation", only_key, [DONE, DISABLED, PENDING]),
        ("EnableKey", only_key, [DONE, DONE, PENDING]),
        ("EnableKeyRotation", only_key, [DONE, DISABLED, PENDING]),
        ("Encrypt", |_, _| json!({"Plaintext": "b25l"}), [DONE, DISABLED, PENDING]),
        ("GenerateDataKey", |_, _| json!({"KeySpec": "AES_256"}), [DONE, DISABLED, PENDING]),
        ("GenerateDataKeyWithoutPlaintext", |_, _| json!({"KeySpec": "AES_256"}), [DONE, DISABLED, PENDING]),
        ("GetKeyPolicy", only_key, [DONE, DONE, DONE]),
        ("GetKeyRotationStatus", only_key, [DONE, DONE, DONE]),
        ("ListAliases", only_key, [DONE, DONE, DONE]),
        ("ListGrants", only_key, [DONE, DONE, DONE]),
        ("ListKeyPolicies", only_key, [DONE, DONE, DONE]),
        ("ListResourceTags", only_key, [DONE, DONE, DONE]),
        ("PutKeyPolicy", |_, _| json!({"Policy": super::policy::EVERYBODY}), [DONE, DONE, DONE]),
        (
            "ReEncrypt",
            |key, blob| json!({"CiphertextBlob": blob, "DestinationKeyId": key}),
            [DONE, DISABLED, PENDING],
        ),
        ("ScheduleKeyDeletion", only_key, [DONE, DONE, PENDING]),
        ("TagResource", |_, _| json!({"Tags": [{"TagKey": "a", "TagValue": "b"}]}), [DONE, DONE, PENDING]),
        ("UntagResource", |_, _| json!({"TagKeys": ["a"]}), [DONE, DONE, PENDING]),
        ("UpdateKeyDescription", |_, _| json!({"Description": "d"}), [DONE, DONE, PENDING]),
    ];
    let mut different = Vec::new();
    for (operation, input, expected) in rows {
        for (state, expected) in ["Enabled", "Disabled", "PendingDeletion"].into_iter().zip(expected) {
            let (key, arn) = new_key(&cloud).await;
            let blob = sealed(&cloud, &key, json!({})).await;
            let named = json!({"KeyId": key});
            match state {
                "Disabled" => drop(call(&cloud, "kms:DisableKey", named).await.unwrap()),
                "PendingDeletion" => drop(call(&cloud, "kms:ScheduleKeyDeletion", named).await.unwrap()),
                _ => {}
            }
            let mut input = input(&key, &blob);
            input["KeyId"] = json!(key);
            let found = call(&cloud, &format!("kms:{operation}"), input).await;
            let found = found.map_or_else(|error| error.to_string(), |_| String::new());
            if found != expected.replace("KEY", &arn) {
                different.push(format!("{operation} {state}: {found}, on AWS {expected}"));
            }
        }
    }
    assert!(different.is_empty(), "{different:#?}");
}

#[tokio::test]
async fn what_was_encrypted_is_decrypted_with_its_context_and_with_no_other_also_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let (key, arn) = new_key(&cloud).await;
    call(&cloud, "kms:CreateAlias", json!({"AliasName": "alias/app", "TargetKeyId": key})).await.unwrap();
    let context = json!({"app": "web", "stage": "test"});
    let blob = sealed(&cloud, "alias/app", context.clone()).await;
    let (other, _) = new_key(&cloud).await;
    let moved = json!({
        "CiphertextBlob": blob, "SourceEncryptionContext": context, "DestinationKeyId": other,
        "DestinationEncryptionContext": {"app": "shop"},
    });
    let moved = call(&cloud, "kms:ReEncrypt", moved).await.unwrap()["CiphertextBlob"].clone();
    let cloud = cloud_in(dir.path());

    let decrypt = async |blob: &Value, context: Value| {
        call(&cloud, "kms:Decrypt", json!({"CiphertextBlob": blob, "EncryptionContext": context})).await
    };
    let opened = decrypt(&blob, json!({"stage": "test", "app": "web"})).await.unwrap();
    assert_eq!(opened["Plaintext"], BASE64_STANDARD.encode("hunter2"));
    assert_eq!(opened["KeyId"], arn);
    assert_eq!(
        decrypt(&moved, json!({"app": "shop"})).await.unwrap()["Plaintext"],
        BASE64_STANDARD.encode("hunter2")
    );
    let mut bytes = BASE64_STANDARD.decode(blob.as_str().unwrap()).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    for (blob, context) in [
        (&blob, json!({"app": "web"})),
        (&blob, json!({"app": "web", "stage": "live"})),
        (&moved, json!({"app": "web", "stage": "test"})),
        (&json!(BASE64_STANDARD.encode(bytes)), context.clone()),
        (&json!("bm9uZQ=="), json!({})),
    ] {
        assert_eq!(decrypt(blob, context).await.unwrap_err().code, "InvalidCiphertextException");
    }
    let dry = json!({"CiphertextBlob": blob, "EncryptionContext": context, "DryRun": true});
    assert_eq!(call(&cloud, "kms:Decrypt", dry).await.unwrap_err().code, "DryRunOperationException");
}

#[tokio::test]
async fn aliases_policies_and_windows_that_aws_refuses_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let (key, _) = new_key(&cloud).await;
    let alias = |name: &str, target: &str| json!({"AliasName": name, "TargetKeyId": target});
    call(&cloud, "kms:CreateAlias", alias("alias/app", &key)).await.unwrap();
    let put = |policy: Value| json!({"KeyId": key, "Policy": policy.to_string()});
    let statement = |who: &str, action: &str| {
        put(
            json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*",
            "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:{who}")}}]}),
        )
    };
    let rows: Vec<(&str, Value, &str)> = vec![
        ("CreateAlias", alias("alias/app", &key), "AlreadyExistsException"),
        ("CreateAlias", alias("alias/aws/mine", &key), "NotAuthorizedException"),
        ("CreateAlias", alias("alias/a b", &key), "InvalidAliasNameException"),
        ("CreateAlias", alias("alias/b", "alias/app"), "ValidationException"),
        ("DeleteAlias", json!({"AliasName": "alias/none"}), "NotFoundException"),
        ("EnableKey", json!({"KeyId": "alias/app"}), "NotFoundException"),
        ("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 6}), "ValidationException"),
        ("EnableKeyRotation", json!({"KeyId": key, "RotationPeriodInDays": 89}), "ValidationException"),
        ("GenerateDataKey", json!({"KeyId": key}), "ValidationException"),
        ("CreateKey", json!({"KeySpec": "RSA_2048", "KeyUsage": "ENCRYPT_DECRYPT"}), "NotImplemented"),
        ("PutKeyPolicy", json!({"KeyId": key, "Policy": "{}"}), "MalformedPolicyDocumentException"),
        ("PutKeyPolicy", statement("role/none", "kms:*"), "MalformedPolicyDocumentException"),
        // Nobody could change it again.
        ("PutKeyPolicy", statement("root", "kms:Decrypt"), "MalformedPolicyDocumentException"),
    ];
    for (operation, input, code) in rows {
        let found = call(&cloud, &format!("kms:{operation}"), input.clone()).await;
        assert_eq!(found.unwrap_err().code, code, "{operation} {input}");
    }
    let mut bypassing = statement("root", "kms:Decrypt");
    bypassing["BypassPolicyLockoutSafetyCheck"] = json!(true);
    call(&cloud, "kms:PutKeyPolicy", bypassing).await.unwrap();
    let locked = call(&cloud, "kms:GetKeyPolicy", json!({"KeyId": key})).await.unwrap_err();
    assert_eq!(locked.code, "AccessDeniedException", "{locked}");
}
