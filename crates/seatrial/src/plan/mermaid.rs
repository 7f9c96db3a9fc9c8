//! The graph as a Mermaid flowchart, for Markdown that is rendered: a node for each stack with what it takes from
//! project.yml, an edge for what it takes from another.

use std::fmt::Write as _;

use super::graph::{NodeId, Source};
use super::render::{GraphView, NodeView, describe};

/// A value that is longer is cut.
const WIDEST: usize = 60;

impl GraphView {
    /// The flowchart. Its ids are numbers, for `end` and others are words of Mermaid; every label is quoted.
    pub(crate) fn mermaid(&self) -> String {
        let mut chart = "flowchart LR\n".to_owned();
        for (at, node) in self.nodes.iter().enumerate() {
            let _ = writeln!(chart, "  n{at}[\"{}\"]", label(node));
        }
        for (at, node) in self.nodes.iter().enumerate() {
            for other in &node.after {
                let Some(from) = self.nodes.iter().position(|node| node.name == other.to_string()) else {
                    continue;
                };
                let taken = node.taken_from(other);
                let _ = match taken.is_empty() {
                    true => writeln!(chart, "  n{from} --> n{at}"),
                    false => writeln!(chart, "  n{from} -->|\"{}\"| n{at}", escaped(&taken.join(", "))),
                };
            }
        }
        chart
    }
}

impl NodeView {
    /// The parameters that another node's outputs fill; with `?` where such an output may be absent.
    pub(super) fn taken_from(&self, other: &NodeId) -> Vec<String> {
        let taken = self.parameters.iter().filter_map(|parameter| match &parameter.source {
            Source::Output { stack, conditional, .. } if *stack == other.to_string() => {
                Some(format!("{}{}", parameter.name, if *conditional { "?" } else { "" }))
            }
            _ => None,
        });
        taken.collect()
    }
}

fn label(node: &NodeView) -> String {
    let own = node.parameters.iter().filter(|parameter| !matches!(parameter.source, Source::Output { .. }));
    let own = own.map(|parameter| {
        let from = describe(&parameter.name, &parameter.source);
        format!("{}: {}", parameter.name, cut(&from))
    });
    let lines = std::iter::once(node.name.clone()).chain(own).map(|line| escaped(&line));
    lines.collect::<Vec<_>>().join("<br/>")
}

/// One line, of which the beginning is shown.
pub(super) fn cut(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(WIDEST) {
        Some((end, _)) => format!("{} ...", &line[..end]),
        None => line,
    }
}

/// Mermaid's entities are HTML's with `#` in the place of `&` (its documentation, "Entity codes to escape characters").
fn escaped(text: &str) -> String {
    let one = |c: char| match c {
        '"' | '#' | '<' | '>' | '&' | '`' | '\\' | '|' => format!("#{};", u32::from(c)),
        c if c.is_control() => " ".to_owned(),
        c => c.to_string(),
    };
    text.chars().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::render::ParameterView;

    fn node(name: &str, after: &[&str], parameters: Vec<(&str, Source)>) -> NodeView {
        let parameters = parameters.into_iter().map(|(name, source)| {
            let name = name.to_owned();
            ParameterView { name, source, no_echo: false }
        });
        NodeView {
            name: name.to_owned(),
            file: None,
            after: after.iter().map(|name| NodeId::Stack((*name).to_owned())).collect(),
            parameters: parameters.collect(),
        }
    }

    #[test]
    fn a_flowchart_has_ids_that_are_no_words_and_labels_that_end_nowhere_too_early() {
        let output = |conditional| Source::Output { stack: "end".to_owned(), conditional, default: None };
        let value = "say \"hi\" <b>#1</b>\n`x` | y".to_owned();
        let view = GraphView {
            nodes: vec![
                node("end", &[], vec![("Text", Source::Fact { value })]),
                node("service", &["end"], vec![("VpcId", output(false)), ("Url", output(true))]),
                node("graph", &["service"], Vec::new()),
            ],
        };

        let expected = "\
flowchart LR
  n0[\"end<br/>Text: say #34;hi#34; #60;b#62;#35;1#60;/b#62; #96;x#96; #124; y from infra/project.yml\"]
  n1[\"service\"]
  n2[\"graph\"]
  n0 -->|\"VpcId, Url?\"| n1
  n1 --> n2
";
        assert_eq!(view.mermaid(), expected);
    }
}
