//! What a person sees on a terminal of 80 columns and 24 rows.

mod emulated;
mod terminal;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use self::terminal::Terminal;
use super::*;
use crate::output::event::{Expected, Phase, Whole};

/// A screen on a terminal in memory, and a clock that a test moves.
struct Seen {
    terminal: Arc<Mutex<Terminal>>,
    screen: Screen<Writer>,
    began: Timestamp,
    seconds: u64,
}

struct Writer(Arc<Mutex<Terminal>>);

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(std::str::from_utf8(bytes).unwrap());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Seen {
    fn new(verbose: bool) -> Self {
        let terminal = Arc::new(Mutex::new(Terminal::new(80, 24)));
        let sized = Arc::clone(&terminal);
        let size = move || (sized.lock().unwrap().columns, 24);
        let screen = Screen::new(Writer(Arc::clone(&terminal)), size, (true, verbose));
        Self { terminal, screen, began: "2026-11-27T07:00:00Z".parse().unwrap(), seconds: 0 }
    }

    /// With `--verbose`.
    fn verbose(count: usize) -> Self {
        Self::shown(count, true)
    }

    fn begun(count: usize) -> Self {
        Self::shown(count, false)
    }

    fn shown(count: usize, verbose: bool) -> Self {
        let mut seen = Self::new(verbose);
        let path = vec!["network".to_owned(), "database".to_owned()];
        let expected = Expected { duration: Duration::from_secs(700), is_complete: true, path };
        let whole = Whole { prefix: "web-production-".to_owned(), count, expected: Some(expected) };
        seen.tell("provision", What::Begun(whole));
        seen
    }

    fn now(&self) -> Timestamp {
        self.began + Duration::from_secs(self.seconds)
    }

    /// So many seconds after the beginning.
    fn at(&mut self, seconds: u64) {
        self.seconds = seconds;
        self.screen.tick(self.now());
    }

    fn tell(&mut self, subject: &str, what: What) {
        let now = self.now();
        self.screen.event(&Event::new(Some(now), subject, what), now);
    }

    fn resource(&mut self, stack: &str, (id, kind): (&str, &str), status: &str, reason: Option<&str>) {
        let phase = match status {
            _ if status.ends_with("_IN_PROGRESS") => Phase::OnTheWay,
            _ if status.ends_with("_FAILED") || status.contains("ROLLBACK") => Phase::Failed,
            _ => Phase::Done,
        };
        let what = What::Resource {
            logical_id: id.to_owned(),
            resource_type: kind.to_owned(),
            status: status.to_owned(),
            reason: reason.map(str::to_owned),
            phase,
            is_stack: kind == STACK,
        };
        self.tell(&format!("web-production-{stack}"), what);
    }

    fn stack(&mut self, stack: &str, status: &str, reason: Option<&str>) {
        self.resource(stack, ("own", STACK), status, reason);
    }

    fn line(&mut self, text: &str) {
        self.screen.line(text, self.now());
    }

    fn screen(&self) -> String {
        self.terminal.lock().unwrap().screen()
    }

    fn history(&self) -> String {
        self.terminal.lock().unwrap().history()
    }

    /// No line was too wide: the terminal has broken none.
    fn is_whole(&self) -> bool {
        self.terminal.lock().unwrap().broken == 0
    }
}

const STACK: &str = "AWS::CloudFormation::Stack";
const BEGUN: &str = "CREATE_IN_PROGRESS";
const MADE: &str = "CREATE_COMPLETE";

#[test]
fn in_the_middle_each_stack_in_work_has_a_line_with_its_slowest_resource_and_what_ended_has_left_one() {
    let mut seen = Seen::begun(13);
    for stack in ["network", "database"] {
        seen.tell(&format!("web-production-{stack}"), What::InWork);
        seen.stack(stack, BEGUN, None);
    }
    seen.at(2);
    seen.resource("database", ("Secret", "AWS::SecretsManager::Secret"), BEGUN, None);
    seen.resource("network", ("Vpc", "AWS::EC2::VPC"), BEGUN, None);
    seen.at(4);
    seen.resource("database", ("Instance", "AWS::RDS::DBInstance"), BEGUN, None);
    seen.at(10);
    seen.resource("database", ("Secret", "AWS::SecretsManager::Secret"), MADE, None);
    seen.resource("database", ("Alarm", "AWS::CloudWatch::Alarm"), BEGUN, None);
    seen.resource("network", ("Vpc", "AWS::EC2::VPC"), MADE, None);
    seen.stack("network", MADE, None);
    seen.tell("web-production-network", What::Reached { changed: true, failed: false });
    seen.tell("first image", What::InWork);
    seen.tell("Build", What::BuildLog("   Compiling serde v1.0.0".to_owned()));
    seen.at(256);

    let expected = "\
07:00:10 web-production-network       CREATE_COMPLETE in 10.0 s, 1 resource
  database       4:16  CREATE_IN_PROGRESS  4:12 Instance (AWS::RDS::DBInstance)
  first image    4:06                         Compiling serde v1.0.0
provision 4:16, critical path about 11:40; 1 of 13 done, 2 in work";
    assert_eq!(seen.screen(), expected);
    assert!(seen.is_whole());
}

