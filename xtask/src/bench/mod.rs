//! `cargo xtask bench`: how fast the tool is beside others, on one local cloud in which resources take the time that
//! they take on AWS. Installs the others under `target/`; talks to nobody else.

mod chains;
mod measure;
mod own;
mod path;
mod place;
mod provision;
mod release;
mod report;
mod results;
mod tools;
mod waits;

use std::fs;

use seatrial::Running;
use seatrial::clap::builder::PossibleValuesParser;
use seatrial::clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

const RESULTS: &str = "docs/benchmarks.md";
const PARTS: [&str; 3] = ["chains", "growth", "own"];

pub(crate) fn command() -> Command {
    let write = Arg::new("write").long("write").action(ArgAction::SetTrue);
    let write = write.help("Write the results into docs/benchmarks.md too");
    let only = Arg::new("only").long("only").value_name("PART").action(ArgAction::Append);
    let provision = Command::new("provision")
        .about("Provisions the same stacks by this tool, the AWS CLI, Sceptre and CDK")
        .arg(write.clone())
        .arg(
            only.value_parser(PossibleValuesParser::new(PARTS))
                .help("Only this part; may be given more than once"),
        );
    let rounds = Arg::new("rounds").long("rounds").value_name("N").default_value("3");
    let release = Command::new("release")
        .about("Releases a one-line change of the sample application, phase by phase")
        .arg(write)
        .arg(rounds.value_parser(value_parser!(u64).range(1..)).help("How many releases are measured"));
    Command::new("bench")
        .about("Measures this tool, beside others and alone: this repository's own")
        .subcommand_required(true)
        .subcommand(provision)
        .subcommand(release)
}

pub(crate) fn run(running: &Running<'_>, matches: &ArgMatches) -> Result<(), String> {
    let Some((name, matches)) = matches.subcommand() else { return Err("no such benchmark".to_owned()) };
    let (text, between) = if name == "release" {
        let rounds = matches.get_one::<u64>("rounds").copied().unwrap_or(1);
        (release::measure(running, rounds)?, [release::BEGIN, release::END])
    } else {
        let only: Vec<String> = matches.get_many("only").into_iter().flatten().cloned().collect();
        let asked = |part: &str| only.is_empty() || only.iter().any(|one| one == part);
        let results = provision::measure(running, asked)?;
        (report::report(&results), [report::BEGIN, report::END])
    };
    if matches.get_flag("write") {
        write(&text, between)?;
        running.changes();
    }
    Ok(())
}

/// Puts the results in the place of the last ones.
fn write(text: &str, [begin, end]: [&str; 2]) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("failed to write `{RESULTS}`: {error}");
    let page = fs::read_to_string(RESULTS).map_err(failed)?;
    let lacking = || format!("`{RESULTS}` has no place for the results");
    let (before, rest) = page.split_once(begin).ok_or_else(lacking)?;
    let (_, after) = rest.split_once(end).ok_or_else(lacking)?;
    fs::write(RESULTS, format!("{before}{begin}\n{}\n{end}{after}", text.trim())).map_err(failed)
}
