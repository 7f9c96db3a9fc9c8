//! How much a command may leave on a terminal.
//!
//! Pure: texts in, texts out.

use unicode_width::UnicodeWidthChar as _;

/// Rows, when a command ends; `--verbose` leaves all.
pub(super) const LEFT: usize = 40;
/// Of them what is told on the way may take so many: the outcome has the others.
pub(super) const ON_THE_WAY: usize = 24;

/// What a screen has left by now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Left {
    pub rows: usize,
    /// Rows that had no room.
    pub untold: usize,
    /// The terminal's columns.
    pub columns: usize,
}

/// The rows that a terminal of so many columns takes for a text.
pub(super) fn rows(text: &str, width: usize) -> usize {
    text.lines().map(|line| rows_of(line, width)).sum()
}

/// A character that takes two columns begins a row where one is left.
fn rows_of(line: &str, width: usize) -> usize {
    let (mut rows, mut column) = (1, 0);
    for c in line.chars() {
        let takes = c.width().unwrap_or(0);
        if column + takes > width {
            (rows, column) = (rows + 1, 0);
        }
        column += takes;
    }
    rows
}

/// All of a text, or its first and its last lines, which take at most so many rows with the one that says what is not there.
pub(super) fn fitted(text: &str, most: usize, width: usize) -> String {
    if rows(text, width) <= most {
        return text.to_owned();
    }
    let lines: Vec<&str> = text.lines().collect();
    let room = most.saturating_sub(1);
    // What is first says what it is about, what is last how it ended.
    let first = take(lines.iter(), room.div_ceil(2), width);
    let used: usize = lines[..first].iter().map(|line| rows_of(line, width)).sum();
    let last = take(lines[first..].iter().rev(), room - used, width);
    let untold: usize = lines[first..lines.len() - last].iter().map(|line| rows_of(line, width)).sum();
    let told = untold_line(untold);
    let kept = lines[..first].iter().copied().chain([told.as_str()]);
    kept.chain(lines[lines.len() - last..].iter().copied()).collect::<Vec<_>>().join("\n")
}

/// How many of these lines so many rows hold.
fn take<'a>(lines: impl Iterator<Item = &'a &'a str>, mut room: usize, width: usize) -> usize {
    let fits = |line: &&&str| {
        let rows = rows_of(line, width);
        let fits = rows <= room;
        room = if fits { room - rows } else { 0 };
        fits
    };
    lines.take_while(fits).count()
}

/// Says what had no room.
pub(super) fn untold_line(rows: usize) -> String {
    format!("... {rows} more lines: `--verbose` shows all")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(lines: usize) -> String {
        (0..lines).map(|line| format!("line {line}\n")).collect()
    }

    #[test]
    fn what_fits_is_whole_and_of_what_does_not_the_middle_is_missing() {
        assert_eq!(fitted(&text(5), 5, 80), text(5));

        let told = fitted(&text(100), 5, 80);

        assert_eq!(told, "line 0\nline 1\n... 96 more lines: `--verbose` shows all\nline 98\nline 99");
    }

    #[test]
    fn no_text_takes_more_rows_than_there_are_however_long_its_lines() {
        for lines in 0..30_usize {
            for most in 1..20 {
                let text: String = (0..lines).map(|line| format!("{}\n", "x".repeat(line * 7))).collect();
                let told = fitted(&text, most, 50);
                assert!(rows(&told, 50) <= most, "{lines} in {most}: {told}");
            }
        }
    }
}
