//! What is typed in project.yml is what the rendered files hold, in that environment and in no other.

use proptest::prelude::*;

use super::*;
use crate::{
    Project,
    generate::{self, Layout},
    task_definition::IMAGE_PLACEHOLDER,
};

/// `value` as YAML that means exactly it: JSON's escapes are YAML's.
fn quoted(value: &str) -> String {
    serde_json::to_string(value).unwrap()
}

fn project(common: &str, first: &str, second: &str) -> Project {
    let text = format!(
        "project: shop\nsource: {{repository: o/n}}\napp:\n  port: 8080\n{common}\nenvironments:\n  \
         local:\n{first}\n  other:\n    account: '123456789012'\n    region: eu-west-1\n{second}\n"
    );
    Project::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// `environment:` with what was typed for each name, below `app`.
fn typed(indent: usize, variables: &BTreeMap<String, (String, String)>) -> String {
    let margin = " ".repeat(indent);
    if variables.is_empty() {
        return String::new();
    }
    let lines = variables.iter().map(|(name, (written, _))| format!("{margin}  {name}: {written}\n"));
    format!("{margin}environment:\n{}", lines.collect::<String>())
}

fn given() -> Variables {
    let names = [
        "AWS_REGION",
        "DB_HOST",
        "DB_NAME",
        "DB_PORT",
        "DB_SECRET_ARN",
        "DB_USER",
        "EXECUTION_ROLE_ARN",
        "LOG_GROUP",
        "TASK_ROLE_ARN",
    ];
    names.map(|name| (name.to_owned(), format!("given-{name}"))).into()
}

fn template() -> String {
    let files = generate::files(&project("", "", ""), &Layout::Member.into()).unwrap();
    files.into_iter().find(|file| file.path == TASKDEF).unwrap().text
}

fn rendered(project: &Project, environment: &str) -> TaskDefinition {
    let environment = project.environment(Some(environment)).unwrap();
    render_task_definition(&template(), environment, &given()).unwrap()
}

fn variables(definition: &TaskDefinition) -> BTreeMap<&str, &str> {
    let list = &definition.container_definitions[0].environment;
    let found: BTreeMap<_, _> =
        list.iter().map(|variable| (variable.name.as_str(), variable.value.as_str())).collect();
    assert_eq!(found.len(), list.len(), "a name is there twice");
    found
}

#[test]
fn values_reach_the_task_as_they_were_typed() {
    let cases = [
        ("1.10", "1.10"),
        ("+4915112345678", "+4915112345678"),
        ("0x1F", "0x1F"),
        ("1e10", "1e10"),
        ("1_000", "1_000"),
        ("007", "007"),
        ("0o17", "0o17"),
        ("-0", "-0"),
        (".5", ".5"),
        (".inf", ".inf"),
        ("18446744073709551616", "18446744073709551616"),
        ("True", "True"),
        ("yes", "yes"),
        ("2026-11-26", "2026-11-26"),
        ("12:30:00", "12:30:00"),
        ("\"\"", ""),
        ("''", ""),
        ("'null'", "null"),
        ("\"~\"", "~"),
        ("'  two spaces  '", "  two spaces  "),
        ("'it''s \"quoted\"'", "it's \"quoted\""),
        ("\"a\\tb\\nc\\\\\"", "a\tb\nc\\"),
        ("grüße 🚢", "grüße 🚢"),
        ("$HOME costs $5", "$HOME costs $5"),
        ("${DB_HOST}", "${DB_HOST}"),
        ("a ${NOT_THERE} ${", "a ${NOT_THERE} ${"),
        ("<IMAGE1_NAME>", "<IMAGE1_NAME>"),
        ("<TASK_DEFINITION>", "<TASK_DEFINITION>"),
        ("postgres://u:p@h/d?a=b&c=d", "postgres://u:p@h/d?a=b&c=d"),
        ("|\n          one\n          two", "one\ntwo\n"),
    ];
    let typed_values: BTreeMap<String, (String, String)> = cases
        .iter()
        .enumerate()
        .map(|(index, (written, meant))| (format!("V{index}"), ((*written).to_owned(), (*meant).to_owned())))
        .collect();
    let project = project("", &format!("    app:\n{}", typed(6, &typed_values)), "");

    let definition = deployed(&rendered(&project, "local"));

    for (name, (written, meant)) in &typed_values {
        assert_eq!(variables(&definition)[name.as_str()], meant, "{written}");
    }
}

#[test]
fn tasks_write_files_only_where_their_environment_lets_them() {
    let project = project("", "    app: {read_only: false}", "");
    let is_read_only =
        |name| rendered(&project, name).container_definitions[0].readonly_root_filesystem.unwrap();

    assert_eq!((is_read_only("local"), is_read_only("other")), (false, true));
}

#[test]
fn a_variable_without_a_value_is_refused_with_its_place() {
    for nothing in ["", "~", "null"] {
        let text = format!(
            "project: shop\nsource: {{repository: o/n}}\napp:\n  environment:\n    LEVEL: {nothing}\n\
             environments: {{local: {{}}}}\n"
        );
        let error = Project::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("infra/project.yml:5:"), "{error}");
        let told = "`app.environment.LEVEL` must be a string, or `{output: NAME}`, found `null`";
        assert!(error.ends_with(told), "{error}");
    }
}

