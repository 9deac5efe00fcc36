//! Where the boxes go: into columns, referenced tables left of referencing ones, near to what they
//! are linked with.

/// A line to come, from a line of one box to a line of another; lines count from a box's top.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) from_line: usize,
    pub(super) to_line: usize,
}

/// The place of a box: its column, and the line of its top.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) column: usize,
    pub(super) top: usize,
}

/// Boxes by column, from the top.
pub(super) type Columns = Vec<Vec<usize>>;

struct Problem<'a> {
    heights: &'a [usize],
    edges: &'a [Edge],
    gap: usize,
}

/// The order of the boxes in so many columns. Starts from the layers that the foreign keys make,
/// then moves and swaps boxes as long as that shortens the lines.
pub(super) fn arrange(heights: &[usize], edges: &[Edge], columns: usize) -> Columns {
    const ROUNDS: usize = 60;
    let problem = Problem {
        heights,
        edges,
        gap: 2,
    };
    let mut best = problem.layers(columns);
    let mut cost = problem.cost(&best);
    for _ in 0..ROUNDS {
        let better = neighbours(&best, heights.len())
            .into_iter()
            .map(|candidate| (problem.cost(&candidate), candidate))
            .min_by_key(|(cost, _)| *cost)
            .filter(|(next, _)| *next < cost);
        match better {
            Some((next, candidate)) => (cost, best) = (next, candidate),
            None => break,
        }
    }
    best
}

/// A place for each box, at least `gap` lines apart.
pub(super) fn settle(
    heights: &[usize],
    edges: &[Edge],
    columns: &Columns,
    gap: usize,
) -> Vec<Spot> {
    Problem {
        heights,
        edges,
        gap,
    }
    .settle(columns)
}

/// Every arrangement that differs by one box moved or two swapped.
fn neighbours(columns: &Columns, boxes: usize) -> Vec<Columns> {
    let mut found = Vec::new();
    for item in 0..boxes {
        let mut rest = columns.clone();
        for column in &mut rest {
            column.retain(|other| *other != item);
        }
        for (n, column) in rest.iter().enumerate() {
            for place in 0..=column.len() {
                let mut moved = rest.clone();
                if let Some(target) = moved.get_mut(n) {
                    target.insert(place, item);
                }
                found.push(moved);
            }
        }
        for other in item + 1..boxes {
            let mut swapped = columns.clone();
            for place in swapped.iter_mut().flatten() {
                if *place == item {
                    *place = other;
                } else if *place == other {
                    *place = item;
                }
            }
            found.push(swapped);
        }
    }
    found
}

impl Problem<'_> {
    /// Columns by the longest way up to a table that refers to none.
    fn layers(&self, columns: usize) -> Columns {
        let count = self.heights.len();
        let mut rank = vec![0; count];
        for _ in 0..count.min(12) {
            for edge in self.edges.iter().filter(|edge| edge.from != edge.to) {
                let above = rank.get(edge.to).copied().unwrap_or(0);
                if let Some(own) = rank.get_mut(edge.from) {
                    *own = (above + 1).max(*own);
                }
            }
        }
        let highest = rank.iter().copied().max().unwrap_or(0) + 1;
        let mut placed = vec![Vec::new(); columns];
        for (item, rank) in rank.iter().enumerate() {
            if let Some(column) = placed.get_mut((rank * columns / highest).min(columns - 1)) {
                column.push(item);
            }
        }
        placed
    }

    fn height(&self, item: usize) -> usize {
        self.heights.get(item).copied().unwrap_or(0) + self.gap
    }

    /// Stacks the boxes of each column, then lets those of the shorter columns down towards what
    /// they are linked with.
    fn settle(&self, columns: &Columns) -> Vec<Spot> {
        let mut spots = vec![Spot::default(); self.heights.len()];
        let stack = |column: &[usize]| column.iter().map(|item| self.height(*item)).sum::<usize>();
        let total = columns
            .iter()
            .map(|column| stack(column))
            .max()
            .unwrap_or(0);
        for (n, column) in columns.iter().enumerate() {
            let mut top = 0;
            for item in column {
                if let Some(spot) = spots.get_mut(*item) {
                    *spot = Spot { column: n, top };
                }
                top += self.height(*item);
            }
        }
        for _ in 0..2 {
            for column in columns {
                let mut floor = 0;
                let mut rest = stack(column);
                for item in column {
                    let top = self.wish(*item, &spots).unwrap_or(floor);
                    if let Some(spot) = spots.get_mut(*item) {
                        spot.top = top.clamp(floor, floor.max(total.saturating_sub(rest)));
                        floor = spot.top + self.height(*item);
                        rest -= self.height(*item);
                    }
                }
            }
        }
        spots
    }

    /// The top that would make the lines to other columns straight, on average.
    fn wish(&self, item: usize, spots: &[Spot]) -> Option<usize> {
        let own = spots.get(item)?;
        let mut sum = 0;
        let mut count = 0;
        for edge in self.edges {
            let (other, there, here) = if edge.from == item {
                (edge.to, edge.to_line, edge.from_line)
            } else if edge.to == item {
                (edge.from, edge.from_line, edge.to_line)
            } else {
                continue;
            };
            let Some(spot) = spots.get(other).filter(|spot| spot.column != own.column) else {
                continue;
            };
            sum += (spot.top + there).saturating_sub(here);
            count += 1;
        }
        (count > 0).then(|| sum / count)
    }

    /// How bad an arrangement looks: long lines, lines against the grain, crossings, tall columns.
    fn cost(&self, columns: &Columns) -> usize {
        let spots = self.settle(columns);
        let mut cost = 0;
        let mut ends: Vec<(usize, usize, usize, usize)> = Vec::new();
        for edge in self.edges.iter().filter(|edge| edge.from != edge.to) {
            let (Some(from), Some(to)) = (spots.get(edge.from), spots.get(edge.to)) else {
                continue;
            };
            let (low, high) = (from.top + edge.from_line, to.top + edge.to_line);
            cost += low.abs_diff(high);
            cost += match (from.column.abs_diff(to.column), from.column > to.column) {
                (1, true) => 0,
                (0 | 1, _) => 14,
                (_, true) => 20,
                (_, false) => 34,
            };
            ends.push(if from.column <= to.column {
                (from.column, to.column, low, high)
            } else {
                (to.column, from.column, high, low)
            });
        }
        for (n, one) in ends.iter().enumerate() {
            for other in ends.iter().skip(n + 1) {
                let crossed =
                    (one.2 < other.2 && one.3 > other.3) || (one.2 > other.2 && one.3 < other.3);
                if one.0 == other.0 && one.1 == other.1 && crossed {
                    cost += 5;
                }
            }
        }
        let bottom = spots
            .iter()
            .enumerate()
            .map(|(item, spot)| spot.top + self.height(item))
            .max();
        cost + 2 * bottom.unwrap_or(0)
    }
}
