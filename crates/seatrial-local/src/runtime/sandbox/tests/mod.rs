//! Containers of an image of this machine's own shell, with the libraries that it needs.

mod image;

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::io::AsyncReadExt as _;
use tokio::sync::mpsc;

use super::*;
use crate::cloud::Cloud;
use crate::runtime::interfaces::Interfaces;
use crate::runtime::lines::Line;
use crate::runtime::process::{Exit, Process};
use crate::runtime::unpack::{Owners, unpack};
use crate::tests::{TASK_AGENT, cloud_in, is_a_users, server};

/// The agent of the tasks of all tests, which start this program with [`crate::tests::TASK_AGENT`].
#[test]
fn this_program_serves_as_the_agent_of_tasks() {
    super::serve_as_task_agent();
}

/// A local cloud with an image.
struct World {
    cloud: Cloud,
    dir: tempfile::TempDir,
}

impl Drop for World {
    fn drop(&mut self) {
        // Not all of it can be removed by whoever runs the test.
        sweep_tasks(self.dir.path(), &TASK_AGENT.map(str::to_owned));
    }
}

const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 20, 30, 40);

impl World {
    async fn new() -> Self {
        Self::with(Some(server())).await
    }

    async fn with(server: Option<&[u8]>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let cloud = cloud_in(dir.path());
        let sandboxes = cloud.part::<Sandboxes>();
        let ids = sandboxes.usable(&cloud).await.unwrap();
        let root = sandboxes.images(ids).unwrap().join("image");
        std::fs::create_dir(&root).unwrap();
        ids.give(&root).unwrap();
        let layer = dir.path().join("layer");
        std::fs::write(&layer, image::layer(server)).unwrap();
        let layer = std::fs::File::open(layer).unwrap();
        if ids.keep_owners() {
            let unpacking = sandboxes.inside(&cloud, ids, &sandboxes.images(ids).unwrap()).await.unwrap();
            unpacking.unpack(layer, "image".into()).await.unwrap();
        } else {
            unpack(layer, &root, Owners::Own).unwrap();
        }
        Self { cloud, dir }
    }

    async fn task(&self, id: &str) -> Arc<Sandbox> {
        let sandboxes = self.cloud.part::<Sandboxes>();
        let ids = sandboxes.usable(&self.cloud).await.unwrap();
        let task = Task {
            id,
            key: format!("task/{id}"),
            address: ADDRESS,
            hostname: "ip-127-20-30-40.local".to_owned(),
            volumes: vec!["shared".to_owned()],
        };
        sandboxes.open(&self.cloud, ids, &task).await.unwrap()
    }
}

/// A container that runs a script of bash.
fn script(text: &str) -> Container {
    let argv = ["bash", "-c", text].map(str::to_owned).into();
    Container {
        image: "image".into(),
        program: Program { says: None, sleeps: 0, runs: Ok(Execution { path: "/bin/bash".into(), argv }) },
        env: vec![("PATH".to_owned(), "/bin".to_owned())],
        dir: "/srv/here".into(),
        user: User::default(),
        read_only: false,
        mounts: Vec::new(),
        limits: Vec::new(),
        capabilities: vec![0, 1, 6, 7],
    }
}

async fn start(sandbox: &Arc<Sandbox>, container: Container) -> (Process, mpsc::Receiver<Line>) {
    let (output, lines) = mpsc::channel(1000);
    (sandbox.start(container, output).await.unwrap(), lines)
}

/// Runs it to its end; what it wrote.
async fn run(sandbox: &Arc<Sandbox>, container: Container) -> (Exit, Vec<String>) {
    let (process, mut lines) = start(sandbox, container).await;
    let exit = process.wait().await;
    let mut written = Vec::new();
    while let Ok(line) = lines.try_recv() {
        written.push(line.text);
    }
    (exit, written)
}

/// Whether any process of this machine has `word` among its arguments.
fn runs_anywhere(word: &str) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let commands = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    commands.into_iter().any(|command| command.split(|byte| *byte == 0).any(|one| one == word.as_bytes()))
}

