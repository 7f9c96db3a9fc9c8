//! Why a task stopped, by its stop code and the words of AWS's agents.
//!
//! The words are those of ECS's developer guide ("Stopped tasks error messages") and of tasks that others have shown.

use serde::{Deserialize, Serialize};

use crate::aws::StoppedTask;

/// Why a task stopped. Its names are a contract, too: a release's explanation has them as its cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cause {
    /// A secret, or a key in it, is not there.
    MissingSecret,
    /// The execution role may not read a secret.
    DeniedSecret,
    /// The image is not in the repository.
    MissingImage,
    /// The execution role may not pull the image.
    DeniedImage,
    /// The image or its program is of another architecture than the task.
    Architecture,
    /// The image does not hold the program that it is to run.
    MissingProgram,
    /// Registry, secrets or logs could not be reached.
    Unreachable,
    /// Fargate has no capacity, or the account's quota is used up.
    Capacity,
    /// The program used more memory than the task has.
    Memory,
    /// The program wrote to a disk that cannot be written, and ended.
    ReadOnly,
    /// The program ended by itself.
    Exited,
    /// It did not answer its health check in time.
    Unhealthy,
    /// It did not start, for another reason.
    NotStarted,
    /// Nobody wanted it any more, or AWS needed the host: nothing is wrong with it.
    Unwanted,
}

/// What the kernel says of a program of another architecture.
const WRONG_FORMAT: &str = "exec format error";
/// What it says of a program whose interpreter or loader is not there.
const NO_FILE: &str = "no such file or directory";
/// What the C library calls EROFS, and with it every language, in one case or another.
const READ_ONLY: &str = "read-only file system";

