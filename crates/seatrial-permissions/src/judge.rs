//! The judgement of a record: each permission of each role, and each that was missing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use seatrial_policy::{NamedPolicy, PolicyKind};
use serde::Serialize;
use serde_json::Value;

use crate::document::{Element, Part, parts, statements, texts, without};
use crate::listed::{Key, Listed};
use crate::record::{Record, Role, Use};
use crate::replay::{allows, identity, named, trusts};
use crate::source::{Place, Source, Sources, TRUST};
use crate::wide;

/// What becomes of a permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Without it this operation would have been denied.
    Used { by: String, action: String, resource: String },
    /// Nothing that was played would miss it; scenarios of the committed list do.
    Listed { by: String },
    /// Nobody misses it, and the template says why it is there.
    Excused { reason: String },
    /// Nobody misses it.
    Unused,
}

/// A permission of a role: an action, a resource, a service, or a statement with all of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The role's name.
    pub role: String,
    /// The policy's name, or `trust`.
    pub policy: String,
    /// The action, the resource, the service, or `statement`.
    pub permission: String,
    /// Where it stands; the role's own line for what no template has.
    #[serde(serialize_with = "shown")]
    pub place: Option<Place>,
    #[serde(flatten)]
    pub verdict: Verdict,
    /// How a statement allows more than was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wide: Option<String>,
    #[serde(skip)]
    key: Option<Key>,
    /// The statement's number in the role's policy, and whether this is all of it.
    #[serde(skip)]
    statement: (usize, bool),
}

/// A permission that a role lacked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Denied {
    pub role: String,
    pub action: String,
    pub resource: String,
    pub operation: String,
    /// The role's line.
    #[serde(serialize_with = "shown")]
    pub place: Option<Place>,
}

/// What came out.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Judgement {
    pub denied: Vec<Denied>,
    pub permissions: Vec<Finding>,
    /// Reasons in templates for which there is no need, a line each.
    pub needless: Vec<String>,
    #[serde(skip)]
    scenarios: Vec<String>,
}

fn shown<S: serde::Serializer>(place: &Option<Place>, serializer: S) -> Result<S::Ok, S::Error> {
    match place {
        Some(place) => serializer.collect_str(place),
        None => serializer.serialize_none(),
    }
}

/// Judges every role that one of the templates made; `prefix` stands before their stacks' own names.
pub fn judge(record: &Record, sources: &Sources, (prefix, listed): (&str, &Listed)) -> Judgement {
    let mut judgement = Judgement { scenarios: record.scenarios.clone(), ..Judgement::default() };
    let mut excused = BTreeSet::new();
    for role in &record.roles {
        let (Some(stack), Some(logical_id)) = (&role.stack, &role.logical_id) else { continue };
        let Some(stack) = stack.strip_prefix(prefix) else { continue };
        let Some(place) = sources.role(stack, logical_id) else { continue };
        let of_role = OfRole { record, sources, listed, role, stack, logical_id, place };
        judgement.denied.extend(of_role.denied());
        judgement.permissions.extend(of_role.findings(&mut excused));
    }
    judgement.needless = needless(&judgement, sources, &excused);
    judgement
}

/// Reasons of policies that were judged, and excuse nothing.
fn needless(judgement: &Judgement, sources: &Sources, excused: &BTreeSet<Place>) -> Vec<String> {
    let judged = |source: &&Source| {
        let mut keys =
            judgement.permissions.iter().filter_map(|finding| Some((finding.key.as_ref()?, finding)));
        keys.any(|(key, finding)| {
            key.file == source.place.file
                && key.logical_id == source.logical_id
                && source.policy.as_deref() == Some(finding.policy.as_str())
        })
    };
    let reasons = sources.all().iter().filter(judged).flat_map(|source| &source.reasons);
    let needless = reasons.filter(|reason| !reason.sometimes && !excused.contains(&reason.place));
    needless
        .map(|reason| format!("{}: nothing of `{}` needs this reason", reason.place, reason.policy))
        .collect()
}

struct OfRole<'a> {
    record: &'a Record,
    sources: &'a Sources,
    listed: &'a Listed,
    role: &'a Role,
    stack: &'a str,
    logical_id: &'a str,
    place: &'a Place,
}

