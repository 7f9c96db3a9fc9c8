//! A page with a year behind it: 200 releases, 10,000 events, tasks and lines of logs as many as are kept.

use seatrial_page::{
    About, Action, Bar, Deployment, Item, LifecycleEvent, Line, Operation, Phase, Release, Role, Second,
    Source, Task, TaskSet, Use, document,
};
use serde_json::{Value, json};

const BEGAN: f64 = 1_795_000_000.0;
const EVENTS: [&str; 7] = [
    "BeforeInstall",
    "Install",
    "AfterInstall",
    "AllowTestTraffic",
    "AfterAllowTestTraffic",
    "BeforeAllowTraffic",
    "AllowTraffic",
];

/// The page of it, whose last release was rolled back.
pub(super) fn page() -> Value {
    let mut items = vec![Item::About(About {
        name: "web".to_owned(),
        place: "local cloud".to_owned(),
        ..About::default()
    })];
    items.push(Item::Verdict(verdict()));
    for number in 0..200_u32 {
        items.push(Item::Release(Box::new(release(number))));
        items.extend(task_set(number));
    }
    items.extend((0..3_000_i64).map(|index| Item::Second(second(index))));
    items.extend((0..9_000_u32).map(|index| Item::Line(line(index))));
    items.extend((0..60_u32).map(|number| Item::Operation(operation(number))));
    items.extend((0..8_u32).map(|number| Item::Role(role(number))));
    document("x-1", items.iter().map(Item::told))
}

fn began(number: u32) -> f64 {
    BEGAN + 15.0 * f64::from(number)
}

fn id(number: u32) -> String {
    format!("execution-{number}")
}

fn verdict() -> Value {
    let told = |scenario: &str, number: u32, status: &str, rolled_back: bool| {
        json!({"scenario": scenario, "source_revision": "0123456789abcdef", "pipeline_execution_id": id(number),
            "status": status, "rolled_back": rolled_back, "as_it_should": true, "duration_s": 14.2,
            "requests": {"sent": 4015, "failed": 0, "p50_ms": 1.7, "p99_ms": 9.25, "max_ms": 20.0},
            "explanation": rolled_back.then(|| json!({"what": "the application did not answer its health checks",
                "evidence": ["stage Deploy, action Deploy: Failed"], "users": "traffic never left the revision before",
                "next": ["see that it listens on 0.0.0.0"]}))})
    };
    let releases = [told("deploy", 198, "Succeeded", false), told("unhealthy", 199, "Failed", true)];
    json!({"verdict": "pass", "duration_s": 298.8, "url": "", "stacks": [], "releases": releases})
}

fn release(number: u32) -> Release {
    let (start, bad) = (began(number), number % 20 == 19);
    let status = if bad { "Failed" } else { "Succeeded" };
    let action = |stage: &str, from: f64, to: f64| Action {
        stage: stage.to_owned(),
        name: stage.to_owned(),
        status: if stage == "Deploy" { status } else { "Succeeded" }.to_owned(),
        began: Some(start + from),
        ended: Some(start + to),
        detail: (stage == "Deploy" && bad).then(|| "Error code: HEALTH_CONSTRAINTS".to_owned()),
    };
    let event = |(index, name): (usize, &&str)| LifecycleEvent {
        name: (*name).to_owned(),
        status: if bad && index == 1 { "Failed" } else { "Succeeded" }.to_owned(),
        began: Some(start + 3.0 + index as f64),
        ended: Some(start + 3.5 + index as f64),
        detail: None,
    };
    let shown = if bad { 2 } else { EVENTS.len() };
    Release {
        id: id(number),
        pipeline: "web".to_owned(),
        revision: format!("{number:040x}"),
        summary: format!("change {number}"),
        status: status.to_owned(),
        began: start,
        ended: Some(start + 14.0),
        actions: vec![action("Source", 0.0, 1.0), action("Build", 1.0, 3.0), action("Deploy", 3.0, 14.0)],
        deployment: Some(Deployment {
            id: format!("d-{number}"),
            status: status.to_owned(),
            began: start + 3.0,
            ended: Some(start + 12.0),
            rolled_back_by: bad.then(|| format!("d-{number}-back")),
            events: EVENTS.iter().enumerate().take(shown).map(event).collect(),
            error: bad.then(|| "HEALTH_CONSTRAINTS: too few healthy tasks".to_owned()),
        }),
        why: None,
    }
}

