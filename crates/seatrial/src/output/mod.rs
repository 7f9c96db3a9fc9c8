//! What the user sees.

mod board;
mod channel;
mod event;
mod lines;
mod printer;
mod record;
mod room;
mod screen;
mod table;
mod timeline;
mod width;

pub(crate) use event::{Event, Expected, Phase, What, Whole, clock};
pub(crate) use printer::{Ear, Format, Manner, Printer};
pub(crate) use record::{Operation, Span, operations};
pub(crate) use table::table;
pub(crate) use timeline::{After, Timeline};
