//! AWS's own command line client, pointed at a local cloud.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The client with the operator's key.
pub struct AwsCli {
    program: PathBuf,
    variables: Vec<(&'static str, String)>,
}

impl AwsCli {
    /// From what `local status --output json` printed.
    pub fn new(local: &Value) -> Self {
        let text = |name: &str| local[name].as_str().unwrap().to_owned();
        let variables = vec![
            ("AWS_ENDPOINT_URL", text("endpoint")),
            ("AWS_DEFAULT_REGION", text("region")),
            ("AWS_ACCESS_KEY_ID", text("access_key_id")),
            ("AWS_SECRET_ACCESS_KEY", text("secret_access_key")),
            ("AWS_PAGER", String::new()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ];
        Self { program: program(), variables }
    }

    /// The same with another secret key.
    pub fn with_secret(mut self, secret: &str) -> Self {
        for (name, value) in &mut self.variables {
            if *name == "AWS_SECRET_ACCESS_KEY" {
                *value = secret.to_owned();
            }
        }
        self
    }

    pub fn output(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(&self.program);
        command.args(arguments).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        // Neither profiles nor a configuration of the user's.
        command.env("HOME", std::env::temp_dir().join("no-such-home"));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.output().unwrap()
    }

    /// What a successful call prints.
    #[track_caller]
    pub fn text(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "aws {arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let text = self.text(&[arguments, &["--output", "json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("aws {arguments:?}: {error}: {text}"))
    }

    /// What a refused call says.
    #[track_caller]
    pub fn refusal(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(!output.status.success(), "aws {arguments:?} succeeded");
        String::from_utf8(output.stderr).unwrap()
    }
}

/// The client that `cargo xtask check --install-missing` installs, else the one on the PATH.
fn program() -> PathBuf {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python/bin/aws");
    if installed.exists() { installed } else { PathBuf::from("aws") }
}
