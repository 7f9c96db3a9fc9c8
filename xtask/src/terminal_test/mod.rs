//! `cargo xtask test-terminal`: every command on a real terminal. It needs tmux and minutes, so `check` does not run it.

mod tmux;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command as Process;
use std::time::{Duration, Instant};

use seatrial::Running;
use seatrial::clap::{Arg, ArgAction, ArgMatches, Command};
use seatrial::install::Package;

use self::tmux::Tmux;
use crate::own_routes::{asked, connection};
use crate::soak::Scratch;

const TMUX: Package = Package { program: "tmux", apt: "tmux", dnf: "tmux", apk: "tmux", brew: "tmux" };

/// What may be left of a command.
const MOST: usize = 40;
/// The first command compiles the application.
const PATIENCE: Duration = Duration::from_secs(1_200);
const POLL: Duration = Duration::from_millis(100);
const SIZE: (u16, u16) = (80, 24);
/// A screen is drawn anew once a second.
const DRAWN_ANEW: Duration = Duration::from_millis(2_500);
/// What a person may make of a window meanwhile.
const SIZES: [(u16, u16); 5] = [(100, 30), (60, 24), (80, 12), (40, 10), (80, 24)];

/// In this order, in an environment that is made by one of them and deleted by the last; and the exit code.
const COMMANDS: [(&str, i32); 12] = [
    ("doctor", 0),
    ("provision --yes", 0),
    ("status", 0),
    ("release --again", 0),
    ("release --again, which is rolled back", 4),
    ("explain", 0),
    ("rollback --yes", 0),
    ("destroy --yes", 0),
    ("rehearse --scenario deploy --rate 100", 0),
    ("rehearse --scenario unhealthy --scenario crash --rate 100", 0),
    ("rehearse --scenario deploy --rate 100 --verbose", 0),
    // Last, for it compiles all of the application.
    ("build-image", 0),
];

pub(crate) fn command() -> Command {
    let install = Arg::new("install-missing").long("install-missing").action(ArgAction::SetTrue);
    let only = Arg::new("only").long("only").value_name("WORD").action(ArgAction::Append);
    Command::new("test-terminal")
        .about("Runs every command in tmux, at 80x24 and while it is resized, and counts what each leaves")
        .arg(install.help("Install tmux"))
        .arg(only.help("Only the commands that begin with this; `resized`: that one"))
}

pub(crate) fn run(running: &Running<'_>, matches: &ArgMatches) -> Result<(), String> {
    running.needs(&TMUX, matches.get_flag("install-missing"))?;
    let only: Vec<&String> = matches.get_many("only").into_iter().flatten().collect();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|word| name.starts_with(word.as_str()));
    let scratch = Scratch::make(running)?;
    let mut wrong = Vec::new();
    for (words, code) in COMMANDS.into_iter().filter(|(words, _)| wanted(words)) {
        if running.is_interrupted() {
            return Err("interrupted".to_owned());
        }
        wrong.extend(counted(running, &scratch, words, code)?);
    }
    if wanted("resized") {
        wrong.extend(resized(running, &scratch)?);
    }
    scratch.reset(running);
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

fn tool(scratch: &Scratch, words: &str) -> Result<Process, String> {
    let program = std::env::current_exe().map_err(|error| format!("failed to find this program: {error}"))?;
    let mut command = Process::new(program);
    command.args(words.split(' ')).current_dir(scratch.checkout());
    for (name, _) in std::env::vars_os() {
        let misleads = |name: &str| name.starts_with("AWS_") || name.starts_with("XTASK_");
        if name.to_str().is_some_and(misleads) {
            command.env_remove(name);
        }
    }
    command.env("XTASK_LOCAL_DATA_DIR", scratch.data_dir()).env("TMPDIR", scratch.path());
    Ok(command)
}

