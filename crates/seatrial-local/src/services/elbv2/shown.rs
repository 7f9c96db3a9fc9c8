//! What HTTPS listeners show their clients.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::proxy::Tls;

/// What HTTPS listeners show, by their ARN: read from ACM when a listener gets a certificate, not with each change of
/// its rules.
#[derive(Default)]
pub(super) struct Shown {
    by_listener: Mutex<HashMap<String, Arc<Tls>>>,
}

impl Shown {
    pub(super) fn of(&self, listener_arn: &str) -> Option<Arc<Tls>> {
        self.by_listener.lock().unwrap_or_else(PoisonError::into_inner).get(listener_arn).cloned()
    }

    /// Without `tls` it shows nothing from now on.
    pub(super) fn set(&self, listener_arn: &str, tls: Option<Arc<Tls>>) {
        let mut shown = self.by_listener.lock().unwrap_or_else(PoisonError::into_inner);
        match tls {
            Some(tls) => drop(shown.insert(listener_arn.to_owned(), tls)),
            None => drop(shown.remove(listener_arn)),
        }
    }
}
