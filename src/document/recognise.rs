//! What do a file's first bytes say that it is?

use super::{Format, Kind, Packing};

/// First bytes that are looked at.
pub(super) const HEAD: usize = 1024;

/// Where a tar archive says that it is one. Source: POSIX.1-1988, ustar.
const TAR: (usize, &[u8]) = (257, b"ustar");

/// What the first bytes tell; `None` where they tell nothing, as with plain text, CSV or Markdown.
pub(super) fn by_content(head: &[u8]) -> Option<Kind> {
    let starts = |magic: &[u8]| head.starts_with(magic);
    if starts(b"\x1f\x8b") {
        return Some(Kind::Packed(Packing::Gzip));
    }
    if starts(b"\x28\xb5\x2f\xfd") {
        return Some(Kind::Packed(Packing::Zstd));
    }
    if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") {
        return Some(Kind::Packed(Packing::Zip));
    }
    if head.get(TAR.0..).is_some_and(|rest| rest.starts_with(TAR.1)) {
        return Some(Kind::Packed(Packing::Tar));
    }
    // Some programs write a few bytes before it. Source: ISO 32000-1, annex H.
    if head.windows(5).take(HEAD).any(|bytes| bytes == b"%PDF-") {
        return Some(Kind::Document(Format::Pdf));
    }
    if starts(b"PAR1") {
        return Some(Kind::Document(Format::Parquet));
    }
    if starts(b"ARROW1") {
        return Some(Kind::Document(Format::Arrow));
    }
    if starts(b"WEBVTT") {
        return Some(Kind::Document(Format::Subtitles));
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let is = |word: &[u8]| text.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word));
    (is(b"<!doctype html") || is(b"<html")).then_some(Kind::Document(Format::Html))
}
