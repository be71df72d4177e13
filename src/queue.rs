//! Documents and a model → which sentences a person should label next, and why each.
//!
//! A share of the rows is drawn at random, first and without asking the model ([`ChosenFor::Random`]): every sentence that is not
//! labelled yet has the same chance, so that what is counted in these rows holds for all. The others are chosen by three
//! reasons: the model is unsure ([`uncertainty`]; Lewis and Gale 1994, "A sequential algorithm for training text classifiers"), a topic
//! that few labelled rows have is probable ([`rare_topics`]), or the model knows few of the words. They are taken best
//! first; a near-duplicate ([`crate::near_duplicates`]) of a row that was taken is passed over, and so is, as long as there
//! are others, a row of a document that has given four times its even share. Source of the idea that a batch should
//! not repeat itself: Brinker 2003, "Incorporating diversity in active learning with support vector machines".
//!
//! Memory does not grow with the number of sentences: of each reason only the best few are kept ([`KEPT_ROWS`] and
//! [`KEPT_FACTOR`]), texts with the same words once. A sentence's random number depends on the seed and its id alone, and those with
//! the smallest numbers are the sample, which is what a reservoir would hold (Vitter 1985, "Random sampling with a
//! reservoir"), whatever the order in which threads bring sentences in.

use crate::batch::{self, Readers, Summary};
use crate::context::{InContext, origins};
use crate::document::{Document, ReadError};
use crate::features::Text;
use crate::labels::LabelledRow;
use crate::math::ln;
use crate::model::{Model, Prediction, Reader};
use crate::near_duplicates::{Index, Shingles, THRESHOLD, hash_bytes, mix, same_words};
use crate::record::Origin;
use crate::review::{ACT_MARGIN, TOPIC_MARGIN, VERY_LONG, VERY_SHORT};
use crate::sentence::Sentence;
use crate::taxonomy::{Taxonomy, TopicSet};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// Of the rows that are not random, this share is chosen because a rare topic is probable …
pub const RARE_SHARE: f64 = 0.25;
/// … and this one because the model knows few of the words; the rest because the model is unsure. What one reason cannot fill goes
/// to the others.
pub const DIFFERENT_SHARE: f64 = 0.15;
/// A rare topic is probable from this probability on, well below the thresholds from which topics are said.
pub const RARE_LEAST: f64 = 0.1;
/// So many rows are kept for each reason (and each rare topic) while sentences pass by, in case better ones repeat each other …
pub const KEPT_ROWS: usize = 1000;
/// … and so many more for each row of the queue.
pub const KEPT_FACTOR: usize = 5;
/// A document gives at most this many times its even share, while others have rows to give.
const DOCUMENT_FACTOR: usize = 4;
/// A document may always give so many rows.
const DOCUMENT_LEAST: usize = 2;

/// Why a row was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChosenFor {
    /// Drawn at random among all that is not labelled.
    Random,
    /// The model is unsure of the act or a topic.
    Unsure,
    /// A topic with few labelled rows is probable.
    Rare,
    /// The model knows few of the words.
    Different,
}

impl ChosenFor {
    /// All reasons.
    pub const ALL: [Self; 4] = [Self::Random, Self::Unsure, Self::Rare, Self::Different];

    /// The name in the column `chosen_for`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Unsure => "unsure",
            Self::Rare => "rare",
            Self::Different => "different",
        }
    }
}

/// The order of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// By document, then place, as the input has them.
    Document,
    /// The most useful first, reasons mixed in proportion, so that a coder who stops early has labelled some of each.
    Priority,
}

/// What a queue should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QueueOptions {
    /// How many rows, 1 or more.
    pub n: usize,
    /// The share of them that is drawn at random, 0 to 1.
    pub random_share: f64,
    /// The seed of what is drawn.
    pub seed: u64,
    /// The order of the rows.
    pub order: Order,
    /// Documents are cut into sentences; if not, each is one sentence, or each of its lines if the document is lines.
    pub split: bool,
}

/// One sentence to be labelled.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueRow {
    /// It and its neighbours.
    pub sentence: InContext,
    /// What the model says of it.
    pub act: usize,
    /// The topics that the model says.
    pub topics: TopicSet,
    /// The probability of the act, 0 to 1.
    pub act_score: f64,
    /// Why it was chosen.
    pub chosen_for: ChosenFor,
}

