//! One CloudFormation template: what the graph and the guard need to know of it, and AWS's limits.

use std::collections::BTreeSet;

use seatrial_template::{Diagnostic, Document, Entry, Node, Position};
use serde_json::Value;

use super::references::References;

/// AWS's limit for a template that is read from a bucket: 1 MB, taken for the lesser of its two meanings.
const MAXIMUM_BYTES: usize = 1_000_000;
const MAXIMUM_DESCRIPTION: usize = 1024;
const MAXIMUM_LOGICAL_ID: usize = 255;
/// Sections with names in them, and how many AWS allows.
const NAMED_SECTIONS: [(&str, usize); 6] = [
    ("Parameters", 200),
    ("Mappings", 200),
    ("Conditions", usize::MAX),
    ("Rules", usize::MAX),
    ("Resources", 500),
    ("Outputs", 200),
];
const OTHER_SECTIONS: [&str; 4] = ["AWSTemplateFormatVersion", "Description", "Metadata", "Transform"];

/// A template, read and checked.
#[derive(Debug, Clone)]
pub(crate) struct StackTemplate {
    /// The stack's own name, without project and environment.
    pub(crate) name: String,
    /// From the root of the workspace.
    pub(crate) path: String,
    /// As it is sent: the file, unchanged.
    pub(crate) text: String,
    /// With long forms only.
    pub(crate) json: Value,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) resources: Vec<Resource>,
}

#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    /// `String`, `List<AWS::EC2::Subnet::Id>`, …
    pub(crate) kind: String,
    /// As text: what CloudFormation would fill in.
    pub(crate) default: Option<String>,
    pub(crate) no_echo: bool,
    pub(crate) position: Position,
}

impl Parameter {
    /// True for the types that take several values, separated by commas.
    pub(crate) fn is_list(&self) -> bool {
        self.kind == "CommaDelimitedList" || self.kind.starts_with("List<")
    }

    /// False for secrets and for names of SSM parameters: a fact or an output that happens to have the name is
    /// not what they mean.
    pub(crate) fn is_wired(&self) -> bool {
        !self.no_echo && !self.is_ssm()
    }

    /// True if CloudFormation looks the value up in SSM.
    pub(crate) fn is_ssm(&self) -> bool {
        self.kind.starts_with("AWS::SSM::Parameter::")
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) name: String,
    /// It has a condition: it may be absent.
    pub(crate) conditional: bool,
    /// Its value is `!Join [",", …]`, in every branch that is one.
    pub(crate) is_list: bool,
    /// The logical IDs its value speaks of, parameters included.
    pub(crate) references: BTreeSet<String>,
    pub(crate) position: Position,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) logical_id: String,
    pub(crate) kind: String,
}

impl StackTemplate {
    pub(crate) fn has_resource(&self, kind: &str) -> bool {
        self.resources.iter().any(|resource| resource.kind == kind)
    }

    pub(crate) fn has_logical_id(&self, logical_id: &str) -> bool {
        self.resources.iter().any(|resource| resource.logical_id == logical_id)
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }

    pub(crate) fn output(&self, name: &str) -> Option<&Output> {
        self.outputs.iter().find(|output| output.name == name)
    }

    /// A fault of this file.
    pub(crate) fn fault(&self, position: Position, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(&self.path, position, message)
    }

    /// What CloudFormation wants acknowledged before it takes the template.
    pub(crate) fn capabilities(&self) -> BTreeSet<&'static str> {
        let mut capabilities = BTreeSet::new();
        if self.resources.iter().any(|resource| resource.kind.starts_with("AWS::IAM::")) {
            // NAMED_IAM implies IAM, and holds whether or not a name is set.
            capabilities.insert("CAPABILITY_NAMED_IAM");
        }
        if self.json.get("Transform").is_some() {
            capabilities.insert("CAPABILITY_AUTO_EXPAND");
        }
        capabilities
    }
}

/// Reads and checks one template.
pub(super) fn parse(name: &str, path: &str, bytes: &[u8]) -> Result<StackTemplate, Diagnostic> {
    let document = seatrial_template::parse(path, bytes)?;
    check_text(path, bytes)?;
    check_sections(&document)?;
    let section = |section: &str| document.root.get(section).map_or(&[][..], Node::entries);
    let json = document.to_json();
    let parameters = section("Parameters").iter().map(|entry| parameter(&document, entry));
    let outputs = section("Outputs").iter().map(|entry| output(&document, entry, &json));
    let resources = section("Resources").iter().map(|entry| resource(&document, entry));
    Ok(StackTemplate {
        name: name.to_owned(),
        path: path.to_owned(),
        text: String::from_utf8_lossy(bytes).into_owned(),
        parameters: parameters.collect::<Result<_, _>>()?,
        outputs: outputs.collect::<Result<_, _>>()?,
        resources: resources.collect::<Result<_, _>>()?,
        json,
    })
}

