//! A small application without foreign dependencies, which prints everything that was compiled into it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use seatrial_image::{BuildImage, BuildRequest, Builder, ImageError, ImageOptions};
use seatrial_project::{Architecture, ImageTarget};
use tempfile::TempDir;

/// What a file's time says after an edit.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    Now,
    Year2000,
    Year2038,
    /// The same as before the edit.
    Kept,
}

/// What a build gave.
#[derive(Debug, PartialEq, Eq)]
pub struct Built {
    pub output: String,
    pub digest: String,
}

pub struct Fixture {
    dir: TempDir,
}

const WORKSPACE: &str = "[workspace]\nmembers = [\"shop\"]\nresolver = \"3\"\n\n\
    [profile.image]\ninherits = \"release\"\nopt-level = 1\n";
const PROJECT: &str = "project: shop\nsource: {repository: o/n}\napp: {port: 8080}\nimage: {package: shop}\nenvironments:\n  local:\n";
const SHOP: &str = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
    [[bin]]\nname = \"server\"\npath = \"src/main.rs\"\n\n\
    [dependencies]\ndomain = { path = \"../crates/domain\" }\nnames = { path = \"../crates/names\" }\n";
const MAIN: &str = r#"
fn main() {
    println!("constant {}", domain::CONSTANT);
    println!("included {}", include_str!("../../texts/included.txt"));
    println!("{}", names::texts!());
    println!("{}", env!("DATA"));
}
"#;

/// A library with a constant.
pub fn domain(constant: u32) -> String {
    format!("pub const CONSTANT: u32 = {constant};\n")
}

/// A macro that puts every file of `texts` into the program and tells cargo of none.
pub fn names(version: u32) -> String {
    let code = r#"
use proc_macro::TokenStream;

#[proc_macro]
pub fn texts(_: TokenStream) -> TokenStream {
    let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap() + "/../texts";
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut text = String::from("macro @ [");
    for path in paths {
        let content = std::fs::read_to_string(&path).unwrap();
        text += &format!("{}={content};", path.file_name().unwrap().to_str().unwrap());
    }
    format!("{:?}", text + "]").parse().unwrap()
}
"#;
    code.replace('@', &version.to_string())
}

/// A build script that reads everything below `data`, modes and links too, and tells cargo of nothing. With
/// `FIXTURE_PIPES` it says by one pipe that it runs, and waits for the other.
pub fn script(version: u32) -> String {
    let code = r#"
use std::os::unix::fs::PermissionsExt;

fn list(folder: &std::path::Path, name: &str, text: &mut String) {
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let name = format!("{name}{}", path.file_name().unwrap().to_str().unwrap());
        let data = path.symlink_metadata().unwrap();
        if data.is_symlink() {
            *text += &format!("{name}->{};", std::fs::read_link(&path).unwrap().display());
        } else if data.is_dir() {
            list(&path, &format!("{name}/"), text);
        } else {
            let content = std::fs::read_to_string(&path).unwrap();
            *text += &format!("{name} {:o}={content};", data.permissions().mode() & 0o777);
        }
    }
}

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let mut text = String::new();
    list("../data".as_ref(), "", &mut text);
    if let Ok(pipes) = std::env::var("FIXTURE_PIPES") {
        std::fs::write(format!("{pipes}/started"), "now").unwrap();
        std::fs::read(format!("{pipes}/gate")).unwrap();
    }
    println!("cargo:rustc-env=DATA=script @ [{text}]");
}
"#;
    code.replace('@', &version.to_string())
}

fn library(name: &str, rest: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{rest}")
}

