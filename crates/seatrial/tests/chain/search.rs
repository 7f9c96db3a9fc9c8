//! Looks for values everywhere: plain, as base64, URL-encoded and in hexadecimal, in files and in what is packed in them.

#![expect(clippy::unwrap_used, reason = "a test that cannot be prepared has failed")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use tempfile::TempDir;

/// As many files as one run of grep is given.
const AT_ONCE: usize = 500;

/// Values by what they are called in a finding.
#[derive(Default)]
pub struct Values {
    by_name: BTreeMap<String, String>,
}

impl Values {
    pub fn add(&mut self, name: &str, value: &str) {
        // A shorter one is found where nobody wrote it.
        assert!(value.len() >= 16, "{name} is too short to be searched for");
        self.by_name.insert(name.to_owned(), value.to_owned());
    }

    pub fn get(&self, name: &str) -> &str {
        &self.by_name[name]
    }

    /// The forms of all values, with whose they are.
    fn forms(&self) -> Vec<(&str, String)> {
        let forms = |(name, value): (_, &String)| forms(value).into_iter().map(move |form| (name, form));
        self.by_name.iter().map(|(name, value)| (name.as_str(), value)).flat_map(forms).collect()
    }
}

fn forms(value: &str) -> Vec<String> {
    let hex = hex::encode(value);
    let url = |lower: bool| {
        let encoded = |byte: u8| match byte {
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte if lower => format!("%{byte:02x}"),
            byte => format!("%{byte:02X}"),
        };
        value.bytes().map(encoded).collect::<String>()
    };
    let quoted = serde_json::to_string(value).unwrap();
    let mut forms = vec![value.to_owned(), url(false), url(true), hex.to_uppercase(), hex];
    forms.push(quoted.trim_matches('"').to_owned());
    // In base64 a value looks different behind none, one or two bytes of others; the digits that it shares are left out.
    for before in 0..3 {
        let encoded = STANDARD_NO_PAD.encode([&b"xx"[..before], value.as_bytes()].concat());
        let (start, end) = ([0, 2, 3][before], if (before + value.len()).is_multiple_of(3) { 0 } else { 1 });
        let inner = &encoded[start..encoded.len() - end];
        forms.extend([inner.to_owned(), inner.replace('+', "-").replace('/', "_")]);
    }
    forms.sort();
    forms.dedup();
    forms
}

/// Places to be searched.
pub struct Search {
    files: Vec<PathBuf>,
    unpacked: TempDir,
}

impl Search {
    pub fn new() -> Self {
        Self { files: Vec::new(), unpacked: tempfile::tempdir().unwrap() }
    }

    /// Adds a folder with all below it but what `skip` takes, links not followed; what has gone meanwhile is not missed.
    pub fn add(&mut self, folder: &Path, skip: &dyn Fn(&Path) -> bool) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for path in entries.map(|entry| entry.unwrap().path()).filter(|path| !skip(path)) {
            let Ok(found) = path.symlink_metadata() else { continue };
            if found.is_dir() {
                self.add(&path, skip);
            } else if found.is_file() {
                self.add_file(path);
            }
        }
    }

    /// Only what was written since then, of a folder that others use too.
    pub fn add_since(&mut self, folder: &Path, start: SystemTime) {
        let is_older = |path: &Path| {
            path.is_file() && path.metadata().and_then(|found| found.modified()).is_ok_and(|at| at < start)
        };
        self.add(folder, &is_older);
    }

    /// What was printed, say.
    pub fn add_text(&mut self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.unpacked.path().join(format!("{}-{}", self.files.len(), name.replace('/', "_")));
        fs::write(&path, text).unwrap();
        self.add_file(path);
    }

    /// Adds a file, and what is packed in it.
    fn add_file(&mut self, path: PathBuf) {
        let mut magic = Vec::new();
        let Ok(mut file) = File::open(&path) else { return };
        if file.by_ref().take(4).read_to_end(&mut magic).is_err() {
            return;
        }
        self.files.push(path.clone());
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if magic.starts_with(&[0x1f, 0x8b]) {
            let mut bytes = Vec::new();
            // What is not whole is searched as far as it goes.
            let _ = flate2::read::MultiGzDecoder::new(File::open(&path).unwrap()).read_to_end(&mut bytes);
            self.add_text(&format!("unpacked-{name}"), bytes);
        } else if magic.starts_with(b"PK\x03\x04")
            && let Ok(mut archive) = zip::ZipArchive::new(File::open(&path).unwrap())
        {
            for index in 0..archive.len() {
                let mut bytes = Vec::new();
                archive.by_index(index).unwrap().read_to_end(&mut bytes).unwrap();
                self.add_text(&format!("entry-{index}-of-{name}"), bytes);
            }
        }
    }

    /// `NAME in FILE` for each value that is somewhere, sorted.
    pub fn find(&self, values: &Values) -> Vec<String> {
        let forms = values.forms();
        let secret = tempfile::tempdir().unwrap();
        let patterns = secret.path().join("patterns");
        fs::write(&patterns, forms.iter().map(|(_, form)| format!("{form}\n")).collect::<String>()).unwrap();
        let mut found = Vec::new();
        for files in self.files.chunks(AT_ONCE) {
            let mut grep = Command::new("grep");
            grep.env("LC_ALL", "C").args(["-a", "-F", "-o", "-H", "-Z", "-D", "skip", "-f"]).arg(&patterns);
            let output = grep.arg("--").args(files).output().unwrap();
            for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let line = String::from_utf8_lossy(line).into_owned();
                let (file, form) = line.split_once('\0').unwrap();
                let names = forms.iter().filter(|(_, of)| of == form).map(|(name, _)| name);
                found.extend(names.map(|name| format!("{name} in {file}")));
            }
        }
        found.sort();
        found.dedup();
        found
    }
}

#[test]
fn a_planted_value_is_found_in_every_form_and_wherever_it_is_packed() {
    let (value, text) = ("pl4nted+Value/of=16", |value: &str| format!("before {value} after"));
    let mut values = Values::default();
    values.add("it", value);
    values.add("other", "an0ther+Value/of=16");
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut encoder, bytes).unwrap();
        encoder.finish().unwrap()
    };
    let zip = |bytes: &[u8]| {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        writer.start_file("entry", zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut writer, bytes).unwrap();
        writer.finish().unwrap().into_inner()
    };
    let base64 =
        |before: &str| base64::engine::general_purpose::STANDARD.encode(text(&format!("{before}{value}")));
    let planted = [
        ("plain", text(value).into_bytes()),
        ("aligned", base64("").into_bytes()),
        ("shifted", base64("x").into_bytes()),
        ("shifted-twice", base64("xx").into_bytes()),
        ("hex", hex::encode(text(value)).into_bytes()),
        ("url", text("pl4nted%2BValue%2Fof%3D16").into_bytes()),
        ("layer.gz", gzip(text(value).as_bytes())),
        ("artifact.zip", zip(text(value).as_bytes())),
        ("twice", zip(&gzip(text(value).as_bytes()))),
    ];
    for (name, bytes) in planted {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("below")).unwrap();
        fs::write(folder.path().join("below").join(name), bytes).unwrap();
        let mut search = Search::new();
        search.add(folder.path(), &|_| false);
        search.add_text("clean", "nothing of that kind");

        let found = search.find(&values);
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        assert!(found[0].starts_with("it in "), "{name}: {found:?}");
    }
    let mut search = Search::new();
    search.add_text("clean", text("pl4nted+Value/of=17"));
    assert!(search.find(&values).is_empty());
}
