//! How the program tells what it does.

use std::io::Write as _;

/// Tells a line on standard error.
pub(crate) fn report(line: &str) {
    // Nothing can be said when standard error is gone.
    let _ = writeln!(std::io::stderr(), "{line}");
}
