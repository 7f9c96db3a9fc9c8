//! Where the boxes of a graph stand: in columns, each to the right of all that it waits for, ordered so that few edges
//! cross. An edge that passes a column has a place of its own in it, so that it runs through no box.
//!
//! The method is the usual one for layered graphs (Sugiyama, Tagawa, Toda 1981), with barycentres for the order.

const COLUMN_GAP: f64 = 70.0;
const GAP: f64 = 16.0;
/// What an edge takes that passes a column.
const PASSAGE: f64 = 4.0;
/// Each look at the columns, forth and back, lessens the crossings; after a few nothing changes.
const LOOKS: usize = 8;

#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub width: f64,
    pub height: f64,
}

pub(super) struct Layout {
    pub width: f64,
    pub height: f64,
    /// The upper left corner of each box.
    pub places: Vec<(f64, f64)>,
    pub edges: Vec<Edge>,
}

pub(super) struct Edge {
    pub from: usize,
    pub to: usize,
    /// From the right side of one box to the left side of the other.
    pub points: Vec<(f64, f64)>,
}

/// A box, or the place of an edge that passes.
struct Item {
    column: usize,
    size: Size,
    before: Vec<usize>,
    behind: Vec<usize>,
    /// Where it stands in its column: the number that is ordered by.
    rank: f64,
    x: f64,
    y: f64,
}

impl Layout {
    /// Lays out boxes of these sizes; `after` has for each of them those that it waits for, without circles.
    pub(super) fn of(sizes: &[Size], after: &[Vec<usize>]) -> Self {
        let columns = columns(after);
        let mut items: Vec<Item> = Vec::new();
        for (size, column) in sizes.iter().zip(&columns) {
            items.push(Item::new(*column, *size));
        }
        let mut ways: Vec<(usize, usize, Vec<usize>)> = Vec::new();
        for (to, others) in after.iter().enumerate() {
            for from in others {
                let mut way = vec![*from];
                for column in columns[*from] + 1..columns[to] {
                    items.push(Item::new(column, Size { width: 0.0, height: PASSAGE }));
                    way.push(items.len() - 1);
                }
                way.push(to);
                for pair in way.windows(2) {
                    items[pair[0]].behind.push(pair[1]);
                    items[pair[1]].before.push(pair[0]);
                }
                ways.push((*from, to, way));
            }
        }
        let (width, height) = place(&mut items);
        let places = items.iter().take(sizes.len()).map(|item| (item.x, item.y)).collect();
        let edges = ways.into_iter().map(|(from, to, way)| Edge { from, to, points: points(&items, &way) });
        Self { width, height, places, edges: edges.collect() }
    }
}

impl Item {
    fn new(column: usize, size: Size) -> Self {
        Self { column, size, before: Vec::new(), behind: Vec::new(), rank: 0.0, x: 0.0, y: 0.0 }
    }
}

/// Each one column behind the last of those that it waits for.
fn columns(after: &[Vec<usize>]) -> Vec<usize> {
    let mut columns = vec![0; after.len()];
    // The longest way has as many steps as there are boxes, at most.
    for _ in 0..after.len() {
        for (to, others) in after.iter().enumerate() {
            columns[to] = others.iter().map(|from| columns[*from] + 1).max().unwrap_or(0);
        }
    }
    columns
}

