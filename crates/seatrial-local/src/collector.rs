//! What nobody needs any more goes: what a lifecycle or a retention says, what was begun and left, files that no record
//! names. Each service knows its own; the log says what was freed.

use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::cloud::Cloud;
use crate::engine::{Engine, Next};
use crate::operation::Freed;

/// AWS promises no times: it takes hours to days.
const PAUSE: Duration = Duration::from_secs(3600);
/// A file that no record names is being written, or was left; after so long the latter.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// The one engine of all that goes.
pub(crate) struct Collector;

impl Engine for Collector {
    const NAME: &'static str = "collector";
    const ENDS: bool = false;

    fn in_flight(_cloud: &Cloud) -> Vec<String> {
        vec!["all".to_owned()]
    }

    async fn step(cloud: &Cloud, _key: &str) -> Next {
        collect(cloud);
        Next::After(PAUSE)
    }
}

/// Has each service free what nobody needs.
pub(crate) fn collect(cloud: &Cloud) {
    for collect in cloud.operations().collects() {
        match collect(cloud) {
            Ok(freed) => {
                for Freed { what, count, bytes } in freed.into_iter().filter(|freed| freed.count > 0) {
                    tracing::info!(what, count, bytes, "nobody needed it any more");
                }
            }
            Err(error) => tracing::warn!(%error, "what nobody needs stays for now"),
        }
    }
}

/// Removes the files of a folder that were not touched for a day and that nobody names.
pub(crate) fn sweep(folder: &Path, what: &'static str, is_named: impl Fn(&str) -> bool) -> Freed {
    let mut freed = Freed { what, count: 0, bytes: 0 };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let Ok(found) = entry.metadata() else { continue };
        let age = found.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        let is_old = age.is_some_and(|age| age > ABANDONED);
        if found.is_file()
            && is_old
            && !is_named(&entry.file_name().to_string_lossy())
            && std::fs::remove_file(entry.path()).is_ok()
        {
            freed.count += 1;
            freed.bytes += found.len();
        }
    }
    freed
}
