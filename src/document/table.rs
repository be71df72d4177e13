//! CSV and TSV: a document a row.

use super::row::{MAX_COLUMNS, checked, shown, too_large};
use super::{Document, ReadError, ReadOptions};
use crate::labels::{QuoteWatch, plain_csv_message};
use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

/// Reads the header, then rows as they are asked for.
pub(super) fn read(
    name: &str,
    delimiter: u8,
    bytes: Box<dyn Read + Send>,
    options: &ReadOptions,
) -> Result<impl Iterator<Item = Result<Document, ReadError>> + Send + use<>, ReadError> {
    // In TSV a quote is an ordinary character unless it opens a field, which the csv crate handles alike.
    let guarded = Guarded::new(bytes, delimiter, options.limits.max_document_bytes);
    let mut seen = SeenBy { shared: Arc::clone(&guarded.seen), n_lines_cut: 0 };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(guarded);
    let path = name.to_owned();
    let broken = move |line: u64, message: String| ReadError::BrokenRow { path: path.clone(), line, message };
    let header = reader.headers().map_err(|e| broken(1, plain_csv_message(&e)))?.clone();
    if let Some((line, message)) = seen.fault_before(reader.position().byte()) {
        return Err(broken(line, message));
    }
    let place = |column: &str| header.iter().position(|h| h.trim() == column);
    let needed = |column: &str, flag| {
        place(column).ok_or_else(|| ReadError::MissingColumn {
            path: name.to_owned(),
            column: column.to_owned(),
            found: shown(header.iter().collect::<Vec<_>>().into_iter()),
            flag,
        })
    };
    let text = needed(&options.text_column, "--text-column")?;
    let id = match &options.id_column {
        Some(column) => Some(needed(column, "--id-column")?),
        None => place("id"),
    };
    let title = place("title").filter(|&t| t != text);
    let parent = place("document").or_else(|| place("doc_id")).filter(|&p| p != text);
    let name = name.to_owned();
    let mut record = csv::StringRecord::new();
    Ok((1u64..).map_while(move |row| {
        let lines_before = seen.n_lines_cut;
        let found = reader.read_record(&mut record);
        if let Some((line, message)) = seen.fault_before(reader.position().byte()) {
            return Some(Err(broken(line, message)));
        }
        match found {
            Ok(false) => return None,
            Ok(true) => {}
            Err(e) => {
                let line = e.position().map_or(1, csv::Position::line) + lines_before;
                return Some(Err(broken(line, plain_csv_message(&e))));
            }
        }
        let field = |at: Option<usize>| at.and_then(|at| record.get(at)).filter(|f| !f.is_empty()).map(str::to_owned);
        let document = Document {
            id: field(id).unwrap_or_else(|| format!("{name}:{row}")),
            parent: field(parent),
            title: field(title),
            text: record.get(text).unwrap_or_default().to_owned(),
            ..Document::default()
        };
        Some(checked(&name, record.position().map_or(1, csv::Position::line) + lines_before, document))
    }))
}

/// Passes bytes on, but of a row that is too long or too wide only the beginning, so that the csv crate never holds more.
struct Guarded {
    bytes: Box<dyn Read + Send>,
    delimiter: u8,
    limit: u64,
    at: At,
    /// The row that the next byte belongs to.
    row: Row,
    /// The line that the next byte stands on, from 1.
    line: u64,
    /// The bytes that were passed on.
    n_passed: u64,
    seen: Arc<Mutex<Seen>>,
}

/// Where in a row a byte stands. The steps are those of RFC 4180 as the csv crate takes them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    RowStart,
    FieldStart,
    Field,
    Quoted,
    /// Behind a quote that closes the field, unless another follows.
    QuoteInQuoted,
}

