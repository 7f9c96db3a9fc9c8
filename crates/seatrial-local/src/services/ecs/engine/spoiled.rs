//! What faults do to the tasks of a task set, in the words of AWS's agents.

use std::path::{Path, PathBuf};

use crate::cloud::Cloud;
use crate::fault::FaultKind;

/// The program's last words where it ends as soon as it starts.
const LAST_WORDS: &str = "a fault was injected: the program ends as soon as it starts";

/// What runs instead of the program.
pub(super) fn crash() -> (PathBuf, Vec<String>) {
    let args = ["-c", "echo \"$1\" >&2; exit 1", "sh", LAST_WORDS].map(str::to_owned);
    (PathBuf::from("/bin/sh"), args.to_vec())
}

/// A program that starts late: longer than the shortest grace, and shorter than a target may take for its first answer
/// (elbv2, health checks).
const SLOW: u32 = 7;
/// Longer than anybody waits for it.
const LATE: u32 = 3600;

/// What runs before the program where it starts late; `None` of another fault.
pub(super) fn delayed(fault: FaultKind, program: &Path, args: &[String]) -> Option<(PathBuf, Vec<String>)> {
    let seconds = match fault {
        FaultKind::SlowStart => SLOW,
        FaultKind::LateStart => LATE,
        _ => return None,
    };
    let script =
        "echo \"a fault was injected: the program starts after $1 s\"; sleep \"$1\"; shift; exec \"$@\"";
    let before = ["-c", script, "sh"].map(str::to_owned).into_iter().chain([seconds.to_string()]);
    let program = program.to_string_lossy().into_owned();
    Some((PathBuf::from("/bin/sh"), before.chain([program]).chain(args.iter().cloned()).collect()))
}

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
