//! From parser events to nodes, with the limits that keep a hostile document harmless.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use crate::{Entry, Mapping, Node, Position, Scalar, Span, Style, Value, short_forms::is_short_form};

/// Deeper than any real template (the functions and properties of ours nest to about 20), shallow enough
/// for recursion over the tree.
const MAXIMUM_DEPTH: usize = 100;
/// What aliases may add to a document, in nodes and bytes: an alias of an alias doubles, and doubles.
const MAXIMUM_COPIED: usize = 4 << 20;
/// Four times what CloudFormation takes from S3 (1 MB).
const MAXIMUM_BYTES: usize = 4 << 20;

/// A syntax fault, before it is known which file it is in.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) position: Position,
    pub(crate) message: String,
}

type Loaded<T> = Result<T, Fault>;

fn fault<T>(position: Position, message: impl Into<String>) -> Loaded<T> {
    Err(Fault { position, message: message.into() })
}

/// What becomes of a key that occurs twice in one mapping.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Duplicates {
    #[default]
    Refused,
    LastWins,
}

pub(crate) fn load(bytes: &[u8], duplicates: Duplicates) -> Loaded<Node> {
    let text = readable(bytes)?;
    let text = without_leading_tabs(text);
    let mut loader = Loader { duplicates, ..Loader::default() };
    for event in Parser::new_from_str(&text) {
        let (event, span) = event.map_err(|error| Fault {
            position: position(*error.marker()),
            message: format!("this is not valid YAML: {}", error.info().trim_end_matches('.')),
        })?;
        loader.accept(event, Span { start: position(span.start), end: position(span.end) })?;
    }
    match loader.root {
        Some(root) => Ok(root),
        None => fault(Position { line: 1, column: 1 }, "the document is empty"),
    }
}

/// The bytes as text, if they are text at all.
fn readable(bytes: &[u8]) -> Loaded<&str> {
    if bytes.len() > MAXIMUM_BYTES {
        let message = format!("the file has {} bytes, more than the {MAXIMUM_BYTES} allowed", bytes.len());
        return fault(Position { line: 1, column: 1 }, message);
    }
    let text = str::from_utf8(bytes).or_else(|error| {
        let (valid, rest) = bytes.split_at(error.valid_up_to());
        let byte = rest.first().copied().unwrap_or_default();
        let message = format!("the file is not UTF-8 text: byte 0x{byte:02x} at offset {}", valid.len());
        fault(place_after(&String::from_utf8_lossy(valid)), message)
    })?;
    let control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
    if let Some((offset, c)) = text.char_indices().find(|(_, c)| control(*c)) {
        let message = format!("the file is not text: control character U+{:04X}", u32::from(c));
        return fault(place_after(&text[..offset]), message);
    }
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn place_after(text: &str) -> Position {
    let last = text.rsplit('\n').next().unwrap_or_default();
    Position { line: text.matches('\n').count() + 1, column: last.chars().count() + 1 }
}

/// JSON may be indented with tabs, YAML may not. In a document that is one flow collection, leading white
/// space never means anything, so tabs become spaces; columns stay as they were.
fn without_leading_tabs(text: &str) -> Cow<'_, str> {
    if !text.contains('\t') || !text.trim_start().starts_with(['{', '[']) {
        return Cow::Borrowed(text);
    }
    let mut leading = true;
    let spaced = text.chars().map(|c| {
        leading = c == '\n' || (leading && (c == ' ' || c == '\t'));
        if leading && c == '\t' { ' ' } else { c }
    });
    Cow::Owned(spaced.collect())
}

fn position(marker: Marker) -> Position {
    Position { line: marker.line().max(1), column: marker.col() + 1 }
}

/// A collection that is still open.
struct Frame {
    tag: Option<String>,
    anchor: usize,
    start: Position,
    items: Items,
}

enum Items {
    Sequence(Vec<Node>),
    Mapping { mapping: Mapping, seen: HashSet<String>, key: Option<(String, Span)> },
}

#[derive(Default)]
struct Loader {
    open: Vec<Frame>,
    root: Option<Node>,
    anchors: HashMap<usize, Node>,
    copied: usize,
    duplicates: Duplicates,
}

