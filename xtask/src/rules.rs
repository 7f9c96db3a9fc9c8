//! The house rules that can be counted: sizes, headers, names.

use std::path::Path;

use seatrial::Checking;

/// Lines of a file without its tests.
const FILE_LIMIT: usize = 400;
/// Lines of a function from `fn` to its closing brace.
const FUNCTION_LIMIT: usize = 80;
/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 6] = ["utils", "util", "helpers", "helper", "manager", "common"];

/// Every breach, one a line: `path:line: rule`.
pub(crate) fn check(checking: &Checking<'_>) -> Result<(), String> {
    let mut breaches = Vec::new();
    for path in checking.files("*.rs")? {
        breaches.extend(breaches_of(&path, &read(checking, &path)?));
    }
    if breaches.is_empty() { Ok(()) } else { Err(breaches.join("\n")) }
}

/// A file of the repository.
pub(crate) fn read(checking: &Checking<'_>, path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(checking.root().join(path));
    text.map_err(|error| format!("failed to read `{}`: {error}", path.display()))
}

fn breaches_of(path: &Path, text: &str) -> Vec<String> {
    let name = path.display();
    let mut breaches = Vec::new();
    if !text.starts_with("//!") {
        breaches.push(format!("{name}:1: a file opens with `//!`"));
    }
    let lines = without_tests(text).count();
    if lines > FILE_LIMIT && !is_test(path) {
        breaches.push(format!("{name}: {lines} lines without tests, the limit is {FILE_LIMIT}"));
    }
    for (line, length) in functions(text) {
        if length > FUNCTION_LIMIT {
            breaches
                .push(format!("{name}:{line}: a function of {length} lines, the limit is {FUNCTION_LIMIT}"));
        }
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    if EMPTY_NAMES.contains(&stem.as_ref()) {
        breaches.push(format!("{name}: `{stem}` says nothing about what is inside"));
    }
    breaches
}

/// True for integration tests and for files that hold nothing but unit tests.
pub(crate) fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests")
}

/// The numbered lines of a file without its tests: one that only declares a test module is passed over, a module
/// with a body stands last.
pub(crate) fn without_tests(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    std::iter::from_fn(move || {
        loop {
            let (number, line) = lines.next()?;
            if line != "#[cfg(test)]" {
                return Some((number, line));
            }
            let (_, declared) = lines.next()?;
            if !declared.ends_with(';') {
                lines.by_ref().for_each(drop);
                return None;
            }
        }
    })
}

/// Where each function begins and how many lines it has. Formatted code is taken for granted: a function ends at
/// the first closing brace that stands as deep as it began.
fn functions(text: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut functions = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        if !begins_function(code) {
            continue;
        }
        let indent = &line[..line.len() - code.len()];
        let end = format!("{indent}}}");
        let rest = &lines[index..];
        // A declaration without a body ends at its semicolon, before any brace as deep.
        let body =
            rest.iter().position(|line| line.trim_end().ends_with('{') || line.trim_end().ends_with(';'));
        let has_body = body.is_some_and(|at| rest[at].trim_end().ends_with('{'));
        if has_body && let Some(length) = rest.iter().position(|line| *line == end) {
            functions.push((index + 1, length + 1));
        }
    }
    functions
}

fn begins_function(code: &str) -> bool {
    let mut words = code.split_whitespace();
    words
        .by_ref()
        .find(|word| !matches!(*word, "async" | "const" | "unsafe" | "extern") && !word.starts_with("pub"))
        .is_some_and(|word| word == "fn")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_functions_and_files_without_a_header_are_breaches() {
        let body = "    let _ = 1;\n".repeat(79);
        let text = format!("pub(crate) async fn long() {{\n{body}}}\n\nfn short() {{\n}}\n");

        let breaches = breaches_of(Path::new("src/helpers.rs"), &text);

        assert_eq!(breaches.len(), 3, "{breaches:?}");
        assert!(breaches[1].contains("src/helpers.rs:1: a function of 81 lines"));
    }

    #[test]
    fn tests_do_not_count_as_lines_of_their_file() {
        let text = format!("//! A file.\n#[cfg(test)]\n{}", "// line\n".repeat(500));

        assert!(breaches_of(Path::new("src/a.rs"), &text).is_empty());
    }

    #[test]
    fn what_follows_a_declared_test_module_is_no_test() {
        let text = "one\n#[cfg(test)]\nmod testing;\nfour\n#[cfg(test)]\nmod tests {\nseven\n}\n";

        assert_eq!(without_tests(text).collect::<Vec<_>>(), [(1, "one"), (4, "four")]);
    }
}