impl OfRole<'_> {
    fn denied(&self) -> Vec<Denied> {
        let denied = self.record.uses_of(self.role).filter(|used| used.denied > 0);
        let denied = denied.map(|used| Denied {
            role: self.role.name.clone(),
            action: used.action.clone(),
            resource: used.resource.clone(),
            operation: used.operation.clone(),
            place: Some(self.place.clone()),
        });
        denied.collect()
    }

    /// The places of reasons that were needed are added to `excused`.
    fn findings(&self, excused: &mut BTreeSet<Place>) -> Vec<Finding> {
        let documents: BTreeMap<&str, Value> = self
            .role
            .policies
            .iter()
            .map(|(name, text)| (name.as_str(), serde_json::from_str(text).unwrap_or_default()))
            .collect();
        let allowed: Vec<&Use> = self.record.uses_of(self.role).filter(|used| used.allowed > 0).collect();
        let mut findings = Vec::new();
        for (name, document) in &documents {
            let judged = Policy { of: self, name, document, used: &allowed };
            findings.extend(judged.findings(excused, |changed| {
                let others = documents.iter().filter(|(other, _)| *other != name);
                let others = others.map(|(name, document)| (*name, document));
                let policies = identity(others.chain(changed.map(|changed| (*name, changed))));
                allowed.iter().copied().find(|used| !allows(self.record, &policies, used))
            }));
        }
        let trust: Value = serde_json::from_str(&self.role.trust).unwrap_or_default();
        let assumed: Vec<&Use> = self.record.assumed(self.role).filter(|used| used.allowed > 0).collect();
        let judged = Policy { of: self, name: TRUST, document: &trust, used: &assumed };
        findings.extend(judged.findings(excused, |changed| {
            let policy: Option<NamedPolicy> =
                changed.and_then(|changed| named(PolicyKind::Trust, TRUST, changed));
            assumed.iter().copied().find(|used| !trusts(self.record, policy.as_ref(), used))
        }));
        findings
    }
}

/// One policy of a role.
struct Policy<'a> {
    of: &'a OfRole<'a>,
    name: &'a str,
    document: &'a Value,
    used: &'a [&'a Use],
}

impl Policy<'_> {
    /// `missed` answers what would be denied with the policy as it is told, or without it.
    fn findings<'u>(
        &self,
        excused: &mut BTreeSet<Place>,
        missed: impl Fn(Option<&Value>) -> Option<&'u Use>,
    ) -> Vec<Finding> {
        let source = self.of.sources.find((self.of.stack, self.of.logical_id), self.name);
        let statements = statements(self.document);
        let actions: Vec<Vec<String>> =
            statements.iter().map(|statement| texts(statement.get("Action"))).collect();
        let is_used: Vec<bool> = (0..statements.len())
            .map(|statement| Part { statement, element: Element::Statement })
            .map(|whole| missed(without(self.document, &whole).as_ref()).is_some())
            .collect();
        let found = parts(self.document).into_iter().map(|part| {
            let at = source.and_then(|source| source.statement(&actions, part.statement));
            let resource = resource_index(&statements[part.statement], &part.element);
            let place = match (at, source) {
                (Some((_, statement)), _) => statement.place_of(&part.element, resource),
                (None, Some(source)) => &source.place,
                (None, None) => self.of.place,
            };
            let reason = source.and_then(|source| {
                source.reason(&part.element, &actions[part.statement], (resource, is_used[part.statement]))
            });
            let key = Key {
                file: source.map_or(self.of.place, |source| &source.place).file.clone(),
                logical_id: source.map_or(self.of.logical_id, |source| &source.logical_id).to_owned(),
                permission: self.permission(at.map_or(part.statement, |(index, _)| index), &part, resource),
            };
            let wide = (part.element == Element::Statement).then(|| self.wide(part.statement)).flatten();
            let verdict = match missed(without(self.document, &part).as_ref()) {
                Some(used) => Verdict::Used {
                    by: used.operation.clone(),
                    action: used.action.clone(),
                    resource: used.resource.clone(),
                },
                None => match (self.of.listed.scenarios(&key), reason) {
                    (Some(by), _) => Verdict::Listed { by: by.to_owned() },
                    (None, Some(reason)) => Verdict::Excused { reason: reason.text.clone() },
                    (None, None) => Verdict::Unused,
                },
            };
            let is_excused = matches!(verdict, Verdict::Excused { .. }) || wide.is_some();
            excused.extend(reason.filter(|_| is_excused).map(|reason| reason.place.clone()));
            Finding {
                role: self.of.role.name.clone(),
                policy: self.name.to_owned(),
                permission: text_of(&part.element),
                place: Some(place.clone()),
                verdict,
                wide: wide.filter(|_| reason.is_none()),
                key: Some(key),
                statement: (part.statement, part.element == Element::Statement),
            }
        });
        found.collect()
    }

    fn wide(&self, statement: usize) -> Option<String> {
        match self.name {
            TRUST => wide::trusts_beyond(self.of.record, self.document, statement, self.used),
            _ => wide::beyond(self.of.record, self.document, statement, self.used),
        }
    }

    /// Resources by their number: their names are other ones each time.
    fn permission(&self, statement: usize, part: &Part, resource: Option<usize>) -> String {
        let what = match (&part.element, resource) {
            (Element::Resource(_), Some(index)) => format!("resource {index}"),
            (element, _) => text_of(element),
        };
        format!("{}[{statement}] {what}", self.name)
    }
}

