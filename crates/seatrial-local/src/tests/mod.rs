//! A cloud for unit tests: all operations, a fresh data directory, no server.

pub(crate) mod aws;
mod collected;
mod fuzz;
mod recorded;
mod refused;
mod uploads;
mod workflows;

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::{Value, json};

use crate::clock::Clock;
use crate::cloud::{Cloud, Settings, Setup};
use crate::error::ServiceError;
use crate::operation::Operations;
use crate::persist::Database;
use crate::principal::Principal;
use crate::services::s3::CreateBucket;
use crate::services::secretsmanager::CreateSecret;
use crate::{Latencies, Options};

pub(crate) const ACCOUNT: &str = "000000000000";

/// What makes the program of these tests the agent of a task.
pub(crate) const TASK_AGENT: [&str; 3] =
    ["--exact", "runtime::sandbox::tests::this_program_serves_as_the_agent_of_tasks", "--nocapture"];

/// Opens the cloud whose data is in `data_dir`; a second one finds what the first left.
pub(crate) fn cloud_in(data_dir: &Path) -> Cloud {
    cloud_with(data_dir, data_dir, 60.0, crate::services::register)
}

/// The same with the operations that `serve` adds only, and another time scale.
pub(crate) fn cloud_with(
    data_dir: &Path,
    source: &Path,
    time_scale: f64,
    serve: impl FnOnce(&mut Operations),
) -> Cloud {
    cloud_at(data_dir, source, Clock::new(time_scale), serve)
}

/// The same by that clock.
pub(crate) fn cloud_at(
    data_dir: &Path,
    source: &Path,
    clock: Clock,
    serve: impl FnOnce(&mut Operations),
) -> Cloud {
    let database: Arc<Database> = Database::open(&data_dir.join("state.jsonl")).unwrap();
    let setup = Setup { database, data_dir: data_dir.to_owned(), clock, latencies: Default::default() };
    let settings = Settings {
        account: ACCOUNT.to_owned(),
        region: "eu-central-1".to_owned(),
        source: source.to_owned(),
        task_agent: TASK_AGENT.map(str::to_owned).into(),
    };
    let mut operations = Operations::default();
    serve(&mut operations);
    Cloud::new(settings, setup, operations)
}

/// What a whole local cloud is started with whose data is below `dir`, at a port of the system's.
pub(crate) fn options_in(dir: &Path) -> Options {
    let settings = Settings {
        account: ACCOUNT.to_owned(),
        region: "eu-central-1".to_owned(),
        source: dir.to_owned(),
        task_agent: Vec::new(),
    };
    Options {
        data_dir: dir.join("data"),
        port: Some(0),
        settings,
        time_scale: 60.0,
        latencies: Latencies::default(),
    }
}

/// A soft limit of open files, as low as macOS has it.
pub(crate) const FEW_FILES: u64 = 256;

/// Whether this process was started with [`FEW_FILES`]. If not, runs the test `name` in one that is, for a limit is
/// the whole process's, and sees it pass.
pub(crate) fn has_few_files(name: &str) -> bool {
    let script = format!("ulimit -Sn {FEW_FILES} && exec \"$0\" --exact \"$1\" --nocapture");
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &script]).arg(std::env::current_exe().unwrap()).arg(name);
    is_again("LOCAL_CLOUD_TEST_FEW_FILES", command)
}

/// No file grows longer in a process of [`has_short_files`]: as on a full disk a write ends in the middle.
pub(crate) const SHORT_FILE: usize = 64 << 10;

/// Whether this process was started with files of [`SHORT_FILE`] bytes at the most. If not, runs the test `name` in one
/// that is, and sees it pass.
pub(crate) fn has_short_files(name: &str) -> bool {
    // In blocks of 512 bytes; who does not ignore the signal is ended by it.
    let script =
        format!("trap '' XFSZ && ulimit -f {} && exec \"$0\" --exact \"$1\" --nocapture", SHORT_FILE / 512);
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &script]).arg(std::env::current_exe().unwrap()).arg(name);
    is_again("LOCAL_CLOUD_TEST_SHORT_FILES", command)
}

/// Whether this process may make no user namespaces. If it may, runs the test `name` in one that may not.
#[cfg(target_os = "linux")]
pub(crate) fn has_no_namespaces(name: &str) -> bool {
    let script = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" --exact \"$1\" --nocapture --test-threads=1";
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "/bin/sh", "-c", script]);
    command.arg(std::env::current_exe().unwrap()).arg(name);
    is_again("LOCAL_CLOUD_TEST_NO_NAMESPACES", command)
}

