//! Certificate Manager: certificates that were imported, and those that the local cloud's own authority issues.
//!
//! ```text
//! ImportCertificate  -> ISSUED                          -> EXPIRED
//! RequestCertificate -> PENDING_VALIDATION -> ISSUED    -> EXPIRED
//!                                          -> VALIDATION_TIMED_OUT (72 hours)
//! ```
//! A request waits until somebody says that its DNS records are there: nothing here can look, and a record that is
//! missing on AWS must not be thought there. Keys are neither logged nor in the journal.

mod certificate;
mod operations;
mod renewal;
mod store;

pub(crate) use operations::*;
pub(crate) use renewal::{renew, stand_in, validate};

#[cfg(test)]
mod tests;
