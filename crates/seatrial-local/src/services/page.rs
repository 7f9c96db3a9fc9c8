//! What the page shows, from all services together.

use std::collections::BTreeMap;

use seatrial_page::{About, Item, Line, Release, Role, Source, TaskSet, Use, Why};

use super::ecs::page::{ShownSet, ShownTask};
use super::elbv2::Colors;
use super::{cloudformation, codebuild, codedeploy, codepipeline, ecs, elbv2, logs, secretsmanager, ssm};
use crate::cloud::Cloud;
use crate::console::{Lines, Sources};

/// So many permissions of a role are shown; those that were denied are among them.
const USES: usize = 300;
/// What went wrong is looked for in so many releases.
const EXPLAINED: usize = 40;

pub(crate) const SOURCES: Sources = Sources { items, second: elbv2::second, lines, secrets };

fn items(cloud: &Cloud) -> Vec<Item> {
    let colors = elbv2::colors(cloud);
    let deployments = codedeploy::page::deployments(cloud);
    let (sets, tasks) = (ecs::page::task_sets(cloud), shown_tasks(cloud));
    let releases = releases(cloud, &deployments, &tasks);
    let mut items = vec![Item::About(about(cloud, &releases))];
    items.extend(task_sets(sets, &tasks, (colors.as_ref(), &deployments)).into_iter().map(Item::TaskSet));
    items.extend(tasks.into_iter().map(|shown| Item::Task(shown.task)));
    items.extend(releases.into_iter().map(|release| Item::Release(Box::new(release))));
    items.extend(cloudformation::page::operations(cloud).into_iter().map(Item::Operation));
    items.extend(roles(cloud).into_iter().map(Item::Role));
    items
}

fn about(cloud: &Cloud, releases: &[Release]) -> About {
    let listeners = elbv2::local_listeners(cloud);
    let primary = listeners.iter().find(|listener| listener.primary);
    About {
        name: releases.first().map(|release| release.pipeline.clone()).unwrap_or_default(),
        place: "local cloud".to_owned(),
        account: cloud.account().to_owned(),
        region: cloud.region().to_owned(),
        url: primary.map(|listener| format!("{}://{}", listener.protocol.to_lowercase(), listener.address)),
        time_scale: Some(cloud.clock().scale()),
        ..About::default()
    }
}

/// With the health of their targets.
fn shown_tasks(cloud: &Cloud) -> Vec<ShownTask> {
    let health = elbv2::health_of(cloud);
    let mut tasks = ecs::page::tasks(cloud);
    for shown in tasks.iter_mut().filter(|shown| shown.task.stopped.is_none()) {
        let found = shown.addresses.iter().find_map(|address| health.get(address));
        if let Some((state, why)) = found {
            shown.task.health = Some(state.clone());
            shown.task.health_reason.clone_from(why);
        }
    }
    tasks
}

type Deployments = BTreeMap<String, codedeploy::page::Shown>;

/// Those that are there, and those of which only tasks are left.
fn task_sets(
    sets: Vec<ShownSet>,
    tasks: &[ShownTask],
    (colors, deployments): (Option<&Colors>, &Deployments),
) -> Vec<TaskSet> {
    let color = |group: Option<&String>| {
        let of = |(colors, group): (&Colors, &String)| colors.of(group).to_owned();
        colors.zip(group).map(of).unwrap_or_default()
    };
    let gone = ecs::page::gone(&sets, tasks).into_iter().map(|(id, (service, one))| TaskSet {
        id: id.to_owned(),
        service: service.to_owned(),
        color: color(one.group.as_ref()),
        status: "gone".to_owned(),
        deployment: made_by(id, deployments),
        definition: one.task.definition.clone(),
        began: one.task.created,
        ..TaskSet::default()
    });
    let gone: Vec<TaskSet> = gone.collect();
    let there = sets.into_iter().map(|ShownSet { set, group }| TaskSet {
        color: color(group.as_ref()),
        weight: colors.zip(group).and_then(|(colors, group)| colors.weight(&group)),
        ..set
    });
    there.chain(gone).collect()
}

/// The first deployment that knows the task set: it made it, later ones find it there.
fn made_by(set: &str, deployments: &Deployments) -> Option<String> {
    let knows = |shown: &&codedeploy::page::Shown| shown.groups.iter().any(|(id, _)| id == set);
    let all = deployments.values().filter(knows).map(|shown| &shown.deployment);
    all.min_by(|one, other| one.began.total_cmp(&other.began)).map(|deployment| deployment.id.clone())
}

