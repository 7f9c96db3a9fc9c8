//! `cargo xtask soak persons`: every command that a person types against an account, by people who may do no more than
//! `permissions --policy` prints for them, and by some who lack one action of it. The local cloud is AWS to an environment
//! with an account.

mod played;
mod recorded;

use seatrial::Running;

use super::scratch::Scratch;
use super::stage::Stage;

/// What each command was seen to need, for the tool to print.
const NEEDS: &str = "crates/seatrial/src/commands/permissions/needs.json";

/// A command, and who types it that may least.
struct Typed {
    person: &'static str,
    words: &'static [&'static str],
    must_go_well: bool,
}

const fn typed(person: &'static str, words: &'static [&'static str]) -> Typed {
    Typed { person, words, must_go_well: true }
}

/// One that may find something amiss.
const fn told(person: &'static str, words: &'static [&'static str]) -> Typed {
    Typed { person, words, must_go_well: false }
}

/// In their order.
const COMMANDS: [Typed; 15] = [
    told("operator", &["doctor"]),
    typed("operator", &["provision", "--yes"]),
    typed("reader", &["status"]),
    typed("reader", &["status", "--drift"]),
    typed("reader", &["diff"]),
    typed("reader", &["logs", "--since", "1h"]),
    typed("reader", &["logs", "--source", "build", "--since", "1h"]),
    typed("reader", &["logs", "--source", "deployment", "--since", "1h"]),
    typed("releaser", &["release"]),
    told("releaser", &["run", "--", "migrate"]),
    typed("releaser", &["rollback", "--yes"]),
    told("reader", &["explain"]),
    typed("operator", &["provision", "--yes"]),
    typed("reader", &["status"]),
    typed("operator", &["destroy", "--yes"]),
];

/// What is there to be done by the command of that number.
fn change(stage: &Stage<'_>, number: usize, words: &[&str]) -> Result<(), String> {
    match words {
        ["release"] => stage.scratch.change_a_line(1),
        ["provision", ..] if number > 1 => {
            stage.set("tasks: {min: 1, max: 3, cpu_target: 50}")?;
            stage.scratch.commit("Change the environment")
        }
        _ => Ok(()),
    }
}

/// Answers how many findings there were.
pub(super) fn play(running: &Running<'_>, renews: bool, (rounds, seed): (u64, u64)) -> Result<usize, String> {
    let scratch = Scratch::make(running)?;
    match renews {
        true => recorded::play(running, &scratch),
        false => played::play(running, &scratch, (rounds, seed)),
    }
}
