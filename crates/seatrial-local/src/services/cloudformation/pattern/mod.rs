//! Regular expressions as CloudFormation reads them: Java's, for `AllowedPattern` and in resource schemas.
//!
//! Source of the syntax: `java.util.regex.Pattern` (the guide to parameters says that `AllowedPattern` is one). What
//! can be said in the `regex` crate's syntax is matched by that crate, in linear time; what cannot (look-around,
//! back references, possessive quantifiers) by backtracking, with a limit of steps.

mod backtrack;
mod node;
mod parse;

use regex::Regex;

use node::Node;

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    engine: Engine,
}

#[derive(Debug)]
enum Engine {
    Linear { anywhere: Regex, whole: Regex },
    Backtracking(Node),
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        let node = parse::parse(pattern)?;
        let mut text = String::new();
        if !node.emit(&mut text) {
            return Ok(Self { engine: Engine::Backtracking(node) });
        }
        // Every part was compiled by itself: what fails here is too large, `.{1,65535}` for one.
        match (Regex::new(&text), Regex::new(&format!(r"\A(?:{text})\z"))) {
            (Ok(anywhere), Ok(whole)) => Ok(Self { engine: Engine::Linear { anywhere, whole } }),
            _ => Ok(Self { engine: Engine::Backtracking(node) }),
        }
    }

    /// Whether the pattern is found anywhere in `text`.
    pub(super) fn finds(&self, text: &str) -> bool {
        match &self.engine {
            Engine::Linear { anywhere, .. } => anywhere.is_match(text),
            Engine::Backtracking(node) => backtrack::finds(node, text),
        }
    }

    /// Whether the whole of `text` matches.
    pub(super) fn matches(&self, text: &str) -> bool {
        match &self.engine {
            Engine::Linear { whole, .. } => whole.is_match(text),
            Engine::Backtracking(node) => backtrack::matches(node, text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_java_says() {
        let cases = [
            ("[a-z]+", "abc", true),
            ("[a-z]+", "abc1", false),
            // A hyphen beside a class of characters is itself.
            (r"[\w-\+]*", "a-+", true),
            (r"[a-zA-Z0-9-\_]+", "a_-", true),
            ("[a-c&&[^b]]+", "ac", true),
            ("[a-c&&[^b]]+", "b", false),
            (r"\d+", "१", false),
            (r"\p{Alpha}\p{Punct}", "a!", true),
            (r"\Qa.b\E+", "a.bbb", true),
            (r"\Qa.b\E+", "aXb", false),
            // Look-around.
            ("(?!aws)[a-z]+", "awsome", false),
            ("(?!aws)[a-z]+", "some", true),
            (r"(?=.*\d)(?=.*[a-z]).{4,}", "abc1", true),
            (r"(?=.*\d)(?=.*[a-z]).{4,}", "abcd", false),
            ("^(?!.*--)[a-z](?:[a-z-]*[a-z])?$", "a-b-c", true),
            ("^(?!.*--)[a-z](?:[a-z-]*[a-z])?$", "a--c", false),
            ("[a-z-]+(?<!-)", "ab-", false),
            ("[a-z-]+(?<!-)", "ab", true),
            // References and possessive quantifiers.
            (r"(\w)\1", "aa", true),
            (r"(\w)\1", "ab", false),
            ("a*+a", "aaa", false),
            ("a*+b", "aab", true),
            ("(?i)ABC", "abc", true),
            ("x{2,3}?", "xxx", true),
            ("a|b|", "", true),
            (r"[\u0041-\x43]+", "ABC", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(Pattern::new(pattern).unwrap().matches(text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_said() {
        for pattern in ["[a", "(a", "a)", "*a", r"\", "[z-a]", r"\p{Nope}", "a{2,1}", "(?<=a*)b"] {
            assert!(Pattern::new(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn a_hostile_pattern_ends_without_a_match() {
        let pattern = Pattern::new("(?!b)((a|a)*)*c").unwrap();
        assert!(!pattern.matches(&"a".repeat(3000)));
    }

    #[test]
    fn the_patterns_of_all_resource_schemas_can_be_read() {
        let text = include_str!("../../../../models/resource-schemas.json");
        let patterns = text
            .split("\"pattern\":")
            .skip(1)
            .filter_map(|piece| serde_json::Deserializer::from_str(piece).into_iter::<String>().next()?.ok());
        // Halves of surrogate pairs are characters for Java alone.
        let patterns: std::collections::BTreeSet<_> =
            patterns.filter(|pattern| !pattern.contains("\\uD")).collect();
        let refused: Vec<_> = patterns.iter().filter(|pattern| parse::parse(pattern).is_err()).collect();
        assert_eq!(refused, Vec::<&String>::new());
    }
}
