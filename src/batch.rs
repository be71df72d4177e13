//! Many documents, in parallel, in order, in bounded memory.
//!
//! Documents are taken in batches of a few megabytes; the documents of a batch are worked on by all threads, and its rows
//! written in the documents' order before the next batch is read. So the bytes are the same at any number of threads, and no
//! more than a batch is held at a time (or one document, if that is larger).

use crate::document::{Document, ReadError};
use crate::model::{Model, Reader};
use crate::record::{RowOptions, labelled_header, split_header, write_labelled, write_split};
use rayon::prelude::*;
use std::io::Write;
use std::sync::Mutex;

/// What a run came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Documents that were read.
    pub n_documents: usize,
    /// Rows that were written.
    pub n_rows: usize,
    /// Documents that could not be read.
    pub n_failed: usize,
}

/// A batch is full with this many bytes of text …
const BATCH_BYTES: usize = 4 << 20;
/// … or with this many documents.
const BATCH_DOCUMENTS: usize = 1 << 14;
/// The documents of a batch are handed out in shares of at least this many bytes.
const SHARE_BYTES: usize = 64 << 10;

/// Labels documents and writes a table.
///
/// `report` is told of each document that cannot be read, in order; `progress` of the bytes of text that are done. Where no
/// document can be read, nothing is written, not even a header.
///
/// # Errors
/// Writing fails.
pub fn classify(
    model: &Model,
    documents: impl Iterator<Item = Result<Document, ReadError>>,
    options: &RowOptions,
    out: &mut dyn Write,
    report: &mut dyn FnMut(ReadError),
    progress: &mut dyn FnMut(usize),
) -> std::io::Result<Summary> {
    let header = labelled_header(options, model.taxonomy());
    // Readers remember words, so they are kept from share to share.
    let readers: Mutex<Vec<Reader>> = Mutex::new(Vec::new());
    let work = |share: &[Document]| {
        let kept = readers.lock().ok().and_then(|mut r| r.pop());
        let mut reader = kept.unwrap_or_else(|| model.reader());
        let mut rows = Vec::new();
        let n = share.iter().map(|d| write_labelled(d, options, &mut reader, model, &mut rows)).sum();
        if let Ok(mut readers) = readers.lock() {
            readers.push(reader);
        }
        (rows, n)
    };
    run(documents, &header, work, out, report, progress)
}

/// Cuts documents into sentences and writes a table.
///
/// `report` and `progress` are told the same as by [`classify`].
///
/// # Errors
/// Writing fails.
pub fn split(
    documents: impl Iterator<Item = Result<Document, ReadError>>,
    options: &RowOptions,
    out: &mut dyn Write,
    report: &mut dyn FnMut(ReadError),
    progress: &mut dyn FnMut(usize),
) -> std::io::Result<Summary> {
    let work = |share: &[Document]| {
        let mut rows = Vec::new();
        let n = share.iter().map(|d| write_split(d, options, &mut rows)).sum();
        (rows, n)
    };
    run(documents, &split_header(options), work, out, report, progress)
}

fn run(
    documents: impl Iterator<Item = Result<Document, ReadError>>,
    header: &[u8],
    work: impl Fn(&[Document]) -> (Vec<u8>, usize) + Sync,
    out: &mut dyn Write,
    report: &mut dyn FnMut(ReadError),
    progress: &mut dyn FnMut(usize),
) -> std::io::Result<Summary> {
    let mut summary = Summary::default();
    let mut batch: Vec<Document> = Vec::new();
    let mut bytes = 0;
    let mut documents = documents.peekable();
    while let Some(next) = documents.next() {
        match next {
            Ok(document) => {
                bytes += document.text.len();
                batch.push(document);
            }
            Err(error) => {
                summary.n_failed += 1;
                report(error);
            }
        }
        let full = bytes >= BATCH_BYTES || batch.len() >= BATCH_DOCUMENTS;
        if full || documents.peek().is_none() {
            if summary.n_documents == 0 && !batch.is_empty() {
                out.write_all(header)?;
            }
            let done: Vec<(Vec<u8>, usize)> = shares(&batch).into_par_iter().map(&work).collect();
            for (rows, n) in done {
                out.write_all(&rows)?;
                summary.n_rows += n;
            }
            summary.n_documents += batch.len();
            progress(bytes);
            batch.clear();
            bytes = 0;
        }
    }
    out.flush()?;
    Ok(summary)
}

/// Cuts a batch into runs of documents of about equal size.
fn shares(batch: &[Document]) -> Vec<&[Document]> {
    let (mut shares, mut begin, mut bytes) = (Vec::new(), 0, 0);
    for (at, document) in batch.iter().enumerate() {
        bytes += document.text.len();
        if bytes >= SHARE_BYTES {
            shares.push(&batch[begin..=at]);
            (begin, bytes) = (at + 1, 0);
        }
    }
    if begin < batch.len() {
        shares.push(&batch[begin..]);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::RowFormat;

    #[test]
    fn order_is_kept_and_failures_are_counted() {
        let documents = (0..5000).map(|n| {
            if n % 1000 == 7 {
                return Err(ReadError::Empty { path: n.to_string() });
            }
            let text = "A sentence stands here. And another one. ".repeat(1 + n % 50);
            Ok(Document { id: n.to_string(), text, ..Document::default() })
        });
        let options = RowOptions { format: RowFormat::Csv, all_scores: false, split: false };
        let (mut out, mut failed, mut seen) = (Vec::new(), Vec::new(), 0);
        let summary = split(documents, &options, &mut out, &mut |e| failed.push(e.to_string()), &mut |n| seen += n)
            .expect("memory takes it");
        assert_eq!(summary, Summary { n_documents: 4995, n_rows: 4995, n_failed: 5 });
        assert_eq!(failed[0], "7: is empty");
        let ids: Vec<usize> = csv::Reader::from_reader(out.as_slice())
            .records()
            .map(|r| r.expect("well formed")[0].parse().expect("a number"))
            .collect();
        assert!(ids.is_sorted() && ids.len() == 4995);
    }
}
