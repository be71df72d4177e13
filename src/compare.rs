//! Two models on the same labelled rows: is the new one better, by how much, and on which rows? The figures themselves are
//! [`mod@crate::evaluate`]'s.

use crate::evaluate::{Counts, Labels, Tally, intervals};
use crate::taxonomy::{Label, MAX_TOPICS, Taxonomy, TaxonomyError, TopicSet};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use thiserror::Error;

/// The figures by which a new model is called better or worse; all others are only told.
pub const DECISIVE: [&str; 2] = ["act.macro_f1", "topics.micro_f1"];

/// Why two models cannot be compared.
#[derive(Debug, Error)]
#[allow(missing_docs)]
pub enum CompareError {
    #[error(
        "the models share fewer than two acts: the old one has {}, the new one has {}; compare models whose taxonomies are related",
        old.join(", "),
        new.join(", ")
    )]
    FewSharedActs { old: Vec<String>, new: Vec<String> },
    #[error("`{id}` is an act of one model and a topic of the other; rename one of them and train anew")]
    ActAndTopic { id: String },
    #[error("the models have {n} topics together, and at most {MAX_TOPICS} can be compared")]
    TooManyTopics { n: usize },
    #[error("the labels of both models make no taxonomy: {0}")]
    Taxonomy(#[from] TaxonomyError),
    #[error("no row is left to compare by: the act of each is one that only one model knows")]
    NoRows,
}

/// Which labels two models share, by their ids.
///
/// A topic that only one of them knows is left out everywhere. A row whose act only one of them knows is left out; a model
/// that says such an act of another row has said a wrong act there.
///
/// ```
/// use petition::{compare::SharedLabels, taxonomy::Taxonomy};
/// let taxonomy = |topic: &str| {
///     let acts = "[[act]]\nid = 'ask'\ndefinition = ''\n[[act]]\nid = 'none'\ndefinition = ''\ntopics = false";
///     let topics = format!("[[topic]]\nid = 'rent'\ndefinition = ''\n[[topic]]\nid = '{topic}'\ndefinition = ''");
///     Taxonomy::read(&format!("name = 'housing'\n{acts}\n{topics}"))
/// };
/// let shared = SharedLabels::new(&taxonomy("heat")?, &taxonomy("repairs")?)?;
/// assert_eq!((&shared.only_old, &shared.only_new), (&vec!["topic.heat".to_owned()], &vec!["topic.repairs".to_owned()]));
/// assert_eq!(shared.taxonomy.topics.len(), 1);
/// assert_eq!(shared.all.topics.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct SharedLabels {
    /// The labels that both know, in the old model's order; without terms.
    pub taxonomy: Taxonomy,
    /// The labels that either knows, the old model's first; without terms. Gold is read by it.
    pub all: Taxonomy,
    /// `act.ID` and `topic.ID` of the labels that only the old model knows.
    pub only_old: Vec<String>,
    /// The same of the new one.
    pub only_new: Vec<String>,
    of_gold: Numbers,
    of_old: Numbers,
    of_new: Numbers,
}

/// Each label's number in the shared taxonomy.
#[derive(Debug, Clone)]
struct Numbers {
    acts: Vec<Option<usize>>,
    topics: Vec<Option<usize>>,
}

impl Numbers {
    fn new(from: &Taxonomy, to: &Taxonomy) -> Self {
        Self {
            acts: from.acts.iter().map(|a| to.act(&a.id)).collect(),
            topics: from.topics.iter().map(|t| to.topic(&t.id)).collect(),
        }
    }

    fn topics(&self, set: TopicSet) -> TopicSet {
        let mut shared = TopicSet::default();
        set.iter().filter_map(|topic| self.topics[topic]).for_each(|topic| shared.insert(topic));
        shared
    }

    /// What a model says; an act that is not shared becomes the number after the last.
    fn said(&self, labels: Labels, n_acts: usize) -> Labels {
        Labels { act: self.acts[labels.act].unwrap_or(n_acts), topics: self.topics(labels.topics) }
    }
}

