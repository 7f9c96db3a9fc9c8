//! Who may look, and who may ask the local cloud's own routes.
//!
//! A browser shows pages of strangers beside this one, and to all of them 127.0.0.1 answers. So `Host` must be this
//! machine's own name, `Origin` this page's own, and what is asked needs a key that no other page has.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::{COOKIE, HOST, ORIGIN};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::clock::Epoch;
use crate::cloud::Cloud;
use crate::credentials::CredentialStore;
use crate::id;

/// The header with which the tool asks.
const TOKEN: &str = "x-seatrial-token";
/// How long a ticket is good.
const GOOD_FOR: Duration = Duration::from_secs(60);
/// So many tickets may be out at once.
const TICKETS: usize = 32;

/// Tickets that were given out and not used yet.
#[derive(Default)]
pub(crate) struct Keys {
    tickets: Mutex<HashMap<String, Epoch>>,
}

impl Keys {
    /// One that is good once, and for a minute.
    pub(super) fn ticket(&self, now: Epoch) -> String {
        let ticket = id::digits_of(&id::secret(40), 32);
        let mut tickets = self.lock();
        tickets.retain(|_, given| now.since(*given) < GOOD_FOR);
        if tickets.len() < TICKETS {
            tickets.insert(ticket.clone(), now);
        }
        ticket
    }

    pub(super) fn use_up(&self, ticket: &str, now: Epoch) -> bool {
        self.lock().remove(ticket).is_some_and(|given| now.since(given) < GOOD_FOR)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Epoch>> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the tool shows to be let in. Derived from the operator's secret, which it is no way back to.
pub(crate) fn token_of(cloud: &Cloud) -> String {
    derived(cloud, "own routes")
}

/// What a browser's cookie holds: it outlives a restart, as the operator's key does.
pub(super) fn session_of(cloud: &Cloud) -> String {
    derived(cloud, "page")
}

fn derived(cloud: &Cloud, what: &str) -> String {
    let operator = cloud.part::<CredentialStore>().operator(cloud.account());
    // Without a key nobody is let in, whatever is shown.
    let secret = operator.map_or_else(|_| id::secret(40), |operator| operator.secret_access_key);
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return id::secret(40) };
    mac.update(format!("seatrial {what}").as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// Cookies are the same for all ports of a machine: this one's has its port in its name.
pub(super) fn cookie_name(cloud: &Cloud) -> String {
    let port = cloud.registry().rsplit(':').next().unwrap_or_default();
    format!("seatrial-page-{port}")
}

/// Whether the request is the tool's.
pub(crate) fn may_ask(cloud: &Cloud, headers: &HeaderMap) -> bool {
    let shown = headers.get(TOKEN).and_then(|token| token.to_str().ok());
    shown.is_some_and(|shown| is_same(shown, &token_of(cloud)))
}

/// Whether the request is the tool's, or of a browser that was let in.
pub(super) fn may_look(cloud: &Cloud, headers: &HeaderMap) -> bool {
    let (name, session) = (cookie_name(cloud), session_of(cloud));
    let cookies = headers.get_all(COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut cookies =
        cookies.flat_map(|cookies| cookies.split(';')).filter_map(|one| one.trim().split_once('='));
    cookies.any(|(found, value)| found == name && is_same(value, &session)) || may_ask(cloud, headers)
}

fn is_same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

/// Whether the request is to this machine by its own name: a web page may not come in under a name of its own that resolves
/// to 127.0.0.1.
pub(crate) fn own_host(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "127.0.0.1" || name == "localhost"
}

/// Whether the page that asks, if one does, is this local cloud's.
pub(crate) fn own_origin(headers: &HeaderMap) -> bool {
    let mut origins = headers.get_all(ORIGIN).iter();
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    own_host(headers) && origins.all(|origin| origin.as_bytes() == format!("http://{host}").as_bytes())
}
