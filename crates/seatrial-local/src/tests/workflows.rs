//! Small sequences of calls whose answers AWS is known to have given, errors first. Each names its public source: a
//! recording of LocalStack's tests that were validated on AWS (localstack/localstack, tests/aws/services, Apache-2.0), a
//! page of AWS's documentation, or an issue that quotes AWS. `cargo test -p seatrial-local workflows -- --nocapture`
//! prints how many there are, and which share of each service's operations they call.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{call, cloud_in};
use crate::protocol;

/// What is recorded, its source, and its steps.
#[derive(Deserialize)]
struct Workflow(String, String, Vec<Step>);

/// Operation, input and what is answered; `${NAME}` stands for what an answer before kept.
#[derive(Deserialize)]
#[serde(untagged)]
enum Step {
    Told(String, Value, Box<Told>),
    Done(String, Value),
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Told {
    /// AWS's code; none: it is done.
    error: Option<String>,
    words: Option<String>,
    /// Further members of the error.
    members: Map<String, Value>,
    /// Values by JSON pointer.
    gives: BTreeMap<String, Value>,
    has: Vec<String>,
    lacks: Vec<String>,
    /// Names for what is at a pointer.
    keep: BTreeMap<String, String>,
    /// Asked again until an answer gives what it should.
    until: bool,
}

/// The tables of `workflows/`, by name.
fn tables() -> Vec<(String, Vec<Workflow>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/workflows");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let read = |file: PathBuf| {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let workflows = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, workflows)
    };
    files.into_iter().map(read).collect()
}

fn filled(value: &Value, kept: &BTreeMap<String, String>) -> Value {
    let fill = |text: &str| {
        kept.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${{{name}}}"), value))
    };
    match value {
        Value::String(text) => Value::String(fill(text)),
        Value::Array(items) => items.iter().map(|item| filled(item, kept)).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, member)| (fill(name), filled(member, kept))).collect()
        }
        other => other.clone(),
    }
}

fn is_same(found: Option<&Value>, expected: &Value) -> bool {
    match (found, expected) {
        (Some(Value::Number(found)), Value::Number(expected)) => found.as_f64() == expected.as_f64(),
        (Some(found), expected) => found == expected,
        (None, expected) => expected.is_null(),
    }
}

impl Told {
    fn of_error(&self, code: &str, message: &str, members: &Map<String, Value>) -> Vec<String> {
        let mut different = Vec::new();
        if self.error.as_deref() != Some(code) {
            let expected = self.error.as_deref().unwrap_or("no error");
            return vec![format!("AWS {expected}, here {code}: {message}")];
        }
        if let Some(words) = self.words.as_deref().filter(|words| *words != message) {
            different.push(format!("AWS  {words}\n    here {message}"));
        }
        for (name, value) in &self.members {
            if members.get(name) != Some(value) {
                different.push(format!("{name}: AWS {value}, here {:?}", members.get(name)));
            }
        }
        different
    }

    fn of_answer(&self, answer: &Value, kept: &BTreeMap<String, String>) -> Vec<String> {
        if let Some(code) = &self.error {
            return vec![format!("AWS {code}, here done: {answer}")];
        }
        let gives = filled(&Value::Object(self.gives.clone().into_iter().collect()), kept);
        let gives = gives.as_object().unwrap().clone();
        let missing = |pointer: &&String| answer.pointer(pointer).is_none_or(Value::is_null);
        let filled_pointer = |pointer: &String| filled(&Value::from(pointer.as_str()), kept);
        let mut different: Vec<_> = gives
            .iter()
            .filter(|(pointer, value)| !is_same(answer.pointer(pointer), value))
            .map(|(pointer, value)| format!("{pointer}: AWS {value}, here {:?}", answer.pointer(pointer)))
            .collect();
        different.extend(self.has.iter().filter(missing).map(|pointer| format!("{pointer} is missing")));
        let surplus = self.lacks.iter().filter(|pointer| {
            let pointer = filled_pointer(pointer);
            answer.pointer(pointer.as_str().unwrap()).is_some_and(|found| !found.is_null())
        });
        different.extend(surplus.map(|pointer| format!("{pointer} is too much")));
        different
    }
}

