//! A project of a few tiny stacks with a local cloud of its own, which is AWS to environment `account`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be prepared has failed")]

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_cloudformation::types::{Parameter, StackStatus, Tag};
use serde_json::Value;
use tempfile::TempDir;

pub use crate::ended::Ended;
use crate::terminal::script;

pub const PROJECT: &str = "project: tiny
source: {repository: o/n}
environments:
  local: {parameters: {first.Days: '7'}}
  account: {account: '000000000000', region: eu-central-1, parameters: {first.Days: '7'}}
";

/// Offers what `second` takes.
pub const FIRST: &str = "Parameters:
  Days: {Type: String}
Resources:
  Group:
    Type: AWS::Logs::LogGroup
    Properties: {RetentionInDays: !Ref Days}
Outputs:
  Retention: {Value: !Ref Days}
";

pub const SECOND: &str = "Parameters:
  Retention: {Type: String}
Resources:
  Group:
    Type: AWS::Logs::LogGroup
    Properties: {RetentionInDays: !Ref Retention}
";

/// One more resource for a template.
pub const ANOTHER_GROUP: &str = "  Another: {Type: AWS::Logs::LogGroup}\n";

/// Names and values.
type Pairs<'a> = &'a [(&'a str, &'a str)];

/// The project, and once something was started its local cloud, which ends with it.
pub struct Workbench {
    dir: TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Ended {
    /// The one object on stdout: it has the four fields of every object.
    #[track_caller]
    pub fn object(&self) -> Value {
        let object: Value =
            serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        assert!(object["failures"].is_array(), "{object}");
        assert!(object["changed"].is_boolean(), "{object}");
        assert!(object["hints"].is_array(), "{object}");
        assert!(object["resume"].is_null() || object["resume"].is_string(), "{object}");
        assert_eq!(self.code == Some(0), object["failures"] == Value::Array(Vec::new()), "{self:?}");
        // Exit code 3 promises it.
        assert!(self.code != Some(3) || object["changed"] == false, "{object}");
        object
    }
}

impl Workbench {
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let workbench = Self { dir: tempfile::tempdir().unwrap(), runtime };
        std::fs::create_dir_all(workbench.path("infra/stacks")).unwrap();
        workbench.write("infra/project.yml", PROJECT);
        workbench.write("infra/stacks/first.yml", FIRST);
        workbench.write("infra/stacks/second.yml", SECOND);
        workbench
    }

    /// With its local cloud running.
    #[track_caller]
    pub fn started() -> Self {
        let workbench = Self::new();
        let started = workbench.run(&["local", "start", "--port", "0"]);
        assert_eq!(started.code, Some(0), "{}", started.stderr);
        workbench
    }

