//! `cargo xtask soak`: what is too long for `check`, played for as long as one likes. A seed makes the same rounds again.

mod interrupts;
mod leftovers;
mod progress;
mod scratch;

use seatrial::ExitStatus;
use seatrial::clap::{Arg, ArgMatches, Command, value_parser};

use self::progress::say;

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
                .action(seatrial::clap::ArgAction::Append)
                .help("Only this command; may be given more than once"),
        );
    Command::new("soak")
        .about("Plays what can go wrong, for hours: this repository's own")
        .subcommand_required(true)
        .subcommand(interrupts)
}

pub(crate) fn run(matches: &ArgMatches) -> ExitStatus {
    let Some(("interrupts", matches)) = matches.subcommand() else { return ExitStatus::Usage };
    let number = |name: &str| matches.get_one::<u64>(name).copied().unwrap_or_default();
    let only: Vec<String> = matches.get_many("only").into_iter().flatten().cloned().collect();
    match interrupts::play(number("rounds"), number("seed"), &only) {
        Ok(0) => ExitStatus::Done,
        Ok(findings) => {
            say(format_args!("{findings} findings"));
            ExitStatus::Failed
        }
        Err(why) => {
            say(format_args!("error: {why}"));
            ExitStatus::Unexpected
        }
    }
}
