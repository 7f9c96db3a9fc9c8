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

use clap::Parser as _;

use crate::output::Printer;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
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
