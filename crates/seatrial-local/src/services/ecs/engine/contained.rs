//! A container of a task as its sandbox is told of it.

use nix::sys::signal::Signal;

use super::executable::Found;
use super::image::{Config, Image};
use super::user;
use crate::runtime::sandbox::{Container, Execution, Limit, Mount, Program};
use crate::services::ecs::definition::{ContainerDefinition, MountPoint};

/// What Docker leaves a container of root's rights by default, and Fargate with it ("KernelCapabilities" of the ECS API
/// reference), by their numbers (linux/capability.h).
const CAPABILITIES: [(&str, u32); 14] = [
    ("CHOWN", 0),
    ("DAC_OVERRIDE", 1),
    ("FOWNER", 3),
    ("FSETID", 4),
    ("KILL", 5),
    ("SETGID", 6),
    ("SETUID", 7),
    ("SETPCAP", 8),
    ("NET_BIND_SERVICE", 10),
    ("NET_RAW", 13),
    ("SYS_CHROOT", 18),
    ("MKNOD", 27),
    ("AUDIT_WRITE", 29),
    ("SETFCAP", 31),
];
/// The one that may be added.
const SYS_PTRACE: u32 = 19;

/// Files that a container may have open on Fargate unless it says otherwise (API reference, "Ulimit": "The default
/// `nofile` soft limit is `65535` and the default hard limit is `65535`").
const NOFILE: u64 = 65_535;

/// A container that runs `program`.
///
/// # Errors
/// The user is not in the image; in the runtime's words.
pub(super) fn container(
    definition: &ContainerDefinition,
    image: &Image,
    (dir, mut env): (&str, Vec<(String, String)>),
    program: Program,
) -> Result<Container, String> {
    let given = definition.user.as_deref().or(image.config.user.as_deref()).unwrap_or_default();
    let identity = user::find(&image.root, given)?;
    // As runc does where nobody has said another one.
    if !env.iter().any(|(name, _)| name == "HOME") {
        env.push(("HOME".to_owned(), identity.home));
    }
    Ok(Container {
        image: image.place.clone(),
        program,
        env,
        dir: dir.into(),
        user: identity.user,
        read_only: definition.readonly_root_filesystem.unwrap_or_default(),
        mounts: definition.mount_points.iter().flatten().map(mount).collect(),
        limits: limits(definition),
        capabilities: capabilities(definition),
    })
}

fn mount(given: &MountPoint) -> Mount {
    Mount {
        volume: Some(given.source_volume.clone()),
        path: given.container_path.clone().into(),
        read_only: given.read_only.unwrap_or_default(),
    }
}

/// What is not a limit of Linux by its name limits nothing: AWS's model knows no other names.
fn limits(definition: &ContainerDefinition) -> Vec<(Limit, Option<u64>, Option<u64>)> {
    let given = definition.ulimits.iter().flatten().filter_map(|given| {
        let limit = serde_json::from_value(given.name.clone().into()).ok()?;
        Some((limit, u64::try_from(given.soft_limit).ok(), u64::try_from(given.hard_limit).ok()))
    });
    let default = (Limit::Nofile, Some(NOFILE), Some(NOFILE));
    std::iter::once(default).chain(given).collect()
}

fn capabilities(definition: &ContainerDefinition) -> Vec<u32> {
    let given = definition.linux_parameters.as_ref().and_then(|linux| linux.capabilities.as_ref());
    let is_dropped = |name: &str| {
        let mut dropped = given.iter().flat_map(|given| &given.drop);
        dropped.any(|dropped| dropped == "ALL" || dropped == name)
    };
    let kept = CAPABILITIES.iter().filter(|(name, _)| !is_dropped(name)).map(|(_, number)| *number);
    let adds = given.is_some_and(|given| !given.add.is_empty());
    kept.chain(adds.then_some(SYS_PTRACE)).collect()
}

/// What runs for a program that was found, or not: one that the kernel refuses says so, and ends.
pub(super) fn program(command: &str, args: &[String], found: &Found) -> Program {
    let runs = match found {
        Found::Runs { path, .. } => {
            let argv = std::iter::once(command.to_owned()).chain(args.iter().cloned());
            Ok(Execution { path: path.clone(), argv: argv.collect() })
        }
        Found::EndsAtOnce(_) => Err(1),
    };
    let says = match found {
        Found::EndsAtOnce(why) => Some(format!("exec {command}: {why}")),
        Found::Runs { .. } => None,
    };
    Program { says, sleeps: 0, runs }
}

/// What asks a container to end: SIGTERM, unless its image says another (`STOPSIGNAL`; API reference, "StopTask": "the
/// equivalent of `docker stop`"). Real-time signals are not known here.
pub(super) fn stop_signal(config: &Config) -> Signal {
    let given = config.stop_signal.as_deref().unwrap_or_default().trim();
    let by_number = || given.parse::<i32>().ok().and_then(|number| Signal::try_from(number).ok());
    let by_name = given.parse().ok().or_else(|| format!("SIG{given}").parse().ok());
    by_name.or_else(by_number).unwrap_or(Signal::SIGTERM)
}

/// The working directory of a container.
pub(super) fn dir<'a>(definition: &'a ContainerDefinition, config: &'a Config) -> &'a str {
    let given = definition.working_directory.as_deref().or(config.working_dir.as_deref());
    given.filter(|dir| !dir.is_empty()).unwrap_or("/")
}
