//! `cargo xtask graph`: the stacks, their order and where each parameter comes from. Calls nothing.

use std::path::Path;

use seatrial_git::Git;
use seatrial_project::{Environment, Project};

use crate::cli::Globals;
use crate::context::{find_root, load_environment};
use crate::outcome::Report;
use crate::plan::GraphView;
use crate::plan::graph::Graph;

pub(crate) fn run(globals: &Globals) -> anyhow::Result<Report<GraphView>> {
    let root = find_root()?;
    let environment = load_environment(&root, globals)?;
    Ok(Report::done(read(&root, &environment)?.view()))
}

/// The graph of the environment, from the templates and project.yml as they are in the tree.
pub(super) fn read(root: &Path, environment: &Environment) -> anyhow::Result<Graph> {
    let project = Project::load(root)?;
    // On AWS the source is the whole repository: the build must be told where in it the project is.
    let inside = Git::find(root)?.map(|git| git.inside().to_string_lossy().into_owned());
    let environment = Environment { directory: inside.unwrap_or_default(), ..environment.clone() };
    Ok(Graph::infer(crate::plan::load(root)?, &project, &environment)?)
}
