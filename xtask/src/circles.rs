//! No files in a circle: of two files, one can be read without the other.
//!
//! What two files need of each other lives in a file below both, or they are one file. A file uses another if it
//! names what that one defines, through however many re-exports; declaring and re-exporting is no use.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use seatrial::Checking;

use crate::names::{Names, Use};
use crate::rules::is_test;

/// The local cloud's one door, which is read as one file. What is called through it is handed the cloud to call
/// others with: `Operation::handle` and `Engine::step` name the door's type, and the door names them. All other
/// files stand on the door or below it.
const DOOR: [&str; 3] = [
    "crates/seatrial-local/src/cloud.rs",
    "crates/seatrial-local/src/operation.rs",
    "crates/seatrial-local/src/engine.rs",
];

/// Every circle: its files, and the line at which each names the next.
pub(crate) fn check(checking: &Checking<'_>) -> Result<(), String> {
    let circles = circles_below(checking.root(), checking.files("*.rs")?);
    if circles.is_empty() { Ok(()) } else { Err(circles.join("\n")) }
}

fn circles_below(root: &Path, files: Vec<PathBuf>) -> Vec<String> {
    let files: BTreeSet<PathBuf> = files.into_iter().filter(|path| !is_test(path)).collect();
    let read = |path: &Path| files.get(path).and_then(|path| std::fs::read_to_string(root.join(path)).ok());
    let roots = files.iter().filter(|file| is_root(file));
    roots.flat_map(|file| circles_of(&Names::read(file, &read).uses())).collect()
}

/// Where a crate begins.
fn is_root(path: &Path) -> bool {
    let is_program = path.parent().is_some_and(|folder| folder.ends_with("src/bin"));
    path.ends_with("src/lib.rs") || path.ends_with("src/main.rs") || is_program
}

/// The file as which this one is read.
fn node(file: &Path) -> &Path {
    if DOOR.iter().any(|door| file == Path::new(door)) { Path::new(DOOR[0]) } else { file }
}

type Arrows<'a> = BTreeMap<&'a Path, BTreeSet<&'a Path>>;

/// The circles in which these uses go: so many that each file in a circle stands in one of them.
fn circles_of(uses: &[Use]) -> Vec<String> {
    let mut arrows = Arrows::new();
    for used in uses {
        let (from, to) = (node(&used.from), node(&used.to));
        if from != to {
            arrows.entry(from).or_default().insert(to);
        }
    }
    let mut shown = BTreeSet::new();
    let mut circles = Vec::new();
    for file in arrows.keys() {
        if !shown.contains(file)
            && let Some(circle) = shortest_circle(&arrows, file)
        {
            shown.extend(circle.iter().copied());
            circles.push(describe(&circle, uses));
        }
    }
    circles
}

/// The files of the shortest circle through `file`, which stands at both ends.
fn shortest_circle<'a>(arrows: &Arrows<'a>, file: &'a Path) -> Option<Vec<&'a Path>> {
    let mut came_from: BTreeMap<&Path, &Path> = BTreeMap::new();
    let mut queue = VecDeque::from([file]);
    while let Some(at) = queue.pop_front() {
        for next in arrows.get(at).into_iter().flatten() {
            if !came_from.contains_key(next) {
                came_from.insert(next, at);
                queue.push_back(next);
            }
        }
    }
    let mut circle = vec![file, came_from.get(file).copied()?];
    while let Some(last) = circle.last().copied().filter(|last| *last != file) {
        circle.push(came_from.get(last).copied()?);
    }
    circle.reverse();
    Some(circle)
}

