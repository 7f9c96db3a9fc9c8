//! Inputs and the actions that they need, row by row: `rows.txt`.
//!
//! `row N: SERVICE:OPERATION INPUT` with everything that is needed below it, indented, or `row N: none: WHY`.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::row::When;
use crate::{Place, ResourceRule, actions_of, arns, beyond, own, reasons};

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

    assert_eq!(documented.len(), 104, "{documented:?}");
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

/// Whether `arn` is one of `template`, whose `${...}` each stand for some text.
fn is_of(template: &str, arn: &str) -> bool {
    let mut pieces = template.split("${").map(|piece| piece.split_once('}').map_or(piece, |(_, rest)| rest));
    let Some(mut rest) = arn.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    for piece in pieces {
        // What stands for a placeholder has one character at least: `*` where AWS has yet to name it.
        let Some(at) = rest
            .get(1..)
            .and_then(|later| if piece.is_empty() { Some(later.len()) } else { later.find(piece) })
        else {
            return false;
        };
        rest = &rest[1 + at + piece.len()..];
    }
    rest.is_empty()
}

#[test]
fn every_arn_is_of_a_type_that_the_reference_has_for_the_action() {
    let place = Place { partition: "aws", region: "eu-central-1", account: "111122223333" };
    let mut faults = BTreeSet::new();
    for (called, input) in calls() {
        let (service, operation) = called.split_once(':').unwrap();
        for needed in actions_of(service, operation, &input) {
            let (ResourceRule::Arn(arn) | ResourceRule::IfMissing(arn)) = &needed.resource else { continue };
            let arn = place.fill(arn);
            // The package has one type of the load balancers' for tags; a connection has one ARN for both prefixes;
            // of an alias KMS checks the key, which the door knows.
            let is_excepted = needed.action == "elasticloadbalancing:AddTags"
                || needed.action == "elasticloadbalancing:RemoveTags"
                || needed.action == "codestar-connections:PassConnection"
                || arn.contains(":alias/");
            if !is_excepted && !arns(&needed.action).iter().any(|template| is_of(template, &arn)) {
                faults.insert(format!("{called}: {} on {arn}", needed.action));
            }
        }
    }

    assert!(faults.is_empty(), "{}", faults.into_iter().collect::<Vec<_>>().join("\n"));
}

#[test]
fn an_arn_of_another_type_is_told() {
    let template = "arn:${Partition}:ecs:${Region}:${Account}:task/${ClusterName}/${TaskId}";

    assert!(is_of(template, "arn:aws:ecs:eu-central-1:1:task/app/*"));
    assert!(!is_of(template, "arn:aws:ecs:eu-central-1:1:task/app"));
    assert!(!is_of(template, "arn:aws:ecs:eu-central-1:1:service/app/app"));
}