/// What is known of a row.
#[derive(Clone, Copy, Default)]
struct Row {
    line: u64,
    n_bytes: u64,
    n_columns: usize,
    /// The line of the quote that was opened last.
    quote: u64,
    /// Why the rest of it is not passed on, if so.
    fault: Option<Fault>,
    /// Where it begins in what is passed on.
    passed_at: u64,
    n_lines_cut: u64,
}

#[derive(Clone, Copy)]
enum Fault {
    TooLarge,
    TooWide,
    Unclosed,
}

/// Rows that were cut, in order.
type Seen = VecDeque<(Row, String)>;

impl Guarded {
    fn new(bytes: Box<dyn Read + Send>, delimiter: u8, limit: u64) -> Self {
        let (at, row) = (At::RowStart, Row::default());
        Self { bytes, delimiter, limit, at, row, line: 1, n_passed: 0, seen: Arc::default() }
    }

    /// Takes a step; whether the row ended with it.
    fn step(&mut self, byte: u8) -> bool {
        if self.at == At::RowStart {
            if matches!(byte, b'\n' | b'\r') {
                return false;
            }
            self.row = Row { line: self.line, n_columns: 1, passed_at: self.n_passed, ..Row::default() };
        }
        self.row.n_bytes += 1;
        self.at = match (self.at, byte) {
            (At::Quoted, b'"') => At::QuoteInQuoted,
            (At::Quoted, _) | (At::QuoteInQuoted, b'"') => At::Quoted,
            (_, b'\n' | b'\r') => At::RowStart,
            (_, byte) if byte == self.delimiter => {
                self.row.n_columns += 1;
                At::FieldStart
            }
            (At::RowStart | At::FieldStart, b'"') => {
                self.row.quote = self.line;
                At::Quoted
            }
            _ => At::Field,
        };
        self.at == At::RowStart
    }

    /// Remembers that the row was cut or is broken.
    fn tell(&mut self, fault: Fault) {
        let message = match fault {
            Fault::TooLarge => too_large(self.limit),
            Fault::TooWide => {
                format!("it has more than {MAX_COLUMNS} columns, and petition reads tables of up to so many")
            }
            Fault::Unclosed => "a quote opens here and is never closed".to_owned(),
        };
        let mut row = self.row;
        if matches!(fault, Fault::Unclosed) {
            row.line = row.quote;
        }
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push_back((row, message));
    }

    /// Looks at bytes, and moves those that are passed on to the front; gives their number.
    fn pass(&mut self, bytes: &mut [u8]) -> usize {
        let mut n = 0;
        for at in 0..bytes.len() {
            let byte = bytes[at];
            let in_quotes = self.at == At::Quoted;
            let ended = self.step(byte);
            let mut kept = Some(byte);
            if self.row.fault.is_some() {
                self.row.n_lines_cut += u64::from(byte == b'\n' && !ended);
                kept = ended.then_some(b'\n');
            } else if self.row.n_bytes > self.limit || self.row.n_columns > MAX_COLUMNS {
                let too_large = self.row.n_bytes > self.limit;
                self.row.fault = Some(if too_large { Fault::TooLarge } else { Fault::TooWide });
                self.row.n_lines_cut += u64::from(byte == b'\n' && !ended);
                // The end of the row must be one for the csv crate too.
                kept = if ended { Some(b'\n') } else { in_quotes.then_some(b'"') };
            }
            self.line += u64::from(byte == b'\n');
            if let (Some(fault), true) = (self.row.fault, ended) {
                self.tell(fault);
            }
            if let Some(kept) = kept {
                bytes[n] = kept;
                n += 1;
                self.n_passed += 1;
            }
        }
        n
    }
}

impl Read for Guarded {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let n = self.bytes.read(buffer)?;
            if buffer.is_empty() {
                return Ok(0);
            }
            if n == 0 {
                // The csv crate takes what an unclosed quote swallows for one long field.
                match (std::mem::replace(&mut self.at, At::RowStart), self.row.fault) {
                    (At::RowStart, _) => {}
                    (At::Quoted, _) => self.tell(Fault::Unclosed),
                    (_, Some(fault)) => self.tell(fault),
                    _ => {}
                }
                return Ok(0);
            }
            let passed = self.pass(&mut buffer[..n]);
            if passed > 0 {
                return Ok(passed);
            }
        }
    }
}

