//! The steps of the pipeline's stage Deploy, as subcommands of the program.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use aws_config::BehaviorVersion;
use clap::{Args, Subcommand, ValueEnum};
use seatrial_ask::Address;
use seatrial_image::check::{
    self, Checking, Deployer, Door, Group, TestListener, local_address, own_address,
};
use seatrial_image::one_off::{Clients, Network, OneOff, Pace, definition};
use seatrial_image::{ImageError, image_of};
use seatrial_project::{Check, is_loopback};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::say::report;

/// Steps of the pipeline's stage Deploy; the stack `deployment` gives their arguments as variables of the build.
#[derive(Debug, Subcommand)]
pub(crate) enum Step {
    /// Runs the new image with another command, before any traffic goes to it.
    Migrate(MigrateArguments),
    /// Asks the new tasks before any traffic goes to them, and lets their deployment go on, or stops it.
    Check(Box<CheckArguments>),
}

#[derive(Debug, Args)]
pub(crate) struct MigrateArguments {
    /// Directory with the build's imageDetail.json and taskdef.json.
    #[arg(long, value_name = "DIR", env = "CODEBUILD_SRC_DIR_BuildOutput")]
    artifacts: PathBuf,
    /// Takes the place of the image's command: a JSON list of words.
    #[arg(long, value_name = "JSON", env = "MIGRATE_COMMAND")]
    command: Words,
    /// Family of the task definitions that migrate.
    #[arg(long, env = "MIGRATE_FAMILY")]
    family: String,
    /// Minutes after which the task is stopped.
    #[arg(long, env = "MIGRATE_TIMEOUT_MINUTES", default_value_t = 60)]
    timeout_minutes: u32,
    #[command(flatten)]
    place: PlaceArguments,
}

/// Where tasks run, as the service's do.
#[derive(Debug, Args)]
struct PlaceArguments {
    /// Cluster of the service.
    #[arg(long, env = "CLUSTER_NAME")]
    cluster: String,
    /// Subnets of the tasks, separated by commas.
    #[arg(long, env = "SUBNET_IDS", value_delimiter = ',', required = true)]
    subnets: Vec<String>,
    /// Security groups of the tasks, separated by commas.
    #[arg(long, env = "SECURITY_GROUP_IDS", value_delimiter = ',', required = true)]
    security_groups: Vec<String>,
    /// Whether tasks have public addresses.
    #[arg(long, env = "ASSIGN_PUBLIC_IP", value_enum)]
    public_address: PublicAddress,
    /// The build that asks: it starts one task, however often it asks.
    #[arg(long, env = "CODEBUILD_BUILD_ID")]
    build: Option<String>,
}

/// As ECS spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "UPPERCASE")]
enum PublicAddress {
    Enabled,
    Disabled,
}

/// A command, word by word.
#[derive(Debug, Clone)]
struct Words(Vec<String>);

impl FromStr for Words {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(text).map(Self)
    }
}

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// Directory with the build's imageDetail.json and taskdef.json.
    #[arg(long, value_name = "DIR", env = "CODEBUILD_SRC_DIR_BuildOutput")]
    artifacts: PathBuf,
    /// What has to hold: a JSON list.
    #[arg(long, value_name = "JSON", env = "CHECKS")]
    checks: Checks,
    /// Family of the task definitions of checks that are commands.
    #[arg(long, env = "CHECK_FAMILY")]
    family: String,
    /// CodeDeploy's application.
    #[arg(long, env = "APPLICATION_NAME")]
    application: String,
    /// Its deployment group.
    #[arg(long, env = "DEPLOYMENT_GROUP_NAME")]
    group: String,
    /// Where users reach the application: scheme and name count.
    #[arg(long, env = "APPLICATION_URL")]
    url: String,
    /// The load balancer's own name.
    #[arg(long, env = "LOAD_BALANCER_DNS_NAME")]
    load_balancer: String,
    /// The load balancer's security group, opened to this build's address meanwhile.
    #[arg(long, env = "LOAD_BALANCER_SECURITY_GROUP_ID")]
    security_group: String,
    /// Port of the test listener.
    #[arg(long, env = "TEST_LISTENER_PORT")]
    port: u16,
    /// Minutes that a deployment may take to be ready.
    #[arg(long, env = "CHECK_TIMEOUT_MINUTES", default_value_t = 90)]
    timeout_minutes: u32,
    /// The address that this build's requests come from [default: as the world sees it]. A local cloud gives each build one.
    #[arg(long, env = "LOCAL_CLOUD_BUILD_ADDRESS")]
    address: Option<Ipv4Addr>,
    /// File of certificate authorities to trust besides the system's.
    #[arg(long, env = "LOCAL_CLOUD_AUTHORITY")]
    authority: Option<PathBuf>,
    #[command(flatten)]
    place: PlaceArguments,
}

