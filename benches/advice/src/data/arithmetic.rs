//! Skewed values out of row numbers: the same everywhere, with nothing of chance.

/// 2024-01-01, in days since 1970; the data spans two years from then.
const FIRST_DAY: u64 = 19_723;
pub const SECONDS: u64 = 2 * 365 * 86_400;

const WORDS: [&str; 32] = [
    "solid", "light", "cheap", "sturdy", "arrived", "late", "early", "box", "colour", "size",
    "fits", "small", "large", "again", "would", "buy", "never", "always", "good", "poor", "fine",
    "gift", "works", "broke", "after", "week", "month", "kitchen", "garden", "office", "quiet",
    "loud",
];
const COUNTRIES: [&str; 16] = [
    "US", "GB", "DE", "FR", "CA", "AU", "NL", "SE", "ES", "IT", "PL", "BR", "JP", "NZ", "IE", "IS",
];

/// The finaliser of `splitmix64`: spreads row numbers over 64 bits.
pub fn mix(row: u64, salt: u64) -> u64 {
    let mut z = row.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ salt.wrapping_mul(0xD1B5_4A32_D192_ED03);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

pub fn unit(row: u64, salt: u64) -> f64 {
    (mix(row, salt) >> 11) as f64 / (1_u64 << 53) as f64
}

/// 1 to `n`, the first ones by far the most often; which of them are the first is spread over the range.
pub fn skewed(row: u64, salt: u64, n: u64) -> u64 {
    let rank = (unit(row, salt).powi(3) * n as f64) as u64;
    (rank * 7919) % n + 1
}

/// One of the names, each with its share in per cent of percent.
pub fn pick<'a>(row: u64, salt: u64, of: &[(&'a str, u64)]) -> &'a str {
    let mut at = mix(row, salt) % 10_000;
    for (name, share) in of {
        if at < *share {
            return name;
        }
        at -= share;
    }
    of.first().map_or("", |(name, _)| name)
}

pub fn country(row: u64, salt: u64) -> &'static str {
    // 39 % US, then ever fewer.
    let at = unit(row, salt).powf(2.95) * COUNTRIES.len() as f64;
    COUNTRIES.get(at as usize).copied().unwrap_or("US")
}

/// The moment of row `i` of `n`, in order of time, a bit uneven.
pub fn moment(i: u64, n: u64, salt: u64) -> u64 {
    let step = SECONDS / n;
    i * SECONDS / n + mix(i, salt) % step.max(1)
}

pub fn time(second: u64) -> String {
    let (days, rest) = (FIRST_DAY + second / 86_400, second % 86_400);
    // Howard Hinnant's civil_from_days, for days after 1970.
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (
        doy - (153 * mp + 2) / 5 + 1,
        if mp < 10 { mp + 3 } else { mp - 9 },
    );
    let year = yoe + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}",
        rest / 3_600,
        rest / 60 % 60,
        rest % 60
    )
}

/// A moment for one row in so many of ten thousand, else NULL.
pub fn some_time(row: u64, salt: u64, of_ten_thousand: u64, second: u64) -> String {
    if mix(row, salt) % 10_000 < of_ten_thousand {
        time(second)
    } else {
        "\\N".to_owned()
    }
}

pub fn words(row: u64, salt: u64, n: u64) -> String {
    let mut text = String::new();
    for i in 0..n {
        if i > 0 {
            text.push(' ');
        }
        let at = skewed(row * 64 + i, salt, WORDS.len() as u64) - 1;
        text.push_str(WORDS.get(at as usize).copied().unwrap_or("fine"));
    }
    text
}
