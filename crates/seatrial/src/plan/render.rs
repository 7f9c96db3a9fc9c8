//! The graph as text: every node, what it waits for, and the source of each value.

use std::fmt;

use seatrial_project::PROJECT_FILE;
use serde::Serialize;

use super::graph::{Graph, NodeId, Source};

/// The graph as `graph` shows it; `Display` is the text form.
#[derive(Debug, Serialize)]
pub(crate) struct GraphView {
    pub(crate) nodes: Vec<NodeView>,
}

#[derive(Debug, Serialize)]
pub(crate) struct NodeView {
    pub(crate) name: String,
    /// The template's path; none for what no template holds.
    pub(crate) file: Option<String>,
    pub(crate) after: Vec<NodeId>,
    pub(crate) parameters: Vec<ParameterView>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ParameterView {
    pub(crate) name: String,
    pub(crate) source: Source,
    /// A secret: its value is not shown.
    pub(crate) no_echo: bool,
}

impl Graph {
    /// Everything that `graph` prints.
    pub(crate) fn view(&self) -> GraphView {
        GraphView { nodes: self.order().iter().map(|id| self.node_view(id)).collect() }
    }

    fn node_view(&self, id: &NodeId) -> NodeView {
        let template = match id {
            NodeId::Stack(name) => self.template(name),
            _ => None,
        };
        let sources = self.inputs(id).into_iter().flat_map(|inputs| &inputs.sources);
        let parameters = sources.map(|(name, source)| {
            let parameter = template.and_then(|template| template.parameter(name));
            let no_echo = parameter.is_some_and(|parameter| parameter.no_echo);
            let source = if no_echo { hidden(source) } else { source.clone() };
            ParameterView { name: name.clone(), source, no_echo }
        });
        NodeView {
            name: id.to_string(),
            file: template.map(|template| template.path.clone()),
            after: self.after(id).cloned().collect(),
            parameters: parameters.collect(),
        }
    }
}

fn hidden(source: &Source) -> Source {
    let value = "****".to_owned();
    match source {
        Source::Setting { key, .. } => Source::Setting { key: key.clone(), value },
        Source::Fact { .. } => Source::Fact { value },
        Source::Default { .. } => Source::Default { value },
        Source::Output { .. } => source.clone(),
    }
}

impl fmt::Display for GraphView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lengths =
            self.nodes.iter().flat_map(|node| &node.parameters).map(|parameter| parameter.name.len());
        let width = lengths.max().unwrap_or(0);
        for (index, node) in self.nodes.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{}", node.name)?;
            if !node.after.is_empty() {
                let after: Vec<String> = node.after.iter().map(ToString::to_string).collect();
                write!(f, " <- {}", after.join(", "))?;
            }
            if let Some(file) = &node.file {
                write!(f, "  ({file})")?;
            }
            writeln!(f)?;
            for parameter in &node.parameters {
                writeln!(f, "  {:width$}  {}", parameter.name, describe(&parameter.name, &parameter.source))?;
            }
        }
        Ok(())
    }
}

/// Where a value comes from, and what it is where that is known.
pub(super) fn describe(name: &str, source: &Source) -> String {
    match source {
        Source::Setting { key, value } => format!("{value}  from {PROJECT_FILE}, parameters `{key}`"),
        Source::Fact { value } => format!("{value}  from {PROJECT_FILE}"),
        Source::Output { stack, conditional: true, default: Some(default) } => {
            format!("output {stack}.{name}, {default:?} if absent")
        }
        Source::Output { stack, conditional: true, .. } => format!("output {stack}.{name}, may be absent"),
        Source::Output { stack, .. } => format!("output {stack}.{name}"),
        Source::Default { value } if value.is_empty() => "\"\"  default".to_owned(),
        Source::Default { value } => format!("{value}  default"),
    }
}
