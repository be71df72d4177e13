//! Texts → which of them say the same in nearly the same words.
//!
//! A text is the set of its *shingles*: three words in a row ([`SHINGLE_WORDS`]), or its single words when it has fewer than six
//! ([`SHORT_WORDS`]). Words are normalised as everywhere ([`crate::stem::normalise`]): case, years and long numbers make no
//! difference. The *resemblance* of two texts is the Jaccard index of their sets, the shared shingles over all shingles of
//! both, 0 to 1. Two texts are near-duplicates from a threshold on, [`THRESHOLD`] unless another is given. A short text
//! and a long one share no shingle and so are never near-duplicates. Source of shingles and resemblance: Broder 1997, "On the
//! resemblance and containment of documents".
//!
//! Pairs are found without comparing all. As in Broder's sketches, shingles are put into one fixed order and only the first few
//! of each set are looked up. How many is not a matter of chance here: two sets of resemblance `t` share at least `t · n`
//! of the `n` shingles of the larger, so that their first shared shingle stands among the first `n − ⌈t · n⌉ + 1` of
//! either. Source: Chaudhuri, Ganti and Kaushik 2006, "A primitive operator for similarity joins in data cleaning"; Bayardo,
//! Ma and Srikant 2007, "Scaling up all pairs similarity search". Whatever shares one of them is then compared as a whole.
//! **So no pair is missed and none is reported in vain**; MinHash with 20 bands of 4 hashes would miss one in 38,000 of the pairs
//! at 0.8. The one thing left to chance is that shingles are held as hashes of 64 bits: two different ones are taken
//! for one another once in 1.8e19 pairs of shingles.
//!
//! The rarest shingles come first in the order, so what is looked up is shared by few.

use crate::stem::{for_each_raw_word, normalise};
use hashbrown::HashMap;

/// Words of a shingle.
pub const SHINGLE_WORDS: usize = 3;
/// A text of fewer words than this is the set of its words.
pub const SHORT_WORDS: usize = 6;
/// Near-duplicates resemble each other at least this much, unless another threshold is given.
pub const THRESHOLD: f64 = 0.8;

type Table<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// The shingles of one text, as hashes that are the same on every machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Shingles(Box<[u64]>);

impl Shingles {
    /// The set of a text's shingles. A text without words has one shingle of its own kind, so that such texts resemble each other
    /// and nothing else.
    ///
    /// ```
    /// use petition::near_duplicates::Shingles;
    /// let one = Shingles::of("The board shall publish every report within 30 days.");
    /// let two = Shingles::of("The Board shall publish every report within 45 days");
    /// // Of seven shingles each, two hold the number; five are shared.
    /// assert_eq!((one.len(), one.resemblance(&two)), (7, 5.0 / 9.0));
    /// assert_eq!(Shingles::of("Ban chokeholds!").resemblance(&Shingles::of("ban chokeholds now")), 2.0 / 3.0);
    /// ```
    pub fn of(text: &str) -> Self {
        let mut normal = String::new();
        let mut words = Vec::new();
        for_each_raw_word(text, |raw| {
            normalise(raw, &mut normal);
            words.push(hash_bytes(normal.as_bytes()));
        });
        let mut shingles: Vec<u64> = match words.len() {
            0 => vec![0],
            n if n < SHORT_WORDS => words.iter().map(|&word| mix(word ^ 1)).collect(),
            _ => words.windows(SHINGLE_WORDS).map(|run| run.iter().fold(2, |all, &word| mix(all ^ word))).collect(),
        };
        shingles.sort_unstable();
        shingles.dedup();
        Self(shingles.into())
    }

    /// How many different shingles there are, 1 or more.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// There is none: only in the default value, never of a text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The Jaccard index of both sets, 0 to 1: the number of shared shingles over the number of all; 1 for two empty sets.
    pub fn resemblance(&self, other: &Self) -> f64 {
        let shared = self.n_shared(other);
        let all = self.len() + other.len() - shared;
        if all == 0 { 1.0 } else { shared as f64 / all as f64 }
    }

    fn n_shared(&self, other: &Self) -> usize {
        let (mut a, mut b, mut shared) = (0, 0, 0);
        while let (Some(x), Some(y)) = (self.0.get(a), other.0.get(b)) {
            shared += usize::from(x == y);
            a += usize::from(x <= y);
            b += usize::from(y <= x);
        }
        shared
    }
}

