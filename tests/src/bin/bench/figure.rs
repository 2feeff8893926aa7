//! What every measurement gives, and the only thing that the report reads.
//!
//! A [`Figure`] is one table and one plot. It has [`Point`]s: what was measured (`label`), in which of several circumstances
//! (`group`) or, in a curve, at which size (`x`). A point has one [`Sample`] for each round: so many items took so long. Everything that is shown (items a second,
//! time per item, ratio to another point, spread) is computed from the samples.
//!
//! A module that measures has one function, `pub(crate) fn measure(context: &mut Context) -> Result<Vec<Figure>, Error>`,
//! and lets [`Rounds`](crate::rounds::Rounds) call its candidates in turn.

use serde::{Deserialize, Serialize};

/// One table and one plot.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Figure {
    /// Names the files, in the letters of one: `verification`, `insertion-1-tenant`.
    pub(crate) name: String,
    pub(crate) title: String,
    /// What is counted, in the singular: `row`, `entry`, `message`, `transaction`.
    pub(crate) item: String,
    /// What the points' `x` means, in a curve; `None` where the points stand side by side.
    pub(crate) x_title: Option<String>,
    /// What bars show: the time of an item, of which shorter is better, or items a second.
    pub(crate) shows: Ratio,
    /// Whether it matters how long all items take, rather than one of them.
    #[serde(default)]
    pub(crate) shows_total: bool,
    /// What the other points are compared to.
    pub(crate) baseline: Option<Baseline>,
    pub(crate) points: Vec<Point>,
    /// What the contract wants of these points.
    pub(crate) targets: Vec<Target>,
    /// What a reader has to know to judge the figures, a sentence each.
    pub(crate) notes: Vec<String>,
}

/// What was measured, once a round.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Point {
    pub(crate) label: String,
    /// Points are compared within their group.
    pub(crate) group: Option<String>,
    pub(crate) x: Option<f64>,
    pub(crate) samples: Vec<Sample>,
}

/// One measurement: so many items took so long.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) items: u64,
    pub(crate) seconds: f64,
    /// How many bytes the items have, where that says something.
    pub(crate) bytes: Option<u64>,
    /// The most memory that the measured process held at once.
    pub(crate) peak_memory_bytes: Option<u64>,
}

/// The point that the others are compared to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Baseline {
    pub(crate) label: String,
    pub(crate) by: Ratio,
}

/// What of two points is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ratio {
    /// Time per item: 1.5 is half as slow again.
    Time,
    /// Items a second: 0.5 is half as fast.
    Rate,
}

/// A ratio of two points that the project promises itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Target {
    /// Where it holds; `None` in every group.
    pub(crate) group: Option<String>,
    pub(crate) of: String,
    pub(crate) to: String,
    pub(crate) by: Ratio,
    /// At most this for [`Ratio::Time`], at least this for [`Ratio::Rate`].
    pub(crate) wanted: f64,
}

/// Median and ends of some values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
}

impl Sample {
    pub(crate) fn new(items: u64, seconds: f64) -> Self {
        Self { items, seconds, bytes: None, peak_memory_bytes: None }
    }

    pub(crate) fn rate(&self) -> f64 {
        self.items as f64 / self.seconds
    }
}

impl Spread {
    /// Of an even number of values, the median is the mean of the two in the middle. `None` without values.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some(Self { min, median, max })
    }

    /// In another unit. What turns the order around turns it around here.
    pub(crate) fn map(self, unit: impl Fn(f64) -> f64) -> Self {
        let (min, max) = (unit(self.min), unit(self.max));
        Self { min: min.min(max), median: unit(self.median), max: min.max(max) }
    }
}

impl Point {
    /// Microseconds an item.
    pub(crate) fn time_us(&self) -> Option<Spread> {
        self.rate().map(|rate| rate.map(|rate| 1e6 / rate))
    }

    /// Items a second.
    pub(crate) fn rate(&self) -> Option<Spread> {
        Spread::of(self.samples.iter().map(Sample::rate))
    }

    /// Seconds for all items.
    pub(crate) fn seconds(&self) -> Option<Spread> {
        Spread::of(self.samples.iter().map(|sample| sample.seconds))
    }

    /// Bytes a second, where bytes were counted.
    pub(crate) fn bytes_rate(&self) -> Option<Spread> {
        Spread::of(self.samples.iter().filter_map(|sample| Some(sample.bytes? as f64 / sample.seconds)))
    }

    /// The most memory held at once.
    pub(crate) fn peak_memory_bytes(&self) -> Option<u64> {
        self.samples.iter().filter_map(|sample| sample.peak_memory_bytes).max()
    }

    /// How this compares to another point, round by round: what else the machine did in a round falls on both.
    pub(crate) fn ratio(&self, to: &Self, by: Ratio) -> Option<Spread> {
        let pairs = self.samples.iter().zip(&to.samples);
        Spread::of(pairs.map(|(own, other)| match by {
            Ratio::Time => other.rate() / own.rate(),
            Ratio::Rate => own.rate() / other.rate(),
        }))
    }
}

