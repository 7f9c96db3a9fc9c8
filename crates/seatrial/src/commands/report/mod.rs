//! `--report FILE`: the page as one file, with all that it shows inside. Changes nothing but that file.

mod followed;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::released::Release;
use crate::context::Ctx;
use crate::exit::Refused;
use crate::local;

/// A file that a report can be written to.
#[derive(Debug)]
pub(crate) struct ReportFile {
    path: PathBuf,
    folder: PathBuf,
}

impl ReportFile {
    /// Where one is asked for: looked at before anything is done, for in the end it would be too late.
    ///
    /// # Errors
    /// Refused where no file can be there.
    pub(crate) fn wanted(path: Option<&Path>) -> Result<Option<Self>, Refused> {
        let Some(path) = path else { return Ok(None) };
        let shown = path.display();
        if path.is_dir() || path.file_name().is_none() {
            return Err(Refused::new(format!("--report must name a file, found the folder `{shown}`")));
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        tempfile::tempfile_in(folder).map_err(|error| {
            Refused::new(format!("no file can be written in `{}`: {error}", folder.display()))
        })?;
        Ok(Some(Self { path: path.to_owned(), folder: folder.to_owned() }))
    }

    /// Writes the page of `data`, as [`seatrial_page::document`] makes it; one that was there is replaced whole.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn write(&self, mut data: Value) -> anyhow::Result<()> {
        let failed = || format!("failed to write the report `{}`", self.path.display());
        date(&mut data);
        let html = seatrial_page::report(&title(&data), &data).with_context(failed)?;
        let mut file =
            tempfile::Builder::new().prefix(".report-").tempfile_in(&self.folder).with_context(failed)?;
        file.write_all(html.as_bytes()).with_context(failed)?;
        // Others may read it: it is to be attached.
        let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        file.as_file().set_permissions(readable).with_context(failed)?;
        file.persist(&self.path).with_context(failed)?;
        Ok(())
    }
}

/// What the page of a release's environment shows in the end: the local cloud's own, which is told of the release; of an
/// account what was told while it was followed. `well`: nothing is wrong with it.
///
/// # Errors
/// A local cloud that does not answer.
pub(crate) async fn released(ctx: &Ctx, release: &Release, well: bool) -> anyhow::Result<Value> {
    tell(ctx, release, well).await?;
    if let Some(connection) = ctx.own_local_cloud() {
        return local::page_data(&connection).await;
    }
    let verdict = verdict(release, well)?;
    let events = ctx.printer().recorded();
    let mut items = followed::items(ctx, release, &events);
    items.push(seatrial_page::Item::Verdict(verdict));
    Ok(seatrial_page::document("", items.iter().map(seatrial_page::Item::told)))
}

/// Tells the page of the local cloud, where there is one, of a release.
///
/// # Errors
/// As [`released`].
pub(crate) async fn tell(ctx: &Ctx, release: &Release, well: bool) -> anyhow::Result<()> {
    match ctx.own_local_cloud() {
        Some(connection) => local::tell_page(&connection, &verdict(release, well)?).await,
        None => Ok(()),
    }
}

/// The object that `rehearse` prints, of one release.
fn verdict(release: &Release, well: bool) -> anyhow::Result<Value> {
    let mut told = serde_json::to_value(release)?;
    told["as_it_should"] = json!(well);
    Ok(json!({
        "verdict": if well { "pass" } else { "fail" },
        "duration_s": release.duration_s,
        "url": release.url,
        "releases": [told],
    }))
}

fn items<'a>(data: &'a mut Value, kind: &'static str) -> impl Iterator<Item = &'a mut Value> {
    let all = data["items"].as_array_mut().into_iter().flatten();
    all.filter(move |item| item[0] == kind).map(|item| &mut item[2])
}

/// A live page is of this moment, a report of its own.
fn date(data: &mut Value) {
    for about in items(data, "about") {
        about["written"] = json!(Timestamp::now().as_second());
    }
}

fn title(data: &Value) -> String {
    let all = data["items"].as_array().into_iter().flatten();
    let of = |kind: &str| all.clone().find(|item| item[0] == kind).map(|item| &item[2]);
    let name = of("about").and_then(|about| about["name"].as_str()).filter(|name| !name.is_empty());
    let verdict = of("verdict").and_then(|verdict| verdict["verdict"].as_str());
    format!("{}: {}", name.unwrap_or("Seatrial"), verdict.unwrap_or("report"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_one_dated_file_and_a_folder_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.html");
        let data = json!({"items": [["about", "", {"name": "web"}], ["verdict", "", {"verdict": "pass"}]]});

        let file = ReportFile::wanted(Some(&path)).unwrap().unwrap();
        file.write(data).unwrap();

        let html = std::fs::read_to_string(&path).unwrap();
        assert!(html.contains("<title>web: pass</title>") && html.contains("\"written\":"), "{html}");
        assert!(ReportFile::wanted(Some(dir.path())).unwrap_err().to_string().contains("found the folder"));
        let none = ReportFile::wanted(Some(&dir.path().join("none/report.html"))).unwrap_err();
        assert!(none.to_string().starts_with("no file can be written in"), "{none}");
    }
}
