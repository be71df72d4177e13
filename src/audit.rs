//! Labelled rows → which of their labels are probably wrong.
//!
//! Three questions are asked. *Suspects*: what do models say of rows whose documents they have not seen, and does that speak
//! against the label given ([`suspects`])? *Conflicts*: which near-duplicates were given different labels ([`conflicts`])? *Leaks*:
//! which texts and documents stand in the labels and in gold too, so that figures on gold would flatter ([`leaks`])?
//!
//! Suspects follow confident learning: a probability is high for a label when it reaches the mean probability of the rows that
//! were given this label, which makes up for labels that a model is generally sure or unsure of. A row is a suspect when
//! another label's probability is high in this sense and its own label's is not. Source: Northcutt, Jiang and Chuang 2021, "Confident
//! learning: estimating uncertainty in dataset labels", Journal of Artificial Intelligence Research 70. Topics are judged each
//! for itself, the topic against its absence.

use crate::config::CheckedConfig;
use crate::evaluate::Labels;
use crate::labels::LabelledRow;
use crate::near_duplicates::{Index, SHORT_WORDS, Shingles, THRESHOLD, same_words};
use crate::stem::for_each_raw_word;
use crate::taxonomy::Taxonomy;
use crate::train::{OutOfFold, TrainError, out_of_fold};
use ndarray::{Array2, Axis};
use std::collections::{BTreeMap, HashMap};
use std::io::Write;

/// A label that is probably wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suspect {
    /// The row's number.
    pub row: usize,
    /// What is doubted.
    pub doubt: Doubt,
    /// The out-of-fold probability of what is suggested, 0 to 1.
    pub probability: f64,
    /// The out-of-fold probability of what was given, 0 to 1.
    pub self_confidence: f64,
    /// The latter over the threshold of what was given, 0 to below 1; suspects are ranked by it.
    pub ratio: f64,
}

/// What is doubted of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// Its act; this one is suggested.
    Act(usize),
    /// That it has a topic, by number; its absence is suggested.
    TopicGiven(usize),
    /// That it lacks a topic; the topic is suggested.
    TopicMissing(usize),
}

/// What is known of one label.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelAudit {
    /// `act.ID` or `topic.ID`.
    pub name: String,
    /// Rows that were given the label.
    pub n_rows: usize,
    /// Their mean out-of-fold probability of it, from which on the probability counts as high; `None` without rows.
    pub threshold: Option<f64>,
    /// Rows that were given the label, where it is doubted.
    pub n_doubted: usize,
    /// Rows that were not given it, where it is suggested.
    pub n_suggested: usize,
}

/// Two rows that say nearly the same and have different labels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conflict {
    /// The number of the one row …
    pub first: usize,
    /// … and of the other, which is larger.
    pub second: usize,
    /// How much they resemble each other, see [`crate::near_duplicates`].
    pub resemblance: f64,
    /// Rows with the shingles and labels of the first, itself counted; all of them conflict.
    pub n_first: usize,
    /// The same of the second.
    pub n_second: usize,
}

/// A gold row whose text stands among the labelled rows too.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leak {
    /// The number of the gold row.
    pub gold: usize,
    /// The number of the labelled row that resembles it most; of equals the first.
    pub row: usize,
    /// How much they resemble each other, see [`crate::near_duplicates`].
    pub resemblance: f64,
    /// Their words are the same, one after the other.
    pub same_text: bool,
    /// The gold row has fewer than [`SHORT_WORDS`] words, such as a greeting, and may be in both by chance.
    pub short: bool,
}

/// A document that has labelled rows and gold rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedDocument {
    /// Its name.
    pub document: String,
    /// Its labelled rows.
    pub n_rows: usize,
    /// Its gold rows.
    pub n_gold: usize,
}

/// What labels and gold have in common.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Leaks {
    /// Gold rows, in their order.
    pub rows: Vec<Leak>,
    /// Documents, sorted by name.
    pub documents: Vec<SharedDocument>,
}

