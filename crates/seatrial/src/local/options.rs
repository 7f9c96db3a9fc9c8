//! What the daemon is started with: the command line of `local serve`.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::owner::Owner;

/// What the daemon is started with.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ServeOptions {
    #[arg(long)]
    pub data_dir: PathBuf,
    /// The checkout whose commit the pipeline's source action takes.
    #[arg(long)]
    pub source: PathBuf,
    #[arg(long)]
    pub region: String,
    #[arg(long)]
    pub account: String,
    #[arg(long)]
    pub port: Option<u16>,
    #[arg(long, default_value_t = 60.0)]
    pub time_scale: f64,
    /// How long resources take.
    #[arg(long)]
    pub latencies: Option<PathBuf>,
    /// The process that it ends with.
    #[arg(long)]
    pub owner: Option<Owner>,
    /// A rehearsal's directory, removed when the owner has ended without removing it.
    #[arg(long)]
    pub throwaway: Option<PathBuf>,
}

impl ServeOptions {
    /// The command line that means these options.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = ["local", "serve"].map(OsString::from).into();
        let mut add = |name: &str, value: &OsStr| {
            arguments.push(format!("--{name}").into());
            arguments.push(value.to_owned());
        };
        add("data-dir", self.data_dir.as_os_str());
        add("source", self.source.as_os_str());
        add("region", self.region.as_ref());
        add("account", self.account.as_ref());
        add("time-scale", self.time_scale.to_string().as_ref());
        if let Some(port) = self.port {
            add("port", port.to_string().as_ref());
        }
        if let Some(latencies) = &self.latencies {
            add("latencies", latencies.as_os_str());
        }
        if let Some(owner) = self.owner {
            add("owner", owner.to_string().as_ref());
        }
        if let Some(throwaway) = &self.throwaway {
            add("throwaway", throwaway.as_os_str());
        }
        arguments
    }
}
