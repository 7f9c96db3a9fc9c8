//! The commands, typed with a role's session: with the printed policies all go well, and without any one action of them
//! some command is denied it, and says so.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use fastrand::Rng;
use seatrial::Running;
use seatrial_permissions::Need;
use serde_json::{Value, json};

use super::typed::{COMMANDS, NEEDS, begin, change};
use crate::soak::scratch::Scratch;
use crate::soak::stage::Stage;
use crate::soak::traffic::{last_lines, object};

const PEOPLE: [&str; 3] = ["reader", "releaser", "operator"];
/// Who may assume the roles: whoever the account lets.
const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
    "Principal": {"AWS": "000000000000"}}]}"#;

/// In each of AWS's refusals for want of a permission.
const DENIED: &str = "is not authorized to perform";

/// Variables of one session.
type Session = Vec<(&'static str, String)>;
/// Policies by person.
type Printed = BTreeMap<&'static str, Vec<Value>>;

/// An action that a person lacks.
struct Lack {
    person: &'static str,
    action: String,
}

pub(super) fn play(
    running: &Running<'_>,
    scratch: &Scratch,
    (rounds, seed): (u64, u64),
) -> Result<usize, String> {
    let needs = needs()?;
    running.say(format_args!("seed {seed}, {rounds} rounds, in {}", scratch.path().display()));
    let mut findings = 0;
    let whole = round(running, scratch, None, &needs);
    scratch.reset(running);
    if let Some(found) = whole? {
        running.say(format_args!("with the printed policies: FINDING: {found}"));
        findings += 1;
    }
    let mut lacks = lacks(&needs);
    running.say(format_args!("{} actions can be taken away", lacks.len()));
    Rng::with_seed(seed).shuffle(&mut lacks);
    for (number, lack) in (1..=rounds).zip(lacks.iter().cycle()) {
        let found = round(running, scratch, Some(lack), &needs);
        scratch.reset(running);
        let found = found?;
        let told =
            found.as_ref().map_or("denied, and said so".to_owned(), |found| format!("FINDING: {found}"));
        running.say(format_args!("round {number}: {} without `{}`: {told}", lack.person, lack.action));
        findings += usize::from(found.is_some());
        if running.is_interrupted() {
            return Err("interrupted".to_owned());
        }
    }
    Ok(findings)
}

/// The actions of each command.
fn needs() -> Result<BTreeMap<String, BTreeSet<String>>, String> {
    let text = fs::read_to_string(NEEDS).map_err(|error| format!("failed to read `{NEEDS}`: {error}"))?;
    let needs: BTreeMap<String, Vec<Need>> =
        serde_json::from_str(&text).map_err(|error| format!("`{NEEDS}`: {error}"))?;
    let actions = |needs: Vec<Need>| needs.into_iter().map(|need| need.action).collect();
    Ok(needs.into_iter().map(|(command, needs)| (command, actions(needs))).collect())
}

/// Each action once, for the person who may least of those that need it.
fn lacks(needs: &BTreeMap<String, BTreeSet<String>>) -> Vec<Lack> {
    let mut seen = BTreeSet::new();
    let mut lacks = Vec::new();
    for person in PEOPLE {
        let typed = COMMANDS.iter().filter(|typed| typed.person == person);
        for action in typed.filter_map(|typed| needs.get(typed.words[0])).flatten() {
            if seen.insert(action) {
                lacks.push(Lack { person, action: action.clone() });
            }
        }
    }
    lacks
}

/// Types the commands; what is wrong with how that went.
fn round(
    running: &Running<'_>,
    scratch: &Scratch,
    lack: Option<&Lack>,
    needs: &BTreeMap<String, BTreeSet<String>>,
) -> Result<Option<String>, String> {
    let (mut stage, settings) = begin(running, scratch)?;
    let mut sessions = BTreeMap::new();
    for (person, policies) in printed(&stage)? {
        let policies = match lack {
            Some(lack) if lack.person == person => without(&policies, &lack.action),
            Some(_) => continue,
            None => policies,
        };
        sessions.insert(person, assume(running, &stage, person, &policies)?);
    }
    let needing = |words: &[&str]| {
        lack.is_none_or(|lack| needs.get(words[0]).is_some_and(|needs| needs.contains(&lack.action)))
    };
    let releases = needing(&["release"]) || needing(&["rollback"]);
    for (number, typed) in COMMANDS.iter().enumerate() {
        let makes_ready = number == 1 || (releases && ["release", "rollback"].contains(&typed.words[0]));
        if !needing(typed.words) && !makes_ready {
            continue;
        }
        change(&stage, number, &settings)?;
        // Whatever the person needs that lacks something, it types; others are not held up.
        let session = sessions.get(typed.person);
        stage.act_as(session.cloned());
        let output = stage.run(typed.words);
        stage.act_as(None);
        let output = output?;
        let told = [output.stdout.as_slice(), &output.stderr].concat();
        let told = String::from_utf8_lossy(&told);
        match lack {
            None => {
                running.say(format_args!("{} as {}: {}", typed.words.join(" "), typed.person, output.status))
            }
            Some(lack) if session.is_some() && told.contains(&lack.action) => return Ok(None),
            Some(_) => {}
        }
        // What `doctor` may not look at it says, and goes on.
        let denied = told.find(DENIED).filter(|_| typed.words[0] != "doctor");
        let said = denied.map(|at| told[at..].chars().take(200).collect());
        if denied.is_some() || (typed.must_go_well && !output.status.success()) {
            let (words, said) = (typed.words.join(" "), said.unwrap_or_else(|| last_lines(&output)));
            return Ok(Some(format!("`{words}` as {}: {}: {said}", typed.person, output.status)));
        }
    }
    Ok(lack.map(|_| "nothing was denied".to_owned()))
}

fn printed(stage: &Stage<'_>) -> Result<Printed, String> {
    let policies = |person: &'static str| {
        let output = stage.run(&["permissions", "--policy", person])?;
        let policies = object(&output)["policies"].as_array().cloned().unwrap_or_default();
        match policies.is_empty() {
            true => Err(format!("no policy of {person} is printed: {}", last_lines(&output))),
            false => Ok((person, policies)),
        }
    };
    PEOPLE.into_iter().map(policies).collect()
}

