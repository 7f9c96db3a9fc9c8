//! A plan on one screen: what may be lost or stop first, then every stack with what changes of it, from what to what.

use std::collections::BTreeSet;
use std::fmt;

use super::plan::{Plan, Planned, Step};
use super::risk::loses;
use crate::aws::{PropertyChange, ResourceChange};

/// A value that is longer is cut: policies and user data fill screens.
const WIDEST: usize = 60;
/// What CloudFormation writes in the place of a value that a resource has once it is made (user guide, "View a change
/// set").
const AFTERWARDS: &str = "{{changeSet:KNOWN_AFTER_APPLY}}";

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at_risk = |planned: &Planned| {
            let risks = planned.shown_changes().iter().filter(|change| loses(change));
            risks.map(|change| format!("{}: {}", planned.name, shown(change))).collect::<Vec<_>>()
        };
        let at_risk: Vec<String> = self.stacks.iter().flat_map(at_risk).collect();
        if !at_risk.is_empty() {
            writeln!(f, "  AT RISK: is lost, or may stop for a while")?;
            at_risk.iter().try_for_each(|line| writeln!(f, "    {line}"))?;
        }
        for planned in &self.stacks {
            let unprotected = if planned.unprotected { ", to be protected" } else { "" };
            writeln!(f, "  {:<36} {}{unprotected}", planned.name, step(planned))?;
            for difference in &planned.differences {
                writeln!(f, "      {difference}")?;
            }
            for change in planned.shown_changes() {
                writeln!(f, "      {}", shown(change))?;
                change
                    .details
                    .iter()
                    .filter_map(valued)
                    .try_for_each(|line| writeln!(f, "          {line}"))?;
            }
        }
        for orphan in &self.orphans {
            writeln!(f, "  {orphan:<36} has no template any more: left alone (`destroy` includes it)")?;
        }
        Ok(())
    }
}

fn step(planned: &Planned) -> String {
    let text = match &planned.step {
        Step::Unchanged if !planned.follows.is_empty() => {
            return format!("unchanged, unless what it takes of `{}` changes", planned.follows.join("`, `"));
        }
        Step::Unchanged => "unchanged",
        Step::Create { change_set: Some(_), .. } => "create",
        Step::Create { change_set: None, .. } => {
            return format!("create, once there is what it takes of {}", awaited(planned));
        }
        Step::Recreate => "delete what is left, then create",
        Step::Join => "wait for the operation in flight, then look again",
        Step::RollBack => "roll back the update that failed, then look again",
        Step::Update { .. } => "update",
        Step::Later => {
            return format!("look again when there is what it takes of {}", awaited(planned));
        }
        Step::GiveUp => "stuck: nothing that this program may do leads out of its state",
    };
    text.to_owned()
}

/// The stacks whose outputs are not known yet: nobody can tell before what comes of one that takes them.
fn awaited(planned: &Planned) -> String {
    let stacks: BTreeSet<&str> = planned.unknown.values().map(String::as_str).collect();
    if stacks.is_empty() {
        return "the stacks it needs".to_owned();
    }
    format!("`{}`", stacks.into_iter().collect::<Vec<_>>().join("`, `"))
}

/// One line a change.
pub(super) fn shown(change: &ResourceChange) -> String {
    let replacement = match change.replacement.as_deref() {
        Some("True") => ", REPLACED",
        Some("Conditional") => ", perhaps replaced",
        _ => "",
    };
    let properties = match change.properties.is_empty() {
        true => String::new(),
        false => format!(" [{}]", change.properties.join(", ")),
    };
    format!("{} {} ({}){properties}{replacement}", change.action, change.logical_id, change.resource_type)
}

/// One line a property whose values CloudFormation tells, or that makes the resource anew.
fn valued(change: &PropertyChange) -> Option<String> {
    let replaces = match change.recreation.as_str() {
        "Always" => ", for which it is made anew",
        "Conditionally" => ", for which it may be made anew",
        _ => "",
    };
    if change.before.is_none() && change.after.is_none() && replaces.is_empty() {
        return None;
    }
    // CloudFormation leaves out the side that has no value; where it leaves out both, it knows neither.
    let missing = if change.before.is_some() || change.after.is_some() { "(none)" } else { "(not known)" };
    let value = |value: &Option<String>| value.as_deref().map_or_else(|| missing.to_owned(), cut);
    let cause = change.cause.as_ref().map(|cause| format!(", by {cause}")).unwrap_or_default();
    let path = change.path.trim_start_matches("/Properties").trim_start_matches('/').replace('/', ".");
    Some(format!("{path}: {} -> {}{replaces}{cause}", value(&change.before), value(&change.after)))
}

/// One line, of which the beginning is shown.
fn cut(value: &str) -> String {
    if value.contains(AFTERWARDS) {
        return "(known afterwards)".to_owned();
    }
    let line = value.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(WIDEST) {
        Some((end, _)) => format!("{} ...", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_is_shown_from_what_to_what_and_why_it_makes_the_resource_anew() {
        let change = PropertyChange {
            path: "/Properties/LoadBalancerAttributes/3/Value".to_owned(),
            before: Some("defensive".to_owned()),
            after: Some("strictest".to_owned()),
            recreation: "Never".to_owned(),
            cause: None,
        };
        assert_eq!(valued(&change).unwrap(), "LoadBalancerAttributes.3.Value: defensive -> strictest");
        let anew = PropertyChange {
            path: "/Properties/VpcId".to_owned(),
            recreation: "Always".to_owned(),
            cause: Some("VpcId".to_owned()),
            ..PropertyChange::default()
        };
        let expected = "VpcId: (not known) -> (not known), for which it is made anew, by VpcId";
        assert_eq!(valued(&anew).unwrap(), expected);
        assert_eq!(valued(&PropertyChange { recreation: "Never".to_owned(), ..anew }), None);
    }

    #[test]
    fn what_comes_and_what_goes_has_no_value_on_the_other_side() {
        let of = |before: Option<&str>, after: Option<&str>| {
            let change = PropertyChange {
                path: "/Properties/Name".to_owned(),
                before: before.map(str::to_owned),
                after: after.map(str::to_owned),
                ..PropertyChange::default()
            };
            valued(&change).unwrap()
        };
        assert_eq!(of(None, Some("new")), "Name: (none) -> new");
        assert_eq!(of(Some("old"), None), "Name: old -> (none)");
        assert_eq!(of(None, Some(AFTERWARDS)), "Name: (none) -> (known afterwards)");
    }

    #[test]
    fn a_long_value_is_one_line_of_which_the_beginning_is_shown() {
        let shown = cut(&"{\n  \"a\": \u{e9}\n}".repeat(20));
        assert!(
            shown.ends_with(" ...") && !shown.contains('\n') && shown.chars().count() == WIDEST + 4,
            "{shown}"
        );
    }
}
