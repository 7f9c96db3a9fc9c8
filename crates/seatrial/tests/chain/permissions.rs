//! What a rehearsal shows of the roles' permissions: none that nobody misses, none wider than what was used.

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

use seatrial_permissions::{
    Element, Finding, Judgement, Listed, Permits, Record, Sources, Verdict, judge, parts,
};
use serde_json::{Value, json};

use crate::support::checkout::Checkout;

const PREFIX: &str = "web-local-";

/// Of the last rehearsal in a checkout: the tool finds nothing amiss; whatever is taken from a role's policy is missed or
/// has its reason in the template; whatever is added to one is told.
#[expect(clippy::print_stdout, reason = "how many there were is part of what it shows")]
pub(crate) fn each_is_needed_or_has_its_reason(checkout: &Checkout) {
    let judged = checkout.json(&["permissions", "--check", "--save", "record.json"]);
    assert_eq!(
        (&judged["passed"], &judged["unused"], &judged["denied"]),
        (&true.into(), &0.into(), &json!([]))
    );
    let text = std::fs::read_to_string(checkout.path().join("record.json")).unwrap();
    std::fs::remove_file(checkout.path().join("record.json")).unwrap();
    let record: Record = serde_json::from_str(&text).unwrap();
    let sources = sources(checkout);
    let of = |record: &Record| judge(record, &sources, (PREFIX, &Listed::default()));
    let whole = of(&record);
    let missed = whole.permissions.iter().filter(|found| found.is_missed()).count();
    let (all, excused) =
        (whole.permissions.len(), whole.permissions.iter().filter(|found| is_excused(found)).count());
    println!("{all} parts of policies were taken away: {missed} are missed, {excused} have their reason");
    assert!(missed > 80 && missed + excused == all && whole.is_good(), "{whole:?}");

    let mut widened = 0;
    for (role, policy) in policies(&record) {
        let document: Value = serde_json::from_str(&record.roles[role].policies[&policy]).unwrap();
        for part in parts(&document) {
            let name = &record.roles[role].name;
            let excused = whole.permissions.iter().filter(|found| is_excused(found));
            let resources: Vec<&str> = excused
                .filter(|found| found.role == *name && found.policy == policy)
                .map(|found| found.permission.as_str())
                .collect();
            // The reason of a statement that nothing uses is about all of its resources.
            if matches!(&part.element, Element::Resource(text) if resources.contains(&text.as_str())) {
                continue;
            }
            for wide in wider(&document, part.statement, &part.element) {
                let mut more = record.clone();
                more.roles[role].policies.insert(policy.clone(), wide.to_string());
                assert!(!of(&more).is_good(), "{policy}: {wide}");
                widened += 1;
            }
        }
    }
    println!("{widened} ways to widen them were told");
    conditions_are_missed(&record, &whole, &of);
    people_may_what_they_did(checkout, &record);
    assert!(widened > 80, "{widened}");
}

/// Whatever condition is taken from a policy, or from who may assume a role, is told to be missing.
#[expect(clippy::print_stdout, reason = "how many there were is part of what it shows")]
fn conditions_are_missed(record: &Record, whole: &Judgement, of: &dyn Fn(&Record) -> Judgement) {
    let mut missed = 0;
    for (index, role) in record.roles.iter().enumerate().filter(|(_, role)| role.stack.is_some()) {
        let policies = role.policies.iter().map(|(name, text)| (Some(name), text));
        for (policy, text) in policies.chain([(None, &role.trust)]) {
            let document: Value = serde_json::from_str(text).unwrap();
            // Of what nothing uses, nothing could show that it is wider.
            let of_role =
                whole.permissions.iter().filter(|found| found.role == role.name && is_excused(found));
            let unused: Vec<&str> = of_role.map(|found| found.permission.as_str()).collect();
            for without in without_conditions(&document, &unused) {
                let mut more = record.clone();
                match policy {
                    Some(name) => drop(more.roles[index].policies.insert(name.clone(), without.to_string())),
                    None => more.roles[index].trust = without.to_string(),
                }
                assert!(!of(&more).is_good(), "{}, {policy:?}: {without}", role.name);
                missed += 1;
            }
        }
    }
    println!("{missed} conditions were taken away, and told to be missing");
    assert!(missed >= 10, "{missed}");
}

