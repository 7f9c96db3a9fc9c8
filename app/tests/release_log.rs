//! The built application against a real Postgres server.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, in its support too")]

mod support;

use support::application::{Application, run};
use support::poll;
use support::postgres::{Postgres, free_port};

fn start_with(postgres: &Postgres, more: &[(&str, &str)]) -> Application {
    let port = postgres.port.to_string();
    let mut variables = vec![
        ("DB_HOST", "127.0.0.1"),
        ("DB_PORT", port.as_str()),
        ("DB_NAME", "postgres"),
        ("DB_USER", "app"),
    ];
    variables.extend(more);
    let application = Application::start(&variables);
    poll("the database is up", || (application.get("/readyz").status == 200).then_some(()));
    application
}

#[test]
fn entries_are_stored_escaped_paged_and_shared_between_tasks() {
    let postgres = Postgres::start(free_port());
    let first = start_with(&postgres, &[]);
    let second = start_with(&postgres, &[("TASK_ID", "t-2")]);

    let page = first.get("/");
    assert_eq!(page.status, 200);
    for text in ["Nothing yet", "0123456789ab", "t-1", " UTC</time>"] {
        assert!(page.body.contains(text), "no `{text}` in {}", page.body);
    }

    let answer = first.post("/entries", "kind=fix&title=%3Cscript%3E&author=Ada+L&body=one%0D%0Atwo%00");
    assert_eq!(answer.status, 303);
    for number in 1..=10 {
        assert_eq!(
            first.post("/entries", &format!("kind=note&title=number-{number}.&author=Bob")).status,
            303
        );
    }
    let page = second.get("/");
    assert!(page.body.contains("11 entries") && page.body.contains("number-10."));
    assert!(!page.body.contains("&#60;script"), "the eleventh entry belongs to the second page");
    let older = page.body.split("href=\"/?before=").nth(1).unwrap().split('"').next().unwrap();
    let page = second.get(&format!("/?before={older}"));
    assert!(page.body.contains("&#60;script&#62;") && page.body.contains("one\ntwo"), "{}", page.body);
    assert!(!page.body.contains("<script>"));
    let link = page.body.split("href=\"/entries/").nth(1).unwrap().split('"').next().unwrap();
    assert!(second.get(&format!("/entries/{link}")).body.contains("Ada L"));
}

#[test]
fn bad_input_is_answered_with_a_page_and_a_status() {
    let postgres = Postgres::start(free_port());
    let application = start_with(&postgres, &[]);

    let answer = application.post("/entries", "kind=fix&title=&author=%22quoted%22");
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("Title is missing") && answer.body.contains("value=\"&#34;quoted&#34;\""));
    for path in ["/nothing", "/entries/99", "/entries/x"] {
        let answer = application.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.body.contains("There is nothing here") && answer.body.contains("t-1"));
    }
    assert_eq!(application.get("/?before=x").status, 200);
    assert_eq!(application.post("/entries", &format!("body={}", "x".repeat(70_000))).status, 413);

    let answer = application.request("GET /healthz HTTP/1.1\r\nX-Request-Id: mine\r\n", "");
    assert!(answer.head.contains("x-request-id: mine") && answer.head.contains("content-security-policy"));
    assert!(application.get("/healthz").head.contains("x-request-id: "));
    let metrics = application.get("/metrics").body;
    assert!(
        metrics.contains("http_requests_total{method=\"POST\",route=\"/entries\",status=\"422\"} 1"),
        "{metrics}"
    );
    assert!(
        metrics.contains("http_request_duration_seconds_bucket")
            && metrics.contains("app_database_connected 1")
    );
}

#[test]
fn a_late_database_is_waited_for_while_the_pages_say_so() {
    let port = free_port();
    let url = format!("postgres://app@127.0.0.1:{port}/postgres");
    let application = Application::start(&[("DATABASE_URL", &url), ("STARTUP_GRACE_MS", "0")]);

    assert_eq!(application.get("/healthz").status, 503);
    assert_eq!(application.get("/readyz").status, 503);
    let page = application.get("/");
    assert_eq!(page.status, 503);
    assert!(page.head.contains("retry-after: 3") && page.body.contains("waiting for its database"));

    let postgres = Postgres::start(port);
    poll("the page is there", || (application.get("/").status == 200).then_some(()));
    assert_eq!((application.get("/healthz").status, application.get("/readyz").status), (200, 200));

    // One that went away says nothing of the tasks.
    drop(postgres);
    poll("it is unready", || (application.get("/readyz").status == 503).then_some(()));
    assert_eq!(application.get("/healthz").status, 200);
}

#[test]
fn a_stop_signal_first_makes_it_unready_then_ends_it_with_zero() {
    let postgres = Postgres::start(free_port());
    // Long enough for the test to see the draining state on a busy machine.
    let application = start_with(&postgres, &[("DRAIN_DELAY_MS", "2000")]);

    application.terminate();
    poll("it is unready", || (application.get("/readyz").status == 503).then_some(()));
    let page = application.get("/");
    assert_eq!(page.status, 200, "requests are served while it drains");
    assert!(page.head.contains("connection: close"));

    let (status, log) = application.wait();
    assert_eq!(status.code(), Some(0), "{log:#?}");
    let last: serde_json::Value = serde_json::from_str(log.last().unwrap()).unwrap();
    assert_eq!(last["message"], "stopped");
    assert!(log.iter().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
}

#[test]
fn a_task_that_does_not_migrate_is_healthy_once_somebody_has_migrated() {
    let postgres = Postgres::start(free_port());
    let url = format!("postgres://app@127.0.0.1:{}/postgres", postgres.port);
    let variables = [("DATABASE_URL", url.as_str()), ("MIGRATE_AT_START", "false")];
    // It listens at the end of its grace: one that migrates has done so by then.
    let application = Application::start(&variables);
    assert_eq!(application.get("/healthz").status, 503);

    for time in ["the first time", "once more"] {
        let (status, log) = run(&["migrate"], &variables);
        assert!(status.success() && log.contains("migrated"), "{time}: {log}");
    }

    poll("the application is healthy", || (application.get("/healthz").status == 200).then_some(()));
    assert_eq!(application.post("/entries", "kind=note&title=a&author=b").status, 303);
}

#[test]
fn a_migration_that_cannot_be_done_ends_with_its_reason() {
    let url = format!("postgres://app@127.0.0.1:{}/postgres", free_port());
    for (arguments, variables, told) in [
        (&["migrate"][..], &[("DATABASE_URL", url.as_str())][..], "Connection refused"),
        (&["migrate"], &[], "there is nothing to migrate"),
        (&["migrat"], &[], "the only argument there is is `migrate`, found `migrat`"),
        (&["migrate"], &[("MIGRATE_AT_START", "no")], "must be `true` or `false`, found `no`"),
    ] {
        let (status, log) = run(arguments, variables);
        assert!(!status.success() && log.contains(told), "{log}");
    }
}