#[test]
fn the_projects_own_take_the_place_of_ours_in_their_environment_only() {
    let secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:own-AbCdEf";
    let own = format!(
        "    app:\n      environment: {{DB_HOST: replica}}\n      secrets: {{DB_USER: '{secret}:user::', TOKEN: '{secret}'}}"
    );
    let project = project("", "", &own);

    let (local, other) = (rendered(&project, "local"), rendered(&project, "other"));

    let names = "DB_HOST DB_NAME DB_PORT DB_USER PORT";
    assert_eq!(variables(&local).into_keys().collect::<Vec<_>>().join(" "), names);
    assert_eq!(variables(&local)["DB_HOST"], "given-DB_HOST");
    let found = variables(&other);
    assert_eq!(found.keys().copied().collect::<Vec<_>>(), ["DB_HOST", "DB_NAME", "DB_PORT", "PORT"]);
    assert_eq!((found["DB_HOST"], found["PORT"]), ("replica", "8080"));
    let secrets: Vec<(&str, &str)> = other.container_definitions[0]
        .secrets
        .iter()
        .map(|secret| (secret.name.as_str(), secret.value_from.as_str()))
        .collect();
    let field = format!("{secret}:user::");
    let expected =
        [("DB_PASSWORD", "given-DB_SECRET_ARN:password::"), ("DB_USER", &field), ("TOKEN", secret)];
    assert_eq!(secrets, expected);
}

#[test]
fn what_an_environment_replaces_needs_no_value_from_the_stacks() {
    let own = "    app: {environment: {DB_HOST: db.example.com}}";
    let project = project("", "", own);
    let mut given = given();
    given.remove("DB_HOST");

    let render =
        |name: &str| render_task_definition(&template(), project.environment(Some(name)).unwrap(), &given);

    assert_eq!(variables(&render("other").unwrap())["DB_HOST"], "db.example.com");
    assert_eq!(render("local").unwrap_err().to_string(), "`.aws/taskdef.json` needs a value for `DB_HOST`");
}

#[test]
fn placeholders_without_a_value_fail_by_name() {
    let project = project("", "", "");
    let given = Variables::from([("DB_HOST".to_owned(), String::new())]);
    let error = render_task_definition(&template(), project.environment(None).unwrap(), &given).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`.aws/taskdef.json` needs a value for `EXECUTION_ROLE_ARN`, `TASK_ROLE_ARN`, `DB_PORT`, `DB_NAME`, \
         `DB_USER`, `DB_SECRET_ARN`, `LOG_GROUP`, `AWS_REGION`"
    );
}

#[test]
fn what_the_build_is_given_does_not_change_what_the_project_says() {
    let project = project("", "", "");
    let mut given = given();
    given.insert("APP_PORT".to_owned(), "1".to_owned());
    given.insert("DB_NAME".to_owned(), "${DB_USER}".to_owned());
    let definition = render_task_definition(&template(), project.environment(None).unwrap(), &given).unwrap();
    assert_eq!(definition.container_definitions[0].port_mappings[0].container_port.number(), Some(8080));
    assert_eq!(variables(&definition)["DB_NAME"], "${DB_USER}");
    assert_eq!(definition.family, "shop-local");
}

#[test]
fn the_app_spec_is_filled_and_keeps_the_task_definitions_placeholder() {
    let project = project("", "", "");
    let text = &generate::files(&project, &Layout::Member.into()).unwrap()[2].text;
    let rendered = render_app_spec(text, project.environment(None).unwrap(), &Variables::new()).unwrap();
    let expected = "\
version: 0.0
Resources:
- TargetService:
    Type: AWS::ECS::Service
    Properties:
      TaskDefinition: <TASK_DEFINITION>
      LoadBalancerInfo:
        ContainerName: app
        ContainerPort: 8080
";
    assert_eq!(rendered, expected);
}

#[test]
fn a_template_that_is_not_ours_is_refused_with_what_is_wrong() {
    let project = project("", "", "");
    let environment = project.environment(None).unwrap();
    let wrong = |from: &str, to: &str| {
        let template = template().replacen(from, to, 1);
        let error = render_task_definition(&template, environment, &given()).unwrap_err();
        format!("{error}: {}", std::error::Error::source(&error).unwrap())
    };
    assert!(wrong("\"cpu\"", "\"cpus\"").contains("unknown field `cpus`"));
    assert!(wrong("${APP_PORT}", "many").contains("expected a port from 1 to 65535"));
    assert!(wrong("\"name\": \"app\"", "\"name\": \"web\"").ends_with("it has no container `app`"));
}

