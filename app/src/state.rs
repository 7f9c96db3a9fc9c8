//! What handlers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::database::Database;
use crate::identity::Identity;

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct AppState {
    pub(crate) identity: Arc<Identity>,
    pub(crate) database: Database,
    pub(crate) lifecycle: Arc<Lifecycle>,
}

/// Whether the application is on its way out.
#[derive(Debug, Default)]
pub(crate) struct Lifecycle {
    draining: AtomicBool,
}

impl Lifecycle {
    /// From now on `/readyz` refuses and connections are not kept alive.
    pub(crate) fn start_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}
