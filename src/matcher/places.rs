//! A set of places in a sentence, one bit each.

/// A set of places.
pub(super) trait Bits: Copy {
    const EMPTY: Self;
    fn place(n: usize) -> Self;
    /// The places 0 to `n`.
    fn up_to(n: usize) -> Self;
    /// Takes the first place out.
    fn take_first(&mut self) -> Option<usize>;
    fn and(self, other: Self) -> Self;
    fn or(self, other: Self) -> Self;
    fn shifted(self, by: u32) -> Self;
    fn is_empty(self) -> bool;
}

macro_rules! bits {
    ($type:ty) => {
        impl Bits for $type {
            const EMPTY: Self = 0;
            #[inline]
            fn place(n: usize) -> Self {
                1 << n
            }
            #[inline]
            fn up_to(n: usize) -> Self {
                <$type>::MAX >> (<$type>::BITS as usize - 1 - n)
            }
            #[inline]
            fn take_first(&mut self) -> Option<usize> {
                let place = self.trailing_zeros();
                (*self != 0).then(|| {
                    *self &= *self - 1;
                    place as usize
                })
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
            fn shifted(self, by: u32) -> Self {
                self << by
            }
            #[inline]
            fn is_empty(self) -> bool {
                self == 0
            }
        }
    };
}
bits!(u64);
bits!(u128);