impl SharedLabels {
    /// Finds the labels that the taxonomies of two models share.
    ///
    /// # Errors
    /// Fewer than two shared acts; a name that is an act here and a topic there; more than [`MAX_TOPICS`] topics in all.
    pub fn new(old: &Taxonomy, new: &Taxonomy) -> Result<Self, CompareError> {
        let ids = |labels: &[Label]| labels.iter().map(|l| l.id.clone()).collect::<Vec<_>>();
        for (acts, topics) in [(old, new), (new, old)] {
            if let Some(act) = acts.acts.iter().find(|a| topics.topic(&a.id).is_some()) {
                return Err(CompareError::ActAndTopic { id: act.id.clone() });
            }
        }
        let united = |old: &[Label], new: &[Label]| {
            let mut all = ids(old);
            all.extend(ids(new).into_iter().filter(|id| old.iter().all(|l| &l.id != id)));
            all
        };
        let common = |old: &[Label], new: &[Label]| {
            ids(old).into_iter().filter(|id| new.iter().any(|l| &l.id == id)).collect::<Vec<_>>()
        };
        let (acts, topics) = (common(&old.acts, &new.acts), common(&old.topics, &new.topics));
        let (all_acts, all_topics) = (united(&old.acts, &new.acts), united(&old.topics, &new.topics));
        if acts.len() < 2 {
            return Err(CompareError::FewSharedActs { old: ids(&old.acts), new: ids(&new.acts) });
        }
        if all_topics.len() > MAX_TOPICS {
            return Err(CompareError::TooManyTopics { n: all_topics.len() });
        }
        // A row without topics is asked for only where both models ask for it.
        let without = |t: &Taxonomy| t.act_without_topics.map(|a| t.acts[a].id.clone());
        let without = without(old).filter(|id| without(new).as_ref() == Some(id));
        let taxonomy = bare(&acts, &topics, without.as_deref())?;
        let all = bare(&all_acts, &all_topics, without.as_deref())?;
        let only = |t: &Taxonomy| {
            let acts = t.acts.iter().filter(|a| taxonomy.act(&a.id).is_none()).map(|a| format!("act.{}", a.id));
            let topics = t.topics.iter().filter(|l| taxonomy.topic(&l.id).is_none()).map(|l| format!("topic.{}", l.id));
            acts.chain(topics).collect::<Vec<String>>()
        };
        Ok(Self {
            only_old: only(old),
            only_new: only(new),
            of_gold: Numbers::new(&all, &taxonomy),
            of_old: Numbers::new(old, &taxonomy),
            of_new: Numbers::new(new, &taxonomy),
            taxonomy,
            all,
        })
    }

    /// One row in shared labels: `gold` in the numbers of [`SharedLabels::all`], `old` and `new` in those of their own model.
    /// `None` when only one model knows the gold act.
    pub fn judge(&self, gold: Labels, old: Labels, new: Labels) -> Option<Judged> {
        let n_acts = self.taxonomy.acts.len();
        let act = self.of_gold.acts[gold.act]?;
        let gold = Labels { act, topics: self.of_gold.topics(gold.topics) };
        Some(Judged { gold, old: self.of_old.said(old, n_acts), new: self.of_new.said(new, n_acts) })
    }
}

/// A taxonomy of names alone.
fn bare(acts: &[String], topics: &[String], without_topics: Option<&str>) -> Result<Taxonomy, TaxonomyError> {
    let mut text = String::from("name = 'shared'\n");
    for id in acts {
        let carries = without_topics != Some(id);
        let _ = writeln!(text, "[[act]]\nid = '{id}'\ndefinition = ''\ntopics = {carries}");
    }
    for id in topics {
        let _ = writeln!(text, "[[topic]]\nid = '{id}'\ndefinition = ''");
    }
    Taxonomy::read(&text)
}

/// One row: gold and what both models say, in the numbers of [`SharedLabels::taxonomy`].
///
/// An act that only the model knows has the number after the last shared one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// What a person said.
    pub gold: Labels,
    /// What the old model says.
    pub old: Labels,
    /// What the new model says.
    pub new: Labels,
}

/// How a row on which the models say different things ended. A row is right when its act and all its topics are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Only the new model is right.
    Won,
    /// Only the old model is right.
    Lost,
    /// Neither is right, and not in the same way.
    BothDiffer,
}

impl Outcome {
    /// The word for it in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Won => "won",
            Self::Lost => "lost",
            Self::BothDiffer => "both differ",
        }
    }
}

