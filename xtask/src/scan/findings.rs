//! What the scanners answer, read into one form.

use std::collections::BTreeSet;

use serde_json::Value;

use super::exceptions::Exception;

/// One breach of one rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    /// The template's file name.
    pub file: String,
    /// The resource's logical ID; empty where the rule says of none that it is the one.
    pub resource: String,
    pub rule: String,
}

impl Finding {
    pub(super) fn is_met_by(&self, exception: &Exception) -> bool {
        self.rule == exception.rule && (self.resource.is_empty() || self.resource == exception.resource)
    }
}

/// The findings of `checkov --output json` about one kind of files.
///
/// # Errors
/// Output that is not the report, and files that checkov could not read: it passes over them and calls that a success.
pub(super) fn of_checkov(output: &[u8]) -> Result<Vec<Finding>, String> {
    let report: Value =
        serde_json::from_slice(output).map_err(|error| format!("checkov answered no JSON: {error}"))?;
    let unread = report["summary"]["parsing_errors"].as_u64();
    if unread != Some(0) {
        return Err(format!(
            "checkov could not read every template: {}",
            report["results"]["parsing_errors"]
        ));
    }
    let checks = |list: &str| report["results"][list].as_array().cloned().unwrap_or_default();
    let failed = checks("failed_checks");
    if failed.is_empty() && checks("passed_checks").is_empty() {
        return Err("checkov looked at nothing".to_owned());
    }
    Ok(failed
        .iter()
        .map(|check| Finding {
            file: file_name(&check["file_path"]),
            // `AWS::S3::Bucket.ArtifactBucket`
            resource: text(&check["resource"]).rsplit('.').next().unwrap_or_default().to_owned(),
            rule: text(&check["check_id"]).to_owned(),
        })
        .collect())
}

/// The findings of `cfn-guard validate --structured --output-format json`.
///
/// # Errors
/// Output that is not the report, or is not about every template.
pub(super) fn of_guard(output: &[u8], templates: usize) -> Result<Vec<Finding>, String> {
    let report: Vec<Value> =
        serde_json::from_slice(output).map_err(|error| format!("cfn-guard answered no JSON: {error}"))?;
    let seen: BTreeSet<String> = report.iter().map(|one| file_name(&one["name"])).collect();
    if seen.len() != templates {
        return Err(format!("cfn-guard looked at {} of {templates} templates", seen.len()));
    }
    let mut found = BTreeSet::new();
    for one in &report {
        let file = file_name(&one["name"]);
        for breach in one["not_compliant"].as_array().into_iter().flatten() {
            let rule = text(&breach["Rule"]["name"]).to_owned();
            let mut resources = BTreeSet::new();
            of_paths(breach, &mut resources);
            if resources.is_empty() {
                resources.insert(String::new());
            }
            found.extend(resources.into_iter().map(|resource| Finding {
                file: file.clone(),
                resource,
                rule: rule.clone(),
            }));
        }
    }
    Ok(found.into_iter().collect())
}

/// The resources whose values a breach points at: `/Resources/Bucket/Properties`, however deep it stands.
fn of_paths(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            let path = members.get("path").and_then(Value::as_str).unwrap_or_default();
            let resource = path.strip_prefix("/Resources/").and_then(|rest| rest.split('/').next());
            found.extend(resource.map(str::to_owned));
            members.values().for_each(|inner| of_paths(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|item| of_paths(item, found)),
        _ => {}
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn file_name(path: &Value) -> String {
    text(path).rsplit('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkovs_report_is_read_and_what_it_could_not_read_is_an_error() {
        let report = |errors: u8| {
            format!(
                r#"{{"summary": {{"parsing_errors": {errors}}}, "results": {{"passed_checks": [], "failed_checks": [
                {{"check_id": "CKV_AWS_18", "file_path": "/build.yml", "resource": "AWS::S3::Bucket.ArtifactBucket"}}
                ]}}}}"#
            )
        };
        let found = of_checkov(report(0).as_bytes()).unwrap();
        let expected = Finding {
            file: "build.yml".to_owned(),
            resource: "ArtifactBucket".to_owned(),
            rule: "CKV_AWS_18".to_owned(),
        };
        assert_eq!(found, [expected]);
        assert!(of_checkov(report(1).as_bytes()).unwrap_err().contains("could not read"));
        assert!(of_checkov(b"[]").is_err());
        assert!(of_checkov(b"no").is_err());
    }

    #[test]
    fn guards_report_is_read_once_a_resource_wherever_its_path_stands() {
        let report = r#"[{"name": "/x/build.yml", "not_compliant": [
            {"Rule": {"name": "A_RULE", "checks": [{"Clause": {"path": "/Resources/B/Properties"}},
                {"Clause": {"from": {"path": "/Resources/B/Properties/X"}, "to": {"path": "/Parameters/P"}}}]}},
            {"Rule": {"name": "OF_NOBODY", "checks": []}}]}]"#;
        let found = of_guard(report.as_bytes(), 1).unwrap();
        let names: Vec<(&str, &str)> =
            found.iter().map(|one| (one.resource.as_str(), one.rule.as_str())).collect();
        assert_eq!(names, [("", "OF_NOBODY"), ("B", "A_RULE")]);
        assert!(of_guard(report.as_bytes(), 2).unwrap_err().contains("1 of 2"));
    }
}
