//! What can be typed of permissions.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Whose policy is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Person {
    /// Whoever provisions: everything
    Operator,
    /// Whoever releases, goes back, and looks
    Releaser,
    /// Whoever only looks: status, logs, explain
    Reader,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct PermissionsArgs {
    /// Fail where something was denied, is used by nothing, or is wider than what was used, and no reason stands in the
    /// template
    #[arg(long)]
    pub check: bool,
    /// Add what was used to infra/permissions.json, the list of what only rarer scenarios use
    #[arg(long, conflicts_with = "check")]
    pub renew: bool,
    /// Judge this record, as the last rehearsal or `GET /_local/permissions` of a local cloud has it
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// Judge what the local cloud that runs has seen, instead of the last rehearsal
    #[arg(long, conflicts_with = "from")]
    pub running: bool,
    /// Write the record into this file, for `--from`
    #[arg(long, value_name = "FILE")]
    pub save: Option<PathBuf>,
    /// Tell of each permission, not only of those that are amiss
    #[arg(long)]
    pub all: bool,
    /// Print the least policy that this person needs, as JSON
    #[arg(long, value_enum, conflicts_with_all = ["check", "renew", "from", "running", "all", "save"])]
    pub policy: Option<Person>,
}
