//! What the user sees.

mod hint;
mod printer;
mod table;

pub(crate) use hint::Hint;
pub(crate) use printer::{Format, Printer};
pub(crate) use table::table;