/// A queue and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Queue {
    /// The rows, in the order that was asked for; fewer than asked for where there are not so many.
    pub rows: Vec<QueueRow>,
    /// What was read; rows are those of the queue.
    pub summary: Summary,
    /// Sentences that were read.
    pub n_sentences: usize,
    /// Sentences left out because a labelled row has their id …
    pub n_same_id: usize,
    /// … or else their words in a row …
    pub n_same_text: usize,
    /// … or else is a near-duplicate.
    pub n_near: usize,
}

impl Queue {
    /// The sentences that random rows are drawn from, and stand for: all but those left out.
    pub fn n_open(&self) -> usize {
        self.n_sentences - self.n_same_id - self.n_same_text - self.n_near
    }

    /// How many rows were chosen for this reason.
    pub fn n_chosen(&self, reason: ChosenFor) -> usize {
        self.rows.iter().filter(|row| row.chosen_for == reason).count()
    }
}

/// What is labelled already.
#[derive(Debug)]
pub struct Labelled {
    ids: HashSet<String>,
    words: HashSet<u128>,
    index: Index,
}

/// Why a sentence is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// A labelled row has its id.
    SameId,
    /// A labelled row has its words in a row, see [`same_words`].
    SameText,
    /// A labelled row is a near-duplicate.
    Near,
}

impl Labelled {
    /// Labelled rows; takes some 50 bytes for each of their words.
    pub fn new(rows: &[LabelledRow]) -> Self {
        let mut words = HashSet::new();
        let new = rows.iter().filter(|row| words.insert(same_words(&row.text)));
        let sets = new.map(|row| Shingles::of(&row.text)).collect();
        Self { ids: rows.iter().map(|row| row.id.clone()).collect(), words, index: Index::new(sets, THRESHOLD) }
    }

    /// Why a sentence is left out, if it is.
    pub fn holds(&self, id: &str, text: &str) -> Option<LeftOut> {
        if self.ids.is_empty() {
            None
        } else if self.ids.contains(id) {
            Some(LeftOut::SameId)
        } else if self.words.contains(&same_words(text)) {
            Some(LeftOut::SameText)
        } else {
            self.index.any(&Shingles::of(text)).then_some(LeftOut::Near)
        }
    }
}

/// How unsure a model is, 0 and up: 0 is a tie, and below 1 [`crate::review`] flags the row as unsure.
///
/// It is the smallest of: the lead of the most probable act over the next, in units of [`ACT_MARGIN`]; and, unless the act takes no
/// topics, the distance of each topic's log-odds from those of its threshold, in units of [`TOPIC_MARGIN`] (topics whose
/// threshold is 1 are never said and pass by).
///
/// ```
/// let model = petition::model::Model::shipped()?;
/// let of = |text: &str| petition::queue::uncertainty(&model, &model.classify(text));
/// assert!(of("We demand that the council ban chokeholds and other neck restraints.") > 1.0);
/// # Ok::<(), petition::model_file::ModelError>(())
/// ```
pub fn uncertainty(model: &Model, prediction: &Prediction) -> f64 {
    let taxonomy = model.taxonomy();
    let (acts, topics) = prediction.probabilities.split_at(taxonomy.acts.len().min(prediction.probabilities.len()));
    let others = acts.iter().enumerate().filter(|&(act, _)| act != prediction.act);
    let next = others.map(|(_, &p)| p).fold(0.0, f64::max);
    let of_act = (prediction.act_score() - next).max(0.0) / ACT_MARGIN;
    if taxonomy.act_without_topics == Some(prediction.act) {
        return of_act;
    }
    let log_odds = |p: f64| {
        let p = p.clamp(1e-12, 1.0 - 1e-12);
        ln(p / (1.0 - p))
    };
    let thresholds = model.thresholds().iter().map(|&t| f64::from(t));
    let said = topics.iter().zip(thresholds).filter(|&(_, threshold)| threshold < 1.0);
    let of_topics = said.map(|(&p, threshold)| (log_odds(p) - log_odds(threshold)).abs() / TOPIC_MARGIN);
    of_topics.fold(of_act, f64::min)
}

/// The topics that fewer labelled rows have than the average topic, by number, with how many have them; from what the model
/// keeps of its training. A topic that no row had is not among them: the model cannot say where it is probable.
pub fn rare_topics(model: &Model) -> Vec<(usize, usize)> {
    let labels = &model.training().labels;
    let counts: Vec<usize> = labels.iter().skip(model.taxonomy().acts.len()).map(|label| label.n_rows).collect();
    let total: usize = counts.iter().sum();
    let rare = counts.iter().enumerate().filter(|&(_, &n)| n > 0 && n * counts.len() < total);
    rare.map(|(topic, &n)| (topic, n)).collect()
}

