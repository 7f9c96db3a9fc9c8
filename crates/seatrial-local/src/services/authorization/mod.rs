//! Authorization at the door: what AWS checks of a call, judged by the policies that count for its caller.
//!
//! `seatrial-actions` says which actions a call needs and on what, `seatrial-policy` decides; this module has what both
//! lack: who calls, which policies there are, and what only a record tells.
//!
//! Known to be other than at AWS: requests count as sent over TLS, for they do not leave the machine
//! (`aws:SecureTransport`); a service-linked role may everything, for its policy is AWS's own; tags are told of the resources
//! that keep some here (`tags.rs`).

mod keys;
mod records;
mod resources;
mod subject;
mod tags;

use std::collections::BTreeMap;

use seatrial_actions::{Needed, Place, actions_of};
use seatrial_policy::{Context, Decision, Match, Request, Verdict};

use crate::access::{Check, Statement};
use crate::operation::Asked;
use crate::services::iam;
use subject::Subject;

const BOUNDARY: &str = "iam:PermissionsBoundary";

/// Judges a call: one check for each action and resource.
pub(crate) fn gate(asked: &Asked<'_>) -> Vec<Check> {
    if acts_for_itself(asked) {
        return Vec::new();
    }
    let (region, account) = (asked.cloud.region(), asked.cloud.account());
    let place = Place { partition: "aws", region, account };
    let subject = Subject::of(asked.cloud, asked.principal);
    let needed = actions_of(asked.service, asked.operation, asked.input).into_iter();
    needed.flat_map(|needed| checks(asked, &subject, place, &needed)).collect()
}

/// A service does its own work with nobody's permission; for whom it assumes a role, the role's trust decides. Tasks
/// without an execution role have nobody who would act for them.
fn acts_for_itself(asked: &Asked<'_>) -> bool {
    let is_service = asked.principal.role_arn.is_none() && !asked.principal.arn.starts_with("arn:");
    let is_assuming = (asked.service, asked.operation) == ("sts", "AssumeRole");
    // With a customer's key, a service may what the key's policy lets it.
    let is_with_key = asked.service == "kms";
    is_service && !is_assuming && !is_with_key && asked.principal.arn != "ecs-tasks.amazonaws.com"
}

fn checks(asked: &Asked<'_>, subject: &Subject, place: Place<'_>, needed: &Needed) -> Vec<Check> {
    let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, values) in &needed.context {
        extra.insert(key.clone(), values.iter().map(|value| place.fill(value)).collect());
    }
    extra.extend(asked.context.iter().map(|(key, value)| ((*key).to_owned(), vec![value.clone()])));
    let found = records::resources(asked, place, &needed.resource);
    let encrypted = keys::encrypted(asked, place, &needed.resource);
    let of = |resource: String| {
        let mut extra = extra.clone();
        extra.extend(keys::conditions(asked, &encrypted, &needed.action, &resource));
        check(asked, subject, &needed.action, resource, &extra)
    };
    found.into_iter().map(of).collect()
}

fn check(
    asked: &Asked<'_>,
    subject: &Subject,
    action: &str,
    resource: String,
    extra: &BTreeMap<String, Vec<String>>,
) -> Check {
    let mut context = Context::of(&subject.caller);
    context.insert("aws:SecureTransport", ["true"]);
    context.insert("aws:RequestedRegion", [asked.cloud.region()]);
    let now = asked.cloud.clock().now().0.trunc();
    #[expect(clippy::cast_possible_truncation, reason = "a time of the clock is far from the end of an i64")]
    let time = jiff::Timestamp::from_second(now as i64).unwrap_or_default();
    context.insert("aws:CurrentTime", [time.to_string()]);
    context.insert("aws:EpochTime", [now.to_string()]);
    context.insert("aws:ResourceAccount", [asked.cloud.account()]);
    let own = resources::policy(asked.cloud, action, &resource);
    let mut extra = extra.clone();
    // Told only where somebody asks: whoever decides again by what was told then comes to the same.
    if subject.asks_for_tags || own.asks_for_tags {
        let tags = tags::conditions(asked.cloud, action, &resource);
        extra.extend(tags.into_iter().map(|(key, value)| (key, vec![value])));
    }
    if let Some(boundary) = boundary(asked, action, &resource) {
        extra.entry(BOUNDARY.to_owned()).or_insert(vec![boundary]);
    }
    for (key, values) in &extra {
        context.insert(key, values.clone());
    }
    let request = Request {
        principal: &subject.caller,
        action,
        resource: &resource,
        // What is here is the account's own, also a stand-in under an ARN that the project names.
        resource_account: Some(asked.cloud.account()),
        context: &context,
    };
    let decision = subject.decide(&own.policies, &request);
    let statement = statement(&decision.verdict);
    // What a policy denies no grant allows (KMS developer guide, grants).
    let is_denied = matches!(decision.verdict, Verdict::Denied(_));
    let granted = !decision.is_allowed() && !is_denied && keys::is_granted(asked, action, &resource, &extra);
    let allowed = decision.is_allowed() || granted;
    let denial = if allowed { None } else { denial(&decision, &request) };
    Check { action: action.to_owned(), resource, context: extra, allowed, statement, denial }
}

/// The boundary of the role that is acted on, for actions with that key. What a call itself gives goes before it.
fn boundary(asked: &Asked<'_>, action: &str, resource: &str) -> Option<String> {
    let keys = &seatrial_actions::lookup(action)?.keys;
    keys.iter().find(|key| *key == BOUNDARY)?;
    iam::boundary_of(asked.cloud, resource)
}

fn statement(verdict: &Verdict<'_>) -> Option<Statement> {
    let of = |found: &Match<'_>| Statement {
        policy: found.policy.to_owned(),
        index: found.statement,
        sid: found.sid.map(str::to_owned),
    };
    match verdict {
        Verdict::Allowed(found) | Verdict::Denied(found) => Some(of(found)),
        Verdict::NotAllowed(_) => None,
    }
}

/// In AWS's words: S3 puts the resource in quotes, and who may not assume a role is told no reason.
fn denial(decision: &Decision<'_>, request: &Request<'_>) -> Option<String> {
    let words = decision.denial(request)?;
    let on = format!("on resource: {}", request.resource);
    if request.action == "sts:AssumeRole" {
        return Some(words.split_once(&on).map_or(words.clone(), |(before, _)| format!("{before}{on}")));
    }
    if request.action.starts_with("s3:") {
        return Some(words.replace(&on, &format!("on resource: \"{}\"", request.resource)));
    }
    Some(words)
}

#[cfg(test)]
mod tests;
