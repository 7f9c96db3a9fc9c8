//! Releases that go wrong, by the built binary on the local cloud: each is stopped at its first sign, rolled back and
//! told in one story, and production answers all the while.

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

use std::io::{BufRead as _, BufReader};

use crate::support::Ended;
use crate::support::aws_cli::AwsCli;
use crate::support::checkout::Checkout;
use crate::support::fixture::{LOCAL, Layout, PAGE, git};
use crate::support::load::Load;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// The program's source.
const PROGRAM: &str = "web/src/main.rs";

/// Releases what is committed, which must not go well; what was told of it.
fn released_in_vain(checkout: &Checkout) -> Value {
    let ended = checkout.run(&["release", "--rate", "100", "--output", "json"]);
    assert_eq!(ended.code, Some(4), "{}\n{}", ended.stdout, ended.stderr);
    let release: Value = serde_json::from_str(&ended.stdout).unwrap();
    // No script is told anywhere, and none of its lines twice.
    assert!(!ended.stderr.contains("seatrial-image --") && !ended.stdout.contains("seatrial-image --"));
    release
}

fn evidence(release: &Value) -> String {
    release["explanation"]["evidence"].as_array().unwrap().iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn each_release_that_goes_wrong_is_rolled_back_and_told_in_one_story_while_production_answers() {
    let checkout = Checkout::of_fixture(Layout::Member);
    let program = std::fs::read_to_string(checkout.path().join(PROGRAM)).unwrap();
    checkout
        .edit_project("  health_check_path: /healthz", "  health_check_path: /healthz\n  probe: {path: /}");
    let provisioned = checkout.json(&["provision", "--yes"]);
    run_once_and_read(&checkout);
    let load = Load::on(provisioned["outputs"]["Url"].as_str().unwrap());

    // A build that fails is told by the compiler's line.
    checkout.commit_long_ago(PROGRAM, &format!("{program}\nfn broken() -> u32 {{ no_such_value }}\n"));
    let release = released_in_vain(&checkout);
    assert_eq!(release["explanation"]["cause"], "build", "{release}");
    assert!(release["explanation"]["what"].as_str().unwrap().contains("no_such_value"), "{release}");
    assert_eq!(release["explanation"]["users"], "nothing was deployed");
    explained_alike(&checkout, &release);

    // A program that ends is told by its last words, and leaves them where they can be read.
    let ends =
        "assert!(std::env::args().count() > 9, \"Address already in use, it seems\");\n    let variable";
    checkout.commit_long_ago(PROGRAM, &program.replacen("let variable", ends, 1));
    let release = released_in_vain(&checkout);
    assert_eq!(
        (&release["explanation"]["cause"], &release["rolled_back"]),
        (&"exited".into(), &true.into()),
        "{release}"
    );
    assert!(evidence(&release).contains("Address already in use, it seems"), "{release}");
    let kept = checkout.path().join(release["evidence"].as_str().unwrap());
    let logs: Vec<_> = std::fs::read_dir(kept.join("tasks")).unwrap().collect();
    assert!(!logs.is_empty());
    explained_alike(&checkout, &release);

    load.end_without_a_failure();

    // One that is healthy and answers its users badly is known by the requests, after the shift. No alarm looks at 404.
    let answers = program.replacen("\"/\" => (\"200 OK\", page)", "\"/\" => (\"404 Not Found\", page)", 1);
    checkout.commit_long_ago(PROGRAM, &answers);
    let release = released_in_vain(&checkout);
    assert_eq!(
        (&release["explanation"]["cause"], &release["rolled_back"]),
        (&"requests".into(), &true.into()),
        "{release}"
    );
    assert!(release["requests"]["failed"].as_u64().unwrap() > 5, "{release}");

    // What is mended goes on, as far as it is asked to.
    std::fs::write(checkout.path().join(PAGE), "a mended page\n").unwrap();
    checkout.commit_long_ago(PROGRAM, &program);
    let release = checkout.json(&["release", "--wait-until", "traffic-shifted"]);
    assert_eq!(
        (&release["reached"], &release["changed"]),
        (&"AllowTraffic".into(), &true.into()),
        "{release}"
    );
    assert!(release["resume"].as_str().is_some(), "{release}");
    assert!(released_at_last(&checkout)["failures"].as_array().unwrap().is_empty(), "{release}");
}

/// Each of its tasks says which version it is when it migrates, and does so with exit code `code`.
fn migrating(program: &str, version: &str, code: u8) -> String {
    with_command(program, "migrate", (&format!("the schema becomes {version}"), code))
}

/// With one more command, which writes a line and ends.
fn with_command(program: &str, name: &str, (line, code): (&str, u8)) -> String {
    let command = format!(
        "if std::env::args().nth(1).as_deref() == Some(\"{name}\") {{\n        \
         println!(\"{line}\");\n        std::process::exit({code});\n    }}"
    );
    // Before the program looks at its arguments itself.
    program.replacen("fn main() {", &format!("fn main() {{\n    {command}"), 1)
}

/// When the actions of the stage Deploy began, by the journal of the local cloud: builds of the release project, and
/// deployments.
fn steps(checkout: &Checkout) -> Vec<String> {
    let local = checkout.json(&["local", "status"]);
    let cli = AwsCli::new(&local);
    let executions = cli.json(&["codepipeline", "list-action-executions", "--pipeline-name", LOCAL]);
    let mut details = executions["actionExecutionDetails"].as_array().unwrap().clone();
    details.retain(|action| action["stageName"] == "Deploy");
    details.sort_by_key(|action| action["startTime"].to_string());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    details
        .iter()
        .map(|action| format!("{} {}", text(&action["actionName"]), text(&action["status"])))
        .collect()
}

#[test]
fn a_migration_runs_before_any_traffic_and_one_that_fails_leaves_production_untouched() {
    let checkout = Checkout::of_fixture(Layout::Member);
    let program = std::fs::read_to_string(checkout.path().join(PROGRAM)).unwrap();
    checkout.edit_project("environments:", "migrate: {command: [migrate]}\nenvironments:");
    checkout.commit_long_ago(PROGRAM, &migrating(&program, "the first", 0));
    let provisioned = checkout.json(&["provision", "--yes"]);
    assert_eq!(provisioned["release"]["status"], "Succeeded", "{provisioned}");
    assert_eq!(steps(&checkout), ["Migrate Succeeded", "Deploy Succeeded"]);
    let load = Load::on(provisioned["outputs"]["Url"].as_str().unwrap());

    checkout.commit_long_ago(PROGRAM, &migrating(&program, "broken", 7));
    let release = released_in_vain(&checkout);

    let told = &release["explanation"];
    assert_eq!((&told["cause"], &release["rolled_back"]), (&"migration".into(), &false.into()), "{release}");
    assert_eq!(told["users"], "no traffic was moved, the old version serves");
    assert!(told["what"].as_str().unwrap().contains("exit code 7"), "{release}");
    assert!(evidence(&release).contains("| the schema becomes broken"), "{release}");
    assert_eq!(steps(&checkout)[2..], ["Migrate Failed"]);
    explained_alike(&checkout, &release);
    load.end_without_a_failure();

    // What would break the version that serves is refused before anything starts, unless it is meant.
    let file = checkout.path().join("web/migrations/0001_drop.sql");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "-- Nobody reads it any more.\nDROP TABLE pages;\n").unwrap();
    git(&checkout.path(), &["add", "."]);
    checkout.commit_long_ago(PROGRAM, &migrating(&program, "the second", 0));
    let refused = checkout.run(&["release"]);
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("web/migrations/0001_drop.sql:2: `DROP TABLE pages`"),
        "{}",
        refused.stderr
    );
    assert_eq!(steps(&checkout).len(), 3);
    let release = checkout.json(&["release", "--rate", "20", "--allow-breaking-migration"]);
    assert_eq!(
        (&release["status"], &release["requests"]["failed"]),
        (&"Succeeded".into(), &0.into()),
        "{release}"
    );
    assert_eq!(checkout.run(&["destroy", "--yes", "--environment", "local"]).code, Some(0));
}

