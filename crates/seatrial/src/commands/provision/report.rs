//! What `provision` prints.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::ended::{Applied, StackResult};
use super::plan::Plan;
use crate::commands::deployed::Deployed;
use crate::commands::dns_record::DnsRecord;
use crate::commands::released::Release;
use crate::commands::timeline::Chart;

/// The object of `provision --output json`.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Provisioned {
    pub stacks: Vec<StackResult>,
    /// The stacks' outputs.
    pub outputs: BTreeMap<String, String>,
    /// The first release, if this run followed it.
    pub release: Option<Release>,
    /// Where a domain is set: the record that it needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_record: Option<DnsRecord>,
    /// Where a person has still to complete the connection's handshake.
    pub handshake: Option<String>,
    /// Stacks of this environment whose template is gone: they are left alone.
    pub orphans: Vec<String>,
    /// What would be done, where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<Plan>,
    /// When each stack was made, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Chart>,
    #[serde(skip)]
    complete: bool,
    #[serde(skip)]
    is_repair: bool,
}

impl Provisioned {
    pub(super) fn planned(plan: Plan) -> Self {
        let (stacks, orphans) = (plan.results(), plan.orphans.clone());
        Self { stacks, orphans, plan: Some(plan), complete: true, ..Self::default() }
    }

    /// Whether the plan that was made holds changes.
    pub(crate) fn has_changes(&self) -> bool {
        self.plan.as_ref().is_some_and(Plan::has_changes)
    }

    /// The plan that was shown and not agreed to.
    pub(super) fn refused(plan: Plan) -> Self {
        Self { complete: false, ..Self::planned(plan) }
    }

    /// After a repair of the traffic no stack has changed.
    pub(super) fn repaired(deployed: &Deployed) -> Self {
        Self { outputs: deployed.outputs(), is_repair: true, ..Self::default() }
    }

    pub(super) fn done(applied: &Applied, deployed: &Deployed, release: Option<Release>) -> Self {
        Self {
            stacks: applied.stacks.clone(),
            outputs: deployed.outputs(),
            release,
            dns_record: None,
            handshake: applied.handshake.clone(),
            orphans: applied.orphans.clone(),
            plan: None,
            timeline: None,
            is_repair: false,
            complete: applied.errors.is_empty(),
        }
    }
}

impl fmt::Display for Provisioned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(plan) = &self.plan {
            // One that was not agreed to was shown before the question.
            return if self.complete { plan.fmt(f) } else { Ok(()) };
        }
        if self.is_repair {
            // What was done was told as it was done.
            return Ok(());
        }
        let changed = self.stacks.iter().filter(|stack| stack.changed).count();
        match changed {
            0 if self.complete => {
                writeln!(f, "nothing to change: {} stacks are up to date", self.stacks.len())?
            }
            // The errors say why.
            0 => {}
            1 => writeln!(f, "1 stack changed")?,
            _ => writeln!(f, "{changed} stacks changed")?,
        }
        if let Some(release) = &self.release {
            writeln!(f, "{release}")?;
        } else if self.complete
            && let Some(url) = self.outputs.get("Url")
        {
            writeln!(f, "{url}")?;
        }
        for orphan in &self.orphans {
            writeln!(f, "{orphan} has no template any more: left alone (`destroy` includes it)")?;
        }
        if let Some(record) = &self.dns_record {
            writeln!(f, "{record}")?;
        }
        if let Some(link) = &self.handshake {
            writeln!(f, "the connection is PENDING: complete the handshake at {link}")?;
        }
        self.timeline.as_ref().map_or(Ok(()), |chart| chart.fmt(f))
    }
}