fn task_set(number: u32) -> Vec<Item> {
    if number < 140 {
        return Vec::new();
    }
    let set = format!("ecs-svc/{number}");
    let bad = number % 20 == 19;
    let shown = TaskSet {
        id: set.clone(),
        service: "web".to_owned(),
        color: if number.is_multiple_of(2) { "blue" } else { "green" }.to_owned(),
        status: if number == 198 { "PRIMARY" } else { "gone" }.to_owned(),
        weight: (number == 198).then_some(100.0),
        deployment: Some(format!("d-{number}")),
        definition: format!("web:{number}"),
        began: began(number) + 4.0,
        ..TaskSet::default()
    };
    let tasks = (0..4_u32).map(|index| {
        Item::Task(Task {
            id: format!("{number:08x}{index:024x}"),
            set: Some(set.clone()),
            definition: format!("web:{number}"),
            status: if number == 198 { "RUNNING" } else { "STOPPED" }.to_owned(),
            health: (number == 198).then(|| "healthy".to_owned()),
            created: began(number) + 4.0,
            stopped: (number != 198).then(|| began(number) + 12.0),
            reason: bad.then(|| "Task failed ELB health checks".to_owned()),
            ..Task::default()
        })
    });
    std::iter::once(Item::TaskSet(shown)).chain(tasks).collect()
}

fn second(index: i64) -> Second {
    #[expect(clippy::cast_possible_truncation, reason = "seconds")]
    let time = BEGAN as i64 + index;
    let (release, within) = (index / 15, index % 15);
    let moved = within > 9 && release % 20 != 19;
    let green = (release % 2 == 0) == moved;
    Second {
        time,
        blue: if green { 0 } else { 400 },
        green: if green { 400 } else { 0 },
        blue_weight: if green { 0.0 } else { 100.0 },
        green_weight: if green { 100.0 } else { 0.0 },
        p50: Some(1.5),
        p99: Some(9.0),
        ..Second::default()
    }
}

fn line(index: u32) -> Line {
    let source = [Source::Build, Source::Application, Source::Deployment][index as usize % 3];
    Line {
        id: index.to_string(),
        time: BEGAN + f64::from(index) / 3.0,
        source,
        stream: format!("web/{}", index % 7),
        text: format!("line {index} of a log, as long as lines of logs are, <b>which is text</b>"),
    }
}

fn operation(number: u32) -> Operation {
    let start = BEGAN + 5.0 * f64::from(number);
    let bad = number == 59;
    let bar = |name: String, from: f64, to: f64, failed: bool| Bar {
        name,
        resource_type: "AWS::ECS::Service".to_owned(),
        status: if failed { "CREATE_FAILED" } else { "CREATE_COMPLETE" }.to_owned(),
        phase: if failed { Phase::Failed } else { Phase::Done },
        began: start + from,
        ended: start + to,
        reason: failed.then(|| "Resource handler returned message: no such role".to_owned()),
        is_root_cause: false,
    };
    let mut operation = Operation {
        id: format!("stack-{number}"),
        own: bar(format!("web-local-{number}"), 0.0, 20.0, bad),
        resources: (0..80_u32)
            .map(|index| bar(format!("Resource{index}"), f64::from(index) / 8.0, 15.0, bad && index == 70))
            .collect(),
    };
    operation.find_root_cause();
    operation
}

fn role(number: u32) -> Role {
    let used = |index: u32| Use {
        action: format!("ecs:Action{index}"),
        resource: "arn:aws:ecs:eu-central-1:000000000000:service/web".to_owned(),
        allowed: u64::from(index > 0),
        denied: u64::from(index == 0 && number == 3),
    };
    Role {
        principal: format!("arn:aws:iam::000000000000:role/role-{number}"),
        allowed: 299,
        denied: u64::from(number == 3),
        uses: (0..300).map(used).collect(),
    }
}
