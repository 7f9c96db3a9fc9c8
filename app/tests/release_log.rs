//! The built application against a real Postgres server.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, in its support too")]

mod support;

use support::application::{Answer, Application, run};
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
    let application = start_with(&postgres, &[("METRICS_PORT", "0")]);

    let answer = application.post("/entries", "kind=fix&title=&author=%22quoted%22");
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("Title is missing") && answer.body.contains("value=\"&#34;quoted&#34;\""));
    for path in ["/nothing", "/entries/99", "/entries/x"] {
        let answer = application.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.body.contains("There is nothing here") && answer.body.contains("t-1"));
    }
    assert_eq!(application.get("/?before=x").status, 200);

    let answer = application.request("GET /healthz HTTP/1.1\r\nX-Request-Id: mine\r\n", "");
    assert!(answer.head.contains("x-request-id: mine") && answer.head.contains("content-security-policy"));
    assert!(application.get("/healthz").head.contains("x-request-id: "));
    let metrics = application.metrics();
    assert!(
        metrics.contains("http_requests_total{method=\"POST\",route=\"/entries\",status=\"422\"} 1"),
        "{metrics}"
    );
    assert!(
        metrics.contains("http_request_duration_seconds_bucket")
            && metrics.contains("app_database_connected 1")
    );
    assert_eq!(application.get("/metrics").status, 404, "visitors see no metrics");
}

#[test]
fn an_entry_is_edited_and_deleted_by_forms_that_ask_first() {
    let postgres = Postgres::start(free_port());
    let application = start_with(&postgres, &[]);
    assert_eq!(application.post("/entries", "kind=fix&title=Frist&author=Ada&body=%3Cb%3E").status, 303);

    let form = application.get("/entries/1/edit");
    for text in ["value=\"Frist\"", "value=\"fix\" selected", "&#60;b&#62;", "name=\"version\" value=\"1\""] {
        assert!(form.status == 200 && form.body.contains(text), "no `{text}` in {}", form.body);
    }
    let refused = application.post("/entries/1", "version=1&kind=fix&title=&author=Ada");
    assert!(refused.status == 422 && refused.body.contains("Title is missing"), "{}", refused.body);
    let saved = application.post("/entries/1", "version=1&kind=note&title=First&author=Ada&body=two");
    assert!(saved.status == 303 && saved.head.contains("location: /entries/1\r"), "{}", saved.head);
    let page = application.get("/entries/1").body;
    assert!(
        page.contains("<h1>First</h1>") && page.contains(">Note<") && page.contains(">edited<"),
        "{page}"
    );

    let asked = application.get("/entries/1/delete");
    assert!(asked.status == 200 && asked.body.contains("Delete this entry?"), "{}", asked.body);
    assert_eq!(application.get("/entries/1").status, 200, "asking deletes nothing");
    let deleted = application.post("/entries/1/delete", "version=2");
    assert!(deleted.status == 303 && deleted.head.contains("location: /\r"), "{}", deleted.head);
    for path in ["/entries/1", "/entries/1/edit", "/entries/1/delete"] {
        assert_eq!(application.get(path).status, 404, "{path}");
    }
    let late = application.post("/entries/1", "version=2&kind=note&title=Late&author=Bob");
    assert_eq!((late.status, application.post("/entries/1/delete", "version=2").status), (404, 404));
}

#[test]
fn what_another_changed_meanwhile_is_neither_overwritten_nor_deleted() {
    let postgres = Postgres::start(free_port());
    let (first, second) = (start_with(&postgres, &[]), start_with(&postgres, &[]));
    assert_eq!(first.post("/entries", "kind=fix&title=Old&author=Ada").status, 303);
    assert_eq!(second.post("/entries/1", "version=1&kind=fix&title=Hers&author=Ada").status, 303);

    let overtaken = first.post("/entries/1", "version=1&kind=fix&title=His&author=Bob");
    assert_eq!(overtaken.status, 409);
    for text in ["<h2>Hers</h2>", "value=\"His\"", "name=\"version\" value=\"2\""] {
        assert!(overtaken.body.contains(text), "no `{text}` in {}", overtaken.body);
    }
    let kept = first.post("/entries/1/delete", "version=1");
    assert!(kept.status == 409 && kept.body.contains("<h2>Hers</h2>"), "{}", kept.body);
    assert!(first.get("/entries/1").body.contains("<h1>Hers</h1>"));

    // Whoever has seen it may.
    assert_eq!(first.post("/entries/1", "version=2&kind=fix&title=His&author=Bob").status, 303);
    assert!(second.get("/entries/1").body.contains("<h1>His</h1>"));
}

