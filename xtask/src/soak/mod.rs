//! `cargo xtask soak`: what is too long for `check`, played for as long as one likes. A seed makes the same rounds again.

mod interrupts;
mod kills;
mod leftovers;
mod records;
mod scratch;
mod traffic;

use seatrial::Running;
use seatrial::clap::builder::PossibleValuesParser;
use seatrial::clap::{Arg, ArgMatches, Command, value_parser};

pub(crate) fn command() -> Command {
    let number = |name: &'static str, default: &'static str| {
        Arg::new(name).long(name).value_name("N").value_parser(value_parser!(u64)).default_value(default)
    };
    let interrupts = Command::new("interrupts")
        .about("Interrupts commands at random moments, and looks for what they leave")
        .arg(number("rounds", "24").help("How many commands are interrupted"))
        .arg(number("seed", "1").help("Which commands, signals and moments"))
        .arg(
            Arg::new("only")
                .long("only")
                .value_name("COMMAND")
                .value_parser(PossibleValuesParser::new(interrupts::SUBJECTS.map(|subject| subject.name)))
                .action(seatrial::clap::ArgAction::Append)
                .help("Only this command; may be given more than once"),
        );
    let kills = Command::new("kills")
        .about("Kills a provisioning, an update and a destroy at random moments, and runs each once more")
        .arg(number("rounds", "21").help("How many commands are killed"))
        .arg(number("seed", "1").help("Which moments"));
    let traffic = Command::new("traffic")
        .about("Edits what carries production, and fails, with releases at random moments under load")
        .arg(number("rounds", "20").help("How many edits are made"))
        .arg(number("seed", "1").help("Which edits, failures and moments"))
        .arg(
            number("first", "1").help("The number of the first round: a run that ended goes on where it was"),
        );
    Command::new("soak")
        .about("Plays what can go wrong, for hours: this repository's own")
        .subcommand_required(true)
        .subcommand(interrupts)
        .subcommand(kills)
        .subcommand(traffic)
}

pub(crate) fn run(running: &Running<'_>, matches: &ArgMatches) -> Result<(), String> {
    let Some((name, matches)) = matches.subcommand() else { return Err("no such soak".to_owned()) };
    let number = |name: &str| matches.get_one::<u64>(name).copied().unwrap_or_default();
    let (rounds, seed) = (number("rounds"), number("seed"));
    let found = match name {
        "traffic" => traffic::play(running, (number("first"), rounds), seed)?,
        "kills" => kills::play(running, rounds, seed)?,
        _ => {
            let only: Vec<String> = matches.get_many("only").into_iter().flatten().cloned().collect();
            interrupts::play(running, rounds, seed, &only)?
        }
    };
    none(running, (rounds, seed), found)
}

/// What `check` plays of the last commit: as many rounds as show that the soak itself still plays.
pub(crate) fn three_rounds_of_traffic(running: &Running<'_>) -> Result<(), String> {
    none(running, (3, 1), traffic::play(running, (1, 3), 1)?)
}

fn none(running: &Running<'_>, (rounds, seed): (u64, u64), found: usize) -> Result<(), String> {
    running.say(format_args!("{rounds} rounds with seed {seed}: {found} findings"));
    match found {
        0 => Ok(()),
        findings => Err(format!("{findings} findings")),
    }
}