/// The document without one key of one statement's conditions, for each that there is but of an `unused` action's.
fn without_conditions(document: &Value, unused: &[&str]) -> Vec<Value> {
    let mut all = Vec::new();
    for (number, statement) in document["Statement"].as_array().unwrap().iter().enumerate() {
        for (operator, keys) in statement["Condition"].as_object().into_iter().flatten() {
            // The ARN of a source names its account, too.
            for key in keys.as_object().unwrap().keys().filter(|key| *key != "aws:SourceAccount") {
                // The ARN of a task set names its cluster, too.
                let is_unused = statement["Action"].as_str().is_some_and(|action| unused.contains(&action));
                if is_unused || statement["Resource"].to_string().contains(":task-set/") {
                    continue;
                }
                let mut without = document.clone();
                let condition = &mut without["Statement"][number]["Condition"];
                condition[operator].as_object_mut().unwrap().remove(key);
                if condition[operator] == json!({}) {
                    condition.as_object_mut().unwrap().remove(operator);
                }
                if *condition == json!({}) {
                    without["Statement"][number].as_object_mut().unwrap().remove("Condition");
                }
                all.push(without);
            }
        }
    }
    all
}

fn is_excused(found: &Finding) -> bool {
    matches!(found.verdict, Verdict::Excused { .. })
}

fn sources(checkout: &Checkout) -> Sources {
    let mut sources = Sources::default();
    for entry in std::fs::read_dir(checkout.path().join("infra/stacks")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let document = seatrial_template::parse(&name, &std::fs::read(&path).unwrap()).unwrap();
        sources.add(&name, &document).unwrap();
    }
    sources
}

/// Those that the templates make, by role and name.
fn policies(record: &Record) -> Vec<(usize, String)> {
    let of = |(index, role): (usize, &seatrial_permissions::Role)| {
        role.policies.keys().map(move |name| (index, name.clone())).collect::<Vec<_>>()
    };
    record.roles.iter().enumerate().filter(|(_, role)| role.stack.is_some()).flat_map(of).collect()
}

/// The document with one statement allowing more than it does, in each way that there is for an element.
fn wider(document: &Value, statement: usize, element: &Element) -> Vec<Value> {
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut document = document.clone();
        change(&mut document["Statement"][statement]);
        document
    };
    let added = |key: &'static str, text: String| {
        move |statement: &mut Value| {
            let own = statement[key].take();
            let mut all = if own.is_array() { own.as_array().unwrap().clone() } else { vec![own] };
            all.push(Value::from(text.clone()));
            statement[key] = Value::from(all);
        }
    };
    match element {
        Element::Action(action) => {
            let service = action.split(':').next().unwrap();
            vec![
                changed(&added("Action", format!("{service}:*"))),
                changed(&added("Action", "iam:DeleteRole".to_owned())),
            ]
        }
        Element::Resource(resource) if resource != "*" => {
            let (before, _) = resource.rsplit_once(['/', ':']).unwrap();
            let another = format!("{before}/another-name-altogether-by-hand");
            vec![changed(&added("Resource", another))]
        }
        _ => Vec::new(),
    }
}

/// The printed policies of people allow what the commands of a rehearsal did as its operator.
fn people_may_what_they_did(checkout: &Checkout, record: &Record) {
    for (person, program) in [("operator", "seatrial-provision"), ("releaser", "seatrial-release")] {
        let printed = checkout.json(&["permissions", "--policy", person]);
        let permits = Permits::of(printed["policies"].as_array().unwrap());
        let did = record.uses.iter().filter(|used| used.program.as_deref() == Some(program));
        let did: Vec<_> = did.filter(|used| used.principal.contains(":user/")).collect();
        assert!(did.len() > 10, "{person}: {}", did.len());
        let denied = did.iter().filter(|used| !permits.allow(record, used));
        let denied: Vec<_> = denied.map(|used| (&used.action, &used.resource)).take(9).collect();
        assert!(denied.is_empty(), "{person}: {denied:?}");
    }
}
