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

use super::stops::{Cause, words};
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

/// The tasks of a service that no waiting will help.
#[derive(Debug)]
pub(crate) struct Doomed {
    /// Why the task stopped that shows it.
    pub cause: Cause,
    /// That task.
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
    let task = poll.until(async || tasks.look().await).await?;
    let log = watch.aws.last_words((&task.task_definition, &task.arn), LINES).await?;
    let log: Vec<String> = log.into_iter().map(|line| line.text).collect();
    Ok(Doomed { cause: Cause::of(&task, &log), task, log })
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
    async fn look(&mut self) -> anyhow::Result<Look<StoppedTask>> {
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
        Ok(doomed(&self.stopped).map_or(Look::News, |task| Look::Ended(task.clone())))
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

/// The task that shows that none will run.
fn doomed(stopped: &[StoppedTask]) -> Option<&StoppedTask> {
    let stopped: Vec<&StoppedTask> = stopped.iter().filter(|task| Cause::of(task, &[]).is_fatal()).collect();
    let cannot_heal = stopped.iter().find(|task| Cause::of(task, &[]).cannot_heal()).copied();
    cannot_heal.or_else(|| {
        let alike = |task: &StoppedTask| {
            let same =
                stopped.iter().filter(|other| without_names(&words(other)) == without_names(&words(task)));
            same.count() >= ALIKE
        };
        stopped.iter().rev().find(|task| alike(task)).copied()
    })
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
        let code =
            if reason.starts_with("Essential") { "EssentialContainerExited" } else { "TaskFailedToStart" };
        let code = if reason.starts_with("Scaling") { "ServiceSchedulerInitiated" } else { code };
        StoppedTask {
            code: code.to_owned(),
            reason: reason.to_owned(),
            containers: vec![container.to_owned()],
            ..StoppedTask::default()
        }
    }

    fn is_doomed(stopped: &[StoppedTask]) -> bool {
        doomed(stopped).is_some()
    }

    #[test]
    fn one_task_is_enough_where_what_it_needs_is_not_there() {
        let missing = "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve \
                       ref 123456789012.dkr.ecr.eu-central-1.amazonaws.com/web:gone: not found";
        assert!(is_doomed(&[task(missing, "")]));
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
            assert!(!is_doomed(&stopped[..2]), "{reason}");
            assert!(is_doomed(&stopped), "{reason}");
        }
    }

    #[test]
    fn stops_are_alike_whatever_ids_they_name_and_not_where_the_exit_code_differs() {
        let request = |id: &str| task(&format!("ResourceInitializationError: RequestID: {id}-4f2a-11ee"), "");
        let alike = [request("0f1e2d3c"), request("a9b8c7d6"), request("00112233")];
        assert!(is_doomed(&alike));
        let exited =
            |code: u32| task("Essential container in task exited", &format!("app: exit code {code}"));
        assert!(!is_doomed(&[exited(1), exited(2), exited(137)]));
    }

    #[test]
    fn a_task_that_was_not_wanted_any_more_says_nothing() {
        let unwanted = task("Scaling activity initiated by (deployment ecs-svc/1)", "");
        assert!(!is_doomed(&[unwanted.clone(), unwanted.clone(), unwanted]));
    }
}
