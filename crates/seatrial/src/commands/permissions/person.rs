//! The least policies of a person: what the commands that it types were seen to need, and what CloudFormation's handlers
//! may call with its session.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use seatrial_permissions::{Need, documents, statements};
use seatrial_project::Environment;
use serde_json::Value;

use crate::cli::Person;
use crate::plan::template::StackTemplate;

/// What each command was seen to need, by its name; `cargo xtask soak persons --renew` writes it.
static NEEDS: LazyLock<BTreeMap<String, Vec<Need>>> =
    LazyLock::new(|| serde_json::from_str(include_str!("needs.json")).unwrap_or_default());

/// What a command calls only where something went another way: on the environment's stacks or its deployment group.
const RARER: [(&str, &str); 10] = [
    ("provision", "cloudformation:CancelUpdateStack"),
    ("provision", "cloudformation:ContinueUpdateRollback"),
    ("provision", "cloudformation:DeleteChangeSet"),
    ("provision", "cloudformation:DescribeEvents"),
    ("provision", "cloudformation:DescribeStackResources"),
    ("provision", "cloudformation:GetTemplateSummary"),
    ("provision", "cloudformation:ListChangeSets"),
    ("provision", "cloudformation:RollbackStack"),
    ("provision", "elasticloadbalancing:ModifyRule"),
    ("run", "ecs:StopTask"),
];

const READING: [&str; 4] = ["diff", "explain", "logs", "status"];
const RELEASING: [&str; 3] = ["release", "rollback", "run"];

/// More types of resources than any action needs at once.
const MANY_TYPES: usize = 6;

impl Person {
    fn types(self, command: &str) -> bool {
        match self {
            Self::Operator => true,
            Self::Releaser => RELEASING.contains(&command) || Self::Reader.types(command),
            Self::Reader => READING.contains(&command),
        }
    }
}

/// The policy documents for an environment whose stacks these templates make, each as long as AWS lets one be.
pub(super) fn policies(person: Person, environment: &Environment, templates: &[StackTemplate]) -> Vec<Value> {
    let name = format!("{}-{}", environment.project, environment.name);
    let place = (environment.account.as_str(), environment.region.as_str(), name.as_str());
    let of = NEEDS.iter().filter(|(command, _)| person.types(command)).flat_map(|(_, needs)| needs);
    let mut seen: BTreeSet<Need> = of.cloned().collect();
    let rarer = RARER.iter().filter(|(command, _)| person.types(command));
    let rarer: Vec<Need> = rarer.flat_map(|(_, action)| like(action, &seen)).collect();
    seen.extend(rarer);
    let by_schema = if person == Person::Operator { by_schema(templates, &seen) } else { BTreeSet::new() };
    let in_place = |needs: &BTreeSet<Need>| needs.iter().map(|need| need.in_place(place)).collect();
    let mut all = statements(&in_place(&seen), None);
    all.extend(statements(&in_place(&by_schema), Some("BySchema")));
    documents(all)
}

/// What handlers of the types in the templates may call on AWS beyond what was seen here (AWS: resource type schemas,
/// `handlers`), with the session of whoever provisions: more than they ever call, so that it is marked.
fn by_schema(templates: &[StackTemplate], seen: &BTreeSet<Need>) -> BTreeSet<Need> {
    let resources = templates.iter().flat_map(|template| &template.resources);
    let types: BTreeSet<&str> = resources.map(|resource| resource.kind.as_str()).collect();
    let known = types.into_iter().filter_map(seatrial_actions::handlers);
    let actions = known.flat_map(|of| of.create.iter().chain(&of.read).chain(&of.update).chain(&of.delete));
    let was_seen = |action: &&str| seen.iter().any(|need| need.action == **action);
    let unseen: BTreeSet<&str> = actions.copied().filter(|action| !was_seen(action)).collect();
    unseen.into_iter().flat_map(|action| like(action, seen)).collect()
}