impl Loader {
    fn accept(&mut self, event: Event<'_>, span: Span) -> Loaded<()> {
        match event {
            Event::DocumentStart(_) if self.root.is_some() => {
                fault(span.start, "the file holds more than one document")
            }
            Event::Scalar(text, style, anchor, tag) => {
                let (tag, style) = scalar_tag(tag.as_deref(), style, span)?;
                let value = Value::Scalar(Scalar { text: text.into_owned(), style });
                self.complete(Node { tag, value, span }, anchor)
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::SequenceStart(anchor, tag) => self.start(
                collection_tag(tag.as_deref(), "seq", span)?,
                anchor,
                span,
                Items::Sequence(Vec::new()),
            ),
            Event::MappingStart(anchor, tag) => {
                let items = Items::Mapping { mapping: Mapping::default(), seen: HashSet::new(), key: None };
                self.start(collection_tag(tag.as_deref(), "map", span)?, anchor, span, items)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn start(&mut self, tag: Option<String>, anchor: usize, span: Span, items: Items) -> Loaded<()> {
        if self.expects_key() {
            return fault(span.start, "a key must be a scalar, found a collection");
        }
        if self.open.len() >= MAXIMUM_DEPTH {
            return fault(span.start, format!("the document is nested deeper than {MAXIMUM_DEPTH} levels"));
        }
        self.open.push(Frame { tag, anchor, start: span.start, items });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Loaded<()> {
        let Some(frame) = self.open.pop() else { return Ok(()) };
        let value = match frame.items {
            Items::Sequence(items) => Value::Sequence(items),
            Items::Mapping { mapping, .. } => Value::Mapping(mapping),
        };
        let span = Span { start: frame.start, end: span.end };
        self.complete(Node { tag: frame.tag, value, span }, frame.anchor)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Loaded<()> {
        let Some(target) = self.anchors.get(&anchor) else {
            return fault(span.start, "the alias refers to a value that contains it");
        };
        let mut node = target.clone();
        self.charge(&node, span)?;
        node.span = span;
        self.complete(node, 0)
    }

    fn charge(&mut self, node: &Node, span: Span) -> Loaded<()> {
        self.copied += node.weight();
        if self.copied > MAXIMUM_COPIED {
            return fault(span.start, "aliases make the document too large");
        }
        if self.open.len() + depth(node) > MAXIMUM_DEPTH {
            return fault(span.start, format!("the document is nested deeper than {MAXIMUM_DEPTH} levels"));
        }
        Ok(())
    }

    fn expects_key(&self) -> bool {
        let open = self.open.last();
        open.is_some_and(|frame| matches!(&frame.items, Items::Mapping { key: None, .. }))
    }

    /// Puts a finished value where it belongs: key, entry, item or the whole document.
    fn complete(&mut self, node: Node, anchor: usize) -> Loaded<()> {
        if anchor > 0 {
            self.charge(&node, node.span)?;
            self.anchors.insert(anchor, node.clone());
        }
        let Some(frame) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut frame.items {
            Items::Sequence(items) => items.push(node),
            Items::Mapping { mapping, seen, key } => match key.take() {
                Some((key, key_span)) => mapping.entries.push(Entry { key, key_span, value: node }),
                None => *key = Some(new_key(node, mapping, seen, self.duplicates)?),
            },
        }
        Ok(())
    }
}

fn new_key(
    node: Node,
    mapping: &mut Mapping,
    seen: &mut HashSet<String>,
    duplicates: Duplicates,
) -> Loaded<(String, Span)> {
    let Some(scalar) = node.as_scalar() else {
        return fault(node.span.start, format!("a key must be a plain scalar, found {}", node.shown()));
    };
    let key = scalar.text.clone();
    if key == "<<" && scalar.style == Style::Plain {
        return fault(
            node.span.start,
            "merge keys (`<<`) are not supported by CloudFormation; write the keys out",
        );
    }
    if !seen.insert(key.clone()) {
        if duplicates == Duplicates::LastWins {
            mapping.entries.retain(|entry| entry.key != key);
            return Ok((key, node.span));
        }
        let first = mapping.entry(&key).map_or(node.span, |entry| entry.key_span).start;
        let message = format!("duplicate key {}, first at line {}", scalar.shown(), first.line);
        return fault(node.span.start, message);
    }
    Ok((key, node.span))
}

/// Collections inside each other: 0 for a scalar.
fn depth(node: &Node) -> usize {
    match &node.value {
        Value::Scalar(_) => 0,
        Value::Sequence(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Mapping(mapping) => {
            1 + mapping.entries.iter().map(|entry| depth(&entry.value)).max().unwrap_or(0)
        }
    }
}

fn scalar_tag(tag: Option<&Tag>, style: ScalarStyle, span: Span) -> Loaded<(Option<String>, Style)> {
    let style = if style == ScalarStyle::Plain { Style::Plain } else { Style::Text };
    let Some(tag) = tag else { return Ok((None, style)) };
    if tag.is_yaml_core_schema() {
        return match tag.suffix.as_str() {
            "str" => Ok((None, Style::Text)),
            "bool" | "float" | "int" | "null" => Ok((None, Style::Plain)),
            _ => unknown_tag(tag, span),
        };
    }
    // The bare `!` says: a string, whatever it looks like.
    if tag.handle.is_empty() && tag.suffix == "!" {
        return Ok((None, Style::Text));
    }
    Ok((Some(short_form(tag, span)?), style))
}

fn collection_tag(tag: Option<&Tag>, core: &str, span: Span) -> Loaded<Option<String>> {
    match tag {
        None => Ok(None),
        Some(tag) if tag.is_yaml_core_schema() && tag.suffix == core => Ok(None),
        Some(tag) => short_form(tag, span).map(Some),
    }
}

fn short_form(tag: &Tag, span: Span) -> Loaded<String> {
    if tag.handle == "!" && is_short_form(&tag.suffix) {
        Ok(tag.suffix.clone())
    } else {
        unknown_tag(tag, span)
    }
}

fn unknown_tag<T>(tag: &Tag, span: Span) -> Loaded<T> {
    let name = if tag.is_yaml_core_schema() { format!("!!{}", tag.suffix) } else { tag.to_string() };
    fault(span.start, format!("unknown tag `{}`", name.escape_debug()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::parse;

    fn error(text: impl AsRef<[u8]>) -> String {
        parse("t.yml", text.as_ref()).expect_err("must be refused").to_string()
    }

    #[test]
    fn spans_count_lines_and_columns_from_one() {
        let document = parse("t.yml", "a:\n  b: !Ref Vpc\n".as_bytes()).unwrap();
        let entry = &document.root.get("a").unwrap().entries()[0];
        assert_eq!((entry.key_span.start.line, entry.key_span.start.column), (2, 3));
        assert_eq!(entry.value.tag.as_deref(), Some("Ref"));
        assert_eq!((entry.value.span.start.line, entry.value.span.start.column), (2, 6));
    }

    #[test]
    fn aliases_are_copies_at_their_own_place() {
        let document = parse("t.yml", b"a: &x {k: [1]}\nb: *x\n").unwrap();
        let b = document.root.get("b").unwrap();
        assert_eq!(b.start().line, 2);
        assert_eq!(b.find(&["k"]).unwrap().as_sequence().unwrap().len(), 1);
    }

    #[test]
    fn a_duplicate_key_is_refused_at_its_second_place() {
        assert_eq!(error("a: 1\nb: 2\n\"a\": 3\n"), "t.yml:3:1: duplicate key `\"a\"`, first at line 1");
    }

    #[test]
    fn what_is_not_one_text_document_is_refused() {
        assert_eq!(error(b"a: 1\nb: \xff"), "t.yml:2:4: the file is not UTF-8 text: byte 0xff at offset 8");
        assert_eq!(error("a: \0"), "t.yml:1:4: the file is not text: control character U+0000");
        assert_eq!(error("# nothing\n"), "t.yml:1:1: the document is empty");
        assert_eq!(error("a: 1\n---\nb: 2\n"), "t.yml:2:1: the file holds more than one document");
    }

    #[test]
    fn what_cloudformation_has_no_word_for_is_refused() {
        assert_eq!(error("a: !Rof b"), "t.yml:1:4: unknown tag `!Rof`");
        assert_eq!(error("a: !!binary b"), "t.yml:1:4: unknown tag `!!binary`");
        assert!(error("<<: {a: 1}").contains("merge keys"));
        assert!(error("? [a]\n: b").contains("a key must be a scalar"));
        assert!(error("a: &x [*x]").contains("contains it"));
    }

    #[test]
    fn bombs_are_refused_quickly() {
        let doubling: String = (1..40).map(|n| format!("a{n}: &a{n} [*a{p}, *a{p}]\n", p = n - 1)).collect();
        assert!(error(format!("a0: &a0 [x, y]\n{doubling}")).contains("aliases make the document too large"));
        assert!(error("[".repeat(200)).contains("nested deeper"));
        assert!(error("[".repeat(100_000)).contains("t.yml:1:"));
        let deep: String = (1..90).map(|n| format!("a{n}: &a{n} [[*a{p}]]\n", p = n - 1)).collect();
        assert!(error(format!("a0: &a0 [x]\n{deep}")).contains("nested deeper"));
    }

    #[test]
    fn of_a_duplicate_key_the_last_counts_where_that_is_asked_for() {
        let document = crate::parse_last_key_wins("t.yml", b"a: 1\nb: 2\na: {c: 3, c: 4}\n").unwrap();
        assert_eq!(document.to_json().to_string(), r#"{"b":2,"a":{"c":4}}"#);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse("t.yml", &bytes).map(|document| document.to_json());
        }

        #[test]
        fn no_yaml_like_text_makes_the_parser_panic(
            text in r#"([-?:,\[\]{}#&*!|>'"%@`~ \t\n\r0-9a<.\\]|!Ref |!GetAtt |!!str |- |: |\n  |---\n|\.\.\.\n|%TAG ! x\n|é|&a |\*a ){0,40}"#
        ) {
            let _ = parse("t.yml", text.as_bytes()).map(|document| document.to_json());
        }
    }
}