#[test]
fn a_folder_without_templates_is_refused_by_the_files_name() {
    let project = project("", "", "");
    let empty = tempfile::tempdir().unwrap();
    let error = artifacts(empty.path(), project.environment(None).unwrap(), &given(), "uri").unwrap_err();
    assert_eq!(error.to_string(), "failed to read `.aws/taskdef.json`");
}

/// The deploy action's reading of the file: first the text, then JSON (CodeDeployToECS action reference).
fn deployed(definition: &TaskDefinition) -> TaskDefinition {
    let text = definition.to_json().unwrap().replace(IMAGE_PLACEHOLDER, "registry/shop@sha256:0");
    serde_json::from_str(&text).unwrap()
}

/// What is typed, and what it means. Anything that can be written in quotes; and plain words that YAML's readers
/// like to turn into something else.
fn value() -> impl Strategy<Value = (String, String)> {
    let word = |text: String| (text.clone(), text);
    prop_oneof![
        any::<String>().prop_map(|text| (quoted(&text), text)),
        "([${}<>\"'\\\\ #:]|<IMAGE1_NAME>|[$][{]DB_HOST[}]|\n){0,8}".prop_map(|text| (quoted(&text), text)),
        "[+-]?[0-9]{1,20}".prop_map(word),
        "[+-]?[0-9]{1,4}[.][0-9]{1,4}(e[+-]?[0-9]{1,3})?".prop_map(word),
        "0[xob][0-9A-F]{1,4}".prop_map(word),
        "(True|TRUE|true|no|Yes|on|NaN|[.]inf|[.]nan|1_000|12:30|2026-11-26)".prop_map(word),
    ]
}

/// Names that are ours among them, and few, so that environments share some.
fn environment() -> impl Strategy<Value = BTreeMap<String, (String, String)>> {
    let name = prop_oneof!["(DB_HOST|DB_USER|DB_PASSWORD|APP_PORT)", "[A-C_][A-C0-9_]{0,2}"];
    proptest::collection::btree_map(name, value(), 0..6)
}

fn below_app(variables: &BTreeMap<String, (String, String)>) -> String {
    if variables.is_empty() { String::new() } else { format!("    app:\n{}", typed(6, variables)) }
}

proptest! {
    /// For all values and environments: an environment's task holds what was typed for it, and ours where nothing
    /// was; taking a name out of one environment changes no other's.
    #[test]
    fn what_is_typed_for_an_environment_is_what_its_task_holds(
        common in environment(),
        first in environment(),
        second in environment(),
    ) {
        let whole = project(&typed(2, &common), &below_app(&first), &below_app(&second));
        let ours = rendered(&project("", "", ""), "local");
        for (name, own) in [("local", &first), ("other", &second)] {
            let mut expected = variables(&ours);
            for (name, (_, meant)) in common.iter().chain(own) {
                expected.insert(name, meant);
            }
            let definition = deployed(&rendered(&whole, name));
            prop_assert_eq!(variables(&definition), expected);
            let container = &definition.container_definitions[0];
            prop_assert_eq!(container.image.as_str(), "registry/shop@sha256:0");
            let replaced = common.contains_key("DB_PASSWORD") || own.contains_key("DB_PASSWORD");
            prop_assert_eq!(container.secrets.is_empty(), replaced);
        }

        for name in first.keys() {
            let mut less = first.clone();
            less.remove(name);
            let less = project(&typed(2, &common), &below_app(&less), &below_app(&second));
            prop_assert_eq!(rendered(&less, "other"), rendered(&whole, "other"));
            prop_assert_eq!(generate::files(&less, &Layout::Member.into()).unwrap(), generate::files(&whole, &Layout::Member.into()).unwrap());
        }
    }
}

#[test]
fn an_output_of_a_stack_is_a_variable_and_without_a_database_nothing_tells_of_one() {
    let text = "project: shop\nsource: {repository: o/n}\napp: {environment: {QUEUE: {output: QueueUrl}, MODE: x}}\n\
                environments: {local: {database: none}}\n";
    let project = Project::parse(text.as_bytes()).unwrap();
    let environment = project.environment(None).unwrap();
    let template = generate::files(&project, &generate::Layout::Member.into()).unwrap()[1].text.clone();
    let mut given: Variables = ["AWS_REGION", "EXECUTION_ROLE_ARN", "LOG_GROUP", "TASK_ROLE_ARN"]
        .map(|name| (name.to_owned(), name.to_lowercase()))
        .into();

    let missing = render_task_definition(&template, environment, &given).unwrap_err().to_string();
    given.insert(output_key("QueueUrl"), "https://queue".to_owned());
    let definition = render_task_definition(&template, environment, &given).unwrap();

    assert!(missing.contains("needs a value for `output QueueUrl`"), "{missing}");
    let container = &definition.container_definitions[0];
    let mut variables: Vec<_> =
        container.environment.iter().map(|it| (it.name.as_str(), it.value.as_str())).collect();
    variables.sort_unstable();
    assert_eq!(variables, [("MODE", "x"), ("PORT", "4000"), ("QUEUE", "https://queue")]);
    assert!(container.secrets.is_empty());
}
