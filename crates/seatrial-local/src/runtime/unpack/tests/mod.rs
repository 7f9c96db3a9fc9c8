//! Stacks of layers, chosen and at random, over a root that lies among files which must stay as they are.

mod model;
#[cfg(target_os = "linux")]
mod others;

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::MetadataExt as _;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use model::Model;

/// An entry of a layer. `{out}` in a name or target stands for the folder around the root.
#[derive(Debug, Clone)]
struct Item {
    kind: EntryType,
    name: String,
    /// The content of a file, the target of a link.
    content: String,
    mode: u32,
}

fn item(kind: EntryType, name: &str, content: &str) -> Item {
    Item { kind, name: name.to_owned(), content: content.to_owned(), mode: 0o755 }
}

fn file(name: &str) -> Item {
    item(EntryType::Regular, name, "new")
}

fn folder(name: &str) -> Item {
    item(EntryType::Directory, name, "")
}

fn symlink(name: &str, target: &str) -> Item {
    item(EntryType::Symlink, name, target)
}

fn hard_link(name: &str, target: &str) -> Item {
    item(EntryType::Link, name, target)
}

/// What is at a path: kind and mode, number of names, content or target.
type Seen = BTreeMap<PathBuf, (u32, u64, Vec<u8>)>;

/// Everything below a folder, except below `but`.
fn look(folder: &Path, but: Option<&Path>) -> Seen {
    let (mut seen, mut folders) = (Seen::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            let content = match metadata.file_type() {
                kind if kind.is_dir() => Vec::new(),
                kind if kind.is_symlink() => std::fs::read_link(&path).unwrap().into_os_string().into_vec(),
                _ => std::fs::read(&path).unwrap(),
            };
            let links = if metadata.is_dir() { 0 } else { metadata.nlink() };
            if metadata.is_dir() && but != Some(&path) {
                folders.push(path.clone());
            }
            seen.insert(path.strip_prefix(folder).unwrap().to_owned(), (metadata.mode(), links, content));
        }
    }
    seen
}

/// A root, and around it what no layer may touch: files with the names that layers use, too.
struct World {
    dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("u").tempdir().unwrap();
        for name in ["a", "b", "c", "run", "x", "a.d/a", "a.d/b", "run.d/x", "pull/a", "pull/run/x"] {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        }
        std::fs::create_dir(dir.path().join("pull/root")).unwrap();
        Self { dir }
    }

    /// Takes everything out of the root.
    fn clear(&self) {
        let _ = std::fs::remove_dir_all(self.root());
        std::fs::create_dir_all(self.root()).unwrap();
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("pull/root")
    }

    fn outside(&self) -> Seen {
        look(self.dir.path(), Some(&self.root()))
    }

    fn named(&self, text: &str) -> String {
        text.replace("{out}", self.dir.path().to_str().unwrap())
    }

    fn unpack(&self, layer: &[Item]) -> io::Result<()> {
        let mut builder = tar::Builder::new(Vec::new());
        for item in layer {
            let (name, content) = (self.named(&item.name), self.named(&item.content));
            let is_file = item.kind == EntryType::Regular;
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(item.kind);
            header.set_mode(item.mode);
            header.set_size(if is_file { content.len() as u64 } else { 0 });
            // The library's own setters refuse what a hostile layer holds.
            let old = header.as_old_mut();
            old.name[..name.len()].copy_from_slice(name.as_bytes());
            if !is_file {
                old.linkname[..content.len()].copy_from_slice(content.as_bytes());
            }
            header.set_cksum();
            builder.append(&header, if is_file { content.as_bytes() } else { b"" }).unwrap();
        }
        let path = self.dir.path().join("pull/layer");
        std::fs::write(&path, builder.into_inner().unwrap()).unwrap();
        let unpacked = unpack(File::open(&path)?, &self.root(), Owners::Own);
        std::fs::remove_file(path).unwrap();
        unpacked
    }

    /// The root holds exactly what is expected; `/` at the end of a name means a folder.
    #[track_caller]
    fn holds(&self, expected: &[&str]) {
        let seen = look(&self.root(), None);
        let name = |(path, (mode, ..)): (&PathBuf, &(u32, u64, Vec<u8>))| {
            format!("{}{}", path.display(), if mode & 0o170_000 == 0o040_000 { "/" } else { "" })
        };
        assert_eq!(seen.iter().map(name).collect::<Vec<_>>(), expected);
    }
}

