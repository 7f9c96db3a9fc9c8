//! What a timeline draws, as text and as a picture.

use super::super::event::{Event, What};
use super::super::record::operations;
use super::super::record::tests::{event, node};
use super::*;

const WAY: Phase = Phase::OnTheWay;

fn stack(name: &str, (began, ended): (i64, i64)) -> Vec<Event> {
    vec![
        event(began, &format!("web-{name}"), "CREATE_IN_PROGRESS", WAY),
        event(began, &format!("web-{name}.Slow"), "CREATE_IN_PROGRESS", WAY),
        event(began, &format!("web-{name}.Quick"), "CREATE_IN_PROGRESS", WAY),
        event(began + 1, &format!("web-{name}.Quick"), "CREATE_COMPLETE", Phase::Done),
        event(ended - 1, &format!("web-{name}.Slow"), "CREATE_COMPLETE", Phase::Done),
        event(ended, &format!("web-{name}"), "CREATE_COMPLETE", Phase::Done),
    ]
}

fn after(pairs: &[(&str, &[&str])]) -> After {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    pairs.iter().map(|(name, others)| ((*name).to_owned(), names(others))).collect()
}

/// The service waits for a database over a stack that does nothing; another of its needs was there long before.
fn provisioned() -> Timeline {
    let mut events = stack("network", (0, 60));
    events.extend(stack("registry", (0, 31)));
    events.extend(stack("database", (61, 400)));
    events.push(node(31, "first image", What::InWork));
    events.push(node(90, "first image", What::Reached { changed: true, failed: false }));
    events.extend([
        event(402, "web-service", "CREATE_IN_PROGRESS", WAY),
        event(403, "web-service.Service", "CREATE_IN_PROGRESS", WAY),
        event(440, "web-service.Service", "CREATE_FAILED", Phase::Failed),
        event(450, "web-service", "ROLLBACK_COMPLETE", Phase::Failed),
    ]);
    let needs = after(&[
        ("first image", &["registry"]),
        ("database", &["network"]),
        ("unchanged", &["database"]),
        ("service", &["first image", "unchanged"]),
    ]);
    Timeline::of(operations(&events), "web-", &needs).unwrap()
}

#[test]
fn a_timeline_is_a_bar_for_each_stack_with_its_slowest_resource_and_the_critical_path() {
    let expected = "\
timeline, 07:00:00 to 07:07:30 UTC (7:30); # critical path, x failed
network            ####........................    1:00  59.0 s Slow
registry           ==..........................  31.0 s  30.0 s Slow
first image        .=====......................  59.0 s
database           ...######################...    5:39  5:38 Slow
service            .........................xxx  48.0 s  37.0 s Service
";
    let timeline = provisioned();

    assert_eq!(timeline.to_string(), expected);
    let critical = timeline.bars.iter().filter(|bar| bar.critical).map(|bar| bar.name.as_str());
    assert_eq!(critical.collect::<Vec<_>>(), ["network", "database", "service"]);
}

#[test]
fn a_timeline_is_eighty_columns_wide_however_long_the_names_and_empty_times_are_drawn() {
    let name = "a-stack-with-a-name-as-long-as-a-name-may-be";
    let long = format!("web-{name}.{}", "LogicalId".repeat(20));
    let events = [
        event(0, &format!("web-{name}"), "UPDATE_IN_PROGRESS", WAY),
        event(0, &long, "UPDATE_IN_PROGRESS", WAY),
        event(0, &long, "UPDATE_COMPLETE", Phase::Done),
        event(0, &format!("web-{name}"), "UPDATE_COMPLETE", Phase::Done),
    ];
    let text = Timeline::of(operations(&events), "web-", &After::new()).unwrap().to_string();

    assert!(text.lines().all(|line| super::super::width::columns(line) <= COLUMNS), "{text}");
    assert!(text.lines().nth(1).unwrap().starts_with("a-stack-with-a-na… #..."), "{text}");
    assert!(Timeline::of(Vec::new(), "web-", &After::new()).is_none());
}

#[test]
fn a_stack_that_failed_and_was_made_again_is_one_bar() {
    let mut events = vec![
        event(0, "web-a", "CREATE_IN_PROGRESS", WAY),
        event(5, "web-a", "ROLLBACK_COMPLETE", Phase::Failed),
    ];
    events.extend(stack("a", (10, 20)));
    let timeline = Timeline::of(operations(&events), "web-", &After::new()).unwrap();

    assert_eq!(timeline.bars.len(), 1);
    assert!(!timeline.bars[0].failed);
    assert_eq!(timeline.bars[0].took(), Duration::from_secs(20));
}

#[test]
fn the_picture_is_well_formed_loads_nothing_and_tells_failures_in_words_and_red() {
    let svg = provisioned().svg();

    let mut reader = quick_xml::Reader::from_str(&svg);
    let (mut rectangles, mut depth) = (0, 0);
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Start(start) => {
                depth += 1;
                rectangles += usize::from(start.name().as_ref() == "rect");
            }
            quick_xml::events::Event::End(_) => depth -= 1,
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
    }
    // Five bars, and of four stacks the resources.
    assert_eq!((rectangles, depth), (5 + 7, 0));
    assert!(svg.contains("prefers-color-scheme: dark"), "{svg}");
    assert_eq!(svg.matches("http").count(), 1, "the name space alone");
    let failed = "Service (AWS::Test::Service): CREATE_FAILED in 37.0 s: it &lt;cannot&gt; be</title>";
    assert!(svg.contains(failed), "{svg}");
    assert_eq!(svg.matches("class=\"failed\"").count(), 2);
    assert_eq!(svg.matches("class=\"critical\"").count(), 2);
    assert!(svg.contains("network: CREATE_COMPLETE in 1:00, on the critical path</title>"), "{svg}");
}