async fn until(word: &str, runs: bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while runs_anywhere(word) != runs {
        assert!(tokio::time::Instant::now() < deadline, "{word}: {}", !runs);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_container_sees_its_image_and_its_own_processes_devices_and_names_alone() {
    let world = World::new().await;
    let task = world.task("one").await;
    let (exit, lines) = run(
        &task,
        script(
            r#"
            echo "$$ $PWD $(id -u) $(cat /proc/sys/kernel/hostname)"
            ls /proc | grep -c '^[0-9]'
            for file in full null random tty urandom zero; do [ -c /dev/$file ] || echo "no $file"; done
            echo $(ls /dev); readlink /proc/self/fd/0; stat -f -c %T /dev/shm /dev/pts
            echo gone > /dev/null && head -c 4 /dev/zero | od -An -c
            cat /etc/hosts /etc/hostname /etc/resolv.conf
            ls /; cat /proc/net/dev | grep -c :
            stat -c '%u:%g %a' /data/own /data/setuid /srv/here
            grep CapBnd /proc/self/status
            echo changed > /data/own && cat /data/own
            echo 1 > /proc/sys/vm/panic_on_oom
            "#,
        ),
    )
    .await;
    let expected = [
        "1 /srv/here 0 ip-127-20-30-40.local",
        // Itself, and the two that count.
        "3",
        "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero",
        "/dev/null",
        "tmpfs",
        "devpts",
        "  \\0  \\0  \\0  \\0",
        "127.0.0.1 localhost",
        "::1 localhost ip6-localhost ip6-loopback",
        "127.20.30.40 ip-127-20-30-40.local",
        "ip-127-20-30-40.local",
        "nameserver 127.0.0.1",
        "bin",
        "data",
        "dev",
        "etc",
    ];
    assert_eq!(lines[..expected.len()], expected, "{lines:#?}");
    let rest = &lines[expected.len()..];
    let last = ["1", "10001:10002 640", "10001:0 4755", "0:0 755", "CapBnd:\t00000000000000c3", "changed"];
    let from = rest.iter().position(|line| line == "1").unwrap();
    assert_eq!(rest[from..from + last.len()], last, "{lines:#?}");
    assert!(lines.last().unwrap().ends_with("Read-only file system"), "{lines:#?}");
    assert_eq!(exit.status(), 1);
    // Neither the image nor the next task has what this one wrote.
    let other = world.task("two").await;
    assert_eq!(run(&other, script("cat /data/own; echo")).await.1, ["new"]);
}

#[tokio::test]
async fn a_program_is_the_first_process_and_all_others_end_with_it() {
    let world = World::new().await;
    let task = world.task("one").await;
    let orphan = format!("7{}", std::process::id());
    // A grandchild in a session of its own, whose parent has ended.
    let script_of =
        |first: &str| script(&format!("{first}\n( ( exec sleep {orphan} ) & )\necho up\nsleep 1000 & wait"));

    // Without a handler of SIGTERM nothing comes of it: it is killed when its time is over.
    let (process, mut lines) = start(&task, script_of("")).await;
    assert_eq!(lines.recv().await.unwrap().text, "up");
    until(&orphan, true).await;
    assert_eq!(process.stop(Signal::SIGTERM, Duration::from_millis(300)).await.status(), 137);
    until(&orphan, false).await;

    let (process, mut lines) = start(&task, script_of("trap 'exit 7' TERM")).await;
    assert_eq!(lines.recv().await.unwrap().text, "up");
    assert_eq!(process.stop(Signal::SIGTERM, Duration::from_secs(20)).await.status(), 7);
    until(&orphan, false).await;

    // So do all with the task's agent, whatever their ids.
    let other = Container { user: User { uid: 10001, gid: 10002, groups: vec![8] }, ..script_of("id") };
    let (process, mut lines) = start(&task, other).await;
    assert_eq!(lines.recv().await.unwrap().text, "uid=10001 gid=10002 groups=10002,8");
    assert_eq!(lines.recv().await.unwrap().text, "up");
    drop(task);
    assert_eq!(process.wait().await.status(), 137);
    until(&orphan, false).await;
}

/// Asks a port of this machine or a task by bash.
fn knock(address: SocketAddrV4) -> Container {
    let (host, port) = (address.ip(), address.port());
    script(&format!("exec 3<>/dev/tcp/{host}/{port} && echo connected && cat <&3; echo"))
}

#[tokio::test]
async fn a_task_reaches_what_is_relayed_and_nothing_else_of_this_machine() {
    let world = World::new().await;
    let task = world.task("one").await;
    let listeners = [(); 3].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    let addresses = listeners.each_ref().map(|listener| match listener.local_addr().unwrap() {
        std::net::SocketAddr::V4(address) => address,
        std::net::SocketAddr::V6(_) => unreachable!(),
    });
    let [open, hidden, closed] = addresses;
    let [served, ..] = listeners;
    std::thread::spawn(move || {
        for mut stream in served.incoming().flatten() {
            std::io::Write::write_all(&mut stream, b"hello").unwrap();
        }
    });
    let way = relay(&task, open).await.unwrap();
    let silence = task.silence(closed).await.unwrap();

    assert_eq!(run(&task, knock(open)).await.1, ["connected", "hello"]);
    let (_, lines) = run(&task, knock(hidden)).await;
    assert!(lines[0].contains("Connection refused"), "{lines:#?}");
    let (_, lines) = run(&task, knock(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 5432))).await;
    assert!(lines[0].contains("Connection refused"), "{lines:#?}");
    let (_, lines) = run(&task, knock(SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 443))).await;
    assert!(lines[0].contains("Network is unreachable"), "{lines:#?}");

    // Neither let in nor refused: it waits.
    let (waits, mut lines) = start(&task, knock(closed)).await;
    let (_, after) = run(&task, knock(open)).await;
    assert_eq!((after.concat(), waits.exit()), ("connectedhello".to_owned(), None));
    waits.stop(Signal::SIGKILL, Duration::from_secs(20)).await;
    assert!(lines.try_recv().is_err());

    drop((way, silence));
    for address in [open, closed] {
        // Whoever held it lets go a moment later.
        while !run(&task, knock(address)).await.1.concat().contains("Connection refused") {}
    }
}

