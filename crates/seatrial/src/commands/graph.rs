//! `cargo xtask graph`: the stacks, their order and where each parameter comes from. Calls nothing.

use std::fmt;
use std::path::Path;

use seatrial_git::Git;
use seatrial_project::{Environment, Project};
use serde::Serialize;

use crate::cli::{Globals, GraphArgs, GraphFormat};
use crate::context::{find_root, load_environment};
use crate::exit::Refused;
use crate::outcome::Report;
use crate::output::Format;
use crate::plan::GraphView;
use crate::plan::graph::Graph;

/// The graph, and how its text is drawn.
#[derive(Serialize)]
#[serde(transparent)]
pub(crate) struct Drawn {
    view: GraphView,
    #[serde(skip)]
    format: GraphFormat,
}

impl fmt::Display for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.format {
            GraphFormat::Text => self.view.fmt(f),
            GraphFormat::Mermaid => f.write_str(&self.view.mermaid()),
            GraphFormat::Svg => f.write_str(&self.view.svg()),
        }
    }
}

pub(crate) fn run(globals: &Globals, args: &GraphArgs) -> anyhow::Result<Report<Drawn>> {
    if args.format.is_some() && globals.output == Format::Json {
        let refused = Refused::new("`--format` is a form of the text, and `--output json` asks for no text");
        return Err(refused.hint("leave one of them out").into());
    }
    let root = find_root()?;
    let environment = load_environment(&root, globals)?;
    let view = read(&root, &environment)?.view();
    Ok(Report::done(Drawn { view, format: args.format.unwrap_or(GraphFormat::Text) }))
}

/// The graph of the environment, from the templates and project.yml as they are in the tree.
pub(super) fn read(root: &Path, environment: &Environment) -> anyhow::Result<Graph> {
    let project = Project::load(root)?;
    // On AWS the source is the whole repository: the build must be told where in it the project is.
    let inside = Git::find(root)?.map(|git| git.inside().to_string_lossy().into_owned());
    let environment = Environment { directory: inside.unwrap_or_default(), ..environment.clone() };
    Ok(Graph::infer(crate::plan::load(root)?, &project, &environment)?)
}
