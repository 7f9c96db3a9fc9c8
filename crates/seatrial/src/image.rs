//! The image, built as part of a command: the build ends with it, and what it writes is the command's change.

use seatrial_image::{BuildImage, BuildRequest, Report, Stop};

use crate::session::Session;

/// Builds, and pushes where that is asked for; `subject` is told of.
///
/// # Errors
/// [`crate::exit::Interrupted`], when cargo or docker has ended; whatever the build says.
pub(crate) async fn build(
    (session, subject): (&Session, &str),
    request: BuildRequest,
    report: Report<'_>,
) -> anyhow::Result<BuildImage> {
    let stop = match session.printer.ear(subject) {
        Some(ear) => Stop::heard_by(ear),
        None => Stop::default(),
    };
    let request = BuildRequest { stop: Some(stop.clone()), ..request };
    // Before the first byte: an image that was pushed by half is a change.
    let pushing = || session.changes.note();
    match session.cancel.unless_cancelled(seatrial_image::run(&request, report, &pushing)).await {
        Ok(built) => Ok(built?),
        Err(interrupted) => {
            stop.now().await;
            Err(interrupted.into())
        }
    }
}
