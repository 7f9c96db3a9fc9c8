//! Hints: what to type next, carried by errors as data and rendered in one place.

use seatrial_image::ImageError;

use crate::aws::AwsError;
use crate::exit::Refused;

/// An error that knows what the reader can do about it.
pub(crate) trait Hint {
    fn hints(&self) -> Vec<String>;
}

/// The hints of every error in the chain, outermost first.
pub(crate) fn hints_of(error: &anyhow::Error) -> Vec<String> {
    let mut hints = Vec::new();
    for cause in error.chain() {
        if let Some(hinted) = cause.downcast_ref::<AwsError>() {
            hints.extend(hinted.hints());
        } else if let Some(hinted) = cause.downcast_ref::<Refused>() {
            hints.extend(hinted.hints());
        } else if let Some(hinted) = cause.downcast_ref::<ImageError>() {
            hints.extend(hinted.hint().map(str::to_owned));
        }
    }
    hints
}