/// The text's words in a row, normalised, as one number: equal for texts that differ in case, punctuation, spacing, years and long
/// numbers alone. Two other texts have the same number once in 3.4e38 pairs.
///
/// ```
/// use petition::near_duplicates::same_words;
/// assert_eq!(same_words("Ban  chokeholds, in 2021!"), same_words("ban chokeholds in 2020"));
/// assert_ne!(same_words("Ban chokeholds"), same_words("Chokeholds ban"));
/// ```
pub fn same_words(text: &str) -> u128 {
    let mut normal = String::new();
    let (mut low, mut high) = (0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344);
    for_each_raw_word(text, |raw| {
        normalise(raw, &mut normal);
        let word = hash_bytes(normal.as_bytes());
        low = mix(low ^ word);
        high = mix(high ^ word.rotate_left(32));
    });
    u128::from(high) << 64 | u128::from(low)
}

/// FNV-1a (Fowler, Noll and Vo), mixed once more.
pub(crate) fn hash_bytes(bytes: &[u8]) -> u64 {
    mix(bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &b| (hash ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3)))
}

/// One step of [`crate::random::SplitMix`].
pub(crate) fn mix(x: u64) -> u64 {
    crate::random::SplitMix(x).next()
}

/// Sets of shingles, and which of them a text is a near-duplicate of.
///
/// Takes some 50 bytes a shingle.
#[derive(Debug, Clone)]
pub struct Index {
    threshold: f64,
    sets: Vec<Shingles>,
    /// In how many sets each shingle is; the rarest are looked up.
    n_sets: Table<u64, u32>,
    /// The sets that have a shingle among those to be looked up.
    places: Table<u64, Vec<u32>>,
}

impl Index {
    /// Takes in sets, which keep their places as numbers, from 0.
    ///
    /// # Panics
    /// A threshold that is not above 0 and at most 1, or 2^32 sets and more.
    pub fn new(sets: Vec<Shingles>, threshold: f64) -> Self {
        assert!(threshold > 0.0 && threshold <= 1.0, "a threshold is above 0 and at most 1, not {threshold}");
        let mut index = Self { threshold, sets: Vec::new(), n_sets: Table::default(), places: Table::default() };
        for shingle in sets.iter().flat_map(|set| &set.0) {
            *index.n_sets.entry(*shingle).or_default() += 1;
        }
        for (number, set) in sets.iter().enumerate() {
            let number = u32::try_from(number).expect("fewer than 2^32 sets");
            for shingle in index.looked_up(set) {
                index.places.entry(shingle).or_default().push(number);
            }
        }
        index.sets = sets;
        index
    }

    /// How many sets there are.
    pub fn len(&self) -> usize {
        self.sets.len()
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// The set of a number.
    pub fn set(&self, number: usize) -> &Shingles {
        &self.sets[number]
    }

    /// The numbers of all sets that resemble `set` at the threshold or above, increasing, with their resemblance; a set
    /// that was taken in finds itself.
    pub fn find(&self, set: &Shingles) -> Vec<(usize, f64)> {
        let mut numbers: Vec<u32> = Vec::new();
        for shingle in self.looked_up(set) {
            numbers.extend(self.places.get(&shingle).into_iter().flatten());
        }
        numbers.sort_unstable();
        numbers.dedup();
        numbers.iter().filter_map(|&number| self.compare(set, number).map(|r| (number as usize, r))).collect()
    }

    /// Some set resembles `set` at the threshold or above.
    pub fn any(&self, set: &Shingles) -> bool {
        let mut places = self.looked_up(set).into_iter().filter_map(|shingle| self.places.get(&shingle));
        places.any(|numbers| numbers.iter().any(|&number| self.compare(set, number).is_some()))
    }

    fn compare(&self, set: &Shingles, number: u32) -> Option<f64> {
        let other = &self.sets[number as usize];
        let (less, more) = (set.len().min(other.len()), set.len().max(other.len()));
        if (less as f64) < self.threshold * more as f64 - SLACK {
            return None;
        }
        Some(set.resemblance(other)).filter(|&r| r >= self.threshold)
    }

    /// The first shingles in the order of rarity, as many as a near-duplicate must share one of.
    fn looked_up(&self, set: &Shingles) -> Vec<u64> {
        let n = set.len();
        let n_shared = ((self.threshold * n as f64 - SLACK).ceil() as usize).max(1);
        let n_first = (n + 1).saturating_sub(n_shared);
        let mut order: Vec<(u32, u64)> =
            set.0.iter().map(|&shingle| (self.n_sets.get(&shingle).copied().unwrap_or(0), shingle)).collect();
        order.sort_unstable();
        order.into_iter().take(n_first).map(|(_, shingle)| shingle).collect()
    }
}

/// The product of a threshold and a number is rounded, by less than this; what passes for that alone is compared exactly.
const SLACK: f64 = 1e-6;

/// Two near-duplicates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// The number of the one …
    pub first: usize,
    /// … and of the other, which is larger.
    pub second: usize,
    /// How much they resemble each other, from the threshold to 1.
    pub resemblance: f64,
}