impl Judged {
    /// `None` where both models say the same.
    pub fn outcome(&self) -> Option<Outcome> {
        if self.old == self.new {
            return None;
        }
        Some(if self.new == self.gold {
            Outcome::Won
        } else if self.old == self.gold {
            Outcome::Lost
        } else {
            Outcome::BothDiffer
        })
    }
}

/// Rows that just one of two models gets right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Discordant {
    /// Right by the old model alone.
    pub only_old: usize,
    /// Right by the new model alone.
    pub only_new: usize,
}

impl Discordant {
    fn add(&mut self, old: bool, new: bool) {
        self.only_old += usize::from(old && !new);
        self.only_new += usize::from(new && !old);
    }

    /// McNemar's exact test, two-sided: how probable a split as uneven as this one, or more so, is if each such row is as
    /// likely to fall to either model; 0 to 1, and 1 without such rows.
    ///
    /// Rows count as independent. Sentences of one document are not quite, so the value is rather too small.
    /// Sources: McNemar 1947; the exact form in Fagerland, Lydersen and Laake 2013.
    ///
    /// ```
    /// use petition::compare::Discordant;
    /// assert_eq!(Discordant { only_old: 1, only_new: 7 }.p(), 18.0 / 256.0);
    /// ```
    pub fn p(self) -> f64 {
        let n = self.only_old + self.only_new;
        (2.0 * binomial_tail(self.only_old.min(self.only_new), n)).min(1.0)
    }
}

/// The probability of at most `k` heads in `n` throws of a fair coin, 0 to 1; `k` is at most `n` / 2.
fn binomial_tail(k: usize, n: usize) -> f64 {
    // C(n, k) / 2^n, halved as it grows, so that it neither overflows nor vanishes before its time; halving is exact.
    let (mut term, mut halvings) = (1.0, n);
    for i in 1..=k {
        term = term * (n - k + i) as f64 / i as f64;
        while term > 1e9 && halvings > 0 {
            term *= 0.5;
            halvings -= 1;
        }
    }
    (0..halvings).for_each(|_| term *= 0.5);
    // C(n, i - 1) = C(n, i) · i / (n - i + 1)
    let mut sum = term;
    for i in (1..=k).rev() {
        term = term * i as f64 / (n - i + 1) as f64;
        sum += term;
    }
    sum
}

/// A figure of both models.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Its name, as in [`Tally::figures`] and [`Tally::label_figures`].
    pub name: String,
    /// The old model's.
    pub old: f64,
    /// The new model's.
    pub new: f64,
    /// The 2.5 and 97.5 % points of new − old over resamples of documents; `None` without resamples.
    pub interval: Option<(f64, f64)>,
}

impl Difference {
    /// new − old.
    pub fn change(&self) -> f64 {
        self.new - self.old
    }

    /// The interval lies wholly above 0.
    pub fn is_better(&self) -> bool {
        self.interval.is_some_and(|(low, _)| low > 0.0)
    }

    /// The interval lies wholly below 0.
    pub fn is_worse(&self) -> bool {
        self.interval.is_some_and(|(_, high)| high < 0.0)
    }
}

/// One label of both models.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelDifference {
    /// `act.ID` or `topic.ID`.
    pub name: String,
    /// The old model's counts.
    pub old: Counts,
    /// The new model's counts.
    pub new: Counts,
    /// Their F1.
    pub f1: Difference,
}

/// Two models on the same rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Rows compared.
    pub n_rows: usize,
    /// The documents they come from.
    pub n_documents: usize,
    /// The overall figures, in the order of [`Tally::figures`].
    pub figures: Vec<Difference>,
    /// The shared labels, acts first.
    pub labels: Vec<LabelDifference>,
    /// Rows whose act just one model gets right.
    pub acts: Discordant,
    /// The same of each shared topic: said or not said as in gold.
    pub topics: Vec<Discordant>,
    /// How many rows ended as [`Outcome::Won`], [`Outcome::Lost`] and [`Outcome::BothDiffer`].
    pub outcomes: [usize; 3],
}

