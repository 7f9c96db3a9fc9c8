//! A stream that breaks while things happen, and is taken up again: nothing is missing, and nothing is there twice.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::browser::Browser;
use super::relay::Relay;
use crate::own_routes::asked;

/// So many requests are sent each time; each begins with a line of the application's log or a second of traffic.
const REQUESTS: usize = 40;

/// What the page holds, by kind and key.
const HELD: &str = "['release', 'task', 'task-set', 'second', 'line', 'operation'].flatMap((kind) => \
     [...Store.items(kind).keys()].map((key) => `${kind} ${key}`))";
/// Longer than it takes until the page is told.
const TOLD: &str = "new Promise((done) => setTimeout(done, 2500))";

/// Opens the page through a relay that breaks; `url`: where the application answers.
pub(super) fn look(browser: &mut Browser, connection: &Value, url: &str) -> Result<Vec<String>, String> {
    let endpoint = connection["endpoint"].as_str().unwrap_or_default().trim_start_matches("http://");
    let relay = Relay::start(endpoint)?;
    let ticket = asked(connection, ("POST", "/_local/page/ticket"), "{}")?;
    browser.open(&format!("http://{}{}", relay.address, ticket["path"].as_str().unwrap_or_default()))?;
    browser.until("document.getElementById('connection').className === 'live'")?;
    browser.until("Store.items('line').size > 0")?;
    let first = told(connection)?;
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

    let mut wrong = equal(browser, connection, &first)?;
    wrong.extend(resumed(&relay));
    let lines =
        browser.value("[Store.items('line').size, document.getElementById('line-count').textContent]")?;
    let shown: String = lines[1].as_str().unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    if shown.parse::<u64>().ok() != lines[0].as_u64() {
        wrong.push(format!("of {} lines the page counts {}", lines[0], lines[1]));
    }
    Ok(wrong)
}

/// What the page holds, beside what the local cloud tells before and after: lines come meanwhile. A page forgets its oldest
/// lines later than the local cloud does: those that were told `first` are no strangers.
fn equal(browser: &mut Browser, connection: &Value, first: &BTreeSet<String>) -> Result<Vec<String>, String> {
    let before = told(connection)?;
    browser.value(TOLD)?;
    let held = browser.value(HELD)?;
    browser.value(TOLD)?;
    let after = told(connection)?;
    let held: Vec<&str> = held.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let unique: BTreeSet<&str> = held.iter().copied().collect();
    let missing = before.intersection(&after).filter(|key| !unique.contains(key.as_str())).count();
    let ever = |key: &&&str| [first, &before, &after].iter().any(|told| told.contains(**key));
    let unknown = unique.iter().filter(|key| !ever(key)).count();
    Ok(if missing + unknown == 0 && unique.len() == held.len() && !before.is_empty() {
        Vec::new()
    } else {
        vec![format!("the page holds {} items: {missing} are missing, {unknown} are of nobody", held.len())]
    })
}

fn told(connection: &Value) -> Result<BTreeSet<String>, String> {
    let all = asked(connection, ("GET", "/_local/page/data"), "")?;
    let counts = |item: &&Value| {
        ["release", "task", "task-set", "second", "line", "operation"].iter().any(|kind| item[0] == *kind)
    };
    let name =
        |item: &Value| format!("{} {}", item[0].as_str().unwrap_or(""), item[1].as_str().unwrap_or(""));
    Ok(all["items"].as_array().into_iter().flatten().filter(counts).map(name).collect())
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
        // A group that no rule names gets nothing.
        groups.find(|one| one["group"] == group).map_or(json!(0), |one| one["weight"].clone())
    };
    json!([weight("blue"), weight("green")])
}