/// All pairs of near-duplicates among texts, by their numbers, increasing; the same pairs as comparing each with each gives.
///
/// ```
/// use petition::near_duplicates::{THRESHOLD, pairs};
/// let texts = ["Ban all chokeholds now", "It rained", "ban all chokeholds, now!"];
/// let found = pairs(&texts, THRESHOLD);
/// assert_eq!((found.len(), found[0].first, found[0].second, found[0].resemblance), (1, 0, 2, 1.0));
/// ```
///
/// # Panics
/// As [`Index::new`].
pub fn pairs(texts: &[&str], threshold: f64) -> Vec<Pair> {
    let index = Index::new(texts.iter().map(|text| Shingles::of(text)).collect(), threshold);
    let of = |first: usize| {
        let found = index.find(index.set(first)).into_iter().filter(move |&(second, _)| second > first);
        found.map(move |(second, resemblance)| Pair { first, second, resemblance })
    };
    (0..index.len()).flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn resemblance_by_hand() {
        for (one, two, expected) in [
            // Words of short texts, in any order.
            ("a b c d", "d c b a e", 4.0 / 5.0),
            ("a b", "c d", 0.0),
            ("Defund the police", "DEFUND the police!", 1.0),
            // Shingles: abc bcd cde def; abc bcd cde deg.
            ("a b c d e f", "a b c d e g", 3.0 / 5.0),
            // Five words and six never meet.
            ("a b c d e", "a b c d e e", 0.0),
            ("", "—", 1.0),
            ("", "a", 0.0),
            ("On June 9, 2020 we met at noon", "on June 9, 2021, we met at noon", 1.0),
        ] {
            let (one, two) = (Shingles::of(one), Shingles::of(two));
            assert_eq!(one.resemblance(&two), expected, "{one:?} {two:?}");
            assert_eq!(two.resemblance(&one), expected);
        }
    }

    #[test]
    fn hashes_do_not_change() {
        // FNV-1a and SplitMix64, worked elsewhere.
        assert_eq!(hash_bytes(b"police"), 0x7c34_646c_0799_91f2);
    }

    /// Four of five words are exactly 0.8: the threshold itself counts.
    #[test]
    fn the_threshold_counts() {
        let index = Index::new(vec![Shingles::of("a b c d e")], 0.8);
        assert_eq!(index.find(&Shingles::of("a b c d")), [(0, 0.8)]);
        assert!(index.any(&Shingles::of("a b c d")) && !index.any(&Shingles::of("a b c")));
        assert!(Index::new(Vec::new(), 0.8).find(&Shingles::of("a")).is_empty());
    }

    fn slow_pairs(texts: &[&str], threshold: f64) -> Vec<Pair> {
        let sets: Vec<Shingles> = texts.iter().map(|t| Shingles::of(t)).collect();
        let all = (0..sets.len()).flat_map(|first| (first + 1..sets.len()).map(move |second| (first, second)));
        let compared =
            all.map(|(first, second)| Pair { first, second, resemblance: sets[first].resemblance(&sets[second]) });
        compared.filter(|p| p.resemblance >= threshold).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// Texts grow out of one another by a changed, dropped or added word, so that many resemblances lie about the threshold.
        #[test]
        fn the_same_pairs_as_comparing_all(
            start in proptest::collection::vec(0..12u32, 0..24),
            edits in proptest::collection::vec((0..8usize, 0..24usize, 0..12u32, 0..4u8), 0..20),
            threshold in prop::sample::select(vec![0.3, 0.5, 0.6, 0.75, 0.8, 0.9, 1.0]),
        ) {
            let mut texts = vec![start];
            for (from, at, word, edit) in edits {
                let mut text = texts[from % texts.len()].clone();
                let at = at % (text.len() + 1);
                match edit {
                    0 if at < text.len() => text[at] = word,
                    1 if at < text.len() => { text.remove(at); }
                    2 => text.insert(at, word),
                    _ => {}
                }
                texts.push(text);
            }
            let written = |text: &Vec<u32>| text.iter().map(|w| format!("w{w}")).collect::<Vec<_>>().join(" ");
            let texts: Vec<String> = texts.iter().map(written).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            prop_assert_eq!(pairs(&texts, threshold), slow_pairs(&texts, threshold));
        }
    }
}
