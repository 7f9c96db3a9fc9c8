//! The reader of events that writes one line each to stderr.

use std::io::{IsTerminal as _, Write as _};

use super::event::{Event, Phase, What};

pub(super) struct Lines {
    /// Somebody watches: then what is on its way is shown, too. A log keeps what ended.
    watched: bool,
}

impl Lines {
    pub(super) fn new() -> Self {
        Self { watched: std::io::stderr().is_terminal() }
    }

    /// One line with the UTC time, and what it is about.
    pub(super) fn event(&mut self, event: &Event) {
        if !self.watched && is_on_the_way(event) {
            return;
        }
        if let Some(line) = line(event) {
            self.line(&line);
        }
    }

    pub(super) fn line(&mut self, text: &str) {
        // A closed stderr leaves nobody to tell.
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }

    pub(super) fn question(&mut self, question: &str) -> std::io::Result<()> {
        let mut stderr = anstream::stderr().lock();
        write!(stderr, "{question} ")?;
        stderr.flush()
    }
}

/// The UTC time, what it is about, and what it is; none where an event is for screens alone.
pub(super) fn line(event: &Event) -> Option<String> {
    let what = event.what.to_string();
    let time = event.time.strftime("%H:%M:%S");
    (!what.is_empty()).then(|| format!("{time} {:<28} {what}", event.subject))
}

fn is_on_the_way(event: &Event) -> bool {
    matches!(event.what, What::Resource { phase: Phase::OnTheWay, .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::event::{Expected, Whole};

    #[test]
    fn a_log_has_a_line_for_each_resource_that_ended_and_none_for_what_only_a_screen_shows() {
        let time = "2026-11-27T07:08:09Z".parse().ok();
        let resource = |status: &str, reason: Option<&str>, phase| {
            let what = What::Resource {
                logical_id: "Group".to_owned(),
                resource_type: "AWS::Logs::LogGroup".to_owned(),
                status: status.to_owned(),
                reason: reason.map(str::to_owned),
                phase,
                is_stack: false,
            };
            Event::new(time, "tiny-account-first", what)
        };
        let begun = resource("CREATE_IN_PROGRESS", None, Phase::OnTheWay);
        assert!(is_on_the_way(&begun));
        let ended = [
            (
                resource("CREATE_COMPLETE", None, Phase::Done),
                "07:08:09 tiny-account-first           CREATE_COMPLETE Group (AWS::Logs::LogGroup)",
            ),
            (
                resource("CREATE_FAILED", Some("no"), Phase::Failed),
                "07:08:09 tiny-account-first           CREATE_FAILED Group (AWS::Logs::LogGroup): no",
            ),
        ];
        for (event, expected) in ended {
            assert!(!is_on_the_way(&event));
            assert_eq!(line(&event).as_deref(), Some(expected));
        }
        let whole = Whole { prefix: String::new(), count: 2, expected: None };
        let expected = Expected {
            duration: std::time::Duration::from_secs(3852),
            is_complete: false,
            path: vec!["network".to_owned(), "database".to_owned()],
        };
        for silent in [
            What::Begun(whole.clone()),
            What::Over,
            What::InWork,
            What::Reached { changed: true, failed: false },
        ] {
            assert_eq!(line(&Event::new(time, "provision", silent)), None);
        }
        assert_eq!(
            line(&Event::new(time, "provision", What::Begun(Whole { expected: Some(expected), ..whole })))
                .as_deref(),
            Some(
                "07:08:09 provision                    critical path, by earlier runs: at least 1:04:12 (network, database)"
            )
        );
    }
}
