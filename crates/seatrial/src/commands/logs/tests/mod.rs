//! What is shown of a log group, and how often.

use std::cell::RefCell;

use serde_json::{Value, json};

use super::*;
use crate::aws::Aws;
use crate::aws::tests::stub;
use crate::output::{Format, Printer};
use crate::session::Session;

const START: i64 = 1_700_000_000_000;

fn event(id: &str, seconds: i64) -> Value {
    let millis = START + seconds * 1000;
    json!({ "eventId": id, "logStreamName": "app/app/1", "timestamp": millis, "message": format!("{id}\n") })
}

fn tail(pattern: Option<&str>) -> GroupTail {
    let pattern = pattern.map(str::to_owned);
    GroupTail::new(LogQuery { group: "web".to_owned(), streams: None, pattern, since: START })
}

/// The texts that so many looks show, each look's alone; an error ends the look.
async fn looks(aws: &Aws, tail: &mut GroupTail, count: usize) -> Vec<Vec<String>> {
    let session = Session::new(Printer::new(Format::Text), "cargo xtask");
    let mut all = Vec::new();
    for _ in 0..count {
        let texts = RefCell::new(Vec::new());
        let mut shown = Shown::new(|lines| {
            texts.borrow_mut().extend(lines.iter().map(|line| line.text.clone()));
            Ok(true)
        });
        let _ = tail.look(Watch { aws, session: &session }, &mut shown).await;
        drop(shown);
        all.push(texts.into_inner());
    }
    all
}

#[tokio::test]
async fn every_page_is_shown_also_behind_an_empty_one_and_what_came_late_once() {
    let (aws, calls) = stub(|_, before, input| match before {
        0 => json!({ "events": [event("a", 0), event("b", 30)], "nextToken": "2" }),
        1 => json!({ "events": [], "nextToken": "3" }),
        2 => json!({ "events": [event("c", 31)] }),
        // Looked for from a moment before the newest on: one of another stream came late.
        _ if input["startTime"] == json!(START + 21_000) => {
            json!({ "events": [event("late", 25), event("b", 30), event("c", 31), event("d", 40)] })
        }
        _ => json!({ "events": [event("b", 30), event("c", 31), event("d", 40)] }),
    })
    .await;

    let shown = looks(&aws, &mut tail(None), 3).await;

    assert_eq!(shown, [vec!["a", "b", "c"], vec!["late", "d"], vec![]]);
    assert_eq!(calls.made().len(), 5);
}

#[tokio::test]
async fn an_error_between_two_pages_loses_no_line_and_shows_none_twice() {
    let (aws, _) = stub(|_, before, input| match before {
        0 => json!({ "events": [event("a", 0)], "nextToken": "2" }),
        1 => json!({ "__type": "ThrottlingException" }),
        _ if input["nextToken"] == json!("2") => json!({ "events": [event("b", 1)] }),
        _ => json!({ "events": [event("a", 0), event("b", 1)] }),
    })
    .await;

    assert_eq!(looks(&aws, &mut tail(None), 3).await, [vec!["a"], vec!["b"], vec![]]);
}

#[tokio::test]
async fn a_group_that_is_not_there_and_a_pattern_that_is_none_are_refused_with_what_to_type() {
    let refused = async |code: &'static str, pattern| {
        let (aws, _) = stub(move |_, _, _| json!({ "__type": code, "message": "no" })).await;
        let mut session = Session::new(Printer::new(Format::Text), "cargo seatrial");
        session.environment = Some("production".to_owned());
        let mut shown = Shown::new(|_| Ok(true));
        let look = tail(pattern).look(Watch { aws: &aws, session: &session }, &mut shown).await;
        let error = look.err().unwrap();
        assert!(error.is::<Refused>(), "{error:#}");
        format!("{error}; {:?}", crate::hint::Hint::hints(error.downcast_ref::<Refused>().unwrap()))
    };

    let gone = refused("ResourceNotFoundException", None).await;
    assert!(gone.contains("log group `web` is not there"), "{gone}");
    assert!(gone.contains("cargo seatrial provision --environment production"), "{gone}");
    let none = refused("InvalidParameterException", Some("\"half")).await;
    assert!(none.contains("filter pattern `\"half` is not understood"), "{none}");
}

#[tokio::test]
async fn nobody_reads_on_once_the_reader_has_gone() {
    let (aws, calls) = stub(|_, _, _| json!({ "events": [event("a", 0)], "nextToken": "2" })).await;
    let session = Session::new(Printer::new(Format::Text), "cargo xtask");
    let mut shown = Shown::new(|_| Ok(false));

    let seen = tail(None).look(Watch { aws: &aws, session: &session }, &mut shown).await.unwrap();

    assert!(matches!(seen, Seen::Unread));
    assert_eq!(calls.made().len(), 1);
}

#[test]
fn a_line_is_told_by_its_time_and_its_task_and_a_time_before_all_times_is_the_first() {
    let time = "2026-11-27T07:08:09.5Z".parse().ok();
    let line = Line { time, stream: "app/app/0123456789abcdef".to_owned(), text: "GET /".to_owned() };

    assert_eq!(line.to_string(), "2026-11-27T07:08:09.500Z 0123456789ab GET /");
    let now: Timestamp = "2026-11-27T07:08:09Z".parse().unwrap();
    assert_eq!(ago(now, Duration::from_secs(9)).to_string(), "2026-11-27T07:08:00Z");
    assert_eq!(ago(now, Duration::from_secs(u64::MAX)), Timestamp::UNIX_EPOCH);
}
