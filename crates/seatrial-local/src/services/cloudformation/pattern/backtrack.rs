//! Matching by trial, for what the `regex` crate has no word for.

use super::node::{Mode, Node};

/// Steps and nested trials after which a text counts as not matching: what a pattern of a template needs for a
/// value of 4,096 characters many times over, and too little to keep a thread busy or exhaust its stack.
const MOST_STEPS: usize = 400_000;
const DEEPEST: usize = 600;

/// Whether the whole of `text` matches.
pub(super) fn matches(node: &Node, text: &str) -> bool {
    let mut trial = Trial::new(text);
    let end = trial.text.len();
    trial.try_node(node, 0, &mut |_, at| at == end)
}

/// Whether `node` matches somewhere in `text`.
pub(super) fn finds(node: &Node, text: &str) -> bool {
    let mut trial = Trial::new(text);
    (0..=trial.text.len()).any(|start| trial.try_node(node, start, &mut |_, _| true))
}

struct Trial {
    text: Vec<char>,
    captures: Vec<Option<(usize, usize)>>,
    steps: usize,
    depth: usize,
}

/// What is to be matched after a node, from the place where that ended.
type After<'a> = dyn FnMut(&mut Trial, usize) -> bool + 'a;

/// A repetition, without its count.
struct Loop<'a> {
    node: &'a Node,
    least: usize,
    most: Option<usize>,
    lazy: bool,
}

impl Trial {
    fn new(text: &str) -> Self {
        Self { text: text.chars().collect(), captures: Vec::new(), steps: 0, depth: 0 }
    }

    fn try_node(&mut self, node: &Node, at: usize, after: &mut After<'_>) -> bool {
        self.steps += 1;
        if self.steps > MOST_STEPS || self.depth > DEEPEST {
            return false;
        }
        self.depth += 1;
        let matched = self.inner(node, at, after);
        self.depth -= 1;
        matched
    }

    fn inner(&mut self, node: &Node, at: usize, after: &mut After<'_>) -> bool {
        match node {
            Node::Literal(_) | Node::Set(..) => self.is_one(node, at) && after(self, at + 1),
            Node::Start => at == 0 && after(self, at),
            Node::End => at == self.text.len() && after(self, at),
            Node::Boundary(wanted) => self.is_boundary(at) == *wanted && after(self, at),
            Node::Capture(number, inside) => self.capture(*number, inside, at, after),
            Node::Look { ahead, wanted, node } => self.look(*ahead, node, at) == *wanted && after(self, at),
            Node::Same(number) => self.same(*number, at, after),
            Node::All(nodes) => self.all(nodes, at, after),
            Node::Any(nodes) => nodes.iter().any(|node| self.try_node(node, at, after)),
            Node::Repeat { node, least, most, mode } => {
                let repeat = Loop { node, least: *least, most: *most, lazy: *mode == Mode::Lazy };
                match (*mode, node.as_ref()) {
                    (Mode::Possessive, _) => self.possessive(&repeat, at, after),
                    (_, Node::Literal(_) | Node::Set(..)) => self.single(&repeat, at, after),
                    _ => self.repeat(&repeat, 0, at, after),
                }
            }
        }
    }

    fn is_one(&self, node: &Node, at: usize) -> bool {
        let Some(c) = self.text.get(at) else { return false };
        match node {
            Node::Literal(wanted) => wanted == c,
            Node::Set(_, set) => set.is_match(c.encode_utf8(&mut [0; 4])),
            _ => false,
        }
    }

    fn is_boundary(&self, at: usize) -> bool {
        let is_word = |at: Option<usize>| {
            at.and_then(|at| self.text.get(at)).is_some_and(|c| c.is_alphanumeric() || *c == '_')
        };
        is_word(at.checked_sub(1)) != is_word(Some(at))
    }

    fn capture(&mut self, number: usize, inside: &Node, at: usize, after: &mut After<'_>) -> bool {
        self.try_node(inside, at, &mut |trial, end| {
            if trial.captures.len() <= number {
                trial.captures.resize(number + 1, None);
            }
            let before = trial.captures[number].replace((at, end));
            let matched = after(trial, end);
            if !matched {
                trial.captures[number] = before;
            }
            matched
        })
    }

    fn look(&mut self, ahead: bool, node: &Node, at: usize) -> bool {
        if ahead {
            return self.try_node(node, at, &mut |_, _| true);
        }
        let (low, high) = node.width().unwrap_or((0, at));
        (low..=high.min(at)).any(|width| self.try_node(node, at - width, &mut |_, end| end == at))
    }

    fn same(&mut self, number: usize, at: usize, after: &mut After<'_>) -> bool {
        let Some((start, end)) = self.captures.get(number).copied().flatten() else { return false };
        let next = at + (end - start);
        next <= self.text.len() && self.text[start..end] == self.text[at..next] && after(self, next)
    }

    fn all(&mut self, nodes: &[Node], at: usize, after: &mut After<'_>) -> bool {
        match nodes.split_first() {
            None => after(self, at),
            Some((first, rest)) => self.try_node(first, at, &mut |trial, at| trial.all(rest, at, after)),
        }
    }

    /// The repetition of a single character, without a nested trial for each.
    fn single(&mut self, repeat: &Loop<'_>, at: usize, after: &mut After<'_>) -> bool {
        let room = repeat.most.unwrap_or(usize::MAX);
        let mut count = 0;
        while count < room && self.is_one(repeat.node, at + count) {
            count += 1;
        }
        let mut tried = |trial: &mut Self, taken: usize| {
            trial.steps += 1;
            trial.steps <= MOST_STEPS && after(trial, at + taken)
        };
        match repeat.lazy {
            true => (repeat.least..=count).any(|taken| tried(self, taken)),
            false => (repeat.least..=count).rev().any(|taken| tried(self, taken)),
        }
    }

    fn repeat(&mut self, repeat: &Loop<'_>, done: usize, at: usize, after: &mut After<'_>) -> bool {
        let enough = done >= repeat.least;
        if enough && repeat.lazy && after(self, at) {
            return true;
        }
        let more = repeat.most.is_none_or(|most| done < most);
        let again = more
            && self.try_node(repeat.node, at, &mut |trial, next| {
                // A turn that takes nothing is no turn: it could go on for ever.
                (next > at || !enough) && trial.repeat(repeat, done + 1, next, after)
            });
        again || (enough && !repeat.lazy && after(self, at))
    }

    fn possessive(&mut self, repeat: &Loop<'_>, at: usize, after: &mut After<'_>) -> bool {
        let (mut at, mut done) = (at, 0);
        while repeat.most.is_none_or(|most| done < most) {
            let mut end = None;
            let took = self.try_node(repeat.node, at, &mut |_, next| {
                end = Some(next);
                true
            });
            match end.filter(|_| took) {
                Some(next) if next > at => (at, done) = (next, done + 1),
                // A turn that takes nothing can be repeated as often as is wanted.
                Some(_) => {
                    done = repeat.least.max(done);
                    break;
                }
                None => break,
            }
        }
        done >= repeat.least && after(self, at)
    }
}