#[tokio::test]
async fn a_task_is_reached_from_outside_where_it_listens_and_two_may_have_one_port() {
    let world = World::new().await;
    let serving = |variables: [(&str, &str); 2]| Container {
        program: Program {
            runs: Ok(Execution { path: "/server".into(), argv: vec!["/server".to_owned()] }),
            ..script("").program
        },
        env: variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        ..script("")
    };
    let interfaces = world.cloud.part::<Interfaces>();
    let mut kept = Vec::new();
    let cases = [
        ("all", "0.0.0.0", true),
        ("all-too", "0.0.0.0", true),
        ("six", "[::]", true),
        ("own", "127.20.30.40", true),
        ("loopback", "127.0.0.1", false),
    ];
    for (id, listens, is_reached) in cases {
        let task = world.task(id).await;
        let (process, mut lines) = start(&task, serving([("PORT", "8080"), ("LISTEN", listens)])).await;
        while lines.recv().await.unwrap().text != "listening" {}
        interfaces.attach(ADDRESS.into(), &task, true);
        let reached = interfaces.connect(SocketAddrV4::new(ADDRESS, 8080).into()).await;
        assert_eq!(reached.is_ok(), is_reached, "{id}: {reached:?}");
        if let Ok(mut stream) = reached {
            tokio::io::AsyncWriteExt::write_all(&mut stream, b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.ends_with("ok"), "{answer}");
        }
        kept.push((task, process));
    }
    assert!(kept.iter().all(|(_, process)| process.exit().is_none()));

    // Where the task has ended nobody answers in its place.
    kept.clear();
    let _other = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 8080));
    let error = interfaces.connect(SocketAddrV4::new(ADDRESS, 8080).into()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn what_comes_before_a_program_is_told_and_can_be_ended() {
    let world = World::new().await;
    let task = world.task("one").await;
    let before = |says: &str, sleeps, runs| Container {
        program: Program { says: Some(says.to_owned()), sleeps, runs },
        ..script("")
    };

    let (exit, lines) = run(&task, before("exec ./app: exec format error", 0, Err(1))).await;
    assert_eq!((exit.status(), lines), (1, vec!["exec ./app: exec format error".to_owned()]));

    let (process, mut lines) = start(&task, before("soon", 1000, script("").program.runs)).await;
    assert_eq!(lines.recv().await.unwrap().text, "soon");
    assert_eq!(process.stop(Signal::SIGTERM, Duration::from_secs(20)).await.status(), 143);

    let absent = Execution { path: "/absent".into(), argv: vec!["/absent".to_owned()] };
    let program = Program { says: None, sleeps: 0, runs: Ok(absent) };
    let (output, _lines) = mpsc::channel(1);
    let error = task.start(Container { program, ..script("") }, output).await.err().unwrap();
    assert_eq!(error.to_string(), "exec /absent: No such file or directory (os error 2)");
}

#[tokio::test]
async fn a_root_that_can_only_be_read_has_volumes_that_can_be_written() {
    let world = World::new().await;
    let task = world.task("one").await;
    let mount = |volume: Option<&str>, path: &str, read_only| Mount {
        volume: volume.map(str::to_owned),
        path: path.into(),
        read_only,
    };
    let writes = Container {
        read_only: true,
        mounts: vec![mount(Some("shared"), "/var/shared", false), mount(None, "/tmp", false)],
        ..script("touch /var/shared/one /tmp/one && touch /one; touch /data/one; echo $(ls /var/shared /tmp)")
    };
    let (_, lines) = run(&task, writes).await;
    assert!(
        lines[0].ends_with("Read-only file system") && lines[1].ends_with("Read-only file system"),
        "{lines:#?}"
    );
    assert_eq!(lines[2], "/tmp: one /var/shared: one");

    let reads = Container {
        mounts: vec![mount(Some("shared"), "var/shared", true)],
        ..script("ls /var/shared; touch /var/shared/two")
    };
    let (_, lines) = run(&task, reads).await;
    assert_eq!(lines[0], "one");
    assert!(lines[1].ends_with("Read-only file system"), "{lines:#?}");
}

#[tokio::test]
async fn a_user_without_rights_has_ids_to_give_or_is_told_what_to_type() {
    const NAME: &str = "a_user_without_rights_has_ids_to_give_or_is_told_what_to_type";
    if !is_a_users(&format!("runtime::sandbox::tests::{NAME}")) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let cloud = cloud_in(dir.path());
    if let Err(unusable) = cloud.part::<Sandboxes>().usable(&cloud).await {
        assert!(unusable.command().is_some(), "{unusable}");
        return;
    }
    let world = World::with(None).await;
    let task = world.task("one").await;
    let looks = || {
        script(
            "echo $$ $(id -u):$(id -g) $(stat -c %u:%g /data/own /srv/here); echo more >> /data/own; rm /bin/touch",
        )
    };
    let other = Container { user: User { uid: 10001, gid: 10002, groups: Vec::new() }, ..looks() };
    // With a range of ids files have their owners; with one id, all are the container's user's.
    let expected = match Ids::of_this_user().keep_owners() {
        true => [(0, "1 0:0 10001:10002 0:0"), (1, "1 10001:10002 10001:10002 0:0")],
        false => [(0, "1 0:0 0:0 0:0"), (0, "1 10001:10002 10001:10002 10001:10002")],
    };
    for (container, expected) in [looks(), other].into_iter().zip(expected) {
        let (exit, lines) = run(&task, container).await;
        assert_eq!((exit.status(), &lines[0][..]), expected, "{lines:#?}");
    }

    // What they wrote can be removed, though it is not all theirs to enter.
    drop(task);
    world.cloud.part::<Sandboxes>().clear(&world.cloud, "one").await;
    assert!(!world.dir.path().join("tasks/one").exists());
}
