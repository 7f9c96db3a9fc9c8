//! What one module of a crate defines, imports and uses, as its text says.

use std::collections::BTreeSet;

use crate::tokens::{Token, block_length};

const ITEMS: [&str; 8] = ["fn", "struct", "enum", "trait", "type", "const", "static", "macro_rules"];

/// A module's text, read. Names are not resolved: that takes the other modules.
#[derive(Default)]
pub(crate) struct Module {
    pub items: BTreeSet<String>,
    pub traits: BTreeSet<String>,
    pub imports: Vec<Import>,
    /// The paths in its code, with their lines.
    pub mentions: Vec<(Vec<String>, usize)>,
    /// The methods that it calls, as in `.name(`, with their lines.
    pub calls: Vec<(String, usize)>,
    pub methods: Vec<Method>,
}

/// A name that a `use` brings in.
pub(crate) struct Import {
    /// `*` for all names, `_` for a trait that is not named.
    pub name: String,
    pub path: Vec<String>,
    pub line: usize,
    pub is_public: bool,
}

/// A method of an `impl` block.
pub(crate) struct Method {
    /// The path of the type.
    pub owner: Vec<String>,
    pub name: String,
    pub is_of_trait: bool,
}

/// `mod name;` or `mod name { body }`.
pub(crate) struct Child<'a> {
    pub name: &'a str,
    pub body: Option<&'a [Token<'a>]>,
}

/// Reads the module whose code these tokens are, and names its child modules.
pub(crate) fn read<'a>(code: &'a [Token<'a>]) -> (Module, Vec<Child<'a>>) {
    let mut reader = Reader { code, at: 0, depth: 0, module: Module::default() };
    let mut children = Vec::new();
    while let Some(child) = reader.next_child() {
        children.push(child);
    }
    (reader.module, children)
}

/// Goes through the code of one module.
struct Reader<'a> {
    code: &'a [Token<'a>],
    at: usize,
    depth: usize,
    module: Module,
}

