//! Plain text whose lines are sentences: a document for each piece of some hundred kilobytes, cut between lines.

use super::row::too_large;
use super::{Document, LinesFrom, ReadError};
use std::io::Read;

/// Bytes of a piece, unless a line is longer.
const PIECE: usize = 64 << 10;

/// Reads pieces as they are asked for. A line that is no text, or longer than `limit` bytes, is an error, and the lines after it
/// follow.
pub(super) fn read(
    name: &str,
    bytes: Box<dyn Read + Send>,
    limit: u64,
) -> impl Iterator<Item = Result<Document, ReadError>> + Send + use<> {
    let (name, limit) = (name.to_owned(), usize::try_from(limit).unwrap_or(usize::MAX));
    let mut pieces =
        Pieces { name, bytes, limit, held: Vec::new(), given: 0, looked_through: 0, at_end: false, index: 0, start: 0 };
    std::iter::from_fn(move || pieces.next())
}

struct Pieces {
    name: String,
    bytes: Box<dyn Read + Send>,
    limit: usize,
    /// What was read: whole lines and the beginning of one. The first `given` bytes of it were given.
    held: Vec<u8>,
    given: usize,
    /// Up to here lines are given one by one, since one of them is bad.
    looked_through: usize,
    at_end: bool,
    /// The number of the first line not given, and where it begins in the text.
    index: usize,
    start: usize,
}

impl Pieces {
    fn next(&mut self) -> Option<Result<Document, ReadError>> {
        let end = match self.fill() {
            Ok(Some(end)) => end,
            Ok(None) => return Some(self.pass_long_line()),
            Err(source) => return Some(self.stop(source)),
        };
        if end == self.given {
            return None;
        }
        let piece = match self.first_fault(end) {
            None => &self.held[self.given..end],
            // The lines before a bad one are given first, then it is named.
            Some((begin, _, _)) if begin > 0 => &self.held[self.given..self.given + begin],
            Some((_, n, message)) => return Some(Err(self.broken(message, n))),
        };
        let text = String::from_utf8_lossy(piece).into_owned();
        let lines = Some(LinesFrom { index: self.index, start: self.start });
        self.pass(text.len());
        Some(Ok(Document { id: self.name.clone(), text, lines, ..Document::default() }))
    }

    /// Where the first line up to `end` begins that cannot be given, its length, and why not.
    fn first_fault(&mut self, end: usize) -> Option<(usize, usize, String)> {
        let piece = &self.held[self.given..end];
        let limit = self.limit;
        let fault = |line: &[u8]| {
            if line.len() > limit {
                Some(too_large(limit as u64))
            } else if std::str::from_utf8(line).is_err() {
                Some("the line is no UTF-8".to_owned())
            } else {
                line.contains(&0).then(|| "it holds a NUL character (0x00), which no text has".to_owned())
            }
        };
        if self.given >= self.looked_through && piece.len() <= limit && fault(piece).is_none() {
            return None;
        }
        // From now on each line of this piece is looked at by itself, once or twice, however many are bad.
        self.looked_through = end;
        let mut begin = 0;
        for line in piece.split_inclusive(|&b| b == b'\n') {
            if let Some(message) = fault(line) {
                return Some((begin, line.len(), message));
            }
            begin += line.len();
        }
        None
    }

    /// Reads until there is a piece of whole lines or the end has come; gives where the whole lines end, or nothing if a line is
    /// longer than all that may be held.
    fn fill(&mut self) -> std::io::Result<Option<usize>> {
        let whole = |held: &[u8]| held.iter().rposition(|&b| b == b'\n').map(|at| at + 1);
        if self.given < self.looked_through {
            return Ok(Some(self.looked_through));
        }
        self.held.drain(..std::mem::take(&mut self.given));
        self.looked_through = 0;
        let mut looked_at = 0;
        loop {
            let last = whole(&self.held[looked_at..]).map(|end| looked_at + end);
            if self.at_end {
                return Ok(Some(self.held.len()));
            }
            if let Some(last) = last.filter(|_| self.held.len() >= PIECE) {
                return Ok(Some(last));
            }
            if last.is_none() && self.held.len() > self.limit.max(PIECE) {
                return Ok(None);
            }
            looked_at = if self.held.len() >= PIECE { self.held.len() } else { 0 };
            self.read_more()?;
        }
    }

