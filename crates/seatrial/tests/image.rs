//! The application's image: how its build ends early or half-way, and its binary alone in an empty file system.

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::checkout::Checkout;
use support::emulator::Emulator;
use support::fixture::Layout;
use support::toolchain::Toolchain;
use support::{Ended, Project};

/// An application that does nothing but connect to its database.
const CONNECTS: &str = "
fn main() {
    let variable = |name: &str| std::env::var(name).unwrap();
    let address = format!(\"{}:{}\", variable(\"DB_HOST\"), variable(\"DB_PORT\"));
    std::net::TcpStream::connect(address).unwrap();
}
";

/// Ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn whoever_interrupts_a_build_by_docker_ends_docker_and_leaves_no_file_behind() {
    let project = Project::new();
    let docker = "[ \"$1\" = version ] && exit\necho docker waits >&2\nsleep 60\necho docker goes on >&2\n";
    let toolchain = Toolchain::of(&project, docker);
    std::fs::create_dir(project.path("tmp")).unwrap();
    let mut command = project.xtask(&["build-image", "--builder", "docker", "--output", "json"]);
    toolchain.serve(command.env("TMPDIR", project.path("tmp")));
    let mut tool = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(tool.stderr.take().unwrap());
    let mut line = String::new();
    while line != "docker waits\n" {
        line.clear();
        assert_ne!(told.read_line(&mut line).unwrap(), 0, "docker was not started");
    }

    kill(Pid::from_raw(tool.id().try_into().unwrap()), Signal::SIGTERM).unwrap();

    // To its end: whoever lives holds it open.
    let mut rest = String::new();
    told.read_to_string(&mut rest).unwrap();
    assert!(!rest.contains("docker goes on"), "{rest}");
    assert_eq!(tool.wait().unwrap().code(), Some(130), "{rest}");
    assert_eq!(std::fs::read_dir(project.path("tmp")).unwrap().count(), 0);
}

#[test]
fn for_another_processor_musl_is_linked_by_the_toolchains_linker_and_no_other_binary_is_packed() {
    const ARM64: (&str, &str, u8) = ("arm64", "aarch64", 183);
    const X86_64: (&str, &str, u8) = ("x86_64", "x86_64", 62);
    let (here, (architecture, rust, machine)) =
        if cfg!(target_arch = "aarch64") { (ARM64, X86_64) } else { (X86_64, ARM64) };
    let project = Project::new();
    project.edit("port: 8731", &format!("port: 8731\n  architecture: {architecture}"));
    let toolchain = Toolchain::of(&project, "exit 1\n");
    let build = || {
        let mut command = project.xtask(&["build-image"]);
        toolchain.serve(&mut command);
        Ended::of(command.output().unwrap())
    };

    let glibc = build();
    assert_eq!(glibc.code, Some(3), "{}", glibc.stderr);
    assert!(glibc.stderr.contains("only musl's can\n"), "{}", glibc.stderr);
    assert!(glibc.stderr.contains("\nhint: set `image.target: musl` in "), "{}", glibc.stderr);

    project.edit("package: web", "package: web, target: musl");
    toolchain.makes(here.2);
    let wrong = build();
    assert_eq!(wrong.code, Some(3), "{}", wrong.stderr);
    let told = format!("is for ELF machine {}, expected {machine}", here.2);
    assert!(wrong.stderr.contains(&told), "{}", wrong.stderr);

    toolchain.makes(machine);
    let right = build();
    assert_eq!(right.code, Some(0), "{}", right.stderr);
    let told = toolchain.told();
    assert!(told.starts_with(&format!("{rust}-unknown-linux-musl -Ctarget-feature=+crt-static ")), "{told}");
    assert!(told.contains(" -Clinker=rust-lld -Clink-self-contained=yes "), "{told}");
}

#[test]
fn what_an_image_wants_first_is_run_in_its_order_and_what_fails_ends_the_build() {
    let project = Project::new();
    let file = std::fs::read_to_string(project.path("infra/project.yml")).unwrap();
    let with = |before: &str| {
        project.write(
            "infra/project.yml",
            file.replace("package: web", &format!("package: web, before: [{before}]")),
        );
    };
    with("echo one >>order, test -s order && echo two >>order");
    let toolchain = Toolchain::of(&project, "exit 1\n");
    let build = || {
        let mut command = project.xtask(&["build-image"]);
        toolchain.serve(&mut command);
        Ended::of(command.output().unwrap())
    };

    let built = build();
    assert_eq!(built.code, Some(0), "{}", built.stderr);
    assert_eq!(std::fs::read_to_string(project.path("order")).unwrap(), "one\ntwo\n");

    with("exit 7, echo three >>order");
    let refused = build();
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("run `exit 7` of `image.before`"), "{}", refused.stderr);
    assert_eq!(std::fs::read_to_string(project.path("order")).unwrap(), "one\ntwo\n");
}

