//! Gold and predicted labels → counts, metrics and intervals. Counts come first, as integers; every metric follows from
//! them.

use crate::random::SplitMix;
use crate::taxonomy::{Taxonomy, TopicSet};
use std::collections::BTreeMap;

/// The labels of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Labels {
    /// The act's number.
    pub act: usize,
    /// The topics.
    pub topics: TopicSet,
}

impl Labels {
    /// These labels hold an output's; outputs are the `n_acts` acts, then the topics.
    pub fn has(&self, output: usize, n_acts: usize) -> bool {
        output.checked_sub(n_acts).map_or(self.act == output, |topic| self.topics.contains(topic))
    }
}

/// How often one label was rightly and wrongly said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Said, and in gold.
    pub true_positive: usize,
    /// Said, but not in gold.
    pub false_positive: usize,
    /// In gold, but not said.
    pub false_negative: usize,
    /// Neither.
    pub true_negative: usize,
}

impl Counts {
    fn add(&mut self, gold: bool, predicted: bool) {
        match (gold, predicted) {
            (true, true) => self.true_positive += 1,
            (false, true) => self.false_positive += 1,
            (true, false) => self.false_negative += 1,
            (false, false) => self.true_negative += 1,
        }
    }

    fn sum(self, other: Self) -> Self {
        Self {
            true_positive: self.true_positive + other.true_positive,
            false_positive: self.false_positive + other.false_positive,
            false_negative: self.false_negative + other.false_negative,
            true_negative: self.true_negative + other.true_negative,
        }
    }

    /// How many gold rows have the label.
    pub fn n_gold(self) -> usize {
        self.true_positive + self.false_negative
    }

    /// The share of said labels that are right, 0 to 1; 0 when none was said.
    pub fn precision(self) -> f64 {
        ratio(self.true_positive, self.true_positive + self.false_positive)
    }

    /// The share of gold labels that were said, 0 to 1; 0 when gold has none.
    pub fn recall(self) -> f64 {
        ratio(self.true_positive, self.n_gold())
    }

    /// The harmonic mean of precision and recall, 0 to 1.
    ///
    /// ```
    /// use petition::evaluate::Counts;
    /// let counts = Counts { true_positive: 3, false_positive: 1, false_negative: 2, true_negative: 10 };
    /// assert_eq!((counts.precision(), counts.recall()), (0.75, 0.6));
    /// assert!((counts.f1() - 2.0 / 3.0).abs() < 1e-12);
    /// ```
    pub fn f1(self) -> f64 {
        ratio(2 * self.true_positive, 2 * self.true_positive + self.false_positive + self.false_negative)
    }

    /// Cohen's kappa of said against gold.
    pub fn kappa(self) -> f64 {
        kappa(&self.table())
    }

