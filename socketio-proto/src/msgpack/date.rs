//! JavaScript's `Date` as its text: what `toISOString` gives.

/// The date and time in UTC, of milliseconds since 1970; `None` for what JavaScript has no date
/// for, and writes as null.
pub(super) fn iso(milliseconds: i64) -> Option<String> {
    if milliseconds.unsigned_abs() > MAX_MILLISECONDS {
        return None;
    }
    let (year, month, day) = civil(milliseconds.div_euclid(DAY));
    let time = milliseconds.rem_euclid(DAY);
    let (hour, minute) = (time / 3_600_000, time / 60_000 % 60);
    let (second, fraction) = (time / 1_000 % 60, time % 1_000);
    let year = match year {
        0..=9999 => format!("{year:04}"),
        _ => format!("{year:+07}"),
    };
    Some(format!(
        "{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:03}Z"
    ))
}

const DAY: i64 = 86_400_000;

/// A hundred million days around 1970.
const MAX_MILLISECONDS: u64 = 8_640_000_000_000_000;

/// Days in 400 years, after which the calendar repeats itself.
const ERA: i64 = 146_097;

/// The year, month and day of a day counted from 1970-01-01.
///
/// Years are taken to begin in March, so that the leap day is their last.
fn civil(days: i64) -> (i64, i64, i64) {
    let since_0000_03_01 = days + 719_468;
    let era = since_0000_03_01.div_euclid(ERA);
    let day_of_era = since_0000_03_01.rem_euclid(ERA);
    // Every 4th year has a day more, every 100th does not, and the last one of the era does.
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // From March on, five months have 153 days, time and again.
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let from_january = month >= 10;
    let month = if from_january { month - 9 } else { month + 3 };
    let year = 400 * era + year_of_era + i64::from(from_january);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::iso;

    #[test]
    fn dates_are_what_javascript_says() {
        for (milliseconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_700_000_000_123, "2023-11-14T22:13:20.123Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (4_107_456_000_000, "2100-02-28T00:00:00.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (253_402_300_800_000, "+010000-01-01T00:00:00.000Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
            (-62_167_219_200_001, "-000001-12-31T23:59:59.999Z"),
            (8_640_000_000_000_000, "+275760-09-13T00:00:00.000Z"),
            (-8_640_000_000_000_000, "-271821-04-20T00:00:00.000Z"),
        ] {
            assert_eq!(iso(milliseconds).as_deref(), Some(text));
        }
        for milliseconds in [8_640_000_000_000_001, i64::MIN, i64::MAX] {
            assert_eq!(iso(milliseconds), None);
        }
    }
}
