//! Follows a build: phases and log lines.

use std::time::Duration;

use super::{Event, Pace, Sink};
use crate::aws::status::{Progress, build_progress};
use crate::aws::{Aws, Build};

/// CodeBuild ends a build itself after the project's time-out.
const PATIENCE: Duration = Duration::from_secs(100 * 60);

/// How CodeBuild's own lines of a log start: which command, which phase. The phases are told by themselves.
const BOOKKEEPING: &str = "[Container] ";

/// What was told of one build already.
#[derive(Default)]
pub(super) struct BuildTold {
    phases: Vec<(String, Option<String>)>,
    token: Option<String>,
}

impl BuildTold {
    /// Tells what is new; whether anything was.
    pub(super) async fn tell(&mut self, aws: &Aws, build: &Build, sink: Sink<'_>) -> anyhow::Result<bool> {
        let mut news = self.tell_log(aws, build, sink).await?;
        for phase in &build.phases {
            let seen = (phase.name.clone(), phase.status.clone());
            if self.phases.contains(&seen) {
                continue;
            }
            news = true;
            if let Some(status) = &phase.status {
                let seconds = phase.duration_s.map(|s| format!(" in {s} s")).unwrap_or_default();
                let contexts: String = phase.contexts.iter().map(|text| format!(": {text}")).collect();
                let status = format!("{status}{seconds}{contexts}");
                sink(Event::BuildPhase { name: phase.name.clone(), status });
            }
            self.phases.push(seen);
        }
        Ok(news)
    }

    async fn tell_log(&mut self, aws: &Aws, build: &Build, sink: Sink<'_>) -> anyhow::Result<bool> {
        let (Some(group), Some(stream)) = (&build.log_group, &build.log_stream) else { return Ok(false) };
        let mut news = false;
        loop {
            let page = aws.get_log_events(group, stream, self.token.clone()).await?;
            let end = page.lines.is_empty() || page.next == self.token;
            self.token = page.next;
            news |= !page.lines.is_empty();
            for line in page.lines.iter().filter(|line| !line.starts_with(BOOKKEEPING)) {
                sink(Event::BuildLog(line.trim_end().to_owned()));
            }
            if end {
                return Ok(news);
            }
        }
    }
}

/// Tells a build to its end and answers it as it ended.
pub(crate) async fn follow_build(aws: &Aws, id: &str, sink: Sink<'_>) -> anyhow::Result<Build> {
    let mut pace = Pace::new(aws.is_local(), PATIENCE);
    let mut told = BuildTold::default();
    loop {
        let build = aws.get_build(id).await?;
        if told.tell(aws, &build, sink).await? {
            pace.reset();
        }
        if build_progress(&build.status) != Progress::Running {
            // Lines written between the log's reading and the build's end.
            told.tell(aws, &build, sink).await?;
            return Ok(build);
        }
        pace.pause(|| format!("build `{id}`")).await?;
    }
}