#[test]
fn after_the_end_one_line_tells_of_all_of_it_and_each_has_one_where_all_are_to_stay() {
    let brief = "08:02:03 task definition              failed after 0.0 s\n08:02:03 provision                    2 of 3 done in 1:02:03, 1 failed";
    let verbose = "\
07:01:02 web-production-network       CREATE_COMPLETE in 1:02, 0 resources
08:02:03 first image                  done in 1:02:03
08:02:03 task definition              failed after 0.0 s";
    for (all, expected) in [(false, brief), (true, verbose)] {
        let mut seen = Seen::shown(3, all);
        three_are_done(&mut seen);
        assert_eq!(seen.history(), expected);
        assert!(!seen.screen.is_live());
        let left = (!all).then_some(Left { rows: 2, untold: 0, columns: 80 });
        let now = seen.now();
        assert_eq!(seen.screen.end(now), left);
    }
}

fn three_are_done(seen: &mut Seen) {
    seen.tell("first image", What::InWork);
    seen.stack("network", BEGUN, None);
    seen.at(62);
    seen.stack("network", MADE, None);
    seen.at(3723);
    seen.tell("first image", What::Reached { changed: true, failed: false });
    seen.tell("task definition", What::InWork);
    seen.tell("task definition", What::Reached { changed: false, failed: true });
    seen.tell("provision", What::Over);
}

#[test]
fn of_sixty_stacks_those_that_have_no_room_are_summed_up() {
    let mut seen = Seen::verbose(60);
    for stack in 0..60 {
        seen.stack(&format!("stack-{stack}"), BEGUN, None);
        seen.resource(&format!("stack-{stack}"), ("Group", "AWS::Logs::LogGroup"), BEGUN, None);
    }
    seen.at(5);

    let screen = seen.screen();
    let lines: Vec<&str> = screen.lines().collect();
    assert_eq!(lines.len(), 16, "{screen}");
    assert_eq!(lines[0], "  stack-0       0:05  CREATE_IN_PROGRESS  0:05 Group (AWS::Logs::LogGroup)");
    assert_eq!(lines[14], "  and 46 more");
    assert_eq!(lines[15], "provision 0:05, critical path about 11:40; 0 of 60 done, 60 in work");
    // Nothing of an earlier frame has been scrolled away.
    assert_eq!(seen.history(), screen);

    (0..60).for_each(|stack| seen.stack(&format!("stack-{stack}"), MADE, None));
    seen.tell("provision", What::Over);
    let history = seen.history();
    assert_eq!(history.lines().count(), 60, "{history}");
    assert!(history.lines().all(|line| line.contains("CREATE_COMPLETE in 5.0 s, 1 resource")), "{history}");
}

#[test]
fn a_long_reason_stays_in_full_in_lines_that_fit() {
    let reason = "Resource handler returned message: \"The security token included in the request is invalid \
        (Service: Kms, Status Code: 400, Request ID: 11111111-2222-3333-4444-555555555555)\" \
        (RequestToken: 66666666-7777-8888-9999-000000000000, HandlerErrorCode: InvalidRequest)";
    let mut seen = Seen::begun(1);
    seen.stack("database", BEGUN, None);
    seen.resource("database", ("Key", "AWS::KMS::Key"), BEGUN, None);
    seen.at(3);
    seen.resource("database", ("Key", "AWS::KMS::Key"), "CREATE_FAILED", Some(reason));
    seen.at(4);
    seen.stack("database", "ROLLBACK_COMPLETE", None);

    let expected = "\
07:00:03 web-production-database      CREATE_FAILED Key (AWS::KMS::Key):
    Resource handler returned message: \"The security token included in the
    request is invalid (Service: Kms, Status Code: 400, Request ID:
    11111111-2222-3333-4444-555555555555)\" (RequestToken:
    66666666-7777-8888-9999-000000000000, HandlerErrorCode: InvalidRequest)
