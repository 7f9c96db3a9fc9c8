//! AWS's own command line client against a cloud of a unit test.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use tokio::process::Command;

use super::{ACCOUNT, Cloud};
use crate::credentials::CredentialStore;
use crate::{doors, protocol};

/// The client with the operator's key.
pub(crate) struct AwsCli {
    variables: Vec<(&'static str, String)>,
}

/// Serves the cloud over HTTP, unless it is served already.
pub(crate) async fn serve(cloud: &Cloud) {
    if cloud.endpoint().is_empty() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        cloud.set_endpoint(format!("http://{}", listener.local_addr().unwrap()));
        tokio::spawn(protocol::serve(cloud.clone(), listener, doors::doors(cloud)));
    }
}

impl AwsCli {
    pub(crate) fn new(cloud: &Cloud) -> Self {
        let operator = cloud.part::<CredentialStore>().operator(ACCOUNT).unwrap();
        let key = [
            ("AWS_ACCESS_KEY_ID", operator.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", operator.secret_access_key),
        ];
        Self::with(cloud, key)
    }

    /// The client of somebody who finds their credentials by these variables.
    pub(crate) fn with(cloud: &Cloud, credentials: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let mut variables = vec![
            ("AWS_ENDPOINT_URL", cloud.endpoint().to_owned()),
            ("AWS_DEFAULT_REGION", cloud.region().to_owned()),
            ("AWS_PAGER", String::new()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ];
        variables.extend(credentials);
        Self { variables }
    }

    /// What `aws ARGUMENTS` says; the arguments are parted by spaces.
    async fn output(&self, arguments: &str) -> Output {
        let mut command = Command::new(program());
        command.args(arguments.split(' ')).args(["--output", "json"]).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", std::env::temp_dir().join("no-such-home"));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.output().await.unwrap()
    }

    /// The answer of a call that succeeds.
    pub(crate) async fn json(&self, arguments: &str) -> Value {
        let output = self.output(arguments).await;
        assert!(output.status.success(), "aws {arguments}: {}", String::from_utf8_lossy(&output.stderr));
        if output.stdout.is_empty() { Value::Null } else { serde_json::from_slice(&output.stdout).unwrap() }
    }

    /// The error of a call that is refused.
    pub(crate) async fn refusal(&self, arguments: &str) -> String {
        let output = self.output(arguments).await;
        assert!(!output.status.success(), "aws {arguments} succeeded");
        String::from_utf8(output.stderr).unwrap()
    }
}

/// The client that `cargo xtask check --install-missing` installs, else the one on the PATH.
pub(crate) fn program() -> PathBuf {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python/bin/aws");
    if installed.exists() { installed } else { PathBuf::from("aws") }
}