/// Plays a workflow in a cloud of its own; answers what differs from AWS, and which operations were called.
async fn play(Workflow(_, _, steps): &Workflow) -> (Vec<String>, BTreeSet<String>) {
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    let (mut different, mut called) = (Vec::new(), BTreeSet::new());
    let mut kept = BTreeMap::new();
    for (number, step) in steps.iter().enumerate() {
        let default = Told::default();
        let (operation, input, told) = match step {
            Step::Told(operation, input, told) => (operation, input, told.as_ref()),
            Step::Done(operation, input) => (operation, input, &default),
        };
        called.insert(operation.clone());
        let input = filled(input, &kept);
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        let found = loop {
            let answer = match protocol::check(operation, &input) {
                Ok(()) => call(&cloud, operation, input.clone()).await,
                Err(error) => Err(error),
            };
            let found = match &answer {
                Ok(answer) => {
                    for (name, pointer) in &told.keep {
                        let value = answer.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
                        kept.insert(name.clone(), value.to_owned());
                    }
                    told.of_answer(answer, &kept)
                }
                Err(error) => {
                    let words = told.words.as_ref().map(|words| filled(&Value::from(words.as_str()), &kept));
                    let told = Told {
                        error: told.error.clone(),
                        words: words.and_then(|words| words.as_str().map(str::to_owned)),
                        members: filled(&Value::Object(told.members.clone()), &kept)
                            .as_object()
                            .unwrap()
                            .clone(),
                        ..Told::default()
                    };
                    told.of_error(
                        &protocol::wire_code(operation, &error.code),
                        &error.message,
                        &error.members,
                    )
                }
            };
            if found.is_empty() || !told.until || tokio::time::Instant::now() > deadline {
                break found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        different.extend(found.iter().map(|found| format!("{}. {operation}: {found}", number + 1)));
    }
    (different, called)
}

#[tokio::test]
async fn workflows_answer_as_aws_did() {
    let (mut wrong, mut count, mut recorded) = (Vec::new(), 0, 0);
    let (mut called, mut sources): (BTreeSet<String>, BTreeMap<String, usize>) = Default::default();
    for (table, workflows) in tables() {
        for workflow in workflows {
            let (different, operations) = play(&workflow).await;
            let Workflow(name, source, _) = &workflow;
            count += 1;
            recorded += usize::from(!source.starts_with("http"));
            for service in operations.iter().filter_map(|operation| operation.split_once(':')).map(|at| at.0)
            {
                sources.entry(service.to_owned()).or_default();
            }
            let services: BTreeSet<_> =
                operations.iter().filter_map(|operation| operation.split_once(':')).map(|at| at.0).collect();
            services.iter().for_each(|service| *sources.entry((*service).to_owned()).or_default() += 1);
            called.extend(operations);
            if !different.is_empty() {
                wrong.push(format!("{table}: {name} ({source})\n  {}", different.join("\n  ")));
            }
        }
    }
    println!("{count} workflows, {recorded} of them recorded on AWS");
    let dir = tempfile::tempdir().unwrap();
    let served = crate::doors::served(&cloud_in(dir.path()));
    let mut shares: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for operation in &served {
        let share = shares.entry(operation.split_once(':').unwrap().0).or_default();
        share.1 += 1;
        share.0 += usize::from(called.contains(operation));
    }
    let few: Vec<_> =
        shares.keys().filter(|service| sources.get(**service).is_none_or(|count| *count < 3)).collect();
    for (service, (played, of)) in &shares {
        let workflows = sources.get(*service).copied().unwrap_or_default();
        println!("| {service} | {workflows} | {played} of {of} |");
    }
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= 150 && recorded >= 100, "{count} workflows, {recorded} recorded");
    assert!(few.is_empty(), "fewer than three workflows: {few:?}");
}
