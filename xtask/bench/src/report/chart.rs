//! A picture of the ratios: bars from the yardstick's line, to the left for what costs less and to
//! the right for what costs more.

use std::path::Path;

use anyhow::Result;
use plotters::{
    backend::SVGBackend,
    drawing::{DrawingArea, IntoDrawingArea as _},
    element::{PathElement, Rectangle, Text},
    prelude::{BLACK, Color as _, RGBColor, WHITE},
    style::{
        IntoFont as _, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{number, statistics::Summary};

/// What is drawn.
pub(super) struct Chart {
    pub(super) title: String,
    /// The one that is 1.
    pub(super) yardstick: &'static str,
    /// All but the yardstick.
    pub(super) peers: Vec<&'static str>,
    pub(super) groups: Vec<Group>,
}

/// The bars of one scenario.
pub(super) struct Group {
    pub(super) name: &'static str,
    /// A ratio for each peer, in the chart's order.
    pub(super) ratios: Vec<Option<Summary>>,
}

const WIDTH: i32 = 1_000;
/// Where bars may be, from left to right.
const LEFT: i32 = 150;
const RIGHT: i32 = WIDTH - 90;
/// Where the first group starts.
const TOP: i32 = 110;
/// Below the last group.
const FOOT: i32 = 70;
const BAR: i32 = 20;
/// Between two groups.
const GAP: i32 = 14;

const GREY: RGBColor = RGBColor(0xd0, 0xd0, 0xd0);
/// Of the peers, in order; told apart also by those who see few colours.
const COLOURS: [RGBColor; 3] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x80, 0x80, 0x80),
];

/// How far a figure reaches beyond the end of its bar, as a ratio.
const LABEL: f64 = 1.4;

/// Where the axis may have labels and end.
const TICKS: [f64; 13] = [
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0,
];

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

impl Chart {
    pub(super) fn draw(&self, file: &Path) -> Result<()> {
        let bottom = TOP + self.height_of_group() * self.groups.len() as i32;
        let area = SVGBackend::new(file, (WIDTH as u32, (bottom + FOOT) as u32));
        let area = area.into_drawing_area();
        area.fill(&WHITE)?;
        write(&area, &self.title, (20, 28), 24, HPos::Left)?;
        self.legend(&area)?;
        let axis = Axis::of(self.groups.iter().flat_map(|group| &group.ratios).flatten());
        axis.draw(&area, bottom, self.yardstick)?;
        for (row, group) in self.groups.iter().enumerate() {
            let top = TOP + self.height_of_group() * row as i32 + GAP / 2;
            self.group(&area, &axis, top, group)?;
        }
        let x = axis.x(1.0);
        area.draw(&PathElement::new(
            [(x, TOP), (x, bottom)],
            BLACK.stroke_width(2),
        ))?;
        area.present()?;
        Ok(())
    }

    fn height_of_group(&self) -> i32 {
        BAR * self.peers.len() as i32 + GAP
    }

    fn legend(&self, area: &Area<'_>) -> Result<()> {
        let mut x = 20;
        for (peer, colour) in self.peers.iter().zip(COLOURS) {
            area.draw(&Rectangle::new([(x, 58), (x + 18, 74)], colour.filled()))?;
            write(area, peer, (x + 26, 66), 17, HPos::Left)?;
            x += 60 + 10 * peer.len() as i32;
        }
        area.draw(&PathElement::new(
            [(x + 9, 56), (x + 9, 76)],
            BLACK.stroke_width(2),
        ))?;
        let yardstick = format!("{} = 1", self.yardstick);
        write(area, &yardstick, (x + 20, 66), 17, HPos::Left)
    }

    fn group(&self, area: &Area<'_>, axis: &Axis, top: i32, group: &Group) -> Result<()> {
        let middle = top + BAR * self.peers.len() as i32 / 2;
        write(area, group.name, (LEFT - 14, middle), 17, HPos::Right)?;
        for (row, (ratio, colour)) in group.ratios.iter().zip(COLOURS).enumerate() {
            let Some(ratio) = ratio else { continue };
            let top = top + BAR * row as i32;
            let (from, to) = (axis.x(1.0), axis.x(ratio.median));
            let corners = [(from.min(to), top + 2), (from.max(to), top + BAR - 2)];
            area.draw(&Rectangle::new(corners, colour.filled()))?;
            spread(area, axis, ratio, top + BAR / 2)?;
            let (x, side) = match ratio.median < 1.0 {
                true => (axis.x(ratio.min) - 8, HPos::Right),
                false => (axis.x(ratio.max) + 8, HPos::Left),
            };
            write(area, &number(ratio.median), (x, top + BAR / 2), 15, side)?;
        }
        Ok(())
    }
}

