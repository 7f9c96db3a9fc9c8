//! The reader of events on a terminal: while things are done together, a live line for each that is in work, below the
//! lines that stay.
//!
//! Little stays: what failed, warnings, and a line for all of what was done together. What is told otherwise is seen in
//! the live lines for a while. With `--verbose` every line stays.
//!
//! The live lines stand above the cursor, which stays visible at the start of an empty line: whatever ends the program,
//! there is nothing to put back. A frame is one write: what was drawn is erased, what stays is written, and what is live
//! is drawn again.

use std::collections::VecDeque;
use std::io::{IsTerminal as _, Stderr, Write};

use anstream::{AutoStream, ColorChoice};
use jiff::Timestamp;

use super::board::{Board, Kind, Line};
use super::event::{Event, What};
use super::lines;
use super::room::{Left, ON_THE_WAY, rows};
use super::width::{columns, cut, tame};

/// Where a terminal does not say how large it is.
const SIZE: (usize, usize) = (80, 24);
/// So many of the lines that pass are seen.
const RECENT: usize = 6;
const RED: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";
/// From the cursor to the end of the screen.
const ERASE_BELOW: &str = "\r\x1b[J";
/// The row above. Each by itself: of a screen that is erased from its first row on tmux keeps all in its history.
const ERASE_ABOVE: &str = "\x1b[1A\x1b[2K";

/// Columns and rows.
type Size = (usize, usize);

pub(super) struct Screen<W> {
    out: W,
    size: Box<dyn Fn() -> Size + Send>,
    colours: bool,
    /// Each line stays.
    verbose: bool,
    /// What is done together, and what is done together in it, innermost last.
    boards: Vec<Board>,
    /// The newest lines that pass.
    recent: VecDeque<String>,
    drawn: Vec<String>,
    /// A question is on the screen: nothing may come between it and its answer.
    asking: bool,
    held: Vec<Line>,
    left: Left,
    /// What is told from now on is the outcome, which has bounds of its own.
    concluding: bool,
}

impl Screen<Stderr> {
    /// The terminal that stderr is; none where it is a file, or a terminal that moves no cursor (`TERM=dumb`) or is not
    /// known to.
    pub(super) fn at_terminal(verbose: bool) -> Option<Self> {
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
        Some(Self::new(std::io::stderr(), size, (colours, verbose)))
    }
}

impl<W: Write> Screen<W> {
    pub(super) fn new(
        out: W,
        size: impl Fn() -> Size + Send + 'static,
        (colours, verbose): (bool, bool),
    ) -> Self {
        Self {
            out,
            size: Box::new(size),
            colours,
            verbose,
            boards: Vec::new(),
            recent: VecDeque::new(),
            drawn: Vec::new(),
            asking: false,
            held: Vec::new(),
            left: Left::default(),
            concluding: false,
        }
    }

    /// Whether what is shown changes with time alone.
    pub(super) fn is_live(&self) -> bool {
        !self.boards.is_empty() && !self.asking
    }

    pub(super) fn event(&mut self, event: &Event, now: Timestamp) {
        if self.concluding {
            // Of what ends only now, as a program does that was interrupted, nobody waits for a word.
            return;
        }
        let lines = match &event.what {
            What::Begun(whole) => {
                let manner = (now, self.verbose);
                self.boards.push(Board::new(whole.clone(), event.subject.clone(), manner));
                Vec::new()
            }
            What::Over => match self.boards.iter().rposition(|board| board.is_about(&event.subject)) {
                Some(at) => self.over(at, now),
                None => return,
            },
            // How all of it stands is about the whole that bears the name, be something else done in it or not.
            What::State(_) if self.boards.iter().any(|board| board.is_about(&event.subject)) => {
                let about = self.boards.iter_mut().filter(|board| board.is_about(&event.subject));
                about.flat_map(|board| board.event(event, now)).collect()
            }
            _ => match self.boards.last_mut() {
                Some(board) => board.event(event, now),
                None => {
                    let line = |text| Line { text, kind: Kind::Stays };
                    lines::line(event).map(line).into_iter().collect()
                }
            },
        };
        self.leave(lines, now);
    }

    /// One of the boards is over, and with it what was done in it; the last leaves a line.
    fn over(&mut self, at: usize, now: Timestamp) -> Vec<Line> {
        self.release(now);
        let over = self.boards.drain(at..).next();
        if !self.boards.is_empty() || self.verbose {
            return Vec::new();
        }
        self.recent.clear();
        over.map(|board| board.ended(now)).into_iter().collect()
    }

    /// Nothing is live any more: answers what is left, where that is little.
    pub(super) fn end(&mut self, now: Timestamp) -> Option<Left> {
        self.answered(false, now);
        let lines = if self.boards.is_empty() { Vec::new() } else { self.over(0, now) };
        self.leave(lines, now);
        self.concluding = !self.verbose;
        self.concluding.then(|| Left { columns: (self.size)().0, ..self.left })
    }