#[test]
fn forms_are_taken_from_its_own_pages_and_from_programs_alone() {
    let postgres = Postgres::start(free_port());
    let application = start_with(&postgres, &[]);
    for (headers, expected) in [
        (&[][..], 303),
        (&["Sec-Fetch-Site: same-origin"], 303),
        (&["Sec-Fetch-Site: cross-site"], 403),
        (&["Sec-Fetch-Site: same-site"], 403),
        (&["Origin: http://test"], 303),
        (&["Origin: https://test", "X-Forwarded-Proto: https"], 303),
        (&["Origin: http://test", "X-Forwarded-Proto: https"], 403),
        (&["Origin: http://other"], 403),
        (&["Origin: null"], 403),
    ] {
        let answer = application.post_with("/entries", headers, "kind=note&title=a&author=b");
        assert_eq!(answer.status, expected, "{headers:?}");
    }
    for path in ["/entries/1", "/entries/1/delete"] {
        let form = "version=1&kind=note&title=changed&author=b";
        assert_eq!(application.post_with(path, &["Origin: http://other"], form).status, 403, "{path}");
    }
    assert!(application.get("/entries/1").body.contains("<h1>a</h1>"));
    let read = application.request("GET / HTTP/1.1\r\nSec-Fetch-Site: cross-site\r\n", "");
    assert_eq!(read.status, 200, "a link from elsewhere may be followed");
}

#[test]
fn a_client_that_sends_too_many_forms_is_told_when_to_come_back() {
    let postgres = Postgres::start(free_port());
    let application = start_with(&postgres, &[("POSTS_PER_MINUTE", "1")]);
    let post = |headers: &[&str]| application.post_with("/entries", headers, "kind=note&title=a&author=b");
    // Through the load balancer, which adds the last address; what stands before it a client can make up.
    let made_up = "X-Forwarded-For: 203.0.113.5, 192.0.2.7";
    // Forms of other sites are not the visitor's.
    assert_eq!(post(&["X-Forwarded-For: 192.0.2.7", "Sec-Fetch-Site: cross-site"]).status, 403);
    assert_eq!(post(&["X-Forwarded-For: 192.0.2.7"]).status, 303);

    let refused = post(&[made_up]);
    assert_eq!(refused.status, 429);
    let wait = refused.head.split("retry-after: ").nth(1).unwrap().split('\r').next().unwrap();
    assert!((1..=60).contains(&wait.parse::<u32>().unwrap()), "{wait}");
    assert!(refused.body.contains("A little slower") && refused.body.contains("<footer"), "{}", refused.body);

    // Addresses share 65,536 counts: one other may have the same by chance.
    let others = ["X-Forwarded-For: 192.0.2.8", "X-Forwarded-For: 192.0.2.9", "X-Forwarded-For: 2001:db8::1"];
    assert!(others.iter().any(|other| post(&[other]).status == 303), "others are held up");
    let read = application.request("GET / HTTP/1.1\r\nX-Forwarded-For: 192.0.2.7\r\n", "");
    assert!(read.status == 200 && read.body.contains("2 entries"), "{}", read.body);
}

