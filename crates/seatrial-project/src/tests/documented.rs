//! `docs/project-yml.md` lists the keys that the parser takes, and no others.

use std::collections::BTreeSet;

use super::*;

const TABLE: &str = include_str!("../../../../docs/project-yml.md");

/// The keys that are taken at a place, in the words of the refusal of one that is not.
fn taken(place: &[&str]) -> Vec<String> {
    let mut text = String::from("project: web\nsource: {repository: o/n}\nenvironments: {name: {}}\n");
    let (first, rest) = place.split_first().map_or((None, &[][..]), |(first, rest)| (Some(*first), rest));
    let inner =
        rest.iter().rev().fold("{unheard_of: 1}".to_owned(), |inner, key| format!("{{{key}: {inner}}}"));
    match first {
        None => text.push_str("unheard_of: 1\n"),
        Some("environments") => {
            text = text.replace("environments: {name: {}}", &format!("environments: {inner}"))
        }
        Some("source") => text = text.replace("source: {repository: o/n}", &format!("source: {inner}")),
        Some(section) => text.push_str(&format!("{section}: {inner}\n")),
    }
    let refusal = Project::parse(text.as_bytes()).unwrap_err().to_string();
    let (_, expected) = refusal.split_once("expected").unwrap_or_else(|| panic!("{place:?}: {refusal}"));
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn tags_of_aws_and_of_the_tool_itself_are_nobodys_own() {
    let parse = |tags: &str| {
        let text =
            format!("project: web\nsource: {{repository: o/n}}\nenvironments: {{local: }}\ntags: {tags}\n");
        Project::parse(text.as_bytes()).map_err(|error| error.to_string())
    };
    let tags = parse("{team: platform, cost centre: '17'}").unwrap().environment(None).unwrap().tags.clone();
    assert_eq!(tags["cost centre"], "17");
    for refused in ["{seatrial:project: web}", "{aws:team: web}", "{'': web}", "{team: 'a\u{00a7}'}"] {
        assert!(parse(refused).unwrap_err().starts_with("infra/project.yml:4:"), "{refused}");
    }
}

#[test]
fn the_table_of_keys_is_the_parsers() {
    // Another table follows, of stacks that are left out.
    let documented: BTreeSet<String> = TABLE
        .lines()
        .take_while(|line| !line.starts_with("| left out |"))
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(key, _)| key.to_owned()))
        .collect();
    let mut parsed = BTreeSet::new();
    let sections: [&[&str]; 10] = [
        &[],
        &["source"],
        &["app"],
        &["app", "probe"],
        &["image"],
        &["migrate"],
        &["environments", "name"],
        &["environments", "name", "tasks"],
        &["environments", "name", "database"],
        &["environments", "name", "deployment"],
    ];
    for section in sections {
        for key in taken(section) {
            parsed.insert([section, &[&key]].concat().join(".").replace(".name.", ".NAME."));
        }
    }
    // Of a section its keys are listed; of those that an environment repeats the section.
    for section in ["source", "app", "app.probe", "image", "migrate"] {
        parsed.remove(section);
    }
    // A database may be `none`, too: that is a row of its own.
    for section in ["tasks", "deployment"] {
        parsed.remove(&format!("environments.NAME.{section}"));
    }
    assert_eq!(documented, parsed);
}
