//! The same of `builder: docker`: after each of some random edits, under wrong clocks, the image holds exactly what a
//! commit of the tree holds, and a tree that is not committed never gets a commit's tag. From `scratch`, so that no
//! registry is asked; by whoever follows Dockerfiles here, buildah in a store of the test's own.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use tempfile::TempDir;

use crate::fixture::{Clock, write};
use crate::walk::{CLOCKS, SEED, setting};

/// About a second each.
const STEPS: u32 = 8;
const PROJECT: &str =
    "project: web\nsource: {repository: o/n}\nimage: {builder: docker}\nenvironments: {local: }\n";
const IGNORES: [&str; 5] = ["", "data/c\n", "texts\n", "**/d\n", "# none\ndata/c\ntexts/a\n"];

/// Paths of files and links, each with what it is: whether it can be run, and its content or where it leads.
type Content = BTreeMap<String, String>;

struct Followed {
    dir: TempDir,
}

fn dockerfile(label: u32) -> String {
    format!(
        "FROM scratch AS first\nCOPY data /data\n\nFROM scratch\nLABEL step={label}\n\
         COPY --from=first /data /data\nCOPY . /all\n"
    )
}

impl Followed {
    fn new() -> Self {
        let followed = Self { dir: tempfile::tempdir().unwrap() };
        let files = [
            ("Dockerfile", dockerfile(100).as_str()),
            (".dockerignore", ""),
            (".gitignore", "*.log\n"),
            ("infra/project.yml", PROJECT),
            ("data/keep", "keep"),
            ("data/folder/file", "F"),
            ("texts/a", "A"),
        ]
        .map(|(path, text)| (path.to_owned(), text.to_owned()));
        for (path, text) in files {
            write(&followed.path(&path), &text, Clock::Now);
        }
        let store = format!(
            "[storage]\ndriver = \"vfs\"\ngraphroot = \"{0}/store\"\nrunroot = \"{0}/run\"\n",
            followed.dir.path().display()
        );
        fs::write(followed.dir.path().join("storage.conf"), store).unwrap();
        followed.git(&["init", "--quiet"]);
        followed.commit();
        followed
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join("source").join(path)
    }

    fn git(&self, arguments: &[&str]) -> Vec<u8> {
        let identity =
            ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"];
        seatrial_git::bytes(&self.path(""), &[&identity, arguments].concat()).unwrap()
    }

    /// The commit that everything is in now.
    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", "a step"]);
    }

    fn head(&self) -> String {
        String::from_utf8(self.git(&["rev-parse", "HEAD"])).unwrap().trim().to_owned()
    }

    /// What a commit of everything would hold, by git itself, in an index of its own.
    fn committed(&self) -> Content {
        let index = self.dir.path().join("index");
        let git = |arguments: &[&str]| {
            let mut git = seatrial_git::command(&self.path(""));
            let output = git.args(arguments).env("GIT_INDEX_FILE", &index).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            output.stdout
        };
        let _ = fs::remove_file(&index);
        git(&["add", "--all"]);
        let tree = String::from_utf8(git(&["write-tree"])).unwrap();
        content(&git(&["archive", "--format=tar", tree.trim()]))
    }

    /// That, as the Dockerfile places it.
    fn expected(&self) -> Content {
        let ignores = fs::read_to_string(self.path(".dockerignore")).unwrap();
        let kept = self.committed().into_iter().filter(|(path, _)| !is_ignored(path, &ignores));
        let mut expected = Content::new();
        for (path, what) in kept {
            if path.starts_with("data/") {
                expected.insert(path.clone(), what.clone());
            }
            expected.insert(format!("all/{path}"), what);
        }
        expected
    }

    /// Builds by the program itself, whose environment names the store; gives what it says, and the image that it took.
    fn build(&self) -> (Value, Value, Content) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seatrial-image"));
        command.args(["--repository", "localhost:1/web"]).current_dir(self.path(""));
        // The tool adds `image` to it.
        command.env("BUILD_CACHE_DIR", self.dir.path()).env_remove("ENVIRONMENT_NAME");
        command.env("CONTAINERS_STORAGE_CONF", self.dir.path().join("storage.conf"));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let (config, content) = image(&self.dir.path().join("image/image.tar"));
        (serde_json::from_slice(&output.stdout).unwrap(), config, content)
    }

    /// One edit; says what it was.
    fn step(&self, random: &mut StdRng, number: u32) -> String {
        let clock = *CLOCKS.choose(random).unwrap();
        // Equal sizes on purpose: `Kept` then leaves nothing for anybody to see but the content.
        let text = format!("{:03}", random.random_range(0..1000));
        let folder = *["data", "data/folder", "texts"].choose(random).unwrap();
        let name = format!("{folder}/{}", ["a", "b", "c", "d"].choose(random).unwrap());
        let (path, other) = (self.path(&name), self.path(&format!("{folder}/b")));
        let is_file = path.is_file() && !path.is_symlink();
        let kind = random.random_range(0..12);
        match kind {
            0 => write(&self.path("Dockerfile"), &dockerfile(random.random_range(100..1000)), clock),
            1 | 2 => write(&self.path(".dockerignore"), IGNORES.choose(random).unwrap(), clock),
            3 => drop(fs::remove_file(&path)),
            4 if path.symlink_metadata().is_ok() => fs::rename(&path, &other).unwrap(),
            5 => {
                let _ = fs::remove_file(&path);
                symlink(&text, &path).unwrap();
            }
            6 if is_file => {
                let mode = if number.is_multiple_of(2) { 0o755 } else { 0o644 };
                fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            }
            7 if is_file => {
                let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(946_684_800);
                File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
            }
            // git ignores it, so no commit holds it.
            8 => write(&self.path(&format!("{folder}/{text}.log")), &text, clock),
            _ => {
                if path.is_symlink() {
                    fs::remove_file(&path).unwrap();
                }
                write(&path, &text, clock);
            }
        }
        format!("step {number}: {kind} {clock:?}, `{name}` {text}; ")
    }
}

