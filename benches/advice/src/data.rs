//! The rows: lines of fields parted by `|`, NULL as `\N`, always the same ones.

pub mod app;
mod arithmetic;
pub mod tpch;

use clap::ValueEnum;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Dataset {
    Tpch,
    App,
}

/// Takes one line, without its end.
pub type Sink<'a> = &'a mut dyn FnMut(&str) -> anyhow::Result<()>;

impl Dataset {
    pub const ALL: [Self; 2] = [Self::Tpch, Self::App];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Tpch => "tpch",
            Self::App => "app",
        }
    }

    pub const fn schema(self) -> &'static str {
        match self {
            Self::Tpch => include_str!("../schema/tpch.sql"),
            Self::App => include_str!("../schema/app.sql"),
        }
    }

    pub const fn tables(self) -> &'static [&'static str] {
        match self {
            Self::Tpch => &tpch::TABLES,
            Self::App => &app::TABLES,
        }
    }

    pub fn rows(self, table: &str, scale: f64, sink: Sink<'_>) -> anyhow::Result<()> {
        match self {
            Self::Tpch => tpch::rows(table, scale, sink),
            Self::App => app::rows(table, scale, sink),
        }
    }
}
