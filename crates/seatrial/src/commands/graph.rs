//! `cargo xtask graph`: the stacks, their order and where each parameter comes from. Calls nothing.

use super::provision::read_graph;
use crate::cli::Globals;
use crate::context::{find_root, load_environment};
use crate::outcome::Report;
use crate::plan::GraphView;

pub(crate) fn run(globals: &Globals) -> anyhow::Result<Report<GraphView>> {
    let root = find_root()?;
    let environment = load_environment(&root, globals)?;
    Ok(Report::done(read_graph(&root, &environment)?.view()))
}
