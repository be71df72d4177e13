//! How far do several annotators agree who labelled the same rows? Observed agreement, Cohen's kappa and Krippendorff's alpha of acts,
//! topics and sets of topics, with intervals by document. Rows are paired by the neighbour, [`crate::annotations`].
//!
//! A figure is `None` where it is undefined, such as kappa and alpha where all labels are the same.

use crate::annotations::{AnnotatedRow, Annotations};
use crate::evaluate::{Counts, Labels, Tally, defined_kappa, intervals};
use crate::krippendorff::{Coincidences, nominal_distance};
use crate::taxonomy::{Taxonomy, TopicSet};
use std::collections::BTreeMap;

/// The MASI distance of two sets, 0 to 1: one minus their Jaccard index times 1 where they are equal, 2/3 where one holds the other,
/// 1/3 where they meet otherwise, 0 where they do not. Two empty sets are equal. Source: Passonneau 2006, "Measuring Agreement on
/// Set-valued Items (MASI) for Semantic and Pragmatic Annotation".
///
/// ```
/// use petition::agreement::masi_distance;
/// use petition::taxonomy::TopicSet;
/// let mut one = TopicSet::default();
/// one.insert(0);
/// let mut two = one;
/// two.insert(1);
/// // Half of what they hold is common, and one holds the other: 1 - 1/2 · 2/3.
/// assert!((masi_distance(one, two) - 2.0 / 3.0).abs() < 1e-12);
/// assert_eq!((masi_distance(two, two), masi_distance(one, TopicSet::default())), (0.0, 1.0));
/// ```
pub fn masi_distance(a: TopicSet, b: TopicSet) -> f64 {
    let [common, n_a, n_b] = sizes(a, b);
    let monotonicity = match common {
        _ if a == b => 1.0,
        0 => 0.0,
        _ if common == n_a || common == n_b => 2.0 / 3.0,
        _ => 1.0 / 3.0,
    };
    1.0 - jaccard(a, b) * monotonicity
}

/// The share of the topics of either set that both have, 0 to 1; 1 for two empty sets. Source: Jaccard 1912.
pub fn jaccard(a: TopicSet, b: TopicSet) -> f64 {
    let [common, n_a, n_b] = sizes(a, b);
    ratio(common, n_a + n_b - common).unwrap_or(1.0)
}

/// How many topics both have, and each.
fn sizes(a: TopicSet, b: TopicSet) -> [usize; 3] {
    [a.iter().filter(|&t| b.contains(t)).count(), a.iter().count(), b.iter().count()]
}

/// In which rows an annotator's topics count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopicRows {
    /// In all; the act that carries no topics comes with the empty set, which is a statement about every topic.
    All,
    /// Where the annotator chose an act that carries topics; elsewhere the topics are missing.
    Carrying,
}

/// A figure, 0 to 1 (kappa from -1, alpha from below 0), and its 95 % interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Its name, as in `act.alpha`.
    pub name: String,
    /// `None` where it is undefined.
    pub value: Option<f64>,
    /// The 2.5 and 97.5 % points over resamples of documents in which it is defined; `None` where most are not, without resamples, and
    /// with fewer than two documents.
    pub interval: Option<(f64, f64)>,
}

/// One act or topic against all others.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelAgreement {
    /// `act.ID` or `topic.ID`.
    pub name: String,
    /// Shared rows to which any annotator gave it.
    pub n_rows: usize,
    /// Shared rows to which every annotator who labelled them gave it.
    pub n_rows_by_all: usize,
    /// The share of rows in which two annotators agree on it, as a mean over pairs of annotators.
    pub agreement: Figure,
    /// Cohen's kappa, as a mean over the pairs in which it is defined.
    pub kappa: Figure,
    /// Krippendorff's alpha.
    pub alpha: Figure,
}

/// Two annotators.
#[derive(Debug, Clone, PartialEq)]
pub struct PairAgreement {
    /// Their numbers.
    pub annotators: [usize; 2],
    /// The rows that both labelled.
    pub n_rows: usize,
    /// Acts of the first × acts of the second.
    pub acts: Vec<Vec<usize>>,
    /// Named as in [`Agreement::figures`], without alpha.
    pub figures: Vec<Figure>,
}

