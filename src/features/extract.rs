//! What one sentence shows: its words read once, its seed terms found, its features listed. Which of them count, and how much,
//! is asked in `space`.

use super::{Feature, MARKS, TakeFeatures, Text, without_conjunction, without_list_number};
use crate::matcher::MatchScratch;
use crate::stem::{StemTable, Stemmer, UNKNOWN, for_each_range, normalise};
use crate::taxonomy::{Owner, Taxonomy};
use crate::words::{Word, WordCache};

/// Reads sentences: what each shows, given a taxonomy and a stem table. Remembers words; make one a thread.
pub struct Extractor<'a> {
    taxonomy: &'a Taxonomy,
    stems: &'a StemTable,
    stemmer: Stemmer,
    cache: WordCache,
    symbols: Vec<u32>,
    normal: String,
    matching: MatchScratch,
    is_context: Box<[bool]>,
    title: Option<Box<str>>,
    title_stems: Vec<u32>,
    title_groups: Vec<u32>,
    words: Vec<Word>,
    profiles: Vec<u32>,
    hits: Vec<u32>,
    /// The groups of the hits and how many each has, in order.
    groups: Vec<(u32, u32)>,
    /// A bit for each of [`MARKS`].
    marks: u32,
    n_known: usize,
}

const _: () = assert!(MARKS.len() <= 32);

/// What one sentence shows, before it is known what counts: packed feature, count; sorted, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed(pub(super) Box<[(u64, u32)]>);

impl<'a> Extractor<'a> {
    /// An extractor that has read nothing yet.
    pub fn new(taxonomy: &'a Taxonomy, stems: &'a StemTable) -> Self {
        Self {
            taxonomy,
            stems,
            stemmer: Stemmer::default(),
            cache: WordCache::default(),
            symbols: Vec::new(),
            normal: String::new(),
            matching: taxonomy.matcher.scratch(),
            is_context: taxonomy.groups.iter().map(|g| matches!(g.owner, Owner::Context(_))).collect(),
            title: None,
            title_stems: Vec::new(),
            title_groups: Vec::new(),
            words: Vec::new(),
            profiles: Vec::new(),
            hits: Vec::new(),
            groups: Vec::new(),
            marks: 0,
            n_known: 0,
        }
    }