    /// Has it or not in gold × said or not.
    pub(crate) fn table(self) -> [Vec<usize>; 2] {
        [vec![self.true_positive, self.false_negative], vec![self.false_positive, self.true_negative]]
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Cohen's kappa of a square table of counts, as [`defined_kappa`] gives it; where it is undefined 1, and 0 of an empty table.
pub fn kappa(table: &[Vec<usize>]) -> f64 {
    let is_empty = table.iter().flatten().all(|&n| n == 0);
    defined_kappa(table).unwrap_or(if is_empty { 0.0 } else { 1.0 })
}

/// Cohen's kappa of a square table of counts: 1 for full agreement, 0 for what chance gives, -1 at least.
///
/// `None` where nothing was counted, or where both sides always say the same one thing, so that chance leaves nothing to agree on.
/// Source: Cohen 1960.
///
/// ```
/// use petition::evaluate::defined_kappa;
/// // They agree on 35 of 50, and would by chance on 25.
/// assert_eq!(defined_kappa(&[vec![20, 5], vec![10, 15]]).map(|k| (k * 1e9).round() / 1e9), Some(0.4));
/// assert_eq!(defined_kappa(&[vec![50, 0], vec![0, 0]]), None);
/// ```
pub fn defined_kappa(table: &[Vec<usize>]) -> Option<f64> {
    let n: usize = table.iter().flatten().sum();
    let agreed: usize = (0..table.len()).map(|k| table[k][k]).sum();
    let by_chance: f64 = (0..table.len())
        .map(|k| table[k].iter().sum::<usize>() as f64 * table.iter().map(|row| row[k]).sum::<usize>() as f64)
        .sum::<f64>()
        / (n * n).max(1) as f64;
    (n > 0 && by_chance < 1.0).then(|| (ratio(agreed, n) - by_chance) / (1.0 - by_chance))
}

/// All that was counted over some rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Rows of gold act × columns of predicted act.
    pub acts: Vec<Vec<usize>>,
    /// One a topic.
    pub topics: Vec<Counts>,
    /// Rows whose topics are all right.
    pub n_exact: usize,
}

impl Tally {
    /// Counts pairs of gold and predicted labels.
    pub fn new(n_acts: usize, n_topics: usize, pairs: impl IntoIterator<Item = (Labels, Labels)>) -> Self {
        let mut tally =
            Self { acts: vec![vec![0; n_acts]; n_acts], topics: vec![Counts::default(); n_topics], n_exact: 0 };
        for (gold, predicted) in pairs {
            tally.acts[gold.act][predicted.act] += 1;
            for (t, counts) in tally.topics.iter_mut().enumerate() {
                counts.add(gold.topics.contains(t), predicted.topics.contains(t));
            }
            tally.n_exact += usize::from(gold.topics == predicted.topics);
        }
        tally
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (row, more) in self.acts.iter_mut().zip(&other.acts) {
            row.iter_mut().zip(more).for_each(|(a, b)| *a += b);
        }
        self.topics.iter_mut().zip(&other.topics).for_each(|(a, b)| *a = a.sum(*b));
        self.n_exact += other.n_exact;
    }

    /// How many rows were counted.
    pub fn n_rows(&self) -> usize {
        self.acts.iter().flatten().sum()
    }

    /// The counts of one act against the rest.
    pub fn act(&self, act: usize) -> Counts {
        let true_positive = self.acts[act][act];
        let false_negative = self.acts[act].iter().sum::<usize>() - true_positive;
        let false_positive = self.acts.iter().map(|row| row[act]).sum::<usize>() - true_positive;
        let true_negative = self.n_rows() - true_positive - false_negative - false_positive;
        Counts { true_positive, false_positive, false_negative, true_negative }
    }

    /// The share of rows whose act is right.
    pub fn act_accuracy(&self) -> f64 {
        ratio((0..self.acts.len()).map(|a| self.acts[a][a]).sum(), self.n_rows())
    }

    /// The mean F1 of the acts that gold has.
    pub fn act_macro_f1(&self) -> f64 {
        mean((0..self.acts.len()).map(|a| self.act(a)).filter(|c| c.n_gold() > 0).map(Counts::f1))
    }

    /// F1 over all topics' counts together.
    pub fn topics_micro_f1(&self) -> f64 {
        self.topics.iter().fold(Counts::default(), |a, &b| a.sum(b)).f1()
    }

    /// The mean F1 of the topics that gold has.
    pub fn topics_macro_f1(&self) -> f64 {
        mean(self.topics.iter().filter(|c| c.n_gold() > 0).map(|c| c.f1()))
    }

