//! What one sentence shows: its words read once, its seed terms found, its features listed. Which of them count, and how much,
//! is asked in `space`.

use super::{Feature, Text, without_conjunction, without_list_number};
use crate::matcher::MatchScratch;
use crate::stem::{StemTable, Stemmer, UNKNOWN, Word, for_each_raw_word, normalise};
use crate::taxonomy::{Owner, Taxonomy};
use hashbrown::HashMap;

/// Reads sentences: what each shows, given a taxonomy and a stem table. Remembers words; make one a thread.
pub struct Extractor<'a> {
    taxonomy: &'a Taxonomy,
    stems: &'a StemTable,
    stemmer: Stemmer,
    cache: HashMap<Box<str>, Word, foldhash::fast::FixedState>,
    symbols: Vec<u32>,
    normal: String,
    words: Vec<Word>,
    matching: MatchScratch,
    profiles: Vec<u32>,
    hits: Vec<u32>,
    group_counts: Vec<u32>,
    title: Option<Box<str>>,
    title_stems: Vec<u32>,
    title_groups: Vec<u32>,
    /// What the sentence shows: packed feature, count; sorted, each once.
    pub(super) observed: Vec<(u64, u32)>,
    n_known: usize,
}

/// Words that are remembered at most; then the memory starts anew.
const MAX_CACHED_WORDS: usize = 1 << 18;

/// What one sentence shows, before it is known what counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed(pub(super) Box<[(u64, u32)]>);

impl<'a> Extractor<'a> {
    /// An extractor that has read nothing yet.
    pub fn new(taxonomy: &'a Taxonomy, stems: &'a StemTable) -> Self {
        Self {
            taxonomy,
            stems,
            stemmer: Stemmer::default(),
            cache: HashMap::default(),
            symbols: Vec::new(),
            normal: String::new(),
            words: Vec::new(),
            matching: taxonomy.matcher.scratch(),
            profiles: Vec::new(),
            hits: Vec::new(),
            group_counts: Vec::new(),
            title: None,
            title_stems: Vec::new(),
            title_groups: Vec::new(),
            observed: Vec::new(),
            n_known: 0,
        }
    }

    /// How many words of the sentence read last the stem table knew.
    pub fn n_known(&self) -> usize {
        self.n_known
    }

    /// How many words the sentence read last has.
    pub fn n_words(&self) -> usize {
        self.words.len()
    }

    /// The numbers of the terms that the sentence read last holds, each once, in order.
    pub fn hits(&self) -> &[u32] {
        &self.hits
    }

    /// What the sentence read last showed, for [`super::FeatureSpace::fit`].
    pub fn observed(&self) -> Observed {
        Observed(self.observed.clone().into_boxed_slice())
    }

    /// Reads the words of a text into `self.words`.
    fn read_words(&mut self, text: &str) {
        if self.cache.len() >= MAX_CACHED_WORDS {
            self.cache.clear();
            self.matching.forget();
        }
        let Self { stemmer, cache, symbols, normal, words, taxonomy, stems, matching, .. } = self;
        words.clear();
        for_each_raw_word(text, |raw| {
            if let Some(&word) = cache.get(raw) {
                return words.push(word);
            }
            normalise(raw, normal);
            let stem = stemmer.stem(normal);
            symbols.clear();
            taxonomy.symbols.of_word(normal, &stem, symbols);
            let profile = taxonomy.matcher.profile(symbols, matching);
            let is_capital = |c: char| c.is_uppercase();
            let word = Word {
                stem: stems.number(&stem),
                profile,
                capital: raw.starts_with(is_capital),
                all_capitals: raw.len() > 1 && raw.contains(is_capital) && !raw.contains(char::is_lowercase),
            };
            cache.insert(raw.into(), word);
            words.push(word);
        });
    }

    /// Finds the terms that match the words read last.
    fn find_terms(&mut self) {
        let Self { words, matching, hits, profiles, taxonomy, .. } = self;
        profiles.clear();
        profiles.extend(words.iter().map(|w| w.profile));
        taxonomy.matcher.find(profiles, matching, hits);
    }

