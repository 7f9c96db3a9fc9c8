//! From a pattern's text to its tree.

use std::iter::Peekable;
use std::str::Chars;

use regex::Regex;

use super::node::{Mode, Node};

/// Deeper groups than any pattern has, shallow enough for recursion.
const DEEPEST: usize = 50;

/// Reads a pattern.
pub(super) fn parse(pattern: &str) -> Result<Node, String> {
    let mut parser =
        Parser { rest: pattern.chars().peekable(), captures: 0, ignore_case: false, dot_all: false };
    let node = parser.alternatives(0)?;
    match parser.rest.next() {
        None => Ok(node),
        Some(c) => Err(format!("unmatched `{c}`")),
    }
}

struct Parser<'a> {
    rest: Peekable<Chars<'a>>,
    captures: usize,
    ignore_case: bool,
    dot_all: bool,
}

type Parsed<T> = Result<T, String>;

impl Parser<'_> {
    fn takes(&mut self, c: char) -> bool {
        self.rest.next_if_eq(&c).is_some()
    }

    fn after(&self, count: usize) -> Option<char> {
        self.rest.clone().nth(count)
    }

    fn need(&mut self) -> Parsed<char> {
        self.rest.next().ok_or_else(|| "it ends too early".to_owned())
    }

    fn alternatives(&mut self, depth: usize) -> Parsed<Node> {
        if depth > DEEPEST {
            return Err(format!("groups are nested deeper than {DEEPEST}"));
        }
        let mut branches = vec![self.sequence(depth)?];
        while self.takes('|') {
            branches.push(self.sequence(depth)?);
        }
        Ok(Node::Any(branches))
    }

    fn sequence(&mut self, depth: usize) -> Parsed<Node> {
        let mut nodes = Vec::new();
        while let Some(c) = self.rest.peek().copied().filter(|c| !matches!(c, '|' | ')')) {
            if c == '\\' && self.after(1) == Some('Q') {
                self.quoted(&mut nodes);
            } else if let Some(node) = self.atom(depth)? {
                nodes.push(node);
            }
            if let Some((least, most)) = self.count()? {
                let mode = if self.takes('?') {
                    Mode::Lazy
                } else if self.takes('+') {
                    Mode::Possessive
                } else {
                    Mode::Greedy
                };
                let node = nodes.pop().ok_or("a quantifier has nothing to repeat")?;
                nodes.push(Node::Repeat { node: Box::new(node), least, most, mode });
            }
        }
        Ok(Node::All(nodes))
    }

    /// `\Q…\E`: everything between is itself.
    fn quoted(&mut self, nodes: &mut Vec<Node>) {
        self.rest.by_ref().take(2).for_each(drop);
        while let Some(c) = self.rest.next() {
            if c == '\\' && self.takes('E') {
                break;
            }
            nodes.push(Node::Literal(c));
        }
    }

    fn count(&mut self) -> Parsed<Option<(usize, Option<usize>)>> {
        let found = match self.rest.peek().copied() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') if self.after(1).is_some_and(|c| c.is_ascii_digit()) => {
                let inside: String = self.rest.by_ref().skip(1).take_while(|c| *c != '}').collect();
                let number =
                    |text: &str| text.parse::<usize>().map_err(|_| format!("malformed {{{inside}}}"));
                let (least, most) = match inside.split_once(',') {
                    None => (number(&inside)?, Some(number(&inside)?)),
                    Some((least, "")) => (number(least)?, None),
                    Some((least, most)) => (number(least)?, Some(number(most)?)),
                };
                if most.is_some_and(|most| most < least) {
                    return Err(format!("malformed {{{inside}}}"));
                }
                return Ok(Some((least, most)));
            }
            _ => return Ok(None),
        };
        self.rest.next();
        Ok(Some(found))
    }

    fn atom(&mut self, depth: usize) -> Parsed<Option<Node>> {
        let node = match self.need()? {
            '(' => return self.group(depth),
            '[' => {
                let text = self.class(depth)?;
                self.set(text)?
            }
            '.' if self.dot_all => self.set("(?s:.)".to_owned())?,
            '.' => self.set(r"[^\n\r\x{85}\x{2028}\x{2029}]".to_owned())?,
            '^' => Node::Start,
            '$' => Node::End,
            '\\' => self.escape()?,
            c @ ('*' | '+' | '?') => return Err(format!("`{c}` has nothing to repeat")),
            c => self.literal(c)?,
        };
        Ok(Some(node))
    }

    fn literal(&self, c: char) -> Parsed<Node> {
        if self.ignore_case { self.set(class_char(c)) } else { Ok(Node::Literal(c)) }
    }

    fn set(&self, text: String) -> Parsed<Node> {
        let text = if self.ignore_case { format!("(?i:{text})") } else { text };
        let compiled = Regex::new(&format!(r"\A{text}\z")).map_err(|error| error.to_string())?;
        Ok(Node::Set(text, compiled))
    }

    fn group(&mut self, depth: usize) -> Parsed<Option<Node>> {
        let flags = (self.ignore_case, self.dot_all);
        let mut wrap: Box<dyn FnOnce(Box<Node>) -> Parsed<Node>> = Box::new(|node| Ok(*node));
        if self.takes('?') {
            match self.need()? {
                ':' => {}
                '>' => {
                    wrap = Box::new(|node| {
                        Ok(Node::Repeat { node, least: 1, most: Some(1), mode: Mode::Possessive })
                    })
                }
                c @ ('=' | '!') => wrap = look(true, c == '='),
                '<' => match self.rest.peek().copied() {
                    Some(c @ ('=' | '!')) => {
                        self.rest.next();
                        wrap = look(false, c == '=');
                    }
                    _ => {
                        self.rest.by_ref().take_while(|c| *c != '>').for_each(drop);
                        wrap = self.capture();
                    }
                },
                flag => {
                    if self.flags(flag)? {
                        return Ok(None);
                    }
                }
            }
        } else {
            wrap = self.capture();
        }
        let inside = self.alternatives(depth + 1)?;
        if !self.takes(')') {
            return Err("unclosed group".to_owned());
        }
        (self.ignore_case, self.dot_all) = flags;
        wrap(Box::new(inside)).map(Some)
    }

    fn capture(&mut self) -> Box<dyn FnOnce(Box<Node>) -> Parsed<Node>> {
        self.captures += 1;
        let number = self.captures;
        Box::new(move |node| Ok(Node::Capture(number, node)))
    }

    /// `(?i)` and the like: true; `(?i:`: false, the group goes on.
    fn flags(&mut self, first: char) -> Parsed<bool> {
        let (mut flag, mut on) = (first, true);
        loop {
            match flag {
                '-' => on = false,
                'i' => self.ignore_case = on,
                's' => self.dot_all = on,
                'u' | 'U' => {}
                ')' => return Ok(true),
                ':' => return Ok(false),
                other => return Err(format!("unknown flag `{other}`")),
            }
            flag = self.need()?;
        }
    }

    fn escape(&mut self) -> Parsed<Node> {
        match self.rest.peek().copied() {
            Some('b') => self.boundary(true),
            Some('B') => self.boundary(false),
            Some('A') => self.anchor(Node::Start),
            Some('z' | 'Z') => self.anchor(Node::End),
            Some(c @ '1'..='9') => self.anchor(Node::Same(c as usize - '0' as usize)),
            _ => match self.escaped()? {
                Item::One(c) => self.literal(c),
                Item::Many(text) => self.set(text),
            },
        }
    }

    fn boundary(&mut self, at: bool) -> Parsed<Node> {
        self.anchor(Node::Boundary(at))
    }

    fn anchor(&mut self, node: Node) -> Parsed<Node> {
        self.rest.next();
        Ok(node)
    }

    /// What follows a backslash, in a class or outside.
    fn escaped(&mut self) -> Parsed<Item> {
        let many = |text: &str| Ok(Item::Many(text.to_owned()));
        let c = self.need()?;
        match c {
            'd' => many("[0-9]"),
            'D' => many("[^0-9]"),
            'w' => many("[a-zA-Z0-9_]"),
            'W' => many("[^a-zA-Z0-9_]"),
            's' => many(r"[ \t\n\x0B\f\r]"),
            'S' => many(r"[^ \t\n\x0B\f\r]"),
            'h' => many(r"[ \t\x{A0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}]"),
            'v' => many(r"[\n\x0B\f\r\x{85}\x{2028}\x{2029}]"),
            'p' | 'P' => self.property(c == 'P'),
            'n' => Ok(Item::One('\n')),
            'r' => Ok(Item::One('\r')),
            't' => Ok(Item::One('\t')),
            'f' => Ok(Item::One('\u{c}')),
            'a' => Ok(Item::One('\u{7}')),
            'e' => Ok(Item::One('\u{1b}')),
            'x' if self.takes('{') => {
                let digits: String = self.rest.by_ref().take_while(|c| *c != '}').collect();
                hexadecimal(&digits)
            }
            'x' => self.digits(2),
            'u' => self.digits(4),
            c if c.is_ascii_alphabetic() => Err(format!("`\\{c}` is no escape")),
            c => Ok(Item::One(c)),
        }
    }

    fn digits(&mut self, count: usize) -> Parsed<Item> {
        let digits: String = self.rest.by_ref().take(count).collect();
        hexadecimal(&digits)
    }

    fn property(&mut self, negated: bool) -> Parsed<Item> {
        let name: String = match self.takes('{') {
            true => self.rest.by_ref().take_while(|c| *c != '}').collect(),
            false => self.need()?.to_string(),
        };
        let posix = [
            "Lower", "Upper", "ASCII", "Alpha", "Digit", "Alnum", "Punct", "Graph", "Print", "Blank",
            "Cntrl", "XDigit", "Space",
        ];
        let not = if negated { "^" } else { "" };
        if posix.contains(&name.as_str()) {
            return Ok(Item::Many(format!("[{not}[:{}:]]", name.to_lowercase())));
        }
        let name = name.strip_prefix("Is").unwrap_or(&name);
        let text = format!("[{not}\\p{{{name}}}]");
        Regex::new(&text).map_err(|_| format!("unknown property {name}"))?;
        Ok(Item::Many(text))
    }

    /// The rest of a class, after its `[`.
    fn class(&mut self, depth: usize) -> Parsed<String> {
        if depth > DEEPEST {
            return Err(format!("classes are nested deeper than {DEEPEST}"));
        }
        let mut text = String::from(if self.takes('^') { "[^" } else { "[" });
        let mut is_first = true;
        loop {
            if !is_first && self.takes(']') {
                text.push(']');
                return Ok(text);
            }
            is_first = false;
            if self.rest.peek() == Some(&'&') && self.after(1) == Some('&') {
                self.rest.by_ref().take(2).for_each(drop);
                text.push_str("&&");
                continue;
            }
            let item = self.item(depth)?;
            let low = match item {
                Item::Many(many) => {
                    text.push_str(&many);
                    continue;
                }
                Item::One(low) => low,
            };
            let is_range =
                self.rest.peek() == Some(&'-') && self.after(1).is_some_and(|c| !matches!(c, ']' | '['));
            if !is_range {
                text.push_str(&class_char(low));
                continue;
            }
            self.rest.next();
            match self.item(depth)? {
                Item::One(high) if low <= high => {
                    text.push_str(&format!("{}-{}", class_char(low), class_char(high)));
                }
                Item::One(high) => return Err(format!("the range {low}-{high} is empty")),
                Item::Many(many) => text.push_str(&format!("{}\\-{many}", class_char(low))),
            }
        }
    }

    fn item(&mut self, depth: usize) -> Parsed<Item> {
        match self.need()? {
            '\\' => self.escaped(),
            // Java joins a class within a class; schemas, which are written for ECMA's dialect, mean the bracket.
            '[' if self.closes_twice() => self.class(depth + 1).map(Item::Many),
            c => Ok(Item::One(c)),
        }
    }

    /// Whether both the class that would begin here and the one around it come to an end.
    fn closes_twice(&self) -> bool {
        let (mut open, mut escaped) = (2, false);
        for c in self.rest.clone() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '[' => open += 1,
                ']' => open -= 1,
                _ => {}
            }
            if open == 0 {
                return true;
            }
        }
        false
    }
}

fn look(ahead: bool, wanted: bool) -> Box<dyn FnOnce(Box<Node>) -> Parsed<Node>> {
    Box::new(move |node| {
        if !ahead && node.width().is_none() {
            return Err("a look-behind has no obvious longest length".to_owned());
        }
        Ok(Node::Look { ahead, wanted, node })
    })
}

/// A member of a class.
enum Item {
    One(char),
    /// A class in the syntax of the `regex` crate.
    Many(String),
}

fn hexadecimal(digits: &str) -> Parsed<Item> {
    let found = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
    found.map(Item::One).ok_or_else(|| format!("`{digits}` is no character"))
}

/// A character as a class of the `regex` crate has it.
fn class_char(c: char) -> String {
    if c.is_ascii_alphanumeric() { c.to_string() } else { format!("\\x{{{:x}}}", u32::from(c)) }
}