/// Orders the items of each column and gives them their places; the width and the height of all.
#[expect(clippy::cast_precision_loss, reason = "places in a column")]
fn place(items: &mut [Item]) -> (f64, f64) {
    let last = items.iter().map(|item| item.column).max().unwrap_or(0);
    let mut columns: Vec<Vec<usize>> = vec![Vec::new(); last + 1];
    for (at, item) in items.iter().enumerate() {
        columns[item.column].push(at);
    }
    for look in 0..LOOKS {
        let forth = look % 2 == 0;
        let order: Vec<usize> = if forth { (0..=last).collect() } else { (0..=last).rev().collect() };
        for column in order {
            for at in columns[column].clone() {
                let others = if forth { &items[at].before } else { &items[at].behind };
                if !others.is_empty() {
                    let sum: f64 = others.iter().map(|other| items[*other].rank).sum();
                    items[at].rank = sum / others.len() as f64;
                }
            }
            columns[column].sort_by(|one, other| items[*one].rank.total_cmp(&items[*other].rank));
            // Between 0 and 1, so that long and short columns compare.
            let count = columns[column].len() as f64;
            for (place, at) in columns[column].iter().enumerate() {
                items[*at].rank = (place as f64 + 0.5) / count;
            }
        }
    }
    let height_of =
        |column: &[usize]| column.iter().map(|at| items[*at].size.height + GAP).sum::<f64>() - GAP;
    let height = columns.iter().map(|column| height_of(column)).fold(0.0, f64::max);
    let tops: Vec<f64> = columns.iter().map(|column| (height - height_of(column)) / 2.0).collect();
    let mut x = 0.0;
    for (column, top) in columns.iter().zip(tops) {
        let widest = column.iter().map(|at| items[*at].size.width).fold(0.0, f64::max);
        let mut y = top;
        for at in column {
            (items[*at].x, items[*at].y) = (x, y);
            // An edge passes the whole column.
            if items[*at].size.width == 0.0 {
                items[*at].size.width = widest;
            }
            y += items[*at].size.height + GAP;
        }
        x += widest + COLUMN_GAP;
    }
    ((x - COLUMN_GAP).max(0.0), height.max(0.0))
}

fn points(items: &[Item], way: &[usize]) -> Vec<(f64, f64)> {
    let mut points = Vec::new();
    for (at, item) in way.iter().enumerate() {
        let Item { x, y, size, .. } = &items[*item];
        let middle = y + size.height / 2.0;
        points.extend((at > 0).then_some((*x, middle)));
        points.extend((at + 1 < way.len()).then_some((x + size.width, middle)));
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random() -> (Vec<Size>, Vec<Vec<usize>>) {
        let count = rand::random_range(1..15);
        let size =
            |_| Size { width: rand::random_range(20.0..200.0), height: rand::random_range(20.0..200.0) };
        let before = |at: usize| (0..at).filter(|_| rand::random_range(0..4) == 0).collect();
        ((0..count).map(size).collect(), (0..count).map(before).collect())
    }

    #[test]
    fn boxes_stand_right_of_what_they_wait_for_and_neither_boxes_nor_edges_lie_on_a_box() {
        for _ in 0..300 {
            let (sizes, after) = random();
            let layout = Layout::of(&sizes, &after);
            let corners = |at: usize| {
                let (x, y) = layout.places[at];
                (x, y, x + sizes[at].width, y + sizes[at].height)
            };
            for (to, others) in after.iter().enumerate() {
                assert!(others.iter().all(|from| corners(*from).2 < corners(to).0), "{after:?}");
                for other in 0..to {
                    let ((left, top, right, bottom), (x, y, end, low)) = (corners(to), corners(other));
                    assert!(left >= end || x >= right || top >= low || y >= bottom, "{sizes:?} {after:?}");
                }
                let (_, _, right, bottom) = corners(to);
                assert!(right <= layout.width + 0.1 && bottom <= layout.height + 0.1, "{after:?}");
            }
            assert_eq!(layout.edges.len(), after.iter().map(Vec::len).sum::<usize>());
            for edge in &layout.edges {
                // From one column to the next: no box stands in between.
                for pair in edge.points.windows(2).step_by(2) {
                    let between = |at: usize| corners(at).0 >= pair[0].0 && corners(at).2 <= pair[1].0;
                    assert!(!(0..sizes.len()).any(between), "{after:?}");
                }
                // Level through a column, between columns elsewhere.
                for pair in edge.points.windows(2).skip(1).step_by(2) {
                    assert!((pair[0].1 - pair[1].1).abs() < f64::EPSILON, "{after:?}");
                    let crosses = |at: usize| {
                        let (left, top, right, bottom) = corners(at);
                        pair[0].0 < right && pair[1].0 > left && pair[0].1 > top && pair[0].1 < bottom
                    };
                    assert!(!(0..sizes.len()).any(crosses), "{after:?}");
                }
            }
        }
    }
}
