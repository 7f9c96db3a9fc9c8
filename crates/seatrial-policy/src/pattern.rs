//! Texts of a policy that stand for many: wildcards, and variables that a request fills in.

use crate::context::Context;
use crate::error::Fault;

/// One step of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Literal(char),
    /// `?`: any one character.
    One,
    /// `*`: any characters, none included.
    Any,
}

/// What a pattern is made of, in its order.
#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Fixed(Vec<Token>),
    Variable { key: String, default: Option<String> },
}

/// How a policy's text is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    /// `*` and `?` stand for other characters.
    pub wildcards: bool,
    /// `${...}` is a variable: in version 2012-10-17 of the policy language only (AWS: IAM JSON policy
    /// elements: Version).
    pub variables: bool,
    /// Letters are compared without case (ASCII, as all names of actions are).
    pub ignore_case: bool,
}

/// A text of a policy, ready to be compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pattern {
    pieces: Vec<Piece>,
    ignore_case: bool,
}

impl Pattern {
    /// # Errors
    /// A variable without closing brace, without a key that has a prefix, or whose default is not quoted
    /// (Access Analyzer's policy checks: missing brace in variable, empty variable, invalid variable).
    pub fn new(text: &str, reading: Reading) -> Result<Self, Fault> {
        let mut pieces = Vec::new();
        let mut fixed = Vec::new();
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            if reading.variables && rest.starts_with("${") {
                let (inside, after) = rest[2..]
                    .split_once('}')
                    .ok_or_else(|| Fault::new(text, "has a policy variable without its closing brace"))?;
                rest = after;
                match inside {
                    "*" => fixed.push(Token::Literal('*')),
                    "?" => fixed.push(Token::Literal('?')),
                    "$" => fixed.push(Token::Literal('$')),
                    _ => {
                        pieces.push(Piece::Fixed(std::mem::take(&mut fixed)));
                        pieces.push(variable(text, inside)?);
                    }
                }
                continue;
            }
            fixed.push(match character {
                '*' if reading.wildcards => Token::Any,
                '?' if reading.wildcards => Token::One,
                _ => Token::Literal(character),
            });
            rest = &rest[character.len_utf8()..];
        }
        pieces.push(Piece::Fixed(fixed));
        Ok(Self { pieces, ignore_case: reading.ignore_case })
    }

    /// Whether `text` matches. A variable that has no value in `context` makes a pattern that nothing matches
    /// (AWS: IAM policy elements: Variables and tags, "Policy variables with no value").
    pub fn matches(&self, text: &str, context: &Context) -> bool {
        if let [Piece::Fixed(tokens)] = self.pieces.as_slice() {
            return matches(tokens, text, self.ignore_case);
        }
        self.filled(context).is_some_and(|tokens| matches(&tokens, text, self.ignore_case))
    }

    fn filled(&self, context: &Context) -> Option<Vec<Token>> {
        let mut tokens = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Fixed(fixed) => tokens.extend_from_slice(fixed),
                Piece::Variable { key, default } => {
                    // Only single-valued keys can be variables (AWS: the same page).
                    let value = context.single(key).or(default.as_deref())?;
                    tokens.extend(value.chars().map(Token::Literal));
                }
            }
        }
        Some(tokens)
    }
}

fn variable(text: &str, inside: &str) -> Result<Piece, Fault> {
    let (key, default) = match inside.split_once(',') {
        None => (inside.trim(), None),
        Some((key, default)) => {
            let quoted = default.trim().strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
            let default = quoted.ok_or_else(|| {
                Fault::new(text, "has a policy variable whose default is not in single quotes")
            })?;
            (key.trim(), Some(default.to_owned()))
        }
    };
    let is_key = key.split_once(':').is_some_and(|(prefix, name)| !prefix.is_empty() && !name.is_empty());
    if !is_key || key.contains(['$', '{']) {
        return Err(Fault::new(text, "has a policy variable that names no condition key (`prefix:name`)"));
    }
    Ok(Piece::Variable { key: key.to_ascii_lowercase(), default })
}

