//! IAM policy documents, and how AWS decides by them.
//!
//! A document is read once ([`Policy::parse`]), refusing what AWS refuses; [`Policies::decide`] then says of a
//! [`Request`] whether it is allowed, by which statement of which policy, or for lack of which type of policy, and
//! [`Decision::denial`] says it in AWS's words. Pure: no files, no network, no clock. `aws:CurrentTime` and all other
//! condition keys are the caller's to fill in ([`Context`]).

mod condition;
mod context;
mod decision;
mod denial;
mod elements;
mod error;
mod json;
mod kind;
mod named;
mod operator;
mod parse;
mod pattern;
mod policy;
mod principal;
mod request;
mod value;

pub use crate::{
    context::Context,
    decision::{Decision, Match, NamedPolicy, Policies, Verdict},
    error::{Fault, PolicyError},
    kind::{Effect, Layer, PolicyKind},
    pattern::covers,
    policy::{Policy, Statement},
    principal::{Naming, Principal},
    request::Request,
};
