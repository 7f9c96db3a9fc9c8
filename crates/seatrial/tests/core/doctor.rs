//! What must be true before anything else.

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

use serde_json::Value;

use crate::workbench::{Ended, Workbench};

const DOCTOR: [&str; 5] = ["doctor", "--environment", "account", "--output", "json"];

/// A project whose generated files are in step.
fn in_step() -> Workbench {
    let workbench = Workbench::started();
    assert_eq!(workbench.run(&["generate"]).code, Some(0));
    workbench
}

/// Runs it where cargo runs: rustup's needs its toolchains.
fn doctor(workbench: &Workbench, arguments: &[&str]) -> Ended {
    doctor_with(workbench, arguments, &[])
}

/// The same with these variables.
fn doctor_with(workbench: &Workbench, arguments: &[&str], variables: &[(&str, String)]) -> Ended {
    let own = std::env::home_dir().unwrap_or_default().join(".rustup");
    let toolchains = std::env::var_os("RUSTUP_HOME").unwrap_or_else(|| own.into_os_string());
    let mut command = workbench.command(arguments);
    command.env("RUSTUP_HOME", toolchains).envs(variables.iter().cloned());
    Ended::of(command.output().unwrap())
}

/// The results of the checks of that name.
fn results(object: &Value, check: &str) -> Vec<String> {
    let checks = object["checks"].as_array().unwrap().iter().filter(|found| found["check"] == check);
    checks.map(|found| found["result"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn all_is_well_where_nothing_failed_and_what_was_not_checked_is_not_called_fine() {
    let workbench = in_step();

    let object = doctor(&workbench, &DOCTOR).object();

    assert_eq!(object["failures"], Value::Array(Vec::new()), "{object}");
    for check in ["git", "cargo", "files", "templates", "region", "identity", "connection"] {
        assert_eq!(results(&object, check), ["ok"], "{check}: {object}");
    }
    // No role is there, and provision may make them.
    assert_eq!(results(&object, "roles"), ["ok"; 4]);
    for check in ["branch", "privileges", "builds", "tasks", "free plan"] {
        assert_eq!(results(&object, check), ["not_checked"], "{check}: {object}");
    }
    assert_eq!(object["changed"], false);
    let text = doctor(&workbench, &DOCTOR[..3]);
    assert!(text.stdout.contains("NOT CHECKED  builds"), "{text:?}");
}

/// A role that the operator may assume.
const OPERATOR: &str = "Parameters:
  PolicyArn: {Type: String}
Resources:
  Operator:
    Type: AWS::IAM::Role
    Properties:
      RoleName: tiny-operator
      AssumeRolePolicyDocument:
        Statement:
          - {Effect: Allow, Action: 'sts:AssumeRole', Principal: {AWS: !Sub 'arn:aws:iam::${AWS::AccountId}:root'}}
      ManagedPolicyArns: [!Ref PolicyArn]
";

#[test]
fn a_caller_with_an_administrators_policy_is_warned_and_nothing_fails() {
    let workbench = in_step();
    workbench.write("infra/stacks/operator.yml", OPERATOR);
    let project = workbench.read("infra/project.yml");
    let found = |policy: &str| {
        let parameters = format!("parameters: {{PolicyArn: 'arn:aws:iam::aws:policy/{policy}', ");
        workbench.write("infra/project.yml", &project.replace("parameters: {", &parameters));
        let provisioned = workbench.run(&["provision", "--yes", "--environment", "account"]);
        assert_eq!(provisioned.code, Some(0), "{provisioned:?}");
        let sts = aws_sdk_sts::Client::new(&workbench.config());
        let arn = "arn:aws:iam::000000000000:role/tiny-operator";
        let assumed = sts.assume_role().role_arn(arn).role_session_name("jo").send();
        let credentials = workbench.answer(assumed).unwrap().credentials.unwrap();
        let variables = [
            ("AWS_ACCESS_KEY_ID", credentials.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", credentials.secret_access_key),
            ("AWS_SESSION_TOKEN", credentials.session_token),
        ];
        doctor_with(&workbench, &DOCTOR, &variables).object()
    };

    let administrator = found("AdministratorAccess");
    assert_eq!(results(&administrator, "identity"), ["ok"], "{administrator}");
    assert_eq!(results(&administrator, "privileges"), ["warned"], "{administrator}");
    assert_eq!(administrator["failures"], Value::Array(Vec::new()), "{administrator}");

    let reader = found("ReadOnlyAccess");
    assert_eq!(results(&reader, "privileges"), ["ok"], "{reader}");
}

#[test]
fn each_failed_check_is_an_error_with_its_remedy() {
    let workbench = in_step();
    let failed = |check: &str, remedy: &str| {
        let ended = doctor(&workbench, &DOCTOR);
        let object = ended.object();
        assert_eq!((ended.code, results(&object, check)), (Some(3), vec!["failed".to_owned()]), "{object}");
        assert_eq!(object["failures"].as_array().unwrap().len(), 1, "{object}");
        assert!(object["hints"].to_string().contains(remedy), "{remedy}: {object}");
        object
    };
    let connection = include_str!("../../../../infra/stacks/connection.yml");
    workbench.write("infra/stacks/connection.yml", connection);
    let provisioned = workbench.run(&["provision", "--yes", "--environment", "account", "--output", "json"]);
    let arn = provisioned.object()["outputs"]["ConnectionArn"].as_str().unwrap().to_owned();
    failed("connection", "eu-central-1.console.aws.amazon.com/codesuite/settings/connections");
    let id = arn.rsplit('/').next().unwrap();
    workbench.ask("POST", &format!("/_local/connections/{id}/complete"), "{}");
    assert_eq!(doctor(&workbench, &DOCTOR).code, Some(0));

    workbench.write(".aws/appspec.yaml", "version: 0.0");
    failed("files", "generate");
    assert_eq!(workbench.run(&["generate"]).code, Some(0));

    let project = workbench.read("infra/project.yml");
    workbench.write("infra/project.yml", &project.replace("region: eu-central-1", "region: eu-south-2"));
    failed("region", "choose another region");
    workbench
        .write("infra/project.yml", &project.replace("account: '000000000000'", "account: '111111111111'"));
    let object = failed("identity", "AWS_PROFILE");
    // Somebody else's account is not looked at.
    assert_eq!(results(&object, "connection"), [""; 0]);
}

/// Nobody's value is asked for: only whether it is there.
#[test]
fn secrets_that_open_private_sources_are_looked_for_and_a_missing_one_is_told_with_its_command() {
    let workbench = in_step();
    let project = workbench.read("infra/project.yml");
    let secrets = "image: {registry_secrets: {git.example.com: 'ci/git:token', registries.mine: /ci/cargo}";
    let opened = match project.contains("image: {") {
        true => project.replace("image: {", &format!("{secrets}, ")),
        false => format!("{project}{secrets}}}\n"),
    };
    workbench.write("infra/project.yml", &opened);
    assert_eq!(workbench.run(&["generate"]).code, Some(0));

    let missing = doctor(&workbench, &DOCTOR).object();
    assert_eq!(results(&missing, "private"), ["failed"; 2], "{missing}");
    let hints = missing["hints"].to_string();
    assert!(
        hints.contains("create-secret --region eu-central-1 --name ci/git --secret-string file:"),
        "{hints}"
    );
    assert!(
        hints.contains("put-parameter --region eu-central-1 --name /ci/cargo --type SecureString"),
        "{hints}"
    );

    for (kind, arn) in [
        ("secret", "secretsmanager:eu-central-1:000000000000:secret:ci/git-AbCdEf"),
        ("parameter", "ssm:eu-central-1:000000000000:parameter/ci/cargo"),
    ] {
        let keys = if kind == "secret" { ", \"keys\": [\"token\"]" } else { "" };
        workbench.ask(
            "POST",
            "/_local/stand-ins",
            &format!("{{\"kind\": \"{kind}\", \"arn\": \"arn:aws:{arn}\"{keys}}}"),
        );
    }
    let there = doctor(&workbench, &DOCTOR).object();
    assert_eq!(results(&there, "private"), ["ok"; 2], "{there}");
}

#[test]
fn a_commit_that_is_not_on_the_released_branch_is_told_with_the_push() {
    let workbench = in_step();
    let git = |arguments: &[&str]| {
        let mut git = std::process::Command::new("git");
        git.args(["-c", "user.name=t", "-c", "user.email=t@t"]).args(arguments);
        assert!(git.current_dir(workbench.path("")).output().unwrap().status.success(), "{arguments:?}");
    };
    git(&["init", "--quiet", "--initial-branch", "main"]);
    git(&["add", "infra", ".aws"]);
    git(&["commit", "--quiet", "--message", "one"]);
    let object = doctor(&workbench, &DOCTOR).object();
    assert_eq!(results(&object, "branch"), ["not_checked"], "{object}");
    git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    assert_eq!(results(&doctor(&workbench, &DOCTOR).object(), "branch"), ["ok"]);
    git(&["commit", "--quiet", "--allow-empty", "--message", "two"]);
    let object = doctor(&workbench, &DOCTOR).object();
    assert_eq!(results(&object, "branch"), ["failed"], "{object}");
    assert!(object["hints"].to_string().contains("git push origin HEAD:main"), "{object}");
}

#[test]
fn the_local_environment_needs_no_account_and_starts_nothing() {
    let workbench = Workbench::new();
    assert_eq!(workbench.run(&["generate"]).code, Some(0));

    let object = doctor(&workbench, &["doctor", "--environment", "local", "--output", "json"]).object();

    assert_eq!((results(&object, "postgres"), results(&object, "identity")), (vec!["ok".to_owned()], vec![]));
    // As this machine lets it.
    assert!(
        matches!(&results(&object, "namespaces")[..], [one] if one == "ok" || one == "not_checked"),
        "{object}"
    );
    assert!(!workbench.path("local-cloud").exists());
}