/// Whether `pattern` matches all that `other` does. Both are texts whose only wildcard is `*`.
pub fn covers(pattern: &str, other: &str) -> bool {
    let token = |character| if character == '*' { Token::Any } else { Token::Literal(character) };
    let tokens: Vec<Token> = pattern.chars().map(token).collect();
    // A star of the other is a character that a star alone takes.
    matches(&tokens, other, false)
}

/// Greedy, with one place to come back to: after a mismatch only the last `*` can take more, for whatever an
/// earlier one could take, the last can take as well. No recursion, no more memory, and at most
/// tokens × characters steps.
fn matches(tokens: &[Token], text: &str, ignore_case: bool) -> bool {
    let mut at = 0;
    let mut rest = text.chars();
    let mut resume: Option<(usize, std::str::Chars<'_>)> = None;
    loop {
        let mut after = rest.clone();
        match (tokens.get(at), after.next()) {
            (Some(Token::Any), _) => {
                at += 1;
                resume = Some((at, rest.clone()));
            }
            (None, None) => return true,
            (Some(token), Some(character)) if is(*token, character, ignore_case) => {
                at += 1;
                rest = after;
            }
            _ => {
                let Some((behind, taken)) = &mut resume else { return false };
                if taken.next().is_none() {
                    return false;
                }
                at = *behind;
                rest = taken.clone();
            }
        }
    }
}

fn is(token: Token, character: char, ignore_case: bool) -> bool {
    match token {
        Token::Literal(literal) if ignore_case => literal.eq_ignore_ascii_case(&character),
        Token::Literal(literal) => literal == character,
        Token::One | Token::Any => true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WILD: Reading = Reading { wildcards: true, variables: true, ignore_case: false };

    fn matching(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern, WILD).unwrap().matches(text, &Context::default())
    }

    /// The textbook's table: whether the first `i` tokens match the first `j` characters.
    fn by_table(pattern: &str, text: &str) -> bool {
        let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
        let mut table = vec![vec![false; text.len() + 1]; pattern.len() + 1];
        table[0][0] = true;
        for i in 1..=pattern.len() {
            for j in 0..=text.len() {
                table[i][j] = match pattern[i - 1] {
                    '*' => table[i - 1][j] || (j > 0 && table[i][j - 1]),
                    '?' => j > 0 && table[i - 1][j - 1],
                    literal => j > 0 && literal == text[j - 1] && table[i - 1][j - 1],
                };
            }
        }
        table[pattern.len()][text.len()]
    }

    proptest! {
        #[test]
        fn wildcards_match_as_the_table_of_the_textbook_says(pattern in "[ab*?é]{0,12}", text in "[abé*]{0,16}") {
            prop_assert_eq!(matching(&pattern, &text), by_table(&pattern, &text));
        }
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let pattern = "*a".repeat(2_000);
        assert!(!matching(&pattern, &"a".repeat(1_999)));
    }

    #[test]
    fn a_pattern_covers_what_has_stars_at_the_same_places_or_fewer() {
        let cases = [
            ("*", "a", true),
            ("*", "*", true),
            ("a/*", "a/b-*/*", true),
            ("a/b-*/*", "a/*", false),
            ("a/b", "a/*", false),
            ("a*c", "a*b*c", true),
        ];
        for (pattern, other, expected) in cases {
            assert_eq!(covers(pattern, other), expected, "{pattern} {other}");
        }
    }

    #[test]
    fn what_a_variable_brings_is_no_wildcard() {
        let mut context = Context::default();
        context.insert("aws:PrincipalTag/x", ["*"]);
        let pattern = Pattern::new("a/${aws:PrincipalTag/X}", WILD).unwrap();

        assert!(pattern.matches("a/*", &context));
        assert!(!pattern.matches("a/b", &context));
    }

    #[test]
    fn variables_that_are_none_are_refused() {
        for text in ["${aws:username", "${}", "${x}", "${aws:username, x}", "${aws:${x}}"] {
            assert!(Pattern::new(text, WILD).is_err(), "{text}");
        }
    }
}
