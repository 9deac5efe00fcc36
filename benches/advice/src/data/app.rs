//! A skewed web application, by arithmetic on the row number: no generator of chance, no clock.

use std::fmt::Write;

use anyhow::bail;

use super::Sink;
use super::arithmetic::{SECONDS, country, mix, moment, pick, skewed, some_time, time, words};

pub const TABLES: [&str; 8] = [
    "users",
    "products",
    "orders",
    "order_items",
    "payments",
    "sessions",
    "events",
    "reviews",
];

/// Rows in a table at a scale.
fn count(table: &str, scale: f64) -> u64 {
    let full = match table {
        "users" => 50_000.0,
        "products" => 5_000.0,
        "orders" => 400_000.0,
        "order_items" => 1_200_000.0,
        "payments" => 380_000.0,
        "sessions" => 200_000.0,
        "events" => 1_000_000.0,
        _ => 150_000.0,
    };
    ((full * scale) as u64).max(1)
}

pub fn rows(table: &str, scale: f64, sink: Sink<'_>) -> anyhow::Result<()> {
    let n = count(table, scale);
    let mut line = String::new();
    for i in 0..n {
        line.clear();
        match table {
            "users" => user(&mut line, i, n)?,
            "products" => product(&mut line, i, n)?,
            "orders" => order(&mut line, i, n, scale)?,
            "order_items" => item(&mut line, i, n, scale)?,
            "payments" => payment(&mut line, i, n, scale)?,
            "sessions" => session(&mut line, i, n, scale)?,
            "events" => event(&mut line, i, n, scale)?,
            "reviews" => review(&mut line, i, n, scale)?,
            _ => bail!("the application has no table {table}"),
        }
        sink(&line)?;
    }
    Ok(())
}

type Done = Result<(), std::fmt::Error>;

fn user(line: &mut String, i: u64, n: u64) -> Done {
    let (id, born) = (i + 1, moment(i, n, 1));
    // Written as people write it: the case differs.
    let email = if i.is_multiple_of(3) {
        format!("User{id}@Example.org")
    } else {
        format!("user{id}@example.org")
    };
    let plan = pick(
        i,
        2,
        &[
            ("free", 8_500),
            ("pro", 1_000),
            ("team", 400),
            ("enterprise", 100),
        ],
    );
    let referred = if i > 100 && mix(i, 3).is_multiple_of(5) {
        skewed(i, 4, i).to_string()
    } else {
        "\\N".to_owned()
    };
    let theme = if i.is_multiple_of(4) { "dark" } else { "light" };
    write!(
        line,
        "{id}|{email}|{} {}|{}|{plan}|{}|{}|{}|{referred}|{{\"theme\": \"{theme}\", \"digest\": {}}}",
        words(i, 5, 1),
        words(i, 6, 1),
        country(i, 7),
        time(born),
        some_time(i, 8, 7_000, SECONDS - mix(i, 9) % (90 * 86_400)),
        some_time(i, 10, 800, born + 86_400),
        i.is_multiple_of(2),
    )
}

fn product(line: &mut String, i: u64, n: u64) -> Done {
    let id = i + 1;
    write!(
        line,
        "{id}|SKU-{id:06}|{} {}|{}|{}|{}|{{\"colour\": \"{}\", \"grams\": {}}}|{}",
        words(i, 20, 2),
        id,
        skewed(i, 21, 40),
        99 + mix(i, 22) % 20_000,
        u8::from(!mix(i, 23).is_multiple_of(20)),
        words(i, 24, 1),
        mix(i, 25) % 5_000,
        time(moment(i, n, 26)),
    )
}

fn order(line: &mut String, i: u64, n: u64, scale: f64) -> Done {
    let (id, placed) = (i + 1, moment(i, n, 30));
    let status = pick(
        i,
        31,
        &[
            ("delivered", 9_500),
            ("pending", 200),
            ("cancelled", 150),
            ("paid", 100),
            ("refunded", 50),
        ],
    );
    let coupon = if mix(i, 33) % 100 < 6 {
        format!("SPRING-{}", skewed(i, 34, 400))
    } else {
        "\\N".to_owned()
    };
    let (shipped, tracking) = if matches!(status, "delivered" | "refunded") {
        (
            time(placed + 86_400 + mix(i, 35) % 172_800),
            format!("TRK{:010}", mix(i, 36) % 10_000_000_000),
        )
    } else {
        ("\\N".to_owned(), "\\N".to_owned())
    };
    let note = if mix(i, 37).is_multiple_of(20) {
        words(i, 38, 8)
    } else {
        "\\N".to_owned()
    };
    write!(
        line,
        "{id}|{}|{status}|{}|{}|{}|{shipped}|{coupon}|{tracking}|{}|{note}",
        skewed(i, 32, count("users", scale)),
        500 + mix(i, 39) % 40_000,
        country(i, 40),
        time(placed),
        some_time(i, 41, 300, placed + 864_000),
    )
}

