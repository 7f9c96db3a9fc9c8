//! What is in work, as far as events tell: which lines a live screen shows of it, and which lines stay.
//!
//! Pure: the time is the caller's, and so is the terminal.

use std::collections::{BTreeSet, VecDeque};

use jiff::Timestamp;

use super::event::{Event, Phase, What, Whole, between, clock, took};
use super::lines;
use super::width::{columns as columns_of, cut, fold};

/// The lines of a log that are told where what they belong to fails.
const TAIL: usize = 20;
/// What a status takes where all of them are short.
const STATUS: usize = 18;
/// What a name takes at least and at most.
const NAME: (usize, usize) = (10, 24);

/// Everything that is done together.
pub(super) struct Board {
    whole: Whole,
    subject: String,
    began: Timestamp,
    works: Vec<Work>,
    reached: usize,
    failed: usize,
    /// How all of it stands.
    note: String,
    /// The lines of a log stay, too.
    verbose: bool,
}

/// One stack in work, or something else that is made.
struct Work {
    subject: String,
    began: Timestamp,
    /// Somebody says when it is done with; else it is when the stack is at rest.
    announced: bool,
    status: String,
    flights: Vec<Flight>,
    /// How it stands, where somebody says so.
    state: String,
    /// By AWS's clock, when the stack's operation began, and what it touched.
    operation: Option<Timestamp>,
    touched: BTreeSet<String>,
    log: VecDeque<String>,
}

/// A resource on its way.
struct Flight {
    logical_id: String,
    resource_type: String,
    began: Timestamp,
}

/// A line that is told.
pub(super) struct Line {
    pub text: String,
    pub kind: Kind,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is seen for a while; it stays only where all do.
    Passing,
    Stays,
    /// It stays, and says what failed.
    Failed,
}

impl Kind {
    fn of(failed: bool) -> Self {
        if failed { Self::Failed } else { Self::Passing }
    }
}

impl Board {
    pub(super) fn new(whole: Whole, subject: String, (now, verbose): (Timestamp, bool)) -> Self {
        let (works, note) = (Vec::new(), String::new());
        Self { whole, subject, began: now, works, reached: 0, failed: 0, note, verbose }
    }

    pub(super) fn is_about(&self, subject: &str) -> bool {
        self.subject == subject
    }

    /// The line that tells of all of it, once it is over.
    pub(super) fn ended(&self, now: Timestamp) -> Line {
        let after = took(between(self.began, now));
        let Whole { count, .. } = self.whole;
        let failed = if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        let what = match count {
            0 => format!("over after {after}{failed}{}", self.noted()),
            _ => format!("{} of {count} done in {after}{failed}", self.reached - self.failed),
        };
        let text = format!("{} {:<28} {what}", now.strftime("%H:%M:%S"), self.subject);
        Line { text, kind: Kind::Stays }
    }

    fn noted(&self) -> String {
        if self.note.is_empty() { String::new() } else { format!("; {}", self.note) }
    }

    /// Takes an event in, and answers the lines that it tells, if it does.
    pub(super) fn event(&mut self, event: &Event, now: Timestamp) -> Vec<Line> {
        match &event.what {
            What::Resource { .. } => self.resource(event, now).into_iter().collect(),
            What::InWork => {
                self.work(&event.subject, now).announced = true;
                Vec::new()
            }
            What::State(text) => {
                match event.subject == self.subject {
                    true => self.note.clone_from(text),
                    false => self.work(&event.subject, now).state.clone_from(text),
                }
                Vec::new()
            }
            What::Reached { changed, failed } => self.done_with(event, (*changed, *failed), now),
            What::BuildLog(line) => self.log(event, line.clone()),
            What::BuildPhase { name, status } => self.log(event, format!("{name} {status}")),
            _ => plain(event),
        }
    }

    fn resource(&mut self, event: &Event, now: Timestamp) -> Option<Line> {
        let What::Resource { logical_id, resource_type, status, reason, phase, is_stack } = &event.what
        else {
            return None;
        };
        let work = self.work(&event.subject, now);
        let began = *work.operation.get_or_insert(event.time);
        let failed = *phase == Phase::Failed;
        if !is_stack {
            work.touched.insert(logical_id.clone());
            let known = work.flights.iter().any(|flight| flight.logical_id == *logical_id);
            match phase {
                Phase::OnTheWay | Phase::RollsBack if known => {}
                Phase::OnTheWay | Phase::RollsBack => {
                    let (logical_id, resource_type) = (logical_id.clone(), resource_type.clone());
                    work.flights.push(Flight { logical_id, resource_type, began: now });
                }
                _ => work.flights.retain(|flight| flight.logical_id != *logical_id),
            }
            return failed.then(|| Line { text: lines::line(event).unwrap_or_default(), kind: Kind::Failed });
        }
        work.status.clone_from(status);
        if matches!(phase, Phase::OnTheWay | Phase::RollsBack) {
            return None;
        }
        let because = reason.as_ref().filter(|_| failed).map(|reason| format!(": {reason}"));
        let count = work.touched.len();
        let resources = if count == 1 { "resource" } else { "resources" };
        let what = format!(
            "{status} in {}, {count} {resources}{}",
            took(between(began, event.time)),
            because.unwrap_or_default()
        );
        work.operation = None;
        work.touched.clear();
        work.flights.clear();
        let ends = !work.announced;
        if ends {
            self.end(&event.subject, failed);
        }
        Some(said(event, &what, failed))
    }

