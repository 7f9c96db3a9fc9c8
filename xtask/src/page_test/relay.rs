//! A relay between the browser and the local cloud, whose connections can be broken.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Nobody reads more of an answer.
const BEGINNING: usize = 4_096;

/// Listens at an address of its own.
pub(super) struct Relay {
    pub address: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// The connections that are open, both sides of each.
    open: Mutex<Vec<(TcpStream, TcpStream)>>,
    /// Nobody is let through.
    closed: AtomicBool,
    /// What was asked for, and how the answer began, by connection.
    passed: Mutex<Vec<Passed>>,
}

/// The beginnings of what went through one connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Passed {
    pub asked: String,
    pub answered: String,
}

impl Relay {
    /// To `host`, an address with a port.
    pub(super) fn start(host: &str) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("failed to make a relay: {error}");
        let listener = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?.to_string();
        let shared = Arc::new(Shared::default());
        let (host, here) = (host.to_owned(), Arc::clone(&shared));
        // Until the program ends: it waits for nobody else.
        std::thread::spawn(move || {
            for browser in listener.incoming().flatten() {
                if !here.closed.load(Ordering::SeqCst) {
                    here.join(browser, &host);
                }
            }
        });
        Ok(Self { address, shared })
    }

    /// Breaks every connection, and lets nobody through until [`Relay::open`].
    pub(super) fn close(&self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        for (browser, cloud) in lock(&self.shared.open).drain(..) {
            // Either may have ended.
            let _ = browser.shutdown(Shutdown::Both);
            let _ = cloud.shutdown(Shutdown::Both);
        }
    }

    pub(super) fn open(&self) {
        self.shared.closed.store(false, Ordering::SeqCst);
    }

    /// What went through connections that asked for the stream, oldest first.
    pub(super) fn streams(&self) -> Vec<Passed> {
        let passed = lock(&self.shared.passed);
        passed.iter().filter(|one| one.asked.contains("/_local/page/stream ")).cloned().collect()
    }
}

impl Shared {
    fn join(self: &Arc<Self>, browser: TcpStream, host: &str) {
        let Ok(cloud) = TcpStream::connect(host) else { return };
        let ends = || Some((browser.try_clone().ok()?, cloud.try_clone().ok()?));
        let (Some(kept), Some((browser_too, cloud_too))) = (ends(), ends()) else { return };
        lock(&self.open).push(kept);
        let index = {
            let mut passed = lock(&self.passed);
            passed.push(Passed::default());
            passed.len() - 1
        };
        let (here, there) = (Arc::clone(self), Arc::clone(self));
        std::thread::spawn(move || here.copy((browser_too, cloud_too), |passed| &mut passed.asked, index));
        std::thread::spawn(move || there.copy((cloud, browser), |passed| &mut passed.answered, index));
    }

    fn copy(
        &self,
        (mut from, mut to): (TcpStream, TcpStream),
        part: fn(&mut Passed) -> &mut String,
        index: usize,
    ) {
        let mut bytes = [0; 16 << 10];
        while let Ok(read) = from.read(&mut bytes) {
            let Some(read) = bytes.get(..read).filter(|read| !read.is_empty()) else { break };
            if let Some(passed) = lock(&self.passed).get_mut(index) {
                let text = part(passed);
                if text.len() < BEGINNING {
                    text.push_str(&String::from_utf8_lossy(read));
                }
            }
            if to.write_all(read).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
