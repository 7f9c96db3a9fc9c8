//! Questions to the person at the terminal.

use std::io::BufRead as _;

use anyhow::Context as _;
use tokio::sync::oneshot;

use crate::exit::Interrupted;
use crate::session::Session;

/// Asks, and answers the line that was typed, without the blanks around it. Ends when the command is to end.
///
/// # Errors
/// [`Interrupted`]; a terminal that cannot be read. The end of the input is an empty answer, which is no yes.
pub(crate) async fn ask(session: &Session, question: &str) -> anyhow::Result<String> {
    session.printer.question(question).context("failed to write a question to the terminal")?;
    let (send, answer) = oneshot::channel();
    // A thread of its own, for nothing ends a read that has begun: the runtime must not wait for it.
    std::thread::spawn(move || {
        let mut line = Vec::new();
        let read = std::io::stdin().lock().read_until(b'\n', &mut line);
        // What is no text is an answer as well, and no yes.
        let _ = send.send(read.map(|_| String::from_utf8_lossy(&line).trim().to_owned()));
    });
    let answer: Result<_, Interrupted> = tokio::select! {
        () = session.cancel.cancelled() => Err(Interrupted),
        answer = answer => Ok(answer),
    };
    session.printer.answered(answer.is_ok());
    answer?.context("the terminal was closed")?.context("failed to read an answer")
}

/// True if the answer was `yes` or `y`.
pub(crate) async fn agrees(session: &Session, question: &str) -> anyhow::Result<bool> {
    Ok(matches!(ask(session, question).await?.as_str(), "yes" | "y"))
}
