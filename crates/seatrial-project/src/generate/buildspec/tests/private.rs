//! Private sources: a git repository and a registry on this machine that let in nobody without their secret, and a build
//! phase whose tool compiles an application that depends on both, by the real cargo and git.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::*;
use crate::{Kept, Opens, RegistrySecret};

/// As `seatrial-image` does, it has cargo compile the application; it says what that says.
const TOOL: &str = r#"
fn main() {
    let mut cargo = std::process::Command::new("cargo");
    let ran = cargo.args(["run", "--quiet", "--locked", "--package", "app"]).output().unwrap();
    eprint!("{}", String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success());
    println!("{{\"uri\":\"{}\"}}", String::from_utf8_lossy(&ran.stdout).trim());
}
"#;
/// A build script that sees no secret.
const SEES_NOTHING: &str = r#"
fn main() {
    for (name, value) in std::env::vars_os() {
        assert!(!value.to_string_lossy().contains("sesame"), "{}", name.display());
    }
}
"#;
const TOKEN_OF_GIT: &str = "sesame-of-git-5f1c";
const TOKEN_OF_REGISTRY: &str = "sesame-of-registry-9d2e";
/// `me:` and the token of git, in Base64.
const BASIC: &str = "Basic bWU6c2VzYW1lLW9mLWdpdC01ZjFj";

/// Serves the files of a folder: `git` by git's plain protocol, `index` and `crates` as a registry.
struct Server {
    folder: tempfile::TempDir,
    port: u16,
    /// What was asked for with which authorization.
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            folder: tempfile::tempdir().unwrap(),
            port: listener.local_addr().unwrap().port(),
            asked: Arc::default(),
        };
        let (root, asked) = (server.folder.path().to_owned(), Arc::clone(&server.asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let _ = answer(stream, &root, &asked);
            }
        });
        server.fill();
        server
    }

    fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn fill(&self) {
        let library = |name: &str| format!("{}\n", package(name));
        let hidden = self.path("hidden");
        write(
            &hidden,
            &[
                ("Cargo.toml", library("hidden")),
                ("src/lib.rs", "pub const HIDDEN: &str = \"git\";\n".to_owned()),
            ],
        );
        let identity = "git -c user.name=t -c user.email=t@example.invalid";
        shell(
            &hidden,
            &format!(
                "git init -q && git add . && {identity} commit -qm one && git clone -q --bare . ../git/hidden.git && \
                 git -C ../git/hidden.git update-server-info"
            ),
        );
        let kept = self.path("crates/kept-0.1.0");
        write(
            &kept,
            &[
                ("Cargo.toml", library("kept")),
                ("src/lib.rs", "pub const KEPT: &str = \"registry\";\n".to_owned()),
            ],
        );
        shell(
            &self.path("crates"),
            "tar czf kept-0.1.0.crate kept-0.1.0 && sha256sum kept-0.1.0.crate | cut -d ' ' -f 1 | tr -d '\\n' >sum",
        );
        let sum = fs::read_to_string(self.path("crates/sum")).unwrap();
        let config = format!(
            "{{\"dl\": \"http://{}/crates/{{crate}}-{{version}}.crate\", \"auth-required\": true}}",
            self.host()
        );
        let entry = format!(
            "{{\"name\":\"kept\",\"vers\":\"0.1.0\",\"deps\":[],\"cksum\":\"{sum}\",\"features\":{{}},\
             \"yanked\":false}}\n"
        );
        write(&self.path("index"), &[("config.json", config), ("ke/pt/kept", entry)]);
    }

    fn secrets(&self) -> Vec<RegistrySecret> {
        let secret = |opens: &str, kept: &str| RegistrySecret {
            opens: Opens::try_from(opens.to_owned()).unwrap(),
            kept: Kept::try_from(kept.to_owned()).unwrap(),
        };
        vec![secret(&self.host(), "ci/git:token"), secret("registries.mine", "/ci/registry")]
    }
}

/// One request, one answer.
fn answer(mut stream: TcpStream, root: &Path, asked: &Mutex<Vec<(String, String)>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or(Ok(String::new()))?;
    let path = first.split([' ', '?']).nth(1).unwrap_or("/").to_owned();
    let mut authorization = String::new();
    for line in lines {
        let line = line?;
        match line.split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => {
                authorization = value.to_owned()
            }
            None => break,
            _ => {}
        }
    }
    asked.lock().unwrap().push((path.clone(), authorization.clone()));
    let wanted = if path.starts_with("/git/") { BASIC } else { TOKEN_OF_REGISTRY };
    let (status, body) = match fs::read(root.join(path.trim_start_matches('/'))) {
        _ if authorization != wanted => {
            ("401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"private\"", Vec::new())
        }
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", Vec::new()),
    };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(&body)
}

fn shell(folder: &Path, script: &str) {
    let done = Command::new("bash")
        .args(["-c", &format!("set -e; {script}")])
        .current_dir(folder)
        .envs(plain_git())
        .status();
    assert!(done.unwrap().success(), "{script}");
}