/// `a.rs -> b.rs -> a.rs`, then a line for each arrow.
fn describe(circle: &[&Path], uses: &[Use]) -> String {
    let files: Vec<String> = circle.iter().map(|file| file.display().to_string()).collect();
    let mut lines = vec![format!("files in a circle: {}", files.join(" -> "))];
    for pair in circle.windows(2) {
        let mut arrows: BTreeMap<(&Path, &Path), Vec<String>> = BTreeMap::new();
        for used in uses.iter().filter(|used| node(&used.from) == pair[0] && node(&used.to) == pair[1]) {
            let name = format!("`{}` (line {})", used.name, used.line);
            arrows.entry((&used.from, &used.to)).or_default().push(name);
        }
        lines.extend(arrows.into_iter().map(|((from, to), names)| {
            format!("  {} uses {} of {}", from.display(), names.join(", "), to.display())
        }));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The circles of a crate of these files, without the lines that say why.
    fn circles(files: &[(&str, &str)]) -> Vec<String> {
        let read = |path: &Path| {
            let found = files.iter().find(|(name, _)| path == Path::new("src").join(name));
            found.map(|(_, text)| (*text).to_owned())
        };
        let circles = circles_of(&Names::read(Path::new("src/lib.rs"), &read).uses());
        let heads = circles.iter().filter_map(|text| text.lines().next());
        heads.map(|head| head.replace("files in a circle: ", "").replace("src/", "")).collect()
    }

    #[test]
    fn files_that_import_each_other_are_named_with_their_lines() {
        let read = |path: &Path| {
            let text = match path.to_str()? {
                "src/lib.rs" => "mod a;\nmod b;",
                "src/a.rs" => "use crate::b::B;\npub struct A(B);",
                "src/b.rs" => "pub struct B;\n\nfn f(_: super::a::A) {}",
                _ => return None,
            };
            Some(text.to_owned())
        };

        let circles = circles_of(&Names::read(Path::new("src/lib.rs"), &read).uses());

        let expected = "files in a circle: src/a.rs -> src/b.rs -> src/a.rs\n  src/a.rs uses `B` (line 1) of \
                        src/b.rs\n  src/b.rs uses `A` (line 3) of src/a.rs";
        assert_eq!(circles, [expected]);
    }

    #[test]
    fn a_circle_over_other_files_and_re_exports_is_found() {
        let files = [
            ("lib.rs", "mod a; mod b; mod c; pub use c::*;"),
            ("a.rs", "use crate::b; fn f() { b::g(); }"),
            ("b.rs", "pub fn g() { crate::h(); }"),
            ("c/mod.rs", "mod d; pub use d::h;"),
            ("c/d.rs", "pub fn h() { crate::a::f(); }"),
        ];

        assert_eq!(circles(&files), ["a.rs -> b.rs -> c/d.rs -> a.rs"]);
    }

    #[test]
    fn a_parent_that_declares_and_re_exports_is_in_no_circle_until_it_defines_what_a_child_uses() {
        let child = ("a/b.rs", "use super::A; pub struct B(A);");
        let files = [("lib.rs", "mod a;"), ("a/mod.rs", "mod b; pub use b::B; pub struct A;"), child];
        let using = [("lib.rs", "mod a;"), ("a/mod.rs", "mod b; pub struct A; fn f(_: b::B) {}"), child];

        assert!(circles(&files).is_empty());
        assert_eq!(circles(&using), ["a/b.rs -> a/mod.rs -> a/b.rs"]);
    }

    #[test]
    fn a_method_that_stands_elsewhere_than_its_type_is_a_use() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "pub struct A; impl A { fn go(&self) { self.step(); } }"),
            ("b.rs", "use crate::a::A; impl A { pub fn step(&self) {} }"),
        ];

        assert_eq!(circles(&files), ["a.rs -> b.rs -> a.rs"]);
    }

    #[test]
    fn an_item_is_told_from_a_module_of_its_name() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a/mod.rs", "mod go; pub use go::go;"),
            ("a/go.rs", "pub fn go() { crate::b::f(); }"),
            ("b.rs", "pub fn f() { crate::a::go(); }"),
        ];

        assert_eq!(circles(&files), ["a/go.rs -> b.rs -> a/go.rs"]);
    }

    #[test]
    fn what_only_tests_import_closes_no_circle() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "pub struct A; #[cfg(test)] mod tests { use crate::b::B; fn f(_: B) {} }"),
            ("b.rs", "use crate::a::A; pub struct B(A);"),
        ];

        assert!(circles(&files).is_empty());
    }

    #[test]
    fn the_door_is_one_file_and_no_way_for_others_to_come_back() {
        let used =
            |from: &str, to: &str| Use { from: from.into(), to: to.into(), name: "Name".to_owned(), line: 1 };
        let [cloud, operation, _] = DOOR;
        let mut uses = vec![used(cloud, operation), used(operation, cloud)];

        assert!(circles_of(&uses).is_empty());

        uses.extend([
            used(operation, "crates/seatrial-local/src/x.rs"),
            used("crates/seatrial-local/src/x.rs", cloud),
        ]);
        assert_eq!(circles_of(&uses).len(), 1);
    }

    #[test]
    fn a_tree_with_a_circle_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        std::fs::create_dir_all(dir.path().join("one/src")).unwrap();
        write("one/src/main.rs", "mod a;\nmod b;\nfn main() { a::f() }\n");
        write("one/src/a.rs", "pub fn f() { crate::b::g() }\n");
        write("one/src/b.rs", "pub fn g() {}\n");
        let files = || ["main", "a", "b"].map(|name| format!("one/src/{name}.rs").into()).into();

        assert!(circles_below(dir.path(), files()).is_empty());

        write("one/src/b.rs", "pub fn g() { crate::a::f() }\n");
        let refused = circles_below(dir.path(), files()).join("\n");
        assert!(refused.contains("one/src/a.rs -> one/src/b.rs -> one/src/a.rs"), "{refused}");
    }
}
