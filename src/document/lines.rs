//! Plain text whose lines are sentences: a document for each piece of some hundred kilobytes, cut between lines.

use super::{Document, LinesFrom, ReadError};
use std::io::Read;

/// Bytes of a piece, unless a line is longer.
const PIECE: usize = 64 << 10;

/// Reads pieces as they are asked for. A line that is no UTF-8 is an error, and the lines after it follow.
pub(super) fn read(
    name: &str,
    bytes: Box<dyn Read + Send>,
) -> impl Iterator<Item = Result<Document, ReadError>> + Send + use<> {
    let mut pieces = Pieces { name: name.to_owned(), bytes, rest: Vec::new(), at_end: false, index: 0, start: 0 };
    std::iter::from_fn(move || pieces.next())
}

struct Pieces {
    name: String,
    bytes: Box<dyn Read + Send>,
    /// What was read and not yet given: whole lines and the beginning of one.
    rest: Vec<u8>,
    at_end: bool,
    /// The number of the first line in `rest`, and where it begins in the text.
    index: usize,
    start: usize,
}

impl Pieces {
    fn next(&mut self) -> Option<Result<Document, ReadError>> {
        let end = match self.fill() {
            Ok(end) => end,
            Err(source) => {
                self.at_end = true;
                self.rest.clear();
                return Some(Err(ReadError::Io { path: self.name.clone(), source }));
            }
        };
        if end == 0 {
            return None;
        }
        let rest = self.rest.split_off(end);
        let text = match String::from_utf8(std::mem::replace(&mut self.rest, rest)) {
            Ok(text) => text,
            Err(e) => {
                let valid = e.utf8_error().valid_up_to();
                let mut bytes = e.into_bytes();
                let begin = bytes[..valid].iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
                let bad = begin == 0;
                // The lines before a bad one are given first, then it is named.
                let length = if bad { bytes.iter().position(|&b| b == b'\n').map_or(end, |at| at + 1) } else { begin };
                let mut later = bytes.split_off(length);
                later.append(&mut self.rest);
                self.rest = later;
                if bad {
                    let (path, line) = (self.name.clone(), self.index as u64 + 1);
                    self.pass(&bytes);
                    return Some(Err(ReadError::BrokenRow { path, line, message: "the line is no UTF-8".to_owned() }));
                }
                String::from_utf8_lossy(&bytes).into_owned()
            }
        };
        let lines = Some(LinesFrom { index: self.index, start: self.start });
        self.pass(text.as_bytes());
        Some(Ok(Document { id: self.name.clone(), text, lines, ..Document::default() }))
    }

    /// Reads until there is a piece of whole lines or the end has come; gives where the whole lines end.
    fn fill(&mut self) -> std::io::Result<usize> {
        let mut looked_at = 0;
        loop {
            let last = self.rest[looked_at..].iter().rposition(|&b| b == b'\n').map(|at| looked_at + at + 1);
            if self.at_end {
                return Ok(self.rest.len());
            }
            if let Some(last) = last.filter(|_| self.rest.len() >= PIECE) {
                return Ok(last);
            }
            looked_at = if self.rest.len() >= PIECE { self.rest.len() } else { 0 };
            let before = self.rest.len();
            (&mut self.bytes).take(PIECE as u64).read_to_end(&mut self.rest)?;
            self.at_end = self.rest.len() == before;
        }
    }

    /// Counts lines that are given.
    fn pass(&mut self, lines: &[u8]) {
        self.index += lines.iter().filter(|&&b| b == b'\n').count();
        self.start += lines.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_lines_and_say_where_they_stand() {
        let text: String = (0..60_000).map(|n| format!("line number {n}\n")).collect();
        let found: Vec<Document> =
            read("a", Box::new(std::io::Cursor::new(text.clone()))).map(|piece| piece.expect("is text")).collect();
        assert!(found.len() > 3);
        let (mut index, mut start) = (0, 0);
        for piece in &found {
            assert_eq!(piece.lines, Some(LinesFrom { index, start }));
            assert!(piece.text.starts_with(&format!("line number {index}\n")));
            index += piece.text.lines().count();
            start += piece.text.len();
        }
        assert_eq!(found.iter().map(|p| p.text.as_str()).collect::<String>(), text);
    }

    #[test]
    fn a_bad_line_is_named_and_the_rest_is_read() {
        let bytes = b"good\nbad \xff\nbetter\nlast".to_vec();
        let found: Vec<_> = read("a", Box::new(std::io::Cursor::new(bytes)))
            .map(|piece| piece.map(|d| (d.text, d.lines.map_or(0, |l| l.index))).map_err(|e| e.to_string()))
            .collect();
        let expected = [
            Ok(("good\n".to_owned(), 0)),
            Err("a:2: broken row: the line is no UTF-8".to_owned()),
            Ok(("better\nlast".to_owned(), 2)),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_line_may_be_longer_than_a_piece() {
        let text = format!("{}\nshort\n", "x".repeat(3 * PIECE));
        let found: Vec<_> = read("a", Box::new(std::io::Cursor::new(text.clone()))).flatten().collect();
        assert_eq!(found.iter().map(|d| d.text.as_str()).collect::<String>(), text);
    }
}