/// Whether this process is one of a user who has no rights. If it is root's, runs the test `name` in one that is.
#[cfg(target_os = "linux")]
pub(crate) fn is_a_users(name: &str) -> bool {
    const NOBODY: u32 = 65_534;
    if !nix::unistd::geteuid().is_root() {
        return true;
    }
    let home = tempfile::tempdir().unwrap();
    std::os::unix::fs::chown(home.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    // Under no name that the user would have to find: it may lie in a folder of root's.
    let mut command = Command::new("/proc/self/exe");
    command.args(["--exact", name, "--nocapture"]).env("TMPDIR", home.path()).current_dir("/");
    std::os::unix::process::CommandExt::uid(&mut command, NOBODY);
    std::os::unix::process::CommandExt::gid(&mut command, NOBODY);
    is_again("LOCAL_CLOUD_TEST_USER", command)
}

/// Whether this process is root, if only in a namespace of its own. If not, runs the test `name` in one that is, by
/// buildah.
#[cfg(target_os = "linux")]
pub(crate) fn is_root_of_a_namespace(name: &str) -> bool {
    if nix::unistd::geteuid().is_root() {
        return true;
    }
    let mut command = Command::new("buildah");
    command.arg("unshare").arg(std::env::current_exe().unwrap()).args(["--exact", name, "--nocapture"]);
    is_again("LOCAL_CLOUD_TEST_ROOT", command)
}

/// Whether this process has the mark. If not, sees `command` pass, which runs one test in a process that has.
fn is_again(mark: &str, mut command: Command) -> bool {
    if std::env::var_os(mark).is_some() {
        return true;
    }
    let output = command.env(mark, "1").output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("1 passed"), "{told}{errors}");
    false
}

/// A server that answers `ok` to everything, or with `FAIL` an error to all but `/healthz`, says its secret when it
/// starts and `bye` when it is told to end; a program that needs nothing else of its image, compiled once.
pub(crate) fn server() -> &'static [u8] {
    static PROGRAM: OnceLock<Vec<u8>> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("main.rs"), include_str!("server/main.rs")).unwrap();
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let mut command = Command::new(rustc);
        command.args([
            "--edition=2024",
            "-Cpanic=abort",
            "-Copt-level=1",
            "-Ctarget-feature=+crt-static",
            "main.rs",
        ]);
        let output = command.current_dir(dir.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read(dir.path().join("main")).unwrap()
    })
}

pub(crate) fn operator() -> Principal {
    Principal::operator(ACCOUNT)
}

/// Calls `service:Operation` as the operator, with values as they come from HTTP.
pub(crate) async fn call(cloud: &Cloud, operation: &str, input: Value) -> Result<Value, ServiceError> {
    let (service, name) = operation.split_once(':').unwrap();
    cloud.dispatch(&operator(), (service, name), input).await
}

/// What builds and pipelines find: the bucket `bucket`, the secret `db`, the roles `build` and `pipeline`.
pub(crate) async fn prepare_builds(cloud: &Cloud) {
    cloud.call(&operator(), CreateBucket { bucket: "bucket".to_owned() }).await.unwrap();
    let secret = CreateSecret {
        name: "db".to_owned(),
        secret_string: Some(r#"{"password": "hunter22"}"#.to_owned()),
        ..CreateSecret::default()
    };
    cloud.call(&operator(), secret).await.unwrap();
    for role in ["build", "pipeline"] {
        crate::services::iam::add_trusting_role(cloud, role);
    }
}

/// Makes the stacks up to the load balancer, for an application on `app_port`.
pub(crate) async fn make_balancer(cloud: &Cloud, app_port: u16) {
    let names = json!({ "ProjectName": "myapp", "EnvironmentName": "test" });
    make_stack(cloud, "network", &names).await;
    let network = outputs(cloud, "network").await;
    let mut parameters = names;
    parameters["VpcId"] = network["VpcId"].clone();
    parameters["AppPort"] = json!(app_port.to_string());
    make_stack(cloud, "security-groups", &parameters).await;
    let parameters = json!({
        "VpcId": network["VpcId"],
        "PublicSubnetIds": network["PublicSubnetIds"],
        "LoadBalancerSecurityGroupId":
            outputs(cloud, "security-groups").await["LoadBalancerSecurityGroupId"],
        "AppPort": app_port.to_string(),
    });
    make_stack(cloud, "load-balancer", &parameters).await;
}

/// Makes a stack of `infra/stacks`.
async fn make_stack(cloud: &Cloud, file: &str, parameters: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../infra/stacks/{file}.yml"));
    let template = std::fs::read_to_string(path).unwrap();
    let parameters: Vec<_> = parameters
        .as_object()
        .unwrap()
        .iter()
        .map(|(key, value)| json!({ "ParameterKey": key, "ParameterValue": value }))
        .collect();
    let input = json!({ "StackName": file, "TemplateBody": template, "Parameters": parameters });
    call(cloud, "cloudformation:CreateStack", input).await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        let found = stack(cloud, file).await;
        if !found["StackStatus"].as_str().unwrap().ends_with("_IN_PROGRESS") {
            let events =
                call(cloud, "cloudformation:DescribeStackEvents", json!({ "StackName": file })).await;
            assert_eq!(found["StackStatus"], "CREATE_COMPLETE", "{:#}", events.unwrap());
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{found}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn stack(cloud: &Cloud, name: &str) -> Value {
    let input = json!({ "StackName": name });
    call(cloud, "cloudformation:DescribeStacks", input).await.unwrap()["Stacks"][0].take()
}

/// The outputs of a stack, by name.
pub(crate) async fn outputs(cloud: &Cloud, name: &str) -> Value {
    let found = stack(cloud, name).await;
    let outputs = found["Outputs"].as_array().unwrap().iter();
    outputs
        .map(|output| (output["OutputKey"].as_str().unwrap().to_owned(), output["OutputValue"].clone()))
        .collect()
}