impl Leaks {
    /// Figures on gold would flatter: a document is shared, or a text that is not short.
    pub fn matter(&self) -> bool {
        !self.documents.is_empty() || self.rows.iter().any(|leak| !leak.short)
    }
}

/// Everything that an audit finds.
pub struct Audit {
    /// The rows and what was said of them out of fold; all row numbers count in these rows, sorted by id.
    pub out_of_fold: OutOfFold,
    /// Labels that are probably wrong, the most suspicious first.
    pub suspects: Vec<Suspect>,
    /// Acts, then topics.
    pub labels: Vec<LabelAudit>,
    /// Near-duplicates with different labels.
    pub conflicts: Vec<Conflict>,
}

/// Trains by folds and asks for suspects and conflicts. `progress` is told as by [`out_of_fold()`].
///
/// # Errors
/// As [`crate::train::train()`].
pub fn audit(
    rows: Vec<LabelledRow>,
    taxonomy: &Taxonomy,
    config: &CheckedConfig,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Audit, TrainError> {
    let out_of_fold = out_of_fold(rows, taxonomy.clone(), config, progress)?;
    let thresholds = Thresholds::of(&out_of_fold.rows, &out_of_fold.probabilities, taxonomy);
    let suspects = thresholds.suspects(&out_of_fold.rows, &out_of_fold.probabilities, taxonomy);
    let labels = label_audits(&out_of_fold.rows, &thresholds, &suspects, taxonomy);
    let conflicts = conflicts(&out_of_fold.rows, THRESHOLD);
    Ok(Audit { out_of_fold, suspects, labels, conflicts })
}

/// Labels that are probably wrong, the most suspicious first: those where the probability of what was given is the smallest part of
/// its threshold; of equals, rows in order. (The plain margin of both probabilities would put topics before acts, since
/// the absence of a topic is nearly certain of most rows.)
///
/// `probabilities` are out of fold, rows × outputs (the acts, adding up to 1, then the topics), 0 to 1. A row may be suspected
/// for its act, once, and for each topic. The topics of rows whose act takes none are not judged, their act is.
///
/// ```
/// use ndarray::array;
/// use petition::audit::{Doubt, suspects};
/// use petition::{evaluate::Labels, labels::LabelledRow, taxonomy::{Taxonomy, TopicSet}};
///
/// let taxonomy = Taxonomy::read("name='t'\n[[act]]\nid='ask'\ndefinition=''\n[[act]]\nid='rule'\ndefinition=''\n[[topic]]\nid='rent'\ndefinition=''")?;
/// let row = |id: &str, act| LabelledRow {
///     id: id.to_owned(), document: id.to_owned(), title: None, text: id.to_owned(), labels: Labels { act, topics: TopicSet::default() },
/// };
/// let rows = [row("a", 0), row("b", 0), row("c", 1), row("d", 1)];
/// // Thresholds: ask (0.9 + 0.7) / 2 = 0.8, rule (0.8 + 0.1) / 2 = 0.45. Row d reaches that of ask and not that of rule;
/// // row b is below its own, but its 0.3 for rule is below the threshold of rule too.
/// let probabilities = array![[0.9, 0.1, 0.0], [0.7, 0.3, 0.0], [0.2, 0.8, 0.0], [0.9, 0.1, 0.0]];
/// let found = suspects(&rows, &probabilities, &taxonomy);
/// assert_eq!((found.len(), found[0].row, found[0].doubt), (1, 3, Doubt::Act(0)));
/// # Ok::<(), petition::taxonomy::TaxonomyError>(())
/// ```
///
/// # Panics
/// Fewer rows or outputs of probabilities than there are rows and labels.
pub fn suspects(rows: &[LabelledRow], probabilities: &Array2<f64>, taxonomy: &Taxonomy) -> Vec<Suspect> {
    Thresholds::of(rows, probabilities, taxonomy).suspects(rows, probabilities, taxonomy)
}

/// For each label the mean probability that rows with it have of it; `None` where there are no such rows.
struct Thresholds {
    acts: Vec<Option<f64>>,
    /// Of the topic, and of its absence, over rows whose act takes topics.
    topics: Vec<(Option<f64>, Option<f64>)>,
}

impl Thresholds {
    fn of(rows: &[LabelledRow], probabilities: &Array2<f64>, taxonomy: &Taxonomy) -> Self {
        let n_acts = taxonomy.acts.len();
        let mean = |output: usize, of: &dyn Fn(&Labels) -> bool, value: &dyn Fn(f64) -> f64| {
            let column = probabilities.index_axis(Axis(1), output);
            let chosen = rows.iter().zip(column).filter(|(row, _)| of(&row.labels));
            let (n, sum) = chosen.fold((0usize, 0.0), |(n, sum), (_, &p)| (n + 1, sum + value(p)));
            (n > 0).then(|| sum / n as f64)
        };
        let acts = (0..n_acts).map(|act| mean(act, &|labels| labels.act == act, &|p| p)).collect();
        let topic = |topic: usize| {
            let with = mean(n_acts + topic, &|labels| labels.topics.contains(topic), &|p| p);
            let without = |labels: &Labels| takes_topics(labels, taxonomy) && !labels.topics.contains(topic);
            (with, mean(n_acts + topic, &without, &|p| 1.0 - p))
        };
        Self { acts, topics: (0..taxonomy.topics.len()).map(topic).collect() }
    }

    fn suspects(&self, rows: &[LabelledRow], probabilities: &Array2<f64>, taxonomy: &Taxonomy) -> Vec<Suspect> {
        let reaches = |p: f64, threshold: Option<f64>| threshold.is_some_and(|t| p >= t);
        // What was given has a threshold, since this row has it; and where it is 0, it is reached.
        let suspect = |row: usize, doubt: Doubt, probability: f64, self_confidence: f64, own: Option<f64>| {
            let ratio = own.map_or(0.0, |threshold| self_confidence / threshold);
            Suspect { row, doubt, probability, self_confidence, ratio }
        };
        let n_acts = taxonomy.acts.len();
        let mut suspects = Vec::new();
        for (number, (row, p)) in rows.iter().zip(probabilities.rows()).enumerate() {
            let given = row.labels.act;
            if !reaches(p[given], self.acts[given]) {
                let high = (0..n_acts).filter(|&act| act != given && reaches(p[act], self.acts[act]));
                if let Some(act) = high.reduce(|best, act| if p[act] > p[best] { act } else { best }) {
                    suspects.push(suspect(number, Doubt::Act(act), p[act], p[given], self.acts[given]));
                }
            }
            if !takes_topics(&row.labels, taxonomy) {
                continue;
            }
            for (topic, &(with, without)) in self.topics.iter().enumerate() {
                let (p, given) = (p[n_acts + topic], row.labels.topics.contains(topic));
                let (has, lacks) = (reaches(p, with), reaches(1.0 - p, without));
                suspects.push(match given {
                    true if lacks && !has => suspect(number, Doubt::TopicGiven(topic), 1.0 - p, p, with),
                    false if has && !lacks => suspect(number, Doubt::TopicMissing(topic), p, 1.0 - p, without),
                    _ => continue,
                });
            }
        }
        // A stable sort: equals stay in the order of rows and labels.
        suspects.sort_by(|a, b| a.ratio.total_cmp(&b.ratio));
        suspects
    }
}

fn takes_topics(labels: &Labels, taxonomy: &Taxonomy) -> bool {
    taxonomy.act_without_topics != Some(labels.act)
}

fn label_audits(
    rows: &[LabelledRow],
    thresholds: &Thresholds,
    suspects: &[Suspect],
    taxonomy: &Taxonomy,
) -> Vec<LabelAudit> {
    let acts = taxonomy.acts.iter().enumerate().map(|(act, label)| LabelAudit {
        name: format!("act.{}", label.id),
        n_rows: rows.iter().filter(|row| row.labels.act == act).count(),
        threshold: thresholds.acts[act],
        n_doubted: suspects
            .iter()
            .filter(|s| matches!(s.doubt, Doubt::Act(_)) && rows[s.row].labels.act == act)
            .count(),
        n_suggested: suspects.iter().filter(|s| s.doubt == Doubt::Act(act)).count(),
    });
    let topics = taxonomy.topics.iter().enumerate().map(|(topic, label)| LabelAudit {
        name: format!("topic.{}", label.id),
        n_rows: rows.iter().filter(|row| row.labels.topics.contains(topic)).count(),
        threshold: thresholds.topics[topic].0,
        n_doubted: suspects.iter().filter(|s| s.doubt == Doubt::TopicGiven(topic)).count(),
        n_suggested: suspects.iter().filter(|s| s.doubt == Doubt::TopicMissing(topic)).count(),
    });
    acts.chain(topics).collect()
}

/// Near-duplicates with different labels, in the order of rows. Rows that agree in shingles and labels stand as one pair, that
/// of the first of them, with their numbers.
///
/// # Panics
/// As [`Index::new`].
pub fn conflicts(rows: &[LabelledRow], threshold: f64) -> Vec<Conflict> {
    let mut place: HashMap<(Shingles, usize, crate::taxonomy::TopicSet), usize> = HashMap::new();
    // The first row of each group and the group's size.
    let mut groups: Vec<(usize, usize)> = Vec::new();
    let mut sets = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let set = Shingles::of(&row.text);
        let group = *place.entry((set.clone(), row.labels.act, row.labels.topics)).or_insert_with(|| {
            groups.push((number, 0));
            sets.push(set);
            groups.len() - 1
        });
        groups[group].1 += 1;
    }
    let index = Index::new(sets, threshold);
    let of = |one: usize| {
        let (groups, index) = (&groups, &index);
        let (first, n_first) = groups[one];
        index.find(index.set(one)).into_iter().filter_map(move |(other, resemblance)| {
            let (second, n_second) = groups[other];
            let differ = other > one && rows[first].labels != rows[second].labels;
            differ.then_some(Conflict { first, second, resemblance, n_first, n_second })
        })
    };
    (0..groups.len()).flat_map(of).collect()
}

