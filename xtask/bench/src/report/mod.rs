//! What was found, for people and for programs.

mod chart;
mod statistics;
mod table;

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use anyhow::{Context as _, Result};
use serde::Serialize;

use self::{
    chart::{Chart, Group},
    statistics::Summary,
    table::Table,
};
use crate::{
    measure::Figure,
    peer::Role,
    scenario::{Goal, SCENARIOS, Scenario},
};

/// One measurement that was made.
#[derive(Serialize)]
pub(crate) struct Record {
    pub(crate) scenario: &'static str,
    pub(crate) peer: &'static str,
    pub(crate) round: usize,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

/// Its figure, or why there is none.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Figure(Figure),
    Error(String),
}

/// Something to know about the figures.
#[derive(Serialize)]
pub(crate) struct Fact {
    pub(crate) name: &'static str,
    pub(crate) fact: String,
}

/// Everything that was measured.
#[derive(Serialize)]
pub(crate) struct Report {
    /// What ran where, and how.
    pub(crate) facts: Vec<Fact>,
    pub(crate) records: Vec<Record>,
}

impl Report {
    /// Writes `report.md`, `figures.json` and, for servers and for clients, if their yardstick was
    /// measured, a chart.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        let figures = serde_json::to_string_pretty(self)?;
        for (name, text) in [
            ("report.md", self.to_markdown()?),
            ("figures.json", figures),
        ] {
            let file = folder.join(name);
            fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        }
        for role in Role::ALL {
            let chart = self.chart(role);
            if !chart.groups.is_empty() {
                chart.draw(&folder.join(format!("{}.svg", role.plural())))?;
            }
        }
        Ok(())
    }

    /// What went wrong.
    pub(crate) fn errors(&self) -> Vec<String> {
        let error = |record: &Record| match &record.outcome {
            Outcome::Figure(_) => None,
            Outcome::Error(error) => Some(format!(
                "{} of {} in round {}: {error}",
                record.scenario, record.peer, record.round
            )),
        };
        self.records.iter().filter_map(error).collect()
    }

    /// The tables, as a terminal shows them.
    pub(crate) fn to_text(&self) -> String {
        let goals = self.goals();
        let mut text = self.figures().to_text();
        if !goals.rows.is_empty() {
            text += "\n";
            text += &goals.to_text();
        }
        text
    }

    fn to_markdown(&self) -> Result<String> {
        let mut text = String::from("# Figures\n\n");
        for Fact { name, fact } in &self.facts {
            writeln!(text, "- {name}: {fact}")?;
        }
        writeln!(text, "\n{}", self.figures().to_markdown())?;
        for scenario in SCENARIOS {
            if !self.peers(scenario).is_empty() {
                writeln!(text, "- `{}`: {}", scenario.name, scenario.what)?;
            }
        }
        let goals = self.goals();
        if !goals.rows.is_empty() {
            write!(text, "\n{}", goals.to_markdown())?;
        }
        let errors = self.errors();
        if !errors.is_empty() {
            writeln!(text, "\nErrors:\n")?;
        }
        for error in errors {
            writeln!(text, "- {error}")?;
        }
        Ok(text)
    }

    /// Without groups if there is nothing to compare.
    fn chart(&self, role: Role) -> Chart {
        let scenarios = || SCENARIOS.iter().filter(|it| it.role() == role);
        let mut peers: Vec<_> = scenarios().flat_map(|it| self.peers(it)).collect();
        let mut seen = BTreeSet::new();
        peers.retain(|peer| *peer != role.yardstick() && seen.insert(*peer));
        let group = |scenario: &Scenario| {
            let ratio = |peer: &&'static str| self.ratio(scenario, peer, |it| Some(it.value));
            let ratios: Vec<_> = peers.iter().map(ratio).collect();
            let name = scenario.name;
            ratios
                .iter()
                .any(Option::is_some)
                .then_some(Group { name, ratios })
        };
        let groups = scenarios().filter_map(group).collect();
        Chart {
            title: format!("CPU time and memory of Socket.IO {}", role.plural()),
            yardstick: role.yardstick(),
            peers,
            groups,
        }
    }

    // ---- Tables ----------------------------------------------------------------------------

    /// One line for each scenario and peer.
    fn figures(&self) -> Table {
        let mut rows = Vec::new();
        for scenario in SCENARIOS {
            for peer in self.peers(scenario) {
                rows.push(self.row(scenario, peer));
            }
        }
        let header = vec![
            "scenario",
            "peer",
            "unit",
            "median",
            "min..max",
            "ratio",
            "user + system",
            "core",
            "p99 ms",
            "inversions",
            "errors",
        ];
        Table {
            names: 3,
            header,
            rows,
        }
    }

    fn row(&self, scenario: &Scenario, peer: &'static str) -> Vec<String> {
        let figures: Vec<_> = self.figures_of(scenario, peer).map(|(_, it)| it).collect();
        let summary = |get: fn(&Figure) -> Option<f64>| {
            Summary::of(figures.iter().filter_map(|figure| get(figure)))
        };
        let value = summary(|figure| Some(figure.value));
        let shares = summary(|figure| figure.user_share).zip(value);
        let inversions = figures
            .iter()
            .filter_map(|figure| figure.inversions)
            .reduce(|a, b| a + b);
        let errors = self.records_of(scenario, peer).count() - figures.len();
        let or_nothing = |text: Option<String>| text.unwrap_or_default();
        vec![
            scenario.name.to_owned(),
            peer.to_owned(),
            scenario.unit.to_owned(),
            or_nothing(value.map(|it| number(it.median))),
            or_nothing(value.map(|it| format!("{}..{}", number(it.min), number(it.max)))),
            or_nothing(
                self.ratio(scenario, peer, |it| Some(it.value))
                    .map(|it| number(it.median)),
            ),
            or_nothing(shares.map(|(user, value)| {
                let user = user.median * value.median;
                format!("{} + {}", number(user), number(value.median - user))
            })),
            or_nothing(summary(|it| it.busy).map(|it| format!("{:.0} %", it.median * 100.0))),
            or_nothing(summary(|it| it.p99_ms).map(|it| number(it.median))),
            or_nothing(inversions.map(|it| it.to_string())),
            errors.to_string(),
        ]
    }

    /// One line for each goal.
    fn goals(&self) -> Table {
        let mut rows = Vec::new();
        for scenario in SCENARIOS {
            let goals = &scenario.goals;
            if let Some(goal) = goals.figure {
                rows.extend(self.goal(scenario, "", goal, |it| Some(it.value)));
            }
            if let Some(goal) = goals.p99_ms {
                rows.extend(self.goal(scenario, " p99 ms", goal, |it| it.p99_ms));
            }
            if let Some(most) = goals.inversions {
                let goal = Goal {
                    absolute: most as f64,
                    ratio: None,
                };
                let inversions = |it: &Figure| it.inversions.map(|it| it as f64);
                rows.extend(self.goal(scenario, " inversions", goal, inversions));
            }
        }
        let header = vec!["ours", "figure", "goal", "", "ratio", "goal", ""];
        Table {
            names: 1,
            header,
            rows,
        }
    }

    fn goal(
        &self,
        scenario: &Scenario,
        what: &str,
        goal: Goal,
        get: fn(&Figure) -> Option<f64>,
    ) -> Option<Vec<String>> {
        let figures = self.figures_of(scenario, scenario.role().ours());
        let figure = Summary::of(figures.filter_map(|(_, figure)| get(figure)))?;
        let verdict = |found: f64, most: f64| match found <= most {
            true => "met",
            false => "missed",
        };
        let mut row = vec![
            format!("{}{what}", scenario.name),
            number(figure.median),
            format!("≤ {}", number(goal.absolute)),
            verdict(figure.median, goal.absolute).to_owned(),
        ];
        let ratio = self.ratio(scenario, scenario.role().ours(), get);
        row.extend(match (ratio, goal.ratio) {
            (Some(ratio), Some(most)) => [
                number(ratio.median),
                format!("≤ {}", number(most)),
                verdict(ratio.median, most).to_owned(),
            ],
            _ => Default::default(),
        });
        Some(row)
    }

    // ---- Figures ---------------------------------------------------------------------------

    /// Of the figures of a peer to those of the yardstick, each within its round.
    fn ratio(
        &self,
        scenario: &Scenario,
        peer: &'static str,
        get: fn(&Figure) -> Option<f64>,
    ) -> Option<Summary> {
        let ratio = |(round, figure): (usize, &Figure)| {
            let mut yardsticks = self.figures_of(scenario, scenario.role().yardstick());
            let (_, yardstick) = yardsticks.find(|(other, _)| *other == round)?;
            Some(get(figure)? / get(yardstick)?)
        };
        let ratios = self.figures_of(scenario, peer).filter_map(ratio);
        Summary::of(ratios.filter(|ratio| ratio.is_finite()))
    }

    /// Peers that were measured, in the order in which they were.
    fn peers(&self, scenario: &Scenario) -> Vec<&'static str> {
        let mut peers = Vec::new();
        for record in self
            .records
            .iter()
            .filter(|it| it.scenario == scenario.name)
        {
            if !peers.contains(&record.peer) {
                peers.push(record.peer);
            }
        }
        peers
    }

    fn records_of(&self, scenario: &Scenario, peer: &'static str) -> impl Iterator<Item = &Record> {
        self.records
            .iter()
            .filter(move |record| record.scenario == scenario.name && record.peer == peer)
    }

    fn figures_of(
        &self,
        scenario: &Scenario,
        peer: &'static str,
    ) -> impl Iterator<Item = (usize, &Figure)> {
        self.records_of(scenario, peer)
            .filter_map(|record| match &record.outcome {
                Outcome::Figure(figure) => Some((record.round, figure)),
                Outcome::Error(_) => None,
            })
    }
}

/// With as many digits as mean something.
fn number(figure: f64) -> String {
    match figure {
        _ if figure.fract() == 0.0 && figure.abs() < 1e6 => format!("{figure:.0}"),
        100.0.. => format!("{figure:.0}"),
        10.0.. => format!("{figure:.1}"),
        0.1.. => format!("{figure:.2}"),
        _ => format!("{figure:.3}"),
    }
}