#[test]
fn new_tasks_are_checked_before_any_traffic_and_a_check_that_fails_leaves_production_untouched() {
    let checkout = Checkout::of_fixture(Layout::Member);
    let program = std::fs::read_to_string(checkout.path().join(PROGRAM)).unwrap();
    let checks = "checks: [{path: /, contains: commit, max_latency: 30s}, {command: [smoke]}]\nenvironments:";
    checkout.edit_project("environments:", checks);
    checkout.commit_long_ago(PROGRAM, &with_command(&program, "smoke", ("no smoke", 0)));
    let provisioned = checkout.json(&["provision", "--yes"]);
    assert_eq!(provisioned["release"]["status"], "Succeeded", "{provisioned}");
    assert_eq!(steps(&checkout).len(), 2);
    let load = Load::on(provisioned["outputs"]["Url"].as_str().unwrap());

    // A check that was killed has left its door open.
    let left = format!(
        "IpProtocol=tcp,FromPort=8080,ToPort=8080,IpRanges=[{{CidrIp=127.9.9.9/32,Description='{}'}}]",
        "opened by seatrial-image check, which closes it again"
    );
    let group = provisioned["outputs"]["LoadBalancerSecurityGroupId"].as_str().unwrap();
    let aws = AwsCli::new(&checkout.json(&["local", "status"]));
    aws.text(&["ec2", "authorize-security-group-ingress", "--group-id", group, "--ip-permissions", &left]);

    // By the new tasks' answers.
    let other = program.replacen("\"/\" => (\"200 OK\", page)", "\"/\" => (\"200 OK\", \"another page\")", 1);
    checkout.commit_long_ago(PROGRAM, &with_command(&other, "smoke", ("no smoke", 0)));
    let release = released_in_vain(&checkout);
    let told = &release["explanation"];
    assert_eq!((&told["cause"], &release["rolled_back"]), (&"check".into(), &true.into()), "{release}");
    assert!(told["what"].as_str().unwrap().contains("does not contain `commit`"), "{release}");
    explained_alike(&checkout, &release);
    let of_group = format!("Name=group-id,Values={group}");
    let rules = aws.json(&["ec2", "describe-security-group-rules", "--filters", &of_group]);
    let rules = rules["SecurityGroupRules"].as_array().unwrap();
    assert!(!rules.is_empty() && rules.iter().all(|rule| rule["CidrIpv4"] != "127.9.9.9/32"), "{rules:#?}");

    // By a command, once the answers are good.
    checkout.commit_long_ago(PROGRAM, &with_command(&program, "smoke", ("smoke on the second floor", 3)));
    let release = released_in_vain(&checkout);
    assert_eq!(release["explanation"]["cause"], "check", "{release}");
    assert!(evidence(&release).contains("check held: GET / was answered with 200"), "{release}");
    assert!(evidence(&release).contains("| smoke on the second floor"), "{release}");
    load.end_without_a_failure();

    // Whoever may not ask was let in for as long as was asked.
    let status = checkout.json(&["status", "--drift"]);
    let drifted = status["drift"].as_array().unwrap();
    assert!(!drifted.iter().any(|one| one["stack"] == "security-groups"), "{status}");
    assert_eq!(checkout.run(&["release", "--continue"]).code, Some(3));
    assert_eq!(checkout.run(&["destroy", "--yes", "--environment", "local"]).code, Some(0));
}