    /// The overall figures, by the names that `--min` takes.
    pub fn figures(&self) -> [(&'static str, f64); 7] {
        [
            ("act.accuracy", self.act_accuracy()),
            ("act.kappa", kappa(&self.acts)),
            ("act.macro_f1", self.act_macro_f1()),
            ("topics.micro_f1", self.topics_micro_f1()),
            ("topics.macro_f1", self.topics_macro_f1()),
            ("topics.mean_kappa", mean(self.topics.iter().filter(|c| c.n_gold() > 0).map(|c| c.kappa()))),
            ("topics.exact_match", ratio(self.n_exact, self.n_rows())),
        ]
    }

    /// The overall figures, then each label's F1, in the order of [`Tally::figures`] and [`Tally::labels`].
    pub(crate) fn values(&self, taxonomy: &Taxonomy) -> Vec<f64> {
        let labels = self.labels(taxonomy).map(|(_, counts)| counts.f1());
        self.figures().map(|(_, value)| value).into_iter().chain(labels).collect()
    }

    /// Precision, recall and F1 of each label, by the names that `--min` takes: `act.ID.f1`, `topic.ID.recall` …
    pub fn label_figures(&self, taxonomy: &Taxonomy) -> Vec<(String, f64)> {
        self.labels(taxonomy)
            .flat_map(|(name, c)| {
                let of = |figure: &str| format!("{name}.{figure}");
                [(of("precision"), c.precision()), (of("recall"), c.recall()), (of("f1"), c.f1())]
            })
            .collect()
    }

    /// Every label's name, as `act.ID` or `topic.ID`, and counts.
    pub fn labels<'a>(&'a self, taxonomy: &'a Taxonomy) -> impl Iterator<Item = (String, Counts)> + 'a {
        let acts = taxonomy.acts.iter().enumerate().map(|(a, label)| (format!("act.{}", label.id), self.act(a)));
        acts.chain(taxonomy.topics.iter().zip(&self.topics).map(|(label, &c)| (format!("topic.{}", label.id), c)))
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (n, sum) = values.fold((0usize, 0.0), |(n, sum), v| (n + 1, sum + v));
    if n == 0 { 0.0 } else { sum / n as f64 }
}

/// An evaluation: the tally of all rows, and how far its figures would move with other documents.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// The counts.
    pub tally: Tally,
    /// How many documents the rows come from.
    pub n_documents: usize,
    /// The 2.5 and 97.5 % points of each of [`Tally::figures`] over resamples; empty without resamples.
    pub intervals: Vec<(f64, f64)>,
    /// The same of each label's F1, in the order of [`Tally::labels`].
    pub label_intervals: Vec<(f64, f64)>,
}

impl Evaluation {
    /// The interval of the figure at this place of [`Tally::figures`]; the value itself at both ends without resamples.
    pub fn interval(&self, place: usize, value: f64) -> (f64, f64) {
        self.intervals.get(place).copied().unwrap_or((value, value))
    }

