//! A real rehearsal: its live page and its report against the object that it prints.

use std::path::Path;
use std::process::Command;

use seatrial::Running;
use serde_json::{Value, json};

use super::broken;
use super::browser::Browser;
use super::examine::{self, keep_verdict};
use crate::own_routes::{asked, connection};

/// What the page says of each release of the verdict: name, requests, failed.
const TOLD: &str = "[...document.querySelectorAll('#verdict-releases tbody tr')].map((row) => \
     [row.cells[0].textContent, row.cells[2].textContent, row.cells[3].textContent])";

pub(super) fn look(
    running: &Running<'_>,
    browser: &mut Browser,
    (folder, pictures): (&Path, Option<&Path>),
) -> Result<Vec<String>, String> {
    let report = folder.join("report.html");
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut rehearse = Command::new(&program);
    rehearse.args(["rehearse", "--keep", "--rate", "100", "--output", "json", "--report"]).arg(&report);
    let ended = running.output(rehearse)?;
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    let data_dir = told.lines().find_map(|line| line.split_once("export XTASK_LOCAL_DATA_DIR="));
    let (_, data_dir) = data_dir.ok_or_else(|| format!("the rehearsal left nothing:\n{told}"))?;
    let mut status = Command::new(&program);
    status
        .args(["status", "--environment", "local", "--output", "json"])
        .env("XTASK_LOCAL_DATA_DIR", data_dir);
    let status = running.output(status)?;
    let status = serde_json::from_slice(&status.stdout).map_err(|error| format!("no status: {error}"))?;
    let told = (&ended.stdout[..], &status);
    let looked = look_at(browser, told, Path::new(data_dir), (&report, pictures));
    let mut reset = Command::new(&program);
    reset.args(["local", "reset", "--yes"]).env("XTASK_LOCAL_DATA_DIR", data_dir);
    running.output(reset)?;
    let _ = Path::new(data_dir).parent().map(std::fs::remove_dir_all);
    looked
}

fn look_at(
    browser: &mut Browser,
    (stdout, status): (&[u8], &Value),
    data_dir: &Path,
    (report, pictures): (&Path, Option<&Path>),
) -> Result<Vec<String>, String> {
    let verdict: Value = serde_json::from_slice(stdout).map_err(|error| format!("no verdict: {error}"))?;
    let connection = connection(data_dir)?;
    let mut wrong = Vec::new();
    for name in ["the live page", "the report"] {
        keep_verdict(pictures, name, &verdict)?;
    }

    let endpoint = connection["endpoint"].as_str().unwrap_or_default();
    let ticket = asked(&connection, ("POST", "/_local/page/ticket"), "{}")?;
    browser.open(&format!("{endpoint}{}", ticket["path"].as_str().unwrap_or_default()))?;
    wrong.extend(compared(browser, "the page", &verdict)?);
    wrong.extend(weights(browser, status)?);
    wrong.extend(examine::all(browser, "the live page", pictures)?);
    let address = browser.value("location.href")?;
    if address != format!("{endpoint}/") {
        wrong.push(format!("the page's address is {address}"));
    }
    wrong.extend(examine::errors(browser));
    wrong.extend(broken::look(browser, &connection, verdict["url"].as_str().unwrap_or_default())?);

    browser.open(&format!("file://{}", report.display()))?;
    wrong.extend(compared(browser, "the report", &verdict)?);
    wrong.extend(weights(browser, status)?);
    wrong.extend(examine::all(browser, "the report", pictures)?);
    wrong.extend(examine::requests(browser));
    wrong.extend(examine::errors(browser));
    Ok(wrong)
}

pub(super) fn compared(browser: &mut Browser, what: &str, verdict: &Value) -> Result<Vec<String>, String> {
    browser.until("['pass', 'fail'].includes(document.getElementById('verdict').dataset.verdict)")?;
    let shown = browser.value("document.getElementById('verdict').dataset.verdict")?;
    let mut wrong = Vec::new();
    if shown != verdict["verdict"] {
        wrong.push(format!("{what} says {shown}, the rehearsal {}", verdict["verdict"]));
    }
    let told = browser.value(TOLD)?;
    let row = |one: &Value| {
        let number = |name: &str| {
            let digits = one["requests"][name].to_string();
            let thousands = digits.len().checked_sub(4).map(|at| at + 1);
            thousands.map_or(digits.clone(), |at| format!("{},{}", &digits[..at], &digits[at..]))
        };
        json!([one["scenario"], number("sent"), number("failed")])
    };
    let wanted: Vec<Value> = verdict["releases"].as_array().into_iter().flatten().map(row).collect();
    if told != json!(wanted) {
        wrong.push(format!("{what} tells of {told}, the rehearsal of {}", json!(wanted)));
    }
    Ok(wrong)
}

/// The last weights of the chart are those of the rules of production's listener.
fn weights(browser: &mut Browser, status: &Value) -> Result<Vec<String>, String> {
    if !status["targets"].is_array() {
        return Ok(vec![format!("status tells of no targets: {status}")]);
    }
    let shown = browser.value(
        "(({blue, green}) => [Number(blue), Number(green)])(document.getElementById('weights').dataset)",
    )?;
    let chart = browser.value("Traffic.weights()")?;
    let wanted = broken::weights(status);
    let same = |found: &Value| (0..2).all(|at| found[at].as_f64() == wanted[at].as_f64());
    let whole = (0..2).filter_map(|at| wanted[at].as_f64()).sum::<f64>();
    Ok(if same(&shown) && same(&chart) && (whole - 100.0).abs() < 0.5 {
        Vec::new()
    } else {
        vec![format!("the page says {shown} and its chart ends at {chart}, the rules say {wanted}")]
    })
}
