//! What nobody needs any more goes: what a lifecycle or a retention says, what was begun and left, files that no record
//! names. Each service knows its own; the log says what was freed.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::engine::{Engine, Next};
use crate::error::ServiceError;
use crate::operation::Freed;
use crate::persist::Table;

/// AWS promises no times: it takes hours to days.
const PAUSE: Duration = Duration::from_secs(3600);
/// How long records of what has ended are kept, where AWS says that it keeps them for a year (CodePipeline user guide: view
/// executions; of builds and deployments nothing shorter is documented).
pub(crate) const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
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

/// How many records of what has ended a table keeps, whatever their age: a year of a busy project's, and a bound for one
/// whose releases take seconds.
const MOST: usize = 5_000;

/// Of each owner so many stay, however old: numbers go on from the newest, and a rollback goes to the one before.
const LATEST: usize = 10;

/// Removes the rows of what ended before `before`, and the oldest beyond [`MOST`]; `of` tells whose a row is, and when it
/// ended. What has not ended stays, and the newest of each owner.
pub(crate) fn expire<T: Clone + Serialize + DeserializeOwned>(
    table: &Table<T>,
    what: &'static str,
    before: Epoch,
    of: impl Fn(&T) -> Option<(String, Epoch)>,
) -> Result<Freed, ServiceError> {
    let mut rows: Vec<_> = table
        .entries()
        .into_iter()
        .filter_map(|(key, row)| of(&row).map(|(owner, at)| (at, owner, key)))
        .collect();
    rows.sort_by(|(one, ..), (other, ..)| other.0.total_cmp(&one.0));
    let mut freed = Freed { what, count: 0, bytes: 0 };
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (place, (at, owner, key)) in rows.into_iter().enumerate() {
        let newer = seen.entry(owner).or_default();
        *newer += 1;
        if *newer > LATEST && (place >= MOST || at.0 < before.0) {
            freed.count += usize::from(table.remove(&key)?.is_some());
        }
    }
    Ok(freed)
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
