//! A real rehearsal: its live page and its report against the object that it prints.

use std::path::Path;
use std::process::Command;

use seatrial::Running;
use serde_json::{Value, json};

use super::browser::Browser;
use super::examine;
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
    rehearse.args(["rehearse", "--keep", "--output", "json", "--report"]).arg(&report);
    let ended = running.output(rehearse)?;
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    let data_dir = told.lines().find_map(|line| line.split_once("export XTASK_LOCAL_DATA_DIR="));
    let (_, data_dir) = data_dir.ok_or_else(|| format!("the rehearsal left nothing:\n{told}"))?;
    let looked = look_at(browser, &ended.stdout, Path::new(data_dir), (&report, pictures));
    let mut reset = Command::new(&program);
    reset.args(["local", "reset", "--yes"]).env("XTASK_LOCAL_DATA_DIR", data_dir);
    running.output(reset)?;
    let _ = Path::new(data_dir).parent().map(std::fs::remove_dir_all);
    looked
}

fn look_at(
    browser: &mut Browser,
    stdout: &[u8],
    data_dir: &Path,
    (report, pictures): (&Path, Option<&Path>),
) -> Result<Vec<String>, String> {
    let verdict: Value = serde_json::from_slice(stdout).map_err(|error| format!("no verdict: {error}"))?;
    let connection = connection(data_dir)?;
    let mut wrong = Vec::new();

    let endpoint = connection["endpoint"].as_str().unwrap_or_default();
    let ticket = asked(&connection, ("POST", "/_local/page/ticket"), "{}")?;
    browser.open(&format!("{endpoint}{}", ticket["path"].as_str().unwrap_or_default()))?;
    wrong.extend(compared(browser, "the page", &verdict)?);
    wrong.extend(weights(browser, &connection)?);
    wrong.extend(examine::all(browser, "the live page", pictures)?);
    let address = browser.value("location.href")?;
    if address != format!("{endpoint}/") {
        wrong.push(format!("the page's address is {address}"));
    }
    wrong.extend(examine::errors(browser));

    browser.open(&format!("file://{}", report.display()))?;
    wrong.extend(compared(browser, "the report", &verdict)?);
    wrong.extend(examine::all(browser, "the report", pictures)?);
    wrong.extend(examine::requests(browser));
    wrong.extend(examine::errors(browser));
    Ok(wrong)
}

fn compared(browser: &mut Browser, what: &str, verdict: &Value) -> Result<Vec<String>, String> {
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

/// The last weights of the chart are those of production's rule.
fn weights(browser: &mut Browser, connection: &Value) -> Result<Vec<String>, String> {
    let shown = browser.value(
        "(({blue, green}) => [Number(blue), Number(green)])(document.getElementById('weights').dataset)",
    )?;
    let all = asked(connection, ("GET", "/_local/page/data"), "")?;
    let items = all["items"].as_array().into_iter().flatten();
    let mut sets = items.filter(|item| item[0] == "task-set" && item[2]["status"] == "PRIMARY");
    let primary = sets.next().map(|item| item[2].clone()).unwrap_or_default();
    let wanted = if primary["color"] == "green" { json!([0, 100]) } else { json!([100, 0]) };
    let same = shown[0].as_f64() == wanted[0].as_f64() && shown[1].as_f64() == wanted[1].as_f64();
    Ok(if same {
        Vec::new()
    } else {
        vec![format!("the chart ends at {shown}, the primary task set is {primary}")]
    })
}
