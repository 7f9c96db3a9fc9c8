//! `cargo xtask bench`: how fast the tool is beside others, on one local cloud in which resources take the time that
//! they take on AWS. Installs the others under `target/`; talks to nobody else.

mod chains;
mod measure;
mod own;
mod path;
mod place;
mod provision;
mod report;
mod results;
mod tools;

use std::fs;

use seatrial::Running;
use seatrial::clap::builder::PossibleValuesParser;
use seatrial::clap::{Arg, ArgAction, ArgMatches, Command};

const RESULTS: &str = "docs/benchmarks.md";
const PARTS: [&str; 3] = ["chains", "growth", "own"];

pub(crate) fn command() -> Command {
    let write = Arg::new("write").long("write").action(ArgAction::SetTrue);
    let only = Arg::new("only").long("only").value_name("PART").action(ArgAction::Append);
    let provision = Command::new("provision")
        .about("Provisions the same stacks by this tool, the AWS CLI, Sceptre and CDK")
        .arg(write.help("Write the results into docs/benchmarks.md too"))
        .arg(
            only.value_parser(PossibleValuesParser::new(PARTS))
                .help("Only this part; may be given more than once"),
        );
    Command::new("bench")
        .about("Measures this tool beside others: this repository's own")
        .subcommand_required(true)
        .subcommand(provision)
}

pub(crate) fn run(running: &Running<'_>, matches: &ArgMatches) -> Result<(), String> {
    let Some((_, matches)) = matches.subcommand() else { return Err("no such benchmark".to_owned()) };
    let only: Vec<String> = matches.get_many("only").into_iter().flatten().cloned().collect();
    let asked = |part: &str| only.is_empty() || only.iter().any(|one| one == part);
    let results = provision::measure(running, asked)?;
    let text = report::report(&results);
    if matches.get_flag("write") {
        write(&text)?;
        running.changes();
    }
    Ok(())
}

/// Puts the results in the place of the last ones.
fn write(text: &str) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("failed to write `{RESULTS}`: {error}");
    let page = fs::read_to_string(RESULTS).map_err(failed)?;
    let lacking = || format!("`{RESULTS}` has no place for the results");
    let (before, rest) = page.split_once(report::BEGIN).ok_or_else(lacking)?;
    let (_, after) = rest.split_once(report::END).ok_or_else(lacking)?;
    fs::write(RESULTS, format!("{before}{}\n{}\n{}{after}", report::BEGIN, text.trim(), report::END))
        .map_err(failed)
}
