//! YAML and JSON as CloudFormation reads them, with the place of every value.
//!
//! Text becomes [`Node`]s: tag, value and span, scalars as they were written. From there a template
//! becomes JSON with long forms only ([`to_json`]), and a settings file becomes a serde type whose
//! errors name place, key, value found and rule ([`Document::deserialize`]). Pure: no files, no network.

mod de;
mod diagnostic;
mod json;
mod loader;
mod node;
mod scalar;
mod short_forms;

pub use crate::{
    de::{AS_WRITTEN, Error as DeserializeError},
    diagnostic::{Diagnostic, Position, Span},
    json::to_json,
    node::{Entry, Mapping, Node, Value},
    scalar::{Resolved, Scalar, Style},
    short_forms::expand,
};

use serde::de::DeserializeOwned;

use loader::Duplicates;

/// One parsed document and the name its diagnostics are led by.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The path as given to [`parse`]; only ever shown.
    pub path: String,
    /// The document's outermost value.
    pub root: Node,
}

/// Parses one YAML or JSON document.
///
/// # Errors
/// The first thing wrong, with its place: text that is not UTF-8 or holds control characters, a syntax
/// error, a duplicate key, a key that is no scalar, a tag CloudFormation does not know, a merge key, more
/// than one document, none at all, nesting or aliases past the limits.
pub fn parse(path: &str, text: &[u8]) -> Result<Document, Diagnostic> {
    document(path, loader::load(text, Duplicates::Refused))
}

/// As [`parse`], but of a key that occurs twice the last value counts, as in CloudFormation: for a reader that must
/// take whatever CloudFormation takes, not for one that helps its writer.
///
/// # Errors
/// As [`parse`], duplicate keys apart.
pub fn parse_last_key_wins(path: &str, text: &[u8]) -> Result<Document, Diagnostic> {
    document(path, loader::load(text, Duplicates::LastWins))
}

fn document(path: &str, loaded: Result<Node, loader::Fault>) -> Result<Document, Diagnostic> {
    loaded
        .map(|root| Document { path: path.to_owned(), root })
        .map_err(|fault| Diagnostic::new(path, fault.position, fault.message))
}

impl Document {
    /// A diagnostic at the start of `span` in this document.
    pub fn diagnostic(&self, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(&self.path, span.start, message)
    }

    /// Reads the whole document as `T`.
    ///
    /// # Errors
    /// The first value that breaks one of `T`'s rules, as a diagnostic at that value.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, Diagnostic> {
        T::deserialize(&self.root).map_err(|error| {
            let position = error.span().unwrap_or(self.root.span).start;
            Diagnostic::new(&self.path, position, error.to_string())
        })
    }

    /// The document as JSON, short forms expanded; see [`to_json`].
    pub fn to_json(&self) -> serde_json::Value {
        to_json(&self.root)
    }
}
