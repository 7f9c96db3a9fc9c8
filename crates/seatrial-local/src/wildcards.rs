//! Patterns with stars, compared in time that is linear in the text, however many stars there are: they come from whoever
//! calls, and one that backtracks burns a core.

use regex::{Regex, RegexBuilder};

/// A pattern, compiled. One that is too long to be compiled fits nothing.
pub(crate) struct Wildcards(Option<Regex>);

impl Wildcards {
    /// `*` stands for any characters, also none, and `?` for one.
    pub(crate) fn of_text(pattern: &str, any_case: bool) -> Self {
        Self::compiled(&regex::escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), any_case)
    }

    /// `*` stands for any characters, also none; a question mark for itself.
    pub(crate) fn of_stars(pattern: &str) -> Self {
        Self::compiled(&regex::escape(pattern).replace(r"\*", ".*"), false)
    }

    /// Of a path: `*` and `?` stay within one part, `**` takes any number of parts.
    pub(crate) fn of_path(pattern: &str) -> Self {
        let parts: Vec<_> = pattern.split('/').collect();
        let last = parts.len() - 1;
        let part = |(index, part): (usize, &&str)| match *part {
            "**" if index == last => ".+".to_owned(),
            "**" => "(?:[^/]*/)*".to_owned(),
            part => {
                let part = regex::escape(part).replace(r"\*", "[^/]*").replace(r"\?", "[^/]");
                format!("{part}{}", if index == last { "" } else { "/" })
            }
        };
        Self::compiled(&parts.iter().enumerate().map(part).collect::<String>(), false)
    }

    fn compiled(expression: &str, any_case: bool) -> Self {
        let mut builder = RegexBuilder::new(&format!("^(?:{expression})$"));
        Self(builder.case_insensitive(any_case).dot_matches_new_line(true).build().ok())
    }

    pub(crate) fn fits(&self, text: &str) -> bool {
        self.0.as_ref().is_some_and(|expression| expression.is_match(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of these took longer than the test may last when a star was tried at every place.
    #[test]
    fn no_number_of_stars_takes_long() {
        let text = "a".repeat(2_000);
        assert!(!Wildcards::of_stars(&format!("{}b", "*a".repeat(40))).fits(&text));
        assert!(!Wildcards::of_text(&format!("{}b", "*a?".repeat(40)), true).fits(&text));
        assert!(!Wildcards::of_path(&format!("{}b", "*a".repeat(40))).fits(&text));
        assert!(!Wildcards::of_path(&format!("{}b", "**/".repeat(40))).fits(&"a/".repeat(1_000)));
    }
}
