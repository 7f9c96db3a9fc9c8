//! `cargo seatrial`: the tool for whoever has no `cargo xtask`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // cargo hands its own subcommand on as the first argument.
    let mut arguments: Vec<_> = std::env::args_os().collect();
    if arguments.get(1).is_some_and(|argument| argument == "seatrial") {
        arguments.remove(1);
    }
    ExitCode::from(seatrial::Tool::new().called("cargo seatrial").run(arguments).code())
}
