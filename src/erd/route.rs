//! Lines between boxes on a grid of characters: orthogonal, never through a box, crossing other
//! lines only at right angles.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Column and line of a character.
pub(super) type Point = (usize, usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Right,
    Down,
    Left,
}

/// Where a line can end. The marks stand between `at`, the line's last cell, and the box.
#[derive(Debug, Clone)]
pub(super) struct Port {
    pub(super) at: Point,
    /// From `at` to the box.
    pub(super) inward: Way,
    pub(super) marks: Vec<(Point, char)>,
    /// What it costs to end here rather than elsewhere.
    pub(super) cost: usize,
}

/// A line to draw. Lines of one net lead to the same end and may join.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    pub(super) net: usize,
    pub(super) dashed: bool,
    pub(super) from: Vec<Port>,
    pub(super) to: Vec<Port>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Piece {
    net: usize,
    /// One bit for each `Way` in which it leaves the cell.
    ways: u8,
    dashed: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    wall: bool,
    /// Next to a mark, where a crossing would be misread.
    uncrossable: bool,
    piece: Option<Piece>,
    /// The other line, where two cross.
    crossing: Option<Piece>,
}

pub(super) struct Board {
    width: usize,
    height: usize,
    cells: Vec<Cell>,
    marks: BTreeMap<Point, char>,
}

const STEP: usize = 1;
const BEND: usize = 3;
const CROSS: usize = 7;
const HUG: usize = 2;

impl Way {
    const ALL: [Self; 4] = [Self::Up, Self::Right, Self::Down, Self::Left];

    const fn bit(self) -> u8 {
        1 << self as u8
    }

    pub(super) const fn back(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Right => Self::Left,
            Self::Down => Self::Up,
            Self::Left => Self::Right,
        }
    }
}

/// A search state: a cell, and the way in which it was entered.
type State = (Point, Way);

struct Path {
    states: Vec<State>,
    /// The port that it ends at; none when it joins a line of its net.
    end: Option<Port>,
    cost: usize,
}

impl Board {
    pub(super) fn new(width: usize, height: usize) -> Self {
        let cells = vec![Cell::default(); width * height];
        Self {
            width,
            height,
            cells,
            marks: BTreeMap::new(),
        }
    }

    /// Keeps lines out of a box, and out of the two cells at its sides where marks go.
    pub(super) fn wall(&mut self, corner: Point, width: usize, height: usize) {
        for y in corner.1..corner.1 + height {
            for x in corner.0.saturating_sub(2)..corner.0 + width + 2 {
                if let Some(cell) = self.cell_mut((x, y)) {
                    cell.wall = true;
                }
            }
        }
    }

    /// Draws the cheapest line and says what it cost; none when there is no way.
    pub(super) fn connect(&mut self, wire: &Wire) -> Option<usize> {
        let path = self.search(wire)?;
        let first = path.states.first()?;
        let start = wire
            .from
            .iter()
            .find(|p| p.at == first.0 && p.inward.back() == first.1)?;
        self.mark(start);
        let mut states = path.states.iter().peekable();
        while let Some((point, way)) = states.next() {
            let onward = states.peek().map(|next| next.1);
            let exit = onward.or(path.end.as_ref().map(|port| port.inward));
            let ways = way.back().bit() | exit.map_or(0, Way::bit);
            self.lay(
                *point,
                Piece {
                    net: wire.net,
                    ways,
                    dashed: wire.dashed,
                },
            );
        }
        if let Some(port) = &path.end {
            self.mark(port);
        }
        Some(path.cost)
    }

    fn mark(&mut self, port: &Port) {
        self.marks.extend(port.marks.iter().copied());
        for (point, _) in &port.marks {
            if let Some(cell) = self.cell_mut(*point) {
                cell.wall = true;
            }
        }
        if let Some(cell) = self.cell_mut(port.at) {
            cell.uncrossable = true;
        }
    }

    fn lay(&mut self, point: Point, piece: Piece) {
        let Some(cell) = self.cell_mut(point) else {
            return;
        };
        match &mut cell.piece {
            None => cell.piece = Some(piece),
            Some(own) if own.net == piece.net => own.ways |= piece.ways,
            Some(_) => cell.crossing = Some(piece),
        }
    }

    fn search(&self, wire: &Wire) -> Option<Path> {
        // By state: the lowest cost so far, and the state that it came from.
        let mut best = vec![usize::MAX; self.cells.len() * 4];
        let mut before = vec![usize::MAX; self.cells.len() * 4];
        let mut queue: BinaryHeap<Reverse<(usize, usize, usize)>> = BinaryHeap::new();
        for port in wire.from.iter().filter(|port| self.is_free(port)) {
            let state = (port.at, port.inward.back());
            let joins = self.joins(state, wire.net);
            if joins || self.cell(port.at).is_some_and(|cell| cell.piece.is_none()) {
                if let Some(known) = best.get_mut(self.key(state)) {
                    *known = port.cost;
                }
                queue.push(Reverse((port.cost, self.key(state), 0)));
            }
        }
        let ends: Vec<&Port> = wire.to.iter().filter(|port| self.is_free(port)).collect();
        while let Some(Reverse((cost, key, end))) = queue.pop() {
            let state = self.state(key);
            let joined = end == 0 && self.joins(state, wire.net);
            if joined || end > 0 {
                let mut states = vec![state];
                let mut at = key;
                while let Some(earlier) = before.get(at).filter(|key| **key != usize::MAX) {
                    states.push(self.state(*earlier));
                    at = *earlier;
                }
                states.reverse();
                let end = end
                    .checked_sub(1)
                    .and_then(|n| ends.get(n))
                    .map(|port| (*port).clone());
                return Some(Path { states, end, cost });
            }
            if best.get(key).is_some_and(|known| *known < cost) {
                continue;
            }
            let free = self.cell(state.0).is_some_and(|cell| cell.piece.is_none());
            for (n, port) in ends.iter().enumerate() {
                if free && port.at == state.0 && port.inward != state.1.back() {
                    let bend = if port.inward == state.1 { 0 } else { BEND };
                    queue.push(Reverse((cost + bend + port.cost, key, n + 1)));
                }
            }
            for way in Way::ALL {
                let turn = way != state.1;
                if way == state.1.back() || (turn && !free) {
                    continue;
                }
                let Some(next) = self.step(state.0, way) else {
                    continue;
                };
                let Some(price) = self.price(next, way, wire.net) else {
                    continue;
                };
                let sum = cost + price + if turn { BEND } else { 0 };
                let onward = self.key((next, way));
                if let (Some(known), Some(from)) = (best.get_mut(onward), before.get_mut(onward))
                    && sum < *known
                {
                    (*known, *from) = (sum, key);
                    queue.push(Reverse((sum, onward, 0)));
                }
            }
        }
        None
    }

