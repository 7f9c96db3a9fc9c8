//! The policies of roles as they stand in templates, with the line of each of their parts and the reasons that are
//! given there for what no rehearsal uses.

use std::fmt;

use seatrial_template::{Diagnostic, Document, Node, Position, expand};

use crate::document::Element;

/// Types whose resources hold policies of roles.
const HOLDERS: [&str; 4] =
    ["AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::ManagedPolicy"];

/// What a role's trust policy is called, where policies are told apart by their names.
pub(crate) const TRUST: &str = "trust";

/// A line of a template.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// `infra/stacks/build.yml`.
    pub file: String,
    /// From 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Why a permission is there although nothing uses it, or is as wide as it is: `Permissions` of a resource's Metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    pub place: Place,
    /// The policy's name, or `trust`.
    pub policy: String,
    /// Those that it is about; none of a trust policy.
    pub actions: Vec<String>,
    /// The numbers, from 1, of resources that are not used of a statement that is.
    pub resources: Vec<usize>,
    pub text: String,
    /// Some rehearsals use it, by their settings or by how they end: then the reason is not needless.
    pub sometimes: bool,
}

/// A policy in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The stack's own name, without project and environment.
    pub stack: String,
    pub logical_id: String,
    /// `None` where the name is a function.
    pub policy: Option<String>,
    pub place: Place,
    pub(crate) statements: Vec<Statement>,
    pub reasons: Vec<Reason>,
}

/// A statement of it, also one that a condition may leave out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    pub place: Place,
    /// Those that are written as they are, with their places.
    pub actions: Vec<(String, Place)>,
    pub resources: Vec<Place>,
}

/// All policies of a project's templates.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    all: Vec<Source>,
    /// Each role's own line, by stack and logical ID.
    roles: Vec<(String, String, Place)>,
}

impl Sources {
    /// Adds a template's policies. `stack` is its stack's own name, `document` the template as it was parsed.
    ///
    /// # Errors
    /// A reason that names no policy or says nothing, with its place.
    pub fn add(&mut self, stack: &str, document: &Document) -> Result<(), Diagnostic> {
        let root = expand(&document.root);
        let resources = root.get("Resources").map(Node::entries).unwrap_or_default();
        for resource in resources {
            let kind = resource.value.get("Type").and_then(Node::as_text).unwrap_or_default();
            if !HOLDERS.contains(&kind) {
                continue;
            }
            let reader = Reader { stack, logical_id: &resource.key, file: &document.path };
            let reasons = reader.reasons(document, &resource.value)?;
            if kind == "AWS::IAM::Role" {
                let place = reader.place(resource.key_span.start);
                self.roles.push((stack.to_owned(), resource.key.clone(), place));
            }
            self.all.extend(reader.policies(&resource.value, &reasons));
        }
        Ok(())
    }

    /// The policies, in the order of templates.
    pub fn all(&self) -> &[Source] {
        &self.all
    }

    /// Where a role stands.
    pub fn role(&self, stack: &str, logical_id: &str) -> Option<&Place> {
        let found = self.roles.iter().find(|(of, id, _)| of == stack && id == logical_id);
        found.map(|(_, _, place)| place)
    }

    /// Where a role of a stack stands whose name CloudFormation made: the stack's full name, the logical ID and a random
    /// part, with dashes between (CloudFormation user guide, Name type).
    pub fn role_by_name(&self, prefix: &str, name: &str) -> Option<&Place> {
        let found =
            self.roles.iter().find(|(stack, id, _)| name.starts_with(&format!("{prefix}{stack}-{id}-")));
        found.map(|(_, _, place)| place)
    }

    /// The policy of that name of a role: its own, else one that another resource attaches.
    pub(crate) fn find(&self, (stack, logical_id): (&str, &str), policy: &str) -> Option<&Source> {
        let named = || self.all.iter().filter(|source| source.policy.as_deref() == Some(policy));
        let own = named().find(|source| source.stack == stack && source.logical_id == logical_id);
        own.or_else(|| named().find(|_| policy != TRUST))
    }
}

