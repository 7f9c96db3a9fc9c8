//! `migrate`: the steps before traffic moves.

use super::*;

/// The environments `local` and `production` of the good file with `common` in it, and `own` in production.
fn facts_of(common: &str, own: &str) -> [BTreeMap<String, String>; 2] {
    let text = GOOD.replace("default_environment", &format!("{common}\ndefault_environment"));
    let text = text.replace("    skip: []", &format!("    skip: []\n    {own}"));
    let project = Project::parse(text.as_bytes()).unwrap();
    ["local", "production"].map(|name| project.environment(Some(name)).unwrap().facts())
}

fn of<'a>(facts: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    facts.get(name).map(String::as_str)
}

#[test]
fn a_command_that_migrates_reaches_the_stacks_word_by_word() {
    let [local, production] = facts_of(
        "migrate: {command: [migrate]}",
        r#"migrate: {command: [mix, "ecto migrate", "a\"b", 1.10]}"#,
    );

    assert_eq!(of(&local, "MigrateCommand"), Some(r#"["migrate"]"#));
    assert_eq!(of(&production, "MigrateCommand"), Some(r#"["mix","ecto migrate","a\"b","1.10"]"#));
}

#[test]
fn where_nothing_migrates_no_stack_is_told_of_it() {
    for facts in facts_of("migrate: null", "") {
        assert_eq!((of(&facts, "MigrateCommand"), of(&facts, "ReleaseProgram")), (None, None));
    }
}

/// One buildspec serves all environments, and says which artifacts there are.
#[test]
fn every_pipeline_takes_the_program_that_one_environment_needs() {
    let [local, production] = facts_of("", "migrate: {command: [migrate]}");

    assert_eq!((of(&local, "MigrateCommand"), of(&local, "ReleaseProgram")), (None, Some("true")));
    assert_eq!(of(&production, "ReleaseProgram"), Some("true"));
}

#[test]
fn a_command_that_cannot_be_run_is_refused_by_its_rule() {
    let rule = "`migrate.command` must be a list of words of printable ASCII, such as `[migrate]`, at most 1,024 characters";
    let long = "a".repeat(1025);
    for command in ["[]", "['']", "[migrate, '']", "['a\tb']", "[ä]", &format!("[{long}]")] {
        let told = broken("image:", &format!("migrate: {{command: {command}}}\nimage:"));
        assert!(told.starts_with("infra/project.yml:5:") && told.contains(rule), "{command}: {told}");
    }
    for (migrate, told) in [("{}", "`migrate.command` is missing"), ("{command: migrate}", "migrate.command")]
    {
        let refused = broken("image:", &format!("migrate: {migrate}\nimage:"));
        assert!(refused.starts_with("infra/project.yml:5:") && refused.contains(told), "{refused}");
    }
}
