//! What a person sees while stacks are made, and afterwards: live lines, plain lines, the timeline, the prediction.

use std::num::NonZero;

use crate::workbench::{ANOTHER_GROUP, SECOND, Workbench};

const PROVISION: [&str; 4] = ["provision", "--yes", "--environment", "account"];
const DESTROY: [&str; 4] = ["destroy", "--yes", "--environment", "account"];
const ERASE: &str = "\u{1b}[J";
const ROWS: NonZero<u16> = NonZero::new(200).unwrap();
const COLUMNS: NonZero<u16> = NonZero::new(120).unwrap();

/// What a terminal shows in the end, of a screen that holds it all.
fn left_by(written: &str) -> String {
    let mut terminal = vt100::Parser::new(ROWS, COLUMNS, 0);
    terminal.process(written.as_bytes());
    terminal.screen().contents()
}

#[test]
fn on_a_terminal_stacks_in_work_have_live_lines_and_all_leave_one_or_each_one_to_who_wants_all() {
    for (more, each) in [(&[][..], 0), (&["--verbose"], 1)] {
        let workbench = Workbench::started();
        let arguments = [&PROVISION, more].concat();

        let ended = workbench.at_terminal_with(&[("TERM", "xterm")], &arguments, "");

        assert_eq!(ended.code, Some(0), "{ended:?}");
        has_live_lines(&ended.stderr);
        let left = left_by(&ended.stderr);
        for stack in ["tiny-account-first", "tiny-account-second"] {
            let line = format!(" {stack:<28} CREATE_COMPLETE in ");
            assert!(ended.stderr.contains(&line), "{ended:?}");
            assert_eq!(left.matches(&line).count(), each, "{left}");
        }
        assert_eq!(left.matches(" 2 of 2 done in ").count(), 1 - each, "{left}");
        assert!(!left.contains(" in work"), "{left}");
    }
}

fn has_live_lines(shown: &str) {
    assert!(shown.contains("provision 0:00; 0 of 2 done, 1 in work\r"), "{shown}");
    assert!(shown.contains("  first         0:00"), "{shown}");
    // Nothing live is left, and the cursor was never hidden.
    assert!(shown.contains(ERASE), "{shown}");
    assert!(shown.rsplit(ERASE).next().is_some_and(|last| !last.contains(" in work")), "{shown}");
    assert!(!shown.contains("\u{1b}[?"), "{shown}");
}

#[test]
fn a_terminal_that_moves_no_cursor_gets_plain_lines() {
    let workbench = Workbench::started();

    let ended = workbench.at_terminal_with(&[("TERM", "dumb")], &PROVISION, "");

    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.stderr.contains('\u{1b}'), "{ended:?}");
    assert!(ended.stderr.contains(" CREATE_IN_PROGRESS Group (AWS::Logs::LogGroup)\r\n"), "{ended:?}");
    assert!(!ended.stderr.contains(" in work"), "{ended:?}");
}

#[test]
fn a_failed_resource_leaves_its_reason_in_red_unless_colours_are_not_wanted() {
    for (variables, is_red) in
        [(&[("TERM", "xterm")][..], true), (&[("TERM", "xterm"), ("NO_COLOR", "1")], false)]
    {
        let workbench = Workbench::started();
        workbench.write("infra/stacks/second.yml", &format!("{SECOND}{ANOTHER_GROUP}"));
        workbench.arm("deny", "PutRetentionPolicy", 100);

        let ended = workbench.at_terminal_with(variables, &PROVISION, "");

        assert_eq!(ended.code, Some(4), "{ended:?}");
        assert!(ended.stderr.contains("CREATE_FAILED Group"), "{ended:?}");
        assert!(ended.stderr.contains("ROLLBACK_COMPLETE in "), "{ended:?}");
        assert_eq!(ended.stderr.contains("\u{1b}[31m"), is_red, "{ended:?}");
        // The cursor moves all the same.
        assert!(ended.stderr.contains(ERASE), "{ended:?}");
    }
}

#[test]
fn a_question_stands_below_all_that_was_told_and_what_was_live_comes_after_its_answer() {
    let workbench = Workbench::started();
    let arguments = ["provision", "--environment", "account"];

    let ended = workbench.at_terminal_with(&[("TERM", "xterm")], &arguments, "yes\n");

    assert_eq!(ended.code, Some(0), "{ended:?}");
    let (before, after) = ended.stderr.split_once("go ahead? (yes/no) ").unwrap();
    assert!(before.contains("tiny-account-second") && !before.contains(" in work"), "{ended:?}");
    assert!(after.contains(" 0 of 2 done, 1 in work\r"), "{ended:?}");
}