fn without(policies: &[Value], action: &str) -> Vec<Value> {
    let mut policies = policies.to_vec();
    for policy in &mut policies {
        let Some(statements) = policy["Statement"].as_array_mut() else { continue };
        for statement in statements.iter_mut() {
            if let Some(actions) = statement["Action"].as_array_mut() {
                actions.retain(|own| own != action);
            }
        }
        statements.retain(|statement| statement["Action"] != json!([]));
    }
    policies.retain(|policy| policy["Statement"] != json!([]));
    policies
}

/// Makes a role of the person's name with these policies, and a session of it.
fn assume(
    running: &Running<'_>,
    stage: &Stage<'_>,
    person: &str,
    policies: &[Value],
) -> Result<Session, String> {
    let role = stage.aws(
        running,
        &["iam", "create-role", "--role-name", person, "--assume-role-policy-document", TRUST],
    )?;
    let role = object(&role)["Role"]["Arn"].as_str().unwrap_or_default().to_owned();
    for (number, policy) in policies.iter().enumerate() {
        let (name, policy) = (format!("{person}-{number}"), policy.to_string());
        let made = ["iam", "create-policy", "--policy-name", &name, "--policy-document", &policy];
        let made = object(&stage.aws(running, &made)?);
        let arn = made["Policy"]["Arn"].as_str().unwrap_or_default();
        stage.aws(running, &["iam", "attach-role-policy", "--role-name", person, "--policy-arn", arn])?;
    }
    let assumed = ["sts", "assume-role", "--role-arn", &role, "--role-session-name", person];
    let assumed = object(&stage.aws(running, &assumed)?);
    let credentials = [
        ("AWS_ACCESS_KEY_ID", "AccessKeyId"),
        ("AWS_SECRET_ACCESS_KEY", "SecretAccessKey"),
        ("AWS_SESSION_TOKEN", "SessionToken"),
    ];
    let value = |name: &str| assumed["Credentials"][name].as_str().map(str::to_owned);
    let session = credentials.into_iter().map(|(variable, name)| Some((variable, value(name)?)));
    session.collect::<Option<Session>>().ok_or_else(|| format!("no session of {person}: {assumed}"))
}