/// Where a sentence stands in the input: the number of its document, and its own in the document.
type Place = (usize, usize);
/// Smaller is better; of equals the earlier place.
type Key = (u64, Place);

/// A key of a number that is 0 or above; the bits of such numbers are in their order.
fn key(value: f64, place: Place) -> Key {
    (value.max(0.0).to_bits(), place)
}

/// A sentence that may be chosen.
#[derive(Debug)]
struct Candidate {
    place: Place,
    row: QueueRow,
}

/// The candidates with the smallest keys among all that are offered, whatever their order.
#[derive(Debug)]
struct Best {
    most: usize,
    /// Of candidates with the same words only the best is kept.
    distinct: bool,
    candidates: BTreeMap<Key, (u128, Arc<Candidate>)>,
    key_of: HashMap<u128, Key>,
}

impl Best {
    fn new(most: usize, distinct: bool) -> Self {
        Self { most, distinct, candidates: BTreeMap::new(), key_of: HashMap::new() }
    }

    fn takes(&self, key: Key, words: u128) -> bool {
        match self.key_of.get(&words) {
            Some(held) => key < *held,
            None if self.candidates.len() < self.most => true,
            None => self.candidates.last_key_value().is_some_and(|(worst, _)| key < *worst),
        }
    }

    fn take(&mut self, key: Key, words: u128, candidate: Arc<Candidate>) {
        if self.distinct
            && let Some(held) = self.key_of.insert(words, key)
        {
            self.candidates.remove(&held);
        }
        self.candidates.insert(key, (words, candidate));
        if self.candidates.len() > self.most
            && let Some((_, (words, _))) = self.candidates.pop_last()
        {
            self.key_of.remove(&words);
        }
    }

    /// The candidates, best first.
    fn iter(&self) -> impl Iterator<Item = &Arc<Candidate>> {
        self.candidates.values().map(|(_, candidate)| candidate)
    }
}

/// All that is kept while sentences pass by.
struct Kept {
    random: Best,
    unsure: Best,
    different: Best,
    /// One a rare topic.
    rare: Vec<Best>,
    n_sentences: usize,
    n_left_out: [usize; 3],
}

/// What is known of a sentence before it is decided whether to keep it.
struct Offer {
    random: Key,
    unsure: Option<Key>,
    different: Option<Key>,
    rare: Vec<Option<Key>>,
    words: u128,
}

impl Kept {
    fn new(n: usize, n_random: usize, n_rare: usize) -> Self {
        let best = || Best::new(KEPT_ROWS + KEPT_FACTOR * n, true);
        Self {
            random: Best::new(n_random, false),
            unsure: best(),
            different: best(),
            rare: (0..n_rare).map(|_| best()).collect(),
            n_sentences: 0,
            n_left_out: [0; 3],
        }
    }

    fn offer(&mut self, offer: &Offer, candidate: impl FnOnce() -> Candidate) {
        let Self { random, unsure, different, rare, .. } = self;
        let keys = std::iter::once((random, Some(offer.random)))
            .chain([(unsure, offer.unsure), (different, offer.different)])
            .chain(rare.iter_mut().zip(offer.rare.iter().copied()));
        let taking: Vec<(&mut Best, Key)> =
            keys.filter_map(|(best, key)| key.filter(|&k| best.takes(k, offer.words)).map(|k| (best, k))).collect();
        if !taking.is_empty() {
            let candidate = Arc::new(candidate());
            taking.into_iter().for_each(|(best, key)| best.take(key, offer.words, Arc::clone(&candidate)));
        }
    }
}

/// Chooses the sentences to label next.
///
/// `report` is told of each document that cannot be read, in order; `progress` of the bytes of text that are done. The same input,
/// model and seed give the same queue at any number of threads; the random rows do not depend on the model.
///
/// # Errors
/// A thread's work is lost.
pub fn choose(
    model: &Model,
    documents: impl Iterator<Item = Result<Document, ReadError>>,
    labelled: &Labelled,
    options: &QueueOptions,
    report: &mut dyn FnMut(ReadError),
    progress: &mut dyn FnMut(usize),
) -> std::io::Result<Queue> {
    let n_random = ((options.random_share * options.n as f64).round() as usize).min(options.n);
    let rare = rare_topics(model);
    let kept = Mutex::new(Kept::new(options.n, n_random, rare.len()));
    let search = Search { model, labelled, options, rare: &rare, kept: &kept };
    let readers = Readers::new(model);
    let work = |share: &[Document], first: usize| readers.lend(|reader| search.look_through(share, first, reader));
    let mut summary = batch::each(documents, work, report, progress)?;
    let kept = kept.into_inner().unwrap_or_else(PoisonError::into_inner);
    let rows = select(&kept, options, &rare);
    summary.n_rows = rows.len();
    let [n_same_id, n_same_text, n_near] = kept.n_left_out;
    Ok(Queue { rows, summary, n_sentences: kept.n_sentences, n_same_id, n_same_text, n_near })
}

