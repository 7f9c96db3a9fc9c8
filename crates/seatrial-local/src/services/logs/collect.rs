//! Retention applied, and files of streams that are gone.

use std::collections::HashSet;

use super::operations::now;
use super::store::{LogStore, lock};
use crate::cloud::Cloud;
use crate::collector::sweep;
use crate::error::ServiceError;
use crate::operation::Freed;

const DAY: i64 = 24 * 3600 * 1000;

pub(super) fn collect(cloud: &Cloud) -> Result<Vec<Freed>, ServiceError> {
    let store = cloud.part::<LogStore>();
    let mut expired = Freed { what: "log events past their retention", count: 0, bytes: 0 };
    for group in store.groups.values() {
        let Some(days) = group.retention_in_days else { continue };
        for stream in store.streams_of(&group.name, "") {
            let events = store.events(&stream)?;
            let (count, bytes) = lock(&events).forget(now(cloud) - days * DAY)?;
            expired.count += count;
            expired.bytes += bytes;
        }
    }
    let streams = store.streams.values();
    let named: HashSet<_> = streams.iter().filter_map(|stream| store.file_name(stream)).collect();
    let files = sweep(store.folder(), "files of no log stream", |name| named.contains(name));
    Ok(vec![expired, files])
}