    /// Reads the title, unless it is the last one read.
    fn read_title(&mut self, title: Option<&str>) {
        if self.title.as_deref() == title {
            return;
        }
        self.title = title.map(Into::into);
        self.title_stems.clear();
        self.title_groups.clear();
        let Some(title) = title else { return };
        self.read_words(title);
        self.find_terms();
        self.title_stems.extend(self.words.iter().map(|w| w.stem).filter(|&s| s != UNKNOWN));
        self.title_stems.sort_unstable();
        self.title_stems.dedup();
        self.title_groups.extend(self.hits.iter().map(|&t| self.taxonomy.terms[t as usize].group));
        self.title_groups.dedup();
    }

    /// Reads a sentence: finds all that it shows. Stems that the table does not hold are counted but show nothing.
    pub fn observe(&mut self, text: &Text) {
        self.read_title(text.title);
        let (mut sentence, numbered) = without_list_number(text.sentence);
        if text.lead.is_some() {
            // "and publish the report": the verb opens the item.
            sentence = without_conjunction(sentence);
        }
        self.read_words(sentence);
        self.find_terms();

        let Self { words, hits, group_counts, title_stems, title_groups, observed, taxonomy, .. } = self;
        observed.clear();
        let mut show = |feature: Feature, count: u32| observed.push((feature.pack(), count));

        for (at, word) in words.iter().enumerate() {
            if word.stem == UNKNOWN {
                continue;
            }
            show(Feature::Word(word.stem), 1);
            let next = words.get(at + 1).map_or(UNKNOWN, |w| w.stem);
            if next != UNKNOWN {
                show(Feature::Pair(word.stem, next), 1);
            }
            if at == 0 {
                show(Feature::Opening(word.stem), 1);
                if next != UNKNOWN {
                    show(Feature::OpeningPair(word.stem, next), 1);
                }
            }
        }

        group_counts.clear();
        group_counts.resize(taxonomy.groups.len(), 0);
        for &term in hits.iter() {
            show(Feature::Term(term), 1);
            group_counts[taxonomy.terms[term as usize].group as usize] += 1;
        }
        let is_context = |g: u32| matches!(taxonomy.groups[g as usize].owner, Owner::Context(_));
        let groups = || (0..taxonomy.groups.len() as u32).filter(|&g| group_counts[g as usize] > 0);
        for g in groups() {
            show(Feature::Group(g), group_counts[g as usize]);
            if !is_context(g) {
                groups().filter(|&c| is_context(c)).for_each(|c| show(Feature::Beside(g, c), 1));
                title_groups.iter().filter(|&&c| is_context(c)).for_each(|&c| show(Feature::UnderTitle(g, c), 1));
            }
        }
        title_stems.iter().for_each(|&s| show(Feature::TitleWord(s), 1));
        title_groups.iter().for_each(|&g| show(Feature::TitleGroup(g), 1));
        for_each_mark(sentence, numbered, words, |m| show(Feature::Mark(m), 1));

        observed.sort_unstable();
        observed.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.1 += later.1;
            }
            same
        });
        self.n_known = self.words.iter().filter(|w| w.stem != UNKNOWN).count();
    }
}

fn for_each_mark(sentence: &str, numbered: bool, words: &[Word], mut show: impl FnMut(u32)) {
    let end = sentence.trim_end().trim_end_matches(['"', '”', '’', '\'', ')', ' ']);
    let quotes = ['"', '“', '”'];
    let n_capital = words.iter().filter(|w| w.capital).count();
    let n_all_capitals = words.iter().filter(|w| w.all_capitals).count();
    let finished = end.ends_with(['.', '!', '?', ':', ';', ',', '…']);
    let tests = [
        end.ends_with(':'),
        end.ends_with('?'),
        end.ends_with('!'),
        !finished,
        sentence.contains(quotes),
        sentence.starts_with(quotes),
        numbered,
        words.first().is_some_and(|w| !w.capital) && !sentence.starts_with(quotes),
        !finished && words.len() > 2 && 3 * n_capital >= 2 * words.len(),
        words.len() > 1 && 4 * n_all_capitals >= 3 * words.len(),
        sentence.contains(['$', '%', '£', '€']),
        sentence.contains(['§', ';']),
        words.len() <= 4,
        (5..=10).contains(&words.len()),
        words.len() > 35,
        numbered && words.first().is_some_and(|w| !w.capital),
        end.ends_with([';', ',', '—']) || end.ends_with("; and") || end.ends_with("; or"),
    ];
    tests.iter().enumerate().filter(|(_, bears)| **bears).for_each(|(m, _)| show(m as u32));
}
