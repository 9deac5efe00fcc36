//! Who waits for whom: the wait-for graph, its roots, and what to do about them.

pub mod diagnosis;

use std::collections::{BTreeMap, BTreeSet};

/// What a session in the graph is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SessionKind {
    #[default]
    Session,
    PreparedTransaction,
    Autovacuum,
    Process,
}

impl SessionKind {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::PreparedTransaction => "prepared_transaction",
            Self::Autovacuum => "autovacuum",
            Self::Process => "process",
        }
    }
}

#[derive(Debug, Clone, Default)]
pub struct Session {
    /// The engine's own number of it: a backend's pid, a connection id, a process id.
    pub id: String,
    pub kind: SessionKind,
    pub user: String,
    pub application: String,
    pub client: String,
    pub state: String,
    pub transaction_age_s: Option<f64>,
    pub state_age_s: Option<f64>,
    /// What it runs, or ran last; literals are masked unless the configuration allows them.
    pub query: String,
    /// Whether `query` took the locks that are held: only some engines can tell.
    pub query_took_lock: bool,
    pub locks: Vec<Lock>,
    /// Statements that would relieve the others, mildest first.
    pub relief: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lock {
    pub mode: String,
    pub object: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// The blocker has what the waiter wants.
    Holds,
    /// The blocker waits too, but came first and will be served first.
    QueuedAhead,
}

impl Relation {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::QueuedAhead => "queued_ahead",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Wait {
    pub waiter: String,
    pub blocker: String,
    pub relation: Relation,
    /// relation, row, transaction, metadata, advisory …
    pub lock: String,
    pub mode: String,
    pub blocker_mode: String,
    pub object: String,
    pub row: String,
    pub wait_s: Option<f64>,
}

/// Sessions and the waits between them, as one moment showed them.
#[derive(Debug, Clone, Default)]
pub struct LockGraph {
    pub sessions: BTreeMap<String, Session>,
    pub waits: Vec<Wait>,
    /// Waiters whose blocker could not be seen.
    pub orphans: BTreeSet<String>,
}

/// A line of the blocking tree.
#[derive(Debug, Clone)]
pub struct Branch {
    pub id: String,
    pub depth: usize,
    /// Absent for a root.
    pub wait: Option<Wait>,
}

impl LockGraph {
    pub fn new(sessions: Vec<Session>, mut waits: Vec<Wait>) -> Self {
        let sessions = sessions
            .into_iter()
            .map(|session| (session.id.clone(), session))
            .collect();
        // Numbers as numbers, so that 9 comes before 10.
        waits.sort_by(|a, b| {
            (
                numeric(&a.waiter),
                a.relation,
                numeric(&a.blocker),
                &a.object,
            )
                .cmp(&(
                    numeric(&b.waiter),
                    b.relation,
                    numeric(&b.blocker),
                    &b.object,
                ))
        });
        waits.dedup_by(|a, b| a.waiter == b.waiter && a.blocker == b.blocker);
        waits.retain(|wait| wait.waiter != wait.blocker);
        Self {
            sessions,
            waits,
            orphans: BTreeSet::new(),
        }
    }

    /// Leaves only the waits that lead to or from this session.
    pub fn keep_around(&mut self, id: &str) {
        self.keep(BTreeSet::from([id.to_owned()]));
    }

    /// Leaves only the waits for one object, and all that they lead to.
    pub fn keep_object(&mut self, name: &str) {
        let bare = |object: &str| object.rsplit('.').next().unwrap_or(object).to_lowercase();
        let wanted = bare(name);
        let about = self
            .waits
            .iter()
            .filter(|wait| bare(&wait.object) == wanted);
        self.keep(about.map(|wait| wait.waiter.clone()).collect());
    }

    /// Leaves what hangs together with these sessions.
    fn keep(&mut self, mut kept: BTreeSet<String>) {
        loop {
            let before = kept.len();
            for wait in &self.waits {
                if kept.contains(&wait.waiter) || kept.contains(&wait.blocker) {
                    kept.insert(wait.waiter.clone());
                    kept.insert(wait.blocker.clone());
                }
            }
            if kept.len() == before {
                break;
            }
        }
        self.waits.retain(|wait| kept.contains(&wait.waiter));
        self.orphans.retain(|orphan| kept.contains(orphan));
    }

    /// Everyone who waits.
    pub fn waiting(&self) -> BTreeSet<&str> {
        self.waits
            .iter()
            .map(|wait| wait.waiter.as_str())
            .chain(self.orphans.iter().map(String::as_str))
            .collect()
    }

    /// Those who block and wait for nobody: where relief begins. Most waiters first.
    pub fn roots(&self) -> Vec<&str> {
        let waiting = self.waiting();
        let mut roots: Vec<&str> = self
            .waits
            .iter()
            .map(|wait| wait.blocker.as_str())
            .filter(|blocker| !waiting.contains(blocker))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        roots.sort_by_key(|root| (std::cmp::Reverse(self.behind(root)), numeric(root)));
        roots
    }

    /// How many sessions wait behind this one, directly or not.
    pub fn behind(&self, id: &str) -> usize {
        let mut reached = BTreeSet::new();
        let mut open = vec![id];
        while let Some(current) = open.pop() {
            for wait in self.waits.iter().filter(|wait| wait.blocker == current) {
                if reached.insert(wait.waiter.as_str()) {
                    open.push(&wait.waiter);
                }
            }
        }
        reached.remove(id);
        reached.len()
    }

