//! TPC-H, by the `tpchgen` crate (Apache-2.0): the same rows as dbgen's.

use std::fmt::{Display, Write};

use anyhow::bail;
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator,
    PartSuppGenerator, RegionGenerator, SupplierGenerator,
};

use super::Sink;

pub const TABLES: [&str; 8] = [
    "region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem",
];

pub fn rows(table: &str, scale: f64, sink: Sink<'_>) -> anyhow::Result<()> {
    match table {
        "region" => each(RegionGenerator::new(scale, 1, 1).iter(), sink),
        "nation" => each(NationGenerator::new(scale, 1, 1).iter(), sink),
        "supplier" => each(SupplierGenerator::new(scale, 1, 1).iter(), sink),
        "customer" => each(CustomerGenerator::new(scale, 1, 1).iter(), sink),
        "part" => each(PartGenerator::new(scale, 1, 1).iter(), sink),
        "partsupp" => each(PartSuppGenerator::new(scale, 1, 1).iter(), sink),
        "orders" => each(OrderGenerator::new(scale, 1, 1).iter(), sink),
        "lineitem" => each(LineItemGenerator::new(scale, 1, 1).iter(), sink),
        _ => bail!("TPC-H has no table {table}"),
    }
}

fn each(rows: impl Iterator<Item = impl Display>, sink: Sink<'_>) -> anyhow::Result<()> {
    let mut line = String::new();
    for row in rows {
        line.clear();
        write!(line, "{row}")?;
        // dbgen ends every field with the separator; COPY wants it between fields.
        sink(line.strip_suffix('|').unwrap_or(&line))?;
    }
    Ok(())
}