    /// A line that stays.
    pub(super) fn line(&mut self, text: &str, now: Timestamp) {
        self.leave(vec![Line { text: text.to_owned(), kind: Kind::Stays }], now);
    }

    /// A text that stays whole, and is not counted: without it nobody can answer what is asked.
    pub(super) fn asked(&mut self, text: &str, now: Timestamp) {
        let (verbose, left) = (std::mem::replace(&mut self.verbose, true), self.left);
        self.line(text, now);
        (self.verbose, self.left) = (verbose, left);
    }

    /// A text that stays, unless it is about a part of what is done together.
    pub(super) fn planned(&mut self, text: &str, now: Timestamp) {
        let kind = if self.boards.is_empty() { Kind::Stays } else { Kind::Passing };
        self.leave(vec![Line { text: text.to_owned(), kind }], now);
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
        self.left.rows += rows(question, (self.size)().0);
        write!(self.out, "{erased}{question} ")?;
        self.out.flush()
    }

    /// The question was answered by a line that was typed, or nobody will answer it: then the cursor is still behind it.
    pub(super) fn answered(&mut self, typed: bool, now: Timestamp) {
        if !std::mem::take(&mut self.asking) || self.boards.is_empty() {
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
    fn draw(&mut self, told: Vec<Line>, now: Timestamp) {
        let size = (self.size)();
        let stays = self.kept(told, size);
        let live = if self.asking { Vec::new() } else { self.live(now, size) };
        if stays.is_empty() && live == self.drawn {
            return;
        }
        let mut frame = self.erased();
        for (row, failed) in &stays {
            match *failed && self.colours {
                true => frame.extend([RED, row, PLAIN, "\r\n"]),
                false => frame.extend([row, "\r\n"]),
            }
        }
        for row in &live {
            frame.extend([row, "\r\n"]);
        }
        self.drawn = live;
        // A terminal that is gone leaves nobody to tell.
        let _ = self.out.write_all(frame.as_bytes()).and_then(|()| self.out.flush());
    }

    /// Of what is told the rows that stay, and whether each is about a failure. What passes, or has no room, is seen for a
    /// while.
    fn kept(&mut self, told: Vec<Line>, (width, _): Size) -> Vec<(String, bool)> {
        let mut kept = Vec::new();
        for line in told {
            let is_cut = line.kind == Kind::Passing && !self.verbose;
            let folded = match is_cut || self.boards.is_empty() {
                // What passes has one row, cut where it is drawn; of what stays, whoever copies a link copies all of it.
                true => line.text.lines().map(tame).collect(),
                false => line.folded(width.saturating_sub(1)),
            };
            for row in folded {
                let takes = rows(&row, width).max(1);
                let has_room = self.left.rows + takes <= ON_THE_WAY;
                let stays = self.verbose || self.concluding;
                if !stays && (line.kind == Kind::Passing || !has_room) {
                    self.left.untold += if line.kind == Kind::Passing { 0 } else { takes };
                    self.pass(row);
                    continue;
                }
                self.left.rows += takes;
                kept.push((row, line.kind == Kind::Failed));
            }
        }
        kept
    }

    fn pass(&mut self, row: String) {
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(row);
    }

    /// What passes, what is in work, and a line for each whole that it is part of: at most as many rows as there are, less
    /// one for what stays and one for the cursor.
    fn live(&self, now: Timestamp, (columns, rows): Size) -> Vec<String> {
        let Some((inner, outer)) = self.boards.split_last() else { return Vec::new() };
        let most = rows.saturating_sub(2).max(1);
        let mut below: Vec<String> = outer.iter().rev().map(|board| board.summary(now)).collect();
        below.truncate(most - 1);
        let works = inner.rows(now, (columns, rows.saturating_sub(below.len())));
        let room = most.saturating_sub(works.len() + below.len());
        let passed = self.recent.iter().skip(self.recent.len().saturating_sub(room)).cloned();
        let live = passed.chain(works).chain(below);
        live.map(|row| cut(&row, columns.saturating_sub(1))).collect()
    }

    /// What erases the live lines. A terminal that has become narrower has broken them anew, as VTE, kitty, iTerm and
    /// tmux do: each takes as many rows as its columns need now.
    fn erased(&self) -> String {
        let (width, height) = (self.size)();
        let rows = |line: &String| columns(line).div_ceil(width.max(1)).max(1);
        let up = self.drawn.iter().map(rows).sum::<usize>().min(height.saturating_sub(1));
        if up == 0 { String::new() } else { format!("{ERASE_BELOW}{}", ERASE_ABOVE.repeat(up)) }
    }
}

#[cfg(test)]
mod tests;
