//! What a local cloud holds of the machine: what many releases in a row may not add to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;

use super::leftovers::processes;
use super::records::Records;
use super::stage::Stage;

/// The state of a socket that listens, as Linux writes it.
const LISTENS: &str = "0A";

/// A count of everything.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Footprint {
    /// Tasks that have not stopped.
    pub(super) tasks: usize,
    /// Processes that have to do with it besides its own: programs of tasks, the database's, builds'.
    pub(super) processes: usize,
    /// Sockets that listen, of all of them.
    pub(super) ports: usize,
    /// Open files of its own process.
    pub(super) descriptors: usize,
    /// Threads of its own process.
    pub(super) threads: usize,
    /// Resident memory of its own process.
    pub(super) rss_kib: u64,
    /// Files and bytes in the data directory, by the first folder.
    pub(super) files: BTreeMap<String, (usize, u64)>,
}

impl Footprint {
    pub(super) fn of(stage: &Stage<'_>) -> Self {
        let pid = stage.pid();
        let others = processes(stage.scratch.path());
        let mut others: Vec<i32> = others.into_iter().map(|(other, _)| other).collect();
        others.retain(|other| *other != pid);
        let own = Path::new("/proc").join(pid.to_string());
        let status = fs::read_to_string(own.join("status")).unwrap_or_default();
        let figure = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default()
        };
        let mut files = BTreeMap::new();
        count(&stage.scratch.data_dir(), None, &mut files);
        Self {
            tasks: running_tasks(&stage.records()),
            ports: others.iter().chain([&pid]).flat_map(|pid| listening(*pid)).collect::<BTreeSet<_>>().len(),
            processes: others.len(),
            descriptors: fs::read_dir(own.join("fd")).map_or(0, Iterator::count),
            threads: usize::try_from(figure("Threads:")).unwrap_or_default(),
            rss_kib: figure("VmRSS:"),
            files,
        }
    }

    /// What there is more of than before, of what must not grow; the database's processes and kept connections come and
    /// go by a few.
    pub(super) fn leaked_since(&self, before: &Self) -> Vec<String> {
        let of = |footprint: &Self| {
            let Self { tasks, processes, ports, descriptors, threads, .. } = footprint;
            [("tasks", *tasks, 0), ("processes", *processes, 4), ("listening ports", *ports, 0)]
                .into_iter()
                .chain([("descriptors", *descriptors, 16), ("threads", *threads, 4)])
                .collect::<Vec<_>>()
        };
        let grown = of(before).into_iter().zip(of(self)).filter(|(then, now)| now.1 > then.1 + then.2);
        grown.map(|(then, now)| format!("{} {} instead of {}", now.1, now.0, then.1)).collect()
    }
}

fn running_tasks(records: &Records) -> usize {
    records.rows("ecs-tasks").filter(|(_, row)| row["task"]["lastStatus"] != "STOPPED").count()
}

/// Sockets of a process that listen, by their numbers.
fn listening(pid: i32) -> Vec<u64> {
    let process = Path::new("/proc").join(pid.to_string());
    let mut listen = BTreeSet::new();
    for table in ["net/tcp", "net/tcp6"] {
        let text = fs::read_to_string(process.join(table)).unwrap_or_default();
        let rows = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let rows = rows.filter(|row| row.get(3) == Some(&LISTENS));
        listen.extend(rows.filter_map(|row| row.get(9)?.parse::<u64>().ok()));
    }
    let descriptors = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
    let sockets = descriptors.filter_map(|entry| {
        let link = fs::read_link(entry.path()).ok()?;
        link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse::<u64>().ok()
    });
    sockets.filter(|socket| listen.contains(socket)).collect()
}

fn count(folder: &Path, under: Option<&str>, files: &mut BTreeMap<String, (usize, u64)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            count(&entry.path(), Some(under.unwrap_or(&name)), files);
        } else {
            let (number, bytes) = files.entry(under.unwrap_or(&name).to_owned()).or_default();
            *number += 1;
            *bytes += metadata.len();
        }
    }
}

impl fmt::Display for Footprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tasks, processes, ports, descriptors, threads, rss_kib, files } = self;
        let number: usize = files.values().map(|(number, _)| number).sum();
        let bytes: u64 = files.values().map(|(_, bytes)| bytes).sum();
        write!(
            f,
            "{tasks} tasks, {processes} processes, {ports} listening ports, {descriptors} descriptors, {threads} \
             threads, {:.1} MiB resident, {number} files of {:.1} MiB",
            *rss_kib as f64 / 1024.0,
            bytes as f64 / 1_048_576.0
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_task_or_port_is_a_leak_and_a_few_more_descriptors_are_none() {
        let before = Footprint { tasks: 2, ports: 5, descriptors: 60, ..Footprint::default() };
        let later = Footprint { descriptors: 70, rss_kib: 9, ..before.clone() };
        assert_eq!(later.leaked_since(&before), Vec::<String>::new());
        let leaked = Footprint { tasks: 3, ports: 6, descriptors: 100, ..before.clone() };
        assert_eq!(
            leaked.leaked_since(&before),
            ["3 tasks instead of 2", "6 listening ports instead of 5", "100 descriptors instead of 60"]
        );
    }

    #[test]
    fn files_are_counted_by_the_first_folder_and_a_port_of_this_process_is_found() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("s3/a/b")).unwrap();
        fs::write(dir.path().join("s3/a/b/one"), "12345").unwrap();
        fs::write(dir.path().join("s3/two"), "1").unwrap();
        fs::write(dir.path().join("state.jsonl"), "12").unwrap();
        let mut files = BTreeMap::new();
        count(dir.path(), None, &mut files);
        assert_eq!(files, [("s3".to_owned(), (2, 6)), ("state.jsonl".to_owned(), (1, 2))].into());

        let this = i32::try_from(std::process::id()).unwrap();
        let _listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        assert!(!listening(this).is_empty());
    }
}
