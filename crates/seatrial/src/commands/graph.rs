//! `cargo xtask graph`: the stacks, their order and where each parameter comes from. Calls nothing.

use super::provision::read_graph;
use crate::cli::Globals;
use crate::context::{find_root, load_environment};
use crate::exit::ExitStatus;
use crate::output::Printer;

pub(crate) fn run(globals: Globals, printer: Printer) -> anyhow::Result<ExitStatus> {
    let root = find_root()?;
    let environment = load_environment(&root, &globals)?;
    let graph = read_graph(&root, &environment)?;
    printer.result(&graph.view())?;
    Ok(ExitStatus::Done)
}
