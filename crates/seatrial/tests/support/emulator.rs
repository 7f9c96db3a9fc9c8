//! A local cloud that the tool is pointed at by the variables of any AWS client: to the tool it is AWS, so that it
//! asks, refuses and keeps as it would there.

use std::process::Command;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_cloudformation::types::Tag;
use aws_sdk_s3::config::Credentials;
use serde_json::Value;

use super::{Ended, Project};

pub struct Emulator {
    pub project: Project,
    variables: Vec<(&'static str, String)>,
    runtime: tokio::runtime::Runtime,
    config: SdkConfig,
}

impl Emulator {
    #[track_caller]
    pub fn start() -> Self {
        let project = Project::below("project");
        let started = project.run(&["local", "start", "--port", "0", "--output", "json"]);
        assert_eq!(started.code, Some(0), "{}", started.stderr);
        let local: Value = serde_json::from_str(&started.stdout).unwrap();
        let text = |name: &str| local[name].as_str().unwrap().to_owned();
        let variables = vec![
            ("AWS_ENDPOINT_URL", text("endpoint")),
            ("AWS_REGION", text("region")),
            ("AWS_ACCESS_KEY_ID", text("access_key_id")),
            ("AWS_SECRET_ACCESS_KEY", text("secret_access_key")),
        ];
        let key = Credentials::new(text("access_key_id"), text("secret_access_key"), None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(text("region")))
            .endpoint_url(text("endpoint"))
            .credentials_provider(aws_sdk_s3::config::SharedCredentialsProvider::new(key))
            .build();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { project, variables, runtime, config }
    }

    /// The tool, with the variables of this emulator.
    pub fn xtask(&self, arguments: &[&str]) -> Command {
        let mut command = self.project.xtask(arguments);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.xtask(arguments).output().unwrap())
    }

    /// Makes a stack as `provision` of that project would, in environment `local`.
    #[track_caller]
    pub fn create_stack(&self, project: &str, short: &str, template: &str) {
        let client = aws_sdk_cloudformation::Client::new(&self.config);
        let tags =
            [("seatrial:project", project), ("seatrial:environment", "local"), ("seatrial:stack", short)];
        let tags = tags.map(|(key, value)| Tag::builder().key(key).value(value).build());
        let name = format!("{project}-local-{short}");
        let create =
            client.create_stack().stack_name(&name).template_body(template).set_tags(Some(tags.into()));
        self.runtime.block_on(create.send()).unwrap();
        loop {
            match self.status_of(&name).as_deref() {
                Some("CREATE_COMPLETE") => break,
                status => assert_eq!(status, Some("CREATE_IN_PROGRESS"), "{name}"),
            }
        }
    }

    /// The status of a stack that is there.
    pub fn status_of(&self, name: &str) -> Option<String> {
        let client = aws_sdk_cloudformation::Client::new(&self.config);
        let described = self.runtime.block_on(client.describe_stacks().stack_name(name).send()).ok()?;
        Some(described.stacks()[0].stack_status()?.as_str().to_owned())
    }

    #[track_caller]
    pub fn put_object(&self, bucket: &str, key: &str) {
        let client = aws_sdk_s3::Client::new(&self.config);
        let put = client.put_object().bucket(bucket).key(key).body(b"bytes".to_vec().into());
        self.runtime.block_on(put.send()).unwrap();
    }

    /// The keys in a bucket with all their versions; `None`: there is no such bucket.
    pub fn keys_of(&self, bucket: &str) -> Option<Vec<String>> {
        let client = aws_sdk_s3::Client::new(&self.config);
        let listed = self.runtime.block_on(client.list_object_versions().bucket(bucket).send()).ok()?;
        Some(listed.versions().iter().filter_map(|version| version.key()).map(str::to_owned).collect())
    }

    /// Where a project's builds took their sources from.
    #[track_caller]
    pub fn build_sources(&self, project: &str) -> Vec<String> {
        let client = aws_sdk_codebuild::Client::new(&self.config);
        let listed = self.runtime.block_on(client.list_builds_for_project().project_name(project).send());
        let get = client.batch_get_builds().set_ids(listed.unwrap().ids);
        let builds = self.runtime.block_on(get.send()).unwrap().builds.unwrap();
        builds.into_iter().filter_map(|build| build.source?.location).collect()
    }
}
