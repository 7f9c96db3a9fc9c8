//! The names of a crate: which file defines what, and which file uses it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::modules::{self, Module};
use crate::tokens::{Token, tokens, untested};

/// How many re-exports a name may pass through: more is a circle of them.
const REEXPORTS: usize = 32;

/// One crate, by the files that its root declares.
#[derive(Default)]
pub(crate) struct Names {
    modules: Vec<Placed>,
    /// Inherent methods that stand in another file than their type, by name: the type, and the method's module.
    away: BTreeMap<String, Vec<(Item, usize)>>,
    /// How many methods of a name there are in the crate.
    methods: BTreeMap<String, usize>,
}

/// One file uses what another defines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Use {
    pub from: PathBuf,
    pub to: PathBuf,
    /// What is used, and the first line in `from` that says so.
    pub name: String,
    pub line: usize,
}

/// A module in its place.
#[derive(Default)]
struct Placed {
    file: PathBuf,
    parent: usize,
    children: BTreeMap<String, usize>,
    text: Module,
}

/// A name and the module that defines it.
type Item = (usize, String);

#[derive(Clone)]
enum Found {
    Module(usize),
    Item(Item),
}

/// How a name is looked up in a module.
#[derive(Clone, Copy)]
struct Search {
    is_item: bool,
    /// Only what the module exports.
    by_glob: bool,
    /// The re-exports passed so far.
    passed: usize,
}

impl Search {
    fn new(is_item: bool, passed: usize) -> Self {
        Self { is_item, by_glob: false, passed }
    }
}

impl Names {
    /// Reads the crate whose root is `root` (`src/lib.rs`); `read` gives a file's text, if there is such a file.
    pub(crate) fn read(root: &Path, read: &impl Fn(&Path) -> Option<String>) -> Self {
        let mut names = Self::default();
        let folder = root.parent().unwrap_or(Path::new("")).to_owned();
        names.add_file(root.to_owned(), &folder, 0, read);
        names.place_methods();
        names
    }

    /// Every use of what another file defines, one for each name.
    pub(crate) fn uses(&self) -> Vec<Use> {
        let mut uses = BTreeMap::new();
        for (index, module) in self.modules.iter().enumerate() {
            let found = self.mentioned(index).into_iter().chain(self.traits(index)).chain(self.called(index));
            for (to, name, line) in found {
                let (from, to) = (module.file.clone(), self.modules[to].file.clone());
                if from != to {
                    let key = (from.clone(), to.clone(), name.clone());
                    uses.entry(key).or_insert(Use { from, to, name, line });
                }
            }
        }
        uses.into_values().collect()
    }

    /// The modules that define what the paths in a module's code name; a name and a line for each.
    fn mentioned(&self, index: usize) -> Vec<(usize, String, usize)> {
        let module = &self.modules[index].text;
        let mut uses = Vec::new();
        for (path, line) in &module.mentions {
            let Some(Found::Item(item)) = self.resolve(index, path, 0) else { continue };
            // `Type::method`, where the method stands in another file than the type.
            let method = path.last().filter(|last| **last != item.1).and_then(|last| self.away.get(last));
            let of_type = method.into_iter().flatten().filter(|(owner, _)| *owner == item);
            uses.extend(of_type.map(|(_, place)| (*place, path.join("::"), *line)));
            let imported = module.imports.iter().find(|import| import.name == path[0]);
            uses.push((item.0, item.1, imported.map_or(*line, |import| import.line)));
        }
        uses
    }

    /// A trait is used by its methods too: whoever imports one uses it.
    fn traits(&self, index: usize) -> Vec<(usize, String, usize)> {
        let own = self.modules[index].text.imports.iter().filter(|import| !import.is_public);
        own.filter_map(|import| match self.resolve(index, &import.path, 0)? {
            Found::Item((home, item)) if self.modules[home].text.traits.contains(&item) => {
                Some((home, item, import.line))
            }
            _ => None,
        })
        .collect()
    }

    /// The methods that a module calls and that stand elsewhere than their type. Text does not tell a value's
    /// type: only a method without namesakes counts, and only where its type is named.
    fn called(&self, index: usize) -> Vec<(usize, String, usize)> {
        let module = &self.modules[index].text;
        let names = |owner: &Item| {
            let mut found = module.mentions.iter().map(|(path, _)| self.resolve(index, path, 0));
            owner.0 == index || found.any(|found| matches!(found, Some(Found::Item(item)) if item == *owner))
        };
        let place = |method: &str| match self.away.get(method).map(Vec::as_slice) {
            Some([(owner, place)]) if self.methods.get(method) == Some(&1) && names(owner) => Some(*place),
            _ => None,
        };
        let calls = module.calls.iter();
        calls.filter_map(|(method, line)| Some((place(method)?, format!(".{method}()"), *line))).collect()
    }

