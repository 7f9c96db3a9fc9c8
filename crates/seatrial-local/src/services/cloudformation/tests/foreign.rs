//! Templates that this repository did not write for its tests: its own stacks, and whatever folder
//! `FOREIGN_TEMPLATES` names (LocalStack's, for one).

use std::path::{Path, PathBuf};

use serde_json::json;

use super::*;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_template =
            path.extension().is_some_and(|end| ["yml", "yaml", "json"].iter().any(|one| end == *one));
        if path.is_dir() {
            files(&path, found);
        } else if is_template {
            found.push(path);
        }
    }
}

/// How many templates below `folder` are taken, and what is said of the others.
async fn validated(fixture: &Fixture, folder: &Path) -> (usize, Vec<String>) {
    let mut found = Vec::new();
    files(folder, &mut found);
    found.sort();
    let (mut taken, mut refused) = (0, Vec::new());
    for path in found {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let input = json!({"TemplateBody": text});
        let answer =
            tokio::time::timeout(Duration::from_secs(20), fixture.try_call("ValidateTemplate", input));
        match answer.await.expect("no template hangs the validation") {
            Ok(_) => taken += 1,
            Err(error) => refused.push(format!("{}: {}", path.display(), error.message)),
        }
    }
    (taken, refused)
}

#[test]
fn the_projects_own_stacks_break_no_schema() {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/stacks"), &mut found);
    let mut faults = Vec::new();
    for path in found {
        let text = std::fs::read_to_string(&path).unwrap();
        let template = super::super::template::Template::parse(&text).unwrap();
        for resource in &template.resources {
            let schema = super::super::schema::of(&resource.resource_type).unwrap();
            let properties = resource.properties.as_object().unwrap();
            let of_resource = schema.faults(properties, false).into_iter();
            faults.extend(
                of_resource.map(|fault| format!("{} {}: {fault}", path.display(), resource.logical_id)),
            );
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[tokio::test]
async fn the_projects_own_stacks_are_all_taken() {
    let fixture = Fixture::new().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/stacks");
    let (taken, refused) = validated(&fixture, &folder).await;
    assert_eq!(refused, Vec::<String>::new());
    assert!(taken >= 10, "{taken}");
}

/// Of LocalStack's 288 templates 239 are taken; the others are refused for a reason: macros, nested stacks, placeholders
/// of Jinja, types of a private registry, and what is meant to be refused.
#[tokio::test]
async fn most_foreign_templates_are_taken_and_none_hangs() {
    let Some(folder) = std::env::var_os("FOREIGN_TEMPLATES") else { return };
    let fixture = Fixture::new().await;
    let (taken, refused) = validated(&fixture, Path::new(&folder)).await;
    assert!(taken >= 4 * refused.len(), "{taken} taken; refused:\n{}", refused.join("\n"));
}
