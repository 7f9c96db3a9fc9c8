//! No secret anywhere: values that can be told from all others are planted where secrets belong, the chain runs, and they are
//! searched for wherever they do not.

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use crate::search::{Search, Values};
use crate::support::aws_cli::AwsCli;
use crate::support::checkout::Checkout;
use crate::support::fixture::{Layout, PAGE, git};
use serde_json::Value;

/// Half as long as the shortest program that is handed a secret.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
/// Tables of the local cloud's log that must hold the values: those of Secrets Manager, of Parameter Store, and the operator's
/// own key, by which signatures are verified.
const STORES: [&str; 3] = ["secrets", "ssm-parameters", "credentials"];

/// What processes on this machine were started with, seen while they ran.
#[derive(Default)]
struct Seen {
    arguments: BTreeSet<Vec<u8>>,
    environments: BTreeSet<Vec<u8>>,
}

struct Watch {
    end: Sender<()>,
    watching: JoinHandle<Seen>,
}

impl Watch {
    fn begin() -> Self {
        let (end, ended) = channel();
        let watching = std::thread::spawn(move || {
            let mut seen = Seen::default();
            while ended.recv_timeout(BETWEEN_LOOKS) == Err(RecvTimeoutError::Timeout) {
                for process in fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path()) {
                    seen.arguments.extend(fs::read(process.join("cmdline")));
                    seen.environments.extend(fs::read(process.join("environ")));
                }
            }
            seen
        });
        Self { end, watching }
    }

    fn end(self) -> Seen {
        self.end.send(()).unwrap();
        self.watching.join().unwrap()
    }
}

/// The chain's runs, and all that they printed.
struct Run {
    checkout: Checkout,
    /// What a shell of the operator's has set for AWS itself; nothing local is to look at it.
    variables: Vec<(&'static str, String)>,
    printed: Vec<(String, String)>,
}

impl Run {
    /// Runs twice where that changes nothing: for people and for programs.
    fn tell(&mut self, arguments: &[&str]) {
        self.run(arguments);
        self.run(&[arguments, &["--output", "json"]].concat());
    }

    fn run(&mut self, arguments: &[&str]) -> (Option<i32>, String) {
        let variables: Vec<_> = self.variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let ended = self.checkout.run_with(&variables, arguments);
        let name = arguments.join(" ");
        self.printed.push((format!("stderr of {name}"), ended.stderr));
        self.printed.push((format!("stdout of {name}"), ended.stdout.clone()));
        (ended.code, ended.stdout)
    }

    fn json(&mut self, arguments: &[&str], code: i32) -> Value {
        let (ended, stdout) = self.run(&[arguments, &["--output", "json"]].concat());
        let told = &self.printed[self.printed.len() - 2].1;
        assert_eq!(ended, Some(code), "{arguments:?}\n{stdout}\n{told}");
        serde_json::from_str(&stdout).unwrap()
    }
}

fn get(url: &str) -> String {
    get_with(url, "")
}

/// With the token of the local cloud's own routes.
fn get_with(url: &str, token: &str) -> String {
    let address = url.strip_prefix("http://").unwrap();
    let (address, path) = address.split_once('/').unwrap_or((address, ""));
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nHost: {address}\r\nx-seatrial-token: {token}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// A value that nothing else is, with all that must be encoded somewhere.
fn planted(name: &str) -> String {
    let random: [u8; 12] = std::array::from_fn(|_| rand::random());
    format!("{name}+{}/=", hex::encode(random))
}

/// Gives the local cloud the secrets that `project.yml` then names. Their values are in no process's arguments.
fn plant(checkout: &Checkout, values: &mut Values) {
    let started = checkout.run_with(&[("XTASK_LOG", "debug")], &["local", "start", "--output", "json"]);
    let aws = AwsCli::new(&serde_json::from_str(&started.stdout).unwrap());
    let keep = |value: &str, words: &[&str]| {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), value).unwrap();
        aws.json(&[words, &[&format!("file://{}", file.path().display())]].concat())
    };
    for name in ["application-secret", "parameter", "build-secret", "git-token"] {
        values.add(name, &planted(name));
    }
    let field = serde_json::json!({ "key": values.get("application-secret") }).to_string();
    let create = |name| ["secretsmanager", "create-secret", "--name", name, "--secret-string"];
    let secret = keep(&field, &create("web/secret"))["ARN"].as_str().unwrap().to_owned();
    keep(&format!("me:{}", values.get("build-secret")), &create("ci/git"));
    let put = ["ssm", "put-parameter", "--name", "/web/parameter", "--type", "SecureString", "--value"];
    keep(values.get("parameter"), &put);
    let parameter: Vec<_> = secret.split(':').collect();
    let parameter = format!("arn:aws:ssm:{}:{}:parameter/web/parameter", parameter[3], parameter[4]);
    checkout.edit_project(
        "  environment:\n",
        &format!(
            "  secrets:\n    TYPED_SECRET: \"{secret}:key::\"\n    TYPED_PARAMETER: \"{parameter}\"\n  environment:\n"
        ),
    );
    checkout.edit_project(
        "image: {package: web}",
        "image: {package: web, registry_secrets: {git.example.com: ci/git}}",
    );
    let remote = format!("https://me:{}@git.example.com/someone/web", hex::encode(values.get("git-token")));
    git(&checkout.path(), &["remote", "add", "origin", &remote]);
    values.add("git-token", &hex::encode(values.get("git-token")));
    checkout.commit_all("Name the secrets");
}

/// The lines of the local cloud's log, by table: those too that were followed by others.
fn tables(log: &str) -> BTreeMap<String, Vec<&str>> {
    let mut tables: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for line in log.lines() {
        let read: Value = serde_json::from_str(line).unwrap();
        tables.entry(read["t"].as_str().unwrap().to_owned()).or_default().push(line);
    }
    tables
}

