//! What only some engines tell of a node, and most of it only of a statement that was run. Rows, pages and times
//! are those of all loops together; absent is what was not told.

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Details {
    /// Bytes of one row that comes out.
    pub width: Option<f64>,
    /// What comes out, as the engine writes it.
    pub output: Vec<String>,
    /// Read from an index alone, without the table.
    pub index_only: bool,
    /// Columns of the index that rows are found by.
    pub key_parts: Vec<String>,
    /// Indexes that the planner thought of.
    pub possible_indexes: Vec<String>,
    /// Descents into the index.
    pub searches: Option<f64>,
    /// Rows that an index-only scan had to look up in the table.
    pub heap_fetches: Option<f64>,
    /// Pages of a bitmap that name their rows, and those that do not.
    pub exact_pages: Option<f64>,
    pub lossy_pages: Option<f64>,
    /// Rows thrown away because a lossy page or index had to be checked again.
    pub recheck_removed: Option<f64>,
    /// Pairs thrown away by a condition that joins nothing by itself.
    pub join_removed: Option<f64>,
    pub sort: Option<Sort>,
    /// Parts that a hash was cut into, planned and in the end.
    pub planned_batches: Option<f64>,
    pub batches: Option<f64>,
    pub memory_bytes: Option<i64>,
    pub cache: Option<Cache>,
    pub workers: Option<Workers>,
    pub pages: Option<Pages>,
    pub wal: Option<Wal>,
    pub partitions: Option<Partitions>,
    /// Of the rows that an index found, those that a second one lets through, in percent.
    pub second_index_keeps: Option<f64>,
    /// A table for this run alone.
    pub temporary: bool,
    /// Rows are joined through a buffer, without an index.
    pub join_buffer: bool,
    /// The planner looks for an index anew for each outer row.
    pub range_checked: bool,
    /// The planner was told not to do it so, and had no other way.
    pub disabled: bool,
    /// A virtual table that was told nothing of what is looked for.
    pub virtual_scan: bool,
    /// What a foreign server is asked.
    pub remote_sql: String,
    pub function: String,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sort {
    pub method: String,
    pub on_disk: bool,
    pub bytes: Option<i64>,
    /// Runs through temporary files.
    pub passes: Option<f64>,
    /// Groups that were sorted one by one, where the input is in part in order.
    pub groups: Option<f64>,
    pub presorted: String,
}

/// Results that are kept for values seen before.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cache {
    pub hits: f64,
    pub misses: f64,
    pub evictions: f64,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Workers {
    pub planned: Option<f64>,
    pub launched: Option<f64>,
    /// Rows that each one gave.
    pub rows: Vec<f64>,
}

/// Pages of the node and all below it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pages {
    pub hit: f64,
    pub read: f64,
    pub dirtied: f64,
    pub temp_written: f64,
    /// Where the server measures it.
    pub read_ms: Option<f64>,
}

impl Pages {
    pub fn touched(&self) -> f64 {
        self.hit + self.read
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Wal {
    pub records: f64,
    pub full_pages: f64,
    pub bytes: f64,
}

/// Partitions in the plan, and those that were left out of it before it ran.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Partitions {
    pub read: usize,
    pub removed: usize,
    /// Of those in the plan, those that were not run.
    pub never_run: usize,
}

/// What the whole run took beside its nodes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Run {
    pub jit_ms: Option<f64>,
    /// Turning the rows into what goes to the client, and how much that was.
    pub serialization_ms: Option<f64>,
    pub serialized_bytes: Option<f64>,
    pub triggers: Vec<TriggerRun>,
    /// Settings of the planner that are not the default, as the server names them.
    pub settings: Vec<(String, String)>,
    /// Functions that the statement calls and that are dear to run for each row.
    pub functions: Vec<CostlyFunction>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct CostlyFunction {
    pub name: String,
    /// It may give another result each time, so nothing can be spared.
    pub volatile: bool,
    /// In units of one operator.
    pub cost: f64,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct TriggerRun {
    pub name: String,
    pub constraint: String,
    pub relation: String,
    pub ms: f64,
    pub calls: f64,
}
