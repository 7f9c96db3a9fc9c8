//! `cargo xtask`: see `cli.rs` for what it can do.

#![expect(dead_code, reason = "the commands that use it are being added")]

mod exit;

fn main() {}
