//! What formats of rows share: lines of bounded length, and which rows are no documents.

use super::{Document, ReadError};
use std::io::{BufRead, BufReader, Read};

/// The most columns that a table may have; spreadsheets end at 16,384, and a header beyond it is rather a broken file.
pub(super) const MAX_COLUMNS: usize = 16_384;
/// Columns that a message names, and the characters that it shows of each.
const SHOWN: (usize, usize) = (20, 60);

/// What is said of a row that is larger than a document may be.
pub(super) fn too_large(limit: u64) -> String {
    format!("it is larger than {limit} bytes; raise --max-document-bytes if that is meant")
}

/// The row's document, if all of it is text.
pub(super) fn checked(path: &str, line: u64, document: Document) -> Result<Document, ReadError> {
    let fields = [Some(&document.id), document.parent.as_ref(), document.title.as_ref(), Some(&document.text)];
    if fields.into_iter().flatten().any(|field| field.contains('\0')) {
        let message = "it holds a NUL character (0x00), which no text has".to_owned();
        return Err(ReadError::BrokenRow { path: path.to_owned(), line, message });
    }
    Ok(document)
}

/// Names of columns for a message; of many the first, of long ones the beginning.
pub(super) fn shown<'n>(columns: impl ExactSizeIterator<Item = &'n str>) -> Vec<String> {
    let (n, (most, length)) = (columns.len(), SHOWN);
    let short = |name: &str| match name.char_indices().nth(length) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    };
    let more = (n > most).then(|| format!("… ({} more)", n - most));
    columns.take(most).map(short).chain(more).collect()
}

/// Lines of bytes, numbered from 1, without their ends.
pub(super) struct Lines {
    name: String,
    bytes: BufReader<Box<dyn Read + Send>>,
    limit: u64,
    line: u64,
}

impl Lines {
    /// Reads lines of up to `limit` bytes.
    pub(super) fn new(name: &str, bytes: Box<dyn Read + Send>, limit: u64) -> Self {
        Self { name: name.to_owned(), bytes: BufReader::with_capacity(1 << 16, bytes), limit, line: 0 }
    }

    /// Reads the next line into `line`, and gives its number; one that is too long is an error, and is not kept meanwhile.
    pub(super) fn next(&mut self, line: &mut Vec<u8>) -> Option<Result<u64, ReadError>> {
        line.clear();
        let (mut any, mut too_long) = (false, false);
        loop {
            let ready = match self.bytes.fill_buf() {
                Ok(ready) => ready,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(source) => {
                    // Nothing is read after it: an error that comes again would come without end.
                    self.bytes = BufReader::new(Box::new(std::io::empty()));
                    return Some(Err(ReadError::Io { path: self.name.clone(), source }));
                }
            };
            if ready.is_empty() && !any {
                return None;
            }
            any = true;
            let end = ready.iter().position(|&b| b == b'\n');
            let part = &ready[..end.unwrap_or(ready.len())];
            too_long |= (line.len() + part.len()) as u64 > self.limit;
            if too_long {
                *line = Vec::new();
            } else {
                line.extend_from_slice(part);
            }
            let (n, at_end) = (part.len() + usize::from(end.is_some()), end.is_some() || ready.is_empty());
            self.bytes.consume(n);
            if at_end {
                self.line += 1;
                if too_long {
                    let message = too_large(self.limit);
                    return Some(Err(ReadError::BrokenRow { path: self.name.clone(), line: self.line, message }));
                }
                return Some(Ok(self.line));
            }
        }
    }
}

/// Bytes made as they are asked for, of any length: what tests read instead of files of that size.
#[cfg(test)]
pub(super) fn endless(n: u64, byte: u8) -> impl Read + Send {
    std::io::repeat(byte).take(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_and_too_long_ones_are_named_only() {
        let bytes = (&b"one\n"[..]).chain(endless(300_000_000, b'x')).chain(&b"\n\nfour"[..]);
        let mut lines = Lines::new("a", Box::new(bytes), 1000);
        let mut line = Vec::new();
        let mut found = Vec::new();
        while let Some(next) = lines.next(&mut line) {
            assert!(line.capacity() < 5000);
            found.push(next.map(|n| (n, String::from_utf8_lossy(&line).into_owned())).map_err(|e| e.to_string()));
        }
        let expected = [
            Ok((1, "one".to_owned())),
            Err("a:2: broken row: it is larger than 1000 bytes; raise --max-document-bytes if that is meant".to_owned()),
            Ok((3, String::new())),
            Ok((4, "four".to_owned())),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn many_or_long_names_are_cut() {
        let long = "é".repeat(100);
        let names: Vec<&str> = std::iter::repeat_n(long.as_str(), 1000).collect();
        let found = shown(names.into_iter());
        assert_eq!((found.len(), found[0].chars().count(), found[20].as_str()), (21, 61, "… (980 more)"));
    }
}
