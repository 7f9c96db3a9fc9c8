//! What roles were allowed, against what they did: which permissions a rehearsal used, which it did not, and which it
//! missed, each with its line in a template.
//!
//! A [`Record`] holds what a local cloud saw, [`Sources`] the policies of the templates with their places. [`judge()`]
//! takes each part out of each policy and asks, by replay, whether anything that was allowed would then be denied: what
//! nobody would miss is not used. Pure: no files, no network, no clock.

mod document;
mod judge;
mod listed;
mod need;
mod policy;
mod record;
mod replay;
mod source;
mod wide;

pub use crate::{
    document::{Element, Part, parts, without},
    judge::{Denied, Finding, Judgement, Verdict, judge},
    listed::Listed,
    need::{Need, all_of},
    policy::{documents, statements},
    record::{Record, Role, Use},
    replay::Permits,
    source::{Place, Reason, Source, Sources},
};
