//! Days as texts: `2025-01-31`, what follows one, and which units of the calendar begin with it.

/// Year, month, day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day(u32, u32, u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Day,
    Month,
    Year,
}

impl Day {
    /// From a text that is a day and no more; years from 1000 on, which every engine writes alike.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut next = |digits: usize| -> Option<u32> {
            let part = parts.next()?;
            let plain = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
            if plain { part.parse().ok() } else { None }
        };
        let day = Self(next(4)?, next(2)?, next(2)?);
        let valid = (1000..9999).contains(&day.0)
            && (1..=12).contains(&day.1)
            && (1..=day.month_length()).contains(&day.2);
        (valid && parts.next().is_none()).then_some(day)
    }

    pub fn year(year: u32) -> Option<Self> {
        (1000..9999).contains(&year).then_some(Self(year, 1, 1))
    }

    const fn month_length(self) -> u32 {
        match self.1 {
            2 if self.0.is_multiple_of(4) && !self.0.is_multiple_of(100)
                || self.1 == 2 && self.0.is_multiple_of(400) =>
            {
                29
            }
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    /// Whether a unit begins with it.
    pub const fn begins(self, unit: Unit) -> bool {
        match unit {
            Unit::Day => true,
            Unit::Month => self.2 == 1,
            Unit::Year => self.2 == 1 && self.1 == 1,
        }
    }

    /// The day with which the next unit begins; for one that begins a unit.
    #[must_use]
    pub const fn next(self, unit: Unit) -> Self {
        match unit {
            Unit::Day if self.2 < self.month_length() => Self(self.0, self.1, self.2 + 1),
            Unit::Day | Unit::Month if self.1 < 12 => Self(self.0, self.1 + 1, 1),
            _ => Self(self.0 + 1, 1, 1),
        }
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:04}-{:02}-{:02}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_is_of_the_calendar() {
        for (day, unit, next) in [
            ("2025-01-31", Unit::Day, "2025-02-01"),
            ("2024-02-28", Unit::Day, "2024-02-29"),
            ("1900-02-28", Unit::Day, "1900-03-01"),
            ("2000-02-28", Unit::Day, "2000-02-29"),
            ("2025-12-31", Unit::Day, "2026-01-01"),
            ("2025-12-01", Unit::Month, "2026-01-01"),
            ("2025-01-01", Unit::Year, "2026-01-01"),
        ] {
            let parsed = Day::parse(day).unwrap();
            assert_eq!(parsed.to_string(), day);
            assert_eq!(parsed.next(unit).to_string(), next);
        }
    }

    #[test]
    fn what_is_no_day_is_none() {
        for text in [
            "2025-02-29",
            "2025-1-01",
            "2025-01-01 10:00",
            "2025-13-01",
            "",
            "0001-01-01",
        ] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
        assert!(!Day::parse("2025-02-02").unwrap().begins(Unit::Month));
    }
}
