//! `cargo xtask`: Seatrial, as this repository uses it.

use std::process::ExitCode;

fn main() -> ExitCode {
    seatrial::main()
}