impl Fixture {
    pub fn new() -> Self {
        let fixture = Self { dir: tempfile::tempdir().unwrap() };
        for (path, text) in [
            ("Cargo.toml", WORKSPACE),
            ("infra/project.yml", PROJECT),
            ("shop/Cargo.toml", SHOP),
            ("shop/build.rs", &script(1)),
            ("shop/src/main.rs", MAIN),
            ("crates/domain/Cargo.toml", &library("domain", "")),
            ("crates/domain/src/lib.rs", &domain(1)),
            ("crates/names/Cargo.toml", &library("names", "\n[lib]\nproc-macro = true\n")),
            ("crates/names/src/lib.rs", &names(1)),
            ("texts/included.txt", "outside"),
            ("texts/one.txt", "one"),
            ("data/data.txt", "A"),
            ("data/folder/file.txt", "F"),
        ] {
            fixture.write(path, text, Clock::Now);
        }
        fixture.lock();
        fixture
    }

    /// A program that only says its name: two of them are compiled in no time.
    pub fn saying(name: &str) -> Self {
        let fixture = Self { dir: tempfile::tempdir().unwrap() };
        fixture.write("Cargo.toml", WORKSPACE, Clock::Now);
        fixture.write("shop/Cargo.toml", &library("shop", ""), Clock::Now);
        fixture.write("shop/src/main.rs", &format!("fn main() {{ println!({name:?}); }}\n"), Clock::Year2000);
        fixture.lock();
        fixture
    }

    fn lock(&self) {
        let cargo = std::env::var_os("CARGO").unwrap();
        let mut command = Command::new(cargo);
        command.args(["generate-lockfile", "--quiet", "--offline"]).current_dir(self.path(""));
        assert!(command.status().unwrap().success());
    }

    /// A path of the source tree.
    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join("source").join(path)
    }

    /// Where it keeps its products from build to build.
    pub fn cache(&self) -> PathBuf {
        self.dir.path().join("cache")
    }

    /// A folder for the test's own things.
    pub fn beside(&self) -> &Path {
        self.dir.path()
    }

    pub fn binary(&self) -> PathBuf {
        binary_in(&self.cache(), "server")
    }

    /// What the tool makes that is told to keep its products beside the source.
    pub fn binary_of_tool(&self) -> PathBuf {
        binary_in(&self.dir.path().join("image"), "server")
    }

    pub fn write(&self, path: &str, text: &str, clock: Clock) {
        write(&self.path(path), text, clock);
    }

    /// Builds through the cache.
    pub async fn build(&self) -> Built {
        self.build_in(&self.cache()).await
    }

    pub async fn build_from_nothing(&self) -> Built {
        let cache = tempfile::tempdir().unwrap();
        self.build_in(cache.path()).await
    }

    async fn build_in(&self, cache: &Path) -> Built {
        let image = self.try_build(cache).await.unwrap();
        let output = Command::new(binary_in(cache, "server")).output().unwrap();
        Built { output: String::from_utf8(output.stdout).unwrap(), digest: image.digest }
    }

    pub async fn try_build(&self, cache: &Path) -> Result<BuildImage, ImageError> {
        let request = BuildRequest {
            workspace: self.path(""),
            cache: cache.to_owned(),
            options: ImageOptions { package: "shop".to_owned(), port: 8080, ..ImageOptions::default() },
            architecture: architecture(),
            library: ImageTarget::Gnu,
            builder: Builder::Cargo,
            repository: "localhost:1/shop".to_owned(),
            push: None,
            stop: None,
        };
        seatrial_image::run(&request, &|_| {}, &|| {}).await
    }
}

/// Writes a file, and dates it.
pub fn write(path: &Path, text: &str, clock: Clock) {
    let before = path.metadata().and_then(|data| data.modified());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let time = match (clock, before) {
        (Clock::Now, _) => return,
        (Clock::Kept, Ok(before)) => before,
        (Clock::Year2000 | Clock::Kept, _) => at(946_684_800),
        (Clock::Year2038, _) => at(2_145_916_800),
    };
    File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

fn architecture() -> Architecture {
    if cfg!(target_arch = "aarch64") { Architecture::Arm64 } else { Architecture::X86_64 }
}

fn binary_in(cache: &Path, name: &str) -> PathBuf {
    cache.join(format!("{}-unknown-linux-gnu", std::env::consts::ARCH)).join("image").join(name)
}
