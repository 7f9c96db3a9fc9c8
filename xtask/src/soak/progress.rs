//! What a soak says while it runs.

use std::io::Write as _;

/// A line of progress; nothing can be said when standard error is gone.
pub(super) fn say(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "soak: {line}");
}