    fn read_more(&mut self) -> std::io::Result<()> {
        let before = self.held.len();
        (&mut self.bytes).take(PIECE as u64).read_to_end(&mut self.held)?;
        self.at_end = self.held.len() == before;
        Ok(())
    }

    /// Passes over a line that is too long, without holding it.
    fn pass_long_line(&mut self) -> Result<Document, ReadError> {
        loop {
            let end = self.held.iter().position(|&b| b == b'\n');
            if end.is_some() || self.at_end {
                let n = end.map_or(self.held.len(), |at| at + 1);
                return Err(self.broken(too_large(self.limit as u64), n));
            }
            self.start += self.held.len();
            self.held = Vec::new();
            if let Err(source) = self.read_more() {
                return self.stop(source);
            }
        }
    }

    /// Names the next line, of `n` bytes, and passes over it.
    fn broken(&mut self, message: String, n: usize) -> ReadError {
        let error = ReadError::BrokenRow { path: self.name.clone(), line: self.index as u64 + 1, message };
        self.pass(n);
        error
    }

    /// Nothing is read after an error of the input.
    fn stop(&mut self, source: std::io::Error) -> Result<Document, ReadError> {
        (self.at_end, self.given, self.looked_through) = (true, 0, 0);
        self.held.clear();
        Err(ReadError::Io { path: self.name.clone(), source })
    }

    /// Counts lines that are given.
    fn pass(&mut self, n: usize) {
        let end = self.given + n;
        self.index += self.held[self.given..end].iter().filter(|&&b| b == b'\n').count();
        self.start += n;
        self.given = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_lines_and_say_where_they_stand() {
        let text: String = (0..60_000).map(|n| format!("line number {n}\n")).collect();
        let found: Vec<Document> = read("a", Box::new(std::io::Cursor::new(text.clone())), 1 << 30)
            .map(|piece| piece.expect("is text"))
            .collect();
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
        let found: Vec<_> = read("a", Box::new(std::io::Cursor::new(bytes)), 1 << 30)
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
    fn a_huge_line_is_named_and_not_held() {
        for limit in [12, PIECE as u64 + 1] {
            let bytes =
                (&b"good\n"[..]).chain(super::super::row::endless(300_000_000, b'x')).chain(&b"\nbad\0\nlast"[..]);
            let mut found = Vec::new();
            for piece in read("a", Box::new(bytes), limit) {
                let piece = piece.map(|d| (d.text, d.lines.map_or((0, 0), |l| (l.index, l.start))));
                found.push(piece.map_err(|e| e.to_string()));
            }
            let too_large = format!(
                "a:2: broken row: it is larger than {limit} bytes; raise --max-document-bytes if that is meant"
            );
            let nul = "a:3: broken row: it holds a NUL character (0x00), which no text has".to_owned();
            let expected = [
                Ok(("good\n".to_owned(), (0, 0))),
                Err(too_large),
                Err(nul),
                Ok(("last".to_owned(), (3, 300_000_011))),
            ];
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn many_bad_lines_take_no_longer_than_good_ones() {
        let bytes = b"\xff\n".repeat(100_000);
        assert_eq!(read("a", Box::new(std::io::Cursor::new(bytes)), 1 << 30).filter(Result::is_err).count(), 100_000);
    }

    #[test]
    fn a_line_may_be_longer_than_a_piece() {
        let text = format!("{}\nshort\n", "x".repeat(3 * PIECE));
        let found: Vec<_> = read("a", Box::new(std::io::Cursor::new(text.clone())), 1 << 30).flatten().collect();
        assert_eq!(found.iter().map(|d| d.text.as_str()).collect::<String>(), text);
    }
}
