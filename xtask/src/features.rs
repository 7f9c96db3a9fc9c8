//! One set of features: what the image's builder shares with the tool is compiled once, behind `cargo build -p xtask`
//! as in CodeBuild's cache.

use std::collections::BTreeSet;
use std::process::Command;

use seatrial::Checking;

/// Every package that the image's builder is compiled with has the features that it has in the tool.
pub(crate) fn check(checking: &Checking<'_>) -> Result<(), String> {
    let (tool, builder) = (tree(checking, "xtask")?, tree(checking, "seatrial-image")?);
    let shared: BTreeSet<&str> = builder.iter().map(|line| package(line)).collect();
    let of_tool: BTreeSet<&String> = tool.iter().filter(|line| shared.contains(package(line))).collect();
    let of_builder: BTreeSet<&String> = builder.iter().collect();
    let differ: Vec<String> = of_tool.symmetric_difference(&of_builder).map(|line| (*line).clone()).collect();
    match differ.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "crates/seatrial-image/Cargo.toml: other features than in the tool, so that this is compiled twice:\n{}",
            differ.join("\n")
        )),
    }
}

/// `package version (features)`, one a line.
fn tree(checking: &Checking<'_>, package: &str) -> Result<BTreeSet<String>, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments =
        ["tree", "--locked", "--edges", "normal,build", "--prefix", "none", "--format", "{p}|{f}"];
    let mut tree = Command::new(cargo);
    tree.args(arguments).args(["--package", package]).current_dir(checking.root());
    let output = checking.running().output(tree)?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect())
}

fn package(line: &str) -> &str {
    line.split('|').next().unwrap_or(line)
}
