//! Hints: what to type next, carried by errors as data.

/// An error that knows what the reader can do about it.
pub(crate) trait Hint {
    fn hints(&self) -> Vec<String>;
}