/// By the patterns that the steps use.
fn is_ignored(path: &str, ignores: &str) -> bool {
    ignores.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).any(|pattern| {
        match pattern.strip_prefix("**/") {
            Some(name) => path.split('/').any(|part| part == name),
            None => path == pattern || path.starts_with(&format!("{pattern}/")),
        }
    })
}

/// The files and links of an archive; folders are in no commit.
fn content(archive: &[u8]) -> Content {
    let mut found = Content::new();
    for entry in tar::Archive::new(archive).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().trim_start_matches("./").to_owned();
        let kind = entry.header().entry_type();
        if kind.is_symlink() {
            found.insert(path, format!("->{}", entry.link_name().unwrap().unwrap().display()));
        } else if kind.is_file() {
            let runs = entry.header().mode().unwrap() & 0o100 != 0;
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            found.insert(path, format!("{runs}={text}"));
        }
    }
    found
}

/// Configuration and content of an image in docker's form of an archive, whose layers lay one over the other.
fn image(archive: &Path) -> (Value, Content) {
    let mut parts = BTreeMap::new();
    for entry in tar::Archive::new(File::open(archive).unwrap()).entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        parts.insert(entry.path().unwrap().to_string_lossy().into_owned(), bytes);
    }
    let json = |name: &str| -> Value { serde_json::from_slice(&parts[name]).unwrap() };
    let manifest = json("manifest.json");
    let layers = manifest[0]["Layers"].as_array().unwrap();
    let over = layers.iter().flat_map(|layer| content(&parts[layer.as_str().unwrap()]));
    (json(manifest[0]["Config"].as_str().unwrap()), over.collect())
}

#[test]
fn random_steps_in_a_dockerfiles_context_never_give_an_old_image_or_a_wrong_tag() {
    if let Err(error) = seatrial_image::follower_of_dockerfiles(None) {
        assert!(std::env::var_os("SOAK_STEPS").is_none(), "{error}");
        // The rest of the tests needs nobody; `docs/soak.md` has the command that does.
        return eprintln!("not played: {error}");
    }
    let (steps, seed) = (setting("SOAK_STEPS", STEPS), setting("SOAK_SEED", SEED));
    let mut random = StdRng::seed_from_u64(seed);
    let followed = Followed::new();
    followed.build();
    for number in 1..=steps {
        let mut said = format!("SOAK_SEED={seed}, ");
        said += &followed.step(&mut random, number);
        while random.random_bool(0.4) {
            said += &followed.step(&mut random, number);
        }
        if random.random_bool(0.6) {
            followed.commit();
        }
        let is_dirty = !followed.git(&["status", "--porcelain"]).is_empty();

        let (outcome, config, found) = followed.build();

        assert_eq!(found, followed.expected(), "{said}");
        let dockerfile = fs::read_to_string(followed.path("Dockerfile")).unwrap();
        let label = config["config"]["Labels"]["step"].as_str().unwrap();
        assert!(dockerfile.contains(&format!("step={label}\n")), "{said}");
        let (head, tags) = (followed.head(), outcome["tags"].as_array().unwrap());
        match is_dirty {
            false => assert_eq!(tags[..], [Value::from(&head[..12]), Value::from("latest")], "{said}"),
            true => {
                assert_eq!(tags.len(), 1, "{said}");
                assert!(tags[0].as_str().unwrap().starts_with("dirty-"), "{said}{tags:?}");
            }
        }
        let revision = outcome["revision"].as_str().unwrap();
        assert_eq!(revision == head, !is_dirty, "{said}");
    }
}
