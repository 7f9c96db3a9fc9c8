//! Filter patterns of unstructured lines: `ERROR`, `"two words"`, `-debug`, `?either ?or`.

use crate::error::ServiceError;

/// A parsed pattern. An empty one matches every line.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Pattern {
    all: Vec<String>,
    any: Vec<String>,
    none: Vec<String>,
}

impl Pattern {
    /// Fails with AWS's code on the forms for JSON, space-delimited fields and regular expressions.
    pub fn parse(text: &str) -> Result<Self, ServiceError> {
        let text = text.trim();
        if text.starts_with('{') || text.starts_with('[') || text.starts_with('%') {
            return Err(ServiceError::new(
                "InvalidParameterException",
                format!("the local cloud filters by terms only, found filter pattern `{text}`"),
            ));
        }
        let mut pattern = Self::default();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let (list, body) = match first {
                '-' => (&mut pattern.none, rest.strip_prefix('-').unwrap_or(rest)),
                '?' => (&mut pattern.any, rest.strip_prefix('?').unwrap_or(rest)),
                _ => (&mut pattern.all, rest),
            };
            let (term, after) = match body.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').ok_or_else(|| {
                    ServiceError::new("InvalidParameterException", format!("Invalid filter pattern: {text}"))
                })?,
                None => body.split_once(char::is_whitespace).unwrap_or((body, "")),
            };
            if !term.is_empty() {
                list.push(term.to_owned());
            }
            rest = after.trim_start();
        }
        Ok(pattern)
    }

    pub fn matches(&self, line: &str) -> bool {
        let has = |term: &String| line.contains(term.as_str());
        // AWS: optional terms count only where no term is required.
        let any = !self.all.is_empty() || self.any.is_empty() || self.any.iter().any(has);
        self.all.iter().all(has) && any && !self.none.iter().any(has)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, line: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(line)
    }

    #[test]
    fn terms_are_all_required_and_case_counts() {
        assert!(matches("ERROR disk", "ERROR: disk is full"));
        assert!(!matches("ERROR disk", "error: disk is full"));
        assert!(matches("\"disk is\" -warn", "ERROR: disk is full"));
        assert!(!matches("disk -full", "ERROR: disk is full"));
        assert!(matches("?panic ?ERROR", "ERROR: disk is full"));
        assert!(matches("", "anything"));
    }

    #[test]
    fn json_patterns_are_refused_by_name() {
        assert_eq!(Pattern::parse("{ $.a = 1 }").unwrap_err().code, "InvalidParameterException");
    }
}
