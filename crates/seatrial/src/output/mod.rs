//! What the user sees.

mod hint;
mod printer;
mod table;

pub(crate) use hint::Hint;
#[cfg(test)]
pub(crate) use hint::hints_of;
pub(crate) use printer::{Format, Printer};
pub(crate) use table::table;