/// What has to hold.
#[derive(Debug, Clone)]
struct Checks(Vec<Check>);

impl FromStr for Checks {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(text).map(Self)
    }
}

impl Step {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        // Heard from the beginning: a build that is ended must not leave a task behind.
        let (mut terminated, mut interrupted) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let stop = CancellationToken::new();
        let heard = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = terminated.recv() => {}
                _ = interrupted.recv() => {}
            }
            heard.cancel();
        });
        match self {
            Self::Migrate(step) => step.run(&stop).await,
            Self::Check(step) => step.run(&stop).await,
        }
    }
}

impl PlaceArguments {
    /// Runs the new image with another command in a family of its own.
    async fn task(
        &self,
        what: &'static str,
        (artifacts, family): (&Path, &str),
        (command, timeout_minutes): (Vec<String>, u32),
        stop: &CancellationToken,
    ) -> Result<(), ImageError> {
        // Of the build's id, which is behind the project's name, and of what is run: one build asks for several tasks.
        let id = self.build.as_ref().and_then(|build| Some(build.rsplit_once(':')?.1.to_owned()));
        let words = command.join(" ");
        let token = id.map(|id| format!("{id}-{:08x}", crc32fast::hash(words.as_bytes())));
        let task = OneOff {
            what,
            definition: definition(artifacts, (what, family), command)?,
            cluster: self.cluster.clone(),
            network: Network {
                subnets: self.subnets.clone(),
                security_groups: self.security_groups.clone(),
                public_address: self.public_address == PublicAddress::Enabled,
            },
            token,
            patience: Duration::from_secs(60 * u64::from(timeout_minutes)),
            pace: Pace::default(),
        };
        task.run(&Clients::from_env().await, &report, stop.cancelled()).await
    }
}

impl MigrateArguments {
    async fn run(self, stop: &CancellationToken) -> anyhow::Result<()> {
        let Words(command) = self.command;
        let from = (self.artifacts.as_path(), self.family.as_str());
        self.place.task("migrate", from, (command, self.timeout_minutes), stop).await?;
        report("migrated");
        Ok(())
    }
}

/// A check that is a task may take this long.
const MINUTES_A_CHECK: u32 = 15;

impl CheckArguments {
    async fn run(self, stop: &CancellationToken) -> anyhow::Result<()> {
        let image = image_of(&self.artifacts)?;
        let config = aws_config::defaults(BehaviorVersion::latest()).load().await;
        let endpoint = config.endpoint_url().filter(|endpoint| is_local(endpoint));
        let load_balancer = match endpoint {
            Some(endpoint) => local_address(endpoint, self.port).await.map_err(anyhow::Error::msg)?,
            None => format!("{}:{}", self.load_balancer, self.port),
        };
        // An address is connected to as it stands, whatever the load balancer is: there is no name to look up.
        let url = match self.url.split_once("://") {
            Some((scheme, _)) if is_local(&self.url) => format!("{scheme}://{load_balancer}"),
            _ => self.url.trim_end_matches('/').to_owned(),
        };
        let own = match self.address {
            Some(address) => address,
            None => own_address().await?,
        };
        let trusted = self.authority.as_ref().map(std::fs::read).transpose()?.unwrap_or_default();
        let Checks(checks) = self.checks.clone();
        let checking = Checking {
            checks,
            image,
            deployer: Deployer {
                codedeploy: aws_sdk_codedeploy::Client::new(&config),
                ecs: aws_sdk_ecs::Client::new(&config),
            },
            group: Group { application: self.application.clone(), name: self.group.clone() },
            listener: TestListener {
                address: Address { url, load_balancer, trusted },
                own: self.address.map(IpAddr::V4),
            },
            door: Some(Door::new(config, (self.security_group.clone(), self.port), own)),
            patience: Duration::from_secs(60 * u64::from(self.timeout_minutes)),
            pace: check::Pace::default(),
            report: &report,
        };
        let task = async |command: &[String]| {
            let from = (self.artifacts.as_path(), self.family.as_str());
            self.place.task("check", from, (command.to_vec(), MINUTES_A_CHECK), stop).await
        };
        Ok(checking.run(task, stop.cancelled()).await?)
    }
}

/// Whether it is a cloud on this machine.
fn is_local(endpoint: &str) -> bool {
    let authority = endpoint.parse::<http::Uri>().ok().and_then(|uri| uri.host().map(str::to_owned));
    authority.is_some_and(|host| is_loopback(&host))
}
