//! The reader of events on a terminal: while things are done together, a live line for each that is in work, below the
//! lines that stay.
//!
//! The live lines stand above the cursor, which stays visible at the start of an empty line: whatever ends the program,
//! there is nothing to put back. A frame is one write: what was drawn is erased, what stays is written, and what is live
//! is drawn again.

use std::io::{IsTerminal as _, Stderr, Write};

use anstream::{AutoStream, ColorChoice};
use jiff::Timestamp;

use super::board::{Board, Line};
use super::event::{Event, What};
use super::lines::Lines;
use super::width::columns;

/// Where a terminal does not say how large it is.
const SIZE: (usize, usize) = (80, 24);
const RED: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";
/// From the cursor to the end of the screen.
const ERASE: &str = "\x1b[J";

/// Columns and rows.
type Size = (usize, usize);

pub(super) struct Screen<W> {
    out: W,
    size: Box<dyn Fn() -> Size + Send>,
    colours: bool,
    /// What is written while nothing is live.
    lines: Lines,
    board: Option<Board>,
    drawn: Vec<String>,
    /// A question is on the screen: nothing may come between it and its answer.
    asking: bool,
    held: Vec<Line>,
}

impl Screen<Stderr> {
    /// The terminal that stderr is; none where it is a file, or a terminal that moves no cursor (`TERM=dumb`) or is not
    /// known to.
    pub(super) fn at_terminal() -> Option<Self> {
        let moves = std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
        if !moves || !std::io::stderr().is_terminal() {
            return None;
        }
        let size = || match terminal_size::terminal_size_of(std::io::stderr()) {
            Some((columns, rows)) if columns.0 > 0 && rows.0 > 0 => (columns.0.into(), rows.0.into()),
            _ => SIZE,
        };
        // NO_COLOR and its like are anstream's to know.
        let colours = AutoStream::choice(&std::io::stderr()) != ColorChoice::Never;
        Some(Self::new(std::io::stderr(), size, colours))
    }
}

impl<W: Write> Screen<W> {
    pub(super) fn new(out: W, size: impl Fn() -> Size + Send + 'static, colours: bool) -> Self {
        let (lines, size) = (Lines::new(), Box::new(size));
        Self { out, size, colours, lines, board: None, drawn: Vec::new(), asking: false, held: Vec::new() }
    }

    /// Whether what is shown changes with time alone.
    pub(super) fn is_live(&self) -> bool {
        self.board.is_some() && !self.asking
    }

    pub(super) fn event(&mut self, event: &Event, now: Timestamp) {
        match (&event.what, &mut self.board) {
            (What::Begun(whole), None) => {
                self.board = Some(Board::new(whole.clone(), event.subject.clone(), now));
                self.draw(Vec::new(), now);
            }
            (What::Over, Some(_)) => {
                self.release(now);
                self.board = None;
                self.draw(Vec::new(), now);
            }
            (_, Some(board)) => {
                let lines = board.event(event, now);
                self.leave(lines, now);
            }
            (_, None) => self.lines.event(event),
        }
    }

    /// A line that stays.
    pub(super) fn line(&mut self, text: &str, now: Timestamp) {
        match self.board {
            Some(_) => self.leave(vec![Line { text: text.to_owned(), failed: false }], now),
            None => self.lines.line(text),
        }
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, now: Timestamp) {
        if self.is_live() {
            self.draw(Vec::new(), now);
        }
    }

    /// Writes a question; until it is answered nothing is written but what cannot wait.
    pub(super) fn question(&mut self, question: &str) -> std::io::Result<()> {
        let erased = self.erased();
        self.drawn.clear();
        self.asking = true;
        write!(self.out, "{erased}{question} ")?;
        self.out.flush()
    }

    /// The question was answered by a line that was typed, or nobody will answer it: then the cursor is still behind it.
    pub(super) fn answered(&mut self, typed: bool, now: Timestamp) {
        if !std::mem::take(&mut self.asking) || self.board.is_none() {
            return;
        }
        if !typed {
            // Nobody is left to tell where it cannot be written.
            let _ = writeln!(self.out);
        }
        self.release(now);
    }

    /// Shows what was held back.
    pub(super) fn release(&mut self, now: Timestamp) {
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() || self.is_live() {
            self.draw(held, now);
        }
    }

    fn leave(&mut self, lines: Vec<Line>, now: Timestamp) {
        match self.asking {
            true => self.held.extend(lines),
            false => self.draw(lines, now),
        }
    }

    /// One frame: what stays, and below it what is live.
    fn draw(&mut self, stays: Vec<Line>, now: Timestamp) {
        let size @ (width, _) = (self.size)();
        let live = match &self.board {
            Some(board) if !self.asking => board.rows(now, size),
            _ => Vec::new(),
        };
        if stays.is_empty() && live == self.drawn {
            return;
        }
        let mut frame = self.erased();
        for line in &stays {
            let red = line.failed && self.colours;
            for folded in line.folded(width.saturating_sub(1)) {
                match red {
                    true => frame.extend([RED, &folded, PLAIN, "\r\n"]),
                    false => frame.extend([&folded, "\r\n"]),
                }
            }
        }
        for row in &live {
            frame.extend([row, "\r\n"]);
        }
        self.drawn = live;
        // A terminal that is gone leaves nobody to tell.
        let _ = self.out.write_all(frame.as_bytes()).and_then(|()| self.out.flush());
    }

    /// What erases the live lines. A terminal that has become narrower has broken them anew, as VTE, kitty, iTerm and
    /// tmux do: each takes as many rows as its columns need now.
    fn erased(&self) -> String {
        let (width, height) = (self.size)();
        let rows = |line: &String| columns(line).div_ceil(width.max(1)).max(1);
        let up = self.drawn.iter().map(rows).sum::<usize>().min(height.saturating_sub(1));
        if up == 0 { String::new() } else { format!("\r\x1b[{up}A{ERASE}") }
    }
}

#[cfg(test)]
mod tests;
