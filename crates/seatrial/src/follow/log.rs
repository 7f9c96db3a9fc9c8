//! Reads a log stream on from where it was left.

use super::Watch;
use crate::aws::LogLine;

/// One stream.
pub(crate) struct StreamTail {
    group: String,
    stream: String,
    token: Option<String>,
    is_denied: bool,
}

impl StreamTail {
    /// From its first line on.
    pub(crate) fn new(group: impl Into<String>, stream: impl Into<String>) -> Self {
        Self { group: group.into(), stream: stream.into(), token: None, is_denied: false }
    }

    /// The lines that came since; none of a stream that is not there yet. Whoever may not read it is told so once, in
    /// the name of `whose`, and has none either: a log is never what something is followed for alone.
    ///
    /// # Errors
    /// Those that pass: nothing is lost, the next time goes on there.
    pub(crate) async fn read(&mut self, watch: Watch<'_>, whose: &str) -> anyhow::Result<Vec<LogLine>> {
        let mut lines = Vec::new();
        loop {
            match self.page(watch, whose).await {
                // What was read before it is told now; the rest is asked for again.
                Err(_) if !lines.is_empty() => return Ok(lines),
                Err(error) => return Err(error),
                Ok((page, over)) => {
                    lines.extend(page);
                    if over {
                        return Ok(lines);
                    }
                }
            }
        }
    }

    /// The next page of them, by one call, and whether there are no more for now.
    ///
    /// # Errors
    /// As [`StreamTail::read`].
    pub(crate) async fn page(
        &mut self,
        watch: Watch<'_>,
        whose: &str,
    ) -> anyhow::Result<(Vec<LogLine>, bool)> {
        if self.is_denied {
            return Ok((Vec::new(), true));
        }
        let page = match watch.aws.get_log_events(&self.group, &self.stream, self.token.clone()).await {
            Err(error) if !error.passing => {
                self.is_denied = true;
                let told = format!("{whose} log cannot be read: {error:#}").replace('\n', " ");
                watch.session.printer.warning(told);
                return Ok((Vec::new(), true));
            }
            page => page?,
        };
        let over = page.lines.is_empty() || page.next == self.token;
        self.token = page.next;
        Ok((page.lines, over))
    }
}