    /// What was announced is done with. Of a stack its own end was told.
    fn done_with(&mut self, event: &Event, (changed, failed): (bool, bool), now: Timestamp) -> Vec<Line> {
        let Some(work) = self.end(&event.subject, failed) else { return Vec::new() };
        if work.operation.is_some() {
            let after = took(between(work.began, now));
            let what = format!("left in {} after {after}", work.status);
            return vec![said(event, &what, failed)];
        }
        if !work.status.is_empty() || !(changed || failed) {
            return Vec::new();
        }
        let end = if failed { "failed after" } else { "done in" };
        let what = format!("{end} {}", took(between(work.began, now)));
        let tail = work
            .log
            .into_iter()
            .filter(|_| failed)
            .map(|text| Line { text: format!("  | {text}"), kind: Kind::Stays });
        tail.chain([said(event, &what, failed)]).collect()
    }

    fn end(&mut self, subject: &str, failed: bool) -> Option<Work> {
        let at = self.works.iter().position(|work| work.subject == subject)?;
        self.reached += 1;
        self.failed += usize::from(failed);
        Some(self.works.remove(at))
    }

    /// A log belongs to what has its name, else to what is no stack: to the first image.
    fn log(&mut self, event: &Event, line: String) -> Vec<Line> {
        let prefix = &self.whole.prefix;
        let named = self.works.iter().position(|work| work.subject == event.subject);
        let other = || self.works.iter().position(|work| !work.subject.starts_with(prefix));
        let Some(work) = named.or_else(other).map(|at| &mut self.works[at]).filter(|_| !self.verbose) else {
            return plain(event);
        };
        if work.log.len() == TAIL {
            work.log.pop_front();
        }
        work.log.push_back(line);
        Vec::new()
    }

    fn work(&mut self, subject: &str, now: Timestamp) -> &mut Work {
        let at = self.works.iter().position(|work| work.subject == subject).unwrap_or_else(|| {
            self.works.push(Work::new(subject, now));
            self.works.len() - 1
        });
        &mut self.works[at]
    }

    /// The lines of a screen of so many columns and rows: one for what is in work each, as many as two thirds of the
    /// rows hold, and one for the whole. None is wider than the screen, less the last column: there a terminal wraps.
    pub(super) fn rows(&self, now: Timestamp, (columns, rows): (usize, usize)) -> Vec<String> {
        let room = (rows * 2 / 3).min(rows.saturating_sub(2)).max(1) - 1;
        let shown = if self.works.len() > room { room.saturating_sub(1) } else { self.works.len() };
        let shown_works = || self.works.iter().take(shown);
        let widest = |width: fn(&Self, &Work) -> usize| shown_works().map(|work| width(self, work)).max();
        let status = widest(|_, work| work.status.len()).unwrap_or(0).max(STATUS);
        let name = widest(|board, work| columns_of(board.name(work))).unwrap_or(0).clamp(NAME.0, NAME.1);
        let mut lines: Vec<String> = shown_works().map(|work| self.row(work, (name, status), now)).collect();
        let more = self.works.len() - shown;
        if more > 0 && room > 0 {
            lines.push(format!("  and {more} more"));
        }
        lines.push(self.summary(now));
        lines.iter().map(|line| cut(line, columns.saturating_sub(1))).collect()
    }

    fn name<'a>(&self, work: &'a Work) -> &'a str {
        work.subject.strip_prefix(&self.whole.prefix).unwrap_or(&work.subject)
    }

    fn row(&self, work: &Work, (name_width, status): (usize, usize), now: Timestamp) -> String {
        let name = cut(self.name(work), name_width);
        let slowest = work.flights.iter().min_by_key(|flight| flight.began).map(|flight| {
            let elapsed = clock(between(flight.began, now));
            format!("{elapsed} {} ({})", flight.logical_id, flight.resource_type)
        });
        let state = Some(&work.state).filter(|state| !state.is_empty()).cloned();
        let detail = slowest.or(state).or_else(|| work.log.back().cloned()).unwrap_or_default();
        let elapsed = clock(between(work.began, now));
        let line = format!("  {name:<name_width$} {elapsed:>7}  {:<status$}  {detail}", work.status);
        line.trim_end().to_owned()
    }

    /// One line for all of it.
    pub(super) fn summary(&self, now: Timestamp) -> String {
        let Whole { count, expected, .. } = &self.whole;
        let failed = if self.failed > 0 { format!("{} failed, ", self.failed) } else { String::new() };
        if *count == 0 {
            return format!("{} {}{}", self.subject, clock(between(self.began, now)), self.noted());
        }
        let expected = expected.as_ref().map(|expected| format!(", critical path {expected}"));
        format!(
            "{} {}{}; {failed}{} of {count} done, {} in work",
            self.subject,
            clock(between(self.began, now)),
            expected.unwrap_or_default(),
            self.reached - self.failed,
            self.works.len(),
        )
    }
}

impl Work {
    fn new(subject: &str, now: Timestamp) -> Self {
        Self {
            subject: subject.to_owned(),
            began: now,
            announced: false,
            status: String::new(),
            flights: Vec::new(),
            state: String::new(),
            operation: None,
            touched: BTreeSet::new(),
            log: VecDeque::new(),
        }
    }
}

impl Line {
    /// As many lines as it takes, none wider than `width`.
    pub(super) fn folded(&self, width: usize) -> Vec<String> {
        fold(&self.text, width)
    }
}

fn plain(event: &Event) -> Vec<Line> {
    lines::line(event).into_iter().map(|text| Line { text, kind: Kind::Passing }).collect()
}

fn said(event: &Event, what: &str, failed: bool) -> Line {
    let time = event.time.strftime("%H:%M:%S");
    Line { text: format!("{time} {:<28} {what}", event.subject), kind: Kind::of(failed) }
}
