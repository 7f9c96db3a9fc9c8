//! What layers make of a root, computed in memory: a tree whose nodes know which layer they are of.

use super::*;

/// A file, folder or link.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// The number of the layer whose entry it was; 0 for folders that no entry named.
    layer: usize,
    mode: u32,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Folder(BTreeMap<String, Node>),
    File(String),
    Link(String),
}

const FOLDER: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_777;

#[derive(Debug)]
pub(super) struct Model {
    root: Node,
    layer: usize,
}

impl Default for Model {
    fn default() -> Self {
        Self { root: Node::folder(0, FOLDER | 0o755), layer: 0 }
    }
}

impl Node {
    fn folder(layer: usize, mode: u32) -> Self {
        Self { layer, mode, what: What::Folder(BTreeMap::new()) }
    }

    fn children(&mut self) -> Option<&mut BTreeMap<String, Node>> {
        match &mut self.what {
            What::Folder(children) => Some(children),
            _ => None,
        }
    }

    /// Takes away what is older than `layer`; true if nothing is left.
    fn hide(&mut self, layer: usize) -> bool {
        if let Some(children) = self.children() {
            children.retain(|_, child| !child.hide(layer));
            return children.is_empty() && self.layer != layer;
        }
        self.layer != layer
    }
}

impl Model {
    /// `None`: the layer cannot be unpacked.
    pub(super) fn apply(&mut self, layer: &[Item], named: impl Fn(&str) -> String) -> Option<()> {
        self.layer += 1;
        layer.iter().try_for_each(|item| self.item(item, &named(&item.name), named(&item.content)))
    }

    fn item(&mut self, item: &Item, name: &str, content: String) -> Option<()> {
        let layer = self.layer;
        let Some((folder, name)) = self.place(name)? else { return Some(()) };
        if let Some(hidden) = name.strip_prefix(".wh.") {
            return self.whiteout(&folder, hidden);
        }
        let is_folder = item.kind == EntryType::Directory || item.kind.is_file() && item.name.ends_with('/');
        let mode = item.mode & 0o777;
        let children = self.at(&folder)?.children()?;
        if is_folder {
            let node = children.entry(name).or_insert_with(|| Node::folder(layer, 0));
            if node.children().is_none() {
                *node = Node::folder(layer, 0);
            }
            (node.layer, node.mode) = (layer, FOLDER | mode | 0o700);
            return Some(());
        }
        children.remove(&name);
        let node = match item.kind {
            EntryType::Symlink if content.is_empty() => return None,
            EntryType::Symlink => Node { layer, mode: LINK, what: What::Link(content) },
            EntryType::Regular => Node { layer, mode: FILE | mode, what: What::File(content) },
            EntryType::Link => {
                let (of, linked) = self.place(&content)??;
                let node = self.at(&of)?.children()?.get(&linked)?.clone();
                if matches!(node.what, What::Folder(_)) {
                    return None;
                }
                Node { layer, ..node }
            }
            _ => return Some(()),
        };
        self.at(&folder)?.children()?.insert(name, node);
        Some(())
    }

    fn whiteout(&mut self, folder: &[String], hidden: &str) -> Option<()> {
        let layer = self.layer;
        let children = self.at(folder)?.children()?;
        match hidden {
            "" | "." | ".." => return None,
            ".wh..opq" => children.retain(|_, child| !child.hide(layer)),
            _ if hidden.starts_with(".wh.") => {}
            _ => {
                if children.get_mut(hidden).is_some_and(|child| child.hide(layer)) {
                    children.remove(hidden);
                }
            }
        }
        Some(())
    }

    /// The real folder and the name that `path` leads to; the inner `None` is the root.
    fn place(&mut self, path: &str) -> Option<Option<(Vec<String>, String)>> {
        let mut clean: Vec<&str> = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(clean.pop()),
                _ => clean.push(part),
            }
        }
        let Some(name) = clean.pop() else { return Some(None) };
        let mut hops = 0;
        let folder = clean.into_iter().try_fold(Vec::new(), |at, part| self.step(at, part, &mut hops))?;
        Some(Some((folder, name.to_owned())))
    }

    /// One part further from a real folder.
    fn step(&mut self, mut at: Vec<String>, part: &str, hops: &mut usize) -> Option<Vec<String>> {
        match part {
            "" | "." => return Some(at),
            ".." => {
                at.pop();
                return Some(at);
            }
            _ => {}
        }
        let children = self.at(&at)?.children()?;
        let node = children.entry(part.to_owned()).or_insert_with(|| Node::folder(0, FOLDER | 0o755));
        let target = match &node.what {
            What::File(_) => return None,
            What::Folder(_) => {
                at.push(part.to_owned());
                return Some(at);
            }
            What::Link(target) => target.clone(),
        };
        *hops += 1;
        if *hops > 40 {
            return None;
        }
        let start = if target.starts_with('/') { Vec::new() } else { at };
        target.split('/').try_fold(start, |at, part| self.step(at, part, hops))
    }

    fn at(&mut self, folder: &[String]) -> Option<&mut Node> {
        folder.iter().try_fold(&mut self.root, |node, name| node.children()?.get_mut(name))
    }

    /// As [`look`] sees it.
    pub(super) fn tree(&self) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
        let (mut tree, mut left) = (BTreeMap::new(), vec![(PathBuf::new(), &self.root)]);
        while let Some((path, node)) = left.pop() {
            let content = match &node.what {
                What::Folder(children) => {
                    left.extend(children.iter().map(|(name, child)| (path.join(name), child)));
                    Vec::new()
                }
                What::File(content) | What::Link(content) => content.clone().into_bytes(),
            };
            tree.insert(path, (node.mode, content));
        }
        tree.remove(Path::new(""));
        tree
    }
}