/// All that is known of how far annotators agree.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// Rows that two annotators or more have labelled; all figures are of these.
    pub n_rows: usize,
    /// The documents that they come from.
    pub n_documents: usize,
    /// Over all annotators. `act.agreement`, `act.kappa`, `topics.exact_match`, `topics.jaccard` and `topics.micro_f1` are means over
    /// the pairs of annotators in which they are defined; `act.alpha` is nominal, `topics.alpha` is of sets by MASI distance.
    pub figures: Vec<Figure>,
    /// One a label, acts first.
    pub labels: Vec<LabelAgreement>,
    /// One a pair of annotators, in their order.
    pub pairs: Vec<PairAgreement>,
}

/// The names of a pair's figures, in the order of [`Pair::figures`].
const PAIR_FIGURES: [&str; 5] =
    ["act.agreement", "act.kappa", "topics.exact_match", "topics.jaccard", "topics.micro_f1"];

/// Compares what annotators said of the rows that they share.
///
/// Pairs are compared by percent agreement and kappa (Cohen 1960), whose mean over pairs is also known as Light's kappa (Light 1971),
/// sets of topics by exact match, Jaccard index and F1 over all topics' counts, all annotators together by Krippendorff's [`alpha`](crate::krippendorff::alpha).
/// None of these depends on who comes first. Intervals come from a bootstrap that draws whole documents, as in
/// [`crate::evaluate::evaluate`].
///
/// ```
/// use petition::agreement::{TopicRows, agreement};
/// use petition::annotations::{AnnotatedRow, Annotations};
/// use petition::evaluate::Labels;
///
/// let taxonomy = petition::model::Model::shipped()?.taxonomy().clone();
/// let labels = |act: usize| Some(Labels { act, topics: taxonomy.read_topics("").unwrap() });
/// let row = |n: usize, first: usize, second: usize| AnnotatedRow {
///     id: n.to_string(),
///     document: "minutes".to_owned(),
///     title: None,
///     text: "…".to_owned(),
///     labels: vec![labels(first), labels(second)],
/// };
/// let annotations = Annotations {
///     annotators: vec!["ann".to_owned(), "ben".to_owned()],
///     rows: vec![row(1, 0, 0), row(2, 0, 1), row(3, 1, 1), row(4, 1, 1)],
///     n_unlabelled: 0,
/// };
/// let found = agreement(&taxonomy, &annotations, TopicRows::All, 0, 1);
/// assert_eq!((found.figures[0].name.as_str(), found.figures[0].value), ("act.agreement", Some(0.75)));
/// // By chance they would agree on 2/4 · 1/4 + 2/4 · 3/4 of the rows.
/// assert_eq!((found.figures[1].name.as_str(), found.figures[1].value), ("act.kappa", Some(0.5)));
/// # Ok::<(), petition::model_file::ModelError>(())
/// ```
pub fn agreement(
    taxonomy: &Taxonomy,
    annotations: &Annotations,
    topic_rows: TopicRows,
    resamples: usize,
    seed: u64,
) -> Agreement {
    let scheme = Scheme::new(taxonomy, annotations, topic_rows);
    let mut of_document: BTreeMap<&str, Counted> = BTreeMap::new();
    let mut total = scheme.nothing();
    for row in annotations.shared() {
        let document = of_document.entry(&row.document).or_insert_with(|| scheme.nothing());
        scheme.count(row, document);
        scheme.count(row, &mut total);
    }
    let documents: Vec<Counted> = of_document.into_values().collect();
    let figures = |counted: &Counted| scheme.figures(counted);
    let intervals = intervals(&documents, || scheme.nothing(), Counted::add, figures, resamples, seed);

    let mut measured = scheme.figures(&total).into_iter().zip(intervals);
    let mut next = |name: String| {
        let (value, interval) = measured.next().unwrap_or_default();
        Figure { name, value, interval }
    };
    let means = PAIR_FIGURES.map(|name| next(name.to_owned()));
    let [act_agreement, act_kappa, exact_match, jaccard, micro_f1] = means;
    let (act_alpha, topics_alpha) = (next("act.alpha".to_owned()), next("topics.alpha".to_owned()));
    let labels = scheme.labels(taxonomy).into_iter().zip(&total.label_rows).map(|(name, &[n_rows, n_rows_by_all])| {
        let [agreement, kappa, alpha] = ["agreement", "kappa", "alpha"].map(|f| next(format!("{name}.{f}")));
        LabelAgreement { name, n_rows, n_rows_by_all, agreement, kappa, alpha }
    });
    let labels = labels.collect();
    let pairs = scheme.pairs.iter().zip(&total.pairs).map(|(&annotators, pair)| PairAgreement {
        annotators,
        n_rows: pair.acts.n_rows(),
        acts: pair.acts.acts.clone(),
        figures: PAIR_FIGURES.map(|name| next(name.to_owned())).into(),
    });
    let pairs = pairs.collect();
    Agreement {
        n_rows: annotations.shared().count(),
        n_documents: documents.len(),
        figures: vec![act_agreement, act_kappa, act_alpha, exact_match, jaccard, micro_f1, topics_alpha],
        labels,
        pairs,
    }
}

