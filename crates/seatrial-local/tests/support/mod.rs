//! A local cloud of its own for each test, and the official clients' way to it.

#![allow(dead_code, reason = "most test files use a part of it")]
#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

use std::path::PathBuf;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};
use seatrial_local::{LocalCloud, Options, Settings};
use tempfile::TempDir;

pub const REGION: &str = "eu-central-1";

/// A cloud on a free port. Its data goes when it is dropped.
pub struct Started {
    pub cloud: LocalCloud,
    dir: TempDir,
}

pub async fn start() -> Started {
    start_in(tempfile::tempdir().unwrap()).await
}

async fn start_in(dir: TempDir) -> Started {
    let settings = Settings {
        account: "000000000000".to_owned(),
        region: REGION.to_owned(),
        source: dir.path().join("checkout"),
        task_agent: Vec::new(),
    };
    let options = Options {
        data_dir: dir.path().join("data"),
        port: Some(0),
        settings,
        time_scale: 60.0,
        latencies: seatrial_local::Latencies::default(),
    };
    Started { cloud: LocalCloud::start(options).await.unwrap(), dir }
}

impl Started {
    /// Another process with the same data, as far as anybody can tell.
    pub async fn restarted(self) -> Self {
        self.cloud.stop().await;
        start_in(self.dir).await
    }

    /// A place in the test's own folder: `checkout` is the repository, `data` the cloud's.
    pub fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    /// The operator's.
    pub fn config(&self) -> SdkConfig {
        self.config_with_secret(&self.cloud.operator().secret_access_key)
    }

    pub fn config_with_secret(&self, secret: &str) -> SdkConfig {
        let key = &self.cloud.operator().access_key_id;
        let credentials = Credentials::new(key, secret, None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .endpoint_url(self.cloud.endpoint())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build()
    }
}