impl Figure {
    /// Points side by side, without anything else.
    pub(crate) fn new(
        name: impl Into<String>,
        title: impl Into<String>,
        item: &str,
        mut points: Vec<Point>,
    ) -> Self {
        // Groups together, in the order in which they first came.
        let groups: Vec<Option<String>> = points.iter().map(|point| point.group.clone()).collect();
        points.sort_by_key(|point| groups.iter().position(|group| *group == point.group));
        Self {
            name: name.into(),
            title: title.into(),
            item: item.to_owned(),
            x_title: None,
            shows: Ratio::Time,
            shows_total: false,
            baseline: None,
            points,
            targets: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The point of a label in the circumstances of another point, or wherever there is one if there is none.
    fn beside(&self, point: &Point, label: &str) -> Option<&Point> {
        let is_it = |other: &&Point| other.label == label && other.x == point.x;
        let in_group = self.points.iter().filter(is_it).find(|other| other.group == point.group);
        in_group.or_else(|| self.points.iter().find(is_it))
    }

    /// Whether groups have labels in common: they are the same things in other circumstances.
    pub(crate) fn repeats_labels(&self) -> bool {
        let is_same = |a: &Point, b: &Point| a.label == b.label && a.group != b.group;
        self.points.iter().any(|point| self.points.iter().any(|other| is_same(point, other)))
    }

    /// The point that a point is compared to, and how the two compare.
    pub(crate) fn ratio_to_baseline(&self, point: &Point) -> Option<Spread> {
        let baseline = self.baseline.as_ref()?;
        point.ratio(self.beside(point, &baseline.label)?, baseline.by)
    }
}

impl Target {
    /// What was measured, in each group where it holds.
    pub(crate) fn measured<'a>(
        &'a self,
        figure: &'a Figure,
    ) -> impl Iterator<Item = (Option<&'a str>, Spread)> {
        figure
            .points
            .iter()
            .filter(|point| point.label == self.of && (self.group.is_none() || point.group == self.group))
            .filter_map(|point| {
                Some((point.group.as_deref(), point.ratio(figure.beside(point, &self.to)?, self.by)?))
            })
    }

    pub(crate) fn is_met(&self, measured: Spread) -> bool {
        match self.by {
            Ratio::Time => measured.median <= self.wanted,
            Ratio::Rate => measured.median >= self.wanted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(label: &str, rates: &[u64]) -> Point {
        let samples = rates.iter().map(|rate| Sample::new(*rate, 1.0)).collect();
        Point { label: label.to_owned(), group: None, x: None, samples }
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(Spread::of([]), None);
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Some(Spread { min: 1.0, median: 2.0, max: 3.0 }));
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]), Some(Spread { min: 1.0, median: 2.5, max: 4.0 }));
    }

    #[test]
    fn ratios_are_of_the_same_round() {
        // The machine was four times as slow in the last round, for both.
        let (ours, plain) = (point("ours", &[50, 50, 10]), point("plain", &[100, 80, 40]));
        assert_eq!(ours.ratio(&plain, Ratio::Rate).unwrap().median, 0.5);
        assert_eq!(ours.ratio(&plain, Ratio::Time), Some(Spread { min: 1.6, median: 2.0, max: 4.0 }));
    }

    #[test]
    fn a_target_is_held_against_the_right_side() {
        let target = |by, wanted| Target { group: None, of: "ours".into(), to: "plain".into(), by, wanted };
        let figure = Figure::new("n", "t", "row", vec![point("ours", &[50]), point("plain", &[100])]);
        let met = |target: Target| {
            let (_, measured) = target.measured(&figure).next().unwrap();
            target.is_met(measured)
        };
        assert!(met(target(Ratio::Time, 2.0)) && !met(target(Ratio::Time, 1.9)));
        assert!(met(target(Ratio::Rate, 0.5)) && !met(target(Ratio::Rate, 0.6)));
        let missing = Target { of: "other".into(), ..target(Ratio::Rate, 0.5) };
        assert_eq!(missing.measured(&figure).count(), 0);
        // What is measured in one group only is the same for all.
        let limit = Point { group: Some("limits".to_owned()), ..point("limit", &[500]) };
        let figure = Figure::new("n", "t", "row", vec![point("ours", &[50]), limit]);
        let to_limit = Target { to: "limit".into(), ..target(Ratio::Rate, 0.1) };
        assert_eq!(to_limit.measured(&figure).next().unwrap().1.median, 0.1);
        assert!(!figure.repeats_labels());
    }

    #[test]
    fn points_are_compared_within_their_group() {
        let within = |group: &str, point: Point| Point { group: Some(group.to_owned()), ..point };
        let points = vec![
            within("COPY", point("plain", &[100])),
            within("COPY", point("ours", &[50])),
            within("INSERT", point("ours", &[20])),
            within("INSERT", point("plain", &[80])),
        ];
        let mut figure = Figure::new("n", "t", "row", points);
        assert_eq!(figure.ratio_to_baseline(&figure.points[1]), None);
        assert!(figure.repeats_labels());
        figure.baseline = Some(Baseline { label: "plain".to_owned(), by: Ratio::Time });
        let ratios = figure.points.iter().map(|point| figure.ratio_to_baseline(point).unwrap().median);
        assert_eq!(ratios.collect::<Vec<_>>(), [1.0, 2.0, 4.0, 1.0]);
        let everywhere =
            Target { group: None, of: "ours".into(), to: "plain".into(), by: Ratio::Rate, wanted: 0.5 };
        let groups = |target: &Target| {
            target.measured(&figure).filter_map(|(group, _)| group.map(str::to_owned)).collect::<Vec<_>>()
        };
        assert_eq!(groups(&everywhere), ["COPY", "INSERT"]);
        assert_eq!(groups(&Target { group: Some("COPY".into()), ..everywhere }), ["COPY"]);
    }
}