    /// With both stacks made.
    #[track_caller]
    pub fn provisioned() -> Self {
        let workbench = Self::started();
        let provisioned = workbench.run(&["provision", "--yes"]);
        assert_eq!(provisioned.code, Some(0), "{}", provisioned.stderr);
        workbench
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    pub fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.path(file)).unwrap()
    }

    pub fn write(&self, file: &str, text: &str) {
        std::fs::write(self.path(file), text).unwrap();
    }

    /// Sets what `first` offers, in both environments.
    pub fn set_days(&self, days: &str) {
        self.write("infra/project.yml", &PROJECT.replace("'7'", &format!("'{days}'")));
    }

    /// The tool, with an empty environment; in environment `account` with the variables of an AWS client, which make
    /// the local cloud AWS to it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-seatrial"));
        command.args(arguments);
        self.surround(&mut command, arguments);
        command
    }

    fn surround(&self, command: &mut Command, arguments: &[&str]) {
        command.current_dir(self.dir.path()).env_clear();
        if arguments.contains(&"account") && self.path("local-cloud/daemon.json").exists() {
            let connection = self.connection();
            let text = |name: &str| connection[name].as_str().unwrap().to_owned();
            command.env("AWS_ENDPOINT_URL", text("endpoint"));
            command.env("AWS_ACCESS_KEY_ID", text("access_key_id"));
            command.env("AWS_SECRET_ACCESS_KEY", text("secret_access_key"));
        }
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.dir.path());
        command.env("XTASK_LOCAL_DATA_DIR", self.path("local-cloud"));
        command.env("XTASK_LOCAL_OWNER", std::process::id().to_string());
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().unwrap())
    }

    pub fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs at a terminal at which `typed` is typed, with `--output json`.
    pub fn at_terminal(&self, arguments: &[&str], typed: impl AsRef<[u8]>) -> Ended {
        self.at_terminal_with(&[], arguments, typed)
    }

    /// The same with these variables.
    pub fn at_terminal_with(
        &self,
        variables: Pairs<'_>,
        arguments: &[&str],
        typed: impl AsRef<[u8]>,
    ) -> Ended {
        let words: Vec<&str> =
            [env!("CARGO_BIN_EXE_cargo-seatrial")].iter().chain(arguments).copied().collect();
        // The object alone is not the terminal's.
        let line = format!("'{}' --output json > '{}'", words.join("' '"), self.path("object").display());
        let mut script = script(&line);
        self.surround(&mut script, arguments);
        script.envs(variables.iter().copied());
        let mut child = script.spawn().unwrap();
        let mut keyboard = child.stdin.take().unwrap();
        keyboard.write_all(typed.as_ref()).unwrap();
        let output = child.wait_with_output().unwrap();
        // Hung up only now.
        drop(keyboard);
        let stdout = std::fs::read_to_string(self.path("object")).unwrap();
        Ended {
            code: output.status.code(),
            stdout,
            stderr: String::from_utf8_lossy(&output.stdout).into_owned(),
        }
    }

    pub fn connection(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.path("local-cloud/daemon.json")).unwrap()).unwrap()
    }

    /// Asks one of the local cloud's own routes.
    #[track_caller]
    pub fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let connection = self.connection();
        let (endpoint, token) =
            (connection["endpoint"].as_str().unwrap(), connection["token"].as_str().unwrap());
        let host = endpoint.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host).unwrap();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
        let head = format!("{head}x-seatrial-token: {token}\r\n");
        let length = body.len();
        let rest = format!("content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(format!("{head}{rest}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// Has calls go wrong.
    #[track_caller]
    pub fn arm(&self, kind: &str, operation: &str, count: u32) {
        let fault = serde_json::json!({ "kind": kind, "operation": operation, "count": count });
        self.ask("POST", "/_local/faults", &fault.to_string());
    }

    /// Has every call go wrong once so many went well.
    #[track_caller]
    pub fn arm_after(&self, kind: &str, operation: &str, well: u32) {
        // A fault that takes no time is none.
        self.arm("slow", operation, well);
        self.arm(kind, operation, 100);
    }

    /// How often an operation was called since the local cloud began.
    pub fn calls(&self, operation: &str) -> usize {
        let journal: Value = serde_json::from_str(&self.ask("GET", "/_local/journal", "")).unwrap();
        journal.as_array().unwrap().iter().filter(|entry| entry["operation"] == operation).count()
    }

    pub fn client(&self) -> Client {
        Client::new(&self.config())
    }

    pub fn config(&self) -> SdkConfig {
        let connection = self.connection();
        let text = |name: &str| connection[name].as_str().unwrap().to_owned();
        let key = Credentials::new(text("access_key_id"), text("secret_access_key"), None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(text("region")))
            .endpoint_url(text("endpoint"))
            .credentials_provider(SharedCredentialsProvider::new(key))
            .build()
    }

    /// What AWS answers a call of the test's own.
    pub fn answer<F: Future>(&self, call: F) -> F::Output {
        self.runtime.block_on(call)
    }

    /// The next update of `second` sets its group's retention and then cannot make another; no rollback sets it back.
    pub fn fail_the_next_rollback(&self) {
        let failing = "  Another: {Type: AWS::Logs::LogGroup, DependsOn: Group}\n";
        let changed = SECOND.replace("!Ref Retention", "14");
        self.write("infra/stacks/second.yml", &format!("{changed}{failing}"));
        self.arm("deny", "CreateLogGroup", 1);
        self.arm_after("deny", "PutRetentionPolicy", 1);
    }

    /// Enables the termination protection of a stack, or disables it.
    #[track_caller]
    pub fn protect(&self, stack: &str, enable: bool) {
        let client = self.client();
        let protect = client.update_termination_protection().stack_name(stack);
        self.runtime.block_on(protect.enable_termination_protection(enable).send()).unwrap();
    }

    pub fn is_protected(&self, stack: &str) -> bool {
        let answer = self.answer(self.client().describe_stacks().stack_name(stack).send()).unwrap();
        answer.stacks()[0].enable_termination_protection().unwrap_or(false)
    }

    /// The stack policy; null where none was ever set.
    pub fn policy(&self, stack: &str) -> Value {
        let answer = self.answer(self.client().get_stack_policy().stack_name(stack).send()).unwrap();
        answer.stack_policy_body().map(|text| serde_json::from_str(text).unwrap()).unwrap_or_default()
    }

    pub fn set_policy(&self, stack: &str, policy: &Value) {
        let set = self.client().set_stack_policy().stack_name(stack).stack_policy_body(policy.to_string());
        self.answer(set.send()).unwrap();
    }

    /// The streams of a log group.
    pub fn streams(&self, group: &str) -> Vec<String> {
        let logs = aws_sdk_cloudwatchlogs::Client::new(&self.config());
        let answer = self.answer(logs.describe_log_streams().log_group_name(group).send()).unwrap();
        answer.log_streams().iter().filter_map(|stream| stream.log_stream_name().map(str::to_owned)).collect()
    }

    /// A stack that holds nothing is deleted as any other: the call is answered before.
    #[track_caller]
    pub fn until_there_is_no_stack(&self) {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while !self.stacks().is_empty() {
            assert!(std::time::Instant::now() < deadline, "left: {:?}", self.stacks());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// Waits until a stack is so.
    #[track_caller]
    pub fn until_stack(&self, stack: &str, status: &StackStatus) {
        while !self.stacks().iter().any(|(name, found)| name == stack && found == status) {
            std::thread::yield_now();
        }
    }

    /// The name of a resource of a stack.
    #[track_caller]
    pub fn physical_id(&self, stack: &str, logical_id: &str) -> String {
        let client = self.client();
        let resource = client.describe_stack_resource().stack_name(stack).logical_resource_id(logical_id);
        let resource = self.answer(resource.send()).unwrap().stack_resource_detail.unwrap();
        resource.physical_resource_id.unwrap()
    }

    /// Puts an object into a bucket of a stack.
    #[track_caller]
    pub fn fill_bucket(&self, stack: &str, logical_id: &str) {
        let bucket = self.physical_id(stack, logical_id);
        let put = aws_sdk_s3::Client::new(&self.config()).put_object().bucket(bucket).key("object");
        self.answer(put.body(b"x".to_vec().into()).send()).unwrap();
    }

    /// How many versions of objects are in a bucket of a stack.
    #[track_caller]
    pub fn objects(&self, stack: &str, logical_id: &str) -> usize {
        let bucket = self.physical_id(stack, logical_id);
        let list = aws_sdk_s3::Client::new(&self.config()).list_object_versions().bucket(bucket);
        let listed = self.answer(list.send()).unwrap();
        listed.versions().len() + listed.delete_markers().len()
    }

    /// Every stack that is there, with its status.
    pub fn stacks(&self) -> Vec<(String, StackStatus)> {
        let client = self.client();
        let stacks =
            self.runtime.block_on(client.describe_stacks().send()).unwrap().stacks.unwrap_or_default();
        let mut stacks: Vec<_> = stacks
            .into_iter()
            .map(|stack| (stack.stack_name.unwrap(), stack.stack_status.unwrap()))
            .collect();
        stacks.sort_by(|one, other| one.0.cmp(&other.0));
        stacks
    }

    /// An output of a stack.
    #[track_caller]
    pub fn output(&self, stack: &str, name: &str) -> String {
        let client = self.client();
        let described = self.answer(client.describe_stacks().stack_name(stack).send()).unwrap();
        let outputs = described.stacks()[0].outputs();
        let output = outputs.iter().find(|output| output.output_key() == Some(name));
        output.unwrap().output_value.clone().unwrap()
    }

    /// The parameters that a stack has.
    pub fn parameters(&self, stack: &str) -> BTreeMap<String, String> {
        let client = self.client();
        let described = self.runtime.block_on(client.describe_stacks().stack_name(stack).send()).unwrap();
        let parameters = described.stacks()[0].parameters().iter();
        parameters.map(|p| (p.parameter_key.clone().unwrap(), p.parameter_value.clone().unwrap())).collect()
    }

    /// Change sets that were neither executed nor deleted, and stacks that hold nothing else.
    #[track_caller]
    pub fn assert_nothing_is_left_behind(&self) {
        let client = self.client();
        for (stack, status) in self.stacks() {
            assert_ne!(status, StackStatus::ReviewInProgress, "{stack}");
            let listed = self.runtime.block_on(client.list_change_sets().stack_name(&stack).send()).unwrap();
            assert_eq!(listed.summaries(), [], "{stack}");
        }
    }

    /// The tags that a stack has.
    pub fn tags(&self, stack: &str) -> BTreeMap<String, String> {
        let client = self.client();
        let described = self.runtime.block_on(client.describe_stacks().stack_name(stack).send()).unwrap();
        let tags = described.stacks()[0].tags().iter();
        tags.map(|tag| (tag.key.clone().unwrap(), tag.value.clone().unwrap())).collect()
    }

    /// Has a stack carry one tag more, as an organisation's tools do.
    #[track_caller]
    pub fn add_tag(&self, stack: &str, key: &str, value: &str) {
        self.update(stack, (&[(key, value)], &[]));
    }

    /// Sets a parameter of a stack past the project.
    #[track_caller]
    pub fn set_parameter(&self, stack: &str, name: &str, value: &str) {
        self.update(stack, (&[], &[(name, value)]));
    }

    /// Updates a stack to these tags and parameters besides those it has.
    #[track_caller]
    fn update(&self, stack: &str, (tags, values): (Pairs<'_>, Pairs<'_>)) {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let tags: BTreeMap<_, _> = self.tags(stack).into_iter().chain(tags.iter().map(owned)).collect();
        let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
        let client = self.client();
        let mut update = client.update_stack().stack_name(stack).use_previous_template(true);
        update = update.set_tags(Some(tags.collect()));
        for name in self.parameters(stack).into_keys() {
            let value = values.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            let parameter = Parameter::builder().parameter_key(name).use_previous_value(value.is_none());
            update = update.parameters(parameter.set_parameter_value(value).build());
        }
        self.runtime.block_on(update.send()).unwrap();
        self.until_stack(stack, &StackStatus::UpdateComplete);
    }

    /// Begins a stack that is none of the project's doing.
    #[track_caller]
    pub fn create_stack(&self, name: &str, template: &str) {
        let client = self.client();
        let create = client.create_stack().stack_name(name).template_body(template);
        self.runtime.block_on(create.send()).unwrap();
    }
}

impl Drop for Workbench {
    fn drop(&mut self) {
        if self.path("local-cloud/daemon.json").exists() {
            self.run(&["local", "reset", "--yes"]);
        }
    }
}
