//! `cargo xtask soak persons`: every command that a person types against an account, by people who may do no more than
//! `permissions --policy` prints for them, and by some who lack one action of it. The local cloud is AWS to an environment
//! with an account.

mod played;
mod recorded;
mod typed;

use seatrial::Running;

use super::scratch::Scratch;

/// Answers how many findings there were.
pub(super) fn play(running: &Running<'_>, renews: bool, (rounds, seed): (u64, u64)) -> Result<usize, String> {
    let scratch = Scratch::make(running)?;
    match renews {
        true => recorded::play(running, &scratch),
        false => played::play(running, &scratch, (rounds, seed)),
    }
}