/// The live image runs once with a word, and what it and the others wrote is read again.
fn run_once_and_read(checkout: &Checkout) {
    let once = checkout.run(&["run", "--output", "json", "--", "once"]);
    assert_eq!(once.code, Some(4), "{}", once.stderr);
    let (said, object) = once.stdout.trim_end().rsplit_once('\n').unwrap();
    assert_eq!(serde_json::from_str::<Value>(said).unwrap()["text"], "said: once", "{said}");
    let object: Value = serde_json::from_str(object).unwrap();
    assert_eq!(object["exit_code"], 7, "{object}");
    assert_eq!(object["failures"][0]["message"], "the command ended with exit code 7");

    // Whoever interrupts it has it stopped.
    let mut waiting = checkout.begin(&["run", "--", "wait"]);
    let mut first = String::new();
    BufReader::new(waiting.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
    assert_eq!(first, "said: wait\n");
    kill(Pid::from_raw(waiting.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let ended = Ended::of(waiting.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(ended.stderr.contains("was told to stop"), "{}", ended.stderr);

    let lines = |arguments: &[&str]| {
        let read = checkout.run(&[&["logs", "--since", "1h"], arguments].concat());
        assert_eq!(read.code, Some(0), "{arguments:?}: {}", read.stderr);
        read.stdout
    };
    let task = object["task"].as_str().unwrap();
    let all = lines(&[]);
    assert!(
        all.contains(" listens on ") && all.contains("said: once") && all.contains("said: wait"),
        "{all}"
    );
    assert_eq!(lines(&["--task", &task[..12]]).lines().count(), 1);
    assert_eq!(lines(&["--filter", "once"]).lines().count(), 1);
    assert!(lines(&["--source", "build"]).contains("cargo"));
    let deployments = lines(&["--source", "deployment"]);
    assert!(deployments.contains("AllowTraffic Succeeded"), "{deployments}");
    assert!(deployments.contains("has reached a steady state"), "{deployments}");
}

/// The commit is released, by whoever started it, and the way back from it and forth again is open.
fn released_at_last(checkout: &Checkout) -> Value {
    let release = checkout.json(&["release"]);
    let listed = checkout.json(&["rollback", "--list"]);
    let earlier = listed["earlier"].as_array().unwrap();
    assert!(earlier.len() >= 2 && earlier[0]["is_live"] == true, "{listed}");
    assert_eq!(checkout.run(&["rollback"]).code, Some(3));

    let back = checkout.json(&["rollback", "--yes"]);
    assert_eq!((&back["status"], &back["requests"]["failed"]), (&"Succeeded".into(), &0.into()), "{back}");
    assert_eq!(back["to"]["task_definition"], earlier[1]["task_definition"], "{back}");
    let live = earlier[0]["task_definition"].as_str().unwrap();
    let forth = checkout.json(&["rollback", "--yes", "--to", live]);
    assert_eq!(forth["to"]["task_definition"], live, "{forth}");
    release
}

/// `explain` tells the same later, from what was kept and from what AWS still knows.
fn explained_alike(checkout: &Checkout, release: &Value) {
    let explained = checkout.json(&["explain"]);
    assert_eq!(explained["pipeline_execution_id"], release["pipeline_execution_id"]);
    assert_eq!(explained["explanation"], release["explanation"]);
    let kept = checkout.path().join(release["evidence"].as_str().unwrap());
    std::fs::rename(&kept, kept.with_extension("away")).unwrap();
    let explained = checkout.json(&["explain", release["pipeline_execution_id"].as_str().unwrap()]);
    assert_eq!(explained["explanation"]["cause"], release["explanation"]["cause"], "{explained}");
    std::fs::rename(kept.with_extension("away"), &kept).unwrap();
}