/// What sentences are looked at with.
struct Search<'s> {
    model: &'s Model,
    labelled: &'s Labelled,
    options: &'s QueueOptions,
    rare: &'s [(usize, usize)],
    kept: &'s Mutex<Kept>,
}

impl Search<'_> {
    /// Offers the sentences of some documents; `first` is the number of the first document.
    fn look_through(&self, documents: &[Document], first: usize, reader: &mut Reader) {
        for (number, document) in documents.iter().enumerate() {
            let origins = origins(document, self.options.split);
            let mut n_left_out = [0; 3];
            let mut offers = Vec::new();
            for (at, origin) in origins.iter().enumerate() {
                if let Some(why) = self.labelled.holds(&origin.id(), origin.sentence.text) {
                    n_left_out[why as usize] += 1;
                    continue;
                }
                let Sentence { text: sentence, lead, .. } = origin.sentence;
                let prediction = reader.classify(&Text { sentence, title: document.title.as_deref(), lead });
                let offer = self.offer(origin, (first + number, at), &prediction);
                offers.push((at, prediction, offer));
            }
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.n_sentences += origins.len();
            kept.n_left_out.iter_mut().zip(n_left_out).for_each(|(all, n)| *all += n);
            for (at, prediction, offer) in offers {
                kept.offer(&offer, || candidate(document, &origins, at, (first + number, at), &prediction));
            }
        }
    }

    fn offer(&self, origin: &Origin, place: Place, prediction: &Prediction) -> Offer {
        let random = random_key(&origin.id(), self.options.seed, place);
        let (known, n_words) = (prediction.known_stems, prediction.n_words);
        let words = same_words(origin.sentence.text);
        // What is hardly a sentence teaches little.
        if n_words <= VERY_SHORT {
            return Offer { random, unsure: None, different: None, rare: Vec::new(), words };
        }
        // One word more that is known and one that is not, so that of sentences without known words the longer comes first.
        let different =
            (known < n_words && n_words < VERY_LONG).then(|| key((known + 1) as f64 / (n_words + 2) as f64, place));
        let n_acts = self.model.taxonomy().acts.len();
        let of_topic = |&(topic, _): &(usize, usize)| {
            let p = prediction.probabilities[n_acts + topic];
            (p >= RARE_LEAST).then(|| key(1.0 - p, place))
        };
        Offer {
            random,
            unsure: Some(key(uncertainty(self.model, prediction), place)),
            different,
            rare: self.rare.iter().map(of_topic).collect(),
            words,
        }
    }
}

/// A sentence's random number, which depends on the seed and its id.
fn random_key(id: &str, seed: u64, place: Place) -> Key {
    (mix(hash_bytes(id.as_bytes()) ^ mix(seed)), place)
}

fn candidate(document: &Document, origins: &[Origin], at: usize, place: Place, prediction: &Prediction) -> Candidate {
    let row = QueueRow {
        sentence: InContext::new(document, origins, at),
        act: prediction.act,
        topics: prediction.topics,
        act_score: prediction.act_score(),
        chosen_for: ChosenFor::Random,
    };
    Candidate { place, row }
}

/// The choice among what was kept.
struct Selection<'k> {
    candidates: Vec<&'k Arc<Candidate>>,
    number: BTreeMap<Place, usize>,
    index: Index,
    /// Taken, or a near-duplicate of what was.
    closed: Vec<bool>,
    /// Rows that each document has given, the random ones aside.
    given: HashMap<&'k str, usize>,
    chosen: BTreeMap<ChosenFor, Vec<usize>>,
}

