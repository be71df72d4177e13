//! Which words were met before? What is known of a raw word, remembered so that it is normalised, stemmed and looked up once.

use hashbrown::HashMap;

/// What is known of one distinct raw word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Word {
    /// The stem's number in a [`crate::stem::StemTable`], or [`crate::stem::UNKNOWN`].
    pub stem: u32,
    /// What it fulfils, see [`crate::matcher::Matcher::profile`].
    pub profile: u32,
    /// The raw word begins with a capital letter.
    pub capital: bool,
    /// The raw word has two or more letters, all capitals.
    pub all_capitals: bool,
}

/// Words up to this many bytes are their own key.
const SHORT: usize = 16;
/// Words that are remembered at most, unless told otherwise.
const MAX_WORDS: usize = 1 << 15;
/// Places of the table at first; at most half of them are taken.
const FIRST_PLACES: usize = 1 << 10;

/// Raw words and what is known of them.
#[derive(Debug, Clone)]
pub struct WordCache {
    /// Open addressing with linear probing; a key of 0 is an empty place, since no word holds the character NUL.
    places: Vec<(u128, Word)>,
    n_short: usize,
    long: HashMap<Box<str>, Word, foldhash::fast::FixedState>,
    max_words: usize,
}

impl Default for WordCache {
    fn default() -> Self {
        let places = vec![(0, Word::default()); FIRST_PLACES];
        Self { places, n_short: 0, long: HashMap::default(), max_words: MAX_WORDS }
    }
}

impl WordCache {
    /// Remembers no more than a `share`-th of the words that it would.
    pub fn limit(&mut self, share: usize) {
        self.max_words = (MAX_WORDS / share).max(1);
    }

    /// The word at `start..end` of `text`, if it is remembered.
    #[inline]
    pub fn get(&self, text: &str, start: usize, end: usize) -> Option<Word> {
        match key(text, start, end) {
            Some(key) => match self.places[self.place(key)] {
                (0, _) => None,
                (_, word) => Some(word),
            },
            None => self.long.get(&text[start..end]).copied(),
        }
    }

    /// Remembers a word that was not. False when there is no more room: then all is to be forgotten first.
    pub fn insert(&mut self, text: &str, start: usize, end: usize, word: Word) -> bool {
        if self.n_short + self.long.len() >= self.max_words {
            return false;
        }
        let Some(key) = key(text, start, end) else {
            self.long.insert(text[start..end].into(), word);
            return true;
        };
        if 2 * (self.n_short + 1) > self.places.len() {
            let larger = vec![(0, Word::default()); 2 * self.places.len()];
            for (key, word) in std::mem::replace(&mut self.places, larger).into_iter().filter(|&(key, _)| key != 0) {
                let place = self.place(key);
                self.places[place] = (key, word);
            }
        }
        let place = self.place(key);
        self.places[place] = (key, word);
        self.n_short += 1;
        true
    }

    /// Forgets all words.
    pub fn clear(&mut self) {
        *self = Self { max_words: self.max_words, ..Self::default() };
    }

    /// Where a key stands, or would.
    #[inline]
    fn place(&self, key: u128) -> usize {
        let mask = self.places.len() - 1;
        let mut place = hash(key) as usize & mask;
        while self.places[place].0 != key && self.places[place].0 != 0 {
            place = (place + 1) & mask;
        }
        place
    }
}

/// The bytes of a short word as a number.
#[inline]
fn key(text: &str, start: usize, end: usize) -> Option<u128> {
    let (bytes, length) = (text.as_bytes(), end - start);
    if length > SHORT || length == 0 {
        return None;
    }
    Some(match bytes[start..].first_chunk::<SHORT>() {
        Some(wide) => u128::from_le_bytes(*wide) & (u128::MAX >> (8 * (SHORT - length))),
        None => {
            let mut padded = [0; SHORT];
            padded[..length].copy_from_slice(&bytes[start..end]);
            u128::from_le_bytes(padded)
        }
    })
}

/// Both halves multiplied and folded, as in wyhash; the constants are the golden ratio's and pi's fraction.
#[inline]
fn hash(key: u128) -> u64 {
    let (low, high) = (key as u64 ^ 0x9e37_79b9_7f4a_7c15, (key >> 64) as u64 ^ 0x243f_6a88_85a3_08d3);
    let product = u128::from(low) * u128::from(high);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_words_of_every_length() {
        let text = "a ab abcdefghijklmnop abcdefghijklmnopq é z";
        let ranges = [(0, 1), (2, 4), (5, 21), (22, 39), (40, 42), (43, 44)];
        let mut cache = WordCache::default();
        for (number, &(start, end)) in ranges.iter().enumerate() {
            assert_eq!(cache.get(text, start, end), None, "{}", &text[start..end]);
            assert!(cache.insert(text, start, end, Word { stem: number as u32, ..Word::default() }));
        }
        for (number, &(start, end)) in ranges.iter().enumerate() {
            assert_eq!(cache.get(text, start, end).map(|w| w.stem), Some(number as u32));
        }
        cache.clear();
        assert_eq!(cache.get(text, 0, 1), None);
    }

    #[test]
    fn grows_and_then_is_full() {
        let mut cache = WordCache::default();
        let word = |n: usize| Word { stem: n as u32, ..Word::default() };
        for n in 0..MAX_WORDS {
            let text = n.to_string();
            assert!(cache.insert(&text, 0, text.len(), word(n)));
        }
        assert!(!cache.insert("more", 0, 4, word(0)));
        for n in 0..MAX_WORDS {
            let text = n.to_string();
            assert_eq!(cache.get(&text, 0, text.len()), Some(word(n)));
        }
    }
}