/// What labelled rows and gold rows have in common: texts that are the same or nearly so, and documents.
///
/// # Panics
/// As [`Index::new`].
pub fn leaks(rows: &[LabelledRow], gold: &[LabelledRow], threshold: f64) -> Leaks {
    let index = Index::new(rows.iter().map(|row| Shingles::of(&row.text)).collect(), threshold);
    let leak = |(number, of_gold): (usize, &LabelledRow)| {
        let found = index.find(&Shingles::of(&of_gold.text));
        let words = same_words(&of_gold.text);
        // Of those that resemble it most, one with the same words in a row, else the first.
        let most = found.iter().map(|&(_, r)| r).reduce(f64::max)?;
        let best = || found.iter().filter(|&&(_, r)| r == most).map(|&(row, _)| row);
        let same = best().find(|&row| same_words(&rows[row].text) == words);
        let mut n_words = 0;
        for_each_raw_word(&of_gold.text, |_| n_words += 1);
        Some(Leak {
            gold: number,
            row: same.or_else(|| best().next())?,
            resemblance: most,
            same_text: same.is_some(),
            short: n_words < SHORT_WORDS,
        })
    };
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    rows.iter().for_each(|row| counts.entry(&row.document).or_default().0 += 1);
    gold.iter().for_each(|row| counts.entry(&row.document).or_default().1 += 1);
    let shared = counts.into_iter().filter(|(_, (n_rows, n_gold))| *n_rows > 0 && *n_gold > 0);
    Leaks {
        rows: gold.iter().enumerate().filter_map(leak).collect(),
        documents: shared
            .map(|(name, (n_rows, n_gold))| SharedDocument { document: name.to_owned(), n_rows, n_gold })
            .collect(),
    }
}

