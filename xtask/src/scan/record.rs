//! The committed result of the last scan: by which tools, of which templates, with which exceptions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::exceptions::Template;
use super::tools;

const FILE: &str = "infra/scan.json";

/// What `infra/scan.json` holds. All exceptions were needed, and there was no other finding, when it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    tools: BTreeSet<String>,
    /// The SHA-256 of each template's content by its file name: without comments, layout, descriptions and metadata.
    templates: BTreeMap<String, String>,
    /// By file name: `resource rule`.
    exceptions: BTreeMap<String, BTreeSet<String>>,
}

impl Record {
    pub(super) fn of(templates: &[Template]) -> Self {
        let exceptions = |template: &Template| {
            let lines = template.exceptions.iter().map(|one| format!("{} {}", one.resource, one.rule));
            (template.file.clone(), lines.collect())
        };
        Self {
            tools: tools::PINNED.map(str::to_owned).into(),
            templates: templates.iter().map(|template| (template.file.clone(), hash(template))).collect(),
            exceptions: templates.iter().map(exceptions).collect(),
        }
    }

    pub(super) fn read(root: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(root.join(FILE));
        let text =
            text.map_err(|error| format!("failed to read `{FILE}`: {error}: run `cargo xtask scan`"))?;
        serde_json::from_str(&text).map_err(|error| format!("{FILE}:{}: {error}", error.line()))
    }

    /// Writes it; whether that changed anything.
    pub(super) fn write(&self, root: &Path) -> Result<bool, String> {
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())? + "\n";
        let path = root.join(FILE);
        if std::fs::read_to_string(&path).is_ok_and(|there| there == text) {
            return Ok(false);
        }
        std::fs::write(path, text).map_err(|error| format!("failed to write `{FILE}`: {error}"))?;
        Ok(true)
    }

    /// Where the templates are not those of this scan any more.
    pub(super) fn differences(&self, now: &Self) -> Vec<String> {
        let again = "run `cargo xtask scan`";
        let mut found = Vec::new();
        if self.tools != now.tools {
            found.push(format!("{FILE}: made by other scanners than those that are pinned: {again}"));
        }
        let files: BTreeSet<&String> = self.templates.keys().chain(now.templates.keys()).collect();
        for file in files {
            if self.templates.get(file) != now.templates.get(file) {
                found.push(format!("infra/stacks/{file}: not what was scanned last: {again}"));
            }
            let none = BTreeSet::new();
            let of = |record: &'_ Self| record.exceptions.get(file).unwrap_or(&none).clone();
            for one in of(self).symmetric_difference(&of(now)) {
                found.push(format!("infra/stacks/{file}: {one}: excepted here or in {FILE} alone: {again}"));
            }
        }
        found
    }
}

/// Of what scanners look at. What resources mean stays the same whatever their metadata says.
fn hash(template: &Template) -> String {
    let mut json = template.document.to_json();
    if let Some(sections) = json.as_object_mut() {
        sections.remove("Description");
        sections.remove("Metadata");
    }
    for resource in json["Resources"].as_object_mut().into_iter().flat_map(|all| all.values_mut()) {
        resource.as_object_mut().and_then(|members| members.remove("Metadata"));
    }
    hex::encode(Sha256::digest(json.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> Record {
        Record::of(&[Template::parse("a.yml", text).unwrap()])
    }

    #[test]
    fn a_scan_holds_until_a_template_says_something_else() {
        let before = record("Resources: {B: {Type: AWS::S3::Bucket}}");
        let same = record(
            "# A comment.\nResources:\n  B:\n    Type: AWS::S3::Bucket\n    Metadata: {Note: other}\n",
        );
        assert_eq!(before.differences(&same), Vec::<String>::new());
        let other = record("Resources: {B: {Type: AWS::SQS::Queue}}");
        assert_eq!(
            before.differences(&other),
            ["infra/stacks/a.yml: not what was scanned last: run `cargo xtask scan`"]
        );
        let gone = Record::of(&[]);
        assert_eq!(before.differences(&gone).len(), 1);
    }

    #[test]
    fn an_exception_more_or_less_and_another_scanner_are_told() {
        let excepting = |rule: &str| {
            let exception = format!("{{Rules: [{rule}], Reason: r, Cost: c}}");
            record(&format!("Resources: {{B: {{Type: T, Metadata: {{Exceptions: [{exception}]}}}}}}"))
        };
        let (one, other) = (excepting("a_check"), excepting("b_check"));
        let differences = one.differences(&other);
        assert_eq!(differences.len(), 2);
        assert!(
            differences[0].contains("B a_check: excepted here or in infra/scan.json alone"),
            "{differences:?}"
        );
        let mut older = one.clone();
        older.tools.insert("checkov==1".to_owned());
        assert!(older.differences(&one)[0].contains("other scanners"));
        assert_eq!(one.differences(&one), Vec::<String>::new());
    }
}