    fn is_free(&self, port: &Port) -> bool {
        let open = self.cell(port.at).is_some_and(|cell| !cell.wall);
        open && port.marks.iter().all(|(point, _)| {
            !self.marks.contains_key(point)
                && self.cell(*point).is_some_and(|cell| cell.piece.is_none())
        })
    }

    /// What it costs to enter a cell; none when that is not possible.
    fn price(&self, point: Point, way: Way, net: usize) -> Option<usize> {
        let cell = self.cell(point).filter(|cell| !cell.wall)?;
        // Lines that run close along a box look bad and bar its ports.
        let sides = match way {
            Way::Left | Way::Right => [Way::Up, Way::Down],
            Way::Up | Way::Down => [Way::Left, Way::Right],
        };
        let hugs = sides
            .iter()
            .filter_map(|side| self.cell(self.step(point, *side)?));
        let hug = if hugs.filter(|cell| cell.wall).count() > 0 {
            HUG
        } else {
            0
        };
        match cell.piece {
            None => Some(STEP + hug),
            Some(piece) if piece.net == net => self.joins((point, way), net).then_some(STEP),
            Some(piece) => {
                let across = match way {
                    Way::Up | Way::Down => Way::Left.bit() | Way::Right.bit(),
                    Way::Left | Way::Right => Way::Up.bit() | Way::Down.bit(),
                };
                let clear = !cell.uncrossable && cell.crossing.is_none() && piece.ways == across;
                clear.then_some(STEP + CROSS)
            }
        }
    }

    /// Whether a line that comes in like this makes a T with its own net.
    fn joins(&self, state: State, net: usize) -> bool {
        self.cell(state.0).is_some_and(|cell| {
            cell.crossing.is_none()
                && cell.piece.is_some_and(|piece| {
                    piece.net == net
                        && piece.ways.count_ones() == 2
                        && piece.ways & state.1.back().bit() == 0
                })
        })
    }

    fn step(&self, (x, y): Point, way: Way) -> Option<Point> {
        let (x, y) = match way {
            Way::Up => (x, y.checked_sub(1)?),
            Way::Right => (x + 1, y),
            Way::Down => (x, y + 1),
            Way::Left => (x.checked_sub(1)?, y),
        };
        (x < self.width && y < self.height).then_some((x, y))
    }

    fn cell(&self, (x, y): Point) -> Option<&Cell> {
        if x >= self.width {
            None
        } else {
            self.cells.get(y * self.width + x)
        }
    }

    fn cell_mut(&mut self, (x, y): Point) -> Option<&mut Cell> {
        if x >= self.width {
            None
        } else {
            self.cells.get_mut(y * self.width + x)
        }
    }

    fn key(&self, ((x, y), way): State) -> usize {
        (y * self.width + x) * 4 + way as usize
    }

    fn state(&self, key: usize) -> State {
        let way = Way::ALL
            .into_iter()
            .find(|way| *way as usize == key % 4)
            .unwrap_or(Way::Up);
        ((key / 4 % self.width, key / 4 / self.width), way)
    }

    /// How many crossings there are.
    pub(super) fn crossings(&self) -> usize {
        self.cells
            .iter()
            .filter(|cell| cell.crossing.is_some())
            .count()
    }

    /// All lines and marks, as a grid of characters by line.
    pub(super) fn ink(&self) -> Vec<Vec<char>> {
        let glyph = |cell: &Cell| match (cell.piece, cell.crossing) {
            (_, Some(_)) => '┼',
            (Some(piece), None) => piece.glyph(),
            (None, None) => ' ',
        };
        let mut grid: Vec<Vec<char>> = self
            .cells
            .chunks(self.width.max(1))
            .map(|line| line.iter().map(glyph).collect())
            .collect();
        for ((x, y), mark) in &self.marks {
            if let Some(place) = grid.get_mut(*y).and_then(|line| line.get_mut(*x)) {
                *place = *mark;
            }
        }
        grid
    }
}

impl Piece {
    const fn glyph(self) -> char {
        // Bits from the lowest: up, right, down, left.
        match (self.ways, self.dashed) {
            (0b0101, false) => '│',
            (0b0101, true) => '╎',
            (0b1010, false) => '─',
            (0b1010, true) => '╌',
            (0b0011, _) => '└',
            (0b0110, _) => '┌',
            (0b1100, _) => '┐',
            (0b1001, _) => '┘',
            (0b0111, _) => '├',
            (0b1110, _) => '┬',
            (0b1101, _) => '┤',
            (0b1011, _) => '┴',
            _ => ' ',
        }
    }
}
