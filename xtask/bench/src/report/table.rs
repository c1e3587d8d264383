//! Tables, for a terminal and for Markdown.

/// Cells, by row.
pub(crate) struct Table {
    /// How many columns are text; the others are figures, and aligned as such.
    pub(crate) names: usize,
    pub(crate) header: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    /// Aligned, with a line below the header.
    pub(crate) fn to_text(&self) -> String {
        self.lines("", "  ", "", |width, _| "─".repeat(width))
    }

    pub(crate) fn to_markdown(&self) -> String {
        self.lines("| ", " | ", " |", |width, column| {
            match column < self.names {
                true => "-".repeat(width),
                // A column may be empty when little was measured.
                false => format!("{:->width$}", ":"),
            }
        })
    }

    fn lines(
        &self,
        start: &str,
        between: &str,
        end: &str,
        rule: impl Fn(usize, usize) -> String,
    ) -> String {
        let header: Vec<_> = self.header.iter().map(ToString::to_string).collect();
        let widths: Vec<_> = (0..header.len())
            .map(|column| {
                let cells = self.rows.iter().chain([&header]);
                cells.map(|row| width(&row[column])).max().unwrap_or(1)
            })
            .collect();
        let line = |row: &[String]| {
            let cells = row.iter().zip(&widths).enumerate();
            let cells: Vec<_> = cells
                .map(|(at, (cell, &to))| match at < self.names {
                    true => format!("{cell:<to$}"),
                    false => format!("{cell:>to$}"),
                })
                .collect();
            let line = format!("{start}{}{end}", cells.join(between));
            format!("{}\n", line.trim_end())
        };
        let rules: Vec<_> = widths
            .iter()
            .enumerate()
            .map(|(at, width)| rule(*width, at))
            .collect();
        let mut text = line(&header) + &line(&rules);
        text.extend(self.rows.iter().map(|row| line(row)));
        text
    }
}

fn width(cell: &str) -> usize {
    cell.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        Table {
            names: 1,
            header: vec!["name", "µs"],
            rows: vec![
                vec!["a".to_owned(), "10.5".to_owned()],
                vec!["länger".to_owned(), "9".to_owned()],
            ],
        }
    }

    #[test]
    fn columns_are_aligned() {
        let expected = "name      µs\n──────  ────\na       10.5\nlänger     9\n";
        assert_eq!(table().to_text(), expected);
    }

    #[test]
    fn markdown_aligns_figures_too() {
        let expected = "\
            | name   |   µs |\n\
            | ------ | ---: |\n\
            | a      | 10.5 |\n\
            | länger |    9 |\n";
        assert_eq!(table().to_markdown(), expected);
    }
}
