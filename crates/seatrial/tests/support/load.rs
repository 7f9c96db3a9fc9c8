//! Requests to an address without a pause, and what became of them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// A thread that asks again and again, each time on a connection of its own.
pub struct Load {
    stop: Arc<AtomicBool>,
    asking: JoinHandle<u64>,
    failed: Arc<Mutex<Vec<String>>>,
}

impl Load {
    /// `url`: `http://127.0.0.1:PORT`.
    pub fn on(url: &str) -> Self {
        let address = url.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned();
        let (stop, failed) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (stopped, told) = (Arc::clone(&stop), Arc::clone(&failed));
        let asking = std::thread::spawn(move || {
            let mut sent = 0;
            while !stopped.load(Ordering::Relaxed) {
                sent += 1;
                if let Err(why) = ask(&address) {
                    told.lock().unwrap().push(why);
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            sent
        });
        Self { stop, asking, failed }
    }

    /// Ends it.
    #[track_caller]
    pub fn end_without_a_failure(self) {
        self.stop.store(true, Ordering::Relaxed);
        let sent = self.asking.join().unwrap();
        let failed = self.failed.lock().unwrap();
        assert!(
            sent > 0 && failed.is_empty(),
            "{} of {sent} requests failed: {:?}",
            failed.len(),
            failed.first()
        );
    }
}

/// Whether the application answers with success.
fn ask(address: &str) -> Result<(), String> {
    let failed = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect(address).map_err(failed)?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).map_err(failed)?;
    write!(stream, "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").map_err(failed)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(failed)?;
    match answer.starts_with("HTTP/1.1 200") {
        true => Ok(()),
        false => Err(answer.lines().next().unwrap_or("no answer").to_owned()),
    }
}
