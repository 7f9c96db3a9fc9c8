//! What Fargate does not take in a task definition, and what the local cloud does not play of what it takes.

use serde_json::{Map, Value};

use crate::error::ServiceError;
use crate::services::ecs::definition::{ContainerDefinition, Content};
use crate::services::ecs::store::client;

/// Members of a container that Fargate does not support (developer guide, "Task definition considerations"). Its words
/// of `sourcePath` are known (cloudposse/terraform-aws-ecs-alb-service-task#174); of the others they are taken to be
/// alike.
const OF_CONTAINERS: [&str; 9] = [
    "disableNetworking",
    "dnsSearchDomains",
    "dnsServers",
    "dockerSecurityOptions",
    "extraHosts",
    "hostname",
    "links",
    "privileged",
    "systemControls",
];
/// The same of `linuxParameters`.
const OF_LINUX: [&str; 5] = ["devices", "maxSwap", "sharedMemorySize", "swappiness", "tmpfs"];
/// What Fargate takes and the local cloud would pass over.
const NOT_PLAYED: [&str; 3] = ["environmentFiles", "firelensConfiguration", "volumesFrom"];
/// Of volumes likewise.
const VOLUMES_NOT_PLAYED: [&str; 4] = [
    "efsVolumeConfiguration",
    "fsxWindowsFileServerVolumeConfiguration",
    "configuredAtLaunch",
    "s3filesVolumeConfiguration",
];
/// The one capability that Fargate lets a container have besides ("KernelCapabilities").
const ADDED: &str = "SYS_PTRACE";

/// Refuses what Fargate refuses.
pub(super) fn check_supported(content: &Content) -> Result<(), ServiceError> {
    let unsupported =
        |what: &str| client(format!("Fargate compatible task definitions do not support {what}"));
    if !content.placement_constraints.is_empty() {
        return Err(unsupported("constraints"));
    }
    if content.ipc_mode.is_some() {
        return Err(unsupported("ipcMode"));
    }
    for volume in content.volumes.iter().filter_map(Value::as_object) {
        if said(volume, "dockerVolumeConfiguration") {
            return Err(unsupported("dockerVolumeConfiguration"));
        }
        if volume.get("host").and_then(Value::as_object).is_some_and(|host| said(host, "sourcePath")) {
            return Err(unsupported("sourcePath"));
        }
    }
    for container in &content.container_definitions {
        if let Some(name) = OF_CONTAINERS.iter().find(|name| said(&container.rest, name)) {
            return Err(unsupported(name));
        }
        let Some(linux) = &container.linux_parameters else { continue };
        if let Some(name) = OF_LINUX.iter().find(|name| said(&linux.rest, name)) {
            return Err(unsupported(name));
        }
        let mut added = linux.capabilities.iter().flat_map(|capabilities| &capabilities.add);
        if let Some(name) = added.find(|name| *name != ADDED) {
            return Err(unsupported(&format!("adding the capability {name}")));
        }
    }
    Ok(())
}

/// Refuses what would be passed over here.
pub(super) fn check_played(content: &Content) -> Result<(), ServiceError> {
    let not_played = |what: &str| client(format!("The local cloud does not play {what}."));
    if content.pid_mode.is_some() {
        return Err(not_played("pidMode"));
    }
    for volume in content.volumes.iter().filter_map(Value::as_object) {
        let name = volume.get("name").and_then(Value::as_str).unwrap_or_default();
        if name.is_empty()
            || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        {
            return Err(client("Volume.name contains invalid characters."));
        }
        if let Some(name) = VOLUMES_NOT_PLAYED.iter().find(|name| said(volume, name)) {
            return Err(not_played(&format!("{name} of volumes")));
        }
    }
    for container in &content.container_definitions {
        if let Some(name) = NOT_PLAYED.iter().find(|name| said(&container.rest, name)) {
            return Err(not_played(name));
        }
        let driver = container.log_configuration.as_ref().map(|log| log.log_driver.as_str());
        if let Some(driver) = driver.filter(|driver| *driver != "awslogs") {
            return Err(not_played(&format!("the log driver {driver}, only awslogs")));
        }
        check_volumes(container, content)?;
        check_dependencies(container, content)?;
    }
    Ok(())
}

/// What ECS refuses of `dependsOn`, in words of ours, and `HEALTHY`: no container's health is checked here.
fn check_dependencies(container: &ContainerDefinition, content: &Content) -> Result<(), ServiceError> {
    let containers = &content.container_definitions;
    let named = |name: &str| containers.iter().find(|one| one.name == name);
    for dependency in container.dependencies() {
        let name = &dependency.container_name;
        let Some(other) = named(name) else {
            return Err(client(format!(
                "Container {} depends on {name}, which is not there.",
                container.name
            )));
        };
        match dependency.condition.as_str() {
            "START" => {}
            // "This condition can't be set on an essential container" (API reference, "ContainerDependency").
            "COMPLETE" | "SUCCESS" if !other.is_essential() => {}
            condition @ ("COMPLETE" | "SUCCESS") => {
                return Err(client(format!(
                    "The condition {condition} can't be set on the essential container {name}."
                )));
            }
            "HEALTHY" => {
                return Err(client("The local cloud does not play the condition HEALTHY of dependsOn."));
            }
            condition => return Err(client(format!("'{condition}' is no condition of dependsOn."))),
        }
    }
    // Whoever is reached from itself in as many steps as there are containers, is in a circle.
    let mut reached: Vec<&str> = vec![&container.name];
    for _ in containers {
        let next = reached.iter().filter_map(|name| named(name)).flat_map(ContainerDefinition::dependencies);
        reached = next.map(|dependency| dependency.container_name.as_str()).collect();
        reached.sort_unstable();
        reached.dedup();
        if reached.contains(&container.name.as_str()) {
            return Err(client(format!("Container {} depends on itself.", container.name)));
        }
    }
    Ok(())
}

