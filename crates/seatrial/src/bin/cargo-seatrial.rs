//! `cargo seatrial`: the tool for whoever has no `cargo xtask`.

fn main() -> std::process::ExitCode {
    seatrial::main()
}
