//! What faults do to the tasks of a task set, in the words of AWS's agents.

use crate::cloud::Cloud;
use crate::fault::FaultKind;
use crate::runtime::sandbox::Program;

/// The program's last words where it ends as soon as it starts.
const LAST_WORDS: &str = "a fault was injected: the program ends as soon as it starts";

/// What a container runs under a fault instead of `program`.
pub(super) fn contained(fault: FaultKind, program: Program) -> Program {
    let says = |seconds: u32| Some(format!("a fault was injected: the program starts after {seconds} s"));
    match fault {
        FaultKind::Crash => Program { says: Some(LAST_WORDS.to_owned()), sleeps: 0, runs: Err(1) },
        FaultKind::SlowStart => Program { says: says(SLOW), sleeps: SLOW, ..program },
        FaultKind::LateStart => Program { says: says(LATE), sleeps: LATE, ..program },
        _ => program,
    }
}

/// A program that starts late: longer than the shortest grace, and shorter than a target may take for its first answer
/// (elbv2, health checks).
const SLOW: u32 = 7;
/// Longer than anybody waits for it.
const LATE: u32 = 3600;

/// What a task says of an image that is not there.
pub(super) fn missing_image(image: &str) -> String {
    format!(
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: \
         {image}: not found"
    )
}

/// What the agent says where the execution role may not read a secret; behind it stands what it tried.
pub(super) fn denied_secret(cloud: &Cloud) -> String {
    let (region, account) = (cloud.region(), cloud.account());
    let arn = format!("arn:aws:secretsmanager:{region}:{account}:secret:fault-AbCdEf");
    format!(
        "unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret {arn} from \
         secrets manager: AccessDeniedException: User: arn:aws:sts::{account}:assumed-role/execution/fault is not \
         authorized to perform: secretsmanager:GetSecretValue on resource: {arn} because no identity-based policy allows \
         the secretsmanager:GetSecretValue action"
    )
}
