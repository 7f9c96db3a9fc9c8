//! One phase's commands, as `on-failure` and `finally` have it.

use super::super::buildspec::{OnFailure, Phase};
use super::super::store::PhaseContext;
use super::log::BuildLog;
use super::shell::Shell;

/// Runs the phase; with RETRY again while it fails.
pub(super) async fn run(shell: &mut Shell, phase: &Phase, log: &BuildLog) -> Result<(), PhaseContext> {
    let mut retries = match phase.on_failure {
        OnFailure::Retry(count) => count,
        _ => 0,
    };
    loop {
        let result = once(shell, phase, log).await;
        match result {
            Err(context) if retries > 0 => {
                retries -= 1;
                log.note(format!("Retrying phase: {}", context.message)).await;
            }
            result => return result,
        }
    }
}

/// `finally` runs whatever came of the commands; the first failure is the phase's.
async fn once(shell: &mut Shell, phase: &Phase, log: &BuildLog) -> Result<(), PhaseContext> {
    let result = all(shell, &phase.commands, log).await;
    let cleanup = all(shell, &phase.finally, log).await;
    result.and(cleanup)
}

async fn all(shell: &mut Shell, commands: &[String], log: &BuildLog) -> Result<(), PhaseContext> {
    for command in commands {
        log.note(format!("Running command {command}")).await;
        let failed = |reason: String| PhaseContext {
            status_code: "COMMAND_EXECUTION_ERROR".to_owned(),
            message: format!("Error while executing command: {command}. Reason: {reason}"),
        };
        let code = shell.run(command, log).await.map_err(|error| failed(error.to_string()))?;
        if code != 0 {
            log.note(format!("Command did not exit successfully {command} exit status {code}")).await;
            return Err(failed(format!("exit status {code}")));
        }
    }
    Ok(())
}
