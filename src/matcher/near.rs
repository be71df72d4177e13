//! What stands near a word? The symbols of its neighbours, as masks.

/// A set of symbols, some of which cannot be told apart.
pub(super) type Mask = u128;

/// The most frequent symbols have a bit of their own in masks; the others share what is left.
const OWN_BITS: u32 = 64;

/// The bit of each symbol in masks, by how often each occurs.
pub(super) fn bits_of(counts: &[u64]) -> Vec<u32> {
    let mut by_count: Vec<usize> = (0..counts.len()).collect();
    by_count.sort_by_key(|&symbol| std::cmp::Reverse(counts[symbol]));
    let mut bits = vec![0; counts.len()];
    for (rank, symbol) in (0..).zip(by_count) {
        bits[symbol] = if rank < OWN_BITS { rank } else { OWN_BITS + rank % (Mask::BITS - OWN_BITS) };
    }
    bits
}

/// How many words are looked at together.
pub(super) const TOGETHER: [usize; 3] = [1, 4, 12];
/// How far from a word is looked.
pub(super) const FAR: usize = 16;

/// Some words beside a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Beside {
    /// The first of them, counted from the word; at most [`FAR`] either way.
    pub first: i8,
    /// How many, by the place in [`TOGETHER`].
    pub together: u8,
}

impl Beside {
    /// The word itself.
    pub const ITSELF: Self = Self { first: 0, together: 0 };

    /// The words `least` to `most` further on, or back, and perhaps a few beyond; `None` if that is too far.
    pub fn covering(before: bool, least: usize, most: usize) -> Option<Self> {
        let together = TOGETHER.iter().position(|&n| n > most - least)?;
        let furthest = least + TOGETHER[together] - 1;
        let first = if before { -(furthest as i8) } else { least as i8 };
        (furthest <= FAR).then_some(Self { first, together: together as u8 })
    }

    /// It is one that [`Self::covering`] gives.
    pub fn is_sound(self) -> bool {
        usize::from(self.together) < TOGETHER.len() && usize::from(self.first.unsigned_abs()) <= FAR
    }
}

/// The masks of a window's words, and of some words in a row together.
#[derive(Debug, Clone, Default)]
pub(super) struct Masks {
    /// For each of [`TOGETHER`], the masks of so many words from each place on; nothing for [`FAR`] places on both sides.
    together: Vec<Mask>,
    /// Places of each, those on both sides included.
    n_places: usize,
}

impl Masks {
    /// Takes the masks of a window's words.
    pub fn fill(&mut self, words: impl ExactSizeIterator<Item = Mask>) {
        let n = words.len() + 2 * FAR;
        self.n_places = n;
        self.together.clear();
        self.together.resize(FAR, 0);
        self.together.extend(words);
        self.together.resize(TOGETHER.len() * n, 0);
        let (one, more) = self.together.split_at_mut(n);
        let (four, twelve) = more.split_at_mut(n);
        four.iter_mut().zip(one.windows(4)).for_each(|(mask, w)| *mask = w[0] | w[1] | w[2] | w[3]);
        // The last places have nothing further on.
        twelve.iter_mut().zip(four.windows(9)).for_each(|(mask, w)| *mask = w[0] | w[4] | w[8]);
    }

    /// The mask of some words beside the one at a place.
    #[inline]
    pub fn beside(&self, place: usize, beside: Beside) -> Mask {
        let at = usize::from(beside.together) * self.n_places + FAR + place;
        self.together[at.wrapping_add_signed(isize::from(beside.first))]
    }
}
