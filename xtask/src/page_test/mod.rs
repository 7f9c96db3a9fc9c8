//! `cargo xtask test-page`: the page and the report in a real browser. It needs Chromium, so `check` does not run it.

mod account;
mod broken;
mod browser;
mod examine;
mod rehearsed;
mod relay;
mod year;

use std::path::{Path, PathBuf};

use seatrial::Running;
use seatrial::clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use seatrial::install::Package;

use self::browser::Browser;

const CHROMIUM: Package =
    Package { program: "chromium", apt: "chromium", dnf: "chromium", apk: "chromium", brew: "chromium" };

pub(crate) fn command() -> Command {
    let install = Arg::new("install-missing").long("install-missing").action(ArgAction::SetTrue);
    let account = Arg::new("account").long("account").action(ArgAction::SetTrue);
    let rehearse = Arg::new("rehearse").long("rehearse").action(ArgAction::SetTrue);
    let pictures =
        Arg::new("pictures").long("pictures").value_name("FOLDER").value_parser(value_parser!(PathBuf));
    Command::new("test-page")
        .about("Looks at the page and the report with a headless Chromium")
        .arg(install.help("Install Chromium"))
        .arg(rehearse.help("Also rehearse, and hold page and report against the verdict: takes minutes"))
        .arg(
            account.help(
                "Also release in an environment with an account, and look at the reports: takes minutes",
            ),
        )
        .arg(pictures.help("Leave pictures of what was looked at there"))
}

pub(crate) fn run(running: &Running<'_>, matches: &ArgMatches) -> Result<(), String> {
    running.needs(&CHROMIUM, matches.get_flag("install-missing"))?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let pictures = matches.get_one::<PathBuf>("pictures").map(PathBuf::as_path);
    if let Some(pictures) = pictures {
        std::fs::create_dir_all(pictures).map_err(|error| format!("`{}`: {error}", pictures.display()))?;
    }
    let mut browser = Browser::start(CHROMIUM.program)?;
    let mut wrong = a_year(&mut browser, folder.path(), pictures)?;
    if matches.get_flag("rehearse") {
        wrong.extend(rehearsed::look(running, &mut browser, (folder.path(), pictures))?);
    }
    if matches.get_flag("account") {
        wrong.extend(account::look(running, &mut browser, pictures)?);
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// A report of a year, from a file.
fn a_year(browser: &mut Browser, folder: &Path, pictures: Option<&Path>) -> Result<Vec<String>, String> {
    let html = seatrial_page::report("web: pass", &year::page()).map_err(|error| error.to_string())?;
    let path = folder.join("year.html");
    std::fs::write(&path, html).map_err(|error| error.to_string())?;
    browser.look(1400, 900, "light")?;
    browser.open(&format!("file://{}", path.display()))?;
    browser.until("document.querySelectorAll('#release-list li').length === 200")?;
    let mut wrong = examine::all(browser, "a year", pictures)?;
    wrong.extend(examine::busy(browser)?);
    wrong.extend(examine::choices(browser)?);
    wrong.extend(examine::requests(browser));
    wrong.extend(examine::errors(browser));
    Ok(wrong)
}
