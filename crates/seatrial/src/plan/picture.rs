//! The graph as a picture: an SVG file that loads nothing and follows the reader's choice of dark or light.

mod layout;

use std::fmt::Write as _;

use quick_xml::escape::escape;

use self::layout::{Layout, Size};
use super::mermaid::cut;
use super::render::{GraphView, NodeView, describe};

/// What a character and a line take, in a font of 12 pixels.
const CHARACTER: f64 = 6.7;
const LINE: f64 = 16.0;
const MARGIN: f64 = 10.0;

const STYLE: &str = "
svg { color-scheme: light dark; background: #ffffff; font: 12px ui-monospace, monospace; }
rect { fill: #f6f8fa; stroke: #8c959f; } text { fill: #1f2328; } .name { font-weight: bold; }
path { fill: none; stroke: #8c959f; stroke-width: 1.5; } path:hover { stroke: #1f5fb4; stroke-width: 3; }
#head path { fill: #8c959f; stroke: none; }
@media (prefers-color-scheme: dark) {
  svg { background: #0d1117; } rect { fill: #161b22; stroke: #6e7681; } text { fill: #f0f6fc; }
  path { stroke: #6e7681; } path:hover { stroke: #78aef5; } #head path { fill: #6e7681; }
}
";

impl GraphView {
    /// The picture: a box for each node with the source of each of its parameters, an arrow for each edge with what goes
    /// along it as a tooltip.
    pub(crate) fn svg(&self) -> String {
        let boxes: Vec<Vec<String>> = self.nodes.iter().map(lines).collect();
        let sizes: Vec<Size> = boxes.iter().map(|lines| size(lines)).collect();
        let position = |name: &str| self.nodes.iter().position(|node| node.name == name);
        let after = |node: &NodeView| node.after.iter().filter_map(|id| position(&id.to_string())).collect();
        let layout = Layout::of(&sizes, &self.nodes.iter().map(after).collect::<Vec<_>>());
        let (width, height) = (layout.width + 2.0 * MARGIN, layout.height + 2.0 * MARGIN);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"{0:.0} {0:.0} {width:.0} {height:.0}\" role=\"img\">\n<title>stacks</title>\n\
             <style>{STYLE}</style>\n<defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" \
             markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n",
            -MARGIN
        );
        for edge in &layout.edges {
            let (from, to) = (&self.nodes[edge.from], &self.nodes[edge.to]);
            let taken = to.after.iter().find(|id| id.to_string() == from.name).map(|id| to.taken_from(id));
            let taken = taken.unwrap_or_default().join(", ");
            let told = written(&format!("{} to {}: {taken}", from.name, to.name));
            let told = told.trim_end_matches([':', ' ']);
            let _ = writeln!(
                svg,
                "<path d=\"{}\" marker-end=\"url(#head)\"><title>{told}</title></path>",
                curve(&edge.points)
            );
        }
        for ((lines, size), place) in boxes.iter().zip(&sizes).zip(&layout.places) {
            draw_box(&mut svg, lines, *size, *place);
        }
        svg.push_str("</svg>\n");
        svg
    }
}

fn draw_box(svg: &mut String, lines: &[String], size: Size, (x, y): (f64, f64)) {
    let _ = writeln!(
        svg,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"4\"/>",
        size.width, size.height
    );
    let mut below = y + LINE;
    for (at, line) in lines.iter().enumerate() {
        let class = if at == 0 { " class=\"name\"" } else { "" };
        let _ = writeln!(svg, "<text{class} x=\"{:.1}\" y=\"{below:.1}\">{}</text>", x + 8.0, written(line));
        below += LINE;
    }
}

/// What stands in the box of a node.
fn lines(node: &NodeView) -> Vec<String> {
    let parameters = node.parameters.iter().map(|parameter| {
        format!("{}: {}", parameter.name, cut(&describe(&parameter.name, &parameter.source)))
    });
    std::iter::once(node.name.clone()).chain(parameters).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a line has less than a hundred characters")]
fn size(lines: &[String]) -> Size {
    let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    Size { width: longest as f64 * CHARACTER + 20.0, height: lines.len() as f64 * LINE + 10.0 }
}

/// A line through these points, that leaves and reaches each of them level.
fn curve(points: &[(f64, f64)]) -> String {
    let mut path = String::new();
    for (at, (x, y)) in points.iter().enumerate() {
        let _ = match at.checked_sub(1).and_then(|before| points.get(before)) {
            None => write!(path, "M{x:.1} {y:.1}"),
            Some((from, level)) => {
                let middle = f64::midpoint(*from, *x);
                write!(path, "C{middle:.1} {level:.1} {middle:.1} {y:.1} {x:.1} {y:.1}")
            }
        };
    }
    path
}

/// As XML takes it: it has no control characters, escaped or not.
fn written(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    escape(&text).into_owned()
}