07:00:04 web-production-database      ROLLBACK_COMPLETE in 4.0 s, 1 resource
provision 0:04, critical path about 11:40; 1 failed, 0 of 1 done, 0 in work";
    assert_eq!(seen.screen(), expected);
    assert!(seen.is_whole());
}

#[test]
fn what_is_told_while_a_question_stands_there_waits_for_its_answer() {
    let mut seen = Seen::begun(2);
    seen.stack("network", BEGUN, None);
    seen.at(1);
    seen.screen.question("stack `database` changes otherwise than shown; go ahead? (yes/no)").unwrap();
    let asked = "stack `database` changes otherwise than shown; go ahead? (yes/no)";
    assert_eq!(seen.screen(), asked);

    seen.line("warning: a change set is left");
    seen.stack("network", MADE, None);
    seen.stack("database", BEGUN, None);
    seen.at(9);
    assert_eq!(seen.screen(), asked);
    // The terminal shows what is typed.
    seen.terminal.lock().unwrap().write("yes\r\n");
    let now = seen.now();
    seen.screen.answered(true, now);

    let expected = format!(
        "{asked} yes
warning: a change set is left
07:00:01 web-production-network       CREATE_COMPLETE in 1.0 s, 0 resources
  database      0:08  CREATE_IN_PROGRESS
provision 0:09, critical path about 11:40; 1 of 2 done, 1 in work"
    );
    assert_eq!(seen.screen(), expected);
}

#[test]
fn a_question_that_nobody_answers_any_more_keeps_its_line() {
    let mut seen = Seen::begun(1);
    seen.stack("network", BEGUN, None);
    seen.screen.question("go ahead? (yes/no)").unwrap();
    seen.terminal.lock().unwrap().write("^C");
    seen.line("interrupted: ending (once more ends at once)");
    let now = seen.now();
    seen.screen.answered(false, now);
    seen.tell("provision", What::Over);

    let expected = "go ahead? (yes/no) ^C
interrupted: ending (once more ends at once)
07:00:00 provision                    0 of 1 done in 0.0 s";
    assert_eq!(seen.history(), expected);
}

#[test]
fn who_cannot_wait_for_an_answer_sees_what_was_held_back() {
    let mut seen = Seen::begun(1);
    seen.screen.question("go ahead? (yes/no)").unwrap();
    seen.line("error: the terminal is gone");
    let now = seen.now();
    seen.screen.release(now);

    assert!(seen.history().contains("error: the terminal is gone"), "{}", seen.history());
}

#[test]
fn notes_and_events_of_others_stand_above_the_live_lines() {
    let mut seen = Seen::begun(1);
    seen.line("before");
    seen.stack("network", BEGUN, None);
    seen.line("warning: \u{1b}[2Jan odd\rone");
    seen.tell("web-production-network", What::Text("somebody else was first: looking again".to_owned()));
    // A person types into it.
    seen.terminal.lock().unwrap().write("^C");
    seen.at(3);

    let expected = "\
before
warning: an odd one
07:00:00 web-production-network       somebody else was first: looking again
  network       0:03  CREATE_IN_PROGRESS
provision 0:03, critical path about 11:40; 0 of 1 done, 1 in work";
    assert_eq!(seen.screen(), expected);
}

#[test]
fn a_terminal_that_becomes_narrower_or_wider_keeps_what_stays_and_no_old_live_line() {
    let mut seen = Seen::begun(2);
    seen.stack("network", BEGUN, None);
    seen.resource("network", ("NatGateway", "AWS::EC2::NatGateway"), BEGUN, None);
    seen.line("a note");
    for (seconds, columns) in [(1, 40), (2, 31), (3, 100), (4, 80)] {
        seen.terminal.lock().unwrap().resize(columns);
        seen.at(seconds);
        let screen = seen.screen();
        assert_eq!(screen.lines().count(), 3, "{columns}: {screen}");
        assert!(screen.starts_with("a note\n  network"), "{columns}: {screen}");
        assert!(screen.lines().last().unwrap().starts_with("provision 0:0"), "{columns}: {screen}");
    }
    assert!(seen.is_whole());
}

#[test]
fn a_stack_that_is_not_followed_to_its_end_leaves_a_line_that_says_so() {
    let mut seen = Seen::begun(1);
    seen.tell("web-production-network", What::InWork);
    seen.stack("network", BEGUN, None);
    seen.at(61);
    seen.line("interrupted: ending (once more ends at once)");
    seen.tell("web-production-network", What::Reached { changed: false, failed: true });
    seen.tell("provision", What::Over);

    let expected = "\
interrupted: ending (once more ends at once)
07:01:01 web-production-network       left in CREATE_IN_PROGRESS after 1:01
07:01:01 provision                    0 of 1 done in 1:01, 1 failed";
    assert_eq!(seen.history(), expected);
}

