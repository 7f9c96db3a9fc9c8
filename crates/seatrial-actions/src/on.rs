//! On what an action is checked, as a table says it, and what becomes of that with an input.

use serde_json::Value;

use crate::input::{at, is_given, texts};
use crate::needed::{Record, ResourceRule};

/// What a row of a table says of its resource. Where an input has nothing of what is named, nothing is checked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum On {
    Own,
    Any,
    /// The ARNs at these paths.
    Arns(&'static [&'static str]),
    /// The roles at these paths, by ARN or name.
    Roles(&'static [&'static str]),
    /// The keys of KMS at these paths, by ARN, id or alias; AWS's own (`alias/aws/...`) are open to everybody.
    Keys(&'static [&'static str]),
    /// An ARN of the service, made from [`made`]'s template: `task/{cluster/|default}/*`.
    Made(&'static str, &'static str),
    /// Each at a path: an ARN as it stands, a name below a template of the service; `*` where none is given.
    Each {
        service: &'static str,
        below: &'static str,
        path: &'static str,
    },
    /// The parameters of SSM at a path, whose names may begin with a slash.
    Parameters(&'static str),
    /// The projects of the builds at a path, whose ids are `PROJECT:UUID`.
    ProjectsOfBuilds(&'static str),
    /// Resources of EC2 by their ids at a path: `vpc-1` is `vpc/vpc-1`.
    Ec2(&'static str),
    /// What will be below the ARN at a path: a listener of a load balancer is `listener/` instead of `loadbalancer/`.
    Below(&'static str, &'static str, &'static str),
    /// The object that S3's `CopySource` names as `bucket/key`, with `?versionId=` or without.
    CopySource {
        versions: bool,
    },
    /// The objects that S3's `Delete` lists, those with a version or those without.
    Objects {
        versions: bool,
    },
    /// The object that a URL at a path names.
    ObjectAt(&'static str),
    /// A service-linked role, as `SERVICE_PRINCIPAL/NAME`, unless it is there.
    ServiceLinked(&'static str),
    TaskDefinition(&'static str),
    /// The roles of the task definition at a path, without those that the input has another for.
    RolesOf(&'static str),
    /// The groups of the deployments at a path.
    DeploymentGroups(&'static str),
    DeploymentConfig,
    KeyOfOwn,
    KeyOfCopySource,
    /// Of each of the parameters at a path.
    KeysOfParameters(&'static str),
    StackGivenTags,
    StackLosingTags,
}

impl On {
    /// The resources that this is, with `input`.
    pub(crate) fn rules(self, input: &Value) -> Vec<ResourceRule> {
        let arns = |paths: &[&str]| paths.iter().flat_map(|path| texts(input, path)).collect::<Vec<_>>();
        let as_rules = |arns: Vec<String>| arns.into_iter().map(ResourceRule::Arn).collect();
        let recorded = |record| vec![ResourceRule::Recorded(record)];
        match self {
            Self::Own => vec![ResourceRule::Own],
            Self::Any => vec![ResourceRule::Any],
            Self::Arns(paths) => as_rules(arns(paths)),
            Self::Roles(paths) => as_rules(arns(paths).into_iter().map(role).collect()),
            Self::Keys(paths) => as_rules(arns(paths).into_iter().filter_map(key).collect()),
            Self::Made(service, template) => {
                as_rules(made(template, input).into_iter().map(|rest| arn(service, &rest)).collect())
            }
            Self::Each { service, below, path } => as_rules(each(service, below, path, input)),
            Self::Parameters(path) => {
                as_rules(texts(input, path).iter().map(|name| parameter(name)).collect())
            }
            Self::ProjectsOfBuilds(path) => {
                let of = |id: &String| arn("codebuild", &format!("project/{}", project(id)));
                as_rules(texts(input, path).iter().map(of).collect())
            }
            Self::Ec2(path) => as_rules(texts(input, path).iter().map(|id| of_ec2(id)).collect()),
            Self::Below(path, above, kind) => {
                let below = |arn: String| format!("{}/*", arn.replacen(above, kind, 1));
                as_rules(texts(input, path).into_iter().map(below).collect())
            }
            Self::CopySource { versions } => {
                let sources = texts(input, "CopySource").into_iter();
                let wanted = sources.filter(|source| source.contains("?versionId=") == versions);
                as_rules(wanted.map(|source| copied(&source)).collect())
            }
            Self::Objects { versions } => as_rules(listed(input, versions)),
            Self::ObjectAt(path) => {
                as_rules(texts(input, path).iter().filter_map(|url| object_at(url)).collect())
            }
            Self::ServiceLinked(name) => {
                vec![ResourceRule::IfMissing(arn("iam", &format!("role/aws-service-role/{name}")))]
            }
            Self::TaskDefinition(path) => {
                let names = texts(input, path).into_iter();
                names.map(|name| ResourceRule::Recorded(Record::TaskDefinition(name))).collect()
            }
            Self::RolesOf(path) => {
                let replaced: Vec<_> = ["taskRoleArn", "executionRoleArn"]
                    .into_iter()
                    .filter(|role| is_given(input, &format!("overrides.{role}")))
                    .collect();
                let names = texts(input, path).into_iter();
                names
                    .map(|task_definition| Record::Roles { task_definition, replaced: replaced.clone() })
                    .map(ResourceRule::Recorded)
                    .collect()
            }
            Self::DeploymentGroups(path) => {
                let ids = texts(input, path).into_iter();
                ids.map(|id| ResourceRule::Recorded(Record::DeploymentGroup(id))).collect()
            }
            Self::DeploymentConfig => recorded(Record::DeploymentConfig),
            Self::KeyOfOwn => recorded(Record::Key),
            Self::KeyOfCopySource => {
                let sources = texts(input, "CopySource").into_iter();
                sources.map(|source| ResourceRule::Recorded(Record::KeyOf(copied(&source)))).collect()
            }
            Self::KeysOfParameters(path) => {
                let names = texts(input, path).into_iter();
                names.map(|name| ResourceRule::Recorded(Record::KeyOf(parameter(&name)))).collect()
            }
            Self::StackGivenTags => recorded(Record::StackGivenTags),
            Self::StackLosingTags => recorded(Record::StackLosingTags),
        }
    }
}

/// An ARN of this account: IAM has no regions, and S3 neither those nor accounts.
pub(crate) fn arn(service: &str, rest: &str) -> String {
    match service {
        "iam" => format!("arn:${{Partition}}:iam::${{Account}}:{rest}"),
        "s3" => format!("arn:${{Partition}}:s3:::{rest}"),
        _ => format!("arn:${{Partition}}:{service}:${{Region}}:${{Account}}:{rest}"),
    }
}

fn role(name: String) -> String {
    if name.starts_with("arn:") { name } else { arn("iam", &format!("role/{name}")) }
}

fn key(name: String) -> Option<String> {
    if name.starts_with("alias/aws/") || name.contains(":alias/aws/") {
        return None;
    }
    let is_alias = name.starts_with("alias/");
    Some(match name.starts_with("arn:") {
        true => name,
        false if is_alias => arn("kms", &name),
        false => arn("kms", &format!("key/{name}")),
    })
}

fn copied(source: &str) -> String {
    let object = source.split_once("?versionId=").map_or(source, |(object, _)| object);
    if object.starts_with("arn:") { object.to_owned() } else { arn("s3", object.trim_start_matches('/')) }
}

fn parameter(name: &str) -> String {
    if name.starts_with("arn:") {
        return name.to_owned();
    }
    // `name:version` and `name:label` are of the same parameter.
    let name = name.split(':').next().unwrap_or(name).trim_start_matches('/');
    arn("ssm", &format!("parameter/{name}"))
}

/// Of a build's id or ARN.
fn project(build: &str) -> &str {
    let id = build.rsplit('/').next().unwrap_or(build);
    id.split(':').next().unwrap_or(id)
}

/// Types of EC2's resources by the prefix of an id, where the two differ.
const EC2_TYPES: &[(&str, &str)] = &[
    ("eipalloc", "elastic-ip"),
    ("igw", "internet-gateway"),
    ("nat", "natgateway"),
    ("rtb", "route-table"),
    ("sg", "security-group"),
    ("sgr", "security-group-rule"),
    ("vpce", "vpc-endpoint"),
];

fn of_ec2(id: &str) -> String {
    let prefix = id.split('-').next().unwrap_or(id);
    let kind = EC2_TYPES.iter().find(|(known, _)| *known == prefix).map_or(prefix, |(_, kind)| kind);
    arn("ec2", &format!("{kind}/{id}"))
}

fn each(service: &str, below: &str, path: &str, input: &Value) -> Vec<String> {
    let mut names = texts(input, path);
    if names.is_empty() {
        names.push("*".to_owned());
    }
    let folders = made(below, input);
    let named = |name: String| match name.starts_with("arn:") {
        true => vec![name],
        false => folders.iter().map(|folder| arn(service, &format!("{folder}{name}"))).collect(),
    };
    names.into_iter().flat_map(named).collect()
}

fn listed(input: &Value, versions: bool) -> Vec<String> {
    let objects = at(input, "Delete.Objects[]").into_iter();
    let wanted = objects.filter(|object| is_given(object, "VersionId") == versions);
    let buckets = texts(input, "Bucket");
    let keys = wanted.flat_map(|object| texts(object, "Key"));
    keys.flat_map(|key| buckets.iter().map(move |bucket| arn("s3", &format!("{bucket}/{key}")))).collect()
}

/// `https://BUCKET.s3.REGION.amazonaws.com/KEY` and `https://s3.REGION.amazonaws.com/BUCKET/KEY`.
fn object_at(url: &str) -> Option<String> {
    let (host, path) = url.split_once("://")?.1.split_once('/')?;
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let bucket = host.split_once(".s3.").or_else(|| host.split_once(".s3-")).map(|(bucket, _)| bucket);
    Some(arn("s3", &bucket.map_or_else(|| path.to_owned(), |bucket| format!("{bucket}/{path}"))))
}

/// The template once for each value of what stands in braces: `{path}`, `{path/}` for what is behind the last slash
/// (of an ARN or a name), `{path|text}` for a text in place of a value that is not there. Without value and text
/// there is no ARN.
pub(crate) fn made(template: &str, input: &Value) -> Vec<String> {
    let Some((before, rest)) = template.split_once('{') else { return vec![template.to_owned()] };
    let Some((inside, after)) = rest.split_once('}') else { return vec![template.to_owned()] };
    let (path, otherwise) = inside.split_once('|').map_or((inside, None), |(path, text)| (path, Some(text)));
    let (path, is_last) = path.strip_suffix('/').map_or((path, false), |path| (path, true));
    let mut values = texts(input, path);
    if is_last {
        values = values.iter().map(|value| value.rsplit('/').next().unwrap_or(value).to_owned()).collect();
    }
    if values.is_empty() {
        values.extend(otherwise.map(str::to_owned));
    }
    let ends = made(after, input);
    values.iter().flat_map(|value| ends.iter().map(move |end| format!("{before}{value}{end}"))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn arns(on: On, input: &Value) -> Vec<String> {
        on.rules(input).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_template_is_filled_with_each_value() {
        let input = json!({"cluster": "arn:aws:ecs:eu-central-1:1:cluster/app", "tasks": ["a/1", "2"]});

        assert_eq!(made("task/{cluster/|default}/{tasks[]/}", &input), ["task/app/1", "task/app/2"]);
        assert_eq!(made("task/{cluster/|default}/*", &json!({})), ["task/default/*"]);
        assert!(made("vpc/{VpcId}", &input).is_empty());
    }

    #[test]
    fn roles_and_keys_may_be_given_by_name() {
        let input =
            json!({"role": "app", "arn": "arn:aws:iam::1:role/x", "key": "1234", "own": "alias/aws/rds"});

        assert_eq!(
            arns(On::Roles(&["role", "arn"]), &input),
            ["arn:${Partition}:iam::${Account}:role/app", "arn:aws:iam::1:role/x"]
        );
        assert_eq!(
            arns(On::Keys(&["key", "own"]), &input),
            ["arn:${Partition}:kms:${Region}:${Account}:key/1234"]
        );
    }

    #[test]
    fn objects_are_found_in_urls_and_copy_sources() {
        let input = json!({
            "a": "https://bucket.s3.eu-central-1.amazonaws.com/dir/key.yml?versionId=1",
            "b": "https://s3.eu-central-1.amazonaws.com/bucket/dir/key.yml",
            "CopySource": "bucket/dir/key.yml?versionId=1",
        });
        let object = "arn:${Partition}:s3:::bucket/dir/key.yml";

        assert_eq!(arns(On::ObjectAt("a"), &input), [object]);
        assert_eq!(arns(On::ObjectAt("b"), &input), [object]);
        assert_eq!(arns(On::CopySource { versions: true }, &input), [object]);
    }
}
