//! The tree of a pattern, and how it is written for the `regex` crate.

use regex::Regex;

/// A part of a pattern.
#[derive(Debug)]
pub(super) enum Node {
    Literal(char),
    /// One character, in the syntax of the `regex` crate, with that compiled.
    Set(String, Regex),
    Start,
    End,
    Boundary(bool),
    Capture(usize, Box<Node>),
    Look {
        ahead: bool,
        wanted: bool,
        node: Box<Node>,
    },
    Same(usize),
    Repeat {
        node: Box<Node>,
        least: usize,
        most: Option<usize>,
        mode: Mode,
    },
    All(Vec<Node>),
    Any(Vec<Node>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Greedy,
    Lazy,
    Possessive,
}

impl Node {
    /// Writes the node in the syntax of the `regex` crate; false if that has no word for it.
    pub(super) fn emit(&self, out: &mut String) -> bool {
        match self {
            Self::Literal(c) => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
            Self::Set(text, _) => out.push_str(text),
            Self::Start => out.push_str(r"\A"),
            Self::End => out.push_str(r"\z"),
            Self::Boundary(at) => out.push_str(if *at { r"\b" } else { r"\B" }),
            Self::Capture(_, node) => {
                out.push('(');
                let fits = node.emit(out);
                out.push(')');
                return fits;
            }
            Self::Repeat { node, least, most, mode } => {
                out.push_str("(?:");
                let fits = node.emit(out);
                let most = most.map(|most| most.to_string()).unwrap_or_default();
                out.push_str(&format!("){{{least},{most}}}{}", if *mode == Mode::Lazy { "?" } else { "" }));
                return fits && *mode != Mode::Possessive;
            }
            Self::All(nodes) => return nodes.iter().all(|node| node.emit(out)),
            Self::Any(nodes) => {
                out.push_str("(?:");
                for (index, node) in nodes.iter().enumerate() {
                    out.push_str(if index > 0 { "|" } else { "" });
                    if !node.emit(out) {
                        return false;
                    }
                }
                out.push(')');
            }
            Self::Look { .. } | Self::Same(_) => return false,
        }
        true
    }

    /// How many characters it takes at least and at most; `None`: without limit, or not known.
    pub(super) fn width(&self) -> Option<(usize, usize)> {
        match self {
            Self::Literal(_) | Self::Set(..) => Some((1, 1)),
            Self::Start | Self::End | Self::Boundary(_) | Self::Look { .. } => Some((0, 0)),
            Self::Same(_) => None,
            Self::Capture(_, node) => node.width(),
            Self::Repeat { node, least, most, .. } => {
                let (low, high) = node.width()?;
                Some((low * least, high * (*most)?))
            }
            Self::All(nodes) => nodes.iter().try_fold((0, 0), |(low, high), node| {
                node.width().map(|(least, most)| (low + least, high + most))
            }),
            Self::Any(nodes) => nodes.iter().try_fold((usize::MAX, 0), |(low, high), node| {
                node.width().map(|(least, most)| (low.min(least), high.max(most)))
            }),
        }
    }
}
