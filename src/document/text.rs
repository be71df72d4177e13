//! Bytes → text: byte order marks, UTF-8, other encodings by guess; and plain text and Markdown as documents.

use super::{Document, Format, ReadError};
use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8};
use encoding_rs_io::DecodeReaderBytesBuilder;
use std::io::{Cursor, Read};

/// Bytes that are looked at to guess an encoding.
const SAMPLE: usize = 1 << 20;

/// Reads one text.
pub(super) fn read(name: &str, format: Format, bytes: &[u8]) -> Result<Document, ReadError> {
    let encoding = encoding_of(name, bytes, true, 0)?;
    let (text, _, _) = encoding.decode(bytes);
    if text.trim().is_empty() {
        return Err(ReadError::Empty { path: name.to_owned() });
    }
    let text = text.into_owned();
    let title = if format == Format::Markdown { markdown_title(&text) } else { text_title(&text) };
    let title = title.map(str::to_owned);
    Ok(Document { id: name.to_owned(), title, text, ..Document::default() })
}

/// A reader that gives UTF-8 whatever comes in.
pub(crate) fn decoding(name: &str, mut bytes: Box<dyn Read + Send>) -> Result<Box<dyn Read + Send>, ReadError> {
    let mut sample = Vec::new();
    let io = |source| ReadError::Io { path: name.to_owned(), source };
    bytes.by_ref().take(SAMPLE as u64).read_to_end(&mut sample).map_err(io)?;
    if sample.is_empty() {
        return Err(ReadError::Empty { path: name.to_owned() });
    }
    let whole = sample.len() < SAMPLE;
    // A stray one spoils its row, not the file.
    let n_stray = 1 + sample.len() / 1000;
    let encoding = encoding_of(name, &sample, whole, n_stray)?;
    let all = Cursor::new(sample).chain(bytes);
    if encoding == UTF_8 {
        // Passed through as it is, so that a row that is no UTF-8 is found and named, not mended silently.
        return Ok(Box::new(WithoutBom::new(all)));
    }
    Ok(Box::new(DecodeReaderBytesBuilder::new().encoding(Some(encoding)).bom_override(true).build(all)))
}

/// Drops a UTF-8 byte order mark at the beginning.
struct WithoutBom<R>(std::io::Chain<Cursor<Vec<u8>>, R>);

impl<R: Read> WithoutBom<R> {
    fn new(mut from: R) -> Self
    where
        R: Read,
    {
        let mut first = Vec::new();
        // An error here comes again at the next read.
        let _ = from.by_ref().take(3).read_to_end(&mut first);
        if first == b"\xef\xbb\xbf" {
            first.clear();
        }
        Self(Cursor::new(first).chain(from))
    }
}

impl<R: Read> Read for WithoutBom<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

/// The encoding of some bytes: by byte order mark, UTF-8 if they are, else by guess. More than `n_stray` bytes that no text has are
/// an error.
pub(super) fn encoding_of(
    name: &str,
    bytes: &[u8],
    whole: bool,
    n_stray: usize,
) -> Result<&'static Encoding, ReadError> {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return Ok(encoding);
    }
    let is_binary = |b: u8| b < 0x09 || (0x0e..0x20).contains(&b) && b != 0x1b;
    let mut binary = bytes.iter().enumerate().filter(|&(_, &b)| is_binary(b)).map(|(offset, _)| offset);
    if let (Some(offset), true) = (binary.next(), n_stray == 0 || binary.nth(n_stray - 1).is_some()) {
        return Err(ReadError::NotText { path: name.to_owned(), byte: bytes[offset], offset });
    }
    match std::str::from_utf8(bytes) {
        Ok(_) => return Ok(UTF_8),
        // The sample may end within a character.
        Err(e) if !whole && e.error_len().is_none() => return Ok(UTF_8),
        Err(_) => {}
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, whole);
    Ok(detector.guess(None, Utf8Detection::Deny))
}

/// The first line, if it looks like a heading: short, no full stop, a blank line behind it.
fn text_title(text: &str) -> Option<&str> {
    let mut lines = text.trim_start().lines();
    let first = lines.next()?.trim();
    let alone = lines.next().is_some_and(|next| next.trim().is_empty());
    let finished = first.ends_with(['.', ',', ';', ':', '”', '"']);
    (alone && !finished && first.len() <= 150).then_some(first)
}

/// The first heading that opens with `#`.
fn markdown_title(text: &str) -> Option<&str> {
    let heading = |line: &'_ str| line.trim_start().starts_with('#');
    let line = text.lines().find(|line| heading(line))?;
    let title = line.trim().trim_matches('#').trim();
    (!title.is_empty()).then_some(title)
}
