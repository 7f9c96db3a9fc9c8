//! The one place where AWS clients are built.

use std::sync::OnceLock;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_sdk_sts::config::{Credentials, SharedHttpClient};

use super::changes::NoteChanges;
use crate::session::Changes;
use seatrial_project::is_loopback;

/// The clients of one account and region, each made when first used.
pub(crate) struct Aws {
    config: SdkConfig,
    local: bool,
    ended: Option<Ended>,
    changes: NoteChanges,
    cloudformation: OnceLock<aws_sdk_cloudformation::Client>,
    cloudwatchlogs: OnceLock<aws_sdk_cloudwatchlogs::Client>,
    codebuild: OnceLock<aws_sdk_codebuild::Client>,
    codeconnections: OnceLock<aws_sdk_codeconnections::Client>,
    codedeploy: OnceLock<aws_sdk_codedeploy::Client>,
    codepipeline: OnceLock<aws_sdk_codepipeline::Client>,
    ecr: OnceLock<aws_sdk_ecr::Client>,
    ecs: OnceLock<aws_sdk_ecs::Client>,
    elasticloadbalancingv2: OnceLock<aws_sdk_elasticloadbalancingv2::Client>,
    s3: OnceLock<aws_sdk_s3::Client>,
    sts: OnceLock<aws_sdk_sts::Client>,
}

/// Says that the cloud on this machine has ended, once it has.
pub(crate) type Ended = Box<dyn Fn() -> Option<String> + Send + Sync>;

/// Where to find AWS.
pub(crate) enum Target {
    /// The local cloud, with the key it made for its operator.
    Local { endpoint: String, region: String, access_key_id: String, secret_access_key: String, ended: Ended },
    /// AWS itself, with credentials found as every SDK finds them.
    Account { region: String },
}

impl Aws {
    /// Resolves credentials' sources; makes no call. What later calls change is noted in `changes`. Each call names
    /// the command in its user agent (`app/seatrial-COMMAND`): CloudTrail then tells it, and the local cloud knows which
    /// permissions a command needs.
    pub(crate) async fn connect(target: Target, command: &str, changes: Changes) -> Self {
        let retries = RetryConfig::adaptive().with_max_attempts(6);
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(5))
            .operation_attempt_timeout(Duration::from_secs(60))
            .build();
        let loader =
            aws_config::defaults(BehaviorVersion::latest()).retry_config(retries).timeout_config(timeouts);
        let loader = match AppName::new(format!("seatrial-{command}")) {
            Ok(name) => loader.app_name(name),
            Err(_) => loader,
        };
        let local = matches!(target, Target::Local { .. }) || endpoint_is_loopback();
        let loader = match local {
            true => loader.http_client(direct_client()),
            false => loader,
        };
        let (loader, ended) = match target {
            Target::Account { region } => (loader.region(Region::new(region)), None),
            Target::Local { endpoint, region, access_key_id, secret_access_key, ended } => {
                let key = Credentials::new(access_key_id, secret_access_key, None, None, "local cloud");
                // What the user chose for AWS's own endpoints, the SDK refuses beside a given one.
                let loader = loader.use_fips(false).use_dual_stack(false).region(Region::new(region));
                (loader.endpoint_url(endpoint).credentials_provider(key), Some(ended))
            }
        };
        Self { ended, ..Self::new(loader.load().await, local, changes) }
    }

    pub(super) fn new(config: SdkConfig, local: bool, changes: Changes) -> Self {
        Self {
            config,
            local,
            ended: None,
            changes: NoteChanges(changes),
            cloudformation: OnceLock::new(),
            cloudwatchlogs: OnceLock::new(),
            codebuild: OnceLock::new(),
            codeconnections: OnceLock::new(),
            codedeploy: OnceLock::new(),
            codepipeline: OnceLock::new(),
            ecr: OnceLock::new(),
            ecs: OnceLock::new(),
            elasticloadbalancingv2: OnceLock::new(),
            s3: OnceLock::new(),
            sts: OnceLock::new(),
        }
    }

    /// For the crates that build their own client from the same configuration.
    pub(crate) fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// What notes a call that writes.
    pub(super) fn noted(&self) -> NoteChanges {
        self.changes.clone()
    }

    /// For a call that is known to change nothing although its name says otherwise: it is not noted.
    pub(super) fn unnoted_cloudformation(&self) -> aws_sdk_cloudformation::Client {
        aws_sdk_cloudformation::Client::new(&self.config)
    }

    /// True for a cloud on this machine, which may be asked as often as one likes.
    pub(crate) fn is_local(&self) -> bool {
        self.local
    }

    /// Says that a cloud on this machine has ended, where that can be known: then no error passes.
    pub(crate) fn has_ended(&self) -> Option<String> {
        self.ended.as_ref().and_then(|ended| ended())
    }

    /// The region calls go to.
    pub(crate) fn region(&self) -> &str {
        self.config.region().map_or("", Region::as_ref)
    }
}

/// Whether the endpoint that every SDK honours is on this machine.
pub(crate) fn endpoint_is_loopback() -> bool {
    endpoint().is_some_and(|endpoint| endpoint.host().is_some_and(is_loopback))
}

/// Whether that endpoint is this one, `http://127.0.0.1:PORT`, by whatever name of this machine.
pub(crate) fn endpoint_is(own: &str) -> bool {
    let port = |uri: &http::Uri| uri.port_u16();
    let own = own.parse::<http::Uri>().ok().as_ref().and_then(port);
    own.is_some() && endpoint_is_loopback() && endpoint().as_ref().and_then(port) == own
}

fn endpoint() -> Option<http::Uri> {
    std::env::var("AWS_ENDPOINT_URL").unwrap_or_default().parse().ok()
}

/// A client that knows no proxy: HTTP_PROXY and the like are for addresses beyond this machine.
fn direct_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new().build_http()
}

/// One accessor a service.
macro_rules! clients {
    ($($name:ident: $sdk:ident),* $(,)?) => {
        impl Aws {
            $(
                pub(super) fn $name(&self) -> &$sdk::Client {
                    self.$name.get_or_init(|| {
                        let config = $sdk::config::Builder::from(&self.config);
                        $sdk::Client::from_conf(config.interceptor(self.changes.clone()).build())
                    })
                }
            )*
        }
    };
}

clients! {
    cloudformation: aws_sdk_cloudformation,
    cloudwatchlogs: aws_sdk_cloudwatchlogs,
    codebuild: aws_sdk_codebuild,
    codeconnections: aws_sdk_codeconnections,
    codedeploy: aws_sdk_codedeploy,
    codepipeline: aws_sdk_codepipeline,
    ecr: aws_sdk_ecr,
    ecs: aws_sdk_ecs,
    elasticloadbalancingv2: aws_sdk_elasticloadbalancingv2,
    s3: aws_sdk_s3,
    sts: aws_sdk_sts,
}
