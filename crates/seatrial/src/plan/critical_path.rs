//! The longest of all ways through what waits for each other: no run, however parallel, is shorter.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The longest path through a graph: its length, and its nodes, first to last. `takes` is what each node takes by
/// itself, `after` what must be there before a node; what is named there and is no node counts nothing. Of two that are
/// equally long it is the one whose names come first.
///
/// A node that waits for itself, over others or not, is taken as if it did not: such a graph makes no plan.
pub(crate) fn critical_path<N: Ord + Clone>(
    takes: &BTreeMap<N, Duration>,
    after: &BTreeMap<N, BTreeSet<N>>,
) -> (Duration, Vec<N>) {
    let mut ends: BTreeMap<&N, (Duration, Option<&N>)> = BTreeMap::new();
    let mut left: BTreeSet<&N> = takes.keys().collect();
    while !left.is_empty() {
        let waits = |id: &N| after.get(id).into_iter().flatten().any(|other| left.contains(other));
        let ready: Vec<&N> = left.iter().copied().filter(|id| !waits(id)).collect();
        let ready = if ready.is_empty() { left.iter().copied().collect() } else { ready };
        for id in ready {
            let before = after.get(id).into_iter().flatten().filter_map(|other| ends.get_key_value(other));
            // The first of several that end last.
            let last = before.rev().max_by_key(|(_, (end, _))| *end);
            let begins = last.map_or(Duration::ZERO, |(_, (end, _))| *end);
            let takes = takes.get(id).copied().unwrap_or_default();
            ends.insert(id, (begins + takes, last.map(|(other, _)| *other)));
            left.remove(id);
        }
    }
    let last = ends.iter().rev().max_by_key(|(_, (end, _))| *end);
    let length = last.map_or(Duration::ZERO, |(_, (end, _))| *end);
    let mut path: Vec<N> = Vec::new();
    let mut next = last.map(|(id, _)| *id);
    while let Some(id) = next {
        path.push(id.clone());
        next = ends.get(id).and_then(|(_, before)| *before);
    }
    path.reverse();
    (length, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Graph = (BTreeMap<u8, Duration>, BTreeMap<u8, BTreeSet<u8>>);

    /// A graph of up to eight nodes without circles: each waits for some of those before it.
    fn random() -> Graph {
        let count = rand::random_range(0..8);
        let takes = (0..count).map(|id| (id, Duration::from_secs(rand::random_range(0..9)))).collect();
        let before = |id: u8| (0..id).filter(|_| rand::random_range(0..3) == 0).collect();
        (takes, (0..count).map(|id| (id, before(id))).collect())
    }

    /// Every way there is, one after another.
    fn longest_of_all((takes, after): &Graph) -> Duration {
        fn ending_at((takes, after): &Graph, id: u8) -> Duration {
            let before = after[&id].iter().map(|other| ending_at(&(takes.clone(), after.clone()), *other));
            takes[&id] + before.max().unwrap_or_default()
        }
        let graph = (takes.clone(), after.clone());
        takes.keys().map(|id| ending_at(&graph, *id)).max().unwrap_or_default()
    }

    #[test]
    fn the_critical_path_is_as_long_as_the_longest_of_all_paths_and_is_one_of_them() {
        for _ in 0..2_000 {
            let graph = random();

            let (length, path) = critical_path(&graph.0, &graph.1);

            assert_eq!(length, longest_of_all(&graph), "{graph:?}");
            assert_eq!(length, path.iter().map(|id| graph.0[id]).sum::<Duration>(), "{graph:?}: {path:?}");
            assert!(path.windows(2).all(|pair| graph.1[&pair[1]].contains(&pair[0])), "{graph:?}: {path:?}");
            assert!(path.first().is_none_or(|id| graph.1[id].is_empty()), "{graph:?}: {path:?}");
        }
    }

    #[test]
    fn what_is_not_there_counts_nothing_and_a_circle_ends() {
        let takes = BTreeMap::from([("a", Duration::from_secs(2)), ("b", Duration::from_secs(3))]);
        let after = |pairs: &[(&'static str, &[&'static str])]| -> BTreeMap<&str, BTreeSet<&str>> {
            pairs.iter().map(|(id, others)| (*id, others.iter().copied().collect())).collect()
        };
        let path = |pairs| critical_path(&takes, &after(pairs));
        assert_eq!(path(&[("a", &["gone"]), ("b", &["a"])]), (Duration::from_secs(5), vec!["a", "b"]));
        assert_eq!(path(&[]), (Duration::from_secs(3), vec!["b"]));
        assert!(path(&[("a", &["b"]), ("b", &["a"])]).0 >= Duration::from_secs(3));
    }
}