impl<'a> Reader<'a> {
    fn text(&self, index: usize) -> &'a str {
        self.code.get(index).map_or("", |token| token.text)
    }

    fn is_word(&self, index: usize) -> bool {
        self.code.get(index).is_some_and(Token::is_word)
    }

    /// Reads on to the next child module.
    fn next_child(&mut self) -> Option<Child<'a>> {
        while let Some(token) = self.code.get(self.at) {
            let next = self.text(self.at + 1);
            match token.text {
                "{" | "(" | "[" => self.depth += 1,
                "}" | ")" | "]" => self.depth = self.depth.saturating_sub(1),
                "mod" if self.depth == 0 && self.is_word(self.at + 1) => return Some(self.child(next)),
                // `impl Trait + use<'a>` imports nothing.
                "use" if next != "<" => {
                    self.import(token.line);
                    continue;
                }
                "impl" if self.depth == 0 => self.methods(),
                text if self.depth == 0 && ITEMS.contains(&text) => self.item(text),
                _ => {}
            }
            self.mention(token);
        }
        None
    }

    fn child(&mut self, name: &'a str) -> Child<'a> {
        self.at += 2;
        let body = (self.text(self.at) == "{").then(|| {
            let length = block_length(&self.code[self.at..]);
            let body = &self.code[self.at + 1..self.at + length - 1];
            self.at += length;
            body
        });
        Child { name, body }
    }

    fn item(&mut self, kind: &str) {
        let name = self.at + if kind == "macro_rules" || self.text(self.at + 1) == "mut" { 2 } else { 1 };
        if self.is_word(name) && self.text(name) != "fn" {
            self.module.items.insert(self.text(name).to_owned());
            if kind == "trait" {
                self.module.traits.insert(self.text(name).to_owned());
            }
        }
    }

    /// Enters the path that begins here, or the method that is called here, and passes over it.
    fn mention(&mut self, token: &Token<'_>) {
        let before = self.at.checked_sub(1).map_or("", |before| self.text(before));
        self.at += 1;
        if !token.is_word() || before == "::" {
            return;
        }
        if before == "." {
            if matches!(self.text(self.at), "(" | "::") {
                self.module.calls.push((token.text.to_owned(), token.line));
            }
            return;
        }
        let mut path = vec![token.text.to_owned()];
        while self.text(self.at) == "::" && self.is_word(self.at + 1) {
            path.push(self.text(self.at + 1).to_owned());
            self.at += 2;
        }
        self.module.mentions.push((path, token.line));
    }

    /// Enters the methods of the `impl` block that begins here, without passing over it.
    fn methods(&mut self) {
        let open = self.code[self.at..].iter().position(|token| token.text == "{");
        let Some(open) = open.map(|open| self.at + open) else { return };
        let head = &self.code[self.at + 1..open];
        let of_trait = head.iter().position(|token| token.text == "for");
        let owner = type_path(&head[of_trait.map_or(0, |at| at + 1)..]);
        let body = &self.code[open..open + block_length(&self.code[open..])];
        let mut depth = 0_usize;
        for (index, token) in body.iter().enumerate() {
            match token.text {
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                "fn" if depth == 1 && body.get(index + 1).is_some_and(Token::is_word) => {
                    let name = body[index + 1].text.to_owned();
                    let is_of_trait = of_trait.is_some();
                    self.module.methods.push(Method { owner: owner.clone(), name, is_of_trait });
                }
                _ => {}
            }
        }
    }

    /// Enters the imports of the `use` that begins here, and passes over it.
    fn import(&mut self, line: usize) {
        let is_public = self.at > 0 && matches!(self.text(self.at - 1), "pub" | ")");
        self.at += 1;
        self.tree(&[], line, is_public);
        self.at += 1;
    }

    /// One branch of a `use`: a path, then an end, a name (`as`), or more branches in braces.
    fn tree(&mut self, above: &[String], line: usize, is_public: bool) {
        let mut path = above.to_vec();
        loop {
            let text = self.text(self.at);
            match text {
                "::" => {}
                "*" => path.push("*".to_owned()),
                "{" => {
                    self.at += 1;
                    while !matches!(self.text(self.at), "}" | "") {
                        self.tree(&path, line, is_public);
                        self.at += usize::from(self.text(self.at) == ",");
                    }
                    self.at += 1;
                    return;
                }
                "as" => {
                    let name = self.text(self.at + 1).to_owned();
                    self.at += 2;
                    self.module.imports.push(Import { name, path, line, is_public });
                    return;
                }
                _ if self.is_word(self.at) => path.push(text.to_owned()),
                _ => break,
            }
            self.at += 1;
        }
        // `use a::{self, b}` imports `a`.
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let name = path.last().cloned().unwrap_or_default();
        if name == "*" {
            path.pop();
        }
        self.module.imports.push(Import { name, path, line, is_public });
    }
}

/// The path of the type in the head of an `impl`: what stands outside of angle brackets.
fn type_path(head: &[Token<'_>]) -> Vec<String> {
    let mut angles = 0_usize;
    let mut path = Vec::new();
    for token in head {
        match token.text {
            "<" => angles += 1,
            ">" => angles = angles.saturating_sub(1),
            "where" => break,
            text if angles == 0 && token.is_word() => path.push(text.to_owned()),
            _ => {}
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::tokens;

    #[test]
    fn every_branch_of_a_use_imports_a_name() {
        let code = tokens("pub(crate) use a::{self, b::{c as d, E}, f::*}; use g::H as _;");

        let (module, _) = read(&code);

        let imported = |import: &Import| format!("{}={}", import.name, import.path.join("::"));
        let imported: Vec<String> = module.imports.iter().map(imported).collect();
        assert_eq!(imported, ["a=a", "d=a::b::c", "E=a::b::E", "*=a::f", "_=g::H"]);
        assert_eq!(module.imports.iter().filter(|import| import.is_public).count(), 4);
    }

    #[test]
    fn paths_and_calls_are_told_from_fields_and_definitions_from_what_is_inside() {
        let code = tokens(
            "struct A { b: c::D } impl<T> e::F<T> { fn g(&self) { self.h.i(); } } mod j { fn k() {} }",
        );

        let (module, children) = read(&code);

        assert_eq!(module.items.iter().map(String::as_str).collect::<Vec<_>>(), ["A"]);
        assert!(module.mentions.contains(&(vec!["c".to_owned(), "D".to_owned()], 1)));
        assert_eq!(module.calls, [("i".to_owned(), 1)]);
        assert_eq!(
            (module.methods[0].owner.join("::"), module.methods[0].name.as_str()),
            ("e::F".to_owned(), "g")
        );
        assert_eq!(children[0].name, "j");
        assert!(children[0].body.is_some());
    }
}
