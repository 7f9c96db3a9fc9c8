//! A terminal in memory, of which a test reads what a person sees: text, carriage return, line feed, cursor up, erase
//! below and of a line, and breaking of lines that are too wide.

use unicode_width::UnicodeWidthChar as _;

pub(super) struct Terminal {
    pub columns: usize,
    rows: usize,
    /// All that was written, the screen last. A row that goes on in the next one, because it was too wide, says so.
    lines: Vec<(String, bool)>,
    /// From the first line of all.
    row: usize,
    column: usize,
    /// Lines that were too wide for the terminal: it broke them.
    pub broken: usize,
}

impl Terminal {
    pub(super) fn new(columns: usize, rows: usize) -> Self {
        Self { columns, rows, lines: vec![(String::new(), false)], row: 0, column: 0, broken: 0 }
    }

    /// What is on the screen, without the blanks around it.
    pub(super) fn screen(&self) -> String {
        let first = self.top();
        let lines: Vec<&str> = self.lines[first..].iter().map(|(line, _)| line.trim_end()).collect();
        lines.join("\n").trim_end().to_owned()
    }

    /// The same with all that was scrolled away.
    pub(super) fn history(&self) -> String {
        let lines: Vec<&str> = self.lines.iter().map(|(line, _)| line.trim_end()).collect();
        lines.join("\n").trim_end().to_owned()
    }

    fn top(&self) -> usize {
        self.lines.len().saturating_sub(self.rows)
    }

    /// Becomes narrower or wider, and breaks its lines anew.
    pub(super) fn resize(&mut self, columns: usize) {
        let mut whole: Vec<String> = Vec::new();
        let mut goes_on = false;
        let mut cursor = 0;
        for (at, (line, more)) in self.lines.drain(..).enumerate() {
            match whole.last_mut().filter(|_| goes_on) {
                Some(last) => last.push_str(&line),
                None => whole.push(line),
            }
            goes_on = more;
            if at == self.row {
                cursor = whole.len() - 1;
            }
        }
        self.columns = columns;
        let mut row = 0;
        for (at, line) in whole.into_iter().enumerate() {
            if at == cursor {
                row = self.lines.len();
            }
            let characters: Vec<char> = line.chars().collect();
            let pieces: Vec<String> =
                characters.chunks(columns).map(|piece| piece.iter().collect()).collect();
            let count = pieces.len().max(1);
            let pieces = if pieces.is_empty() { vec![String::new()] } else { pieces };
            self.lines.extend(pieces.into_iter().enumerate().map(|(n, piece)| (piece, n + 1 < count)));
        }
        self.row = row;
    }

    pub(super) fn write(&mut self, text: &str) {
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '\r' => self.column = 0,
                '\n' => {
                    // As a terminal that is in no raw mode does.
                    self.column = 0;
                    self.down();
                }
                '\x1b' => {
                    assert_eq!(rest.next(), Some('['), "{text:?}");
                    let mut number = String::new();
                    let order = loop {
                        match rest.next().unwrap() {
                            digit if digit.is_ascii_digit() => number.push(digit),
                            order => break order,
                        }
                    };
                    match order {
                        'A' => self.row = self.row.saturating_sub(number.parse().unwrap()).max(self.top()),
                        'J' => {
                            self.lines.truncate(self.row + 1);
                            self.lines[self.row] =
                                (self.lines[self.row].0.chars().take(self.column).collect(), false);
                        }
                        'K' => self.lines[self.row] = (String::new(), false),
                        'm' => {}
                        other => panic!("unknown sequence {other:?} in {text:?}"),
                    }
                }
                c => self.put(c),
            }
        }
    }

    fn put(&mut self, c: char) {
        let width = c.width().unwrap_or(0);
        if self.column + width > self.columns {
            self.broken += 1;
            self.lines[self.row].1 = true;
            self.column = 0;
            self.down();
        }
        let line = &mut self.lines[self.row].0;
        let mut characters: Vec<char> = line.chars().collect();
        characters.resize(characters.len().max(self.column), ' ');
        match characters.get_mut(self.column) {
            Some(old) => *old = c,
            None => characters.push(c),
        }
        *line = characters.into_iter().collect();
        self.column += width;
    }

    fn down(&mut self) {
        self.row += 1;
        if self.row == self.lines.len() {
            self.lines.push((String::new(), false));
        }
    }
}
