//! The order in which resources depend on each other.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::ServiceError;

/// What each resource needs before it can be made, by logical ID.
pub(super) type Graph = BTreeMap<String, BTreeSet<String>>;

/// The graph in which everything waits for what depended on it: the order of deletion.
pub(super) fn reversed(graph: &Graph) -> Graph {
    let mut reversed: Graph = graph.keys().map(|id| (id.clone(), BTreeSet::new())).collect();
    for (id, needs) in graph {
        for need in needs {
            if let Some(dependents) = reversed.get_mut(need) {
                dependents.insert(id.clone());
            }
        }
    }
    reversed
}

/// All logical IDs, each after what it needs.
///
/// # Errors
/// `ValidationError` naming the resources on or behind a cycle, as CloudFormation does.
pub(super) fn ordered(graph: &Graph) -> Result<Vec<String>, ServiceError> {
    let mut order = Vec::new();
    let mut done = BTreeSet::new();
    loop {
        let before = order.len();
        for (id, needs) in graph {
            let ready = needs.iter().all(|need| done.contains(need) || !graph.contains_key(need));
            if ready && !done.contains(id) {
                done.insert(id.clone());
                order.push(id.clone());
            }
        }
        if order.len() == graph.len() {
            return Ok(order);
        }
        if order.len() == before {
            let left: Vec<_> = graph.keys().filter(|id| !done.contains(*id)).map(String::as_str).collect();
            let text = format!("Circular dependency between resources: [{}]", left.join(", "));
            return Err(ServiceError::validation(text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &[&str])]) -> Graph {
        let needs = |needs: &[&str]| needs.iter().map(|need| (*need).to_owned()).collect();
        edges.iter().map(|(id, list)| ((*id).to_owned(), needs(list))).collect()
    }

    #[test]
    fn each_comes_after_what_it_needs_and_before_it_when_reversed() {
        let graph = graph(&[("a", &["b"]), ("b", &["c"]), ("c", &[])]);
        assert_eq!(ordered(&graph).unwrap(), ["c", "b", "a"]);
        assert_eq!(ordered(&reversed(&graph)).unwrap(), ["a", "b", "c"]);
    }

    #[test]
    fn a_cycle_is_refused_by_the_names_on_it() {
        let error = ordered(&graph(&[("a", &["b"]), ("b", &["a"]), ("c", &[])])).unwrap_err();
        assert_eq!(error.message, "Circular dependency between resources: [a, b]");
    }
}