    /// The same for the F1 of the label at this place of [`Tally::labels`].
    pub fn label_interval(&self, place: usize, value: f64) -> (f64, f64) {
        self.label_intervals.get(place).copied().unwrap_or((value, value))
    }
}

/// Compares gold and predicted labels; `documents` names the document of each pair.
///
/// Intervals come from a bootstrap that draws whole documents, since sentences of one document resemble each other.
/// Source: Efron and Tibshirani 1993, ch. 13 (percentile intervals).
pub fn evaluate(
    taxonomy: &Taxonomy,
    pairs: &[(Labels, Labels)],
    documents: &[&str],
    resamples: usize,
    seed: u64,
) -> Evaluation {
    let (n_acts, n_topics) = (taxonomy.acts.len(), taxonomy.topics.len());
    let mut of_document: BTreeMap<&str, Vec<(Labels, Labels)>> = BTreeMap::new();
    for (&pair, &document) in pairs.iter().zip(documents) {
        of_document.entry(document).or_default().push(pair);
    }
    let tallies: Vec<Tally> = of_document.into_values().map(|p| Tally::new(n_acts, n_topics, p)).collect();
    let empty = || Tally::new(n_acts, n_topics, []);
    let of = |tally: &Tally| tally.values(taxonomy).into_iter().map(Some).collect();
    let intervals = intervals(&tallies, empty, Tally::add, of, resamples, seed);
    let mut intervals: Vec<(f64, f64)> = intervals.into_iter().flatten().collect();
    let label_intervals = intervals.split_off(empty().figures().len().min(intervals.len()));
    let tally = Tally::new(n_acts, n_topics, pairs.iter().copied());
    Evaluation { tally, n_documents: tallies.len(), intervals, label_intervals }
}

/// The 2.5 and 97.5 % points of figures over resamples of documents, in the figures' order. `documents` holds what was counted in
/// each; the counts of those drawn are added up, and figures are made of the sum.
///
/// A resample in which a figure is undefined says nothing of it. `None` where more than half are such, without resamples, and
/// with fewer than two documents.
pub(crate) fn intervals<T>(
    documents: &[T],
    empty: impl Fn() -> T,
    add: impl Fn(&mut T, &T),
    figures: impl Fn(&T) -> Vec<Option<f64>>,
    resamples: usize,
    seed: u64,
) -> Vec<Option<(f64, f64)>> {
    let mut random = SplitMix(seed);
    let mut runs: Vec<Vec<f64>> = vec![Vec::new(); figures(&empty()).len()];
    for _ in 0..if documents.len() > 1 { resamples } else { 0 } {
        let mut drawn = empty();
        (0..documents.len()).for_each(|_| add(&mut drawn, &documents[random.below(documents.len())]));
        runs.iter_mut().zip(figures(&drawn)).for_each(|(run, value)| run.extend(value));
    }
    let ends = |mut run: Vec<f64>| {
        run.sort_by(f64::total_cmp);
        let at = |share: f64| run[((share * run.len() as f64) as usize).min(run.len() - 1)];
        (!run.is_empty() && 2 * run.len() >= resamples).then(|| (at(0.025), at(0.975)))
    };
    runs.into_iter().map(ends).collect()
}

/// The figures of one part of the rows.
#[derive(Debug, Clone, PartialEq)]
pub struct PartFigures {
    /// What the part's rows have in common.
    pub name: String,
    /// Its rows.
    pub n_rows: usize,
    /// The mean F1 of its acts, 0 to 1.
    pub act_macro_f1: f64,
    /// F1 over its topics' counts together, 0 to 1; `None` where gold has no topic.
    pub topics_micro_f1: Option<f64>,
    /// The share of its rows that are given a topic though gold has none, 0 to 1.
    pub false_topic_share: f64,
}

/// Figures part by part, sorted by name; `parts` names the part of each pair.
pub fn by_part(taxonomy: &Taxonomy, pairs: &[(Labels, Labels)], parts: &[&str]) -> Vec<PartFigures> {
    let mut of_part: BTreeMap<&str, Vec<(Labels, Labels)>> = BTreeMap::new();
    for (&pair, &part) in pairs.iter().zip(parts) {
        of_part.entry(part).or_default().push(pair);
    }
    let figures = |(name, pairs): (&str, Vec<(Labels, Labels)>)| {
        let n_false = pairs.iter().filter(|(gold, said)| gold.topics.is_empty() && !said.topics.is_empty()).count();
        let any_topic = pairs.iter().any(|(gold, _)| !gold.topics.is_empty());
        let n_rows = pairs.len();
        let tally = Tally::new(taxonomy.acts.len(), taxonomy.topics.len(), pairs);
        PartFigures {
            name: name.to_owned(),
            n_rows,
            act_macro_f1: tally.act_macro_f1(),
            topics_micro_f1: any_topic.then(|| tally.topics_micro_f1()),
            false_topic_share: ratio(n_false, n_rows),
        }
    };
    of_part.into_iter().map(figures).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(act: usize, topics: &[usize]) -> Labels {
        let mut set = TopicSet::default();
        topics.iter().for_each(|&t| set.insert(t));
        Labels { act, topics: set }
    }

    /// Five rows, worked by hand; precision and recall differ everywhere.
    #[test]
    fn an_asymmetric_case_by_hand() {
        let tally = Tally::new(
            3,
            2,
            [
                (labels(0, &[0]), labels(0, &[0])),
                (labels(0, &[0, 1]), labels(1, &[0])),
                (labels(0, &[0]), labels(0, &[1])),
                (labels(1, &[]), labels(0, &[0])),
                (labels(2, &[]), labels(2, &[])),
            ],
        );
        assert_eq!(tally.act(0), Counts { true_positive: 2, false_positive: 1, false_negative: 1, true_negative: 1 });
        assert_eq!(
            tally.topics[0],
            Counts { true_positive: 2, false_positive: 1, false_negative: 1, true_negative: 1 }
        );
        assert_eq!(
            tally.topics[1],
            Counts { true_positive: 0, false_positive: 1, false_negative: 1, true_negative: 3 }
        );
        assert!((tally.act_accuracy() - 0.6).abs() < 1e-12);
        // F1 of the acts: 2/3, 0, 1.
        assert!((tally.act_macro_f1() - 5.0 / 9.0).abs() < 1e-12);
        // Topics together: 2 right, 2 too many, 2 missing.
        assert!((tally.topics_micro_f1() - 0.5).abs() < 1e-12);
        assert!((tally.topics_macro_f1() - 1.0 / 3.0).abs() < 1e-12);
        // Agreement 3/5; by chance (3·3 + 1·1 + 1·1) / 25.
        assert!((kappa(&tally.acts) - (0.6 - 0.44) / 0.56).abs() < 1e-12);
        assert_eq!(tally.n_exact, 2);
    }

    #[test]
    fn nothing_to_count_gives_zeros_and_no_nan() {
        let tally = Tally::new(2, 1, []);
        assert!(tally.figures().iter().all(|(_, v)| v.is_finite()));
        let never_said = Counts { false_negative: 3, ..Counts::default() };
        assert_eq!((never_said.precision(), never_said.recall(), never_said.f1()), (0.0, 0.0, 0.0));
    }

    #[test]
    fn parts_by_hand() {
        let text = "name='t'\n[[act]]\nid='a'\ndefinition=''\n[[act]]\nid='b'\ndefinition=''\n[[topic]]\nid='x'\ndefinition=''";
        let taxonomy = Taxonomy::read(text).expect("well formed");
        let pairs = [
            (labels(0, &[0]), labels(0, &[])),
            (labels(1, &[]), labels(1, &[0])),
            (labels(0, &[0]), labels(0, &[0])),
            (labels(1, &[]), labels(0, &[])),
        ];
        let parts = by_part(&taxonomy, &pairs, &["news", "law", "news", "law"]);
        let [law, news] = &parts[..] else { panic!("{parts:?}") };
        assert_eq!((law.name.as_str(), law.n_rows, law.topics_micro_f1, law.false_topic_share), ("law", 2, None, 0.5));
        assert!((law.act_macro_f1 - 2.0 / 3.0).abs() < 1e-12);
        assert!((news.topics_micro_f1.expect("topics") - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!((news.act_macro_f1, news.false_topic_share), (1.0, 0.0));
    }

    #[test]
    fn intervals_hold_the_figure() {
        let taxonomy = Taxonomy::read(
            "name='t'\n[[act]]\nid='a'\ndefinition=''\n[[act]]\nid='b'\ndefinition=''\n[[topic]]\nid='x'\ndefinition=''",
        )
        .expect("well formed");
        let pairs: Vec<_> = (0..200).map(|i| (labels(i % 2, &[0]), labels(usize::from(i % 7 == 0), &[0]))).collect();
        let names: Vec<String> = (0..200).map(|i| format!("d{}", i / 10)).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let evaluation = evaluate(&taxonomy, &pairs, &names, 200, 1);
        assert_eq!(evaluation.n_documents, 20);
        for ((name, value), (low, high)) in evaluation.tally.figures().iter().zip(&evaluation.intervals) {
            assert!(low <= value && value <= high, "{name}: {low} {value} {high}");
        }
    }
}