impl<'k> Selection<'k> {
    fn new(kept: &'k Kept) -> Self {
        let all = [&kept.random, &kept.unsure, &kept.different].into_iter().chain(&kept.rare).flat_map(Best::iter);
        let by_place: BTreeMap<Place, &Arc<Candidate>> = all.map(|c| (c.place, c)).collect();
        let candidates: Vec<&Arc<Candidate>> = by_place.values().copied().collect();
        let sets = candidates.iter().map(|c| Shingles::of(&c.row.sentence.text)).collect();
        Self {
            number: by_place.keys().enumerate().map(|(number, &place)| (place, number)).collect(),
            index: Index::new(sets, THRESHOLD),
            closed: vec![false; candidates.len()],
            given: HashMap::new(),
            chosen: BTreeMap::new(),
            candidates,
        }
    }

    fn ranking(&self, best: &Best) -> Ranking {
        Ranking { numbers: best.iter().map(|candidate| self.number[&candidate.place]).collect(), at: 0 }
    }

    fn n_chosen(&self, reason: ChosenFor) -> usize {
        self.chosen.get(&reason).map_or(0, Vec::len)
    }

    fn take(&mut self, number: usize, reason: ChosenFor) {
        for (near, _) in self.index.find(self.index.set(number)) {
            self.closed[near] = true;
        }
        self.closed[number] = true;
        self.chosen.entry(reason).or_default().push(number);
    }

    /// Takes the next of a ranking that is open and whose document has given less than `most` rows; true if there was one.
    fn take_next(&mut self, ranking: &mut Ranking, reason: ChosenFor, most: usize) -> bool {
        while let Some(&number) = ranking.numbers.get(ranking.at) {
            ranking.at += 1;
            let given = self.given.entry(&self.candidates[number].row.sentence.document).or_default();
            if !self.closed[number] && *given < most {
                *given += 1;
                self.take(number, reason);
                return true;
            }
        }
        false
    }
}

/// Candidates by number, best first, and where the next one stands.
struct Ranking {
    numbers: Vec<usize>,
    at: usize,
}

/// One ranking for each reason, and for each rare topic.
struct Rankings {
    unsure: Ranking,
    different: Ranking,
    rare: Vec<Ranking>,
    /// Labelled rows of each rare topic, and the rows that it has given to the queue.
    n_labelled: Vec<usize>,
    n_given: Vec<usize>,
}

impl Rankings {
    fn of(kept: &Kept, selection: &Selection, rare: &[(usize, usize)]) -> Self {
        Self {
            unsure: selection.ranking(&kept.unsure),
            different: selection.ranking(&kept.different),
            rare: kept.rare.iter().map(|best| selection.ranking(best)).collect(),
            n_labelled: rare.iter().map(|&(_, n)| n).collect(),
            n_given: vec![0; rare.len()],
        }
    }

    fn rewind(&mut self) {
        self.rare.iter_mut().chain([&mut self.unsure, &mut self.different]).for_each(|ranking| ranking.at = 0);
    }

    /// Takes rows for a reason until there are so many of it, or no more.
    fn fill(&mut self, reason: ChosenFor, up_to: usize, most: usize, selection: &mut Selection) {
        while selection.n_chosen(reason) < up_to {
            let taken = match reason {
                ChosenFor::Rare => self.take_rare(most, selection),
                ChosenFor::Different => selection.take_next(&mut self.different, reason, most),
                ChosenFor::Unsure | ChosenFor::Random => selection.take_next(&mut self.unsure, reason, most),
            };
            if !taken {
                return;
            }
        }
    }

    /// Topics give rows in inverse proportion to their labelled rows (highest averages, as in Jefferson's apportionment).
    fn take_rare(&mut self, most: usize, selection: &mut Selection) -> bool {
        let mut order: Vec<usize> = (0..self.rare.len()).collect();
        order.sort_by_key(|&t| (self.n_given[t] + 1) * self.n_labelled[t]);
        for topic in order {
            if selection.take_next(&mut self.rare[topic], ChosenFor::Rare, most) {
                self.n_given[topic] += 1;
                return true;
            }
        }
        false
    }
}