/// One row: what the words begin a part with, what they also say, and what that means. The first that holds counts.
type Row = (&'static str, &'static [&'static str], Cause);

const ROWS: [Row; 14] = [
    ("", &["failed to validate logger args"], Cause::NotStarted),
    ("", &[WRONG_FORMAT, "matching platform"], Cause::Architecture),
    (
        "CannotStartContainerError",
        &[
            "no such file or directory",
            "executable file not found",
            "no command specified",
            "permission denied",
        ],
        Cause::MissingProgram,
    ),
    ("CannotStartContainerError", &[""], Cause::NotStarted),
    (
        "ResourceInitializationError",
        &["ResourceNotFoundException", "did not contain json key", "invalid ssm parameters"],
        Cause::MissingSecret,
    ),
    (
        "ResourceInitializationError",
        &["secretsmanager:GetSecretValue", "ssm:GetParameters", "kms:Decrypt"],
        Cause::DeniedSecret,
    ),
    ("ResourceInitializationError", &["to perform: ecr:"], Cause::DeniedImage),
    ("ResourceInitializationError", &[""], Cause::Unreachable),
    (
        "CannotPull",
        &["not found", "does not exist", "manifest unknown", "invalid reference"],
        Cause::MissingImage,
    ),
    ("CannotPull", &["AccessDenied", "not authorized", "403 Forbidden", "denied"], Cause::DeniedImage),
    ("CannotPull", &[""], Cause::Unreachable),
    ("", &["Capacity is unavailable", "limit on the number of vCPUs"], Cause::Capacity),
    ("", &["OutOfMemoryError"], Cause::Memory),
    ("", &["failed ELB health checks", "failed container health checks"], Cause::Unhealthy),
];
/// The codes of tasks that somebody or AWS wanted stopped, whatever their containers did then.
const WANTED: [&str; 3] = ["UserInitiated", "SpotInterruption", "TerminationNotice"];
/// How a reason begins where a service has more tasks than it wants.
const SCALED: &str = "Scaling activity";

impl Cause {
    /// Why the task stopped; `log` are its last lines, where there are any: a program of another architecture is told
    /// there alone.
    pub(crate) fn of(task: &StoppedTask, log: &[String]) -> Self {
        if WANTED.contains(&task.code.as_str()) || task.reason.starts_with(SCALED) {
            return Self::Unwanted;
        }
        let words = words(task);
        let holds = |(begins, signs, _): &&Row| {
            words.contains(begins) && signs.iter().any(|sign| words.contains(sign))
        };
        let found = ROWS.iter().find(holds).map(|(_, _, cause)| *cause);
        let found = match (found, task.code.as_str()) {
            (Some(cause), _) => cause,
            // The words of AWS's agent where there is no code, as of one that is just stopping.
            (None, "EssentialContainerExited") => Self::Exited,
            (None, _) if task.reason.starts_with("Essential container") => Self::Exited,
            (None, "TaskFailedToStart") => Self::NotStarted,
            (None, _) => Self::Unwanted,
        };
        // What the runtime could not start says so in its log alone: `exec PATH: why`.
        let says =
            |why: &str| log.iter().any(|line| line.starts_with("exec ") && line.trim_end().ends_with(why));
        match found {
            Self::Exited if says(WRONG_FORMAT) => Self::Architecture,
            Self::Exited if says(NO_FILE) => Self::MissingProgram,
            Self::Exited if log.iter().any(|line| line.to_ascii_lowercase().contains(READ_ONLY)) => {
                Self::ReadOnly
            }
            found => found,
        }
    }

    /// Whether no further task can do better. What may still come is none of it: a role's new permission, an address
    /// that a network will reach in a moment.
    pub(crate) fn cannot_heal(self) -> bool {
        matches!(self, Self::MissingSecret | Self::MissingImage | Self::Architecture | Self::MissingProgram)
    }

    /// Whether a task of a release that stopped so speaks against the release.
    pub(crate) fn is_fatal(self) -> bool {
        self != Self::Unwanted
    }
}

/// The task's own words: its reason, and those of its containers.
pub(crate) fn words(task: &StoppedTask) -> String {
    let containers: String = task.containers.iter().map(|text| format!("; {text}")).collect();
    format!("{}{containers}", task.reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reasons as ECS's developer guide has them ("Stopped tasks error messages"), and as others have shown them.
    const CASES: [(&str, &str, &str, Cause); 22] = [
        (
            "TaskFailedToStart",
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret arn:aws:secretsmanager:eu-central-1:123456789012:secret:x from secrets manager: ResourceNotFoundException: Secrets Manager can't find the specified secret.",
            "",
            Cause::MissingSecret,
        ),
        (
            "TaskFailedToStart",
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s): retrieved secret from Secrets Manager did not contain json key password",
            "",
            Cause::MissingSecret,
        ),
        (
            "TaskFailedToStart",
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret arn:aws:secretsmanager:eu-central-1:123456789012:secret:x from secrets manager: AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/r/t is not authorized to perform: secretsmanager:GetSecretValue on resource: x",
            "",
            Cause::DeniedSecret,
        ),
        (
            "TaskFailedToStart",
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secrets from ssm: service call has been retried 1 time(s): AccessDeniedException: User is not authorized to perform: ssm:GetParameters on resource: x",
            "",
            Cause::DeniedSecret,
        ),
        (
            "TaskFailedToStart",
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve ecr registry auth: service call has been retried 1 time(s): AccessDeniedException: User is not authorized to perform: ecr:GetAuthorizationToken on resource: *",
            "",
            Cause::DeniedImage,
        ),
        (
            "TaskFailedToStart",
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 5 time(s): failed to fetch secret x from secrets manager: RequestCanceled: request context canceled caused by: context deadline exceeded",
            "",
            Cause::Unreachable,
        ),
        (
            "TaskFailedToStart",
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref 123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:gone: not found",
            "",
            Cause::MissingImage,
        ),
        (
            "TaskFailedToStart",
            "CannotPullContainerError: image Manifest does not contain descriptor matching platform 'linux/arm64'",
            "",
            Cause::Architecture,
        ),
        (
            "TaskFailedToStart",
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref x: pull access denied, repository does not exist or may require authorization",
            "",
            Cause::MissingImage,
        ),
        (
            "TaskFailedToStart",
            "CannotPullContainerError: AccessDeniedException: User is not authorized to perform: ecr:BatchGetImage",
            "",
            Cause::DeniedImage,
        ),
        (
            "TaskFailedToStart",
            "CannotPullContainerError: ref pull has been retried 5 time(s): failed to copy: httpReadSeeker: failed open: failed to do request: dial tcp 10.0.0.1:443: i/o timeout",
            "",
            Cause::Unreachable,
        ),
        (
            "TaskFailedToStart",
            "CannotStartContainerError: ResourceInitializationError: failed to create new container runtime task: exec: \"/app\": stat /app: no such file or directory: unknown",
            "",
            Cause::MissingProgram,
        ),
        (
            "TaskFailedToStart",
            "Capacity is unavailable at this time. Please try again later or in a different availability zone",
            "",
            Cause::Capacity,
        ),
        (
            "TaskFailedToStart",
            "Timeout waiting for network interface provisioning to complete.",
            "",
            Cause::NotStarted,
        ),
        (
            "EssentialContainerExited",
            "Essential container in task exited",
            "app: exit code 101",
            Cause::Exited,
        ),
        (
            "EssentialContainerExited",
            "Essential container in task exited",
            "app: OutOfMemoryError: Container killed due to memory usage",
            Cause::Memory,
        ),
        (
            "ServiceSchedulerInitiated",
            "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/web/0123456789abcdef)",
            "",
            Cause::Unhealthy,
        ),
        (
            "TaskFailedToStart",
            "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist.",
            "",
            Cause::NotStarted,
        ),
        (
            "ServiceSchedulerInitiated",
            "Scaling activity initiated by (deployment ecs-svc/1)",
            "sidecar: OutOfMemoryError: Container killed due to memory usage",
            Cause::Unwanted,
        ),
        ("UserInitiated", "Task stopped by user", "app: exit code 137", Cause::Unwanted),
        (
            "ServiceSchedulerInitiated",
            "Scaling activity initiated by (deployment ecs-svc/1)",
            "",
            Cause::Unwanted,
        ),
        (
            "",
            "ECS is performing maintenance on the underlying infrastructure hosting the task",
            "",
            Cause::Unwanted,
        ),
    ];

    #[test]
    fn the_words_of_a_stopped_task_tell_why() {
        for (code, reason, container, expected) in CASES {
            let task = StoppedTask {
                code: code.to_owned(),
                reason: reason.to_owned(),
                containers: vec![container.to_owned()],
                ..StoppedTask::default()
            };
            assert_eq!(Cause::of(&task, &[]), expected, "{reason}");
        }
    }

    #[test]
    fn a_program_that_the_runtime_cannot_start_is_told_in_its_log() {
        let task = StoppedTask { code: "EssentialContainerExited".to_owned(), ..StoppedTask::default() };
        let cause = |line: &str| Cause::of(&task, &[line.to_owned()]);
        assert_eq!(cause("exec /app: exec format error"), Cause::Architecture);
        assert_eq!(cause("exec /app: no such file or directory"), Cause::MissingProgram);
        assert_eq!(cause("open /etc/app.conf: no such file or directory"), Cause::Exited);
        // As Python, Node and Rust write it.
        for line in [
            "OSError: [Errno 30] Read-only file system: '/srv/cache'",
            "Error: EROFS: read-only file system, open '/srv/cache'",
            "Os { code: 30, kind: ReadOnlyFilesystem, message: \"Read-only file system\" }",
        ] {
            assert_eq!(cause(line), Cause::ReadOnly);
        }
    }
}
