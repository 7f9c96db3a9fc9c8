//! Fills `${NAME}` in the committed templates and writes what CodePipeline's deploy action reads.
//!
//! `<IMAGE1_NAME>` and `<TASK_DEFINITION>` stay: the action itself replaces them (CodeDeployToECS action
//! reference). The image's address reaches it through `imageDetail.json`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::error::ImageError;
use crate::variables::Variables;

/// How a template is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Json,
    Yaml,
}

/// Fields of RegisterTaskDefinition that are numbers in the API and therefore text in the template.
const NUMBERS: &[&str] = &["containerPort", "hostPort"];
/// Lists whose entries are left out when their value is empty: a variable that one environment does not have.
const OPTIONAL: &[(&str, &str)] = &[("environment", "value"), ("secrets", "valueFrom")];

/// Renders the three files into `directory`: `imageDetail.json`, `taskdef.json`, `appspec.yaml`.
pub fn write_artifacts(
    workspace: &Path,
    directory: &Path,
    uri: &str,
    variables: &Variables,
) -> Result<(), ImageError> {
    let read = |name: &str| {
        let path = workspace.join(".aws").join(name);
        fs::read_to_string(&path)
            .map_err(|error| ImageError::refused(format!("`{}` cannot be read: {error}", path.display())))
    };
    // All are rendered before the first is written: a missing value leaves nothing half done.
    let files = [
        ("taskdef.json", render("taskdef.json", Format::Json, &read("taskdef.json")?, variables)?),
        ("appspec.yaml", render("appspec.yaml", Format::Yaml, &read("appspec.yaml")?, variables)?),
        ("imageDetail.json", json!({ "ImageURI": uri }).to_string()),
    ];
    let failed = |error| ImageError::failed(format!("write to `{}`", directory.display()), error);
    fs::create_dir_all(directory).map_err(failed)?;
    for (name, text) in files {
        fs::write(directory.join(name), text).map_err(failed)?;
    }
    Ok(())
}

/// Fills the placeholders of `template`; `name` is its file's name, for messages.
///
/// # Errors
/// A placeholder without a value, a template that is not JSON, a value that would change a YAML file's structure.
pub fn render(
    name: &str,
    format: Format,
    template: &str,
    variables: &Variables,
) -> Result<String, ImageError> {
    let missing = missing(template, variables);
    if !missing.is_empty() {
        let message = format!("`{name}` needs a value for {}", missing.join(", "));
        return Err(ImageError::refused(message)
            .with_hint("the build's environment or `infra/project.yml` must give it"));
    }
    match format {
        Format::Json => {
            let mut value: Value = serde_json::from_str(template)
                .map_err(|error| ImageError::refused(format!("`{name}` must be JSON: {error}")))?;
            fill_json(&mut value, variables);
            numbers(name, &mut value)?;
            serde_json::to_string_pretty(&value)
                .map(|text| text + "\n")
                .map_err(|error| ImageError::failed(format!("write `{name}`"), error))
        }
        Format::Yaml => fill(template, |placeholder| {
            let value = &variables[placeholder];
            // Plain in every position of a YAML file.
            let plain = |c: char| c.is_ascii_alphanumeric() || "._/@-".contains(c);
            if value.is_empty() || !value.chars().all(plain) {
                return Err(ImageError::refused(format!(
                    "`{placeholder}` for `{name}` must consist of letters, digits and ._/@-, found `{value}`"
                )));
            }
            Ok(value.clone())
        }),
    }
}