    fn add_file(
        &mut self,
        file: PathBuf,
        folder: &Path,
        parent: usize,
        read: &impl Fn(&Path) -> Option<String>,
    ) -> Option<usize> {
        let text = read(&file)?;
        Some(self.add_module(file, parent, &untested(&tokens(&text)), (folder, read)))
    }

    /// Adds the module with this code, and its children, whose files are in the folder.
    fn add_module(
        &mut self,
        file: PathBuf,
        parent: usize,
        code: &[Token<'_>],
        (folder, read): (&Path, &impl Fn(&Path) -> Option<String>),
    ) -> usize {
        let index = self.modules.len();
        let (text, children) = modules::read(code);
        self.modules.push(Placed { file: file.clone(), parent, text, children: BTreeMap::new() });
        for child in children {
            let below = folder.join(child.name);
            let added = match child.body {
                Some(body) => Some(self.add_module(file.clone(), index, body, (&below, read))),
                None => {
                    let beside = self.add_file(below.with_extension("rs"), &below, index, read);
                    beside.or_else(|| self.add_file(below.join("mod.rs"), &below, index, read))
                }
            };
            self.modules[index].children.extend(added.map(|added| (child.name.to_owned(), added)));
        }
        index
    }

    fn place_methods(&mut self) {
        for (index, module) in self.modules.iter().enumerate() {
            for method in &module.text.methods {
                *self.methods.entry(method.name.clone()).or_default() += 1;
                let Some(Found::Item(owner)) = self.resolve(index, &method.owner, 0) else { continue };
                if !method.is_of_trait && self.modules[owner.0].file != module.file {
                    self.away.entry(method.name.clone()).or_default().push((owner, index));
                }
            }
        }
    }

    /// What `path` names in the module `from`; for a path into an item, the item.
    fn resolve(&self, from: usize, path: &[String], passed: usize) -> Option<Found> {
        self.follow(from, path, true, passed)
    }

    /// The module that `path` names, as in `path::*`.
    fn resolve_module(&self, from: usize, path: &[String], passed: usize) -> Option<usize> {
        match self.follow(from, path, false, passed)? {
            Found::Module(module) => Some(module),
            Found::Item(_) => None,
        }
    }

    /// A module and an item may have one name: the item is meant at the end of a path that `ends_in_item`.
    fn follow(&self, from: usize, path: &[String], ends_in_item: bool, passed: usize) -> Option<Found> {
        let (first, rest) = path.split_first()?;
        let mut found = match first.as_str() {
            "crate" => Found::Module(0),
            "self" => Found::Module(from),
            "super" => Found::Module(self.modules[from].parent),
            name => self.look_up(from, name, Search::new(ends_in_item && rest.is_empty(), passed))?,
        };
        for (index, name) in rest.iter().enumerate() {
            let Found::Module(module) = found else { break };
            let is_item = ends_in_item && index + 1 == rest.len();
            found = match name.as_str() {
                "super" => Found::Module(self.modules[module].parent),
                name => self.look_up(module, name, Search::new(is_item, passed))?,
            };
        }
        Some(found)
    }

    fn look_up(&self, module: usize, name: &str, search: Search) -> Option<Found> {
        let here = &self.modules[module];
        let Search { is_item, by_glob, passed } = search;
        if passed > REEXPORTS {
            return None;
        }
        let child = here.children.get(name).map(|child| Found::Module(*child));
        let item = here.text.items.contains(name).then(|| Found::Item((module, name.to_owned())));
        let own = if is_item { item.or(child) } else { child.or(item) };
        let imported = || {
            let imports = here.text.imports.iter().filter(|import| import.is_public || !by_glob);
            let (globs, named): (Vec<_>, Vec<_>) = imports.partition(|import| import.name == "*");
            let mut named = named.into_iter().filter(|import| import.name == name);
            let by_name = named.find_map(|import| self.follow(module, &import.path, is_item, passed + 1));
            by_name.or_else(|| {
                globs.into_iter().find_map(|import| {
                    let from = self.resolve_module(module, &import.path, passed + 1)?;
                    self.look_up(from, name, Search { by_glob: true, passed: passed + 1, ..search })
                })
            })
        };
        match own {
            // `pub(crate) use transfer::transfer;` beside `mod transfer;`.
            Some(Found::Module(own)) if is_item => match imported() {
                Some(Found::Item(item)) => Some(Found::Item(item)),
                _ => Some(Found::Module(own)),
            },
            Some(own) => Some(own),
            None => imported(),
        }
    }
}
