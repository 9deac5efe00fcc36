//! How the answer reads: what costs most, what repeats, what to build and what to drop.

use std::fmt::Write as _;

use super::indexes::Set;
use super::{Detail, DropOut, SHOWN, Seen, StatementOut};
use crate::answer::{Common, bytes, count, excerpt};
use crate::workload::logs::Format;
use crate::workload::n_plus_one::Candidate;

/// How the program that wrote the log would ask once.
pub(super) fn idiom(format: Option<Format>, own: &Candidate) -> String {
    if own.same_value {
        return "keep the result for the request".to_owned();
    }
    match format {
        Some(Format::Django) => "select_related() for the one, prefetch_related() for the many",
        Some(Format::SqlAlchemy) => {
            "options(selectinload(…)) for the many, joinedload(…) for the one"
        }
        Some(Format::Rails) => "includes(:association), or preload",
        Some(Format::Prisma) => {
            "include: { relation: true }, or findMany({ where: { id: { in: ids } } })"
        }
        Some(Format::TypeOrm) => "relations: { … } in find, or leftJoinAndSelect",
        Some(Format::Hibernate) => "JOIN FETCH in the query, or @BatchSize on the association",
        _ => "one query with the list of keys, or a data loader that gathers them",
    }
    .to_owned()
}

pub(super) fn summary(
    seen: &Seen,
    total: f64,
    repeats: &[Candidate],
    set: &Set,
    drops: &[DropOut],
) -> String {
    if seen.statistics.is_empty() {
        return if drops.is_empty() {
            "nothing is known of the workload: give a log, or see what was not seen".to_owned()
        } else {
            format!(
                "nothing is known of the workload; {}",
                several(drops.len(), "needless index", "needless indexes")
            )
        };
    }
    let mut text = String::new();
    if let Some(first) = seen.statistics.first().filter(|_| total > 0.0) {
        let _ = write!(
            text,
            "{:.0} % of the time goes into {}",
            first.total_ms / total * 100.0,
            excerpt(&first.fingerprint, 80)
        );
    } else {
        let _ = write!(text, "{} statements, without times", seen.statistics.len());
    }
    match set.indexes.len() {
        0 => text.push_str("; no index is advised"),
        number => {
            let _ = write!(
                text,
                "; {} would cut what the statements cost by {:.0} %",
                several(number, "index", "indexes"),
                (1.0 - set.after / set.before.max(f64::MIN_POSITIVE)) * 100.0
            );
        }
    }
    let candidates = repeats.iter().filter(|own| !own.same_value).count();
    if candidates > 0 {
        let _ = write!(
            text,
            "; {}",
            several(candidates, "N+1 candidate", "N+1 candidates")
        );
    }
    if !drops.is_empty() {
        let _ = write!(
            text,
            "; {}",
            several(drops.len(), "needless index", "needless indexes")
        );
    }
    text.push('.');
    text
}

fn several(number: usize, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

pub(super) fn text(
    common: &Common,
    seen: &Seen,
    statements: &[StatementOut],
    repeats: &[Candidate],
    set: &Set,
    drops: &[DropOut],
    detail: Detail,
) -> String {
    let from = match seen.format {
        Some(format) => format!(
            "{}, {} statements",
            format.word(),
            count(seen.events.len() as i64)
        ),
        None if seen.since.is_empty() => "the server's statistics".to_owned(),
        None => format!("the server's statistics since {}", seen.since),
    };
    let mut text = common.heading(&from);
    if !statements.is_empty() {
        text.push_str("\nCostliest statements\n");
    }
    for own in statements {
        let rows = own
            .rows_per_call
            .map_or_else(String::new, |rows| format!(" · {rows:.1} rows a call"));
        let time = if own.total_ms > 0.0 {
            format!("{:>3.0} %  {:.1} ms in ", own.share * 100.0, own.total_ms)
        } else {
            String::new()
        };
        let _ = writeln!(
            text,
            "  {time}{} calls{rows}\n         {}",
            count(own.calls as i64),
            excerpt(&own.fingerprint, 160)
        );
    }
    for (number, own) in repeats.iter().take(SHOWN).enumerate() {
        if number == 0 {
            text.push_str("\nAsked again and again (candidates)\n");
        }
        let _ = writeln!(
            text,
            "  {} × {}",
            count(own.repeats as i64),
            excerpt(&own.fingerprint, 160)
        );
        for (label, value) in [
            ("after", own.parent.as_str()),
            ("way", own.path.as_str()),
            ("instead", own.batched_sql.as_str()),
        ] {
            if !value.is_empty() {
                let _ = writeln!(text, "    {label:<8} {}", excerpt(value, 200));
            }
        }
        let _ = writeln!(
            text,
            "    {:<8} {} ({} confidence)",
            "program",
            idiom(seen.format, own),
            own.confidence
        );
    }
    for (number, (index, serves)) in set.indexes.iter().enumerate() {
        if number == 0 {
            text.push_str("\nIndexes for all of them together\n");
        }
        index.write(&mut text);
        let _ = writeln!(text, "    serves       {} of the statements", serves.len());
    }
    if let Some(trials) = set.trials.as_ref().filter(|_| !set.indexes.is_empty()) {
        let _ = writeln!(text, "  Found out: {}", trials.how);
    }
    for (number, own) in drops.iter().take(SHOWN).enumerate() {
        if number == 0 {
            text.push_str("\nNeedless indexes\n");
        }
        let size = own
            .size_bytes
            .map_or_else(String::new, |size| format!(" · {}", bytes(size)));
        let reads = own.reads.map_or_else(String::new, |reads| {
            format!(
                " · {} reads since {}",
                count(reads),
                if own.since.is_empty() {
                    "an unknown time"
                } else {
                    &own.since
                }
            )
        });
        let _ = writeln!(
            text,
            "  {}: {}{size}{reads}\n    {};",
            own.index, own.reason, own.sql
        );
    }
    if drops
        .iter()
        .any(|own| own.reason.starts_with("no statement"))
    {
        text.push_str("  Before an unused one goes: look at replicas too, and at jobs that run once a month.\n");
    }
    text.push_str(&common.closing(detail == Detail::Detailed));
    text
}
