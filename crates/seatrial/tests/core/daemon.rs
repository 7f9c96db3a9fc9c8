//! A local cloud that starts, ends, does not answer, or was started by another build of this program.

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ChildStderr, Command};
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::workbench::{Ended, Workbench};

const TEMPLATE: &str = "Resources: {Group: {Type: AWS::Logs::LogGroup}}";

/// Has the running local cloud be that of another build; answers its process.
fn pretend_another_build(workbench: &Workbench) -> Value {
    let mut connection = workbench.connection();
    connection["build"] = "another".into();
    workbench.write("local-cloud/daemon.json", &connection.to_string());
    connection["pid"].clone()
}

#[test]
fn a_busy_local_cloud_of_another_build_is_left_to_its_work() {
    let workbench = Workbench::started();
    // Longer than a test may take.
    let slow = r#"{"kind": "slow", "operation": "CreateLogGroup", "delay_ms": 600000}"#;
    workbench.ask("POST", "/_local/faults", slow);
    workbench.create_stack("slow", TEMPLATE);
    let pid = pretend_another_build(&workbench);

    let ended = workbench.run(&["status", "--environment", "local"]);

    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(workbench.connection()["pid"], pid);
    assert!(ended.stderr.contains("another build serves until"), "{}", ended.stderr);
}

#[test]
fn an_idle_local_cloud_of_another_build_is_started_anew() {
    let workbench = Workbench::provisioned();
    let pid = pretend_another_build(&workbench);

    let ended = workbench.run(&["status", "--environment", "local"]);

    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_ne!(workbench.connection()["pid"], pid);
}

/// A project whose local cloud was stopped, with its data there, and the lock that a local cloud holds: one that starts
/// or ends, for nothing says where it listens.
fn passing() -> (Workbench, Flock<File>) {
    let workbench = Workbench::started();
    assert_eq!(workbench.run(&["local", "stop"]).code, Some(0));
    let lock = File::create(workbench.path("local-cloud/lock")).unwrap();
    (workbench, Flock::lock(lock, FlockArg::LockExclusiveNonblock).unwrap())
}

/// Returns when the command has said that it waits.
#[track_caller]
fn waits(command: &mut Child) -> BufReader<ChildStderr> {
    let mut screen = BufReader::new(command.stderr.take().unwrap());
    let mut shown = String::new();
    while !shown.contains("waiting for one that starts or ends") {
        assert_ne!(screen.read_line(&mut shown).unwrap(), 0, "it did not wait: {shown}");
    }
    screen
}

#[track_caller]
fn succeeds(mut command: Child, mut screen: BufReader<ChildStderr>) {
    let mut shown = String::new();
    screen.read_to_string(&mut shown).unwrap();
    assert_eq!(command.wait().unwrap().code(), Some(0), "{shown}");
}

#[test]
fn whoever_stops_resets_or_starts_a_local_cloud_that_is_ending_waits_for_its_end() {
    let commands: [&[&str]; 3] =
        [&["local", "stop"], &["local", "reset", "--yes"], &["local", "start", "--port", "0"]];
    for arguments in commands {
        let (workbench, ending) = passing();
        let mut command = workbench.spawn(arguments);
        let screen = waits(&mut command);
        assert!(workbench.path("local-cloud/state.jsonl").exists(), "{arguments:?}");

        drop(ending);

        succeeds(command, screen);
        assert_eq!(workbench.path("local-cloud").exists(), !arguments.contains(&"reset"), "{arguments:?}");
        assert_eq!(workbench.path("local-cloud/daemon.json").exists(), arguments.contains(&"start"));
    }
}

#[test]
fn whoever_waits_for_the_end_of_a_local_cloud_hears_the_first_signal() {
    for arguments in [&["local", "stop"][..], &["local", "reset", "--yes"]] {
        let (workbench, _ending) = passing();
        let mut command = workbench.spawn(arguments);
        let _screen = waits(&mut command);

        kill(Pid::from_raw(command.id().try_into().unwrap()), Signal::SIGTERM).unwrap();

        // Well within what the wait may take.
        let end = Instant::now() + Duration::from_secs(60);
        while command.try_wait().unwrap().is_none() {
            assert!(Instant::now() < end, "{arguments:?}");
            std::thread::yield_now();
        }
        assert_eq!(command.wait().unwrap().code(), Some(130), "{arguments:?}");
        assert!(workbench.path("local-cloud/state.jsonl").exists(), "{arguments:?}");
    }
}

#[test]
fn a_reset_where_there_is_nothing_says_so_and_has_changed_nothing() {
    let workbench = Workbench::new();

    let text = workbench.run(&["local", "reset", "--yes"]);
    let object = workbench.run(&["local", "reset", "--yes", "--output", "json"]).object();

    assert_eq!(text.code, Some(0), "{}", text.stderr);
    assert!(text.stdout.starts_with("nothing is there: `"), "{}", text.stdout);
    assert_eq!((&object["changed"], &object["deleted"]), (&false.into(), &Value::Null), "{object}");
}

