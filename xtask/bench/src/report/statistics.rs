//! Medians and spreads of a few figures.

use serde::Serialize;

/// What several rounds have found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Summary {
    /// `None` of nothing.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut figures: Vec<_> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let (min, max) = (*figures.first()?, *figures.last()?);
        let middle = figures.len() / 2;
        let median = match figures.len() % 2 {
            0 => f64::midpoint(figures[middle - 1], figures[middle]),
            _ => figures[middle],
        };
        Some(Self { median, min, max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_stands_in_the_middle() {
        for (figures, median) in [
            (&[3.0][..], 3.0),
            (&[9.0, 1.0, 2.0], 2.0),
            (&[4.0, 1.0, 2.0, 10.0], 3.0),
        ] {
            let summary = Summary::of(figures.iter().copied()).unwrap();
            assert_eq!(summary.median, median, "{figures:?}");
        }
    }

    #[test]
    fn the_spread_holds_every_figure() {
        let summary = Summary::of([2.0, 7.0, 1.0]).unwrap();
        assert_eq!((summary.min, summary.max), (1.0, 7.0));
        assert_eq!(Summary::of([]), None);
    }
}
