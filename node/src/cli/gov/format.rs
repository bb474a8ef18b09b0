//! Figures and times for people.

use alloy_primitives::U256;
use std::{fmt::Write, io::IsTerminal};

/// Units of 10^-18 as a number with up to three decimals and thousands separated.
pub(super) fn units(amount: U256) -> String {
    let milli = amount / U256::from(10).pow(U256::from(15));
    let (whole, rest) = (milli / U256::from(1_000), milli % U256::from(1_000));
    let digits = whole.to_string();
    let mut out = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if !rest.is_zero() {
        // writing to a string cannot fail
        let _ = write!(out, ".{:03}", rest.to::<u64>());
        out.truncate(out.trim_end_matches('0').len());
    }
    out
}

/// Seconds in the two largest units: `2 d 3 h`, `24 s`.
pub(super) fn duration(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let Some(first) = UNITS.iter().position(|(size, _)| seconds >= *size) else { return "0 s".to_owned() };
    let (size, name) = UNITS[first];
    let mut out = format!("{} {name}", seconds / size);
    if let Some((small, name)) = UNITS.get(first + 1) {
        let rest = seconds % size / small;
        if rest > 0 {
            let _ = write!(out, " {rest} {name}");
        }
    }
    out
}

/// A moment against the present: `in 24 s`, `2 min ago`.
pub(super) fn relative(moment_s: u64, now_s: u64) -> String {
    match moment_s.checked_sub(now_s) {
        Some(0) => "now".to_owned(),
        Some(ahead) => format!("in {}", duration(ahead)),
        None => format!("{} ago", duration(now_s - moment_s)),
    }
}

/// A moment as UTC: `2026-11-22 19:30:05 UTC`. Civil date from days as in Hinnant's "chrono-compatible low-level date
/// algorithms".
pub(super) fn utc(moment_s: u64) -> String {
    let (days, second) = (moment_s / 86_400, moment_s % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// A share as percent with one decimal.
pub(super) fn percent(part: U256, whole: U256) -> String {
    if whole.is_zero() {
        return "0.0 %".to_owned();
    }
    let permille = part.saturating_mul(U256::from(1_000)) / whole;
    let permille = permille.saturating_to::<u64>();
    format!("{}.{} %", permille / 10, permille % 10)
}

/// A bar of 24 cells, full at `whole`.
pub(super) fn bar(part: U256, whole: U256) -> String {
    const CELLS: usize = 24;
    let filled = if whole.is_zero() {
        0
    } else {
        (part.saturating_mul(U256::from(CELLS)) / whole).saturating_to::<usize>().min(CELLS)
    };
    format!("{}{}", "█".repeat(filled), "░".repeat(CELLS - filled))
}

/// An id short enough for a line; unique ones are accepted everywhere an id is.
pub(super) fn short_id(id: U256) -> String {
    id.to_string().chars().take(10).collect()
}

/// True if someone looks at standard error.
pub(super) fn watched() -> bool {
    std::io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_grouped_and_cut_to_three_decimals() {
        let unit = U256::from(10).pow(U256::from(18));
        assert_eq!(units(U256::ZERO), "0");
        assert_eq!(units(unit * U256::from(1_234_567)), "1,234,567");
        assert_eq!(units(unit * U256::from(999) + unit / U256::from(4)), "999.25");
        assert_eq!(units(U256::from(1)), "0");
    }

    #[test]
    fn durations_have_two_units_at_most() {
        let cases = [(0, "0 s"), (24, "24 s"), (60, "1 min"), (3_661, "1 h 1 min"), (86_400 * 5 + 3_600, "5 d 1 h")];
        for (seconds, text) in cases {
            assert_eq!(duration(seconds), text);
        }
        assert_eq!(relative(10, 10), "now");
        assert_eq!(relative(34, 10), "in 24 s");
        assert_eq!(relative(10, 34), "24 s ago");
    }

    #[test]
    fn utc_knows_leap_years_and_centuries() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(951_827_696), "2000-02-29 12:34:56 UTC");
        assert_eq!(utc(1_709_251_199), "2024-02-29 23:59:59 UTC");
        assert_eq!(utc(4_107_542_400), "2100-03-01 00:00:00 UTC");
    }

    #[test]
    fn a_bar_is_full_at_the_whole_and_not_longer() {
        assert_eq!(bar(U256::from(5), U256::from(5)).matches('█').count(), 24);
        assert_eq!(bar(U256::from(50), U256::from(5)).chars().count(), 24);
        assert_eq!(bar(U256::ZERO, U256::ZERO).matches('░').count(), 24);
        assert_eq!(percent(U256::from(1), U256::from(3)), "33.3 %");
    }
}
