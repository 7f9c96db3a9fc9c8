//! What to do about a task that stopped, in a few words.

use seatrial_project::PROJECT_FILE;

use crate::follow::Cause;

/// The start of a sentence: what to mend.
pub(super) fn of(cause: Cause) -> String {
    match cause {
        Cause::MissingSecret => {
            format!(
                "make the secret, or the key in it, or correct it under `app.secrets` in `{PROJECT_FILE}`"
            )
        }
        Cause::DeniedSecret => format!(
            "let the execution role read the secret: `app.secrets` in `{PROJECT_FILE}` names it, and `provision` allows it"
        ),
        Cause::MissingImage => "see that the image is in the repository".to_owned(),
        Cause::DeniedImage => "let the execution role pull the image from its repository".to_owned(),
        Cause::Architecture => format!(
            "set `app.architecture` in `{PROJECT_FILE}` to that of the image, or build the image for that"
        ),
        Cause::MissingProgram => {
            "see that the image holds the program that it starts, and its interpreter".to_owned()
        }
        Cause::Unreachable => {
            "see that the tasks' subnets have a way to the registry, to the secrets and to the logs"
                .to_owned()
        }
        Cause::Capacity => {
            "try again later, or ask for a higher Fargate quota (`doctor` shows it)".to_owned()
        }
        Cause::Memory => format!("raise `app.memory` in `{PROJECT_FILE}`, or let the application use less"),
        Cause::ReadOnly => format!(
            "set `app.read_only` in `{PROJECT_FILE}` to false, or let the application write nothing to its own disk"
        ),
        Cause::Unhealthy => format!(
            "see that the application listens on 0.0.0.0 at `PORT` and answers `app.health_check_path` of `{PROJECT_FILE}` \
             with 200"
        ),
        Cause::Exited | Cause::NotStarted | Cause::Unwanted => {
            "mend what the task says, and commit it".to_owned()
        }
    }
}
