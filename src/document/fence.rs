//! Other people's parsers, called so that a panic of theirs is an error of the input and no end of the program.

use super::{Document, ReadError};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Whether a panic here would be caught, so that whoever reports panics may be silent about it.
pub fn is_fenced() -> bool {
    DEPTH.get() > 0
}

/// What `work` gives; `None` if it panicked. What it leaves half done must not be looked at again.
pub(crate) fn fenced<T>(work: impl FnOnce() -> T) -> Option<T> {
    DEPTH.set(DEPTH.get() + 1);
    let done = catch_unwind(AssertUnwindSafe(work));
    DEPTH.set(DEPTH.get() - 1);
    done.ok()
}

/// A document that `read` gives; a panic is an error of it.
pub(super) fn document(
    name: &str,
    format: &'static str,
    read: impl FnOnce() -> Result<Document, ReadError>,
) -> Result<Document, ReadError> {
    let message = || "it contradicts itself".to_owned();
    fenced(read).unwrap_or_else(|| Err(ReadError::Broken { path: name.to_owned(), format, message: message() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_and_the_fence_is_left() {
        assert_eq!(fenced(|| 1), Some(1));
        assert_eq!(fenced(|| if is_fenced() { std::panic::resume_unwind(Box::new(())) } else { 1 }), None);
        assert!(!is_fenced());
    }
}