/// The action on the environment's resources of the types that it knows, as they were seen in other actions' calls; of a
/// type that was not seen, on all. An action of very many types is given one at a time, as tags are: there the seen ones do.
fn like(action: &str, seen: &BTreeSet<Need>) -> Vec<Need> {
    let forms = seatrial_actions::arns(action);
    let is_of_any_type = forms.len() > MANY_TYPES;
    let mut found = BTreeSet::new();
    for form in forms {
        let own = kind(form);
        let same = seen.iter().map(|need| need.resource.as_str()).filter(|resource| kind(resource) == own);
        let same: BTreeSet<&str> = same.filter(|resource| !resource.contains("aws-service-role/")).collect();
        // Those that bear the environment's name say best which are its own.
        let named: BTreeSet<&str> = same.iter().copied().filter(|one| one.contains("${Name}")).collect();
        let best = if named.is_empty() { same } else { named };
        if best.is_empty() && !is_of_any_type {
            found.insert(seatrial_permissions::all_of(form));
        }
        found.extend(best.into_iter().map(str::to_owned));
    }
    if found.is_empty() {
        found.insert("*".to_owned());
    }
    let need = |resource| Need { action: action.to_owned(), resource, condition: None };
    found.into_iter().map(need).collect()
}

/// An ARN's service and type: `iam`, `role`.
fn kind(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.splitn(6, ':').skip(2);
    let service = parts.next()?;
    let rest = parts.nth(2)?;
    // A form's type may stand before its first variable alone, as a bucket's does.
    let end = rest.find(['/', ':', '$', '*']).unwrap_or(rest.len());
    Some((service, &rest[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_person_may_what_those_may_who_do_less() {
        let count = |person: Person| NEEDS.keys().filter(|command| person.types(command)).count();
        assert_eq!(
            (count(Person::Reader), count(Person::Releaser)),
            (READING.len(), READING.len() + RELEASING.len())
        );
        assert!(count(Person::Operator) > count(Person::Releaser), "{:?}", NEEDS.keys());
        assert!(NEEDS.values().all(|needs| !needs.is_empty()));
        // Who looks changes nothing.
        let reading = NEEDS.iter().filter(|(command, _)| Person::Reader.types(command));
        let verbs = ["Batch", "Describe", "Detect", "Filter", "Get", "List"];
        let changing = reading.flat_map(|(_, needs)| needs).filter(|need| {
            let verb = need.action.split(':').nth(1).unwrap_or_default();
            !verbs.iter().any(|known| verb.starts_with(known))
        });
        let changing: Vec<&Need> = changing.collect();
        assert!(changing.is_empty(), "{changing:?}");
    }

    /// Operations of services, as the source has them: `.ecs().run_task(`.
    fn called(text: &str) -> Vec<String> {
        const CLIENTS: [&str; 14] = [
            "application_autoscaling",
            "cloudformation",
            "cloudtrail",
            "cloudwatch",
            "codebuild",
            "codeconnections",
            "codedeploy",
            "codepipeline",
            "ecr",
            "ecs",
            "elbv2",
            "logs",
            "rds",
            "s3",
        ];
        let text: String = text.chars().filter(|character| !character.is_whitespace()).collect();
        let of = |client: &str| {
            let client = format!(".{client}().");
            let behind = text.split(&client).skip(1);
            let names = behind.filter_map(|behind| Some(behind.split_once('(')?.0.to_owned()));
            names.filter(|name| name.contains('_')).collect::<Vec<String>>()
        };
        CLIENTS.into_iter().flat_map(of).collect()
    }

    #[test]
    fn whatever_the_tool_calls_is_in_somebodys_policy() {
        let known = NEEDS.values().flatten().map(|need| need.action.as_str());
        let known = known.chain(RARER.into_iter().map(|(_, action)| action));
        let plain = |action: &str| action.split(':').nth(1).unwrap_or_default().to_ascii_lowercase();
        let mut known: BTreeSet<String> = known.map(plain).collect();
        // Only a local cloud is asked for all of its buckets, before it is ended.
        known.insert("listbuckets".to_owned());
        // Of S3 the actions have other names (AWS: Service Authorization Reference).
        for (operation, action) in
            [("listobjectversions", "listbucketversions"), ("deleteobjects", "deleteobjectversion")]
        {
            assert!(known.contains(action), "{action}");
            known.insert(operation.to_owned());
        }
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/aws");
        let (mut count, mut missing) = (0, Vec::new());
        let mut folders = vec![folder];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                for operation in called(&std::fs::read_to_string(&path).unwrap()) {
                    count += 1;
                    let name = operation.replace('_', "");
                    if !known.contains(&name) {
                        missing.push(format!("{}: `{operation}`", path.display()));
                    }
                }
            }
        }
        assert!(missing.is_empty() && count > 40, "in nobody's policy, of {count}: {missing:?}");
    }
}
