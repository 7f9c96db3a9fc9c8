//! `cargo xtask soak`: what is too long for `check`, played for as long as one likes. A seed makes the same rounds again.

mod adoptions;
mod cases;
mod clean_root;
mod footprint;
mod in_a_row;
mod interrupts;
mod kills;
mod leftovers;
mod meanwhile;
mod operators;
mod permissions;
mod persons;
mod records;
mod releases;
mod scratch;
mod signs;
mod stage;
mod traffic;

use seatrial::Running;
use seatrial::clap::builder::PossibleValuesParser;
use seatrial::clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

pub(crate) use records::Records;
pub(crate) use scratch::Scratch;
pub(crate) use stage::{LOCAL, Stage};
pub(crate) use traffic::{last_lines, object};

/// How many requests a second users send who are there to be counted.
const RATE: &str = "500";

fn number(name: &'static str, default: &'static str) -> Arg {
    Arg::new(name).long(name).value_name("N").value_parser(value_parser!(u64)).default_value(default)
}

fn rate(default: &'static str) -> Arg {
    number("rate", default).value_parser(value_parser!(u64).range(1..=2_000)).help("Requests a second")
}

fn only(values: impl IntoIterator<Item = &'static str>) -> Arg {
    let only = Arg::new("only").long("only").value_name("NAME").action(ArgAction::Append);
    only.value_parser(PossibleValuesParser::new(values)).help("Only this one; may be given more than once")
}

pub(crate) fn command() -> Command {
    let clean_root = Command::new("clean-root")
        .about("Runs the generated buildspec in a root of Debian without Rust; as root, with debootstrap");
    let interrupts = Command::new("interrupts")
        .about("Interrupts commands at random moments, and looks for what they leave")
        .arg(number("rounds", "24").help("How many commands are interrupted"))
        .arg(number("seed", "1").help("Which commands, signals and moments"))
        .arg(only(interrupts::SUBJECTS.map(|subject| subject.name)));
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
    let releases = Command::new("releases")
        .about("Releases in each scenario and by each strategy, over HTTP and HTTPS, under load")
        .arg(number("rounds", "1").help("How often all of them are played"))
        .arg(number("seed", "1").help("In which order, and at which moments"))
        .arg(rate(RATE))
        .arg(only(cases::cases().into_iter().map(|case| case.name)));
    let in_a_row = Command::new("in-a-row")
        .about("Releases one commit after another under load, and looks for what grows")
        .arg(number("rounds", "50").help("How many releases are made"))
        .arg(rate("100"));
    let signs = Command::new("signs")
        .about("Measures how soon a release is stopped that goes wrong, with time as on AWS")
        .arg(only(signs::names()));
    let operators = Command::new("operators")
        .about("Lets two people release, provision and go back at once, under load")
        .arg(number("rounds", "50").help("How many pairs of commands are played"))
        .arg(number("seed", "1").help("Which commands, and at which moments"))
        .arg(
            number("first", "1").help("The number of the first round: a run that ended goes on where it was"),
        )
        .arg(rate("100"));
    let permissions = Command::new("permissions")
        .about("Takes a permission from a template, and rehearses: it must fail for that, and say so")
        .arg(number("rounds", "10").help("How many permissions are taken away, one in each"))
        .arg(number("seed", "1").help("Which ones"));
    let persons = Command::new("persons")
        .about("Types every command against an account with no more than the printed policies, or without one action")
        .arg(number("rounds", "10").help("How many actions are taken away, one in each"))
        .arg(number("seed", "1").help("Which"))
        .arg(
            Arg::new("renew")
                .long("renew")
                .action(ArgAction::SetTrue)
                .help("Write what each command needs, seen by who may do everything"),
        );
    let adoptions = Command::new("adoptions")
        .about("Takes applications of other people's in, each from a folder to a day with it")
        .arg(only(adoptions::CASES.iter().map(|case| case.name)));
    Command::new("soak")
        .about("Plays what can go wrong, for hours: this repository's own")
        .subcommand_required(true)
        .subcommand(adoptions)
        .subcommand(clean_root)
        .subcommand(in_a_row)
        .subcommand(interrupts)
        .subcommand(kills)
        .subcommand(operators)
        .subcommand(permissions)
        .subcommand(persons)
        .subcommand(releases)
        .subcommand(signs)
        .subcommand(traffic)
}

pub(crate) fn run(running: &Running<'_>, matches: &ArgMatches) -> Result<(), String> {
    let Some((name, matches)) = matches.subcommand() else { return Err("no such soak".to_owned()) };
    // Not every soak has all of them.
    let given = |name: &str| matches.try_get_one::<u64>(name).ok().flatten().copied();
    let number = |name: &str| given(name).unwrap_or(1);
    let (rounds, seed) = (number("rounds"), number("seed"));
    let rate = u32::try_from(number("rate")).unwrap_or(u32::MAX);
    let only = || matches.get_many("only").into_iter().flatten().cloned().collect::<Vec<String>>();
    let found = match name {
        "traffic" => traffic::play(running, (number("first"), rounds), seed)?,
        "clean-root" => clean_root::play(running)?,
        "kills" => kills::play(running, rounds, seed)?,
        "releases" => releases::play(running, &releases::Wanted { rounds, seed, rate, only: only() })?,
        "in-a-row" => in_a_row::play(running, rounds, rate)?,
        "adoptions" => adoptions::play(running, &only())?,
        "signs" => signs::play(running, &only())?,
        "persons" => persons::play(running, matches.get_flag("renew"), (rounds, seed))?,
        "permissions" => permissions::play(running, rounds, seed)?,
        "operators" => operators::play(running, (number("first"), rounds), (seed, rate))?,
        _ => interrupts::play(running, rounds, seed, &only())?,
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
