//! The machine it runs on: signals, a hook's variables, another user's checkout, proxies, limits, a missing HOME.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

#[path = "machine/here.rs"]
mod here;
#[path = "machine/own.rs"]
mod own;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use here::{Here, ended, errors, git_in, number_in, object, runs, send, until};
use nix::sys::signal::Signal;

/// Those that end a command, but what this test ignores, as under `nohup` or behind a script's `&`: then all that it
/// starts ignores it.
fn signals() -> impl Iterator<Item = Signal> {
    let ignored = ignored_by("self");
    let signals = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];
    signals.into_iter().filter(move |signal| ignored & 1 << (*signal as i32 - 1) == 0)
}

/// A bit for each signal that a process ignores (proc(5)).
fn ignored_by(pid: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    u64::from_str_radix(ignored.trim(), 16).unwrap()
}

/// `provision` at a terminal, in a shell after `first`, once it has asked: with its screen, and what that showed.
fn asking(here: &Here, first: &str, pid_file: &Path) -> (Child, ChildStdout, String) {
    // util-linux's `script` gives it a terminal.
    let tool = env!("CARGO_BIN_EXE_cargo-seatrial");
    let line = format!("{first} echo $$ > '{}'; exec '{tool}' provision", pid_file.display());
    let mut command = Command::new("script");
    let like = here.tool(&[]);
    command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(here.project());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut screen = child.stdout.take().unwrap();
    let mut shown = String::new();
    while !shown.contains("go ahead? (yes/no)") {
        let mut bytes = [0; 4096];
        let count = screen.read(&mut bytes).unwrap();
        assert!(count > 0, "{shown}");
        shown.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    (child, screen, shown)
}

#[test]
fn a_signal_that_the_command_was_started_to_ignore_stays_ignored() {
    let here = Here::new();
    let pid_file = here.path("pid");
    let (mut child, mut screen, mut shown) = asking(&here, "trap '' HUP;", &pid_file);
    let pid = number_in(&pid_file);

    send(pid, Signal::SIGHUP);

    assert_eq!(ignored_by(&pid.to_string()) & 1 << (Signal::SIGHUP as i32 - 1), 1);
    send(pid, Signal::SIGTERM);
    screen.read_to_string(&mut shown).unwrap();
    until("an end", || child.try_wait().unwrap().is_some());
    assert_eq!(child.wait().unwrap().code(), Some(130), "{shown}");
}

#[test]
fn each_signal_at_the_prompt_ends_provision_and_leaves_no_change_set() {
    let here = Here::new();
    for signal in signals() {
        let pid_file = here.path(&format!("pid-{signal}"));
        let (mut child, mut screen, mut shown) = asking(&here, "", &pid_file);

        send(number_in(&pid_file), signal);

        // Its input stays open: nothing but the signal ends it.
        screen.read_to_string(&mut shown).unwrap();
        until("an end", || child.try_wait().unwrap().is_some());
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal}: {shown}");
        assert!(shown.contains("to go on: `cargo seatrial provision`"), "{signal}: {shown}");
    }
    let status = here.json(&["provision", "--dry-run"]);
    assert_eq!(status["changed"], false);
}