/// Names of the placeholders in `text`, in order, each once.
fn placeholders(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for piece in text.split("${").skip(1) {
        if let Some((name, _)) = piece.split_once('}')
            && !name.is_empty()
            && !name.contains(['"', '\n', ' '])
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names
}

fn missing(template: &str, variables: &Variables) -> Vec<String> {
    let names = placeholders(template).into_iter();
    names.filter(|name| !variables.contains_key(*name)).map(|name| format!("`{name}`")).collect()
}

/// Replaces each placeholder once; what a value contains is never looked at again.
fn fill(text: &str, mut value: impl FnMut(&str) -> Result<String, ImageError>) -> Result<String, ImageError> {
    let names = placeholders(text);
    let mut filled = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, from) = rest.split_at(start);
        filled.push_str(before);
        match from[2..].split_once('}') {
            Some((name, after)) if names.contains(&name) => {
                filled.push_str(&value(name)?);
                rest = after;
            }
            _ => {
                filled.push_str("${");
                rest = &from[2..];
            }
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

fn fill_json(value: &mut Value, variables: &Variables) {
    match value {
        Value::String(text) => {
            let value = |name: &str| Ok(variables.get(name).cloned().unwrap_or_default());
            if let Ok(filled) = fill(text, value) {
                *text = filled;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill_json(item, variables)),
        Value::Object(fields) => {
            for (key, field) in fields.iter_mut() {
                fill_json(field, variables);
                if let (Some((_, content)), Value::Array(entries)) =
                    (OPTIONAL.iter().find(|(list, _)| list == key), field)
                {
                    entries.retain(|entry| entry.get(*content).and_then(Value::as_str) != Some(""));
                }
            }
        }
        _ => {}
    }
}

fn numbers(name: &str, value: &mut Value) -> Result<(), ImageError> {
    match value {
        Value::Array(items) => items.iter_mut().try_for_each(|item| numbers(name, item)),
        Value::Object(fields) => {
            for (key, field) in fields.iter_mut() {
                if let (true, Some(text)) = (NUMBERS.contains(&key.as_str()), field.as_str()) {
                    let number: u16 = text.parse().map_err(|_| {
                        ImageError::refused(format!("`{key}` in `{name}` must be a port, found `{text}`"))
                    })?;
                    *field = number.into();
                }
                numbers(name, field)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn json_stays_valid_whatever_a_value_holds() {
        let template = r#"{"image": "<IMAGE1_NAME>", "a": "x ${A} ${B}", "containerPort": "${PORT}"}"#;
        let values = variables(&[("A", "\"quoted\"\\\n"), ("B", "${A}"), ("PORT", "4000")]);
        let rendered: Value =
            serde_json::from_str(&render("t.json", Format::Json, template, &values).unwrap()).unwrap();
        assert_eq!(
            rendered,
            json!({"image": "<IMAGE1_NAME>", "a": "x \"quoted\"\\\n ${A}", "containerPort": 4000})
        );
    }

    #[test]
    fn a_placeholder_without_a_value_fails_by_name() {
        let error =
            render("t.json", Format::Json, r#"["${A} ${B}", "${C}"]"#, &variables(&[("B", "")])).unwrap_err();
        assert!(error.is_refusal());
        assert_eq!(error.to_string(), "`t.json` needs a value for `A`, `C`");
    }

    #[test]
    fn an_entry_whose_value_is_empty_is_left_out() {
        let template = r#"{"environment": [{"name": "A", "value": "${A}"}, {"name": "B", "value": "${B}"}],
                           "secrets": [{"name": "C", "valueFrom": "${B}"}], "family": "${B}"}"#;
        let text = render("t.json", Format::Json, template, &variables(&[("A", "1"), ("B", "")])).unwrap();
        let rendered: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            rendered,
            json!({"environment": [{"name": "A", "value": "1"}], "secrets": [], "family": ""})
        );
    }

    #[test]
    fn yaml_keeps_its_text_and_refuses_a_value_that_changes_it() {
        let template = "# why\nport: ${PORT}\narn: <TASK_DEFINITION>\n";
        let rendered = render("a.yaml", Format::Yaml, template, &variables(&[("PORT", "4000")])).unwrap();
        assert_eq!(rendered, "# why\nport: 4000\narn: <TASK_DEFINITION>\n");
        for bad in ["4000\nHooks: []", "", "a: b"] {
            assert!(render("a.yaml", Format::Yaml, template, &variables(&[("PORT", bad)])).is_err(), "{bad}");
        }
    }
}
