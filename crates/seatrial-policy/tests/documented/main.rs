//! AWS's documented evaluation cases: each with its source, decided as AWS says.

mod boundaries;
mod case;
mod denials;
mod elements;
mod evaluation;
mod examples;
mod malformed;
mod multivalued;
mod operators;
mod resources;
mod sessions;
mod trust;
mod variables;

/// What issue 9 asks for at least.
const AT_LEAST: usize = 60;

#[test]
fn every_documented_case_is_decided_as_aws_says() {
    let cases = [
        evaluation::cases(),
        elements::cases(),
        operators::cases(),
        multivalued::cases(),
        variables::cases(),
        boundaries::cases(),
        sessions::cases(),
        resources::cases(),
        trust::cases(),
        examples::cases(),
        denials::cases(),
    ];
    let cases: Vec<_> = cases.into_iter().flatten().collect();

    let wrong: Vec<String> = cases.iter().filter_map(case::Case::fault).collect();

    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    println!("{} documented cases", cases.len());
    assert!(cases.len() >= AT_LEAST, "{} cases", cases.len());
}
