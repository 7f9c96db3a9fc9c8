//! Sticky sessions: a client comes back to the target that answered it, by a cookie.
//!
//! Names and attributes of the cookies are AWS's (Application Load Balancers: sticky sessions): `AWSALB` and
//! `AWSALBCORS` with a duration, `AWSALBAPP-0` beside the application's own cookie. What they say is for the load
//! balancer alone.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::id;

/// How a group shares requests among its targets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sharing {
    pub sticky: Option<Sticky>,
    /// How long a target that got healthy takes to get its whole share; real time. Zero: it has it at once.
    pub slow_start: Duration,
}

/// Which cookie binds a client to a target, and how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sticky {
    pub lasts: Duration,
    /// The application's cookie; `None`: the load balancer's own.
    pub application: Option<String>,
}

const OWN: &str = "AWSALB";
const OWN_CORS: &str = "AWSALBCORS";
const OF_APPLICATION: &str = "AWSALBAPP-0";

impl Sticky {
    /// What the client's cookies say of its target.
    pub(super) fn token<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        match &self.application {
            None => cookie(headers, OWN).or_else(|| cookie(headers, OWN_CORS)),
            // Without the application's own the session is over.
            Some(own) => cookie(headers, own).and_then(|_| cookie(headers, OF_APPLICATION)),
        }
    }

    /// Binds the client of this response to the target that made it.
    pub(super) fn bind(&self, target: SocketAddr, is_secure: bool, headers: &mut HeaderMap) {
        let now = SystemTime::now();
        let expires = jiff::Timestamp::try_from(now + self.lasts).unwrap_or(jiff::Timestamp::MAX);
        let expires = expires.strftime("%a, %d %b %Y %H:%M:%S GMT");
        let token = token_of(target, seconds(now) + self.lasts.as_secs());
        let secure = if is_secure { "; Secure" } else { "" };
        let own = format!("{token}; Expires={expires}; Path=/");
        match &self.application {
            None => {
                append(headers, &format!("{OWN}={own}"));
                append(headers, &format!("{OWN_CORS}={own}; SameSite=None{secure}"));
            }
            Some(name) if sets(headers, name) => append(headers, &format!("{OF_APPLICATION}={own}")),
            Some(_) => {}
        }
    }
}

/// Whether a token that is not too old names the target.
pub(super) fn names(token: &str, target: SocketAddr) -> bool {
    let Some(until) = token.get(..16).and_then(|text| u64::from_str_radix(text, 16).ok()) else {
        return false;
    };
    seconds(SystemTime::now()) < until && token == token_of(target, until)
}

fn token_of(target: SocketAddr, until: u64) -> String {
    format!("{until:016x}{}", id::digits_of(&format!("{target} {until}"), 48))
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(';')).find_map(|pair| {
        let (found, value) = pair.trim().split_once('=')?;
        (found == name).then_some(value)
    })
}

/// Whether a response sets that cookie.
fn sets(headers: &HeaderMap, name: &str) -> bool {
    let mut values = headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    values.any(|value| value.split_once('=').is_some_and(|(found, _)| found.trim() == name))
}

fn append(headers: &mut HeaderMap, value: &str) {
    const SET_COOKIE: HeaderName = header::SET_COOKIE;
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.append(SET_COOKIE, value);
    }
}