fn ratio(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The mean of those that are defined; `None` where none is.
fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let (n, sum) = values.flatten().fold((0usize, 0.0), |(n, sum), v| (n + 1, sum + v));
    (n > 0).then(|| sum / n as f64)
}

/// What two annotators said of some rows.
#[derive(Debug, Clone, PartialEq)]
struct Pair {
    /// Over the rows that both labelled.
    acts: Tally,
    /// Over those of them where both have topics that count.
    topics: Tally,
    /// The sum of Jaccard indices over the same.
    jaccard: f64,
}

impl Pair {
    fn nothing(n_acts: usize, n_topics: usize) -> Self {
        let empty = Tally::new(n_acts, n_topics, []);
        Self { acts: empty.clone(), topics: empty, jaccard: 0.0 }
    }

    fn add(&mut self, other: &Self) {
        self.acts.add(&other.acts);
        self.topics.add(&other.topics);
        self.jaccard += other.jaccard;
    }

    fn figures(&self) -> [Option<f64>; 5] {
        let (n_rows, n_topic_rows) = (self.acts.n_rows(), self.topics.n_rows());
        let any_topic = self.topics.topics.iter().any(|c| c.true_positive + c.false_positive + c.false_negative > 0);
        [
            (n_rows > 0).then(|| self.acts.act_accuracy()),
            defined_kappa(&self.acts.acts),
            ratio(self.topics.n_exact, n_topic_rows),
            (n_topic_rows > 0).then(|| self.jaccard / n_topic_rows as f64),
            any_topic.then(|| self.topics.topics_micro_f1()),
        ]
    }

    /// One label against the rest; acts come first.
    fn label(&self, label: usize) -> Counts {
        let n_acts = self.acts.acts.len();
        label.checked_sub(n_acts).map_or_else(|| self.acts.act(label), |topic| self.topics.topics[topic])
    }
}

/// All that was counted over some rows.
#[derive(Debug, Clone, PartialEq)]
struct Counted {
    acts: Coincidences,
    sets: Coincidences,
    /// Each label against the rest, acts first.
    labels: Vec<Coincidences>,
    /// Rows to which any, and to which every annotator gave a label.
    label_rows: Vec<[usize; 2]>,
    pairs: Vec<Pair>,
}

impl Counted {
    fn add(&mut self, other: &Self) {
        self.acts.add(&other.acts);
        self.sets.add(&other.sets);
        self.labels.iter_mut().zip(&other.labels).for_each(|(a, b)| a.add(b));
        self.label_rows.iter_mut().zip(&other.label_rows).for_each(|(a, b)| *a = [a[0] + b[0], a[1] + b[1]]);
        self.pairs.iter_mut().zip(&other.pairs).for_each(|(a, b)| a.add(b));
    }
}

/// What there is to count, and how.
struct Scheme {
    n_acts: usize,
    n_topics: usize,
    /// The act that carries no topics, if its rows do not count for topics.
    left_out: Option<usize>,
    /// Each set of topics that stands in a row has a number, by which its distances are looked up.
    sets: BTreeMap<Vec<usize>, usize>,
    distances: Vec<f64>,
    pairs: Vec<[usize; 2]>,
}

