//! Boxes and the lines between them, put together.

use std::collections::BTreeMap;

use super::card::Card;
use super::layout::{self, Edge, Spot};
use super::route::{Board, Port, Way, Wire};
use super::{Cardinality, End, Relationship};

/// The widest line, in characters.
pub(super) const WIDTH: usize = 100;

pub(super) struct Picture {
    pub(super) lines: Vec<String>,
    /// Positions of the relationships that no line could be drawn for.
    pub(super) missing: Vec<usize>,
    score: usize,
}

/// What a picture is made of. Cards go by schema and table name.
pub(super) struct Sketch<'a> {
    pub(super) cards: &'a BTreeMap<(&'a str, &'a str), Card>,
    pub(super) relationships: &'a [Relationship],
}

/// A box on the board.
#[derive(Clone, Copy)]
struct Frame {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

/// Room above and below the boxes for lines that go round them.
const MARGIN: usize = 3;
/// The least room beside a column of boxes.
const LANES: usize = 4;
/// What a type that is not shown whole takes from a picture.
const CUT: usize = 14;

impl Sketch<'_> {
    /// The best of a few arrangements: every line drawn first, then short and straight ones, then
    /// the lower picture.
    pub(super) fn draw(&self) -> Option<Picture> {
        let shapes: &[(usize, usize)] = match self.cards.len() {
            0 => return None,
            1 => &[(1, 64)],
            2 | 3 => &[(1, 64), (2, 36)],
            _ => &[(1, 64), (2, 36), (3, 25), (3, 29)],
        };
        let mut best: Option<Picture> = None;
        for (columns, cap) in shapes {
            let heights: Vec<usize> = self
                .cards
                .values()
                .map(|card| card.lines(*cap).len())
                .collect();
            let edges: Vec<Edge> = self
                .relationships
                .iter()
                .filter_map(|r| self.edge(r, *cap))
                .collect();
            let order = layout::arrange(&heights, &edges, *columns);
            for gap in [1, 3] {
                let spots = layout::settle(&heights, &edges, &order, gap);
                let picture = self.attempt(&heights, &edges, &spots, *cap);
                if let Some(picture) = picture
                    && best
                        .as_ref()
                        .is_none_or(|known| picture.score < known.score)
                {
                    best = Some(picture);
                }
            }
        }
        best
    }

    /// A picture with boxes up to `cap` wide; none when there is no room between them for lines.
    fn attempt(
        &self,
        heights: &[usize],
        edges: &[Edge],
        spots: &[Spot],
        cap: usize,
    ) -> Option<Picture> {
        let frames = self.frames(spots, heights, cap)?;
        let cuts: usize = self
            .cards
            .values()
            .zip(&frames)
            .map(|(card, frame)| card.cuts(frame.width))
            .sum();
        let height = frames.iter().map(|f| f.y + f.height).max().unwrap_or(0) + MARGIN;

        let mut order: Vec<usize> = (0..self.relationships.len()).collect();
        order.sort_by_key(|n| edges.get(*n).map_or(0, |edge| length(edge, spots)));
        let mut best: Option<Picture> = None;
        for turn in 0..4 {
            let mut picture = self.wire(&frames, &order, height);
            picture.score += CUT * cuts;
            let missing = picture.missing.clone();
            if best
                .as_ref()
                .is_none_or(|known| picture.score < known.score)
            {
                best = Some(picture);
            }
            if turn == 0 {
                order.reverse();
            } else if missing.is_empty() {
                break;
            }
            order.retain(|n| !missing.contains(n));
            order.splice(0..0, missing);
        }
        best
    }

    fn position(&self, end: &End) -> Option<usize> {
        let wanted = (end.schema.as_str(), end.table.as_str());
        self.cards.keys().position(|name| *name == wanted)
    }

    fn edge(&self, relationship: &Relationship, width: usize) -> Option<Edge> {
        let line = |end: &End| {
            let card = self.cards.get(&(end.schema.as_str(), end.table.as_str()))?;
            end.columns
                .iter()
                .find_map(|column| card.line_of(column, width))
        };
        Some(Edge {
            from: self.position(&relationship.from)?,
            to: self.position(&relationship.to)?,
            from_line: line(&relationship.from).unwrap_or(0),
            to_line: line(&relationship.to).unwrap_or(0),
        })
    }

    fn frames(&self, spots: &[Spot], heights: &[usize], cap: usize) -> Option<Vec<Frame>> {
        let columns = spots.iter().map(|spot| spot.column + 1).max().unwrap_or(1);
        let mut widths = vec![0; columns];
        for (card, spot) in self.cards.values().zip(spots) {
            if let Some(width) = widths.get_mut(spot.column) {
                *width = card.width(cap).max(*width);
            }
        }
        let free = WIDTH.checked_sub(widths.iter().sum())?;
        if free < LANES * (columns + 1) {
            return None;
        }
        let outer = (free / (columns + 1)).min(8);
        let inner = if columns > 1 {
            ((free - 2 * outer) / (columns - 1)).min(18)
        } else {
            0
        };
        let left = |column: usize| {
            outer
                + widths
                    .iter()
                    .take(column)
                    .map(|width| width + inner)
                    .sum::<usize>()
        };
        let frames = spots.iter().zip(heights).map(|(spot, height)| Frame {
            x: left(spot.column),
            y: spot.top + MARGIN,
            width: widths.get(spot.column).copied().unwrap_or(0),
            height: *height,
        });
        Some(frames.collect())
    }

