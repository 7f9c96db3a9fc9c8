//! What a rehearsal of an environment does without the environment's account: the local cloud has its number and region, what
//! only the account has gets a stand-in of the same ARN, and what cannot have one is left out. All of it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::path::Path;

use seatrial_project::{Architecture, Environment, Kept};
use serde_json::{Value, json};

use super::clone::rewrite;
use crate::exit::Refused;
use crate::local::{self, Connection};
use crate::plan;
use crate::plan::template::StackTemplate;

/// `arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME` has so many parts; behind it are key, stage and version.
const SECRET_PARTS: usize = 7;
/// What stands in an ARN for the characters that AWS adds to a secret's name, and some of them.
const ANY_TAIL: &str = "-??????";
const A_TAIL: &str = "-StandI";

/// Something that only the account has.
#[derive(Debug, PartialEq)]
struct StandIn {
    /// Where project.yml names it.
    named: Vec<String>,
    /// For the local cloud.
    wanted: Value,
}

/// The environment without what leads to its account alone, and what that was, a line each.
pub(super) fn apart(root: &Path, mut environment: Environment) -> anyhow::Result<(Environment, Vec<String>)> {
    let mut left_out = Vec::new();
    if !environment.is_local() {
        let skipped = mem::take(&mut environment.skip);
        if !skipped.is_empty() {
            without_outputs(&mut environment.parameters, &skipped, &plan::load(root)?);
            let stacks = skipped.into_iter().collect::<Vec<_>>().join("`, `");
            left_out
                .push(format!("`skip`: what stands for the stacks `{stacks}` is not here, they are made"));
        }
        if environment.database.as_mut().is_some_and(|database| database.snapshot.take().is_some()) {
            left_out.push("`database.snapshot`: the database is empty".to_owned());
        }
    }
    Ok((environment, left_out))
}

/// `parameters` without those that are outputs of stacks which are made after all.
fn without_outputs(
    parameters: &mut BTreeMap<String, String>,
    stacks: &BTreeSet<String>,
    templates: &[StackTemplate],
) {
    let made: Vec<_> = templates.iter().filter(|template| stacks.contains(&template.name)).collect();
    let is_output = |key: &str| {
        let name = key.rsplit('.').next().unwrap_or(key);
        made.iter().any(|template| template.output(name).is_some())
    };
    parameters.retain(|key, _| !is_output(key));
}

/// Has the clone's tasks run on this machine's processor, where project.yml names the other one; answers what was told.
///
/// # Errors
/// Refused where it does not say so in the plain words that can be changed.
pub(super) fn run_here(clone: &Path, named: Architecture) -> anyhow::Result<Option<String>> {
    let here = match std::env::consts::ARCH {
        "aarch64" => Architecture::Arm64,
        _ => Architecture::X86_64,
    };
    if here == named {
        return Ok(None);
    }
    let (named, here) = (named.as_str(), here.as_str());
    let (from, to) = (format!("architecture: {named}"), format!("architecture: {here}"));
    let mut found = false;
    let change = |text: &str| {
        found = text.contains(&from);
        text.replace(&from, &to)
    };
    rewrite(clone, change, "Run on this machine's processor")?;
    match found {
        true => {
            Ok(Some(format!("`app.architecture` {named}: the tasks run on {here}, as this machine does")))
        }
        false => {
            let refused = format!("tasks for {named} cannot run here, and `{from}` is not in project.yml");
            Err(Refused::new(refused).into())
        }
    }
}

/// Makes what project.yml names by ARN; answers where it does.
pub(super) async fn stand_in(
    connection: &Connection,
    environment: &Environment,
) -> anyhow::Result<Vec<String>> {
    let mut named = Vec::new();
    for one in stand_ins(environment) {
        local::post(connection, "/_local/stand-ins", &one.wanted).await?;
        named.extend(one.named);
    }
    Ok(named)
}

fn stand_ins(environment: &Environment) -> Vec<StandIn> {
    let mut secrets = BTreeMap::<String, (Vec<String>, BTreeSet<String>)>::new();
    let mut found = Vec::new();
    for (variable, arn) in &environment.app.secrets {
        let named = format!("app.secrets.{variable}");
        let parts: Vec<&str> = arn.split(':').collect();
        if environment.app.secret_parameter_arns.contains(arn) {
            // Two variables may have the same value.
            let (names, _) = secrets.entry(arn.clone()).or_default();
            names.push(named);
            continue;
        }
        let (secret, rest) = parts.split_at(SECRET_PARTS.min(parts.len()));
        let (names, keys) = secrets.entry(secret.join(":")).or_default();
        names.push(named);
        keys.extend(rest.first().filter(|key| !key.is_empty()).map(|key| (*key).to_owned()));
    }
    for secret in &environment.image.registry_secrets {
        let arn = secret.arn(&environment.region, &environment.account);
        let arn = match (&secret.kept, arn.strip_suffix(ANY_TAIL)) {
            (Kept::Secret(_), Some(named)) => format!("{named}{A_TAIL}"),
            _ => arn,
        };
        let (names, keys) = secrets.entry(arn).or_default();
        names.push(format!("image.registry_secrets.{}", secret.opens));
        keys.extend(secret.json_key());
    }
    for (arn, (named, keys)) in secrets {
        let wanted = match arn.split(':').nth(2) == Some("ssm") {
            true => json!({ "kind": "parameter", "arn": arn }),
            false => json!({ "kind": "secret", "arn": arn, "keys": keys }),
        };
        found.push(StandIn { named, wanted });
    }
    if let (Some(domain), Some(arn)) = (&environment.domain, &environment.certificate_arn) {
        let wanted = json!({ "kind": "certificate", "arn": arn, "domain": domain });
        found.push(StandIn { named: vec!["certificate_arn".to_owned()], wanted });
    }
    if let Some(arn) = &environment.kms_key {
        let wanted = json!({ "kind": "key", "arn": arn });
        found.push(StandIn { named: vec!["kms_key".to_owned()], wanted });
    }
    if let Some(arn) = &environment.source.connection_arn {
        let wanted = json!({ "kind": "connection", "arn": arn });
        found.push(StandIn { named: vec!["source.connection_arn".to_owned()], wanted });
    }
    found
}