/// From the smallest to the largest ratio.
fn spread(area: &Area<'_>, axis: &Axis, ratio: &Summary, y: i32) -> Result<()> {
    let (min, max) = (axis.x(ratio.min), axis.x(ratio.max));
    let line = |points: [(i32, i32); 2]| PathElement::new(points, BLACK.stroke_width(1));
    area.draw(&line([(min, y), (max, y)]))?;
    for x in [min, max] {
        area.draw(&line([(x, y - 4), (x, y + 4)]))?;
    }
    Ok(())
}

/// Ratios on a logarithmic scale.
struct Axis {
    min: f64,
    max: f64,
}

impl Axis {
    /// Wide enough for all of them, and for a bit on both sides of 1.
    fn of<'a>(ratios: impl Iterator<Item = &'a Summary>) -> Self {
        let (min, max) = ratios.fold((0.7, 1.4), |(min, max): (f64, f64), ratio| {
            (min.min(ratio.min), max.max(ratio.max))
        });
        let [first, .., last] = TICKS;
        let below = TICKS.iter().rfind(|&&tick| tick * LABEL <= min);
        let above = TICKS.iter().find(|&&tick| tick >= max * LABEL);
        Self {
            min: *below.unwrap_or(&first),
            max: *above.unwrap_or(&last),
        }
    }

    fn x(&self, ratio: f64) -> i32 {
        let ratio = ratio.clamp(self.min, self.max);
        let part = (ratio / self.min).ln() / (self.max / self.min).ln();
        LEFT + (part * f64::from(RIGHT - LEFT)).round() as i32
    }

    fn draw(&self, area: &Area<'_>, bottom: i32, yardstick: &str) -> Result<()> {
        for tick in TICKS {
            if (self.min..=self.max).contains(&tick) {
                let x = self.x(tick);
                area.draw(&PathElement::new(
                    [(x, TOP), (x, bottom)],
                    GREY.stroke_width(1),
                ))?;
                write(area, &tick.to_string(), (x, bottom + 16), 15, HPos::Center)?;
            }
        }
        let label = format!("cost relative to {yardstick}, logarithmic: left of the line is less");
        write(
            area,
            &label,
            ((LEFT + RIGHT) / 2, bottom + 44),
            16,
            HPos::Center,
        )
    }
}

fn write(area: &Area<'_>, text: &str, at: (i32, i32), size: i32, side: HPos) -> Result<()> {
    let style = TextStyle::from(("sans-serif", size).into_font());
    let style = style.pos(Pos::new(side, VPos::Center));
    area.draw(&Text::new(text.to_owned(), at, style))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(ratio: f64) -> Summary {
        Summary::of([ratio]).unwrap()
    }

    #[test]
    fn the_axis_holds_every_ratio_and_one() {
        for (ratios, min, max) in [
            (&[][..], 0.5, 2.0),
            (&[0.7, 1.3], 0.5, 2.0),
            (&[0.07, 7.0], 0.05, 10.0),
            (&[1e-6, 1e6], 0.01, 100.0),
        ] {
            let ratios: Vec<_> = ratios.iter().map(|it| ratio(*it)).collect();
            let axis = Axis::of(ratios.iter());
            assert_eq!((axis.min, axis.max), (min, max), "{ratios:?}");
        }
    }

    #[test]
    fn equal_factors_are_equally_far_apart() {
        let axis = Axis {
            min: 0.1,
            max: 10.0,
        };
        assert_eq!([axis.x(0.1), axis.x(10.0)], [LEFT, RIGHT]);
        assert_eq!(axis.x(1.0), (LEFT + RIGHT) / 2);
        assert_eq!(axis.x(1e9), RIGHT);
    }
}
