//! Rust code as words and marks: as much of a lexer as finding names takes.

/// A word, `::`, `..` or one other character; comments, literals and lifetimes are left out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'a> {
    pub text: &'a str,
    pub line: usize,
}

impl Token<'_> {
    pub(crate) fn is_word(&self) -> bool {
        self.text.starts_with(|first: char| first.is_alphabetic() || first == '_')
    }
}

/// The tokens of `text`. Of a string only the names that it uses remain: `{name}`, and a path that fills it, as
/// serde's attributes have them.
pub(crate) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { text, at: 0, line: 1, tokens: Vec::new() };
    while let Some(first) = lexer.rest().chars().next() {
        lexer.step(first);
    }
    lexer.tokens
}

/// `tokens` without the items that stand under `#[cfg(test)]`.
pub(crate) fn untested<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    const TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let is_test = TEST.iter().zip(&tokens[at..]).filter(|(text, token)| **text == token.text).count();
        if is_test == TEST.len() {
            at += TEST.len() + item_length(&tokens[at + TEST.len()..]);
        } else {
            kept.push(tokens[at]);
            at += 1;
        }
    }
    kept
}

/// How many tokens lie between an opening brace at the front and the brace that closes it, both counted.
pub(crate) fn block_length(tokens: &[Token<'_>]) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate() {
        match token.text {
            "{" => depth += 1,
            "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    tokens.len()
}

/// An item ends at its semicolon or with its block; the braces of a `use` are no block.
fn item_length(tokens: &[Token<'_>]) -> usize {
    let is_use = tokens.iter().take_while(|token| token.text != "{").any(|token| token.text == "use");
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate() {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && (token.text == ";" || (token.text == "}" && !is_use)) {
            return index + 1;
        }
    }
    tokens.len()
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    tokens: Vec<Token<'a>>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Passes over `length` bytes.
    fn skip(&mut self, length: usize) {
        let rest = self.rest();
        let passed = &rest[..length.min(rest.len())];
        self.at += passed.len();
        self.line += passed.matches('\n').count();
    }

    fn emit(&mut self, length: usize) {
        let token = Token { text: &self.rest()[..length], line: self.line };
        self.tokens.push(token);
        self.at += length;
    }

    fn step(&mut self, first: char) {
        let rest = self.rest();
        if rest.starts_with("//") {
            self.skip(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.skip(rest.find("*/").map_or(rest.len(), |end| end + 2));
        } else if let Some(hashes) = raw_string(rest) {
            let open = rest.find('"').map_or(rest.len(), |quote| quote + 1);
            let close = format!("\"{}", "#".repeat(hashes));
            let length = rest[open..].find(&close).map_or(rest.len(), |end| open + end + close.len());
            self.skip(length);
        } else if first == '"' {
            self.string(rest);
        } else if first == '\'' {
            self.skip(quoted_length(rest));
        } else if first.is_alphanumeric() || first == '_' {
            let length = word_length(rest);
            // Numbers name nothing.
            if first.is_ascii_digit() {
                self.skip(length);
            } else {
                self.emit(length);
            }
        } else if rest.starts_with("::") || rest.starts_with("..") {
            self.emit(2);
        } else if first.is_whitespace() {
            self.skip(first.len_utf8());
        } else {
            self.emit(first.len_utf8());
        }
    }

    fn string(&mut self, rest: &'a str) {
        let mut escaped = false;
        let end = rest[1..].find(|character| {
            let ends = character == '"' && !escaped;
            escaped = character == '\\' && !escaped;
            ends
        });
        let inside = &rest[1..end.map_or(rest.len(), |end| end + 1)];
        let line = self.line;
        self.skip(inside.len() + 2);
        if inside.contains("::") && inside.split("::").all(|part| word_length(part) == part.len()) {
            for (index, part) in inside.split("::").enumerate() {
                self.tokens.extend((index > 0).then_some(Token { text: "::", line }));
                self.tokens.push(Token { text: part, line });
            }
        }
        for part in inside.split('{').skip(1) {
            let text = &part[..word_length(part)];
            let token = Token { text, line };
            self.tokens.extend(token.is_word().then_some(token));
        }
    }
}

fn word_length(text: &str) -> usize {
    text.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(text.len())
}

/// The number of `#` of the raw string at the front.
fn raw_string(text: &str) -> Option<usize> {
    let hashes = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let quoted = hashes.trim_start_matches('#');
    quoted.starts_with('"').then(|| hashes.len() - quoted.len())
}

/// The length of the character or the lifetime at the front.
fn quoted_length(text: &str) -> usize {
    let mut inside = text[1..].chars();
    let first = inside.next();
    if first == Some('\\') {
        return text[3..].find('\'').map_or(text.len(), |end| end + 4);
    }
    let width = first.map_or(0, char::len_utf8);
    if inside.next() == Some('\'') { width + 2 } else { 1 + word_length(&text[1..]).max(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        tokens(text).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_literals_name_nothing() {
        let code = "a // b\n/* c */ 'd' '\\'' \"e \\\" f\" r#\"g \" h\"# b\"i\" 12u8 'j: k";

        assert_eq!(texts(code), ["a", "b", ":", "k"]);
        assert_eq!(tokens("\"two\nlines\" a")[0].line, 2);
    }

    #[test]
    fn names_and_paths_inside_a_string_are_named() {
        assert_eq!(texts("(\"{LIMIT} of {0}\")"), ["(", "LIMIT", ")"]);
        assert_eq!(texts("with = \"super::time\""), ["with", "=", "super", "::", "time"]);
    }

    #[test]
    fn what_only_tests_have_is_left_out() {
        let code = "one #[cfg(test)] use a::{b, c}; two #[cfg(test)] fn f(x: [u8; 3]) { g(); } three";

        let kept: Vec<&str> = untested(&tokens(code)).iter().map(|token| token.text).collect();

        assert_eq!(kept, ["one", "two", "three"]);
    }
}
