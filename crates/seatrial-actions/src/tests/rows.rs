//! Inputs and the actions that they need, row by row: `rows.txt`.
//!
//! `row N: SERVICE:OPERATION INPUT` with everything that is needed below it, indented, or `row N: none: WHY`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::row::When;
use crate::{actions_of, beyond, own, reasons};

const CASES: &str = include_str!("rows.txt");
const EVIDENCE: &str = include_str!("../../rows.md");

/// The numbers of the rows that a line is about: `39, 40`.
fn numbers(text: &str) -> Vec<u8> {
    text.split(", ").map(|number| number.parse().unwrap()).collect()
}

/// Line by line: the heads of cases as they stand, below each what is needed now.
fn played() -> String {
    let mut lines = Vec::new();
    for line in CASES.lines().filter(|line| !line.starts_with("    ")) {
        lines.push(line.to_owned());
        let Some((_, case)) = line.strip_prefix("row ").and_then(|rest| rest.split_once(": ")) else {
            continue;
        };
        let Some((called, input)) = case.split_once(' ').filter(|_| !case.starts_with("none: ")) else {
            continue;
        };
        let (service, operation) = called.split_once(':').unwrap();
        let input: Value = serde_json::from_str(input).unwrap_or_else(|error| panic!("{line}: {error}"));
        for needed in actions_of(service, operation, &input) {
            let context: String = needed
                .context
                .iter()
                .map(|(key, values)| format!("; {key} = {}", values.join(", ")))
                .collect();
            lines.push(format!("    {needed}{context}"));
        }
    }
    lines.join("\n") + "\n"
}

#[test]
fn every_case_needs_what_it_says_and_nothing_else() {
    let played = played();
    let differs = CASES.lines().zip(played.lines()).position(|(case, now)| case != now);

    assert!(played == CASES, "from line {}:\n{played}", differs.map_or(0, |line| line + 1));
}

#[test]
fn every_row_of_the_evidence_has_a_case_or_a_reason() {
    let documented: BTreeSet<u8> = EVIDENCE
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" |").next()?.parse().ok())
        .collect();
    let shown: BTreeSet<u8> = CASES
        .lines()
        .filter_map(|line| Some(numbers(line.strip_prefix("row ")?.split_once(": ")?.0)))
        .flatten()
        .filter(|number| *number != 0)
        .collect();

    assert_eq!(documented.len(), 103, "{documented:?}");
    assert_eq!(documented, shown);
}

#[test]
fn every_row_of_the_tables_is_one_of_the_evidence() {
    let missing: Vec<_> = reasons()
        .filter(|reason| reason.row != 0 && !EVIDENCE.contains(&format!("\n| {} |", reason.row)))
        .map(|reason| format!("{}: {}", reason.row, reason.action))
        .collect();

    assert!(missing.is_empty(), "{missing:?}");
}

/// What is called with which input, in all cases.
fn calls() -> Vec<(String, Value)> {
    let cases = CASES.lines().filter_map(|line| line.strip_prefix("row ")?.split_once(": "));
    let calls =
        cases.filter(|(_, case)| !case.starts_with("none: ")).filter_map(|(_, case)| case.split_once(' '));
    calls.map(|(called, input)| (called.to_owned(), serde_json::from_str(input).unwrap())).collect()
}

#[test]
fn every_row_of_the_tables_is_played_by_a_case() {
    let calls = calls();
    let rows = own::rows().chain(beyond::rows());
    let unplayed: Vec<_> = rows
        .filter(|row| !calls.iter().any(|(called, input)| row.is_of(called) && !row.needed(input).is_empty()))
        .map(|row| format!("row {}: {:?} -> {}", row.number, row.operations, row.action))
        .collect();

    assert!(unplayed.is_empty(), "{}", unplayed.join("\n"));
}

#[test]
fn every_condition_of_a_row_is_played_by_a_case_in_which_it_does_not_hold() {
    let calls = calls();
    let rows = own::rows().chain(beyond::rows()).filter(|row| !matches!(row.when, When::Always));
    let unplayed: Vec<_> = rows
        .filter(|row| !calls.iter().any(|(called, input)| row.is_of(called) && row.needed(input).is_empty()))
        .map(|row| format!("row {}: {:?} -> {}", row.number, row.operations, row.action))
        .collect();

    assert!(unplayed.is_empty(), "{}", unplayed.join("\n"));
}