/// The faults that were seen, as the reader of what is passed on meets them.
struct SeenBy {
    shared: Arc<Mutex<Seen>>,
    /// Lines that were not passed on, which the csv crate cannot count.
    n_lines_cut: u64,
}

impl SeenBy {
    /// The fault of a row that begins before this byte of what was passed on: its line and what is wrong.
    fn fault_before(&mut self, byte: u64) -> Option<(u64, String)> {
        let mut seen = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        seen.front().filter(|(row, _)| row.passed_at < byte)?;
        let (row, message) = seen.pop_front()?;
        self.n_lines_cut += row.n_lines_cut;
        Some((row.line, message))
    }
}

/// Passes bytes on and watches their quotes.
pub(crate) struct Watched {
    bytes: Box<dyn Read + Send>,
    quotes: Arc<Mutex<QuoteWatch>>,
}

impl Watched {
    /// Passes `bytes` on; the second part knows their quotes.
    pub(crate) fn new(bytes: Box<dyn Read + Send>) -> (Self, Arc<Mutex<QuoteWatch>>) {
        let quotes = Arc::new(Mutex::new(QuoteWatch::default()));
        (Self { bytes, quotes: Arc::clone(&quotes) }, quotes)
    }
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.bytes.read(buffer)?;
        if let Ok(mut quotes) = self.quotes.lock() {
            quotes.feed(&buffer[..n]);
            quotes.at_end |= n == 0 && !buffer.is_empty();
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Limits;
    use super::super::row::endless;
    use super::*;
    use proptest::prelude::*;

    type Rows = Result<Vec<Result<(String, String), String>>, String>;

    fn read_all(bytes: impl Read + Send + 'static, delimiter: u8, max_document_bytes: u64) -> Rows {
        let options =
            ReadOptions { limits: Limits { max_document_bytes, ..Limits::default() }, ..ReadOptions::default() };
        let rows = read("a", delimiter, Box::new(bytes), &options).map_err(|e| e.to_string())?;
        Ok(rows.map(|row| row.map(|d| (d.id, d.text)).map_err(|e| e.to_string())).collect())
    }

    fn good(id: &str, text: &str) -> Result<(String, String), String> {
        Ok((id.to_owned(), text.to_owned()))
    }

    #[test]
    fn a_huge_row_is_named_and_not_held() {
        let too_large = "broken row: it is larger than 64 bytes; raise --max-document-bytes if that is meant";
        for (begin, end) in
            [(&b"2,"[..], &b"\n"[..]), (b"2,\"a\n\n", b"\n\"\n"), (b"\n2,\"a\"\"", b"\"\"\"\r\n"), (b"2,\"a\"", b"\n")]
        {
            let huge = begin.chain(endless(300_000_000, b'x')).chain(end);
            let bytes = (&b"id,text\n1,\"a\nb\"\n"[..]).chain(huge).chain(&b"3,c,d\n4,d\0\n5,\xff\n6,e"[..]);
            let found = read_all(bytes, b',', 64).expect("has a header");
            let lines: Vec<&str> =
                found.iter().filter_map(|r| r.as_ref().err()).filter_map(|e| e.split(": ").next()).collect();
            let more = begin.iter().chain(end).filter(|&&b| b == b'\n').count();
            let line = 4 + usize::from(begin[0] == b'\n');
            assert_eq!(lines, [line, 4 + more, 5 + more, 6 + more].map(|n| format!("a:{n}")));
            assert_eq!(found[1], Err(format!("a:{line}: {too_large}")));
            assert!(
                found[3].as_ref().is_err_and(|e| e.ends_with("it holds a NUL character (0x00), which no text has"))
            );
            assert!(found[4].as_ref().is_err_and(|e| e.ends_with("the row is not UTF-8; save the file as UTF-8")));
            assert_eq!((&found[0], &found[5], found.len()), (&good("1", "a\nb"), &good("6", "e"), 6));
        }
        let swallowed =
            read_all((&b"id,text\n1,a\n2,\""[..]).chain(endless(300_000_000, b'x')), b',', 64).expect("has a header");
        assert_eq!(
            swallowed,
            [good("1", "a"), Err("a:3: broken row: a quote opens here and is never closed".to_owned())]
        );
    }

    #[test]
    fn a_header_of_millions_of_columns_is_an_error() {
        let error = read_all(endless(10_000_000, b',').chain(&b"\n1,2\n"[..]), b',', 1 << 30).expect_err("too wide");
        assert_eq!(
            error,
            "a:1: broken row: it has more than 16384 columns, and petition reads tables of up to so many"
        );
        let error = read_all(endless(10_000_000, b'x').chain(&b"\n1\n"[..]), b',', 1000).expect_err("too long");
        assert_eq!(error, "a:1: broken row: it is larger than 1000 bytes; raise --max-document-bytes if that is meant");
        let error = read_all(&b"a\tb\n1\t2\n"[..], b'\t', 1000).expect_err("no such column");
        assert_eq!(error, "a: has no column `text`; it has a, b; name the right one with --text-column");
        let wide = format!("text{}\n{}\n", ",".repeat(5000), ",".repeat(20_000));
        let found = read_all(std::io::Cursor::new(wide), b',', 1 << 20).expect("has a header");
        assert!(
            found[0].as_ref().is_err_and(|e| e.starts_with("a:2: broken row: it has more than 16384 columns")),
            "{found:?}"
        );
    }

    proptest! {
        #[test]
        fn without_a_limit_all_is_as_the_csv_crate_reads_it(text in "([ab,\t\"\n\r]|\"\"|\",\"|\n\"){0,40}", comma: bool) {
            let delimiter = if comma { b',' } else { b'\t' };
            let header = if comma { "id,text\n" } else { "id\ttext\n" };
            let bytes = format!("{header}{text}").into_bytes();
            let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(bytes.as_slice());
            let plain: Vec<Option<String>> =
                reader.records().map(|r| r.ok().map(|r| r.get(1).unwrap_or_default().to_owned())).collect();
            let found = read_all(std::io::Cursor::new(bytes.clone()), delimiter, 1 << 20).expect("has a header");
            prop_assert_eq!(found.len(), plain.len());
            for (found, plain) in found.iter().zip(plain) {
                match found {
                    Ok((_, text)) => prop_assert_eq!(Some(text), plain.as_ref()),
                    Err(e) => prop_assert!(plain.is_none() || e.contains("never closed"), "{}", e),
                }
            }
        }

        #[test]
        fn rows_within_the_limit_are_read_whatever_stands_beside_them(
            rows in proptest::collection::vec(("[a,\"\n]{0,30}", 0..4u8), 1..20), limit in 12..30u64,
        ) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["id", "text"]).expect("memory takes it");
            let (mut expected, mut begin) = (Vec::new(), 8);
            for (text, id) in &rows {
                writer.write_record([&id.to_string(), text]).expect("memory takes it");
                writer.flush().expect("memory takes it");
                let end = writer.get_ref().len();
                // A row's own bytes, its line end among them.
                let fits = (end - begin) as u64 <= limit;
                expected.push(fits.then(|| text.clone()));
                begin = end;
            }
            let bytes = writer.into_inner().expect("memory takes it");
            let found = read_all(std::io::Cursor::new(bytes), b',', limit).expect("has a header");
            let texts: Vec<Option<String>> = found.iter().map(|r| r.as_ref().ok().map(|(_, text)| text.clone())).collect();
            prop_assert_eq!(texts, expected, "{:?}", found);
        }
    }
}