    /// Waits that close a ring: a deadlock that the engine has not broken yet.
    pub fn cycle(&self) -> Option<Vec<&str>> {
        for start in self.waiting() {
            let mut path = vec![start];
            let mut current = start;
            while let Some(next) = self.waits.iter().find(|wait| wait.waiter == current) {
                current = &next.blocker;
                if current == start {
                    return Some(path);
                }
                if path.contains(&current) {
                    break;
                }
                path.push(current);
            }
        }
        None
    }

    /// The blocking tree in reading order: each waiter once, under the one it truly waits for.
    pub fn tree(&self) -> Vec<Branch> {
        let mut lines = Vec::new();
        let mut placed = BTreeSet::new();
        let mut starts = self.roots();
        if let Some(ring) = self.cycle() {
            starts.extend(ring.first());
        }
        for root in starts {
            if placed.insert(root.to_owned()) {
                lines.push(Branch {
                    id: root.to_owned(),
                    depth: 0,
                    wait: None,
                });
                self.descend(root, 1, &mut placed, &mut lines);
            }
        }
        for orphan in &self.orphans {
            if placed.insert(orphan.clone()) {
                lines.push(Branch {
                    id: orphan.clone(),
                    depth: 0,
                    wait: None,
                });
            }
        }
        lines
    }

    fn descend(
        &self,
        blocker: &str,
        depth: usize,
        placed: &mut BTreeSet<String>,
        lines: &mut Vec<Branch>,
    ) {
        for wait in self.waits.iter().filter(|wait| wait.blocker == blocker) {
            if self.parent(&wait.waiter) == Some(blocker) && placed.insert(wait.waiter.clone()) {
                lines.push(Branch {
                    id: wait.waiter.clone(),
                    depth,
                    wait: Some(wait.clone()),
                });
                self.descend(&wait.waiter, depth + 1, placed, lines);
            }
        }
    }

    /// The blocker under which a waiter stands: who holds what it wants; else, of those queued ahead, the
    /// one nearest to it.
    fn parent(&self, waiter: &str) -> Option<&str> {
        let mine: Vec<&Wait> = self
            .waits
            .iter()
            .filter(|wait| wait.waiter == waiter)
            .collect();
        mine.iter()
            .find(|wait| wait.relation == Relation::Holds)
            .or_else(|| {
                mine.iter().max_by_key(|wait| {
                    mine.iter()
                        .filter(|other| {
                            self.waits
                                .iter()
                                .any(|w| w.waiter == wait.blocker && w.blocker == other.blocker)
                        })
                        .count()
                })
            })
            .map(|wait| wait.blocker.as_str())
    }
}

/// Sorts "9" before "10", and texts after numbers.
fn numeric(id: &str) -> (u64, &str) {
    (id.parse().unwrap_or(u64::MAX), id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(waiter: &str, blocker: &str, relation: Relation) -> Wait {
        Wait {
            waiter: waiter.to_owned(),
            blocker: blocker.to_owned(),
            relation,
            lock: String::new(),
            mode: String::new(),
            blocker_mode: String::new(),
            object: String::new(),
            row: String::new(),
            wait_s: None,
        }
    }

    fn graph(waits: Vec<Wait>) -> LockGraph {
        LockGraph::new(Vec::new(), waits)
    }

    #[test]
    fn a_chain_has_one_root_and_everyone_behind_it() {
        let graph = graph(vec![
            wait("3", "2", Relation::Holds),
            wait("2", "1", Relation::Holds),
            wait("10", "3", Relation::Holds),
        ]);
        assert_eq!(graph.roots(), ["1"]);
        assert_eq!(graph.behind("1"), 3);
        let depths: Vec<_> = graph
            .tree()
            .iter()
            .map(|line| (line.id.clone(), line.depth))
            .collect();
        assert_eq!(
            depths,
            [
                ("1".to_owned(), 0),
                ("2".to_owned(), 1),
                ("3".to_owned(), 2),
                ("10".to_owned(), 3)
            ]
        );
    }

    #[test]
    fn who_is_queued_behind_ddl_stands_under_it_and_not_under_the_reader() {
        let graph = graph(vec![
            wait("2", "1", Relation::Holds),
            wait("3", "2", Relation::QueuedAhead),
            wait("4", "2", Relation::QueuedAhead),
        ]);
        assert_eq!(graph.roots(), ["1"]);
        assert!(graph.tree().iter().filter(|line| line.depth == 2).count() == 2);
    }

    #[test]
    fn what_is_kept_around_a_table_still_ends_at_the_true_root() {
        let mut waits = vec![
            wait("2", "1", Relation::Holds),
            wait("1", "9", Relation::Holds),
            wait("5", "4", Relation::Holds),
        ];
        waits[0].object = "public.orders".to_owned();
        let mut graph = graph(waits);
        graph.keep_object("orders");
        assert_eq!(graph.roots(), ["9"]);
        assert_eq!(graph.waiting().len(), 2);
    }

    #[test]
    fn a_ring_is_found_and_drawn_once() {
        let graph = graph(vec![
            wait("1", "2", Relation::Holds),
            wait("2", "1", Relation::Holds),
        ]);
        assert!(graph.roots().is_empty());
        assert_eq!(graph.cycle(), Some(vec!["1", "2"]));
        assert_eq!(graph.tree().len(), 2);
    }
}
