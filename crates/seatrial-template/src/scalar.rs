//! Scalars: the text as written, and what it means where it was written plain.

/// Whether the meaning of a scalar may be guessed from its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Written bare: `10` is a number, `true` a boolean.
    Plain,
    /// Quoted, a block, or tagged `!!str`: always a string.
    Text,
}

/// A scalar before anybody decides on its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    /// The text without quotes, escapes and folding undone.
    pub text: String,
    pub style: Style,
}

/// What a scalar is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Resolved<'a> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Negative(i64),
    Float(f64),
    Text(&'a str),
}

impl Scalar {
    /// The scalar by the YAML core schema, minus what would surprise the writer of a template: `010` (an
    /// account or a file mode), `1e5` (a commit), `0x10`, `+49` and numbers no 64 bits can hold stay text,
    /// as do `yes`, `on` and dates such as the `2012-10-17` of a policy.
    pub fn resolve(&self) -> Resolved<'_> {
        let text = self.text.as_str();
        if self.style == Style::Text {
            return Resolved::Text(text);
        }
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Resolved::Null,
            "true" | "True" | "TRUE" => Resolved::Bool(true),
            "false" | "False" | "FALSE" => Resolved::Bool(false),
            _ => number(text).unwrap_or(Resolved::Text(text)),
        }
    }

    /// The scalar as an error message shows it: quoted as it was, and short.
    pub fn shown(&self) -> String {
        const LONGEST: usize = 60;
        let mut shown: String = self.text.chars().take(LONGEST).collect();
        if self.text.chars().nth(LONGEST).is_some() {
            shown.push('…');
        }
        match self.resolve() {
            Resolved::Null => "`null`".to_owned(),
            Resolved::Text(_) if self.style == Style::Text => format!("`{shown:?}`"),
            _ => format!("`{}`", shown.escape_debug()),
        }
    }
}

fn number(text: &str) -> Option<Resolved<'static>> {
    let magnitude = text.strip_prefix('-').unwrap_or(text);
    let (whole, rest) = split_digits(magnitude);
    if whole.is_empty() || (whole.len() > 1 && whole.starts_with('0')) {
        return None;
    }
    if rest.is_empty() {
        let unsigned = text.parse().ok().map(Resolved::Unsigned);
        return unsigned.or_else(|| text.parse().ok().map(Resolved::Negative));
    }
    let (fraction, exponent) = split_digits(rest.strip_prefix('.')?);
    if fraction.is_empty() || !(exponent.is_empty() || is_exponent(exponent)) {
        return None;
    }
    text.parse().ok().filter(|float: &f64| float.is_finite()).map(Resolved::Float)
}

fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

fn is_exponent(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(['e', 'E']) else { return false };
    let digits = rest.strip_prefix(['+', '-']).unwrap_or(rest);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        format!("{:?}", Scalar { text: text.to_owned(), style: Style::Plain }.resolve())
    }

    #[test]
    fn plain_scalars_mean_what_the_core_schema_says() {
        assert_eq!(plain("10"), "Unsigned(10)");
        assert_eq!(plain("-1"), "Negative(-1)");
        assert_eq!(plain("0.5"), "Float(0.5)");
        assert_eq!(plain("1.5e-3"), "Float(0.0015)");
        assert_eq!(plain("True"), "Bool(true)");
        assert_eq!(plain("~"), "Null");
    }

    #[test]
    fn what_only_looks_like_a_number_stays_text() {
        for text in
            ["010", "2012-10-17", "1e5", "0x10", "+49", "-", ".5", "1.", "1_000", "18446744073709551616"]
        {
            assert_eq!(plain(text), format!("Text({text:?})"));
        }
    }

    #[test]
    fn quoted_numbers_are_text_and_shown_quoted() {
        let scalar = Scalar { text: "10".to_owned(), style: Style::Text };
        assert_eq!(scalar.resolve(), Resolved::Text("10"));
        assert_eq!(scalar.shown(), "`\"10\"`");
    }
}