/// Compares two models row by row; `documents` names the document of each row, `taxonomy` is [`SharedLabels::taxonomy`].
///
/// The intervals are of the difference itself: every resample draws whole documents, and both models are measured on the same
/// draw. Source: Efron and Tibshirani 1993, ch. 13 (percentile intervals); pairing as in Koehn 2004.
///
/// # Errors
/// No rows.
pub fn compare(
    taxonomy: &Taxonomy,
    rows: &[Judged],
    documents: &[&str],
    resamples: usize,
    seed: u64,
) -> Result<Comparison, CompareError> {
    if rows.is_empty() {
        return Err(CompareError::NoRows);
    }
    let (n_acts, n_topics) = (taxonomy.acts.len(), taxonomy.topics.len());
    // One act more, for those that are not shared.
    let tally = |rows: &[Judged], which: fn(&Judged) -> Labels| {
        Tally::new(n_acts + 1, n_topics, rows.iter().map(|row| (row.gold, which(row))))
    };
    let both = |rows: &[Judged]| [tally(rows, |row| row.old), tally(rows, |row| row.new)];
    let mut of_document: BTreeMap<&str, Vec<Judged>> = BTreeMap::new();
    for (&row, &document) in rows.iter().zip(documents) {
        of_document.entry(document).or_default().push(row);
    }
    let tallies: Vec<[Tally; 2]> = of_document.values().map(|rows| both(rows)).collect();
    let add =
        |sum: &mut [Tally; 2], drawn: &[Tally; 2]| sum.iter_mut().zip(drawn).for_each(|(sum, drawn)| sum.add(drawn));
    let changes = |[old, new]: &[Tally; 2]| {
        let pairs = old.values(taxonomy).into_iter().zip(new.values(taxonomy));
        pairs.map(|(old, new)| Some(new - old)).collect()
    };
    let intervals = intervals(&tallies, || both(&[]), add, changes, resamples, seed);
    let [old, new] = both(rows);
    let difference = |(place, (name, old, new)): (usize, (String, f64, f64))| {
        let interval = intervals.get(place).copied().flatten();
        Difference { name, old, new, interval }
    };
    let figures =
        old.figures().into_iter().zip(new.figures()).map(|((name, old), (_, new))| (name.to_owned(), old, new));
    let figures: Vec<Difference> = figures.enumerate().map(difference).collect();
    let labels = old.labels(taxonomy).zip(new.labels(taxonomy)).enumerate().map(|(place, ((name, old), (_, new)))| {
        let f1 = difference((figures.len() + place, (format!("{name}.f1"), old.f1(), new.f1())));
        LabelDifference { name, old, new, f1 }
    });
    let labels = labels.collect();
    let (mut acts, mut topics, mut outcomes) = (Discordant::default(), vec![Discordant::default(); n_topics], [0; 3]);
    for row in rows {
        acts.add(row.old.act == row.gold.act, row.new.act == row.gold.act);
        for (topic, discordant) in topics.iter_mut().enumerate() {
            let gold = row.gold.topics.contains(topic);
            discordant.add(row.old.topics.contains(topic) == gold, row.new.topics.contains(topic) == gold);
        }
        if let Some(outcome) = row.outcome() {
            outcomes[outcome as usize] += 1;
        }
    }
    Ok(Comparison { n_rows: rows.len(), n_documents: tallies.len(), figures, labels, acts, topics, outcomes })
}

impl Comparison {
    /// The [`DECISIVE`] figures.
    pub fn decisive(&self) -> impl Iterator<Item = &Difference> {
        self.figures.iter().filter(|f| DECISIVE.contains(&f.name.as_str()))
    }

    /// The new model is worse beyond noise: the interval of a decisive figure's difference lies wholly below 0. Without
    /// intervals nobody can tell, and it is `None`.
    pub fn is_worse(&self) -> Option<bool> {
        self.decisive().all(|f| f.interval.is_some()).then(|| self.decisive().any(Difference::is_worse))
    }