impl Source {
    /// The statement in the template that the statement of a role's policy at `index` is, with its index: conditions may
    /// have left some out, so that they are told by their actions, in their order.
    pub(crate) fn statement(&self, actions: &[Vec<String>], index: usize) -> Option<(usize, &Statement)> {
        let mut at = 0;
        for (position, wanted) in actions.iter().enumerate().take(index + 1) {
            let found =
                self.statements.iter().enumerate().skip(at).find(|(_, statement)| statement.has(wanted));
            let (found, statement) = found?;
            if position == index {
                return Some((found, statement));
            }
            at = found + 1;
        }
        None
    }

    /// The reason given for an element, where there is one: an action is named, a statement has no other actions. A
    /// resource goes with its statement, or is named by its number (`resource`, from 0) where the statement is used.
    pub(crate) fn reason(
        &self,
        element: &Element,
        actions: &[String],
        (resource, is_used): (Option<usize>, bool),
    ) -> Option<&Reason> {
        self.reasons.iter().find(|reason| {
            // A trust policy has one action, and needs none named.
            let covers = |action: &String| reason.policy == TRUST || reason.actions.contains(action);
            let is_named = resource.is_some_and(|index| reason.resources.contains(&(index + 1)));
            match element {
                Element::Action(action) => covers(action),
                Element::Resource(_) if is_used && !is_named => false,
                _ => actions.iter().all(covers),
            }
        })
    }
}

impl Statement {
    fn has(&self, actions: &[String]) -> bool {
        self.actions.len() == actions.len() && self.actions.iter().all(|(own, _)| actions.contains(own))
    }

    /// The line of an element; the statement's own where it has none.
    pub(crate) fn place_of(&self, element: &Element, resource: Option<usize>) -> &Place {
        let found = match element {
            Element::Action(text) => self.actions.iter().find(|(own, _)| own == text).map(|(_, place)| place),
            Element::Resource(_) => resource.and_then(|index| self.resources.get(index)),
            _ => None,
        };
        found.unwrap_or(&self.place)
    }
}

struct Reader<'a> {
    stack: &'a str,
    logical_id: &'a str,
    file: &'a str,
}

impl Reader<'_> {
    fn place(&self, position: Position) -> Place {
        Place { file: self.file.to_owned(), line: position.line }
    }

    fn policies(&self, resource: &Node, reasons: &[Reason]) -> Vec<Source> {
        let Some(properties) = resource.get("Properties") else { return Vec::new() };
        let mut found = Vec::new();
        if let Some(trust) = properties.get("AssumeRolePolicyDocument") {
            found.push(self.policy(Some(TRUST), trust, reasons));
        }
        let inline = properties.get("Policies").map(alternatives).unwrap_or_default();
        for policy in inline {
            let name = policy.get("PolicyName").and_then(Node::as_text);
            found.extend(policy.get("PolicyDocument").map(|document| self.policy(name, document, reasons)));
        }
        if let Some(document) = properties.get("PolicyDocument") {
            let name = ["PolicyName", "ManagedPolicyName"]
                .into_iter()
                .find_map(|key| properties.get(key)?.as_text());
            found.push(self.policy(name, document, reasons));
        }
        found
    }

    fn policy(&self, name: Option<&str>, document: &Node, reasons: &[Reason]) -> Source {
        let statements = document.get("Statement").map(alternatives).unwrap_or_default();
        let of = reasons.iter().filter(|reason| Some(reason.policy.as_str()) == name);
        Source {
            stack: self.stack.to_owned(),
            logical_id: self.logical_id.to_owned(),
            policy: name.map(str::to_owned),
            place: self.place(document.start()),
            statements: statements.into_iter().map(|node| self.statement(node)).collect(),
            reasons: of.cloned().collect(),
        }
    }

    fn statement(&self, node: &Node) -> Statement {
        let listed = |key: &str| node.get(key).map(alternatives).unwrap_or_default();
        let actions = listed("Action")
            .into_iter()
            .filter_map(|action| Some((action.as_text()?.to_owned(), self.place(action.start()))));
        let resources = listed("Resource").into_iter().map(|resource| self.place(resource.start()));
        Statement {
            place: self.place(node.start()),
            actions: actions.collect(),
            resources: resources.collect(),
        }
    }

    fn reasons(&self, document: &Document, resource: &Node) -> Result<Vec<Reason>, Diagnostic> {
        let listed =
            resource.find(&["Metadata", "Permissions"]).map(|node| node.as_sequence().unwrap_or_default());
        let reason = |node: &Node| {
            let text =
                |key: &str| node.get(key).and_then(Node::as_text).filter(|text| !text.trim().is_empty());
            let missing = |key: &str| {
                document.diagnostic(
                    node.span,
                    format!("`Permissions` needs `{key}`, a text, in each of its reasons"),
                )
            };
            let listed = |key: &str| node.get(key).map(alternatives).unwrap_or_default();
            let resources = listed("Resources").into_iter().map(|number| {
                let found = number.as_text().and_then(|text| text.parse().ok());
                found.ok_or_else(|| document.diagnostic(number.span, "`Resources` are numbers, from 1"))
            });
            Ok(Reason {
                place: self.place(node.start()),
                policy: text("Policy").ok_or_else(|| missing("Policy"))?.to_owned(),
                actions: listed("Actions").into_iter().filter_map(Node::as_text).map(str::to_owned).collect(),
                resources: resources.collect::<Result<_, _>>()?,
                text: text("Reason").ok_or_else(|| missing("Reason"))?.to_owned(),
                sometimes: node.get("Sometimes").and_then(Node::as_text) == Some("true"),
            })
        };
        listed.unwrap_or_default().iter().map(reason).collect()
    }
}

