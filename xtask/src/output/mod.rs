//! What the user sees.

mod hint;
mod printer;

pub(crate) use hint::Hint;
pub(crate) use printer::{Format, Printer};