/// GetTemplate has been seen to return anything else as question marks, so a template that is not ASCII would
/// look changed for ever.
fn check_text(path: &str, bytes: &[u8]) -> Result<(), Diagnostic> {
    let text = String::from_utf8_lossy(bytes);
    for (line, content) in text.lines().enumerate() {
        if let Some((column, c)) = content.chars().enumerate().find(|(_, c)| !c.is_ascii()) {
            let message =
                format!("a template must be ASCII, found `{}` (U+{:04X})", c.escape_debug(), u32::from(c));
            return Err(Diagnostic::new(path, Position { line: line + 1, column: column + 1 }, message));
        }
    }
    if bytes.len() > MAXIMUM_BYTES {
        let message = format!("a template must have at most {MAXIMUM_BYTES} bytes, found {}", bytes.len());
        return Err(Diagnostic::new(path, Position { line: 1, column: 1 }, message));
    }
    Ok(())
}

fn check_sections(document: &Document) -> Result<(), Diagnostic> {
    let root = &document.root;
    if root.as_mapping().is_none() {
        return Err(
            document.diagnostic(root.span, format!("a template must be a mapping, found {}", root.shown()))
        );
    }
    for entry in root.entries() {
        let named = NAMED_SECTIONS.iter().find(|(name, _)| *name == entry.key);
        match named {
            Some((name, maximum)) => check_names(document, name, *maximum, &entry.value)?,
            None if OTHER_SECTIONS.contains(&entry.key.as_str()) => {}
            None => {
                return Err(document.diagnostic(entry.key_span, format!("unknown section `{}`", entry.key)));
            }
        }
    }
    if let Some(version) =
        root.get("AWSTemplateFormatVersion").filter(|node| node.as_text() != Some("2010-09-09"))
    {
        let message = format!("`AWSTemplateFormatVersion` must be `2010-09-09`, found {}", version.shown());
        return Err(document.diagnostic(version.span, message));
    }
    if let Some(description) = root.get("Description") {
        let length = description.as_text().map_or(usize::MAX, str::len);
        if length > MAXIMUM_DESCRIPTION {
            let message = format!("`Description` must be text of at most {MAXIMUM_DESCRIPTION} bytes");
            return Err(document.diagnostic(description.span, message));
        }
    }
    if root.get("Resources").is_none_or(|resources| resources.entries().is_empty()) {
        return Err(document.diagnostic(root.span, "a template must have at least one resource"));
    }
    Ok(())
}

fn check_names(document: &Document, section: &str, maximum: usize, node: &Node) -> Result<(), Diagnostic> {
    let Some(mapping) = node.as_mapping() else {
        let message = format!("`{section}` must be a mapping, found {}", node.shown());
        return Err(document.diagnostic(node.span, message));
    };
    if mapping.entries.len() > maximum {
        let message =
            format!("`{section}` must have at most {maximum} entries, found {}", mapping.entries.len());
        return Err(document.diagnostic(node.span, message));
    }
    // A macro may give names of another form, `Fn::ForEach::Loop` for one.
    if document.root.get("Transform").is_some() {
        return Ok(());
    }
    for entry in &mapping.entries {
        let alphanumeric =
            !entry.key.is_empty() && entry.key.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !alphanumeric || entry.key.len() > MAXIMUM_LOGICAL_ID {
            let message = format!("a name in `{section}` must be letters and digits, found `{}`", entry.key);
            return Err(document.diagnostic(entry.key_span, message));
        }
    }
    Ok(())
}

fn parameter(document: &Document, entry: &Entry) -> Result<Parameter, Diagnostic> {
    let name = &entry.key;
    let Some(kind) = entry.value.get("Type").and_then(Node::as_text) else {
        let message = format!("parameter `{name}` must have a `Type`, found {}", entry.value.shown());
        return Err(document.diagnostic(entry.key_span, message));
    };
    let default = match entry.value.get("Default") {
        None => None,
        // An empty plain scalar is null in YAML, and an empty text to CloudFormation.
        Some(node) if node.is_null() => Some(String::new()),
        Some(node) => Some(node.as_text().map(str::to_owned).ok_or_else(|| {
            let message = format!("`Default` of parameter `{name}` must be a scalar, found {}", node.shown());
            document.diagnostic(node.span, message)
        })?),
    };
    let no_echo = entry
        .value
        .get("NoEcho")
        .and_then(Node::as_text)
        .is_some_and(|text| text.eq_ignore_ascii_case("true"));
    Ok(Parameter {
        name: name.clone(),
        kind: kind.to_owned(),
        default,
        no_echo,
        position: entry.key_span.start,
    })
}

