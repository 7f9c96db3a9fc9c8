//! The tasks of a service that is being made. CloudFormation waits for hours for tasks that can never run, and tells
//! nothing of them: here they are told as they stop, and what they show ends the waiting.
//!
//! | what is seen | what it means |
//! |---|---|
//! | a secret, an image or a program that is not there, or an image of another architecture | it cannot heal |
//! | three tasks that stopped for the same reason | it does not heal |
//! | a task that stopped because it was not wanted any more | nothing |

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::watch;

use super::{Look, Watch};
use crate::aws::StoppedTask;
use crate::aws::status::is_unhealthy;
use crate::output::{Event, What};

/// As long as CloudFormation itself waits for a service.
const PATIENCE: Duration = Duration::from_secs(3 * 60 * 60);
/// So many tasks that stop for the same reason are no accident.
const ALIKE: usize = 3;
/// Log lines of a task that are told.
const LINES: i32 = 10;

/// Why no task will run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doom {
    /// A secret, or a key in it, is not there.
    Secret,
    /// The image, or the program in it, is not there.
    Image,
    /// The image is of another architecture than the task.
    Architecture,
    /// They stop again and again.
    Repeated,
}

/// The tasks of a service that no waiting will help.
#[derive(Debug)]
pub(crate) struct Doomed {
    pub doom: Doom,
    /// The last task that stopped.
    pub task: StoppedTask,
    /// The last lines of its log.
    pub log: Vec<String>,
}

/// Tells the tasks that stop of a service, by the ARN that `service` brings once the service is there; returns when it is
/// clear that none will run. Whoever may not ask is told so, and not answered.
pub(crate) async fn doomed_tasks(watch: Watch<'_>, mut service: watch::Receiver<Option<String>>) -> Doomed {
    let arn = match service.wait_for(Option::is_some).await {
        Ok(arn) => arn.clone().unwrap_or_default(),
        Err(_) => return std::future::pending().await,
    };
    match watched(watch, &arn).await {
        Ok(doomed) => doomed,
        Err(error) => {
            watch.session.printer.warning(format_args!("the tasks of `{arn}` cannot be watched: {error:#}"));
            std::future::pending().await
        }
    }
}

async fn watched(watch: Watch<'_>, arn: &str) -> anyhow::Result<Doomed> {
    // `arn:aws:ecs:REGION:ACCOUNT:service/CLUSTER/NAME`.
    let mut parts = arn.rsplit('/');
    let (Some(service), Some(cluster)) = (parts.next(), parts.next()) else {
        return Err(anyhow::anyhow!("its ARN names no cluster"));
    };
    let mut poll = watch.poll(format!("the tasks of service `{service}`"), PATIENCE);
    let mut tasks =
        Tasks { watch, cluster, service, groups: None, told: BTreeSet::new(), stopped: Vec::new() };
    let (doom, task) = poll.until(async || tasks.look().await).await?;
    let mut log = Vec::new();
    for (group, stream) in watch.aws.log_streams(&task.task_definition, &task.arn).await? {
        let lines = watch.aws.last_log_lines((&group, &stream), LINES).await?;
        log.extend(lines.into_iter().map(|line| line.text));
    }
    // A program of another architecture is told in its log alone.
    let doom = if log.iter().any(|line| line.contains(WRONG_FORMAT)) { Doom::Architecture } else { doom };
    Ok(Doomed { doom, task, log })
}

/// What was seen of one service's tasks.
struct Tasks<'a> {
    watch: Watch<'a>,
    cluster: &'a str,
    service: &'a str,
    groups: Option<Vec<String>>,
    /// Tasks and targets that were told already.
    told: BTreeSet<String>,
    stopped: Vec<StoppedTask>,
}

impl Tasks<'_> {
    async fn look(&mut self) -> anyhow::Result<Look<(Doom, StoppedTask)>> {
        let unhealthy = self.tell_targets().await?;
        let mut arns = self.watch.aws.list_stopped_tasks(self.cluster, self.service).await?;
        arns.retain(|arn| !self.told.contains(arn));
        if arns.is_empty() {
            return Ok(if unhealthy { Look::News } else { Look::Nothing });
        }
        for task in self.watch.aws.stopped_tasks(self.cluster, arns).await? {
            // One that is still stopping has no exit code yet, or no reason.
            if task.time.is_none() || task.reason.is_empty() || !self.told.insert(task.arn.clone()) {
                continue;
            }
            let what = What::StoppedTask { reason: words(&task) };
            self.watch.session.printer.tell(Event::new(task.time, self.service, what));
            self.stopped.push(task);
        }
        let found = doom_of(&self.stopped);
        Ok(found.map_or(Look::News, |(doom, task)| Look::Ended((doom, task.clone()))))
    }

    /// Tells the targets that answer no health check; whether there was a new one.
    async fn tell_targets(&mut self) -> anyhow::Result<bool> {
        let groups = match &self.groups {
            Some(groups) => groups.clone(),
            None => self.watch.aws.target_groups(self.cluster, self.service).await?,
        };
        let mut news = false;
        for group in &groups {
            for health in self.watch.aws.target_health(group).await? {
                let told = format!("target {}: {}", health.target, health.description.unwrap_or_default());
                if is_unhealthy(&health.state) && self.told.insert(told.clone()) {
                    self.watch.session.printer.tell(Event::text(self.service, told));
                    news = true;
                }
            }
        }
        self.groups = Some(groups);
        Ok(news)
    }
}