    /// Remembers no more than a `share`-th of the words that it would.
    pub(crate) fn limit_words(&mut self, share: usize) {
        self.cache.limit(share);
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

    /// Reads the words of a text into `self.words`.
    fn read_words(&mut self, text: &str) {
        self.words.clear();
        for_each_range(text, |start, end| {
            let word = self.cache.get(text, start, end);
            let word = word.unwrap_or_else(|| self.read_new_word(text, start, end));
            self.words.push(word);
        });
    }

    #[cold]
    fn read_new_word(&mut self, text: &str, start: usize, end: usize) -> Word {
        let Self { stemmer, cache, symbols, normal, taxonomy, stems, matching, .. } = self;
        let raw = &text[start..end];
        normalise(raw, normal);
        let stem = stemmer.stem(normal);
        symbols.clear();
        taxonomy.symbols.of_word(normal, &stem, symbols);
        let is_capital = |c: char| c.is_uppercase();
        let word = Word {
            stem: stems.number(&stem),
            profile: taxonomy.matcher.profile(symbols, matching),
            capital: raw.starts_with(is_capital),
            all_capitals: raw.len() > 1 && raw.contains(is_capital) && !raw.contains(char::is_lowercase),
        };
        if !cache.insert(text, start, end, word) {
            // The words of the sentence at hand still need their profiles, so these are kept.
            cache.clear();
        }
        word
    }

    /// Finds the terms that match the words read last.
    fn find_terms(&mut self) {
        self.profiles.clear();
        self.profiles.extend(self.words.iter().map(|w| w.profile));
        self.taxonomy.matcher.find(&self.profiles, &mut self.matching, &mut self.hits);
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

    /// Reads a sentence: finds its words, terms and marks. Stems that the table does not hold are counted but show nothing.
    pub fn read(&mut self, text: &Text) {
        self.read_title(text.title);
        let (mut sentence, numbered) = without_list_number(text.sentence);
        if text.lead.is_some() {
            // "and publish the report": the verb opens the item.
            sentence = without_conjunction(sentence);
        }
        self.read_words(sentence);
        self.find_terms();
        self.n_known = self.words.iter().filter(|w| w.stem != UNKNOWN).count();
        self.marks = marks(sentence, numbered, &self.words);
        // Terms are numbered group by group, so their groups come in order.
        self.groups.clear();
        for &term in &self.hits {
            let group = self.taxonomy.terms[term as usize].group;
            match self.groups.last_mut() {
                Some((last, count)) if *last == group => *count += 1,
                _ => self.groups.push((group, 1)),
            }
        }
    }

    /// Gives every feature of the sentence read last. Words and pairs may come several times, all others come once.
    #[inline]
    pub(crate) fn give_features(&self, taker: &mut impl TakeFeatures) {
        let Self { words, hits, groups, title_stems, title_groups, is_context, .. } = self;
        let mut last = UNKNOWN;
        for (at, &Word { stem, .. }) in words.iter().enumerate() {
            if stem != UNKNOWN {
                taker.take_word(stem);
                if last != UNKNOWN {
                    taker.take_pair(last, stem);
                    if at == 1 {
                        taker.take(Feature::OpeningPair(last, stem), 1);
                    }
                }
                if at == 0 {
                    taker.take(Feature::Opening(stem), 1);
                }
            }
            last = stem;
        }
        hits.iter().for_each(|&term| taker.take(Feature::Term(term), 1));
        let contexts = || groups.iter().map(|&(g, _)| g).filter(|&g| is_context[g as usize]);
        for &(group, count) in groups {
            taker.take(Feature::Group(group), count);
            if !is_context[group as usize] {
                contexts().for_each(|c| taker.take(Feature::Beside(group, c), 1));
                let of_title = title_groups.iter().filter(|&&g| is_context[g as usize]);
                of_title.for_each(|&c| taker.take(Feature::UnderTitle(group, c), 1));
            }
        }
        title_stems.iter().for_each(|&s| taker.take(Feature::TitleWord(s), 1));
        title_groups.iter().for_each(|&g| taker.take(Feature::TitleGroup(g), 1));
        let mut marks = self.marks;
        while marks != 0 {
            taker.take(Feature::Mark(marks.trailing_zeros()), 1);
            marks &= marks - 1;
        }
    }

    /// What the sentence read last showed, for [`super::FeatureSpace::fit`].
    pub fn observed(&self) -> Observed {
        let mut packed = Packed::default();
        self.give_features(&mut packed);
        let Packed(mut observed) = packed;
        observed.sort_unstable();
        observed.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                kept.1 += later.1;
            }
            same
        });
        Observed(observed.into_boxed_slice())
    }
}

/// Features, packed, as they come.
#[derive(Default)]
struct Packed(Vec<(u64, u32)>);

impl TakeFeatures for Packed {
    fn take(&mut self, feature: Feature, count: u32) {
        self.0.push((feature.pack(), count));
    }
}

/// The marks that a sentence bears, a bit each.
fn marks(sentence: &str, numbered: bool, words: &[Word]) -> u32 {
    let end = sentence.trim_end().trim_end_matches(['"', '”', '’', '\'', ')', ' ']);
    let last = end.chars().next_back().unwrap_or(' ');
    // ASCII is looked for in all bytes at once, the rest only where there is any.
    let (mut quote, mut amount, mut section, mut wide) = (false, false, false, false);
    for &b in sentence.as_bytes() {
        quote |= b == b'"';
        amount |= (b == b'$') | (b == b'%');
        section |= b == b';';
        wide |= b >= 0x80;
    }
    if wide {
        quote |= sentence.contains(['“', '”']);
        amount |= sentence.contains(['£', '€']);
        section |= sentence.contains('§');
    }
    let opens_with_quote = sentence.starts_with(['"', '“', '”']);
    let (mut n_capital, mut n_all_capitals) = (0, 0);
    for word in words {
        n_capital += usize::from(word.capital);
        n_all_capitals += usize::from(word.all_capitals);
    }
    let finished = ['.', '!', '?', ':', ';', ',', '…'].contains(&last);
    let opens_small = words.first().is_some_and(|w| !w.capital);
    let n = words.len();
    let tests: [bool; MARKS.len()] = [
        last == ':',
        last == '?',
        last == '!',
        !finished,
        quote,
        opens_with_quote,
        numbered,
        opens_small && !opens_with_quote,
        !finished && n > 2 && 3 * n_capital >= 2 * n,
        n > 1 && 4 * n_all_capitals >= 3 * n,
        amount,
        section,
        n <= 4,
        (5..=10).contains(&n),
        n > 35,
        numbered && opens_small,
        [';', ',', '—'].contains(&last) || end.ends_with("; and") || end.ends_with("; or"),
    ];
    tests.iter().enumerate().fold(0, |marks, (mark, &bears)| marks | u32::from(bears) << mark)
}
