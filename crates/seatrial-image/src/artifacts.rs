//! Writes what CodePipeline's deploy action reads.

use std::fs;
use std::path::Path;

use seatrial_project::Environment;
use seatrial_project::render::{Variables, artifacts};

use crate::error::ImageError;

/// Writes `taskdef.json`, `appspec.yaml` and `imageDetail.json` into `directory`: the templates below `workspace`,
/// rendered for `environment`. `given` is what only the stacks know.
///
/// # Errors
/// `ImageError::Refused` when a template cannot be rendered; then nothing is written.
pub fn write_artifacts(
    workspace: &Path,
    directory: &Path,
    uri: &str,
    environment: &Environment,
    given: &Variables,
) -> Result<(), ImageError> {
    let files = artifacts(workspace, environment, given, uri)?;
    let failed = |error| ImageError::failed(format!("write to `{}`", directory.display()), error);
    fs::create_dir_all(directory).map_err(failed)?;
    for file in files {
        fs::write(directory.join(file.name), file.text).map_err(failed)?;
    }
    Ok(())
}