fn select(kept: &Kept, options: &QueueOptions, rare: &[(usize, usize)]) -> Vec<QueueRow> {
    let mut selection = Selection::new(kept);
    for number in selection.ranking(&kept.random).numbers {
        selection.take(number, ChosenFor::Random);
    }
    let mut rankings = Rankings::of(kept, &selection, rare);
    let rest = options.n - selection.n_chosen(ChosenFor::Random);
    let n_documents =
        selection.candidates.iter().map(|c| c.row.sentence.document.as_str()).collect::<HashSet<&str>>().len();
    let most_of_document = (DOCUMENT_FACTOR * rest).div_ceil(n_documents.max(1)).max(DOCUMENT_LEAST);
    let [n_rare, n_different] = [RARE_SHARE, DIFFERENT_SHARE].map(|share| (share * rest as f64).round() as usize);
    for most in [most_of_document, usize::MAX] {
        rankings.rewind();
        rankings.fill(ChosenFor::Rare, n_rare, most, &mut selection);
        rankings.fill(ChosenFor::Different, n_different, most, &mut selection);
        // The unsure rows are the rest; what they cannot fill goes back to the others.
        for reason in [ChosenFor::Unsure, ChosenFor::Rare, ChosenFor::Different] {
            let all: usize = selection.chosen.values().map(Vec::len).sum();
            let up_to = selection.n_chosen(reason) + options.n - all;
            rankings.fill(reason, up_to, most, &mut selection);
        }
    }
    in_order(&selection, options.order)
}

fn in_order(selection: &Selection, order: Order) -> Vec<QueueRow> {
    let mut rows: Vec<(f64, ChosenFor, usize)> = Vec::new();
    for (&reason, numbers) in &selection.chosen {
        // The middle of each row's part when the reason's rows are spread evenly from 0 to 1.
        let middle = |at: usize| (2 * at + 1) as f64 / (2 * numbers.len()) as f64;
        rows.extend(numbers.iter().enumerate().map(|(at, &number)| (middle(at), reason, number)));
    }
    match order {
        Order::Document => rows.sort_by_key(|&(_, _, number)| number),
        Order::Priority => rows.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))),
    }
    let row = |(_, chosen_for, number): (f64, ChosenFor, usize)| QueueRow {
        chosen_for,
        ..selection.candidates[number].row.clone()
    };
    rows.into_iter().map(row).collect()
}

/// The columns of a queue file. `act` and `topics` are empty, to be filled by a person.
pub const COLUMNS: [&str; 13] = [
    "id",
    "document",
    "title",
    "lead",
    "before",
    "text",
    "after",
    "predicted_act",
    "predicted_topics",
    "act_score",
    "chosen_for",
    "act",
    "topics",
];

