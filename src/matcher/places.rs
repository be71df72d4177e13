//! A set of places in a window of words, one bit each.

/// A set of places.
pub(super) trait Places: Copy {
    const NONE: Self;
    /// The most words that a window can have; one bit more is for the place behind the last.
    const MOST: usize;
    /// One place.
    fn at(n: usize) -> Self;
    /// The places 0 to `n`.
    fn up_to(n: usize) -> Self;
    fn is_none(self) -> bool;
    /// One of the places fulfils this.
    fn any(self, is: impl FnMut(usize) -> bool) -> bool;
    fn and(self, other: Self) -> Self;
    fn or(self, other: Self) -> Self;
    /// All places `by` words further on.
    fn moved(self, by: usize) -> Self;

    /// The places themselves and up to `by` words further on.
    #[inline]
    fn widened(mut self, by: usize) -> Self {
        // Every step doubles how far the places reach.
        let mut reach = 0;
        while reach < by {
            let further = (reach + 1).min(by - reach);
            self = self.or(self.moved(further));
            reach += further;
        }
        self
    }
}

macro_rules! places {
    ($type:ty) => {
        impl Places for $type {
            const NONE: Self = 0;
            const MOST: usize = <$type>::BITS as usize - 1;
            #[inline]
            fn at(n: usize) -> Self {
                1 << n
            }
            #[inline]
            fn up_to(n: usize) -> Self {
                <$type>::MAX >> (<$type>::BITS as usize - 1 - n)
            }
            #[inline]
            fn is_none(self) -> bool {
                self == 0
            }
            #[inline]
            fn any(mut self, mut is: impl FnMut(usize) -> bool) -> bool {
                while self != 0 {
                    if is(self.trailing_zeros() as usize) {
                        return true;
                    }
                    self &= self - 1;
                }
                false
            }
            #[inline]
            fn and(self, other: Self) -> Self {
                self & other
            }
            #[inline]
            fn or(self, other: Self) -> Self {
                self | other
            }
            #[inline]
            fn moved(self, by: usize) -> Self {
                self << by
            }
        }
    };
}
places!(u64);
places!(u128);