#[test]
fn an_image_that_fails_leaves_the_end_of_its_log() {
    let mut seen = Seen::begun(2);
    // In work as well, and before its first event.
    seen.tell("web-production-cluster", What::InWork);
    seen.tell("first image", What::InWork);
    (0..50).for_each(|line| seen.tell("Build", What::BuildLog(format!("line {line}"))));
    seen.at(7);
    seen.tell("first image", What::Reached { changed: false, failed: true });

    let history = seen.history();
    assert!(history.starts_with("  | line 30\n  | line 31\n"), "{history}");
    assert!(
        history.contains("  | line 49\n07:00:07 first image                  failed after 7.0 s\n"),
        "{history}"
    );
}

#[test]
fn the_cursor_is_never_hidden_and_a_frame_that_changes_nothing_is_not_written() {
    let written = Arc::new(Mutex::new(Vec::new()));
    struct Bytes(Arc<Mutex<Vec<u8>>>);
    impl Write for Bytes {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let now: Timestamp = "2026-11-27T07:00:00Z".parse().unwrap();
    let mut screen = Screen::new(Bytes(Arc::clone(&written)), || (80, 24), (false, true));
    let whole = Whole { prefix: String::new(), count: 1, expected: None };
    screen.event(&Event::new(Some(now), "provision", What::Begun(whole)), now);
    let before = written.lock().unwrap().len();

    screen.tick(now);
    screen.event(&Event::new(Some(now), "a", What::Text("failed".to_owned())), now);

    let written = String::from_utf8(written.lock().unwrap().clone()).unwrap();
    assert!(written[before..].starts_with("\r\u{1b}[J\u{1b}[1A\u{1b}[2K07:00:00 a "), "{written:?}");
    // No colour was asked for.
    assert!(!written.contains('?') && !written.contains("\u{1b}[3"), "{written:?}");
}

#[test]
fn what_is_done_together_within_another_is_shown_above_it_and_leaves_nothing() {
    let mut seen = Seen::new(false);
    let whole = |count| What::Begun(Whole { prefix: "web-production-".to_owned(), count, expected: None });
    seen.tell("rehearse", whole(0));
    seen.tell("rehearse", What::Text("local cloud at http://127.0.0.1:4566".to_owned()));
    seen.tell("provision", whole(2));
    seen.tell("web-production-network", What::InWork);
    seen.tell("rehearse", What::State("scenario `deploy`, 1 of 2".to_owned()));
    seen.at(70);

    let expected = "\
07:00:00 rehearse                     local cloud at http://127.0.0.1:4566
  network       1:10
provision 1:10; 0 of 2 done, 1 in work
rehearse 1:10; scenario `deploy`, 1 of 2";
    assert_eq!(seen.screen(), expected);

    seen.tell("provision", What::Over);
    assert!(seen.screen().ends_with("\nrehearse 1:10; scenario `deploy`, 1 of 2"), "{}", seen.screen());
    assert_eq!(seen.screen().lines().count(), 2);
    // Of one that is not open nothing is over.
    seen.tell("provision", What::Over);
    seen.tell("rehearse", What::Over);
    assert_eq!(
        seen.history(),
        "07:01:10 rehearse                     over after 1:10; scenario `deploy`, 1 of 2"
    );
}

#[test]
fn what_has_no_room_is_counted_and_a_plan_that_is_asked_for_is_whole() {
    let mut seen = Seen::new(false);
    let now = seen.now();
    let plan: String = (0..30).map(|line| format!("stack {line}\n")).collect();
    seen.screen.asked(&plan, now);
    seen.tell("provision", What::Begun(Whole { prefix: String::new(), count: 0, expected: None }));
    (0..30).for_each(|number| seen.line(&format!("warning {number}")));
    let left = seen.screen.end(now).unwrap();

    assert_eq!(left, Left { rows: 24, untold: 7, columns: 80 });
    let history = seen.history();
    assert!(history.contains("stack 29\nwarning 0\n"), "{history}");
    assert!(history.ends_with("warning 23"), "{history}");
}

#[test]
fn once_the_outcome_is_told_nobody_else_has_a_word() {
    let mut seen = Seen::begun(1);
    let now = seen.now();
    seen.screen.end(now);
    seen.line("error: interrupted");

    (0..50).for_each(|number| seen.tell("image", What::BuildLog(format!("error {number}"))));

    assert!(seen.history().ends_with("error: interrupted"), "{}", seen.history());
}