/// Unpacks layers into a new world, and sees that nothing around the root changed.
#[track_caller]
fn unpacked(layers: &[&[Item]]) -> (World, io::Result<()>) {
    let world = World::new();
    let before = world.outside();
    let result = layers.iter().try_for_each(|layer| world.unpack(layer));
    assert_eq!(world.outside(), before);
    (world, result)
}

#[test]
fn a_whiteout_hides_what_a_lower_layer_holds() {
    let lower = [file("a/one"), file("a/two"), file("b/three")];
    let (world, result) = unpacked(&[&lower, &[file("a/.wh.one"), file("b/.wh..wh..opq"), file("b/four")]]);
    result.unwrap();
    world.holds(&["a/", "a/two", "b/", "b/four"]);
}

#[test]
fn a_whiteout_spares_what_its_own_layer_holds_whatever_their_order() {
    let lower = [file("a/one"), file("a/d/old"), file("b")];
    let upper = [file("a/two"), file("a/d/new"), file("b"), file("a/.wh..wh..opq"), file(".wh.b")];
    let (world, result) = unpacked(&[&lower, &upper]);
    result.unwrap();
    world.holds(&["a/", "a/d/", "a/d/new", "a/two", "b"]);
}

#[test]
fn links_of_an_earlier_layer_are_followed_inside_the_root() {
    for target in ["/run", "../run", "../../../../../run", "/../run/."] {
        let debian = [folder("run"), folder("var"), symlink("var/run", target), file("run/old")];
        let (world, result) =
            unpacked(&[&debian, &[file("var/run/x"), hard_link("y", "var/run/x"), file("var/run/.wh.old")]]);
        result.unwrap();
        world.holds(&["run/", "run/x", "var/", "var/run", "y"]);
    }
}

#[test]
fn a_link_out_of_the_root_lets_nothing_be_removed_or_written_there() {
    let links = [symlink("out", "{out}"), symlink("up", "../.."), symlink("l", "{out}/run")];
    let world = World::new();
    let here = world.dir.path().strip_prefix("/").unwrap().to_owned();
    for upper in [
        file("out/.wh.a"),
        file("out/a.d/.wh..wh..opq"),
        file("out/run"),
        file("up/.wh.a"),
        file("up/a"),
        folder("out/run"),
        symlink("out/x", "a"),
        hard_link("out/new", "l"),
        file("{out}/a"),
        file("../../a"),
        file("a/../../../.wh.a"),
    ] {
        let (_, result) = unpacked(&[&links, std::slice::from_ref(&upper)]);
        result.unwrap_or_else(|error| panic!("{upper:?}: {error}"));
    }
    // What is read through a link is the root's as well.
    for target in ["{out}/a", "out/a", "up/a", "../../a"] {
        let (_, result) = unpacked(&[&links, &[hard_link("stolen", target)]]);
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::NotFound, "{target}");
    }
    world.unpack(&links).unwrap();
    world.unpack(&[file("out/run")]).unwrap();
    assert_eq!(std::fs::read(world.root().join(here).join("run")).unwrap(), b"new");
}

#[test]
fn the_last_part_of_a_path_is_replaced_and_not_followed() {
    let lower = [symlink("a", "{out}/a"), folder("b/c"), file("c"), symlink("d", "/b")];
    let (world, result) = unpacked(&[&lower, &[file("a"), file("b"), folder("c"), folder("d")]]);
    result.unwrap();
    world.holds(&["a", "b", "c/", "d/"]);
}

#[test]
fn the_root_itself_is_no_entry() {
    let names = ["/", ".", "./", "..", "a/..", "/../.."].map(folder);
    let (world, result) = unpacked(&[&[file("a")], &names, &[symlink("/", "/x"), file("./.")]]);
    result.unwrap();
    world.holds(&["a"]);
}