/// Writes a queue file: CSV with [`COLUMNS`]; the probability of the act has four decimals.
///
/// # Errors
/// Writing fails.
pub fn write(rows: &[QueueRow], taxonomy: &Taxonomy, out: &mut dyn Write) -> std::io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(COLUMNS)?;
    for row in rows {
        let InContext { id, document, title, lead, before, text, after } = &row.sentence;
        writer.write_record([
            id,
            document,
            title.as_deref().unwrap_or_default(),
            lead.as_deref().unwrap_or_default(),
            before,
            text,
            after,
            &taxonomy.acts[row.act].id,
            &taxonomy.join_topics(row.topics),
            &format!("{:.4}", row.act_score),
            row.chosen_for.name(),
            "",
            "",
        ])?;
    }
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::Labels;
    use proptest::prelude::*;

    fn made_up(place: Place, document: &str, text: &str) -> Candidate {
        let row = QueueRow {
            sentence: InContext {
                id: format!("{}:{}", place.0, place.1),
                document: document.to_owned(),
                text: text.to_owned(),
                ..InContext::default()
            },
            act: 0,
            topics: TopicSet::default(),
            act_score: 0.5,
            chosen_for: ChosenFor::Random,
        };
        Candidate { place, row }
    }

    fn options(n: usize, random_share: f64, seed: u64) -> QueueOptions {
        QueueOptions { n, random_share, seed, order: Order::Document, split: true }
    }

    fn documents(texts: &[String]) -> impl Iterator<Item = Result<Document, ReadError>> {
        texts
            .iter()
            .enumerate()
            .map(|(n, text)| Ok(Document { id: format!("d{n}"), text: text.clone(), ..Document::default() }))
    }

    fn queue(model: &Model, texts: &[String], labelled: &[LabelledRow], options: &QueueOptions) -> Queue {
        choose(model, documents(texts), &Labelled::new(labelled), options, &mut |e| panic!("{e}"), &mut |_| ())
            .expect("chosen")
    }

    fn labelled_row(id: &str, text: &str) -> LabelledRow {
        let labels = Labels { act: 0, topics: TopicSet::default() };
        LabelledRow { id: id.to_owned(), document: "x".to_owned(), title: None, text: text.to_owned(), labels }
    }

    proptest! {
        /// Whatever the order, what is kept is the best of those with the same words, and of these the best few.
        #[test]
        fn keeps_the_best_in_any_order(
            (offers, turned) in proptest::collection::vec((0..20u64, 0..6u128), 0..40)
                .prop_flat_map(|offers| (Just(offers.clone()), Just(offers).prop_shuffle())),
            most in 0..8usize,
            distinct in any::<bool>(),
        ) {
            let numbered = |offers: &[(u64, u128)]| {
                // The place belongs to the offer, so equal offers are one and the same sentence: told apart by their rank.
                let mut seen: HashMap<(u64, u128), usize> = HashMap::new();
                offers.iter().map(|&(value, words)| {
                    let n = seen.entry((value, words)).or_default();
                    *n += 1;
                    ((value, (words as usize, *n)), words)
                }).collect::<Vec<(Key, u128)>>()
            };
            let mut kept = Best::new(most, distinct);
            for (key, words) in numbered(&turned) {
                if kept.takes(key, words) {
                    kept.take(key, words, Arc::new(made_up(key.1, "d", "")));
                }
            }
            let mut all = numbered(&offers);
            all.sort();
            let mut seen = HashSet::new();
            all.retain(|&(_, words)| !distinct || seen.insert(words));
            let expected: Vec<Place> = all.iter().take(most).map(|(key, _)| key.1).collect();
            prop_assert_eq!(kept.iter().map(|c| c.place).collect::<Vec<_>>(), expected);
        }
    }

    /// 20 sentences, 5 of them drawn with each of 400 seeds: each is drawn 100 times, give or take 4.5 standard deviations
    /// of √(400 · ¼ · ¾) = 8.7.
    #[test]
    fn every_sentence_has_the_same_chance() {
        let mut drawn = [0; 20];
        for seed in 0..400 {
            let mut best = Best::new(5, false);
            for n in 0..20 {
                let key = random_key(&format!("d{n}:0"), seed, (n, 0));
                if best.takes(key, 0) {
                    best.take(key, 0, Arc::new(made_up((n, 0), "d", "")));
                }
            }
            best.iter().for_each(|c| drawn[c.place.0] += 1);
        }
        assert_eq!(drawn.iter().sum::<usize>(), 2000);
        assert!(drawn.iter().all(|&n| (61..=139).contains(&n)), "{drawn:?}");
    }

    #[test]
    fn random_rows_do_not_depend_on_the_others() {
        let model = Model::shipped().expect("the shipped model loads");
        let texts: Vec<String> = (0..40)
            .map(|n| format!("The council heard item {n} on {n} streets. We demand a vote on plan {n}."))
            .collect();
        let random = |options: &QueueOptions| {
            let rows = queue(&model, &texts, &[], options).rows;
            rows.into_iter().filter(|r| r.chosen_for == ChosenFor::Random).map(|r| r.sentence.id).collect::<Vec<_>>()
        };
        let some = random(&options(20, 0.25, 3));
        assert_eq!(some.len(), 5);
        assert_eq!(random(&options(5, 1.0, 3)), some);
        assert_ne!(random(&options(5, 1.0, 4)), some);
    }

    #[test]
    fn what_is_labelled_is_left_out_and_counted() {
        let model = Model::shipped().expect("the shipped model loads");
        let texts = [
            "Ban chokeholds in this city at once. The mayor spoke for an hour about the weather on the lake.",
            "The board shall publish every report within thirty days of the vote. It rained on Tuesday in the hills.",
        ]
        .map(str::to_owned);
        let rows = [
            labelled_row("d0:0", "something else"),
            labelled_row("a", "it rained, on Tuesday, in the hills"),
            labelled_row("b", "The board shall publish every report within thirty days of the vote again."),
        ];
        let queue = queue(&model, &texts, &rows, &options(9, 0.0, 0));
        assert_eq!(
            (queue.n_sentences, queue.n_same_id, queue.n_same_text, queue.n_near, queue.n_open()),
            (4, 1, 1, 1, 1)
        );
        let [row] = &queue.rows[..] else { panic!("{:?}", queue.rows) };
        assert_eq!(
            (row.sentence.id.as_str(), row.sentence.before.as_str(), row.sentence.after.as_str()),
            ("d0:1", "Ban chokeholds in this city at once.", "")
        );
    }

    /// Candidates of one kind, each a text of its own: those of document `a` are best, then those of `b`.
    #[test]
    fn near_duplicates_are_taken_once_and_documents_share() {
        let mut kept = Kept::new(20, 0, 0);
        let texts = [
            ("a", "alpha one two three"),
            ("a", "alpha one two three."),
            ("a", "beta four five six"),
            ("a", "gamma seven eight nine"),
            ("a", "delta ten eleven twelve"),
            ("b", "epsilon red green blue"),
            ("c", "zeta up down left"),
            ("d", "eta north south west"),
            ("e", "theta"),
            ("f", "iota"),
            ("g", "kappa"),
            ("h", "mu"),
        ];
        for (at, (document, text)) in texts.iter().enumerate() {
            let place = (at, 0);
            let offer = Offer {
                random: (0, place),
                unsure: Some(key(at as f64, place)),
                different: None,
                rare: vec![],
                words: at as u128,
            };
            kept.offer(&offer, || made_up(place, document, text));
        }
        let places = |n: usize| {
            let rows = select(&kept, &QueueOptions { order: Order::Priority, ..options(n, 0.0, 0) }, &[]);
            assert!(rows.iter().all(|r| r.chosen_for == ChosenFor::Unsure));
            rows.iter().map(|r| r.sentence.id.clone()).collect::<Vec<_>>()
        };
        // Three rows of eight documents: ⌈4 · 3 / 8⌉ = 2 of a document. The second text repeats the first.
        assert_eq!(places(3), ["0:0", "2:0", "5:0"]);
        // Six rows: three of a document. Of twelve texts eleven differ, and in the end documents give all that they have.
        assert_eq!(places(6), ["0:0", "2:0", "3:0", "5:0", "6:0", "7:0"]);
        assert_eq!(places(20).len(), 11);
    }

    #[test]
    fn rare_topics_give_in_inverse_proportion() {
        let mut kept = Kept::new(24, 0, 2);
        for at in 0..60 {
            let place = (at, 0);
            // Even numbers are of the first topic, odd ones of the second.
            let rare = [0, 1].map(|t| (at % 2 == t).then(|| key(0.1, place))).to_vec();
            let offer = Offer { random: (0, place), unsure: None, different: None, rare, words: at as u128 };
            kept.offer(&offer, || made_up(place, &format!("d{at}"), &format!("w{at} x{at} y{at}")));
        }
        // Without other reasons all 24 rows are for rare topics; 100 and 300 labelled rows: 18 and 6.
        let rows = select(&kept, &options(24, 0.0, 0), &[(0, 100), (1, 300)]);
        assert!(rows.iter().all(|r| r.chosen_for == ChosenFor::Rare));
        let even = rows.iter().filter(|r| {
            r.sentence.id.split(':').next().and_then(|n| n.parse::<usize>().ok()).is_some_and(|n| n % 2 == 0)
        });
        assert_eq!((rows.len(), even.count()), (24, 18));
    }

    #[test]
    fn uncertainty_by_hand() {
        let model = Model::shipped().expect("the shipped model loads");
        let n_acts = model.taxonomy().acts.len();
        let none = model.taxonomy().act_without_topics.expect("an act without topics");
        let mut probabilities = vec![1e-9; model.n_outputs()];
        (probabilities[0], probabilities[1]) = (0.55, 0.45);
        let prediction = |act: usize, probabilities: &[f64]| Prediction {
            act,
            probabilities: probabilities.to_vec(),
            n_words: 9,
            ..Prediction::default()
        };
        // A lead of 0.1 is half of the margin of 0.2.
        assert!((uncertainty(&model, &prediction(0, &probabilities)) - 0.5).abs() < 1e-9);
        // Odds of the threshold times e to the 0.1: a fifth of the margin of 0.5.
        let threshold = f64::from(model.thresholds()[2]);
        let odds = threshold / (1.0 - threshold) * 0.1f64.exp();
        probabilities[n_acts + 2] = odds / (1.0 + odds);
        assert!((uncertainty(&model, &prediction(0, &probabilities)) - 0.2).abs() < 1e-6);
        probabilities.swap(0, none);
        assert!((uncertainty(&model, &prediction(none, &probabilities)) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn rare_topics_are_below_the_mean() {
        let model = Model::shipped().expect("the shipped model loads");
        let labels = &model.training().labels[model.taxonomy().acts.len()..];
        let mean = labels.iter().map(|l| l.n_rows).sum::<usize>() as f64 / labels.len() as f64;
        let rare = rare_topics(&model);
        assert!(!rare.is_empty() && rare.len() < labels.len());
        for (topic, label) in labels.iter().enumerate() {
            assert_eq!(rare.contains(&(topic, label.n_rows)), (label.n_rows as f64) < mean, "{}", label.name);
        }
    }
}
