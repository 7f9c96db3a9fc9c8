//! `cargo xtask`: Seatrial as this repository uses it, with the checks that are about this repository alone.

mod arrows;
mod bench;
mod circles;
mod features;
mod load;
mod modules;
mod names;
mod own_routes;
mod page_test;
mod rules;
mod scan;
mod soak;
mod terminal_test;
mod tokens;

use std::process::ExitCode;

use seatrial::install::Package;
use seatrial::{Check, Checking, Tool};

/// Pinned, as cfn-lint is.
const AWS_CLI: &str = "awscli==1.45.11";
/// A client of image registries that needs no engine.
const SKOPEO: Package =
    Package { program: "skopeo", apt: "skopeo", dnf: "skopeo", apk: "skopeo", brew: "skopeo" };

/// Follows a Dockerfile where there is no docker.
const BUILDAH: Package =
    Package { program: "buildah", apt: "buildah", dnf: "buildah", apk: "buildah", brew: "buildah" };

fn main() -> ExitCode {
    Tool::new()
        .command(bench::command(), bench::run)
        .command(page_test::command(), page_test::run)
        .command(scan::command(), scan::run)
        .command(soak::command(), soak::run)
        .command(terminal_test::command(), terminal_test::run)
        .check(Check::new("what the tests need", needs))
        .check(Check::new("house rules", rules::check))
        .check(Check::new("arrows between modules", arrows::check))
        .check(Check::new("circles between files", circles::check))
        .check(Check::new("one set of features", features::check))
        .check(Check::new("exceptions of the scan", scan::check))
        .check(Check::new("three rounds of the soak of traffic", |checking| {
            soak::three_rounds_of_traffic(&checking.running())
        }))
        .main()
}

/// Real parts: a database server, and clients that are not ours.
fn needs(checking: &Checking<'_>) -> Result<(), String> {
    checking.needs_postgres()?;
    checking.needs(&SKOPEO)?;
    checking.needs(&BUILDAH)?;
    checking.needs_python(AWS_CLI).map(drop)
}