/// Whoever runs the tests may have helpers of his own.
fn plain_git() -> [(&'static str, &'static str); 2] {
    [("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")]
}

/// A checkout whose application has private dependencies; its tool compiles it, as `seatrial-image` does.
struct Private {
    server: Server,
    checkout: tempfile::TempDir,
    layout: Layout,
}

impl Private {
    fn new(layout: Layout) -> Self {
        let (server, checkout) = (Server::start(), tempfile::tempdir().unwrap());
        let host = server.host();
        unpack(checkout.path(), "one", layout);
        let depends = format!(
            "[dependencies]\nhidden = {{ git = \"http://{host}/git/hidden.git\" }}\n\
             kept = {{ version = \"0.1\", registry = \"mine\" }}\n"
        );
        let root = match layout {
            Layout::Member => {
                "[workspace]\nmembers = [\"app\", \"tool/image\", \"xtask\"]\nresolver = \"3\"\n"
            }
            Layout::OwnWorkspace => {
                "[workspace]\nmembers = [\"app\"]\nexclude = [\"tool\", \"xtask\"]\nresolver = \"3\"\n"
            }
        };
        let files = [
            ("Cargo.toml", root.to_owned()),
            (".cargo/config.toml", format!("[registries.mine]\nindex = \"sparse+http://{host}/index/\"\n")),
            ("app/Cargo.toml", format!("{}{depends}", package("app"))),
            ("app/build.rs", SEES_NOTHING.to_owned()),
            ("app/src/main.rs", "fn main() { println!(\"{} {}\", hidden::HIDDEN, kept::KEPT) }\n".to_owned()),
            ("tool/image/src/main.rs", TOOL.to_owned()),
        ];
        write(checkout.path(), &files);
        let home = tempfile::tempdir().unwrap();
        let locked = Command::new("cargo")
            .args(["generate-lockfile", "--quiet"])
            .current_dir(checkout.path())
            .envs(plain_git())
            .env("CARGO_HOME", home.path())
            .env("CARGO_REGISTRIES_MINE_TOKEN", TOKEN_OF_REGISTRY)
            .env("CARGO_REGISTRIES_MINE_CREDENTIAL_PROVIDER", "cargo:token")
            .env("CARGO_NET_GIT_FETCH_WITH_CLI", "true")
            .envs([("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "http.extraHeader")])
            .env("GIT_CONFIG_VALUE_0", format!("Authorization: {BASIC}"))
            .output()
            .unwrap();
        assert!(locked.status.success(), "{}", String::from_utf8_lossy(&locked.stderr));
        server.asked.lock().unwrap().clear();
        Self { server, checkout, layout }
    }

    /// A build phase in an empty cache, with a cargo that has fetched nothing yet; what it leaves is looked at.
    fn build(&self, secrets: Vec<RegistrySecret>, given: &[(&str, &str)]) -> Output {
        let (cache, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut facts = facts(ImageBuilder::Cargo, ImageTarget::Gnu, self.layout);
        facts.registry_secrets = secrets;
        let home_of_cargo = home.path().to_string_lossy().into_owned();
        let mut variables = vec![("CARGO_HOME", home_of_cargo.as_str()), ("CARGO_NET_OFFLINE", "false")];
        variables.extend(plain_git());
        variables.extend(given);
        let watch = Watch::begin();

        let output = run_script(&buildspec(&facts), self.checkout.path(), cache.path(), &variables);

        assert_eq!(watch.end(), Vec::<String>::new(), "in the arguments of a process");
        let said = [&output.stdout[..], &output.stderr].concat();
        assert!(!String::from_utf8_lossy(&said).contains("sesame"), "{}", String::from_utf8_lossy(&said));
        for folder in [cache.path(), home.path(), self.checkout.path()] {
            let search = Command::new("grep")
                .args(["-rlE", &format!("{TOKEN_OF_GIT}|{TOKEN_OF_REGISTRY}")])
                .arg(folder)
                .output();
            assert_eq!(String::from_utf8_lossy(&search.unwrap().stdout), "");
        }
        output
    }
}

/// Reads the arguments of all processes, again and again.
struct Watch {
    ends: Arc<AtomicBool>,
    thread: JoinHandle<Vec<String>>,
}

impl Watch {
    fn begin() -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&ends);
        let look = move || {
            let mut found = Vec::new();
            while !flag.load(Ordering::Relaxed) {
                for process in fs::read_dir("/proc").unwrap().flatten() {
                    let arguments = fs::read(process.path().join("cmdline")).unwrap_or_default();
                    let arguments = String::from_utf8_lossy(&arguments).into_owned();
                    // The search of the files that another test left names them.
                    if arguments.contains("sesame-of-") && !arguments.starts_with("grep") {
                        found.push(arguments);
                    }
                }
                std::thread::yield_now();
            }
            found
        };
        Self { ends, thread: std::thread::spawn(look) }
    }

    fn end(self) -> Vec<String> {
        self.ends.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

#[test]
fn what_is_private_is_fetched_with_the_secrets_and_compiled_without_them() {
    for layout in [Layout::Member, Layout::OwnWorkspace] {
        let private = Private::new(layout);
        let git = format!("me:{TOKEN_OF_GIT}");
        let secrets = private.server.secrets();
        let variable = secrets[0].variable();
        let given = [(variable.as_str(), git.as_str()), ("CARGO_REGISTRIES_MINE_TOKEN", TOKEN_OF_REGISTRY)];

        let built = private.build(secrets, &given);

        let said = String::from_utf8_lossy(&built.stderr);
        assert!(built.status.success(), "{said}");
        assert!(String::from_utf8_lossy(&built.stdout).ends_with("IMAGE_URI=git registry"), "{said}");
    }
}

#[test]
fn without_the_secrets_or_with_wrong_ones_a_build_ends_with_the_reason() {
    let private = Private::new(Layout::Member);
    let secrets = private.server.secrets();
    let variable = secrets[0].variable();

    let none = private.build(Vec::new(), &[]);
    let wrong =
        private.build(secrets, &[(variable.as_str(), "wrong"), ("CARGO_REGISTRIES_MINE_TOKEN", "wrong")]);

    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!none.status.success() && !wrong.status.success());
    assert!(said(&none).contains("failed to get `"), "{}", said(&none));
    let host = private.server.host();
    let told = format!(
        "error: the sources were not fetched; image.registry_secrets has what opens {host}, registries.mine"
    );
    assert!(said(&wrong).contains(&told), "{}", said(&wrong));
    assert!(!said(&wrong).contains("Compiling"), "{}", said(&wrong));
    // `TOKEN` alone, with the user name that GitHub takes beside it: `x-access-token:wrong`.
    let asked = private.server.asked.lock().unwrap();
    assert!(
        asked
            .iter()
            .any(|(path, it)| path.starts_with("/git/") && it == "Basic eC1hY2Nlc3MtdG9rZW46d3Jvbmc="),
        "{asked:?}"
    );
}

#[test]
fn a_rehearsals_stand_in_is_sent_to_nobody() {
    let private = Private::new(Layout::Member);
    let secrets = private.server.secrets();
    let variable = secrets[0].variable();

    let given = [
        (variable.as_str(), "stand-in for token"),
        ("CARGO_REGISTRIES_MINE_TOKEN", "stand-in for ci/registry"),
    ];
    let built = private.build(secrets, &given);

    let said = String::from_utf8_lossy(&built.stdout);
    let told =
        format!("the secret of {} is a stand-in: this machine's own keys are used", private.server.host());
    assert!(said.contains(&told) && said.contains("the secret of registries.mine is a stand-in"), "{said}");
    let asked = private.server.asked.lock().unwrap();
    assert!(
        !asked.is_empty() && asked.iter().all(|(_, authorization)| authorization.is_empty()),
        "{asked:?}"
    );
}

#[test]
fn codebuild_is_told_where_the_secrets_are_kept_and_a_url_of_ssh_goes_by_https() {
    let text = "project: shop\nsource: {repository: o/n}\nenvironments: {local: }\nimage: {registry_secrets: {github.com: \
                'ci/git:token', registries.mine: /ci/registry}}\n";
    let project = crate::Project::parse(text.as_bytes()).unwrap();

    let spec = buildspec(&Facts::of(&project, &Layout::Member.into()));

    let one = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
    assert_eq!(spec.env.secrets_manager, one("GIT_TOKEN_GITHUB_COM", "ci/git:token"));
    assert_eq!(spec.env.parameter_store, one("CARGO_REGISTRIES_MINE_TOKEN", "/ci/registry"));
    let script = &spec.phases.build.commands[0];
    assert!(script.contains("open_host https://github.com GIT_TOKEN_GITHUB_COM\n"), "{script}");
    assert!(script.contains("\nunset GIT_TOKEN_GITHUB_COM CARGO_REGISTRIES_MINE_TOKEN\n"), "{script}");
    let configure = script.split("  configure()").nth(1).unwrap().split("  ! is_real").next().unwrap();
    let git = "git config --get-regexp '^(credential|url)' && git ls-remote --get-url ssh://git@github.com/me/private";
    let shown = Command::new("bash")
        .args([
            "-c",
            &format!("configure(){configure}\nopen_host https://github.com GIT_TOKEN_GITHUB_COM\n{git}"),
        ])
        .envs(plain_git())
        .output()
        .unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.ends_with("\nhttps://github.com/me/private\n"), "{shown}");
    let read: BuildSpec =
        serde_yaml::from_str(&render(&Facts::of(&project, &Layout::Member.into())).unwrap()).unwrap();
    assert_eq!(read, spec);
}
