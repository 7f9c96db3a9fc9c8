//! The exceptions that stand in the templates: `Exceptions` in a resource's metadata, or in the template's where the
//! resource is one that may have none (docs/decisions/0005).

use std::collections::BTreeSet;
use std::path::Path;

use seatrial_template::{Document, Node};

pub(super) const STACKS: &str = "infra/stacks";

/// One template, with what it excepts.
pub(super) struct Template {
    /// The file's name.
    pub file: String,
    pub document: Document,
    pub text: String,
    pub exceptions: Vec<Exception>,
}

/// One rule that one resource need not keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Exception {
    pub resource: String,
    pub rule: String,
    /// Where it stands, from 1.
    pub line: usize,
}

/// Who looks for the breach of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scanner {
    /// `CKV_AWS_18`.
    Checkov,
    /// AWS's registry of rules for cfn-guard: `S3_BUCKET_LOGGING_ENABLED`.
    Registry,
    /// Control Tower's proactive controls, for cfn-guard as well: `s3_bucket_logging_enabled_check`. They know no
    /// suppression, so that this tool's list is all there is.
    ControlTower,
    /// `S3.9`: nothing here scans by these controls, they are named for whoever sees them in the account.
    SecurityHub,
}

impl Scanner {
    /// By the form of the rule's name.
    pub(super) fn of(rule: &str) -> Option<Self> {
        let has_only =
            |more: &dyn Fn(char) -> bool| rule.chars().all(|it| more(it) || it.is_ascii_digit() || it == '_');
        if rule.starts_with("CKV") {
            Some(Self::Checkov)
        } else if rule.is_empty() {
            None
        } else if has_only(&|it| it.is_ascii_uppercase()) {
            Some(Self::Registry)
        } else if has_only(&|it| it.is_ascii_lowercase()) {
            Some(Self::ControlTower)
        } else {
            let (service, number) = rule.split_once('.')?;
            let is_control = !service.is_empty() && number.parse::<u16>().is_ok();
            is_control.then_some(Self::SecurityHub)
        }
    }
}

/// The templates, by file name.
pub(super) fn read(root: &Path) -> Result<Vec<Template>, String> {
    let told = |error: std::io::Error| format!("failed to read `{STACKS}`: {error}");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root.join(STACKS)).map_err(told)? {
        let path = entry.map_err(told)?.path();
        if path.extension().is_some_and(|it| it == "yml") {
            files.push(path);
        }
    }
    files.sort();
    let one = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Template::parse(&name, &std::fs::read_to_string(path).map_err(told)?)
    };
    files.iter().map(one).collect()
}

impl Template {
    pub(super) fn parse(file: &str, text: &str) -> Result<Self, String> {
        let path = format!("{STACKS}/{file}");
        let document = seatrial_template::parse(&path, text.as_bytes()).map_err(|error| error.to_string())?;
        let mut template =
            Self { file: file.to_owned(), document, text: text.to_owned(), exceptions: Vec::new() };
        template.exceptions =
            template.listed().flat_map(|(resource, one)| excepted(&resource, one)).collect();
        Ok(template)
    }

    pub(super) fn path(&self) -> String {
        format!("{STACKS}/{}", self.file)
    }

    /// Where a resource stands, `path:line`; the file's first line where none is named.
    pub(super) fn place(&self, resource: &str) -> String {
        let entry = self.document.root.get("Resources").and_then(|all| all.as_mapping()?.entry(resource));
        format!("{}:{}", self.path(), entry.map_or(1, |entry| entry.key_span.start.line))
    }

    /// Every item of a list of exceptions, with the resources that it is about.
    fn listed(&self) -> impl Iterator<Item = (String, &Node)> {
        let root = &self.document.root;
        let of_template = items(root.find(&["Metadata", "Exceptions"]))
            .iter()
            .flat_map(|one| texts(one.get("Resources")).into_iter().map(move |resource| (resource, one)));
        of_template.chain(self.resources().flat_map(|(name, resource)| {
            items(resource.find(&["Metadata", "Exceptions"])).iter().map(move |one| (name.to_owned(), one))
        }))
    }

    fn resources(&self) -> impl Iterator<Item = (&str, &Node)> {
        let all = self.document.root.get("Resources").and_then(Node::as_mapping);
        all.into_iter().flat_map(|all| &all.entries).map(|entry| (entry.key.as_str(), &entry.value))
    }

    /// What is wrong with the exceptions themselves, `path:line:column: rule`, whatever the scanners say.
    pub(super) fn faults(&self) -> Vec<String> {
        let fault = |node: &Node, what: String| self.document.diagnostic(node.span, what).to_string();
        let mut faults = Vec::new();
        for (resource, one) in self.listed() {
            if !self.resources().any(|(name, _)| name == resource) {
                faults.push(fault(one, format!("there is no resource `{resource}`")));
            }
            for key in ["Reason", "Cost"] {
                if one.get(key).and_then(Node::as_text).is_none_or(|text| text.trim().is_empty()) {
                    faults.push(fault(one, format!("an exception has a `{key}`")));
                }
            }
            for rule in texts(one.get("Rules")) {
                if Scanner::of(&rule).is_none() {
                    faults.push(fault(one, format!("`{rule}` is no rule of a scanner that is known")));
                }
            }
            if texts(one.get("Rules")).is_empty() {
                faults.push(fault(one, "an exception names its `Rules`".to_owned()));
            }
        }
        for (name, resource) in self.resources() {
            faults.extend(self.untold(name, resource));
        }
        faults
    }

