//! The tree a document becomes, and how to walk it.

use crate::{Position, Resolved, Scalar, Span, Style};

/// One value of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The short form it was written with, without the exclamation mark: `Ref` for `!Ref Vpc`.
    pub tag: Option<String>,
    pub value: Value,
    /// An alias's own place for a value that was aliased; what is inside keeps the place it was written at.
    pub span: Span,
}

/// What a value is, before scalars get a type.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Mapping),
}

/// Keys and values in the order they were written; no key occurs twice.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mapping {
    pub entries: Vec<Entry>,
}

/// One key and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: String,
    pub key_span: Span,
    pub value: Node,
}

impl Mapping {
    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// `key` with its place and value.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

impl Node {
    /// Where the value starts.
    pub fn start(&self) -> Position {
        self.span.start
    }

    /// The value of `key`, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_mapping()?.get(key)
    }

    /// The value at the end of a path of keys.
    pub fn find(&self, keys: &[&str]) -> Option<&Node> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The mapping, if it is one and carries no short form.
    pub fn as_mapping(&self) -> Option<&Mapping> {
        match &self.value {
            Value::Mapping(mapping) if self.tag.is_none() => Some(mapping),
            _ => None,
        }
    }

    /// Keys and values in order; empty for anything but a mapping.
    pub fn entries(&self) -> &[Entry] {
        self.as_mapping().map_or(&[], |mapping| &mapping.entries)
    }

    /// The items, if it is a sequence and carries no short form.
    pub fn as_sequence(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Sequence(items) if self.tag.is_none() => Some(items),
            _ => None,
        }
    }

    /// The scalar, if it is one and carries no short form.
    pub fn as_scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) if self.tag.is_none() => Some(scalar),
            _ => None,
        }
    }

    /// The text of any scalar but null, numbers and booleans as they were written.
    pub fn as_text(&self) -> Option<&str> {
        self.as_scalar()
            .filter(|scalar| scalar.resolve() != Resolved::Null)
            .map(|scalar| scalar.text.as_str())
    }

    /// True for null, `~` and nothing at all.
    pub fn is_null(&self) -> bool {
        self.as_scalar().is_some_and(|scalar| scalar.resolve() == Resolved::Null)
    }

    /// The value as an error message shows it after "found".
    pub fn shown(&self) -> String {
        match (&self.tag, &self.value) {
            (Some(tag), _) => format!("`!{tag}`"),
            (None, Value::Scalar(scalar)) => scalar.shown(),
            (None, Value::Sequence(_)) => "a list".to_owned(),
            (None, Value::Mapping(_)) => "a mapping".to_owned(),
        }
    }

    pub(crate) fn text(text: &str, span: Span) -> Self {
        let scalar = Scalar { text: text.to_owned(), style: Style::Text };
        Self { tag: None, value: Value::Scalar(scalar), span }
    }

    /// Nodes and bytes of text in this value: what a copy of it costs.
    pub(crate) fn weight(&self) -> usize {
        1 + match &self.value {
            Value::Scalar(scalar) => scalar.text.len(),
            Value::Sequence(items) => items.iter().map(Node::weight).sum(),
            Value::Mapping(mapping) => {
                mapping.entries.iter().map(|entry| entry.key.len() + entry.value.weight()).sum()
            }
        }
    }
}
