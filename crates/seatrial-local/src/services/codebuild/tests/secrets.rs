//! Variables whose values are in Secrets Manager or the Parameter Store.

use super::*;
use crate::fault::{Fault, FaultKind};

async fn prepared(dir: &Path) -> Cloud {
    let cloud = cloud(dir);
    create_project(&cloud).await;
    put_source(&cloud, dir, &[("a", "a")]).await;
    let put = json!({ "Name": "/web/key", "Value": "sesame1", "Type": "SecureString" });
    crate::tests::call(&cloud, "ssm:PutParameter", put).await.unwrap();
    cloud
}

#[tokio::test]
async fn a_parameter_is_read_with_the_builds_role_and_neither_shown_nor_exported() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = prepared(dir.path()).await;
    let of_project = json!([{ "name": "SAME", "value": "/web/key", "type": "PARAMETER_STORE" }]);
    let environment = json!({
        "type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL",
        "environmentVariables": of_project,
    });
    call(&cloud, "UpdateProject", json!({ "name": "app-build", "environment": environment })).await;
    let spec = "version: 0.2\nenv:\n  parameter-store: {KEY: /web/key}\n  exported-variables: [KEY, IS_SAME]\n\
                phases: {build: {commands: ['echo \"key $KEY\"', 'export IS_SAME=$([ $KEY = $SAME ] && echo yes)']}}\n\
                artifacts: {files: [a]}\n";

    let built = build(&cloud, spec).await;

    assert_eq!(built.build_status, "SUCCEEDED", "{built:#?}");
    let exported: Vec<_> = built.exported_environment_variables.iter().map(|v| v.value.as_str()).collect();
    assert_eq!(exported, ["yes"]);
    let log = lines(&cloud, &built).await.join("\n");
    assert!(log.contains("key ***") && !log.contains("sesame1"), "{log}");
    let entries = cloud.journal().entries();
    let reads: Vec<_> = entries.iter().filter(|entry| entry.operation == "GetParameters").collect();
    assert_eq!(reads.len(), 2);
    assert!(reads.iter().all(|entry| entry.principal.contains(":assumed-role/build/AWSCodeBuild-")));
}

/// The words are those of published logs: engine/secrets.rs names them.
#[tokio::test]
async fn what_a_variable_names_and_is_not_there_fails_download_source_in_codebuilds_words() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = prepared(dir.path()).await;
    let arn = "arn:aws:ssm:eu-central-1:000000000000:parameter/web/key";
    let cases = [
        (
            "parameter-store: {KEY: /web/none}",
            "Decrypted Variables Error",
            "parameter does not exist: /web/none",
        ),
        (
            &format!("parameter-store: {{KEY: '{arn}'}}"),
            "Decrypted Variables Error",
            "parameter does not exist: arn:",
        ),
        (
            "secrets-manager: {KEY: none}",
            "Secrets Manager Error",
            "ResourceNotFoundException: Secrets Manager can't find the specified secret.",
        ),
        ("secrets-manager: {KEY: 'db:none'}", "Secrets Manager Error", "the secret has no key `none`"),
        ("secrets-manager: {KEY: 'db::AWSPREVIOUS'}", "Secrets Manager Error", "ResourceNotFoundException: "),
    ];
    for (named, code, message) in cases {
        let spec = format!("version: 0.2\nenv: {{{named}}}\nphases: {{build: {{commands: ['echo ran']}}}}\n");

        let built = build(&cloud, &spec).await;

        assert_eq!(built.build_status, "FAILED", "{named}");
        let context = &phase(&built, "DOWNLOAD_SOURCE").unwrap().contexts[0];
        assert_eq!(context.status_code, code, "{named}");
        assert!(context.message.starts_with(message), "{context:?}");
        assert!(phase(&built, "BUILD").is_none(), "{named}");
    }
}

#[tokio::test]
async fn a_role_that_may_not_read_them_is_told_which_action_it_lacks() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = prepared(dir.path()).await;
    for (named, service, operation, code) in [
        ("parameter-store: {KEY: /web/key}", "ssm", "GetParameters", "Decrypted Variables Error"),
        ("secrets-manager: {KEY: db}", "secretsmanager", "GetSecretValue", "Secrets Manager Error"),
    ] {
        cloud.faults().arm(Fault {
            service: Some(service.to_owned()),
            operation: Some(operation.to_owned()),
            ..Fault::new(FaultKind::Deny)
        });
        let spec = format!("version: 0.2\nenv: {{{named}}}\nphases: {{build: {{commands: ['echo ran']}}}}\n");

        let built = build(&cloud, &spec).await;

        let context = &phase(&built, "DOWNLOAD_SOURCE").unwrap().contexts[0];
        assert_eq!(context.status_code, code);
        let words = format!("is not authorized to perform: {service}:{operation}");
        assert!(context.message.contains(&words), "{context:?}");
    }
}

#[tokio::test]
async fn a_build_whose_role_may_not_write_its_log_fails_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let cloud = prepared(dir.path()).await;
    let spec = "version: 0.2\nphases: {build: {commands: ['echo ran']}}\n";
    for (operation, ended, verb) in
        [("CreateLogStream", "PROVISIONING", "create"), ("PutLogEvents", "FINALIZING", "write")]
    {
        cloud.faults().arm(Fault {
            service: Some("logs".to_owned()),
            operation: Some(operation.to_owned()),
            ..Fault::new(FaultKind::Deny)
        });

        let built = build(&cloud, spec).await;

        assert_eq!(built.build_status, "FAILED", "{operation}: {built:?}");
        let context = &phase(&built, ended).unwrap().contexts[0];
        assert_eq!(context.status_code, "ACCESS_DENIED");
        let words =
            format!("does not allow AWS CodeBuild to {verb} Amazon CloudWatch Logs log streams for build");
        assert!(context.message.contains(&words), "{context:?}");
        assert!(
            context.message.contains(&format!("not authorized to perform: logs:{operation}")),
            "{context:?}"
        );
    }
}