#[test]
fn a_push_that_breaks_off_is_a_change() {
    let emulator = Emulator::start();
    let toolchain = Toolchain::of(&emulator.project, "exit 1\n");
    let registry = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let repository = format!("{}/web", registry.local_addr().unwrap());
    std::thread::spawn(move || registry.incoming().for_each(|asked| refuse_manifests(asked.unwrap())));
    let template = format!(
        "Resources: {{Group: {{Type: AWS::Logs::LogGroup}}}}\nOutputs: {{RepositoryUri: {{Value: {repository}}}}}\n"
    );
    emulator.create_stack("web", "registry", &template);

    let mut command = emulator.xtask(&["build-image", "--push", "--output", "json"]);
    toolchain.serve(&mut command);
    let ended = support::Ended::of(command.output().unwrap());

    let object: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    // The image goes by its digest first: what a list of its packages refers to must be there.
    let failure = object["failures"][0]["message"].as_str().unwrap();
    assert!(failure.starts_with("failed to push `sha256:"), "{}", ended.stderr);
    assert_eq!((ended.code, &object["changed"]), (Some(1), &true.into()), "{object}");
}

/// A registry that takes every blob, and then no manifest.
fn refuse_manifests(stream: TcpStream) {
    let mut reader = BufReader::new(&stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim() {
            "" => break,
            line => lines.push(line.to_lowercase()),
        }
    }
    let length = lines.iter().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    let status = match lines.first().map_or("", |line| line.split(' ').next().unwrap()) {
        "post" | "patch" => "202 Accepted",
        "put" if lines[0].contains("/upload") => "201 Created",
        "put" => "403 Forbidden",
        _ => "404 Not Found",
    };
    let head = format!("HTTP/1.1 {status}\r\nLocation: /v2/upload\r\nContent-Length: 0\r\n");
    write!(&stream, "{head}Connection: close\r\n\r\n").unwrap();
}

/// On Fargate the database has no address but a name, and nothing but `/etc/resolv.conf` says who knows it.
#[test]
fn the_binary_resolves_its_database_through_etc_resolv_conf_alone() {
    if !nix::unistd::geteuid().is_root() {
        // Past the test's captured output: who reads a green run must see that this was not part of it.
        let reason = "only root may change the root directory and answer on port 53";
        writeln!(std::io::stderr(), "NOT RUN: the resolver of the static binary: {reason}").unwrap();
        return;
    }
    let checkout = Checkout::of_fixture(Layout::OwnWorkspace);
    std::fs::write(checkout.path().join("web/src/main.rs"), CONNECTS).unwrap();
    checkout.build_by_hand();
    let root = tempfile::tempdir().unwrap();
    std::fs::copy(checkout.binary_built_by_hand("web"), root.path().join("app")).unwrap();
    std::fs::create_dir(root.path().join("etc")).unwrap();
    // Not where a resolver of this machine may listen.
    let [_, _, high, low] = std::process::id().to_be_bytes();
    let server = UdpSocket::bind((Ipv4Addr::new(127, 77, high, low), 53)).unwrap();
    let address = server.local_addr().unwrap().ip();
    std::fs::write(root.path().join("etc/resolv.conf"), format!("nameserver {address}\n")).unwrap();
    let database = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    std::thread::spawn(move || answer_names(&server));

    // A test of root's own rights proves nothing about the image's user.
    nix::unistd::chown(root.path(), Some(65532.into()), Some(65532.into())).unwrap();
    let mut command = Command::new("chroot");
    command.arg("--userspec=65532:65532").arg(root.path()).arg("/app").env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap()).env("DB_HOST", "database.internal");
    command.env("DB_PORT", database.local_addr().unwrap().port().to_string());
    let app = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());

    assert!(connected(&database).is_loopback());
    drop(app);
}

/// Who connects to the database within half a minute.
fn connected(database: &TcpListener) -> std::net::IpAddr {
    database.set_nonblocking(true).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match database.accept() {
            Ok((_, peer)) => return peer.ip(),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
        assert!(Instant::now() < deadline, "the name was not resolved");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Answers each question for an IPv4 address with 127.0.0.1, any other with nothing (RFC 1035, section 4).
fn answer_names(server: &UdpSocket) {
    let mut query = [0; 512];
    while let Ok((length, peer)) = server.recv_from(&mut query) {
        answer(server, &query[..length], peer);
    }
}

fn answer(server: &UdpSocket, query: &[u8], peer: SocketAddr) {
    let name = query[12..].iter().position(|byte| *byte == 0).unwrap() + 13;
    let is_for_ipv4 = query[name..name + 2] == [0, 1];
    let found = u8::from(is_for_ipv4);
    // The question's id; an authoritative answer; one question, `found` answers.
    let mut reply = [&query[..2], &[0x84, 0, 0, 1, 0, found, 0, 0, 0, 0], &query[12..name + 4]].concat();
    if is_for_ipv4 {
        // A pointer to the question's name, type A, class IN, one second to live, four bytes.
        reply.extend([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1]);
    }
    server.send_to(&reply, peer).unwrap();
}
