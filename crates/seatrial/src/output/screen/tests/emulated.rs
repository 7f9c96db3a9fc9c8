//! The screen on a real terminal emulator: whatever is told, in whichever order, what is live fits, nothing is torn, and
//! little is left.

use std::num::NonZero;
use std::ops::Range;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;
use crate::output::room::{LEFT, fitted};

/// What a terminal remembers of what was scrolled away.
const REMEMBERED: usize = 2_000;

struct Emulated {
    terminal: Arc<Mutex<vt100::Parser>>,
    screen: Screen<Bytes>,
    size: Size,
    now: Timestamp,
    random: SmallRng,
    open: Vec<String>,
    asked: usize,
}

struct Bytes(Arc<Mutex<vt100::Parser>>);

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut terminal = self.0.lock().unwrap();
        for byte in bytes {
            // As a terminal's line discipline has it.
            if *byte == b'\n' {
                terminal.process(b"\r");
            }
            terminal.process(&[*byte]);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Emulated {
    fn new(size: Size, seed: u64) -> Self {
        let [columns, rows] =
            [size.0, size.1].map(|side| NonZero::try_from(u16::try_from(side).unwrap()).unwrap());
        let terminal = Arc::new(Mutex::new(vt100::Parser::new(rows, columns, REMEMBERED)));
        let screen = Screen::new(Bytes(Arc::clone(&terminal)), move || size, (true, false));
        let (now, random) = ("2026-11-27T07:00:00Z".parse().unwrap(), SmallRng::seed_from_u64(seed));
        Self { terminal, screen, size, now, random, open: Vec::new(), asked: 0 }
    }

    fn below(&mut self, most: usize) -> usize {
        self.random.random_range(0..most)
    }

    fn words(&mut self, count: Range<usize>) -> String {
        let words = [
            "CREATE_FAILED",
            "a",
            "部署",
            "arn:aws:logs:eu-central-1:000000000000:log-group:of-a-long-name",
            "\t",
            "\u{1b}[31mred",
        ];
        let count = self.random.random_range(count);
        (0..count).map(|_| words[self.below(words.len())]).collect::<Vec<_>>().join(" ")
    }

    fn subject(&mut self) -> String {
        format!("web-local-{}", self.below(40))
    }

    fn tell(&mut self, subject: &str, what: What) {
        self.screen.event(&Event::new(Some(self.now), subject, what), self.now);
    }

    /// Something happens.
    fn step(&mut self) {
        let passed = u64::try_from(self.below(5_000)).unwrap();
        self.now += Duration::from_millis(passed);
        let (subject, few, many) = (self.subject(), self.words(0..6), self.words(0..60));
        match self.below(16) {
            0 if self.open.len() < 4 => {
                let whole = Whole { prefix: "web-local-".to_owned(), count: self.below(50), expected: None };
                self.open.push(subject.clone());
                self.tell(&subject, What::Begun(whole));
            }
            1 => {
                let at = self.below(self.open.len().max(1));
                if let Some(open) = self.open.get(at).cloned() {
                    self.open.truncate(at);
                    self.tell(&open, What::Over);
                }
            }
            2 | 3 => self.tell(&subject, What::InWork),
            4 => self.tell(&subject, What::Reached { changed: true, failed: self.now.as_second() % 9 == 0 }),
            5 => self.tell(&subject, What::State(many)),
            6 => self.tell(&subject, What::BuildLog(many)),
            7 | 8 => self.tell(&subject, What::Text(few)),
            9 => self.tell(&subject, What::StoppedTask { reason: many }),
            10 if self.open.is_empty() => self.screen.line("warning: short", self.now),
            10 => self.screen.line(&many, self.now),
            11 if !self.open.is_empty() && self.asked < 5 => {
                self.asked += 1;
                self.screen.question("go ahead?").unwrap();
                self.tell(&subject, What::Text(many));
                self.terminal.lock().unwrap().process(b"yes\r\n");
                self.screen.answered(true, self.now);
            }
            12 => self.screen.planned("three\nlines\nof it", self.now),
            13 => self.screen.tick(self.now),
            other => {
                let (status, phase) = [
                    ("CREATE_IN_PROGRESS", Phase::OnTheWay),
                    ("CREATE_COMPLETE", Phase::Done),
                    ("CREATE_FAILED", Phase::Failed),
                ][self.below(3)];
                let reason = (phase == Phase::Failed).then_some(many);
                let (id, is_stack) = (format!("Resource{}", self.below(9)), other == 15);
                let resource_type = "AWS::Logs::LogGroup".to_owned();
                let status = status.to_owned();
                self.tell(
                    &subject,
                    What::Resource { logical_id: id, resource_type, status, reason, phase, is_stack },
                );
            }
        }
    }

    /// What is live stands whole above the cursor, and nothing was broken by the terminal.
    fn is_whole(&self) -> Result<(), String> {
        let terminal = self.terminal.lock().unwrap();
        let screen = terminal.screen();
        let rows: Vec<String> = screen.rows(0, u16::try_from(self.size.0).unwrap()).collect();
        let (row, column) = screen.cursor_position();
        let above = &rows[..usize::from(row)];
        let drawn = &self.screen.drawn;
        let stands = above.len() >= drawn.len()
            && above[above.len() - drawn.len()..]
                .iter()
                .zip(drawn)
                .all(|(seen, drawn)| seen.trim_end() == drawn.trim_end());
        let first = row.saturating_sub(u16::try_from(drawn.len()).unwrap());
        let broken = (first..row).any(|row| screen.row_wrapped(row));
        let fits = drawn.len() < self.size.1;
        match stands && column == 0 && !broken && fits && !screen.hide_cursor() {
            true => Ok(()),
            false => Err(format!("{rows:#?}, cursor at {row}, {column}; drawn: {drawn:#?}")),
        }
    }

    /// All rows with something on them, those that were scrolled away too.
    fn history(&self) -> Vec<String> {
        let mut terminal = self.terminal.lock().unwrap();
        let columns = u16::try_from(self.size.0).unwrap();
        terminal.screen_mut().set_scrollback(REMEMBERED);
        let mut history = Vec::new();
        for back in (1..=terminal.screen().scrollback()).rev() {
            terminal.screen_mut().set_scrollback(back);
            history.extend(terminal.screen().rows(0, columns).next());
        }
        terminal.screen_mut().set_scrollback(0);
        history.extend(terminal.screen().rows(0, columns));
        history.into_iter().filter(|row| !row.trim().is_empty()).collect()
    }
}

#[test]
fn whatever_is_told_what_is_live_fits_nothing_is_torn_and_little_is_left() {
    for size in [(80, 24), (40, 10)] {
        for seed in 0..12 {
            let mut emulated = Emulated::new(size, seed);
            for step in 0..200 {
                emulated.step();
                emulated
                    .is_whole()
                    .unwrap_or_else(|torn| panic!("{size:?}, seed {seed}, step {step}: {torn}"));
            }

            let left = emulated.screen.end(emulated.now).unwrap();
            let history = emulated.history();
            assert!(history.len() <= left.rows, "{size:?}, seed {seed}: {left:?}: {history:#?}");
            let outcome = fitted(&"what it came to\n".repeat(90), LEFT - left.rows, size.0);
            emulated.screen.line(&outcome, emulated.now);

            let history = emulated.history();
            assert!(history.len() <= LEFT, "{size:?}, seed {seed}: {history:#?}");
            assert!(!history.is_empty() && emulated.screen.drawn.is_empty());
        }
    }
}