/// The items of a list, or the one that stands without; of an `Fn::If` both of what it may become.
fn alternatives(node: &Node) -> Vec<&Node> {
    if let Some(items) = node.as_sequence() {
        return items.iter().flat_map(alternatives).collect();
    }
    if let Some([_, one, other]) = node.get("Fn::If").and_then(Node::as_sequence) {
        return [one, other].into_iter().flat_map(alternatives).collect();
    }
    let is_nothing = node.get("Ref").and_then(Node::as_text) == Some("AWS::NoValue");
    if is_nothing { Vec::new() } else { vec![node] }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = r#"Resources:
  Role:
    Type: AWS::IAM::Role
    Metadata:
      Permissions:
        - {Policy: p, Actions: [s3:PutObject], Reason: because}
    Properties:
      Policies:
        - !If
          - Some
          - PolicyName: p
            PolicyDocument:
              Statement:
                - !If
                  - Other
                  - {Effect: Allow, Action: s3:GetObject, Resource: "*"}
                  - !Ref AWS::NoValue
                - Effect: Allow
                  Action:
                    - s3:PutObject
                    - s3:ListBucket
                  Resource: !Sub a
          - !Ref AWS::NoValue
"#;

    fn sources(text: &str) -> Result<Sources, Diagnostic> {
        let mut sources = Sources::default();
        let document = seatrial_template::parse("infra/stacks/a.yml", text.as_bytes()).unwrap();
        sources.add("a", &document).map(|()| sources)
    }

    #[test]
    fn statements_are_found_also_where_a_condition_left_some_out() {
        let sources = sources(TEMPLATE).unwrap();
        let source = sources.find(("a", "Role"), "p").unwrap();
        let second = vec!["s3:ListBucket".to_owned(), "s3:PutObject".to_owned()];
        let first = vec!["s3:GetObject".to_owned()];
        let both = [first, second.clone()];
        assert_eq!(source.statement(&both, 0).unwrap().1.place.line, 16);
        assert_eq!(source.statement(&both, 1).unwrap().0, 1);
        let (index, statement) = source.statement(&[second], 0).unwrap();
        assert_eq!((index, statement.place.line), (1, 18));
        let action = Element::Action("s3:ListBucket".to_owned());
        assert_eq!(statement.place_of(&action, None).to_string(), "infra/stacks/a.yml:21");
        assert_eq!(source.reason(&action, &[], (None, true)), None);
        let put = Element::Action("s3:PutObject".to_owned());
        assert_eq!(source.reason(&put, &[], (None, true)).unwrap().text, "because");
        assert_eq!(sources.role_by_name("web-production-", "web-production-a-Role-1X").unwrap().line, 2);
        assert_eq!(sources.role_by_name("web-production-", "web-production-b-Role-1X"), None);
    }

    #[test]
    fn a_reason_that_says_nothing_is_refused_with_its_place() {
        let error = sources(&TEMPLATE.replace("because", "\"\"")).unwrap_err();
        assert!(error.to_string().starts_with("infra/stacks/a.yml:6:11:"), "{error}");
    }
}