    /// What a scanner is told to pass over is what is excepted here, and the other way round: each reads a list of its
    /// own, and `Exceptions` has the reasons.
    fn untold(&self, name: &str, resource: &Node) -> Vec<String> {
        let skips = items(resource.find(&["Metadata", "checkov", "skip"])).iter();
        let skipped = skips.filter_map(|skip| skip.get("id")?.as_text()).map(str::to_owned).collect();
        let suppressed =
            texts(resource.find(&["Metadata", "guard", "SuppressedRules"])).into_iter().collect();
        let lists: [(Scanner, &str, BTreeSet<String>); 2] = [
            (Scanner::Checkov, "checkov.skip", skipped),
            (Scanner::Registry, "guard.SuppressedRules", suppressed),
        ];
        let mut wrong = Vec::new();
        for (scanner, list, told) in lists {
            let of_scanner =
                |one: &&Exception| one.resource == name && Scanner::of(&one.rule) == Some(scanner);
            let excepted: BTreeSet<String> =
                self.exceptions.iter().filter(of_scanner).map(|one| one.rule.clone()).collect();
            for rule in told.symmetric_difference(&excepted) {
                let place = self.place(name);
                wrong.push(format!(
                    "{place}: {rule} of `{name}` stands in only one of `Exceptions` and `{list}`"
                ));
            }
        }
        wrong
    }
}

/// The rules of one item that a scanner here looks for.
fn excepted(resource: &str, item: &Node) -> Vec<Exception> {
    let rules = texts(item.get("Rules")).into_iter();
    let scanned = rules.filter(|rule| Scanner::of(rule) != Some(Scanner::SecurityHub));
    let line = item.start().line;
    scanned.map(|rule| Exception { resource: resource.to_owned(), rule, line }).collect()
}

fn items(node: Option<&Node>) -> &[Node] {
    node.and_then(Node::as_sequence).unwrap_or_default()
}

fn texts(node: Option<&Node>) -> Vec<String> {
    items(node).iter().filter_map(Node::as_text).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(metadata: &str) -> Vec<String> {
        let text = format!("Resources:\n  Bucket:\n    Type: AWS::S3::Bucket\n    Metadata: {metadata}\n");
        Template::parse("a.yml", &text).unwrap().faults()
    }

    #[test]
    fn an_exception_has_rules_a_reason_and_its_cost() {
        let whole = "{Exceptions: [{Rules: [s3_bucket_logging_enabled_check, S3.9], Reason: r, Cost: c}]}";
        assert_eq!(faults(whole), Vec::<String>::new());
        let at = "infra/stacks/a.yml:4:29";
        assert_eq!(
            faults("{Exceptions: [{Rules: [S3.9], Reason: ' ', Cost: c}]}"),
            [format!("{at}: an exception has a `Reason`")]
        );
        assert_eq!(
            faults("{Exceptions: [{Rules: [S3.9], Reason: r}]}"),
            [format!("{at}: an exception has a `Cost`")]
        );
        assert_eq!(
            faults("{Exceptions: [{Rules: [], Reason: r, Cost: c}]}"),
            [format!("{at}: an exception names its `Rules`")]
        );
        assert_eq!(
            faults("{Exceptions: [{Rules: [Mixed_Case], Reason: r, Cost: c}]}"),
            [format!("{at}: `Mixed_Case` is no rule of a scanner that is known")]
        );
    }

    #[test]
    fn what_a_scanner_passes_over_is_what_is_excepted() {
        let only = |list: &str| format!("`Bucket` stands in only one of `Exceptions` and `{list}`");
        let one = faults("{checkov: {skip: [{id: CKV_AWS_18}]}}");
        assert_eq!(one, [format!("infra/stacks/a.yml:2: CKV_AWS_18 of {}", only("checkov.skip"))]);
        let other = faults("{Exceptions: [{Rules: [S3_BUCKET_LOGGING_ENABLED], Reason: r, Cost: c}]}");
        let place = "infra/stacks/a.yml:2: S3_BUCKET_LOGGING_ENABLED of";
        assert_eq!(other, [format!("{place} {}", only("guard.SuppressedRules"))]);
    }

    #[test]
    fn a_template_excepts_for_resources_that_it_has() {
        let text = "Metadata:
  Exceptions:
    - {Resources: [Service, Gone], Rules: [ecs_check], Reason: r, Cost: c}
Resources:
  Service: {Type: AWS::ECS::Service}
";
        let template = Template::parse("a.yml", text).unwrap();
        assert_eq!(template.faults(), ["infra/stacks/a.yml:3:7: there is no resource `Gone`"]);
        let names: Vec<&str> = template.exceptions.iter().map(|one| one.resource.as_str()).collect();
        assert_eq!(names, ["Service", "Gone"]);
    }
}
