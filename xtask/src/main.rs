//! `cargo xtask`: see `cli.rs` for what it can do.

#![expect(dead_code, unused_imports, reason = "the commands that use it are being added")]

mod aws;
mod exit;
mod follow;
mod local;
mod output;

fn main() {}
