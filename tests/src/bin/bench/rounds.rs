//! Repetition in changing order, so that what else the machine does falls on all that is compared.

use af_tests::random::Random;

use crate::Error;
use crate::figure::{Point, Sample};

type Run<'a, S> = Box<dyn FnMut(&mut S) -> Result<Sample, Error> + 'a>;

/// Something to measure. It prepares what it needs and times only what counts.
pub(crate) struct Candidate<'a, S> {
    label: String,
    group: Option<String>,
    x: Option<f64>,
    run: Run<'a, S>,
}

impl<'a, S> Candidate<'a, S> {
    pub(crate) fn new(
        label: impl Into<String>,
        run: impl FnMut(&mut S) -> Result<Sample, Error> + 'a,
    ) -> Self {
        Self { label: label.into(), group: None, x: None, run: Box::new(run) }
    }

    /// In which of several circumstances this is measured.
    pub(crate) fn within(self, group: impl Into<String>) -> Self {
        Self { group: Some(group.into()), ..self }
    }

    /// For a curve: where on it this is.
    pub(crate) fn at(self, x: f64) -> Self {
        Self { x: Some(x), ..self }
    }
}

/// How often, and in which order.
pub(crate) struct Rounds {
    pub(crate) count: u32,
    pub(crate) random: Random,
    /// A round before the others, which does not count.
    pub(crate) warms_up: bool,
}

impl Rounds {
    /// For what must find the caches as they are.
    pub(crate) fn without_warm_up(self) -> Self {
        Self { warms_up: false, ..self }
    }

    /// Runs each candidate once a round on `subject`, the order of each round by chance.
    pub(crate) fn interleave<S>(
        mut self,
        subject: &mut S,
        mut candidates: Vec<Candidate<'_, S>>,
    ) -> Result<Vec<Point>, Error> {
        let mut points: Vec<Point> = candidates
            .iter()
            .map(|candidate| Point {
                label: candidate.label.clone(),
                group: candidate.group.clone(),
                x: candidate.x,
                samples: Vec::new(),
            })
            .collect();
        for round in 0..self.count + u32::from(self.warms_up) {
            for index in self.order(candidates.len()) {
                let sample = (candidates[index].run)(subject)
                    .map_err(|error| format!("{}: {error}", candidates[index].label))?;
                if !self.warms_up || round > 0 {
                    points[index].samples.push(sample);
                }
            }
        }
        Ok(points)
    }

    /// The numbers below `count`, shuffled (Fisher and Yates).
    fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last, self.random.below(last + 1));
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(warms_up: bool) -> Rounds {
        Rounds { count: 20, random: Random::from_environment(), warms_up }
    }

    #[test]
    fn each_runs_once_a_round_in_changing_order() {
        let candidate = |name: u64| {
            Candidate::new(name.to_string(), move |log: &mut Vec<u64>| {
                log.push(name);
                Ok(Sample::new(log.len() as u64, 1.0))
            })
        };
        let mut log = Vec::new();
        let points = rounds(true)
            .interleave(&mut log, vec![candidate(0), candidate(1), candidate(2).at(7.0)])
            .unwrap();
        assert!(log.chunks(3).all(|round| (0..3).all(|name| round.contains(&name))), "{log:?}");
        assert!(log.chunks(3).any(|round| round != &log[..3]), "{log:?}");
        // The first round, in which the log was shorter than four, is not among the samples.
        assert!(points.iter().all(|point| point.samples.len() == 20 && point.samples[0].items > 3));
        assert_eq!(points.iter().map(|point| point.x).collect::<Vec<_>>(), [None, None, Some(7.0)]);

        let mut cold = Vec::new();
        let points = rounds(false).without_warm_up().interleave(&mut cold, vec![candidate(5)]).unwrap();
        assert_eq!((cold.len(), points[0].samples[0].items), (20, 1));
    }

    #[test]
    fn a_failure_says_whose_it_is() {
        let failing = Candidate::new("the one", |_: &mut ()| Err("no such table".into()));
        let error = rounds(true).interleave(&mut (), vec![failing]).unwrap_err();
        assert_eq!(error.to_string(), "the one: no such table");
    }
}
