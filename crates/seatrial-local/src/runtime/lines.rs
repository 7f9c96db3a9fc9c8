//! Output that programs write, line by line.

use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::sync::mpsc;

use crate::clock::{Clock, Epoch};

/// Longer lines are cut into pieces of this size, as the awslogs driver does.
const LONGEST_LINE: usize = 16 * 1024;

/// One line of output, without its line end.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub time: Epoch,
    pub text: String,
}

/// Hands on what comes out of `output`, until its last writer has closed it.
pub(crate) async fn read_lines(mut output: pipe::Receiver, clock: Clock, lines: mpsc::Sender<Line>) {
    let mut pending = Vec::new();
    let send = async |line: &[u8]| {
        let text = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned();
        // Nobody listens: the output is still read, else the process would block.
        let _ = lines.send(Line { time: clock.now(), text }).await;
    };
    while let Ok(count) = output.read_buf(&mut pending).await {
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            send(line.strip_suffix(b"\n").unwrap_or(&line)).await;
        }
        if count == 0 || pending.len() >= LONGEST_LINE {
            let line = std::mem::take(&mut pending);
            if !line.is_empty() {
                send(&line).await;
            }
        }
        if count == 0 {
            return;
        }
    }
}