#[test]
fn each_signal_ends_what_a_check_runs_with_its_children_and_its_local_cloud() {
    let tool = env!("CARGO_BIN_EXE_cargo-seatrial");
    for signal in signals() {
        let here = Here::new();
        let file = |name: &str| here.path(name).display().to_string();
        // A child, a grandchild, and a local cloud, which has a session of its own.
        here.check_with(&format!(
            "  - XTASK_LOCAL_OWNER= XTASK_LOCAL_DATA_DIR=$TMPDIR/cloud '{tool}' local start --port 0 && \
             cp $TMPDIR/cloud/daemon.json '{}' && \
             sh -c 'sleep 600 & echo $! > {}; wait' & echo $! > '{}'; wait",
            file("daemon.json"),
            file("grandchild"),
            file("child"),
        ));
        let mut command = here.tool(&["check", "--output", "json"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let grandchild = number_in(&here.path("grandchild"));
        let started = [number_in(&here.path("child")), grandchild];
        let daemon: serde_json::Value =
            serde_json::from_slice(&std::fs::read(here.path("daemon.json")).unwrap()).unwrap();
        let daemon = u32::try_from(daemon["pid"].as_u64().unwrap()).unwrap();

        send(child.id(), signal);
        let output = ended(child);

        assert_eq!(output.status.code(), Some(130), "{signal}: {}", errors(&output));
        let outcome: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(outcome["passed"], false, "{signal}: {outcome}");
        for pid in [started[0], started[1], daemon] {
            assert!(!runs(pid), "{signal}: {pid} is left running");
        }
        assert_eq!(std::fs::read_dir(here.path("tmp")).unwrap().count(), 0, "{signal}");
    }
}

#[test]
fn a_second_signal_ends_a_check_at_once_with_what_does_not_want_to_end() {
    for signal in signals() {
        let here = Here::new();
        let pid = here.path("stubborn");
        here.check_with(&format!("  - trap '' INT TERM HUP; echo $$ > '{}'; sleep 600", pid.display()));
        let mut command = here.tool(&["check", "--output", "json"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stubborn = number_in(&pid);

        send(child.id(), signal);
        heard(&mut child);
        send(child.id(), signal);
        let output = ended(child);

        assert_eq!(output.status.code(), Some(130), "{signal}");
        let outcome: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(outcome["failures"][0]["status"], "interrupted", "{signal}: {outcome}");
        // It was left, not waited for: then nobody knows its steps.
        assert!(outcome.get("steps").is_none(), "{signal}: {outcome}");
        until("the end of what was left", || !runs(stubborn));
    }
}

/// Returns when a command has said that it heard a signal.
#[track_caller]
fn heard(child: &mut std::process::Child) {
    let mut screen = BufReader::new(child.stderr.take().unwrap());
    let mut shown = String::new();
    while !shown.contains("interrupted: ending") {
        assert_ne!(screen.read_line(&mut shown).unwrap(), 0, "{shown}");
    }
    // Whatever else is said has somewhere to go.
    std::thread::spawn(move || std::io::copy(&mut screen, &mut std::io::sink()));
}

#[test]
fn a_check_that_ends_by_itself_leaves_nobody_running_either() {
    let here = Here::new();
    let pid = here.path("pid").display().to_string();
    here.check_with(&format!("  - sleep 600 & echo $! > '{pid}'"));

    let output = here.tool(&["check", "--output", "json"]).output().unwrap();

    serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap();
    let left = number_in(&here.path("pid"));
    until("the end of what was left", || !runs(left));
}

#[test]
fn a_check_tells_its_steps_also_where_its_folder_cannot_be_removed() {
    let here = Here::new();
    here.check_with("  - rm -r \"$TMPDIR\"");

    let output = here.tool(&["check", "--output", "json"]).output().unwrap();

    let outcome: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(outcome["passed"], false);
    assert_eq!(outcome["steps"].as_array().unwrap().last().unwrap()["passed"], true, "{outcome}");
    let failures = outcome["failures"].as_array().unwrap();
    let last = failures.last().unwrap()["message"].to_string();
    assert!(last.contains("failed to remove the directory of temporary files"), "{outcome}");
}

#[test]
fn a_rehearsals_cloud_ends_with_its_owner_however_that_ends_and_takes_the_folder_along() {
    // By the end of the owner alone, and where the owner had told the cloud to end and did not live to see that.
    for told in [false, true] {
        let here = Here::new();
        let folder = here.path("rehearsal");
        let data_dir = folder.join("local-cloud");
        std::fs::create_dir_all(folder.join("source")).unwrap();
        let mut owner = Command::new("sleep").arg("600").spawn().unwrap();
        let mut serve =
            here.tool(&["local", "serve", "--region", "eu-central-1", "--account", "000000000000"]);
        serve.args(["--port", "0", "--owner", &owner.id().to_string()]);
        serve.arg("--data-dir").arg(&data_dir).arg("--source").arg(folder.join("source"));
        serve.arg("--throwaway").arg(&folder).stdout(Stdio::null()).stderr(Stdio::null());
        let mut daemon = serve.spawn().unwrap();
        until("a local cloud", || data_dir.join("daemon.json").exists());

        owner.kill().unwrap();
        owner.wait().unwrap();
        if told {
            send(daemon.id(), Signal::SIGTERM);
        }

        until("the end of the local cloud", || daemon.try_wait().unwrap().is_some());
        assert!(!folder.exists(), "told to end: {told}");
    }
}

/// What git sets for a hook that runs in a linked worktree. GIT_WORK_TREE it sets only where it was set.
fn as_hook(command: &mut Command, worktree: &std::path::Path, names_tree: bool) {
    let git_dir = git_in(worktree, &["rev-parse", "--absolute-git-dir"]);
    command.env("GIT_DIR", &git_dir).env("GIT_INDEX_FILE", format!("{git_dir}/index")).env("GIT_PREFIX", "");
    if names_tree {
        command.env("GIT_WORK_TREE", worktree);
    }
}

#[test]
fn a_hook_in_a_linked_worktree_never_touches_the_users_branch() {
    let user = Here::new();
    let worktree = user.path("worktree");
    user.git(&["worktree", "add", "--quiet", "-b", "feature", worktree.to_str().unwrap()]);
    let state = || ["symbolic-ref", "rev-parse"].map(|asked| git_in(&worktree, &[asked, "HEAD"]));
    let before = state();
    // Another project: what the variables name must not be taken for it.
    let other = Here::new();
    std::fs::write(other.project().join("other"), "").unwrap();
    other.commit();

    let commands: [&[&str]; 4] =
        [&["graph"], &["build-image", "--dry-run"], &["release", "--dry-run"], &["rehearse"]];
    for arguments in commands {
        for (project, names_tree) in [(&worktree, false), (&worktree, true), (&other.project(), false)] {
            let mut command = other.tool(arguments);
            as_hook(command.current_dir(project), &worktree, names_tree);

            let output = command.output().unwrap();

            assert!(!errors(&output).contains("cannot be cloned"), "{arguments:?}: {}", errors(&output));
            assert_eq!(state(), before, "{arguments:?}");
            assert_eq!(git_in(&worktree, &["status", "--porcelain"]), "", "{arguments:?}");
        }
    }
    assert_eq!(user.git(&["symbolic-ref", "HEAD"]), "refs/heads/main");
}

#[test]
fn a_rehearsal_in_a_hook_plays_the_commit_of_the_project_it_was_started_in() {
    let user = Here::new();
    let here = Here::inside("services/web");
    std::fs::write(here.repository().join("shared"), "").unwrap();
    here.commit();
    let mut command = here.tool(&["rehearse", "--keep", "--output", "json"]);
    as_hook(&mut command, &user.repository(), false);

    let output = command.output().unwrap();

    // One stack, and nothing to release: it ends there, and what it cloned is kept to be looked at.
    let kept = std::fs::read_dir(here.path("tmp")).unwrap().map(|entry| entry.unwrap().path());
    let [folder] = &kept.collect::<Vec<_>>()[..] else { panic!("{}", errors(&output)) };
    let source = folder.join("source");
    assert_eq!(git_in(&source, &["rev-parse", "HEAD"]), here.git(&["rev-parse", "HEAD"]));
    assert!(source.join("shared").exists() && source.join("services/web/infra/project.yml").exists());
    let provisioned = errors(&output);
    assert!(provisioned.contains("web-local-notes"), "{provisioned}");
    let outcome: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(outcome["verdict"], "fail", "{outcome}");
    let mut reset = here.tool(&["local", "reset", "--yes"]);
    let reset = reset.env("XTASK_LOCAL_DATA_DIR", folder.join("local-cloud")).output().unwrap();
    assert_eq!(reset.status.code(), Some(0), "{}", errors(&reset));
}

#[test]
fn a_rehearsal_plays_the_project_file_of_the_commit_and_not_the_one_that_lies_there() {
    let here = Here::new();
    let file = here.project().join("infra/project.yml");
    let changed = std::fs::read_to_string(&file).unwrap().replace("project: web", "project: changed");
    std::fs::write(&file, changed).unwrap();

    let output = here.tool(&["rehearse"]).output().unwrap();

    let told = errors(&output);
    assert!(told.contains("web-local-notes") && !told.contains("changed-local-notes"), "{told}");
}

#[test]
fn a_rehearsal_that_cannot_be_staged_has_failed_and_leaves_no_folder_behind() {
    let here = Here::new();
    // A repository that lost a folder of its commit.
    let lost = here.git(&["rev-parse", "HEAD:infra/stacks"]);
    std::fs::remove_file(here.repository().join(format!(".git/objects/{}/{}", &lost[..2], &lost[2..])))
        .unwrap();

    let output = here.tool(&["rehearse", "--output", "json"]).output().unwrap();

    assert_eq!(output.status.code(), Some(3), "{}", errors(&output));
    let outcome: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(outcome["verdict"], "fail", "{outcome}");
    assert!(outcome["failures"][0]["message"].to_string().contains("cannot be cloned"), "{outcome}");
    assert_eq!(std::fs::read_dir(here.path("tmp")).unwrap().count(), 0);
}

#[test]
fn a_rehearsal_that_is_interrupted_in_its_first_build_ends_that_and_leaves_nothing_behind() {
    let here = Here::new();
    let project = here.project();
    let stacks = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/stacks");
    for needed in ["registry.yml", "cluster.yml", "build.yml"] {
        std::fs::copy(format!("{stacks}/{needed}"), project.join("infra/stacks").join(needed)).unwrap();
    }
    // What wants the image.
    let service = "Resources:\n  Service: {Type: AWS::ECS::Service}\n";
    std::fs::write(project.join("infra/stacks/service.yml"), service).unwrap();
    let pid_file = here.path("pid");
    let command = format!("sleep 600 & echo $! > {}; wait", pid_file.display());
    std::fs::create_dir(project.join(".aws")).unwrap();
    let buildspec = format!("version: 0.2\nphases:\n  build:\n    commands: ['{command}']\n");
    std::fs::write(project.join(".aws/buildspec.yml"), buildspec).unwrap();
    here.commit();
    let mut command = here.tool(&["rehearse", "--output", "json"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let build = number_in(&pid_file);

    send(child.id(), Signal::SIGTERM);
    let output = ended(child);

    assert_eq!(output.status.code(), Some(130), "{}", errors(&output));
    let outcome: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&outcome["verdict"], &outcome["changed"]), (&"fail".into(), &true.into()), "{outcome}");
    assert!(!runs(build), "the build is left running");
    assert_eq!(std::fs::read_dir(here.path("tmp")).unwrap().count(), 0);
}

#[test]
fn a_checkout_of_another_user_is_named_with_what_to_type() {
    if !nix::unistd::geteuid().is_root() {
        // Past the test's captured output: who reads a green run must see that this was not part of it.
        let reason = "only root can give a folder away";
        writeln!(std::io::stderr(), "NOT RUN: a checkout of another user: {reason}").unwrap();
        return;
    }
    let here = Here::new();
    let status = Command::new("chown").args(["-R", "12345"]).arg(here.repository()).status().unwrap();
    assert!(status.success());

    for arguments in [&["rehearse"][..], &["build-image"]] {
        let output = here.tool(arguments).output().unwrap();

        let said = errors(&output);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {said}");
        assert!(
            said.contains("dubious ownership") && said.contains("safe.directory"),
            "{arguments:?}: {said}"
        );
        assert_eq!(std::fs::read_dir(here.path("tmp")).unwrap().count(), 0, "{arguments:?}");
    }
}

#[test]
fn a_project_in_a_folder_of_its_repository_is_found_from_below_it() {
    let here = Here::inside("services/web");
    let below = here.project().join("src/deep");
    std::fs::create_dir_all(&below).unwrap();

    let output = here.tool(&["graph"]).current_dir(&below).output().unwrap();

    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("infra/stacks/notes.yml"));
}

#[test]
fn a_project_in_a_folder_of_its_repository_is_named_to_who_runs_the_tool_above_it() {
    let here = Here::inside("services/web");

    let output = here.tool(&["graph"]).current_dir(here.repository()).output().unwrap();

    let said = errors(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    let folder = here.project().canonicalize().unwrap();
    assert!(said.starts_with("error: failed to read `infra/project.yml`"), "{said}");
    assert!(
        said.contains(&format!("hint: run it in the project's folder: `{}`", folder.display())),
        "{said}"
    );
}

#[test]
fn what_the_user_has_chosen_for_the_endpoints_of_aws_does_not_count_for_the_local_cloud() {
    let here = Here::new();
    here.json(&["local", "start", "--port", "0"]);
    let config = here.path("config");
    std::fs::write(&config, "[default]\nuse_fips_endpoint = true\nuse_dualstack_endpoint = true\n").unwrap();
    let config = config.to_str().unwrap();
    for variable in [
        ("AWS_USE_FIPS_ENDPOINT", "true"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "true"),
        ("AWS_CONFIG_FILE", config),
    ] {
        for arguments in [&["status"][..], &["provision", "--yes"]] {
            let mut command = here.tool(&[arguments, &["--output", "json"]].concat());
            object(&command.envs([variable]).output().unwrap());
        }
    }
}

#[test]
fn what_is_on_this_machine_is_never_asked_through_a_proxy() {
    let here = Here::new();
    // A port that is closed again.
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let commands: [&[&str]; 4] =
        [&["local", "start", "--port", "0"], &["local", "status"], &["provision", "--yes"], &["status"]];
    for arguments in commands {
        let mut command = here.tool(&[arguments, &["--output", "json"]].concat());
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
            command.env(name, format!("http://{dead}"));
        }
        object(&command.output().unwrap());
    }
}

#[test]
fn the_local_cloud_has_all_the_open_files_it_may_have() {
    let here = Here::new();
    let tool = env!("CARGO_BIN_EXE_cargo-seatrial");
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -Sn 256 && exec '{tool}' local start --port 0 --output json")]);
    let like = here.tool(&[]);
    command.env_clear().envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));

    let started = object(&command.current_dir(here.project()).output().unwrap());

    let limits = std::fs::read_to_string(format!("/proc/{}/limits", started["pid"])).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words[3], words[4], "{line}");
    assert_ne!(words[3], "256", "{line}");
}

#[test]
fn nothing_needs_home() {
    let here = Here::new();
    for arguments in [&["local", "start", "--port", "0"][..], &["local", "status"], &["provision", "--yes"]] {
        let mut command = here.tool(&[arguments, &["--output", "json"]].concat());
        object(&command.env_remove("HOME").output().unwrap());
    }
    // Where the data directory is not given, the user database says where home is; asked of no cloud, to start none.
    let mut command = here.tool(&["local", "stop", "--output", "json"]);
    let output = command.env_remove("HOME").env_remove("XTASK_LOCAL_DATA_DIR").output().unwrap();
    assert_eq!(object(&output)["was_running"], false);
}