#[test]
fn a_whiteout_of_the_folder_or_its_parent_fails_the_pull() {
    for name in [".wh.", ".wh..", ".wh...", "a/.wh...", "a/.wh."] {
        let (world, result) = unpacked(&[&[file("a/b")], &[file(name)]]);
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::InvalidData, "{name}");
        world.holds(&["a/", "a/b"]);
    }
}

#[test]
fn links_in_a_circle_fail_the_pull() {
    let (_, result) = unpacked(&[&[symlink("a", "b"), symlink("b", "/a")], &[file("a/x")]]);
    assert_eq!(result.unwrap_err().raw_os_error(), Some(nix::libc::ELOOP));
}

#[test]
fn no_file_gets_the_rights_of_its_owner_or_closes_a_folder_to_later_layers() {
    let with = |item: Item, mode| Item { mode, ..item };
    let lower = [with(file("su"), 0o6755), with(folder("d"), 0o1555), with(folder("tmp"), 0o1777)];
    let (world, result) = unpacked(&[&lower, &[file("d/x")]]);
    result.unwrap();
    let modes: Vec<_> = look(&world.root(), None).into_values().map(|(mode, ..)| mode & 0o7777).collect();
    assert_eq!(modes, [0o755, 0o755, 0o755, 0o777]);
}

fn name() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        8 => prop::sample::select(vec!["a", "b", "c", "run", "x"]),
        1 => prop::sample::select(vec!["..", ".", ""]),
    ];
    let whiteout =
        prop::sample::select(vec![".wh.a", ".wh.b", ".wh.run", ".wh..wh..opq", ".wh...", ".wh..wh.m"]);
    let hidden = (prop::collection::vec(part.clone(), 0..3), whiteout).prop_map(|(mut parts, last)| {
        parts.push(last);
        parts.join("/")
    });
    let plain = prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("/"));
    prop_oneof![3 => plain, 1 => hidden]
}

/// Where a link leads: anywhere in the root, and often to what lies around it.
fn target() -> impl Strategy<Value = String> {
    let start = prop::sample::select(vec![
        "",
        "",
        "/",
        "/",
        "../",
        "../..",
        "../../../..",
        "{out}",
        "{out}/",
        "/../../",
    ]);
    (start, name()).prop_map(|(start, name)| match start {
        "{out}" | "../.." | "../../../.." => start.to_owned(),
        _ => format!("{start}{name}"),
    })
}

fn any_item() -> impl Strategy<Value = Item> {
    let mode = prop::sample::select(vec![0o644, 0o755, 0o4755, 0o500, 0o1777]);
    let kind = prop_oneof![
        4 => (Just(EntryType::Regular), "[a-z]{1,4}"),
        2 => (Just(EntryType::Directory), Just(String::new())),
        4 => (Just(EntryType::Symlink), target()),
        2 => (Just(EntryType::Link), target()),
        1 => (Just(EntryType::Fifo), Just(String::new())),
    ];
    (kind, name(), mode).prop_map(|((kind, content), name, mode)| Item { kind, name, content, mode })
}

#[test]
fn no_stack_of_layers_touches_what_is_outside_and_each_gives_the_tree_of_the_model() {
    let layers = prop::collection::vec(prop::collection::vec(any_item(), 1..8), 1..5);
    let mut runner = TestRunner::new(Config { cases: 1000, failure_persistence: None, ..Config::default() });
    let world = World::new();
    let result = runner.run(&layers, |layers| {
        world.clear();
        let before = world.outside();
        let mut model = Model::default();
        for layer in layers {
            // What was unpacked before an entry failed stays, and the next layer goes over it.
            let done = world.unpack(&layer);
            let expected = model.apply(&layer, |text| world.named(text));
            prop_assert_eq!(done.is_ok(), expected.is_some(), "{:?}", done);
        }
        prop_assert_eq!(&world.outside(), &before);
        let seen = look(&world.root(), None);
        let seen = seen.into_iter().map(|(path, (mode, _, content))| (path, (mode, content)));
        prop_assert_eq!(seen.collect::<BTreeMap<_, _>>(), model.tree());
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