#[test]
fn a_timeline_is_drawn_or_written_and_always_part_of_the_object() {
    let workbench = Workbench::started();
    let file = workbench.path("made.svg");
    let file = file.to_str().unwrap();

    let made = workbench.run(&[&PROVISION[..], &["--timeline", file, "--output", "json"]].concat());
    let destroyed = workbench.run(&[&DESTROY[..], &["--timeline"]].concat());

    assert_eq!(made.code, Some(0), "{made:?}");
    let bars = &made.object()["timeline"]["bars"];
    let names = bars.as_array().unwrap().iter().map(|bar| bar["name"].as_str().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), ["first", "second"]);
    assert_eq!(bars[0]["critical"], true);
    assert_eq!(bars[1]["resources"][0]["logical_id"], "Group", "{bars}");
    let svg = workbench.read("made.svg");
    assert!(svg.contains("<title>second: CREATE_COMPLETE in ") && svg.ends_with("</svg>\n"), "{svg}");
    assert_eq!(destroyed.code, Some(0), "{destroyed:?}");
    let (_, chart) = destroyed.stdout.split_once("timeline, ").unwrap();
    let lines: Vec<&str> = chart.lines().collect();
    assert!(lines[1].starts_with("second  ") && lines[2].starts_with("first  "), "{chart}");
    assert!(lines[1..].iter().all(|line| line.contains('#') && line.ends_with(" Group")), "{chart}");
}

#[test]
fn what_cannot_be_drawn_is_told() {
    let workbench = Workbench::started();
    let refused = workbench.run(&[&PROVISION[..], &["--timeline", "made.png"]].concat());
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("the file's name must end in `.svg`"), "{refused:?}");
    let nothing = [&PROVISION[..], &["--timeline", "--dry-run"]].concat();
    assert_eq!(workbench.run(&nothing).code, Some(2));

    let unwritable =
        workbench.run(&[&PROVISION[..], &["--timeline", "no/such/folder.svg", "--output", "json"]].concat());
    let object = unwritable.object();
    assert_eq!(unwritable.code, Some(1), "{unwritable:?}");
    assert_eq!(object["failures"][0]["message"], "failed to write `no/such/folder.svg`");
    assert_eq!(object["stacks"][1]["status"], "CREATE_COMPLETE");

    let unchanged = workbench.run(&[&PROVISION[..], &["--timeline"]].concat());
    assert_eq!(unchanged.code, Some(0), "{unchanged:?}");
    assert!(unchanged.stderr.contains("no stack was changed: there is no timeline"), "{unchanged:?}");
}

#[test]
fn how_long_it_will_take_is_known_once_it_was_done_and_not_guessed_before() {
    const KNOWN: &str = "critical path, by earlier runs: about ";
    let workbench = Workbench::started();
    let first = workbench.run(&PROVISION);
    assert!(!first.stderr.contains("critical path"), "{first:?}");
    assert!(!workbench.run(&DESTROY).stderr.contains("critical path"));

    let again = workbench.run(&PROVISION);
    assert!(again.stderr.contains(KNOWN) && again.stderr.contains("(first, second)"), "{again:?}");
    // Of a type that was never made it is not known how long that takes.
    workbench.write("infra/stacks/second.yml", &format!("{SECOND}  Bucket: {{Type: AWS::S3::Bucket}}\n"));
    let more = workbench.run(&PROVISION);
    assert_eq!(more.code, Some(0), "{more:?}");
    assert!(!more.stderr.contains(KNOWN), "{more:?}");
    let destroyed = workbench.run(&DESTROY);
    assert!(
        destroyed.stderr.contains(KNOWN) && destroyed.stderr.contains("(second, first)"),
        "{destroyed:?}"
    );

    // What was learned is told to be unreadable, and learned anew.
    let folder = workbench.path(".local/state/seatrial/durations");
    let checkout = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    std::fs::write(checkout.join("account.json"), "{").unwrap();
    let anew = workbench.run(&PROVISION);
    assert_eq!(anew.code, Some(0), "{anew:?}");
    assert!(anew.stderr.contains("warning: how long earlier runs took cannot be read"), "{anew:?}");
    assert!(workbench.run(&DESTROY).stderr.matches("warning").count() == 0);
}
