//! Which node comes next: one whose needs are there, first the one with the longest way behind it; so many at a time.

use std::collections::{BTreeMap, BTreeSet};

use crate::commands::at_once::AT_ONCE;
use crate::plan::graph::{Graph, NodeId};

/// The nodes of a graph that are not done yet.
pub(super) struct Queue<'a> {
    graph: &'a Graph,
    /// In the order in which they come where they can.
    waiting: Vec<&'a NodeId>,
    under_way: usize,
    done: BTreeSet<&'a NodeId>,
}

impl<'a> Queue<'a> {
    pub(super) fn of(graph: &'a Graph) -> Self {
        let behind = behind(graph);
        let mut waiting: Vec<&NodeId> = graph.order().iter().collect();
        waiting.sort_by_key(|id| std::cmp::Reverse(behind.get(id).copied()));
        Self { graph, waiting, under_way: 0, done: BTreeSet::new() }
    }

    /// A node that can begin now.
    pub(super) fn next(&mut self) -> Option<&'a NodeId> {
        if self.under_way == AT_ONCE {
            return None;
        }
        let ready = |id: &&NodeId| self.graph.after(id).all(|other| self.done.contains(other));
        let at = self.waiting.iter().position(ready)?;
        self.under_way += 1;
        Some(self.waiting.remove(at))
    }

    /// A node has ended; only where it went well what needs it can begin.
    pub(super) fn end(&mut self, id: &'a NodeId, went_well: bool) {
        self.under_way -= 1;
        if went_well {
            self.done.insert(id);
        }
    }

    /// What never began.
    pub(super) fn left(&self) -> impl Iterator<Item = &NodeId> {
        self.graph.order().iter().filter(|id| self.waiting.contains(id))
    }
}

/// Of each node the longest chain of nodes that wait for it.
fn behind(graph: &Graph) -> BTreeMap<&NodeId, usize> {
    let mut behind: BTreeMap<&NodeId, usize> = BTreeMap::new();
    for id in graph.order().iter().rev() {
        let own = behind.get(id).copied().unwrap_or_default();
        for needed in graph.after(id) {
            let longest = behind.entry(needed).or_default();
            *longest = (*longest).max(own + 1);
        }
    }
    behind
}

#[cfg(test)]
mod tests {
    use seatrial_project::Project;

    use super::*;
    use crate::plan;

    /// Stacks of which each takes the outputs of these others.
    fn graph(needs: &[Vec<usize>]) -> Graph {
        let project = "project: p\nsource: {repository: o/n}\nenvironments: {local: }\n";
        let project = Project::parse(project.as_bytes()).unwrap();
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join(plan::STACKS_FOLDER);
        std::fs::create_dir_all(&folder).unwrap();
        for (number, needs) in needs.iter().enumerate() {
            let takes: String = needs.iter().map(|one| format!("  O{one}: {{Type: String}}\n")).collect();
            let takes = if needs.is_empty() { takes } else { format!("Parameters:\n{takes}") };
            let text = format!(
                "{takes}Resources:\n  It: {{Type: AWS::SQS::Queue}}\nOutputs:\n  O{number}: {{Value: 1}}\n"
            );
            std::fs::write(folder.join(format!("s{number}.yml")), text).unwrap();
        }
        let templates = plan::load(root.path()).unwrap();
        Graph::infer(templates, &project, project.environment(None).unwrap()).unwrap()
    }

    #[test]
    fn nothing_begins_before_what_it_needs_and_no_more_than_so_many_are_under_way() {
        for _ in 0..50 {
            let needs: Vec<Vec<usize>> =
                (0..60).map(|number| (0..number).filter(|_| rand::random_ratio(1, 30)).collect()).collect();
            let graph = graph(&needs);
            let mut queue = Queue::of(&graph);
            let (mut under_way, mut done) = (Vec::new(), Vec::new());
            while done.len() < needs.len() {
                while let Some(id) = queue.next() {
                    assert!(graph.after(id).all(|other| done.contains(&other)), "{id} too early");
                    under_way.push(id);
                }
                assert!((1..=AT_ONCE).contains(&under_way.len()));
                let id = under_way.swap_remove(rand::random_range(0..under_way.len()));
                queue.end(id, true);
                done.push(id);
            }
        }
    }

    #[test]
    fn what_needs_something_that_failed_never_begins_and_is_told() {
        let graph = graph(&[vec![], vec![0], vec![1], vec![]]);
        let mut queue = Queue::of(&graph);
        let first: Vec<&NodeId> = std::iter::from_fn(|| queue.next()).collect();
        assert_eq!(first.iter().map(ToString::to_string).collect::<Vec<_>>(), ["s0", "s3"]);

        first.into_iter().for_each(|id| queue.end(id, false));

        assert_eq!(queue.next(), None);
        assert_eq!(queue.left().map(ToString::to_string).collect::<Vec<_>>(), ["s1", "s2"]);
    }

    #[test]
    fn the_longest_way_begins_first() {
        let graph = graph(&[vec![], vec![], vec![1], vec![2], vec![0]]);

        assert_eq!(Queue::of(&graph).next().map(ToString::to_string).as_deref(), Some("s1"));
    }
}