#[test]
fn a_local_cloud_that_is_starting_is_ended_once_it_is_up() {
    let (workbench, starting) = passing();
    let mut command = workbench.spawn(&["local", "stop"]);
    let screen = waits(&mut command);
    let mut daemon = Command::new("sleep").arg("600").spawn().unwrap();
    let up = connection("http://127.0.0.1:1", daemon.id());

    workbench.write("local-cloud/daemon.json", &up);

    assert_eq!(daemon.wait().unwrap().signal(), Some(Signal::SIGTERM as i32));
    std::fs::remove_file(workbench.path("local-cloud/daemon.json")).unwrap();
    drop(starting);
    succeeds(command, screen);
}

/// What `daemon.json` says of a local cloud of another build.
fn connection(endpoint: &str, pid: u32) -> String {
    let said = serde_json::json!({
        "endpoint": endpoint, "region": "eu-central-1", "access_key_id": "a", "secret_access_key": "b",
        "registry": "127.0.0.1:1", "pid": pid, "data_dir": "/", "build": "another",
    });
    said.to_string()
}

/// A project whose local cloud takes requests and does not answer them, or not to the end.
struct Silent {
    workbench: Workbench,
    daemon: Child,
    _lock: Flock<File>,
}

impl Silent {
    fn new(says: &'static str) -> Self {
        let (workbench, lock) = passing();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let mut taken = Vec::new();
            for mut stream in listener.incoming().flatten() {
                // After a request: before it, an answer is none.
                let _ = stream.read(&mut [0; 16]).and_then(|_| stream.write_all(says.as_bytes()));
                taken.push(stream);
            }
        });
        let daemon = Command::new("sleep").arg("600").spawn().unwrap();
        workbench.write("local-cloud/daemon.json", &connection(&endpoint, daemon.id()));
        Self { workbench, daemon, _lock: lock }
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        let _ = self.daemon.kill().and_then(|()| self.daemon.wait());
        let _ = std::fs::remove_file(self.workbench.path("local-cloud/daemon.json"));
    }
}

#[test]
fn a_local_cloud_that_does_not_answer_is_told_of_and_not_waited_for() {
    let commands: [&[&str]; 4] = [
        &["status", "--environment", "local"],
        &["provision", "--yes", "--environment", "local"],
        &["local", "status"],
        &["local", "start"],
    ];
    let silent = ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n"].map(Silent::new);
    let running = silent.iter().flat_map(|silent| {
        commands.map(|arguments| {
            (arguments, silent.workbench.spawn(&[arguments, &["--output", "json"]].concat()))
        })
    });
    for (arguments, command) in running.collect::<Vec<_>>() {
        let ended = Ended::of(command.wait_with_output().unwrap());
        let object = ended.object();
        assert_eq!(ended.code, Some(3), "{arguments:?}: {ended:?}");
        let told = object["failures"][0]["message"].as_str().unwrap();
        assert!(told.contains("does not answer within"), "{arguments:?}: {told}");
        assert!(object["hints"][0].as_str().unwrap().contains("kill -9"), "{arguments:?}: {object}");
    }
}

#[test]
fn a_file_of_latencies_is_refused_before_anything_starts_and_by_a_local_cloud_that_runs() {
    let workbench = Workbench::new();
    let start = |more: &[&str]| workbench.run(&[&["local", "start", "--port", "0"], more].concat());
    workbench.write("unknown.yml", "# seconds\nAWS::Logs::LogGroup: 5\nAWS::Logs::Logroup: 5\n");
    workbench.write("negative.yml", "AWS::Logs::LogGroup: {create: -5}\n");
    workbench.write("latencies.yml", "AWS::Logs::LogGroup: {create: 0.5}\n");
    let wrong = [
        ("unknown.yml", "unknown.yml:3:1: the local cloud knows no resource type `AWS::Logs::Logroup`"),
        ("negative.yml", "negative.yml:1:31: "),
        ("missing.yml", "failed to read `missing.yml`: "),
    ];
    for (file, expected) in wrong {
        let refused = start(&["--latencies", file]);
        assert_eq!(refused.code, Some(3), "{refused:?}");
        assert!(refused.stderr.contains(expected), "{refused:?}");
        assert!(!workbench.path("local-cloud/daemon.json").exists());
    }
    assert_eq!(start(&["--time-scale", "0.5"]).code, Some(2));

    let started = start(&["--latencies", "latencies.yml", "--time-scale", "100"]);
    assert_eq!(started.code, Some(0), "{started:?}");
    assert_eq!(workbench.run(&["provision", "--yes"]).code, Some(0));

    for options in [["--latencies", "latencies.yml"], ["--time-scale", "60"]] {
        let refused = start(&options);
        assert_eq!(refused.code, Some(3), "{refused:?}");
        assert!(refused.stderr.contains("the local cloud is running at http://127.0.0.1:"), "{refused:?}");
    }
    assert_eq!(start(&[]).code, Some(0));
}
