//! The persistent local cloud that environment `local` uses: started on demand, found again by its files.
//!
//! The daemon is this program run as the hidden `xtask local serve`, in a session of its own, writing to a log
//! file. It holds a lock on its data directory for as long as it lives, so whether it runs is never guessed
//! from a file; `daemon.json` (readable by its owner only) says where it listens and with which key.

mod connection;
mod daemon;
mod data_dir;
mod entries;
mod options;
mod owner;
mod page;
mod post;
mod serve;

pub(crate) use connection::Connection;
pub(crate) use daemon::{Gone, end_those_below, ended, ensure_running, find, remove_rehearsal, reset, stop};
pub(crate) use data_dir::{
    REHEARSAL_DATA_DIR, REHEARSAL_SOURCE, data_dir, disown, name_of_checkout, state_dir,
};
pub(crate) use entries::TASK_AGENT;
pub(crate) use options::ServeOptions;
pub(crate) use owner::{Owner, owner_of_tests};
pub(crate) use page::{Opened, open_page, page_data, tell_page};
pub(crate) use post::{in_flight, no_namespaces, permissions, post};
pub(crate) use serve::serve;