impl Scheme {
    fn new(taxonomy: &Taxonomy, annotations: &Annotations, topic_rows: TopicRows) -> Self {
        let given = || annotations.shared().flat_map(AnnotatedRow::given).map(|l| l.topics);
        let by_topics: BTreeMap<Vec<usize>, TopicSet> = given().map(|set| (set.iter().collect(), set)).collect();
        let distances = by_topics.values().flat_map(|&a| by_topics.values().map(move |&b| masi_distance(a, b)));
        let n = annotations.annotators.len();
        Self {
            n_acts: taxonomy.acts.len(),
            n_topics: taxonomy.topics.len(),
            left_out: taxonomy.act_without_topics.filter(|_| topic_rows == TopicRows::Carrying),
            distances: distances.collect(),
            sets: by_topics.into_keys().enumerate().map(|(number, topics)| (topics, number)).collect(),
            pairs: (0..n).flat_map(|a| (a + 1..n).map(move |b| [a, b])).collect(),
        }
    }

    /// The labels' names, acts first.
    fn labels(&self, taxonomy: &Taxonomy) -> Vec<String> {
        let acts = taxonomy.acts.iter().map(|label| format!("act.{}", label.id));
        acts.chain(taxonomy.topics.iter().map(|label| format!("topic.{}", label.id))).collect()
    }

    fn nothing(&self) -> Counted {
        let n_labels = self.n_acts + self.n_topics;
        Counted {
            acts: Coincidences::new(self.n_acts),
            sets: Coincidences::new(self.sets.len()),
            labels: vec![Coincidences::new(2); n_labels],
            label_rows: vec![[0; 2]; n_labels],
            pairs: vec![Pair::nothing(self.n_acts, self.n_topics); self.pairs.len()],
        }
    }

    fn topics_count(&self, labels: Labels) -> bool {
        self.left_out != Some(labels.act)
    }

    fn count(&self, row: &AnnotatedRow, counted: &mut Counted) {
        let acts: Vec<usize> = row.given().map(|l| l.act).collect();
        counted.acts.count(&acts, nominal_distance);
        let with_topics: Vec<Labels> = row.given().filter(|&l| self.topics_count(l)).collect();
        let number = |l: &Labels| self.sets[&l.topics.iter().collect::<Vec<_>>()];
        counted.sets.count(&with_topics.iter().map(number).collect::<Vec<_>>(), |a, b| self.distance(a, b));
        let all: Vec<Labels> = row.given().collect();
        for (label, (coincidences, rows)) in counted.labels.iter_mut().zip(&mut counted.label_rows).enumerate() {
            let judged = if label < self.n_acts { &all } else { &with_topics };
            let has: Vec<usize> = judged.iter().map(|l| usize::from(l.has(label, self.n_acts))).collect();
            coincidences.count(&has, nominal_distance);
            rows[0] += usize::from(has.contains(&1));
            rows[1] += usize::from(all.iter().all(|l| l.has(label, self.n_acts)));
        }
        for (&[a, b], pair) in self.pairs.iter().zip(&mut counted.pairs) {
            let (Some(a), Some(b)) = (row.labels[a], row.labels[b]) else { continue };
            pair.acts.add(&Tally::new(self.n_acts, self.n_topics, [(a, b)]));
            if self.topics_count(a) && self.topics_count(b) {
                pair.topics.add(&Tally::new(self.n_acts, self.n_topics, [(a, b)]));
                pair.jaccard += jaccard(a.topics, b.topics);
            }
        }
    }

    fn distance(&self, a: usize, b: usize) -> f64 {
        self.distances[a * self.sets.len() + b]
    }