/// The local cloud's files but its stores, what it answers, and the checkout with its home.
fn gather(run: &Run, start: SystemTime, aws: &AwsCli, local: &Value) -> Search {
    let (checkout, data) = (&run.checkout, run.checkout.data_dir());
    let mut search = Search::new();
    let log = data.join("state.jsonl");
    // It says where it is reached and with which key, to its owner only.
    let skipped = [log.clone(), data.join("daemon.json"), data.join("daemon")];
    search.add(&data, &|path| skipped.iter().any(|skipped| skipped == path));
    for (table, lines) in tables(&fs::read_to_string(&log).unwrap()) {
        if !STORES.contains(&table.as_str()) {
            search.add_text(&format!("state.jsonl-{table}"), lines.join("\n"));
        }
    }

    for own in ["journal", "page/data"] {
        let url = format!("{}/_local/{own}", local["endpoint"].as_str().unwrap());
        let told = get_with(&url, local["token"].as_str().unwrap());
        assert!(told.starts_with("HTTP/1.1 200"), "{own}: {told}");
        search.add_text(own, told);
    }
    let stacks = aws.json(&["cloudformation", "describe-stacks"]);
    for stack in stacks["Stacks"].as_array().unwrap() {
        let name = stack["StackName"].as_str().unwrap();
        for call in ["describe-stack-events", "get-template", "list-change-sets"] {
            search.add_text(
                call,
                aws.text(&["cloudformation", call, "--stack-name", name, "--output", "json"]),
            );
        }
    }
    search.add_text("stacks", stacks.to_string());
    let groups = aws.json(&["logs", "describe-log-groups"]);
    for group in groups["logGroups"].as_array().unwrap() {
        let name = group["logGroupName"].as_str().unwrap();
        search.add_text(
            "log",
            aws.text(&["logs", "filter-log-events", "--log-group-name", name, "--output", "json"]),
        );
    }

    let configuration = checkout.path().join(".git/config");
    search.add(&checkout.path(), &|path| path == configuration);
    search.add(&checkout.home(), &|_| false);
    for folder in checkout.shared_products() {
        search.add_since(&folder, start);
    }
    search
}

#[test]
fn no_secret_is_anywhere_but_where_it_belongs() {
    let start = SystemTime::now();
    let mut values = Values::default();
    let checkout = Checkout::of_fixture(Layout::Member);
    plant(&checkout, &mut values);
    values.add("operator-secret", &planted("operator-secret"));
    values.add("operator-token", &planted("operator-token"));
    let variables = vec![
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", values.get("operator-secret").to_owned()),
        ("AWS_SESSION_TOKEN", values.get("operator-token").to_owned()),
    ];
    let mut run = Run { checkout, variables, printed: Vec::new() };
    let watch = Watch::begin();

    run.tell(&["provision", "--dry-run"]);
    let provisioned = run.json(&["provision", "--yes"], 0);
    let url = provisioned["outputs"]["Url"].as_str().unwrap().to_owned();
    run.tell(&["build-image", "--push"]);
    run.checkout.commit_long_ago(PAGE, "a changed page\n");
    run.json(&["release"], 0);
    let page = get(&url);
    let program = "web/src/main.rs";
    let text = fs::read_to_string(run.checkout.path().join(program)).unwrap();
    let ends = "assert!(std::env::args().count() > 9, \"it ends\");\n    let variable";
    run.checkout.commit_long_ago(program, &text.replacen("let variable", ends, 1));
    run.json(&["release"], 4);
    for command in [&["explain"][..], &["status"], &["status", "--drift"], &["logs"], &["diff"], &["doctor"]]
    {
        run.tell(command);
    }

    let local = run.checkout.json(&["local", "status"]);
    let aws = AwsCli::new(&local);
    values.add("key-of-the-local-cloud", local["secret_access_key"].as_str().unwrap());
    let secrets = aws.json(&["secretsmanager", "list-secrets"]);
    let generated = secrets["SecretList"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["Name"] != "web/secret" && it["Name"] != "ci/git");
    let id = generated.unwrap()["ARN"].as_str().unwrap().to_owned();
    let password = aws.json(&["secretsmanager", "get-secret-value", "--secret-id", &id]);
    let password: Value = serde_json::from_str(password["SecretString"].as_str().unwrap()).unwrap();
    values.add("database-password", password["password"].as_str().unwrap());

    let mut search = gather(&run, start, &aws, &local);
    let seen = watch.end();
    run.run(&["destroy", "--yes"]);
    search.add(&run.checkout.home(), &|_| false);
    for (name, text) in &run.printed {
        search.add_text(name, text);
    }
    search.add_text(
        "arguments",
        seen.arguments.iter().fold(Vec::new(), |all, one| [&all[..], one, b"\n"].concat()),
    );

    // Each was where it belongs: else nothing would be shown.
    let was_given = |name: &str| {
        let value = values.get(name).as_bytes();
        seen.environments.iter().any(|all| all.windows(value.len()).any(|part| part == value))
    };
    for name in ["application-secret", "parameter"] {
        assert!(page.contains(values.get(name)), "{page}");
    }
    for name in [
        "application-secret",
        "parameter",
        "build-secret",
        "database-password",
        "operator-secret",
        "operator-token",
    ] {
        assert!(was_given(name), "no process had {name}");
    }
    assert!(remote(&run.checkout.path()).contains(values.get("git-token")));
    let found = search.find(&values);
    assert!(found.is_empty(), "{found:#?}");
}

fn remote(folder: &Path) -> String {
    git(folder, &["remote", "get-url", "origin"])
}