#[cfg(test)]
mod tests {
    use seatrial_project::Project;

    use super::*;

    const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:web-AbCdEf";
    const PARAMETER: &str = "arn:aws:ssm:eu-west-1:123456789012:parameter/web/key";
    const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/134f2428-cec1-4b25-a1ae-9048164dba47";
    const CERTIFICATE: &str = "arn:aws:acm:eu-west-1:123456789012:certificate/1";
    const CONNECTION: &str =
        "arn:aws:codeconnections:eu-west-1:123456789012:connection/00000000-0000-0000-0000-000000000000";

    fn production(settings: &str) -> Environment {
        let text = format!(
            "project: web\nsource: {{repository: o/n}}\nenvironments:\n  local: {{}}\n  \
             production: {{account: \"123456789012\", region: eu-west-1, {settings}}}\n"
        );
        Project::parse(text.as_bytes()).unwrap().environment(Some("production")).unwrap().clone()
    }

    #[test]
    fn each_arn_that_project_yml_names_is_made_once_with_all_that_is_read_of_it() {
        let environment = production(&format!(
            "kms_key: \"{KEY}\", app: {{secrets: {{ALL: \"{SECRET}\", KEY: \"{PARAMETER}\", USER: \"{SECRET}:user::\", PASS: \
             \"{SECRET}:pass::\", SAME: \"{PARAMETER}\"}}}}, domain: www.example.org, certificate_arn: \
             \"{CERTIFICATE}\", source: {{connection_arn: \"{CONNECTION}\"}}"
        ));

        let found = stand_ins(&environment);

        let of = |named: &[&str], wanted: Value| StandIn {
            named: named.iter().map(|name| (*name).to_owned()).collect(),
            wanted,
        };
        let expected = [
            of(
                &["app.secrets.ALL", "app.secrets.PASS", "app.secrets.USER"],
                json!({"kind": "secret", "arn": SECRET, "keys": ["pass", "user"]}),
            ),
            of(&["app.secrets.KEY", "app.secrets.SAME"], json!({"kind": "parameter", "arn": PARAMETER})),
            of(
                &["certificate_arn"],
                json!({"kind": "certificate", "arn": CERTIFICATE, "domain": "www.example.org"}),
            ),
            of(&["kms_key"], json!({"kind": "key", "arn": KEY})),
            of(&["source.connection_arn"], json!({"kind": "connection", "arn": CONNECTION})),
        ];
        assert_eq!(found, expected);
        assert!(stand_ins(&production("")).is_empty());
    }

    /// By name, so that the build finds it: one that ends like what AWS adds to names, too.
    #[test]
    fn what_opens_private_sources_is_made_up_under_its_name_once_with_the_applications_keys_of_it() {
        let text = format!(
            "project: web\nsource: {{repository: o/n}}\nimage: {{registry_secrets: {{github.com: \"{SECRET}:git\", \
             git.example.com: \"ci/git-tokens:key\", registries.mine: /ci/cargo}}}}\nenvironments:\n  local: {{}}\n  \
             production: {{account: \"123456789012\", region: eu-west-1, app: {{secrets: {{USER: \"{SECRET}:user::\"}}}}}}\n"
        );
        let project = Project::parse(text.as_bytes()).unwrap();

        let found = stand_ins(project.environment(Some("production")).unwrap());

        let named: Vec<_> = found.iter().map(|one| (one.named.join(" "), one.wanted.clone())).collect();
        let opens = |names: &str| {
            names.split(' ').map(|it| format!("image.registry_secrets.{it}")).collect::<Vec<_>>().join(" ")
        };
        let by_name = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ci/git-tokens-StandI";
        let parameter = "arn:aws:ssm:eu-west-1:123456789012:parameter/ci/cargo";
        let expected = [
            (opens("git.example.com"), json!({"kind": "secret", "arn": by_name, "keys": ["key"]})),
            (
                format!("app.secrets.USER {}", opens("github.com")),
                json!({"kind": "secret", "arn": SECRET, "keys": ["git", "user"]}),
            ),
            (opens("registries.mine"), json!({"kind": "parameter", "arn": parameter})),
        ];
        assert_eq!(named, expected);
    }

    #[test]
    fn stacks_that_are_left_out_there_are_made_here_without_what_stands_for_their_outputs() {
        let dir = tempfile::tempdir().unwrap();
        let stacks = dir.path().join("infra/stacks");
        std::fs::create_dir_all(&stacks).unwrap();
        let vpc = "Resources: {Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}}\n\
                   Outputs: {VpcId: {Value: !Ref Vpc}}\n";
        std::fs::write(stacks.join("vpc.yml"), vpc).unwrap();
        let environment = production(
            "skip: [vpc], database: {snapshot: before}, parameters: {VpcId: vpc-1, main.VpcId: vpc-2, Days: \"3\"}",
        );

        let (apart, left_out) = apart(dir.path(), environment).unwrap();

        assert!(apart.skip.is_empty() && apart.database.unwrap().snapshot.is_none());
        assert_eq!(apart.parameters.keys().collect::<Vec<_>>(), ["Days"]);
        assert_eq!(left_out.len(), 2, "{left_out:?}");
        assert!(left_out[0].contains("`vpc`"), "{left_out:?}");
    }
}
