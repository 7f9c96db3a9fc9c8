//! In which order the containers of a task start (`dependsOn`), and what each waits for.

use std::time::Duration;

use super::running::RunningTask;
use crate::cloud::Cloud;
use crate::services::ecs::definition::{ContainerDefinition, Content, Dependency};
use crate::services::ecs::store::EcsStore;

/// How long a container waits for another to end that has no `startTimeout`; real time (API reference,
/// "ContainerDefinition": "If you don't specify a value, the default value of 3 minutes is used").
const PATIENCE: Duration = Duration::from_secs(180);

/// The containers' places, so that each comes behind those that it depends on, else in the definition's order.
pub(super) fn order(containers: &[ContainerDefinition]) -> Vec<usize> {
    let mut order: Vec<usize> = Vec::new();
    let place = |name: &str| containers.iter().position(|container| container.name == name);
    while order.len() < containers.len() {
        let next = containers.iter().enumerate().find(|(index, container)| {
            let mut wanted =
                container.dependencies().filter_map(|dependency| place(&dependency.container_name));
            !order.contains(index) && wanted.all(|wanted| order.contains(&wanted))
        });
        // No definition with a circle was registered.
        let Some((next, _)) = next else { break };
        order.push(next);
    }
    order
}

/// Waits until all that a container depends on has come so far. The error is a `stoppedReason`, in words of ours.
pub(super) async fn met(
    cloud: &Cloud,
    key: &str,
    container: &ContainerDefinition,
    (content, running): (&Content, &RunningTask),
) -> Result<(), String> {
    for dependency in container.dependencies() {
        let Dependency { container_name: name, condition } = dependency;
        let place = content.container_definitions.iter().position(|one| one.name == *name);
        let found = running.containers.iter().find(|one| Some(one.index) == place);
        // It has started, or this one's turn would not have come.
        let (Some(found), true) = (found, condition != "START") else { continue };
        let patience = place.and_then(|place| content.container_definitions.get(place)?.start_timeout);
        let patience = patience.map_or(PATIENCE, Duration::from_secs);
        let is_over = || {
            let row = cloud.part::<EcsStore>().tasks.get(key);
            let is_wanted = row.is_some_and(|row| row.task.desired_status == "RUNNING");
            (!is_wanted || running.essential_exited()).then_some(())
        };
        let failed = |why: &str| Err(format!("Container {} was not started: {name} {why}.", container.name));
        let exit = tokio::select! {
            exit = found.process.wait() => exit,
            over = cloud.wait_until(patience, is_over) => return match over {
                Some(()) => Err("Essential container in task exited".to_owned()),
                None => failed("did not end in time"),
            },
        };
        if condition == "SUCCESS" && exit.status() != 0 {
            return failed(&format!("ended with exit code {}", exit.status()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_container_starts_behind_those_that_it_depends_on_else_as_it_is_written() {
        let container = |name: &str, wanted: &[&str]| {
            let wanted: Vec<_> = wanted
                .iter()
                .map(|name| serde_json::json!({ "containerName": name, "condition": "START" }))
                .collect();
            serde_json::from_value(serde_json::json!({ "name": name, "dependsOn": wanted })).unwrap()
        };
        let containers = [
            container("app", &["migrate", "proxy"]),
            container("proxy", &[]),
            container("migrate", &["proxy"]),
        ];
        assert_eq!(order(&containers), [1, 2, 0]);
        assert_eq!(order(&[container("a", &[]), container("b", &[])]), [0, 1]);
    }
}
