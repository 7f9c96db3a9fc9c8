//! Text in a terminal's columns: what is too wide is cut, or folded where a word ends.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// What the lines after the first are set in by.
const INDENT: &str = "    ";

/// The beginning of a line that takes at most so many columns, with `…` where there was more. Control characters,
/// which would move the cursor, are blanks.
pub(super) fn cut(line: &str, columns: usize) -> String {
    let line = tame(line);
    if line.width() <= columns {
        return line;
    }
    let mut room = columns.saturating_sub(1);
    let fits = |c: &char| {
        let width = c.width().unwrap_or(0);
        let fits = width <= room;
        room = if fits { room - width } else { 0 };
        fits
    };
    let kept: String = line.chars().take_while(fits).collect();
    if columns == 0 { String::new() } else { format!("{kept}…") }
}

/// All of a text, in lines that take at most so many columns: broken at blanks, in a word only where it alone is wider.
pub(super) fn fold(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(INDENT.len() * 2);
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut current = String::new();
        for word in tame(line).split_inclusive(' ') {
            if current.width() + word.trim_end().width() > columns && current.trim() != "" {
                lines.push(std::mem::replace(&mut current, INDENT.to_owned()).trim_end().to_owned());
            }
            for c in word.chars() {
                if current.width() + c.width().unwrap_or(0) > columns && c != ' ' {
                    lines.push(std::mem::replace(&mut current, INDENT.to_owned()).trim_end().to_owned());
                }
                current.push(c);
            }
        }
        lines.push(current.trim_end().to_owned());
    }
    lines
}

/// Without what moves a cursor or colours.
pub(super) fn tame(line: &str) -> String {
    let plain = anstream::adapter::strip_str(line).to_string();
    plain.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The columns a text takes.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_by_the_columns_it_takes_and_moves_no_cursor() {
        assert_eq!(cut("as it is", 8), "as it is");
        assert_eq!(cut("one more than fits", 8), "one mor…");
        // Two columns a character: half of one is not shown.
        assert_eq!(cut("部署部署部署", 8), "部署部…");
        assert_eq!(cut("\u{1b}[31mred\u{1b}[0m\tand\u{7}\rback", 40), "red and back");
        assert_eq!(cut("anything", 0), "");
    }

    #[test]
    fn a_text_is_folded_where_words_end_and_nothing_of_it_is_lost() {
        let text = "CREATE_FAILED Group: Resource handler returned message: arn:aws:logs:eu-central-1:000000000000:log-group:of-a-name-that-is-long";

        let folded = fold(text, 40);

        assert!(folded.iter().all(|line| columns(line) <= 40), "{folded:?}");
        let words = |text: &str| text.replace(char::is_whitespace, "");
        assert_eq!(words(&folded.concat()), words(text));
        assert_eq!(folded[0], "CREATE_FAILED Group: Resource handler");
        assert_eq!(fold("one\ntwo", 40), ["one", "two"]);
    }
}