/// One command to its end; answers what is wrong with what was seen of it, and says what is left.
fn counted(running: &Running<'_>, scratch: &Scratch, words: &str, code: i32) -> Result<Vec<String>, String> {
    let typed = words.split(',').next().unwrap_or(words);
    if typed != words {
        spoil(&scratch.data_dir())?;
    }
    let window = Tmux::run(scratch.path(), SIZE, &tool(scratch, typed)?)?;
    let (mut wrong, began) = (Vec::new(), Instant::now());
    let (mut highest, mut frames) = (0, 0);
    while window.ended().is_none() {
        let screen = window.screen()?;
        highest = highest.max(screen.len());
        frames += 1;
        wrong.extend(doubled(&screen).map(|twice| format!("`{words}`: {twice}: {screen:#?}")));
        wait(running, began)?;
    }
    let (ended, history) = (window.ended().unwrap_or_default(), window.history()?);
    let left = history.len();
    running.say(format_args!(
        "{words:<60} exit code {ended}, {left:>3} lines left, {frames:>4} looks, {highest} rows at most"
    ));
    if ended != code {
        wrong.push(format!("`{words}` ended with {ended}: {history:#?}"));
    }
    if left > MOST && !words.ends_with("--verbose") {
        wrong.push(format!("`{words}` leaves {left} lines: {history:#?}"));
    }
    wrong.extend(live(&history).map(|row| format!("`{words}` leaves a live line: {row}")));
    Ok(wrong)
}

/// A rehearsal in a window that changes its size, and Ctrl-C at its end.
fn resized(running: &Running<'_>, scratch: &Scratch) -> Result<Vec<String>, String> {
    let window = Tmux::run(scratch.path(), SIZE, &tool(scratch, "rehearse --scenario deploy")?)?;
    let (mut wrong, began) = (Vec::new(), Instant::now());
    for size in SIZES.into_iter().cycle().take(3 * SIZES.len()) {
        window.resize(size)?;
        let until = Instant::now() + DRAWN_ANEW;
        while Instant::now() < until {
            wait(running, began)?;
        }
        let screen = window.screen()?;
        if window.ended().is_some() {
            break;
        }
        wrong.extend(doubled(&screen).map(|twice| format!("at {size:?} {twice}: {screen:#?}")));
        if live(&screen).next().is_none() {
            wrong.push(format!("at {size:?} nothing is live: {screen:#?}"));
        }
    }
    window.key("C-c")?;
    while window.ended().is_none() {
        wait(running, began)?;
    }
    let (ended, screen) = (window.ended().unwrap_or_default(), window.screen()?);
    running.say(format_args!("resized {} times, then Ctrl-C: exit code {ended}", 3 * SIZES.len()));
    if ended != 130 {
        wrong.push(format!("after Ctrl-C the exit code is {ended}: {screen:#?}"));
    }
    wrong.extend(live(&screen).map(|row| format!("Ctrl-C leaves a live line: {row}: {screen:#?}")));
    Ok(wrong)
}

fn wait(running: &Running<'_>, began: Instant) -> Result<(), String> {
    if running.is_interrupted() {
        return Err("interrupted".to_owned());
    }
    if began.elapsed() > PATIENCE {
        return Err("a command does not end".to_owned());
    }
    std::thread::sleep(POLL);
    Ok(())
}

/// The live lines for all of what is done: a word, and how long it takes by now.
fn live(rows: &[String]) -> impl Iterator<Item = &String> {
    rows.iter().filter(|row| {
        let mut words = row.split(' ');
        let subject = words.next().unwrap_or_default();
        let elapsed = words.next().unwrap_or_default().trim_end_matches([',', ';']);
        let is_clock =
            elapsed.split(':').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
        !subject.is_empty() && elapsed.contains(':') && is_clock
    })
}

/// A live line that stands there twice: what was drawn before was not erased.
fn doubled(rows: &[String]) -> Option<String> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for row in live(rows) {
        *seen.entry(row.split(' ').next().unwrap_or_default()).or_default() += 1;
    }
    let twice = seen.into_iter().find(|(_, count)| *count > 1);
    twice.map(|(subject, _)| format!("the line of `{subject}` stands there twice"))
}

/// The next tasks answer no health check.
fn spoil(data_dir: &Path) -> Result<(), String> {
    asked(&connection(data_dir)?, ("POST", "/_local/faults"), r#"{"kind": "unhealthy"}"#).map(drop)
}
