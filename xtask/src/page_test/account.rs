//! `release --report FILE` in an environment with an account, which the local cloud is AWS to: two releases, one of which
//! is rolled back, and what their reports show.

use std::path::{Path, PathBuf};

use seatrial::Running;
use serde_json::{Value, json};

use super::browser::Browser;
use super::examine::{self, keep_verdict};
use super::rehearsed::compared;
use crate::own_routes::{asked, connection};
use crate::soak::{Scratch, Stage, last_lines, object};

/// The word for such an environment.
const ENVIRONMENT: &str = "soak";

pub(super) fn look(
    running: &Running<'_>,
    browser: &mut Browser,
    pictures: Option<&Path>,
) -> Result<Vec<String>, String> {
    let scratch = Scratch::make(running)?;
    let looked = look_in(&scratch, browser, pictures);
    scratch.reset(running);
    looked
}

fn look_in(scratch: &Scratch, browser: &mut Browser, pictures: Option<&Path>) -> Result<Vec<String>, String> {
    let stage = Stage::begin(scratch, ENVIRONMENT, None)?;
    stage.set("")?;
    scratch.commit("Add an environment")?;
    stage.provision()?;
    let mut wrong = Vec::new();
    for (name, fault) in [("an account's report", None), ("a failed release", Some("unhealthy"))] {
        let report = scratch.path().join(format!("{}.html", name.replace([' ', '\''], "-")));
        if let Some(fault) = fault {
            let body = json!({ "kind": fault }).to_string();
            asked(&connection(&scratch.data_dir())?, ("POST", "/_local/faults"), &body)?;
        }
        wrong.extend(release(&stage, browser, (name, fault.is_none()), (&report, pictures))?);
    }
    Ok(wrong)
}

fn release(
    stage: &Stage<'_>,
    browser: &mut Browser,
    (name, well): (&str, bool),
    (report, pictures): (&PathBuf, Option<&Path>),
) -> Result<Vec<String>, String> {
    let path = report.to_string_lossy();
    let ended = stage.run(&["release", "--again", "--rate", "100", "--report", &path])?;
    let told = object(&ended);
    if ended.status.success() != well || !report.is_file() {
        return Err(format!("{name}: the release ended with {}: {}", ended.status, last_lines(&ended)));
    }
    let verdict = json!({ "verdict": if well { "pass" } else { "fail" }, "releases": [told] });
    keep_verdict(pictures, name, &verdict)?;
    browser.open(&format!("file://{}", report.display()))?;
    let mut wrong = compared(browser, name, &verdict)?;
    wrong.extend(shown(browser, name, &told)?);
    wrong.extend(examine::all(browser, name, pictures)?);
    wrong.extend(examine::requests(browser));
    wrong.extend(examine::errors(browser));
    Ok(wrong)
}

/// What was told while it was followed: stages, lifecycle events, weights, lines, and why it failed.
fn shown(browser: &mut Browser, name: &str, told: &Value) -> Result<Vec<String>, String> {
    let mut wrong = Vec::new();
    for (what, expression) in [
        (
            "the three stages",
            "['Source', 'Build', 'Deploy'].every((stage) => document.getElementById('stages').textContent.includes(stage))",
        ),
        ("an event of the deployment", "document.getElementById('stages').textContent.includes('Install')"),
        (
            "seconds of traffic",
            "Store.items('second').size > 0 && !document.getElementById('requests-chart').hidden",
        ),
        ("lines of the build", "Store.values('line').some((line) => line.source === 'build')"),
        ("whence it is", "document.getElementById('about').textContent.includes('AWS')"),
    ] {
        if browser.value(expression)? != true {
            wrong.push(format!("{name} does not show {what}"));
        }
    }
    let failed = told["explanation"].is_object();
    let step = browser
        .value("Store.values('release')[0].deployment.events.find((one) => one.name === 'Install').status")?;
    if step != if failed { "Failed" } else { "Succeeded" } {
        wrong.push(format!("{name} says of Install: {step}"));
    }
    let why = browser.value(
        "document.getElementById('why').hidden ? null : document.getElementById('why-body').textContent",
    )?;
    let first = told["explanation"]["what"].as_str();
    match (first, why.as_str()) {
        (None, None) => {}
        (Some(first), Some(why)) if why.contains(first) => {}
        _ => wrong.push(format!("{name} says {why} of why, the release {first:?}")),
    }
    Ok(wrong)
}