    /// The answer in one sentence.
    pub fn verdict(&self) -> String {
        let names = DECISIVE.join(" and ");
        if self.is_worse().is_none() {
            return format!("whether NEW differs from OLD beyond noise cannot be told: {names} have no intervals");
        }
        let told = |is: fn(&Difference) -> bool, word: &str, side: &str| {
            let of = |f: &Difference| {
                let (low, high) = f.interval.unwrap_or_default();
                format!("{} ({:+.3} [{low:+.3}, {high:+.3}])", f.name, f.change())
            };
            let found: Vec<String> = self.decisive().filter(|f| is(f)).map(of).collect();
            (!found.is_empty()).then(|| {
                let (interval, lies) = if found.len() == 1 { ("interval", "lies") } else { ("intervals", "lie") };
                format!("{word} beyond noise in {}, whose 95 % {interval} {lies} wholly {side} 0", found.join(" and "))
            })
        };
        let said: Vec<String> =
            [told(Difference::is_worse, "worse", "below"), told(Difference::is_better, "better", "above")]
                .into_iter()
                .flatten()
                .collect();
        if said.is_empty() {
            return format!(
                "NEW is neither better nor worse than OLD beyond noise: the 95 % intervals of {names} hold 0"
            );
        }
        format!("NEW is {}", said.join(", and "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::evaluate;
    use proptest::prelude::*;

    fn labels(act: usize, topics: &[usize]) -> Labels {
        let mut set = TopicSet::default();
        topics.iter().for_each(|&t| set.insert(t));
        Labels { act, topics: set }
    }

    fn names(acts: &[&str], topics: &[&str], without_topics: Option<&str>) -> Taxonomy {
        let owned = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect::<Vec<_>>();
        bare(&owned(acts), &owned(topics), without_topics).expect("well formed")
    }

    #[test]
    fn mcnemar_by_hand() {
        for (only_old, only_new, expected) in [
            (0, 0, 1.0),
            (0, 1, 1.0),
            (4, 4, 1.0),
            // 2 · 1/32
            (0, 5, 0.0625),
            // 2 · (1 + 6) / 64
            (5, 1, 0.21875),
            // 2 · (1 + 8) / 256, the worked example of Fagerland, Lydersen and Laake, given there as 0.070
            (1, 7, 0.0703125),
            // 2 · (1 + 12 + 66 + 220) / 4096
            (3, 9, 0.14599609375),
        ] {
            assert_eq!(Discordant { only_old, only_new }.p(), expected, "{only_old} {only_new}");
        }
        // By the normal approximation with correction 2 Φ(-(|b - c| - 1) / sqrt(b + c)) = 2 Φ(-1.99) = 0.0466.
        let many = Discordant { only_old: 4900, only_new: 5100 }.p();
        assert!((many - 0.0466).abs() < 2e-4, "{many}");
        let hopeless = Discordant { only_old: 0, only_new: 100_000 }.p();
        assert_eq!(hopeless, 0.0);
    }

    proptest! {
        /// Against Pascal's triangle in whole numbers.
        #[test]
        fn the_tail_is_the_sum_of_pascals_row(n in 0usize..100, share in 0.0f64..=0.5) {
            let k = (n as f64 * share) as usize;
            let mut row = vec![1u128];
            for _ in 0..n {
                let next = row.windows(2).map(|w| w[0] + w[1]).collect::<Vec<_>>();
                row = [vec![1], next, vec![1]].concat();
            }
            let expected = row[..=k].iter().sum::<u128>() as f64 / (1u128 << n) as f64;
            let found = binomial_tail(k, n);
            prop_assert!((found / expected - 1.0).abs() < 1e-12, "{} {}: {} is not {}", k, n, found, expected);
        }

        /// Each model's figures are those of an evaluation of that model alone, and the same model twice differs nowhere.
        #[test]
        fn figures_are_those_of_evaluate(
            cells in prop::collection::vec((0usize..3, 0usize..3, 0usize..3, 0u8..4, 0u8..4, 0u8..4, 0usize..6), 1..60),
        ) {
            let taxonomy = names(&["a", "b", "c"], &["x", "y"], None);
            let of = |act, bits: u8| labels(act, &(0..2).filter(|t| bits >> t & 1 == 1).collect::<Vec<_>>());
            let rows: Vec<Judged> = cells
                .iter()
                .map(|&(g, o, n, gt, ot, nt, _)| Judged { gold: of(g, gt), old: of(o, ot), new: of(n, nt) })
                .collect();
            let documents: Vec<String> = cells.iter().map(|c| c.6.to_string()).collect();
            let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
            let comparison = compare(&taxonomy, &rows, &documents, 40, 7).expect("rows");
            for new in [false, true] {
                let pairs: Vec<_> = rows.iter().map(|r| (r.gold, if new { r.new } else { r.old })).collect();
                let alone = evaluate(&taxonomy, &pairs, &documents, 40, 7);
                prop_assert_eq!(alone.n_documents, comparison.n_documents);
                for ((name, value), d) in alone.tally.figures().into_iter().zip(&comparison.figures) {
                    prop_assert_eq!((name, value), (d.name.as_str(), if new { d.new } else { d.old }));
                }
                for ((name, counts), d) in alone.tally.labels(&taxonomy).zip(&comparison.labels) {
                    prop_assert_eq!((&name, counts), (&d.name, if new { d.new } else { d.old }));
                }
            }
            let same: Vec<Judged> = rows.iter().map(|r| Judged { new: r.old, ..*r }).collect();
            let none = compare(&taxonomy, &same, &documents, 40, 7).expect("rows");
            prop_assert!(none.figures.iter().all(|f| f.change() == 0.0 && f.interval.is_none_or(|i| i == (0.0, 0.0))));
            prop_assert_eq!((none.outcomes, none.acts), ([0; 3], Discordant::default()));
            // Turned round, wins are losses.
            let turned: Vec<Judged> = rows.iter().map(|r| Judged { old: r.new, new: r.old, ..*r }).collect();
            let turned = compare(&taxonomy, &turned, &documents, 40, 7).expect("rows");
            let [won, lost, differ] = comparison.outcomes;
            prop_assert_eq!(turned.outcomes, [lost, won, differ]);
            prop_assert_eq!((turned.acts.only_old, turned.acts.p()), (comparison.acts.only_new, comparison.acts.p()));
        }
    }

    /// Five rows, worked by hand.
    #[test]
    fn a_comparison_by_hand() {
        let taxonomy = names(&["a", "b"], &["x", "y"], None);
        let row = |gold, old, new| Judged { gold, old, new };
        let rows = [
            row(labels(0, &[0]), labels(1, &[0]), labels(0, &[0])),
            row(labels(0, &[0, 1]), labels(0, &[0, 1]), labels(0, &[0])),
            row(labels(1, &[]), labels(0, &[]), labels(0, &[1])),
            row(labels(1, &[1]), labels(1, &[]), labels(1, &[1])),
            row(labels(1, &[]), labels(0, &[]), labels(0, &[])),
        ];
        let outcomes: Vec<_> = rows.iter().map(Judged::outcome).collect();
        let (won, lost, differ) = (Some(Outcome::Won), Some(Outcome::Lost), Some(Outcome::BothDiffer));
        assert_eq!(outcomes, [won, lost, differ, won, None]);
        let comparison = compare(&taxonomy, &rows, &["d", "d", "e", "e", "e"], 0, 1).expect("rows");
        assert_eq!((comparison.n_rows, comparison.n_documents, comparison.outcomes), (5, 2, [2, 1, 1]));
        assert_eq!(comparison.acts, Discordant { only_old: 0, only_new: 1 });
        assert_eq!(comparison.topics, [Discordant::default(), Discordant { only_old: 2, only_new: 1 }]);
        let figure = |name: &str| comparison.figures.iter().find(|f| f.name == name).expect("there");
        // Acts right: 2 of 5, then 3 of 5.
        assert!((figure("act.accuracy").change() - 0.2).abs() < 1e-12);
        // Topics, old: 3 right, 1 missing; new: 3 right, 1 too many, 1 missing.
        assert!((figure("topics.micro_f1").change() - (6.0 / 8.0 - 6.0 / 7.0)).abs() < 1e-12);
        assert_eq!((figure("act.accuracy").interval, comparison.is_worse()), (None, None));
        assert!(compare(&taxonomy, &[], &[], 10, 1).is_err());
    }

    /// Each document is one row that both models get wrong or right, so the difference over a draw is a count by hand.
    #[test]
    fn intervals_are_of_the_difference() {
        let taxonomy = names(&["a", "b"], &["x"], None);
        let documents: Vec<String> = (0..40).map(|i| i.to_string()).collect();
        let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
        // Both models swing with the documents, always in the same direction: the old one misses one row in two, the
        // new one in addition every fourth.
        let row = |i: usize| {
            let gold = labels(i / 2 % 2, &[0]);
            let said =
                |wrong: bool| labels(if wrong { 1 - gold.act } else { gold.act }, if wrong { &[] } else { &[0] });
            Judged { gold, old: said(i.is_multiple_of(2)), new: said(i.is_multiple_of(2) || i % 4 == 1) }
        };
        let rows: Vec<Judged> = (0..40).map(row).collect();
        let comparison = compare(&taxonomy, &rows, &documents, 500, 3).expect("rows");
        let accuracy = &comparison.figures[0];
        let (low, high) = accuracy.interval.expect("resamples");
        // The difference is minus the share of the fourth rows, Bin(40, 1/4) / 40: 95 % of draws lie in 5..=16.
        assert!((accuracy.change() + 0.25).abs() < 1e-12 && (-0.43..=-0.35).contains(&low), "{low}");
        assert!((-0.15..=-0.1).contains(&high), "{high}");
        assert_eq!(comparison.is_worse(), Some(true));
        let verdict = comparison.verdict();
        assert!(verdict.starts_with("NEW is worse beyond noise in act.macro_f1 (-0."), "{verdict}");
        assert!(verdict.ends_with("whose 95 % intervals lie wholly below 0"), "{verdict}");

        let turned: Vec<Judged> = rows.iter().map(|r| Judged { old: r.new, new: r.old, ..*r }).collect();
        let better = compare(&taxonomy, &turned, &documents, 500, 3).expect("rows");
        assert_eq!(better.is_worse(), Some(false));
        assert!(better.verdict().starts_with("NEW is better beyond noise in"), "{}", better.verdict());
    }

    #[test]
    fn labels_of_one_model_are_named_and_left_out() {
        let old = names(&["a", "b", "none"], &["x", "y"], Some("none"));
        let new = names(&["none", "c", "a"], &["z", "y"], Some("none"));
        let shared = SharedLabels::new(&old, &new).expect("related");
        let ids = |labels: &[Label]| labels.iter().map(|l| l.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&shared.taxonomy.acts), ["a", "none"]);
        assert_eq!(ids(&shared.taxonomy.topics), ["y"]);
        assert_eq!(ids(&shared.all.acts), ["a", "b", "none", "c"]);
        assert_eq!(ids(&shared.all.topics), ["x", "y", "z"]);
        assert_eq!(shared.all.act_without_topics, Some(2));
        assert_eq!(
            (shared.only_old.join(" "), shared.only_new.join(" ")),
            ("act.b topic.x".into(), "act.c topic.z".into())
        );
        // Gold: a with x, y, z; the old model says b with x and y, the new one a with z.
        let judged = shared.judge(labels(0, &[0, 1, 2]), labels(1, &[0, 1]), labels(2, &[0]));
        assert_eq!(judged, Some(Judged { gold: labels(0, &[0]), old: labels(2, &[0]), new: labels(0, &[]) }));
        // Gold: c, which the old model cannot say.
        assert_eq!(shared.judge(labels(3, &[]), labels(0, &[]), labels(1, &[])), None);
        // An act that is not shared is a wrong one, and no label of the figures.
        let comparison = compare(&shared.taxonomy, &[judged.expect("shared")], &["d"], 0, 1).expect("a row");
        assert_eq!(comparison.acts, Discordant { only_old: 0, only_new: 1 });
        assert_eq!(
            comparison.labels.iter().map(|l| l.name.as_str()).collect::<Vec<_>>(),
            ["act.a", "act.none", "topic.y"]
        );
    }

    #[test]
    fn unrelated_models_are_refused() {
        let old = names(&["a", "b"], &["x"], None);
        for (new, expected) in [
            (
                names(&["a", "c"], &["x"], None),
                "the models share fewer than two acts: the old one has a, b, the new one has a, c; compare models whose taxonomies are related",
            ),
            (
                names(&["a", "x"], &["y"], None),
                "`x` is an act of one model and a topic of the other; rename one of them and train anew",
            ),
        ] {
            assert_eq!(SharedLabels::new(&old, &new).expect_err(expected).to_string(), expected);
        }
        let many = |from: usize| {
            let ids: Vec<String> = (from..from + 100).map(|i| format!("t{i}")).collect();
            names(&["a", "b"], &ids.iter().map(String::as_str).collect::<Vec<_>>(), None)
        };
        let error = SharedLabels::new(&many(0), &many(50)).expect_err("too many").to_string();
        assert_eq!(error, "the models have 150 topics together, and at most 128 can be compared");
    }
}