/// A container can only have volumes of its task; AWS's words: docker/compose-cli#1025.
fn check_volumes(container: &ContainerDefinition, content: &Content) -> Result<(), ServiceError> {
    let names: Vec<_> = content.volumes.iter().filter_map(|volume| volume["name"].as_str()).collect();
    for mount in container.mount_points.iter().flatten() {
        if !names.contains(&mount.source_volume.as_str()) {
            return Err(client(format!("Unknown volume '{}'.", mount.source_volume)));
        }
    }
    Ok(())
}

/// Whether a member is there and does not say what its absence says.
fn said(map: &Map<String, Value>, name: &str) -> bool {
    map.get(name).is_some_and(|value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(list) => !list.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => true,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::validate_definition::validate;
    use super::*;

    fn refused(change: Value) -> Option<String> {
        let mut definition = json!({
            "containerDefinitions": [{ "name": "app", "image": "127.0.0.1:4566/app:v1" }],
            "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        });
        for (key, value) in change.as_object().unwrap() {
            match definition.get(key).is_some_and(Value::is_array) && value.is_object() {
                true => {
                    definition[key][0].as_object_mut().unwrap().extend(value.as_object().unwrap().clone())
                }
                false => definition[key] = value.clone(),
            }
        }
        let content: Content = serde_json::from_value(definition).unwrap();
        validate("app", &content).err().map(|error| format!("{}: {}", error.code, error.message))
    }

    #[test]
    fn what_fargate_does_not_support_or_nobody_plays_is_refused_by_name() {
        let container = |change: Value| json!({ "containerDefinitions": change });
        let unsupported = [
            (container(json!({ "privileged": true })), "privileged"),
            (
                container(json!({ "linuxParameters": { "devices": [{ "hostPath": "/dev/fuse" }] } })),
                "devices",
            ),
            (
                container(json!({ "linuxParameters": { "tmpfs": [{ "containerPath": "/x", "size": 1 }] } })),
                "tmpfs",
            ),
            (
                container(json!({ "linuxParameters": { "capabilities": { "add": ["SYS_ADMIN"] } } })),
                "adding the capability SYS_ADMIN",
            ),
            (json!({ "volumes": [{ "name": "v", "host": { "sourcePath": "/etc" } }] }), "sourcePath"),
            (
                json!({ "volumes": [{ "name": "v", "dockerVolumeConfiguration": { "scope": "task" } }] }),
                "dockerVolumeConfiguration",
            ),
            (json!({ "ipcMode": "host" }), "ipcMode"),
        ];
        for (change, what) in unsupported {
            let expected =
                format!("ClientException: Fargate compatible task definitions do not support {what}");
            assert_eq!(refused(change), Some(expected));
        }
        let not_played = [
            (
                json!({ "volumes": [{ "name": "v", "efsVolumeConfiguration": { "fileSystemId": "fs-1" } }] }),
                "efsVolumeConfiguration of volumes",
            ),
            (
                json!({ "executionRoleArn": "arn:aws:iam::000000000000:role/r",
                    "containerDefinitions": { "logConfiguration": { "logDriver": "splunk" } } }),
                "the log driver splunk, only awslogs",
            ),
            (json!({ "pidMode": "task" }), "pidMode"),
        ];
        for (change, what) in not_played {
            assert_eq!(
                refused(change),
                Some(format!("ClientException: The local cloud does not play {what}."))
            );
        }
        let mounted = json!({ "mountPoints": [{ "sourceVolume": "v", "containerPath": "/v" }] });
        assert_eq!(refused(container(mounted.clone())).unwrap(), "ClientException: Unknown volume 'v'.");
        let depends = |condition: &str| {
            container(json!({ "dependsOn": [{ "containerName": "app", "condition": condition }] }))
        };
        let refused_of = |condition| refused(depends(condition)).unwrap();
        assert!(refused_of("START").ends_with("Container app depends on itself."));
        assert!(refused_of("SUCCESS").ends_with("can't be set on the essential container app."));
        assert!(refused_of("HEALTHY").ends_with("does not play the condition HEALTHY of dependsOn."));
        let taken = json!({ "volumes": [{ "name": "v", "host": {} }], "containerDefinitions": {
            "privileged": false, "mountPoints": mounted["mountPoints"],
            "linuxParameters": { "capabilities": { "add": ["SYS_PTRACE"], "drop": ["ALL"] } },
        } });
        assert_eq!(refused(taken), None);
    }
}
