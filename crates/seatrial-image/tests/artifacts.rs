//! The built binary as the pipeline's build runs it: what it writes for the deploy action.

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

use std::fs;
use std::path::Path;
use std::process::Command;

use seatrial_project::{
    Project,
    generate::{self, Layout},
};
use serde_json::{Value, json};

const PROJECT: &str = r#"
project: shop
source: {repository: o/n}
app: {port: 8080, environment: {VERSION: 1.10, EMPTY: "", MASK: 0x1F}}
environments:
  local: {app: {environment: {PHONE: +4915112345678, PATTERN: "${DB_HOST} <IMAGE1_NAME>"}}}
  other: {account: "123456789012", region: eu-west-1, app: {environment: {DB_HOST: replica, LIMIT: 1e10, FLAG: True}}}
"#;

/// A workspace with the smallest application there is.
fn workspace(directory: &Path) {
    for (path, text) in [
        (
            "Cargo.toml",
            "[workspace]\nmembers = [\"app\"]\nresolver = \"3\"\n[profile.image]\ninherits = \"dev\"\n",
        ),
        ("Cargo.lock", "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n"),
        ("app/Cargo.toml", "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"),
        ("app/src/main.rs", "fn main() {}\n"),
        ("infra/project.yml", PROJECT),
    ] {
        fs::create_dir_all(directory.join(path).parent().unwrap()).unwrap();
        fs::write(directory.join(path), text).unwrap();
    }
    fs::create_dir(directory.join(".aws")).unwrap();
    for file in generate::files(&Project::load(directory).unwrap(), &Layout::Member.into()).unwrap() {
        fs::write(directory.join(file.path), file.text).unwrap();
    }
}

/// `taskdef.json` as the build for `environment` writes it, read as the deploy action reads it.
fn container(workspace: &Path, environment: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_seatrial-image"))
        .args(["--artifacts", "build-output"])
        .current_dir(workspace)
        .env("CARGO_TARGET_DIR", workspace.join("target"))
        .env("SOURCE_REVISION", "0123456789abcdef")
        .env("REPOSITORY_URI", "registry/shop")
        .env("ENVIRONMENT_NAME", environment)
        .envs([("AWS_REGION", "eu-west-1"), ("DB_HOST", "database"), ("DB_NAME", "app"), ("DB_PORT", "5432")])
        .envs([("DB_SECRET_ARN", "secret"), ("DB_USER", "user"), ("EXECUTION_ROLE_ARN", "execution-role")])
        .envs([("LOG_GROUP", "logs"), ("TASK_ROLE_ARN", "task-role")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(workspace.join("build-output/taskdef.json")).unwrap();
    let definition: Value = serde_json::from_str(&text.replace("<IMAGE1_NAME>", "the-image")).unwrap();
    definition["containerDefinitions"][0].clone()
}

#[test]
fn each_environments_task_gets_what_was_typed_for_it() {
    let directory = tempfile::tempdir().unwrap();
    workspace(directory.path());
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    let text = PROJECT.replace("port: 8080", &format!("port: 8080, architecture: {architecture}"));
    fs::write(directory.path().join("infra/project.yml"), text).unwrap();
    let ours = |host: Option<&str>| {
        let mut variables = vec![json!({"name": "PORT", "value": "8080"})];
        variables.extend(host.map(|host| json!({"name": "DB_HOST", "value": host})));
        for (name, value) in [("DB_PORT", "5432"), ("DB_NAME", "app"), ("DB_USER", "user")] {
            variables.push(json!({"name": name, "value": value}));
        }
        variables
    };
    let typed = |values: &[(&str, &str)]| -> Vec<Value> {
        values.iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
    };

    let local = container(directory.path(), "local");
    let other = container(directory.path(), "other");

    assert_eq!(local["image"], "the-image");
    let pattern = ("PATTERN", "${DB_HOST} <IMAGE1_NAME>");
    let own = [("EMPTY", ""), ("MASK", "0x1F"), pattern, ("PHONE", "+4915112345678"), ("VERSION", "1.10")];
    assert_eq!(local["environment"], Value::from([ours(Some("database")), typed(&own)].concat()));
    let own = [
        ("DB_HOST", "replica"),
        ("EMPTY", ""),
        ("FLAG", "True"),
        ("LIMIT", "1e10"),
        ("MASK", "0x1F"),
        ("VERSION", "1.10"),
    ];
    assert_eq!(other["environment"], Value::from([ours(None), typed(&own)].concat()));
}
