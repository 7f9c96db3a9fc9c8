//! A stream that breaks while things happen, and is taken up again: nothing is missing, and nothing is there twice.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::browser::Browser;
use super::relay::Relay;
use crate::own_routes::asked;

/// So many requests are sent each time; each begins with a line of the application's log or a second of traffic.
const REQUESTS: usize = 40;

/// All that the page holds, as the local cloud tells it.
const HELD: &str = "['release', 'task', 'task-set', 'second', 'line', 'operation'].flatMap((kind) => \
     [...Store.items(kind)].map(([key, value]) => JSON.stringify([kind, key, value]))).sort()";

/// Opens the page through a relay that breaks; `url`: where the application answers.
pub(super) fn look(browser: &mut Browser, connection: &Value, url: &str) -> Result<Vec<String>, String> {
    let endpoint = connection["endpoint"].as_str().unwrap_or_default().trim_start_matches("http://");
    let relay = Relay::start(endpoint)?;
    let ticket = asked(connection, ("POST", "/_local/page/ticket"), "{}")?;
    browser.open(&format!("http://{}{}", relay.address, ticket["path"].as_str().unwrap_or_default()))?;
    browser.until("document.getElementById('connection').className === 'live'")?;
    browser.until("Store.items('line').size > 0")?;
    // What comes from now on is counted.
    browser.value(
        "window.told = []; const take = Store.take; Store.take = (all) => { told.push(...all); take(all); }",
    )?;
    ask(url)?;
    browser.until("told.some(([kind]) => kind === 'second')")?;

    relay.close();
    browser.until("document.getElementById('connection').className === 'lost'")?;
    ask(url)?;
    relay.open();
    browser.until("document.getElementById('connection').className === 'live'")?;
    ask(url)?;

    let mut wrong = equal(browser, connection)?;
    wrong.extend(resumed(&relay));
    let lines =
        browser.value("[Store.items('line').size, document.getElementById('line-count').textContent]")?;
    let shown: String = lines[1].as_str().unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    if shown != lines[0].to_string() {
        wrong.push(format!("of {} lines the page counts {}", lines[0], lines[1]));
    }
    Ok(wrong)
}

/// Waits until the page holds what the local cloud tells; what it holds besides, or not, is wrong.
fn equal(browser: &mut Browser, connection: &Value) -> Result<Vec<String>, String> {
    let mut wrong = Vec::new();
    // A second may end between two looks.
    for _ in 0..20 {
        let all = asked(connection, ("GET", "/_local/page/data"), "")?;
        let held = browser.value(&format!("new Promise((done) => setTimeout(() => done({HELD}), 1200))"))?;
        let held: Vec<Value> = held
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| serde_json::from_str(one.as_str()?).ok())
            .collect();
        let told: Vec<&Value> =
            all["items"].as_array().into_iter().flatten().filter(|item| counts(item)).collect();
        let missing = told.iter().filter(|item| !held.contains(item)).count();
        let twice = held.len() > told.len() || held.iter().any(|item| !told.contains(&item));
        if missing == 0 && !twice {
            return Ok(Vec::new());
        }
        wrong = vec![format!(
            "the page holds {} items, of {} that are told {missing} are missing",
            held.len(),
            told.len()
        )];
    }
    Ok(wrong)
}

fn counts(item: &Value) -> bool {
    ["release", "task", "task-set", "second", "line", "operation"].iter().any(|kind| item[0] == *kind)
}

/// The browser came back with the id of what it was told last, and got what it missed: not all anew.
fn resumed(relay: &Relay) -> Vec<String> {
    let streams = relay.streams();
    let [.., first, again] = &streams[..] else {
        return vec![format!("the stream was asked for {} times", streams.len())];
    };
    let mut wrong = Vec::new();
    if first.asked.to_lowercase().contains("last-event-id:") {
        wrong.push(format!("the first stream goes on behind another: {}", first.asked));
    }
    if !again.asked.to_lowercase().contains("last-event-id:") {
        wrong.push(format!("the second stream names nothing that was told: {}", again.asked));
    }
    if !again.answered.contains("event: change") || again.answered.contains("event: snapshot") {
        wrong.push(format!("the second stream begins anew: {}", again.answered));
    }
    wrong
}

fn ask(url: &str) -> Result<(), String> {
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let ask = || {
        for _ in 0..REQUESTS {
            let mut stream = TcpStream::connect(host)?;
            write!(stream, "GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")?;
            stream.read_to_end(&mut Vec::new())?;
        }
        Ok(())
    };
    ask().map_err(|error: std::io::Error| format!("{url} does not answer: {error}"))
}

/// What the rules of the production listener say, by the tool's own `status`: percent of blue and of green.
pub(super) fn weights(status: &Value) -> Value {
    let weight = |group: &str| {
        let mut groups = status["targets"].as_array().into_iter().flatten();
        groups.find(|one| one["group"] == group).map(|one| one["weight"].clone())
    };
    json!([weight("blue"), weight("green")])
}