    /// Means of the pairs' figures, alpha of acts and of sets, each label's three, each pair's five.
    fn figures(&self, counted: &Counted) -> Vec<Option<f64>> {
        let of_pairs: Vec<_> = counted.pairs.iter().map(Pair::figures).collect();
        let mut figures: Vec<_> =
            (0..PAIR_FIGURES.len()).map(|place| mean(of_pairs.iter().map(|figures| figures[place]))).collect();
        figures.push(counted.acts.alpha(nominal_distance));
        figures.push(counted.sets.alpha(|a, b| self.distance(a, b)));
        for (label, coincidences) in counted.labels.iter().enumerate() {
            let counts: Vec<Counts> = counted.pairs.iter().map(|pair| pair.label(label)).collect();
            let agreed = |c: &Counts| {
                let n_agreed = c.true_positive + c.true_negative;
                ratio(n_agreed, n_agreed + c.false_positive + c.false_negative)
            };
            figures.push(mean(counts.iter().map(agreed)));
            figures.push(mean(counts.iter().map(|c| defined_kappa(&c.table()))));
            figures.push(coincidences.alpha(nominal_distance));
        }
        figures.extend(of_pairs.into_iter().flatten());
        figures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const N_ACTS: usize = 3;
    const N_TOPICS: usize = 3;

    fn taxonomy() -> Taxonomy {
        let act = |id: &str, more: &str| format!("[[act]]\nid='{id}'\ndefinition=''\n{more}");
        let acts = [act("ask", ""), act("tell", ""), act("none", "topics=false\n")].concat();
        let topic = |id: &str| format!("[[topic]]\nid='{id}'\ndefinition=''\n");
        Taxonomy::read(&format!("name='t'\n{acts}{}", ["rent", "heat", "mould"].map(topic).concat()))
            .expect("well formed")
    }

    fn set(topics: &[usize]) -> TopicSet {
        let mut set = TopicSet::default();
        topics.iter().for_each(|&t| set.insert(t));
        set
    }

    fn labels(act: usize, topics: &[usize]) -> Option<Labels> {
        Some(Labels { act, topics: set(topics) })
    }

    /// Rows of two in a document.
    fn annotations(rows: Vec<Vec<Option<Labels>>>) -> Annotations {
        let row = |(n, labels): (usize, Vec<Option<Labels>>)| AnnotatedRow {
            id: n.to_string(),
            document: (n / 2).to_string(),
            title: None,
            text: "x".to_owned(),
            labels,
        };
        let n_annotators = rows.first().map_or(0, Vec::len);
        Annotations {
            annotators: (0..n_annotators).map(|n| format!("annotator {n}")).collect(),
            rows: rows.into_iter().enumerate().map(row).collect(),
            n_unlabelled: 0,
        }
    }

    fn compare(rows: Vec<Vec<Option<Labels>>>, topic_rows: TopicRows) -> Agreement {
        agreement(&taxonomy(), &annotations(rows), topic_rows, 0, 1)
    }

    fn value(figures: &[Figure], name: &str) -> Option<f64> {
        figures.iter().find(|f| f.name == name).expect(name).value
    }

    fn assert_close(found: Option<f64>, expected: f64, what: &str) {
        let found = found.unwrap_or_else(|| panic!("{what} is undefined"));
        assert!((found - expected).abs() < 1e-12, "{what}: {found}, not {expected}");
    }

    /// Six rows, two annotators; expectations are worked out in the comments.
    #[test]
    fn two_annotators_by_hand() {
        let rows = vec![
            vec![labels(0, &[0]), labels(0, &[0])],
            vec![labels(0, &[0, 1]), labels(0, &[0])],
            vec![labels(0, &[1]), labels(1, &[2])],
            vec![labels(1, &[0]), labels(2, &[])],
            vec![labels(2, &[]), labels(2, &[])],
            vec![labels(2, &[]), None],
        ];
        let found = compare(rows.clone(), TopicRows::All);
        assert_eq!((found.n_rows, found.n_documents, found.pairs.len()), (5, 3, 1));
        assert_eq!(found.pairs[0].acts, [vec![2, 1, 0], vec![0, 0, 1], vec![0, 0, 1]]);
        let of = |name: &str| value(&found.figures, name);
        // Agreed on 3 of 5; by chance (3·2 + 1·1 + 1·2) / 25.
        assert_close(of("act.agreement"), 0.6, "agreement");
        assert_close(of("act.kappa"), (0.6 - 0.36) / 0.64, "kappa");
        // Ten values: 5, 2, 3. Two units differ, each in two cells: 4; expected 100 - 25 - 4 - 9 = 62.
        assert_close(of("act.alpha"), 1.0 - 9.0 * 4.0 / 62.0, "alpha");
        assert_close(of("topics.exact_match"), 0.4, "exact match");
        assert_close(of("topics.jaccard"), (1.0 + 0.5 + 0.0 + 0.0 + 1.0) / 5.0, "jaccard");
        // Both: 2; the first alone: 3; the second alone: 1.
        assert_close(of("topics.micro_f1"), 4.0 / 8.0, "micro-F1");
        // Margins: {} 3, {0} 4, {01} 1, {1} 1, {2} 1. Distances 1 but {0}{01} 2/3, {01}{1} 2/3.
        let expected = 100.0 - (9.0 + 16.0 + 3.0) - 2.0 * (4.0 + 1.0) / 3.0;
        assert_close(of("topics.alpha"), 1.0 - 9.0 * 2.0 * (2.0 / 3.0 + 2.0) / expected, "MASI alpha");
        let rent = &found.labels[N_ACTS];
        assert_eq!((rent.name.as_str(), rent.n_rows, rent.n_rows_by_all), ("topic.rent", 3, 2));
        assert_close(rent.agreement.value, 0.8, "rent, agreement");
        // By chance (3·2 + 2·3) / 25.
        assert_close(rent.kappa.value, (0.8 - 0.48) / 0.52, "rent, kappa");
        // Five of ten values; one unit differs.
        assert_close(rent.alpha.value, 1.0 - 9.0 * 2.0 / 50.0, "rent, alpha");

        // The fourth and the fifth row fall away, where one of them said `none`.
        let carrying = compare(rows, TopicRows::Carrying);
        assert_close(value(&carrying.figures, "act.kappa"), (0.6 - 0.36) / 0.64, "kappa");
        assert_close(value(&carrying.figures, "topics.exact_match"), 1.0 / 3.0, "exact match");
        assert_close(value(&carrying.figures, "topics.jaccard"), 0.5, "jaccard");
        assert_close(carrying.labels[N_ACTS].agreement.value, 1.0, "rent, agreement");
    }

    #[test]
    fn three_annotators_are_compared_pair_by_pair() {
        let act = |a: usize| labels(a, &[]);
        let rows = vec![
            vec![act(0), act(0), act(0)],
            vec![act(1), act(1), act(0)],
            vec![act(1), act(0), None],
            vec![act(0), act(0), None],
            vec![None, None, act(1)],
        ];
        let found = compare(rows, TopicRows::All);
        assert_eq!(
            found.pairs.iter().map(|p| (p.annotators, p.n_rows)).collect::<Vec<_>>(),
            [([0, 1], 4), ([0, 2], 2), ([1, 2], 2)]
        );
        let kappas: Vec<_> = found.pairs.iter().map(|p| value(&p.figures, "act.kappa")).collect();
        assert_eq!(kappas, [Some(0.5), Some(0.0), Some(0.0)]);
        assert_close(value(&found.figures, "act.kappa"), 0.5 / 3.0, "mean kappa");
        assert_close(value(&found.figures, "act.agreement"), (0.75 + 0.5 + 0.5) / 3.0, "mean agreement");
        // Unit 2 counts 4 cells at weight 1/2, unit 3 two. Margins 7 and 3.
        assert_close(value(&found.figures, "act.alpha"), 1.0 - 9.0 * 4.0 / 42.0, "alpha");
    }

    #[test]
    fn one_category_and_one_row_leave_figures_undefined() {
        let same = compare(vec![vec![labels(2, &[]); 2]; 4], TopicRows::All);
        for (name, expected) in
            [("act.agreement", Some(1.0)), ("act.kappa", None), ("act.alpha", None), ("topics.micro_f1", None)]
        {
            assert_eq!(value(&same.figures, name), expected, "{name}");
        }
        let none = compare(vec![vec![labels(2, &[]), None], vec![None, labels(0, &[])]], TopicRows::All);
        assert!(none.n_rows == 0 && none.figures.iter().all(|f| f.value.is_none()));
        let apart = compare(vec![vec![labels(0, &[0]), labels(1, &[1])]], TopicRows::All);
        assert_eq!((value(&apart.figures, "act.kappa"), value(&apart.figures, "act.alpha")), (Some(0.0), Some(0.0)));
    }

    #[test]
    fn intervals_hold_the_figure_and_depend_on_the_seed_alone() {
        let row = |n: usize| {
            vec![
                labels(n % 2, &[n % 3]),
                labels(n / 7 % 2, &[0]),
                (n % 5 != 1).then_some(Labels { act: n / 3 % 2, topics: set(&[n / 2 % 3]) }),
            ]
        };
        let all = annotations((0..300).map(row).collect());
        let with = |seed: u64| agreement(&taxonomy(), &all, TopicRows::All, 200, seed);
        let found = with(1);
        let defined = found.figures.iter().chain(&found.pairs[1].figures);
        for Figure { name, value, interval } in defined {
            let ((low, high), value) = (interval.expect(name), value.expect(name));
            assert!(low <= value && value <= high && low < high, "{name}: {low} {value} {high}");
        }
        assert!(found == with(1) && found != with(2));
    }

    fn any_labels() -> impl Strategy<Value = Labels> {
        (0..N_ACTS, proptest::collection::vec(any::<bool>(), N_TOPICS)).prop_map(|(act, has)| {
            let topics: Vec<usize> = (0..N_TOPICS).filter(|&t| has[t] && act != N_ACTS - 1).collect();
            Labels { act, topics: set(&topics) }
        })
    }

    proptest! {
        #[test]
        fn figures_stay_in_their_ranges_whoever_comes_first(
            rows in proptest::collection::vec([proptest::option::of(any_labels()), proptest::option::of(any_labels()), proptest::option::of(any_labels())], 1..12)
        ) {
            let rows: Vec<Vec<Option<Labels>>> = rows.into_iter().map(Vec::from).collect();
            let turned: Vec<Vec<Option<Labels>>> = rows.iter().map(|r| r.iter().rev().copied().collect()).collect();
            for topic_rows in [TopicRows::All, TopicRows::Carrying] {
                let (found, turned) = (compare(rows.clone(), topic_rows), compare(turned.clone(), topic_rows));
                let all = |a: &Agreement| {
                    let labels = a.labels.iter().flat_map(|l| [&l.agreement, &l.kappa, &l.alpha]);
                    a.figures.iter().chain(labels).cloned().collect::<Vec<_>>()
                };
                for (figure, other) in all(&found).iter().zip(&all(&turned)) {
                    let least = if figure.name.ends_with("alpha") { f64::MIN } else if figure.name.ends_with("kappa") { -1.0 } else { 0.0 };
                    prop_assert_eq!(figure.value.is_some(), other.value.is_some());
                    if let (Some(value), Some(other)) = (figure.value, other.value) {
                        prop_assert!(value.is_finite() && least - 1e-12 <= value && value <= 1.0 + 1e-12, "{}: {}", figure.name, value);
                        prop_assert!((value - other).abs() < 1e-9, "{}: {} and {}", figure.name, value, other);
                    }
                }
            }
        }

        #[test]
        fn identical_annotators_agree_fully(rows in proptest::collection::vec(any_labels(), 1..12), n in 2..4usize) {
            let found = compare(rows.iter().map(|&l| vec![Some(l); n]).collect(), TopicRows::All);
            let acts_differ = rows.iter().any(|l| l.act != rows[0].act);
            prop_assert_eq!(value(&found.figures, "act.kappa").is_some(), acts_differ);
            prop_assert_eq!(value(&found.figures, "topics.alpha").is_some(), rows.iter().any(|l| l.topics != rows[0].topics));
            let labels = found.labels.iter().flat_map(|l| [&l.agreement, &l.kappa, &l.alpha]);
            for figure in found.figures.iter().chain(labels).chain(found.pairs.iter().flat_map(|p| &p.figures)) {
                prop_assert!(figure.value.is_none_or(|v| (v - 1.0).abs() < 1e-12), "{:?}", figure);
            }
        }

        #[test]
        fn masi_is_a_distance(a in any_labels(), b in any_labels()) {
            let (a, b) = (a.topics, b.topics);
            let distance = masi_distance(a, b);
            prop_assert!((0.0..=1.0).contains(&distance) && distance == masi_distance(b, a));
            prop_assert_eq!(distance == 0.0, a == b);
        }
    }
}
