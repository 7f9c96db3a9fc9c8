//! `cargo xtask`: see `cli.rs` for what it can do.

mod aws;
mod cli;
mod commands;
mod context;
mod exit;
mod follow;
mod generate;
mod local;
mod output;
mod process;
mod project;
mod stacks;

use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{CommandFactory as _, FromArgMatches as _};

use crate::output::Printer;

/// Runs what was typed; the exit code is one of `docs/exit-codes.md`.
pub fn main() -> ExitCode {
    let cli = read_command_line();
    let printer = Printer::new(cli.globals.output);
    let result = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(commands::run(cli, printer.clone())),
        Err(error) => Err(error.into()),
    };
    let status = result.unwrap_or_else(|error| {
        printer.error(&error);
        exit::status_of(&error)
    });
    ExitCode::from(status.code())
}

/// What was typed; ends the program after `--help` and where it cannot be understood.
fn read_command_line() -> cli::Cli {
    let matches = cli::Cli::command().get_matches();
    let typed = matches.value_source("environment") == Some(ValueSource::CommandLine);
    let mut cli = cli::Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    cli.globals.environment_typed = typed;
    cli
}