fn item(line: &mut String, i: u64, n: u64, scale: f64) -> Done {
    let orders = count("orders", scale);
    let order = i * orders / n;
    write!(
        line,
        "{}|{}|{}|{}|{}|{}",
        i + 1,
        order + 1,
        skewed(i, 50, count("products", scale)),
        1 + mix(i, 51) % 4,
        99 + mix(i, 52) % 20_000,
        some_time(i, 53, 150, moment(order, orders, 30) + 1_209_600),
    )
}

fn payment(line: &mut String, i: u64, n: u64, scale: f64) -> Done {
    let orders = count("orders", scale);
    let order = i * orders / n;
    let state = pick(
        i,
        61,
        &[("captured", 9_700), ("failed", 200), ("open", 100)],
    );
    let captured = if state == "captured" {
        time(moment(order, orders, 30) + 60)
    } else {
        "\\N".to_owned()
    };
    write!(
        line,
        "{}|{}|{}|{}|{state}|ch_{:016x}|{captured}",
        i + 1,
        order + 1,
        pick(
            i,
            60,
            &[("card", 7_000), ("wallet", 2_000), ("invoice", 1_000)]
        ),
        500 + mix(order, 39) % 40_000,
        mix(i, 62),
    )
}

fn session(line: &mut String, i: u64, n: u64, scale: f64) -> Done {
    let start = moment(i, n, 70);
    write!(
        line,
        "{}|{}|{}|{}|10.{}.{}.{}|Mozilla/5.0 ({}) {}",
        i + 1,
        skewed(i, 71, count("users", scale)),
        time(start),
        some_time(i, 72, 9_000, start + 60 + mix(i, 73) % 7_200),
        mix(i, 74) % 256,
        mix(i, 75) % 256,
        mix(i, 76) % 256,
        pick(
            i,
            77,
            &[
                ("Windows NT 10.0", 5_000),
                ("iPhone", 3_000),
                ("X11; Linux", 2_000)
            ]
        ),
        words(i, 78, 2),
    )
}

fn event(line: &mut String, i: u64, n: u64, scale: f64) -> Done {
    let sessions = count("sessions", scale);
    let session = i * sessions / n;
    let user = if mix(i, 80).is_multiple_of(4) {
        "\\N".to_owned()
    } else {
        skewed(session, 71, count("users", scale)).to_string()
    };
    let kind = pick(
        i,
        81,
        &[
            ("page_view", 6_200),
            ("click", 2_400),
            ("search", 1_000),
            ("purchase", 300),
            ("signup", 80),
            ("refund", 20),
        ],
    );
    write!(
        line,
        "{}|{user}|{}|{kind}|{}|{}|{{\"page\": \"/p/{}\", \"utm\": \"partner-{}\", \"device\": \"{}\", \"ms\": {}}}",
        i + 1,
        session + 1,
        time(moment(i, n, 82)),
        u8::from(mix(i, 83) % 1_000 >= 3),
        skewed(i, 84, count("products", scale)),
        skewed(i, 85, 1_500),
        pick(
            i,
            86,
            &[("desktop", 5_500), ("ios", 2_500), ("android", 2_000)]
        ),
        mix(i, 87) % 3_000,
    )
}

fn review(line: &mut String, i: u64, n: u64, scale: f64) -> Done {
    let rating = pick(
        i,
        92,
        &[
            ("5", 5_500),
            ("4", 2_500),
            ("3", 1_000),
            ("1", 600),
            ("2", 400),
        ],
    );
    // A word in one title of a thousand, inside a longer one.
    let rare = if mix(i, 93).is_multiple_of(1_000) {
        " darkturquoise"
    } else {
        ""
    };
    let oak = if mix(i, 94).is_multiple_of(2_000) {
        " walnut"
    } else {
        ""
    };
    write!(
        line,
        "{}|{}|{}|{rating}|{}{rare} {}|{}{oak} {}|{}",
        i + 1,
        skewed(i, 90, count("products", scale)),
        skewed(i, 91, count("users", scale)),
        words(i, 95, 2),
        words(i, 96, 2),
        words(i, 97, 14),
        words(i, 98, 10),
        time(moment(i, n, 99)),
    )
}
