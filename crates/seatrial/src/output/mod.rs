//! What the user sees.

mod channel;
mod event;
mod lines;
mod printer;
mod table;

pub(crate) use event::{Event, What};
pub(crate) use printer::{Format, Printer};
pub(crate) use table::table;