fn releases(cloud: &Cloud, deployments: &Deployments, tasks: &[ShownTask]) -> Vec<Release> {
    let mut explained = 0;
    let mut releases = Vec::new();
    for (mut release, deployment) in codepipeline::page::releases(cloud) {
        let shown = deployment.and_then(|id| deployments.get(&id));
        release.deployment = shown.map(|shown| shown.deployment.clone());
        if matches!(release.status.as_str(), "Failed" | "Stopped") && explained < EXPLAINED {
            explained += 1;
            release.why = Some(why(&release, shown, tasks));
        }
        releases.push(release);
    }
    releases
}

/// From the stage down to the task, as far as something is wrong there.
fn why(release: &Release, shown: Option<&codedeploy::page::Shown>, tasks: &[ShownTask]) -> Why {
    let action = release.actions.iter().find(|action| action.status == "Failed");
    let event = shown.and_then(|shown| shown.deployment.events.iter().find(|event| event.status == "Failed"));
    let own = |task: &&ShownTask| {
        let set = task.set.as_ref().map(|(id, _)| id);
        let began = shown.map_or(0.0, |shown| shown.deployment.began);
        let knows = shown.is_some_and(|shown| shown.groups.iter().any(|(id, _)| Some(id) == set));
        knows
            && task.task.created >= began
            && (task.task.reason.is_some() || task.task.health_reason.is_some())
    };
    let task = tasks.iter().filter(own).min_by(|one, other| one.task.created.total_cmp(&other.task.created));
    let of_task = task.and_then(|shown| {
        let exit = shown.task.exit_code.map(|code| format!(" (exit code {code})")).unwrap_or_default();
        let reason = shown.task.reason.as_ref().or(shown.task.health_reason.as_ref())?;
        Some(format!("task {}: {reason}{exit}", shown.task.id))
    });
    let of_deployment = shown.and_then(|shown| shown.deployment.error.clone());
    let of_event = event.and_then(|event| Some(format!("{}: {}", event.name, event.detail.as_ref()?)));
    let of_action = action.and_then(|action| Some(format!("{}: {}", action.name, action.detail.as_ref()?)));
    let mut evidence: Vec<String> =
        [of_action, of_deployment, of_event, of_task].into_iter().flatten().collect();
    evidence.dedup();
    let stage = action.map(|action| action.stage.clone());
    let what = match (&stage, event) {
        (Some(stage), Some(event)) => format!("stage {stage} failed at lifecycle event {}", event.name),
        (Some(stage), None) => format!("stage {stage} failed"),
        (None, _) => format!("the execution is {}", release.status),
    };
    Why {
        stage,
        event: event.map(|event| event.name.clone()),
        task: task.map(|shown| shown.task.id.clone()),
        what,
        evidence,
        users: None,
        next: vec![format!("`cargo xtask explain {}` tells more", release.id)],
    }
}

/// What each role was allowed and denied, with what it was denied first.
fn roles(cloud: &Cloud) -> Vec<Role> {
    let mut roles = BTreeMap::<String, Role>::new();
    for used in cloud.journal().uses() {
        let role = roles
            .entry(used.principal.clone())
            .or_insert_with(|| Role { principal: used.principal.clone(), ..Role::default() });
        role.allowed += used.allowed;
        role.denied += used.denied;
        let (allowed, denied) = (used.allowed, used.denied);
        role.uses.push(Use { action: used.action, resource: used.resource, allowed, denied });
    }
    for role in roles.values_mut() {
        role.uses
            .sort_by(|one, other| other.denied.cmp(&one.denied).then_with(|| one.action.cmp(&other.action)));
        role.uses.truncate(USES);
    }
    roles.into_values().collect()
}

/// Lines of builds and applications from number `from` on, and what services tell.
fn lines(cloud: &Cloud, from: u64) -> Lines {
    let builds = codebuild::log_groups(cloud);
    let found = logs::recent(cloud, from);
    let next = found.last().map_or(from, |line| line.number + 1);
    let mut lines: Vec<Line> = ecs::page::lines(cloud);
    lines.extend(found.into_iter().map(|line| {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit")]
        let time = line.time as f64 / 1_000.0;
        let source = if builds.contains(&line.group) { Source::Build } else { Source::Application };
        let text = line.text.trim_end().to_owned();
        Line { id: line.number.to_string(), time, source, stream: line.stream, text }
    }));
    lines.sort_by(|one, other| one.time.total_cmp(&other.time));
    Lines { lines, next }
}

fn secrets(cloud: &Cloud) -> Vec<String> {
    let mut secrets = secretsmanager::values(cloud);
    secrets.extend(ssm::values(cloud));
    secrets
}
