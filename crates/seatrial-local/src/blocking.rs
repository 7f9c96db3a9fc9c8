//! Work that keeps a thread busy: hashing and writing hundreds of megabytes.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Does the work where it holds up nobody else: the other tasks of this thread go on on another one. A runtime of one
/// thread, a unit test's, has none.
pub(crate) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