/// The task's own words: its reason, and those of its containers.
fn words(task: &StoppedTask) -> String {
    let containers: String = task.containers.iter().map(|text| format!("; {text}")).collect();
    format!("{}{containers}", task.reason)
}

/// Why no task will run, with the task that shows it.
fn doom_of(stopped: &[StoppedTask]) -> Option<(Doom, &StoppedTask)> {
    let unwanted = |task: &&StoppedTask| !task.reason.starts_with("Scaling activity");
    let stopped: Vec<&StoppedTask> = stopped.iter().filter(unwanted).collect();
    let cannot_heal = stopped.iter().find_map(|task| Some((cannot_heal(&words(task))?, *task)));
    cannot_heal.or_else(|| {
        let alike = |task: &StoppedTask| {
            let same =
                stopped.iter().filter(|other| without_names(&words(other)) == without_names(&words(task)));
            same.count() >= ALIKE
        };
        stopped.iter().rev().find(|task| alike(task)).map(|task| (Doom::Repeated, *task))
    })
}

/// What the kernel says of a program of another architecture.
const WRONG_FORMAT: &str = "exec format error";
/// What AWS's agents say of what is not there. What may still come is none of it: a role's new permission, an address
/// that a network will reach in a moment.
const NEVER: [(&str, &[&str], Doom); 4] = [
    ("", &[WRONG_FORMAT], Doom::Architecture),
    ("ResourceInitializationError", &["ResourceNotFoundException", "did not contain json key"], Doom::Secret),
    (
        "CannotPullContainer",
        &["not found", "does not exist", "manifest unknown", "invalid reference", "matching platform"],
        Doom::Image,
    ),
    (
        "CannotStartContainerError",
        &["no such file or directory", "executable file not found", "no command specified"],
        Doom::Image,
    ),
];

fn cannot_heal(words: &str) -> Option<Doom> {
    let says = |(begins, signs, _): &&(&str, &[&str], Doom)| {
        words.contains(begins) && signs.iter().any(|sign| words.contains(sign))
    };
    NEVER.iter().find(says).map(|(_, _, doom)| *doom)
}

/// The words without what differs from task to task: ids, addresses, times. A short number (an exit code) stays.
fn without_names(words: &str) -> String {
    let differs = |word: &str| word.len() > 3 && word.contains(|c: char| c.is_ascii_digit());
    let parts = words.split(|c: char| !c.is_ascii_alphanumeric());
    parts.map(|word| if differs(word) { "#" } else { word }).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(reason: &str, container: &str) -> StoppedTask {
        StoppedTask {
            arn: String::new(),
            task_definition: String::new(),
            time: None,
            reason: reason.to_owned(),
            containers: vec![container.to_owned()],
        }
    }

    fn doom(stopped: &[StoppedTask]) -> Option<Doom> {
        doom_of(stopped).map(|(doom, _)| doom)
    }

    #[test]
    fn one_task_is_enough_where_what_it_needs_is_not_there() {
        let cases = [
            (
                "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret arn:aws:secretsmanager:eu-central-1:123456789012:secret:x from secrets manager: ResourceNotFoundException: Secrets Manager can't find the specified secret.",
                Doom::Secret,
            ),
            (
                "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref 123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:gone: not found",
                Doom::Image,
            ),
            (
                "CannotPullContainerError: image Manifest does not contain descriptor matching platform 'linux/arm64'",
                Doom::Image,
            ),
            (
                "CannotStartContainerError: ResourceInitializationError: failed to create new container runtime task: exec: \"/app\": stat /app: no such file or directory: unknown",
                Doom::Image,
            ),
            ("CannotStartContainerError: exec /app: exec format error", Doom::Architecture),
        ];
        for (reason, expected) in cases {
            assert_eq!(doom(&[task(reason, "")]), Some(expected), "{reason}");
        }
    }

    #[test]
    fn what_may_heal_is_given_three_tasks_that_stop_alike() {
        let cases = [
            ("Essential container in task exited", "app: exit code 101"),
            (
                "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/web/0123456789abcdef)",
                "",
            ),
            (
                "ResourceInitializationError: unable to pull secrets or registry auth: AccessDeniedException: User is not authorized",
                "",
            ),
            ("CannotPullContainerError: dial tcp 10.0.0.1:443: i/o timeout", ""),
            ("OutOfMemoryError: Container killed due to memory usage", "app: exit code 137"),
        ];
        for (reason, container) in cases {
            let stopped = [task(reason, container), task(reason, container), task(reason, container)];
            assert_eq!(doom(&stopped[..2]), None, "{reason}");
            assert_eq!(doom(&stopped), Some(Doom::Repeated), "{reason}");
        }
    }

    #[test]
    fn stops_are_alike_whatever_ids_they_name_and_not_where_the_exit_code_differs() {
        let request = |id: &str| task(&format!("ResourceInitializationError: RequestID: {id}-4f2a-11ee"), "");
        let alike = [request("0f1e2d3c"), request("a9b8c7d6"), request("00112233")];
        assert_eq!(doom(&alike), Some(Doom::Repeated));
        let exited =
            |code: u32| task("Essential container in task exited", &format!("app: exit code {code}"));
        assert_eq!(doom(&[exited(1), exited(2), exited(137)]), None);
    }

    #[test]
    fn a_task_that_was_not_wanted_any_more_says_nothing() {
        let unwanted = task("Scaling activity initiated by (deployment ecs-svc/1)", "");
        assert_eq!(doom(&[unwanted.clone(), unwanted.clone(), unwanted]), None);
    }
}