fn text_of(element: &Element) -> String {
    match element {
        Element::Action(text) | Element::Resource(text) | Element::Service(text) => text.clone(),
        Element::Statement => "statement".to_owned(),
    }
}

fn resource_index(statement: &Value, element: &Element) -> Option<usize> {
    let Element::Resource(text) = element else { return None };
    texts(statement.get("Resource")).iter().position(|resource| resource == text)
}

impl Finding {
    /// Whether it is a statement with all of its parts.
    pub fn is_statement(&self) -> bool {
        self.statement.1
    }

    /// Whether both are of the same statement.
    pub fn is_of_statement_of(&self, other: &Self) -> bool {
        (&self.role, &self.policy, self.statement.0) == (&other.role, &other.policy, other.statement.0)
    }

    /// Whether something would be denied without it.
    pub fn is_missed(&self) -> bool {
        matches!(self.verdict, Verdict::Used { .. } | Verdict::Listed { .. })
    }
}

impl Judgement {
    /// Whether nothing was denied, unused without a reason, or wider than what was used.
    pub fn is_good(&self) -> bool {
        self.denied.is_empty() && self.needless.is_empty() && self.faults().next().is_none()
    }

    /// Leaves what was used and what was denied, of a record that says nothing about the rest.
    pub fn forget_unused(&mut self) {
        self.permissions.retain(Finding::is_missed);
        self.needless.clear();
    }

    /// What is unused, or wide, without a reason.
    pub fn faults(&self) -> impl Iterator<Item = &Finding> {
        self.permissions.iter().filter(|finding| finding.verdict == Verdict::Unused || finding.wide.is_some())
    }

    /// Brings the committed list up to date by what was used here.
    pub fn renew(&self, listed: &mut Listed) {
        let used = self.permissions.iter().filter(|finding| matches!(finding.verdict, Verdict::Used { .. }));
        let known: Vec<&Key> = self.permissions.iter().filter_map(|finding| finding.key.as_ref()).collect();
        listed.renew(&self.scenarios.join(", "), (used.filter_map(|finding| finding.key.as_ref()), &known));
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "`{}` of policy `{}`, role `{}`", self.permission, self.policy, self.role)?;
        match &self.verdict {
            Verdict::Used { by, .. } => write!(f, ", used by {by}")?,
            Verdict::Listed { by } => write!(f, ", used by scenario {by}")?,
            Verdict::Excused { reason } => write!(f, ", not used: {reason}")?,
            Verdict::Unused => f.write_str(", used by nothing that was played")?,
        }
        self.wide.iter().try_for_each(|wide| write!(f, "; wider than what was used: {wide}"))
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        let Self { role, action, resource, operation, .. } = self;
        write!(f, "role `{role}` may not `{action}` on `{resource}`, which {operation} needs")
    }
}
