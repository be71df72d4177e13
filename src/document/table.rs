//! CSV and TSV: a document a row.

use super::{Document, ReadError, ReadOptions};
use crate::labels::{QuoteWatch, plain_csv_message};
use std::io::Read;
use std::sync::{Arc, Mutex};

/// Reads the header, then rows as they are asked for.
pub(super) fn read(
    name: &str,
    delimiter: u8,
    bytes: Box<dyn Read + Send>,
    options: &ReadOptions,
) -> Result<impl Iterator<Item = Result<Document, ReadError>> + Send + use<>, ReadError> {
    // In TSV a quote is an ordinary character unless it opens a field, which the csv crate handles alike.
    let (watched, quotes) = Watched::new(bytes);
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(watched);
    let path = name.to_owned();
    let broken = move |e: csv::Error| ReadError::BrokenRow {
        path: path.clone(),
        line: e.position().map_or(1, csv::Position::line),
        message: plain_csv_message(&e),
    };
    let header = reader.headers().map_err(&broken)?.clone();
    let place = |column: &str| header.iter().position(|h| h.trim() == column);
    let needed = |column: &str, flag| {
        place(column).ok_or_else(|| ReadError::MissingColumn {
            path: name.to_owned(),
            column: column.to_owned(),
            found: header.iter().map(str::to_owned).collect(),
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
    Ok(reader.into_records().enumerate().map_while(move |(row, record)| {
        let record = match record {
            Ok(record) => record,
            Err(e) => return Some(Err(broken(e))),
        };
        // The csv crate takes what an unclosed quote swallows for one long field.
        if let Some(line) = quotes.lock().ok().and_then(|q| q.unclosed_at_end()) {
            let message = "a quote opens here and is never closed".to_owned();
            return Some(Err(ReadError::BrokenRow { path: name.clone(), line, message }));
        }
        let field = |at: Option<usize>| at.and_then(|at| record.get(at)).filter(|f| !f.is_empty()).map(str::to_owned);
        Some(Ok(Document {
            id: field(id).unwrap_or_else(|| format!("{name}:{}", row + 1)),
            parent: field(parent),
            title: field(title),
            text: record.get(text).unwrap_or_default().to_owned(),
            lines: None,
        }))
    }))
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