fn output(document: &Document, entry: &Entry, json: &Value) -> Result<Output, Diagnostic> {
    let Some(value) = json.get("Outputs").and_then(|outputs| outputs.get(&entry.key)?.get("Value")) else {
        let message = format!("output `{}` must have a `Value`, found {}", entry.key, entry.value.shown());
        return Err(document.diagnostic(entry.key_span, message));
    };
    Ok(Output {
        name: entry.key.clone(),
        conditional: entry.value.get("Condition").is_some(),
        is_list: is_list(value),
        references: References::of(value).values,
        position: entry.key_span.start,
    })
}

fn resource(document: &Document, entry: &Entry) -> Result<Resource, Diagnostic> {
    let logical_id = entry.key.clone();
    match entry.value.get("Type").and_then(Node::as_text) {
        Some(kind) => Ok(Resource { logical_id, kind: kind.to_owned() }),
        // What a macro makes of it has its type.
        None if document.root.get("Transform").is_some() => Ok(Resource { logical_id, kind: String::new() }),
        None => {
            let message =
                format!("resource `{logical_id}` must have a `Type`, found {}", entry.value.shown());
            Err(document.diagnostic(entry.key_span, message))
        }
    }
}

fn is_list(value: &Value) -> bool {
    if let Some(delimiter) = value.get("Fn::Join").and_then(|join| join.get(0)) {
        return delimiter == ",";
    }
    let branches = value.get("Fn::If").and_then(Value::as_array);
    branches.is_some_and(|branches| branches.iter().skip(1).any(is_list))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<StackTemplate, String> {
        parse("a", "a.yml", text.as_bytes()).map_err(|fault| fault.to_string())
    }

    #[test]
    fn parameters_outputs_and_resources_are_read() {
        let text = "
Parameters:
  Subnets: {Type: List<AWS::EC2::Subnet::Id>}
  Password: {Type: String, NoEcho: true, Default: 10}
Resources:
  Role: {Type: AWS::IAM::Role}
Outputs:
  Ids: {Value: !If [A, !Join [',', [!Ref Role, !GetAtt Other.Id]], '']}
  Name: {Condition: A, Value: !Sub '${!Not}${Third}-${Fourth.Arn}'}
";
        let template = read(text).unwrap();
        let [subnets, password] = &template.parameters[..] else { panic!("two parameters") };
        assert!(
            subnets.is_list() && subnets.is_wired() && subnets.position == (Position { line: 3, column: 3 })
        );
        assert!(!password.is_list() && !password.is_wired() && password.default.as_deref() == Some("10"));
        let [ids, name] = &template.outputs[..] else { panic!("two outputs") };
        assert!(ids.is_list && !ids.conditional);
        assert_eq!(Vec::from_iter(&ids.references), ["Other", "Role"]);
        assert!(!name.is_list && name.conditional);
        assert_eq!(Vec::from_iter(&name.references), ["Fourth", "Third"]);
        assert_eq!(Vec::from_iter(template.capabilities()), ["CAPABILITY_NAMED_IAM"]);
    }

    #[test]
    fn each_fault_has_its_place() {
        let resources = "Resources: {B: {Type: AWS::S3::Bucket}}";
        let cases = [
            ("[]".to_owned(), "a.yml:1:1: a template must be a mapping, found a list"),
            (format!("# ä\n{resources}"), "a.yml:1:3: a template must be ASCII, found `ä` (U+00E4)"),
            (
                format!("{resources}\n#{}", "x".repeat(1_000_000)),
                "a.yml:1:1: a template must have at most 1000000 bytes, found 1000041",
            ),
            (format!("{resources}\nOutput: {{}}"), "a.yml:2:1: unknown section `Output`"),
            ("Parameters: {}".to_owned(), "a.yml:1:1: a template must have at least one resource"),
            (
                format!("AWSTemplateFormatVersion: 2010\n{resources}"),
                "a.yml:1:27: `AWSTemplateFormatVersion` must be `2010-09-09`, found `2010`",
            ),
            (
                "Resources:\n  a-b: {Type: T}".to_owned(),
                "a.yml:2:3: a name in `Resources` must be letters and digits, found `a-b`",
            ),
            ("Resources:\n  A: {}".to_owned(), "a.yml:2:3: resource `A` must have a `Type`, found a mapping"),
            (
                format!("{resources}\nParameters:\n  P: String"),
                "a.yml:3:3: parameter `P` must have a `Type`, found `String`",
            ),
            (
                format!("{resources}\nOutputs:\n  O: {{}}"),
                "a.yml:3:3: output `O` must have a `Value`, found a mapping",
            ),
            (format!("{resources}\nOutputs: 1"), "a.yml:2:10: `Outputs` must be a mapping, found `1`"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(&text).unwrap_err(), expected);
        }
        let many: String = (0..501).map(|n| format!("  R{n}: {{Type: T}}\n")).collect();
        assert!(read(&format!("Resources:\n{many}")).unwrap_err().contains("at most 500 entries, found 501"));
    }
}