    fn wire(&self, frames: &[Frame], order: &[usize], height: usize) -> Picture {
        let mut board = Board::new(WIDTH, height);
        for frame in frames {
            board.wall((frame.x, frame.y), frame.width, frame.height);
        }
        let mut nets: Vec<(&End, bool)> = Vec::new();
        let mut missing = Vec::new();
        let mut score = 0;
        for n in order {
            let Some(relationship) = self.relationships.get(*n) else {
                continue;
            };
            let goal = (&relationship.to, relationship.optional);
            let net = nets
                .iter()
                .position(|known| *known == goal)
                .unwrap_or_else(|| {
                    nets.push(goal);
                    nets.len() - 1
                });
            let wire = Wire {
                net,
                dashed: relationship.optional,
                from: self.sides(&relationship.from, frames, foot(relationship.cardinality)),
                to: self.ends(relationship, frames),
            };
            match board.connect(&wire) {
                Some(cost) => score += cost,
                None => missing.push(*n),
            }
        }
        missing.sort_unstable();
        score += missing.len() * 5000 + board.crossings() * 10 + height * 5;
        Picture {
            lines: self.ink(&board, frames),
            missing,
            score,
        }
    }

    /// Both sides of the rows of an end's columns. The marks are given as they stand right of a box.
    fn sides(&self, end: &End, frames: &[Frame], marks: [char; 2]) -> Vec<Port> {
        let card = self.cards.get(&(end.schema.as_str(), end.table.as_str()));
        let frame = self.position(end).and_then(|position| frames.get(position));
        let (Some(card), Some(frame)) = (card, frame) else {
            return Vec::new();
        };
        let mut ports = Vec::new();
        for (n, column) in end.columns.iter().enumerate() {
            let Some(line) = card.line_of(column, frame.width) else {
                continue;
            };
            let (y, right) = (frame.y + line, frame.x + frame.width);
            ports.push(Port {
                at: (right + 2, y),
                inward: Way::Left,
                marks: vec![((right, y), marks[0]), ((right + 1, y), marks[1])],
                cost: 3 * n,
            });
            if let Some(at) = frame.x.checked_sub(3) {
                ports.push(Port {
                    at: (at, y),
                    inward: Way::Right,
                    marks: vec![((at + 2, y), mirrored(marks[0])), ((at + 1, y), marks[1])],
                    cost: 3 * n,
                });
            }
        }
        ports
    }

    /// The sides of the referenced rows or, for want of those, the top and bottom of the box.
    fn ends(&self, relationship: &Relationship, frames: &[Frame]) -> Vec<Port> {
        const UPRIGHT: usize = 12;
        let optional = relationship.optional;
        let mut ports = self.sides(
            &relationship.to,
            frames,
            if optional {
                ['┼', '○']
            } else {
                ['┼', '┼']
            },
        );
        for port in &mut ports {
            port.cost += 2;
        }
        let frame = self
            .position(&relationship.to)
            .and_then(|position| frames.get(position));
        let Some(frame) = frame else { return ports };
        let mark = if optional { '○' } else { '╪' };
        for part in 1..4 {
            let x = frame.x + frame.width * part / 4;
            let mut add = |y: usize, at: usize, inward| {
                ports.push(Port {
                    at: (x, at),
                    inward,
                    marks: vec![((x, y), mark)],
                    cost: UPRIGHT,
                });
            };
            if let Some(at) = frame.y.checked_sub(2) {
                add(at + 1, at, Way::Down);
            }
            let bottom = frame.y + frame.height;
            add(bottom, bottom + 1, Way::Up);
        }
        ports
    }

    fn ink(&self, board: &Board, frames: &[Frame]) -> Vec<String> {
        let mut grid = board.ink();
        for (card, frame) in self.cards.values().zip(frames) {
            for (n, line) in card.lines(frame.width).iter().enumerate() {
                let Some(row) = grid.get_mut(frame.y + n) else {
                    continue;
                };
                for (place, character) in row.iter_mut().skip(frame.x).zip(line.chars()) {
                    *place = character;
                }
            }
        }
        let blank = |line: &Vec<char>| line.iter().all(|character| *character == ' ');
        let indent = grid
            .iter()
            .filter_map(|line| line.iter().position(|character| *character != ' '))
            .min()
            .unwrap_or(0);
        let first = grid.iter().position(|line| !blank(line)).unwrap_or(0);
        let last = grid
            .iter()
            .rposition(|line| !blank(line))
            .map_or(0, |last| last + 1);
        grid.iter()
            .take(last)
            .skip(first)
            .map(|line| {
                line.iter()
                    .skip(indent)
                    .collect::<String>()
                    .trim_end()
                    .to_owned()
            })
            .collect()
    }
}

fn length(edge: &Edge, spots: &[Spot]) -> usize {
    let (Some(from), Some(to)) = (spots.get(edge.from), spots.get(edge.to)) else {
        return 0;
    };
    (from.top + edge.from_line).abs_diff(to.top + edge.to_line)
        + 20 * from.column.abs_diff(to.column)
}

/// The marks of the referencing end, right of a box.
const fn foot(cardinality: Cardinality) -> [char; 2] {
    match cardinality {
        Cardinality::ManyToOne => ['>', 'o'],
        Cardinality::OneToOne => ['┼', '○'],
    }
}

const fn mirrored(mark: char) -> char {
    if mark == '>' { '<' } else { mark }
}
