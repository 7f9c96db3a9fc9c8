//! Follows a build: phases and log lines.

use std::time::Duration;

use tokio::time::Instant;

use super::log::StreamTail;
use super::{Look, Watch};
use crate::aws::Build;
use crate::aws::status::{Progress, build_progress};
use crate::output::{Event, What};

/// CodeBuild ends a build itself after the project's time-out.
const PATIENCE: Duration = Duration::from_secs(100 * 60);

/// A build is looked at no more often: nobody stops it, and what comes next begins without whoever looks.
const PAUSE: Duration = Duration::from_millis(800);

/// How CodeBuild's own lines of a log start: which command, which phase. The phases are told by themselves.
const BOOKKEEPING: &str = "[Container] ";

/// What was told of one build already.
#[derive(Default)]
pub(super) struct BuildTold {
    phases: Vec<(String, Option<String>)>,
    log: Option<StreamTail>,
    /// As it was seen last, while it runs, and when.
    running: Option<(Build, Instant)>,
}

impl BuildTold {
    /// Asks once and tells what is new; the build as it was seen last, and whether anything was new.
    pub(super) async fn look(&mut self, watch: Watch<'_>, id: &str) -> anyhow::Result<(Build, bool)> {
        let now = watch.session.clock.now();
        let known = self.running.take();
        if let Some((build, looked)) = &known {
            if now.duration_since(*looked) < PAUSE {
                self.running.clone_from(&known);
                return Ok((build.clone(), false));
            }
            // One that writes still runs: its log alone is asked.
            if self.tell_log(watch, build, false).await? {
                self.running = Some((build.clone(), now));
                return Ok((build.clone(), true));
            }
        }
        let build = watch.aws.get_build(id).await?;
        let mut news = known.is_none() && self.tell_log(watch, &build, false).await?;
        for phase in &build.phases {
            let seen = (phase.name.clone(), phase.status.clone());
            if self.phases.contains(&seen) {
                continue;
            }
            news = true;
            if let Some(status) = &phase.status {
                let seconds = phase.duration_s.map(|s| format!(" in {s} s")).unwrap_or_default();
                let contexts: String = phase.contexts.iter().map(|text| format!(": {text}")).collect();
                let what = What::BuildPhase {
                    name: phase.name.clone(),
                    status: format!("{status}{seconds}{contexts}"),
                };
                watch.session.printer.tell(Event::new(phase.time, "Build", what));
            }
            self.phases.push(seen);
        }
        if build_progress(&build.status) == Progress::Running {
            self.running = Some((build.clone(), now));
        } else {
            // Lines written between the log's reading and the build's end.
            news |= self.tell_log(watch, &build, true).await?;
        }
        Ok((build, news))
    }

    /// Tells the next lines; all there are where it is `over`, for else the next look goes on. Whether there were any.
    async fn tell_log(&mut self, watch: Watch<'_>, build: &Build, over: bool) -> anyhow::Result<bool> {
        let (Some(group), Some(stream)) = (&build.log_group, &build.log_stream) else { return Ok(false) };
        // Whoever may not read the log follows the build all the same.
        let log = self.log.get_or_insert_with(|| StreamTail::new(group, stream));
        let mut news = false;
        loop {
            let (lines, end) = log.page(watch, "the build's").await?;
            news |= !lines.is_empty();
            for line in lines.into_iter().filter(|line| !line.text.starts_with(BOOKKEEPING)) {
                let text = What::BuildLog(line.text.trim_end().to_owned());
                watch.session.printer.tell(Event::new(line.time, "Build", text));
            }
            if end || !over {
                break;
            }
        }
        Ok(news)
    }
}

/// Tells a build to its end and answers it as it ended.
pub(crate) async fn follow_build(watch: Watch<'_>, id: &str) -> anyhow::Result<Build> {
    let mut told = BuildTold::default();
    let mut poll = watch.poll(format!("build `{id}`"), PATIENCE);
    poll.until(async || {
        let (build, news) = told.look(watch, id).await?;
        Ok(match build_progress(&build.status) {
            Progress::Running if news => Look::News,
            Progress::Running => Look::Nothing,
            _ => Look::Ended(build),
        })
    })
    .await
}
