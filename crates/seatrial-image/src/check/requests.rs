//! Requests to the test listener, behind which the replacement tasks stand alone.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use seatrial_ask::{Address, Asker};
use seatrial_project::Check;
use serde::Deserialize;

/// A rule of a security group acts within seconds; AWS names no time. For so long the listener may not be reached.
const REACHABLE: Duration = Duration::from_secs(60);
/// What was too slow is asked again: a first answer may pay for what later ones find ready.
const TRIES: u32 = 3;
/// No more of a body is searched.
const LONGEST_SHOWN: usize = 200;

/// Where the test listener answers.
#[derive(Debug, Clone)]
pub struct TestListener {
    pub address: Address,
    /// The address that requests come from; `None`: the system chooses.
    pub own: Option<IpAddr>,
}

/// What held, in words.
///
/// # Errors
/// What did not, in words.
pub(super) async fn verdict(
    listener: &TestListener,
    check: &Check,
    again: Duration,
) -> Result<String, String> {
    let Check::Request { path, status, contains, max_latency } = check else {
        return Err("only requests are asked".to_owned());
    };
    let asker = Asker::from(&listener.address, listener.own)?;
    let url = format!("{}{path}", listener.address.url);
    let began = Instant::now();
    let mut slow = 0;
    loop {
        let asked = Instant::now();
        let answer = match asker.answer(&url).await {
            Ok(answer) => answer,
            Err(why) if began.elapsed() >= REACHABLE => {
                return Err(format!("GET {path} had no answer: {why}"));
            }
            Err(_) => {
                tokio::time::sleep(again).await;
                continue;
            }
        };
        let took = asked.elapsed();
        if !status.ranges().iter().any(|range| range.contains(&answer.status)) {
            let body = shown(&answer.body);
            return Err(format!("GET {path} was answered with {}, expected {status}: {body}", answer.status));
        }
        if let Some(text) = contains
            && !String::from_utf8_lossy(&answer.body).contains(text)
        {
            return Err(format!("GET {path}: the answer does not contain `{text}`: {}", shown(&answer.body)));
        }
        let milliseconds = took.as_millis();
        match max_latency.filter(|most| took > *most) {
            None => {
                return Ok(format!("GET {path} was answered with {} in {milliseconds} ms", answer.status));
            }
            Some(most) => {
                slow += 1;
                if slow == TRIES {
                    let most = most.as_millis();
                    return Err(format!("GET {path} took {milliseconds} ms, at most {most} ms are allowed"));
                }
                tokio::time::sleep(again).await;
            }
        }
    }
}

/// The beginning of a body, in one line.
fn shown(body: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(body).chars().take(LONGEST_SHOWN).collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() { "an empty body".to_owned() } else { words.join(" ") }
}

/// Where the local cloud at `endpoint` serves what AWS would serve on `port` of its load balancer.
///
/// # Errors
/// Why that is not known.
pub async fn local_address(endpoint: &str, port: u16) -> Result<String, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Listener {
        port: u16,
        address: String,
    }
    let endpoint = endpoint.trim_end_matches('/');
    let host = endpoint.trim_start_matches("http://").to_owned();
    let asker = Asker::new(&Address { url: endpoint.to_owned(), load_balancer: host, trusted: Vec::new() })?;
    let answer = asker.answer(&format!("{endpoint}/_local/listeners")).await?;
    let listeners: Vec<Listener> = serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
    let mut found = listeners.into_iter().filter(|it| it.port == port);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one.address),
        (None, _) => Err(format!("no load balancer has a listener on {port}")),
        _ => Err(format!("several load balancers have a listener on {port}")),
    }
}