#[test]
fn each_failed_answer_is_a_page_with_its_status() {
    let postgres = Postgres::start(free_port());
    let application = start_with(&postgres, &[]);
    let long = format!("title={}", "x".repeat(70_000));
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    for (request, body, expected) in [
        ("GET /entries/%FF HTTP/1.1\r\n".to_owned(), "", 400),
        (format!("POST /entries HTTP/1.1\r\n{form}Origin: null\r\nContent-Length: 0\r\n"), "", 403),
        ("GET /entries/7 HTTP/1.1\r\n".to_owned(), "", 404),
        ("PUT /entries HTTP/1.1\r\nContent-Length: 0\r\n".to_owned(), "", 405),
        (format!("POST /entries HTTP/1.1\r\n{form}Content-Length: {}\r\n", long.len()), &long, 413),
        ("POST /entries HTTP/1.1\r\nContent-Length: 2\r\n".to_owned(), "{}", 415),
        (format!("POST /entries/1 HTTP/1.1\r\n{form}Content-Length: 7\r\n"), "title=a", 422),
    ] {
        let answer = application.request(&request, body);
        is_page(&answer, expected);
        // Whoever may ask otherwise is told how, as before.
        assert_eq!(answer.head.contains("allow: "), expected == 405, "{}", answer.head);
    }

    postgres.execute("DROP TABLE entries");
    is_page(&application.get("/"), 500);
    drop(postgres);
    let (read, sent) = (application.get("/"), application.post("/entries", "kind=note&title=a&author=b"));
    for answer in [&read, &sent] {
        is_page(answer, 503);
    }
    // A form that may have arrived is not sent again.
    assert!(read.body.contains("http-equiv=\"refresh\"") && !sent.body.contains("http-equiv"));
}

fn is_page(answer: &Answer, expected: u16) {
    assert_eq!(answer.status, expected, "{}", answer.head);
    assert!(answer.head.contains("content-type: text/html"), "{}", answer.head);
    assert!(answer.body.contains("<h1>") && answer.body.contains("t-1"), "{expected}: {}", answer.body);
    assert!(
        answer.head.contains("content-security-policy") && answer.head.contains("cache-control: private")
    );
}

#[test]
fn answers_say_how_long_and_how_they_may_be_used() {
    let application = Application::start(&[]);
    let policy = "content-security-policy: default-src 'none'; style-src 'self'; img-src 'self'; \
                  form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r";
    for (path, cache) in [
        ("/nothing", "private, no-cache"),
        ("/healthz", "private, no-cache"),
        ("/assets/style.css?v=0123456789ab", "public, max-age=31536000, immutable"),
        ("/favicon.svg?v=0123456789ab", "public, max-age=31536000, immutable"),
        // The page of another version, or nobody's.
        ("/assets/style.css?v=ba9876543210", "no-cache"),
        ("/assets/style.css", "no-cache"),
    ] {
        let head = application.get(path).head;
        for line in
            [policy, "x-content-type-options: nosniff\r", "referrer-policy: same-origin\r"].map(str::to_owned)
        {
            assert!(head.contains(&line), "{path}: no `{line}` in {head}");
        }
        assert!(head.contains(&format!("cache-control: {cache}\r")), "{path}: {head}");
        assert!(!head.contains("strict-transport-security"), "{path}: {head}");
        for (scheme, expected) in [("https", true), ("http", false)] {
            let request = format!("GET {path} HTTP/1.1\r\nX-Forwarded-Proto: {scheme}\r\n");
            let head = application.request(&request, "").head;
            assert_eq!(head.contains("strict-transport-security: max-age=31536000\r"), expected, "{head}");
        }
    }
    let unknown = Application::start(&[("APP_COMMIT", "")]);
    let head = unknown.get("/assets/style.css?v=unknown").head;
    assert!(head.contains("cache-control: no-cache\r"), "two builds may both be `unknown`: {head}");
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

/// Else the first users after a shift of traffic wait for them.
#[test]
fn a_task_is_healthy_once_its_connections_are_open() {
    let postgres = Postgres::start(free_port());
    let _application = start_with(&postgres, &[]);

    postgres.execute(
        "DO $$ BEGIN ASSERT 4 <= (SELECT count(*) FROM pg_stat_activity \
         WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()), 'too few'; END $$",
    );
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