/// What a suspect says in words: what is doubted (`act` or `topic.ID`), what was given and what is suggested (acts by name; a topic
/// is `yes` or `no`).
pub fn in_words(suspect: &Suspect, row: &LabelledRow, taxonomy: &Taxonomy) -> [String; 3] {
    let topic = |topic: usize, given: &str, suggested: &str| {
        [format!("topic.{}", taxonomy.topics[topic].id), given.to_owned(), suggested.to_owned()]
    };
    match suspect.doubt {
        Doubt::Act(act) => ["act".to_owned(), taxonomy.acts[row.labels.act].id.clone(), taxonomy.acts[act].id.clone()],
        Doubt::TopicGiven(t) => topic(t, "yes", "no"),
        Doubt::TopicMissing(t) => topic(t, "no", "yes"),
    }
}

/// Writes suspects as CSV, in their order: `id,document,text,act,topics,suspect,given,suggested,probability,self_confidence`;
/// probabilities have four decimals.
///
/// # Errors
/// Writing fails.
pub fn write_suspects(
    suspects: &[Suspect],
    rows: &[LabelledRow],
    taxonomy: &Taxonomy,
    out: &mut dyn Write,
) -> Result<(), csv::Error> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record([
        "id",
        "document",
        "text",
        "act",
        "topics",
        "suspect",
        "given",
        "suggested",
        "probability",
        "self_confidence",
    ])?;
    for suspect in suspects {
        let row = &rows[suspect.row];
        let (act, topics) = (&taxonomy.acts[row.labels.act].id, taxonomy.join_topics(row.labels.topics));
        let [doubted, given, suggested] = in_words(suspect, row, taxonomy);
        let [probability, own] = [suspect.probability, suspect.self_confidence].map(|p| format!("{p:.4}"));
        writer.write_record([
            &row.id,
            &row.document,
            &row.text,
            act,
            &topics,
            &doubted,
            &given,
            &suggested,
            &probability,
            &own,
        ])?;
    }
    writer.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::taxonomy::TopicSet;
    use ndarray::array;

    fn taxonomy() -> Taxonomy {
        Taxonomy::read(
            "name='t'\n[[act]]\nid='ask'\ndefinition=''\n[[act]]\nid='rule'\ndefinition=''\n[[act]]\nid='none'\ndefinition=''\ntopics=false\n\
             [[topic]]\nid='rent'\ndefinition=''\n[[topic]]\nid='heat'\ndefinition=''",
        )
        .expect("well formed")
    }

    fn row(id: &str, document: &str, text: &str, act: usize, topics: &[usize]) -> LabelledRow {
        let mut set = TopicSet::default();
        topics.iter().for_each(|&t| set.insert(t));
        let labels = Labels { act, topics: set };
        LabelledRow { id: id.to_owned(), document: document.to_owned(), title: None, text: text.to_owned(), labels }
    }

    /// Thresholds: ask (0.8 + 0.6 + 0.1) / 3 = 0.5, rule (0.5 + 0.7) / 2 = 0.6, none 0.9; rent (0.9 + 0.12) / 2 = 0.51, its absence
    /// (0.8 + 0.9 + 0.1) / 3 = 0.6 over rows a, b, d; heat is given nowhere.
    #[test]
    fn suspects_by_hand() {
        let rows = [
            row("a", "d", "a", 0, &[]),
            row("b", "d", "b", 0, &[]),
            row("c", "d", "c", 0, &[0]),
            row("d", "d", "d", 1, &[]),
            row("e", "d", "e", 1, &[0]),
            row("f", "d", "f", 2, &[]),
        ];
        let probabilities = array![
            [0.8, 0.1, 0.1, 0.2, 0.99],
            [0.6, 0.3, 0.1, 0.1, 0.0],
            [0.1, 0.7, 0.2, 0.9, 0.0],
            [0.5, 0.5, 0.0, 0.9, 0.0],
            [0.1, 0.7, 0.2, 0.12, 0.0],
            [0.1, 0.0, 0.9, 0.9, 0.0],
        ];
        let taxonomy = taxonomy();
        let thresholds = Thresholds::of(&rows, &probabilities, &taxonomy);
        let near =
            |found: Option<f64>, expected: f64| assert!((found.expect("rows") - expected).abs() < 1e-12, "{found:?}");
        [0.5, 0.6, 0.9].iter().zip(&thresholds.acts).for_each(|(&e, &t)| near(t, e));
        near(thresholds.topics[0].0, 0.51);
        near(thresholds.topics[0].1, 0.6);
        assert_eq!(thresholds.topics[1].0, None);

        // Ratios: rent missing of d 0.1 / 0.6, act of c 0.1 / 0.5, rent given of e 0.12 / 0.51, act of d 0.5 / 0.6.
        // Row d is at 0.5, below 0.6 for rule, and reaches 0.5 for ask. Row f is not judged for rent.
        let found = suspects(&rows, &probabilities, &taxonomy);
        let doubts: Vec<(usize, Doubt)> = found.iter().map(|s| (s.row, s.doubt)).collect();
        assert_eq!(
            doubts,
            [(3, Doubt::TopicMissing(0)), (2, Doubt::Act(1)), (4, Doubt::TopicGiven(0)), (3, Doubt::Act(0))]
        );
        let ratios = [1.0 / 6.0, 0.2, 0.12 / 0.51, 5.0 / 6.0];
        assert!(found.iter().zip(ratios).all(|(s, ratio)| (s.ratio - ratio).abs() < 1e-12), "{found:?}");
        let labels = label_audits(&rows, &thresholds, &found, &taxonomy);
        let counts: Vec<_> = labels.iter().map(|l| (l.name.as_str(), l.n_rows, l.n_doubted, l.n_suggested)).collect();
        assert_eq!(
            counts,
            [
                ("act.ask", 3, 1, 1),
                ("act.rule", 2, 1, 1),
                ("act.none", 1, 0, 0),
                ("topic.rent", 2, 1, 1),
                ("topic.heat", 0, 0, 0)
            ]
        );
        let mut out = Vec::new();
        write_suspects(&[found[0], found[2]], &rows, &taxonomy, &mut out).expect("memory takes it");
        let expected = "id,document,text,act,topics,suspect,given,suggested,probability,self_confidence\n\
                        d,d,d,rule,,topic.rent,no,yes,0.9000,0.1000\ne,d,e,rule,rent,topic.rent,yes,no,0.8800,0.1200\n";
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    #[test]
    fn conflicts_stand_once_for_their_groups() {
        let rows = [
            row("a", "d", "Cut the rent now", 0, &[0]),
            row("b", "d", "cut the rent, now!", 0, &[0]),
            row("c", "d", "Cut the rent now", 2, &[]),
            row("d", "d", "Cut the rent right now", 0, &[1]),
            row("e", "d", "It rained", 2, &[]),
            row("f", "d", "It rained", 2, &[]),
        ];
        let found: Vec<_> =
            conflicts(&rows, 0.8).iter().map(|c| (c.first, c.second, c.resemblance, c.n_first, c.n_second)).collect();
        assert_eq!(found, [(0, 2, 1.0, 2, 1), (0, 3, 0.8, 2, 1), (2, 3, 0.8, 1, 1)]);
    }

    #[test]
    fn leaks_are_found_by_text_and_document() {
        let rows = [
            row("a", "d1", "The board shall meet on every first Monday", 1, &[]),
            row("b", "d2", "Now cut the rent", 0, &[]),
            row("c", "d2", "Cut the rent now", 0, &[]),
        ];
        let gold = [
            row("x", "g", "cut the rent now!", 0, &[]),
            row("y", "d2", "Something else altogether was said there", 0, &[]),
            row("z", "g", "The board shall meet on every first Monday.", 1, &[]),
        ];
        let found = leaks(&rows, &gold, 0.8);
        let leak = |gold, row, short| Leak { gold, row, resemblance: 1.0, same_text: true, short };
        assert_eq!(found.rows, [leak(0, 2, true), leak(2, 0, false)]);
        assert_eq!(found.documents, [SharedDocument { document: "d2".to_owned(), n_rows: 2, n_gold: 1 }]);
        assert!(found.matter());
        assert!(!leaks(&rows, &gold[..1], 0.8).matter() && leaks(&rows, &gold[1..2], 0.8).matter());
    }
}
