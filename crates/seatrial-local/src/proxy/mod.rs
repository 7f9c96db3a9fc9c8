//! The load balancer itself: real HTTP/1.1 on 127.0.0.1, plain or in TLS, there HTTP/2 too, by weight to real targets. It knows no service; who
//! uses it tells it groups, targets and rules.
//!
//! A [`Gate`] is a port that answers by its [`Rules`], which are swapped whole; a [`Group`] picks among its
//! [`Target`]s; each target keeps its own connections and counts what is in flight, so that it can be drained.

mod activity;
mod answer;
mod conditions;
mod connection;
mod figures;
mod forward;
mod gate;
mod group;
mod headers;
mod limits;
mod moving;
mod probe;
mod rules;
mod sticky;
mod target;
mod tls;
mod upgraded;

pub(crate) use conditions::{Condition, Field, Pattern};
pub(crate) use figures::Snapshot;
pub(crate) use gate::{Admission, Gate};
pub(crate) use group::Group;
pub(crate) use probe::{ProbeFailure, probe};
pub(crate) use rules::{Action, Case, Fixed, Forward, LateFin, Redirect, Rules};
pub(crate) use sticky::{Sharing, Sticky};
pub(crate) use target::Target;
pub(crate) use tls::{Tls, Versions};

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;

/// Bodies in both directions: streamed, never gathered.
type Body = UnsyncBoxBody<Bytes, hyper::Error>;

#[cfg(test)]
mod tests;
