//! Many documents, in parallel, in order, in bounded memory.
//!
//! Documents are taken in shares of some hundred kilobytes. While the threads of rayon's pool work on shares, the caller's
//! thread reads the next ones and writes the rows of those that are done, in the documents' order. So the bytes are the same
//! at any number of threads, and no more than a few shares a thread are held at a time (or one document, if that is larger).

use crate::document::{Document, ReadError};
use crate::model::{Model, Reader};
use crate::record::{RowOptions, labelled_header, split_header, write_labelled, write_split};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError, mpsc};

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

/// A share is full with this many bytes of text, or fewer where many threads have to share [`BYTES_AHEAD`] …
const SHARE_BYTES: usize = 256 << 10;
/// … or with this many documents.
const SHARE_DOCUMENTS: usize = 1 << 12;
/// Shares a thread that are read ahead of what is written.
const SHARES_AHEAD: usize = 3;
/// Bytes of text in all shares that are read ahead.
const BYTES_AHEAD: usize = 3 << 20;

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
    let readers = Readers::new(model);
    let work = |share: &[Document], _: usize, rows: &mut Vec<u8>| {
        readers.lend(|reader| share.iter().map(|d| write_labelled(d, options, reader, model, rows)).sum())
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
    let work =
        |share: &[Document], _: usize, rows: &mut Vec<u8>| share.iter().map(|d| write_split(d, options, rows)).sum();
    run(documents, &split_header(options), work, out, report, progress)
}

/// The readers of a run. They remember words, so they are kept from share to share.
pub(crate) struct Readers<'m> {
    model: &'m Model,
    spare: Mutex<Vec<Reader<'m>>>,
}

impl<'m> Readers<'m> {
    pub fn new(model: &'m Model) -> Self {
        Self { model, spare: Mutex::new(Vec::new()) }
    }

    /// Lends a reader to some work, one that nobody has.
    pub fn lend<T>(&self, work: impl FnOnce(&mut Reader<'m>) -> T) -> T {
        let spare = || self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = spare().pop();
        let mut reader = kept.unwrap_or_else(|| self.model.reader().one_of(rayon::current_num_threads()));
        let result = work(&mut reader);
        spare().push(reader);
        result
    }
}

/// Documents that are worked on together, and what came of it.
struct Share {
    number: usize,
    n_bytes: usize,
    rows: Vec<u8>,
    n_rows: usize,
}

/// Does `work` on documents in parallel and writes the rows that it appends, in order. `work` is given a share of the documents
/// and the number of its first one, counted from 0 over all that could be read, and gives the number of rows.
pub(crate) fn run(
    mut documents: impl Iterator<Item = Result<Document, ReadError>>,
    header: &[u8],
    work: impl Fn(&[Document], usize, &mut Vec<u8>) -> usize + Sync,
    out: &mut dyn Write,
    report: &mut dyn FnMut(ReadError),
    progress: &mut dyn FnMut(usize),
) -> std::io::Result<Summary> {
    let mut summary = Summary::default();
    let (done, results) = mpsc::channel::<Share>();
    let work = &work;
    // The room of rows that were written is used for the next.
    let mut spare: Vec<Vec<u8>> = Vec::new();
    rayon::in_place_scope_fifo(|scope| {
        let most_ahead = SHARES_AHEAD * rayon::current_num_threads();
        let share_bytes = SHARE_BYTES.min(BYTES_AHEAD / most_ahead);
        let (mut n_started, mut n_written, mut n_read) = (0, 0, 0);
        // Shares that are done before an earlier one is.
        let mut waiting = BTreeMap::new();
        let mut at_end = false;
        loop {
            while !at_end && n_started - n_written < most_ahead {
                let (share, n_bytes, last) = next_share(share_bytes, &mut documents, &mut summary, report);
                at_end = last;
                if share.is_empty() {
                    continue;
                }
                if n_started == 0 {
                    out.write_all(header)?;
                }
                let (number, first, done) = (n_started, n_read, done.clone());
                n_read += share.len();
                let mut rows = spare.pop().unwrap_or_default();
                n_started += 1;
                scope.spawn_fifo(move |_| {
                    let n_rows = work(&share, first, &mut rows);
                    // The receiver is gone only when writing failed, and then nobody waits.
                    let _ = done.send(Share { number, n_bytes, rows, n_rows });
                });
            }
            if n_written == n_started {
                return out.flush();
            }
            let share = receive(&results)?;
            waiting.insert(share.number, share);
            while let Some(mut share) = waiting.remove(&n_written) {
                out.write_all(&share.rows)?;
                share.rows.clear();
                spare.push(std::mem::take(&mut share.rows));
                summary.n_rows += share.n_rows;
                n_written += 1;
                progress(share.n_bytes);
            }
        }
    })?;
    Ok(summary)
}

/// Reads documents until a share is full; gives their bytes, and whether they were the last.
fn next_share(
    share_bytes: usize,
    documents: &mut impl Iterator<Item = Result<Document, ReadError>>,
    summary: &mut Summary,
    report: &mut dyn FnMut(ReadError),
) -> (Vec<Document>, usize, bool) {
    let (mut share, mut n_bytes) = (Vec::new(), 0);
    while n_bytes < share_bytes && share.len() < SHARE_DOCUMENTS {
        match documents.next() {
            Some(Ok(document)) => {
                n_bytes += document.text.len();
                // The pieces of a file of lines are one document.
                summary.n_documents += usize::from(document.lines.is_none_or(|l| l.index == 0));
                share.push(document);
            }
            Some(Err(error)) => {
                summary.n_failed += 1;
                report(error);
            }
            None => return (share, n_bytes, true),
        }
    }
    (share, n_bytes, false)
}

/// Waits for a share to be done; a thread of the pool works meanwhile, since it may be the only one.
fn receive(results: &mpsc::Receiver<Share>) -> std::io::Result<Share> {
    let lost = |_| std::io::Error::other("a share of the work was lost");
    loop {
        match results.try_recv() {
            Ok(share) => return Ok(share),
            Err(_) if rayon::yield_now().is_some() => {}
            Err(_) => return results.recv().map_err(lost),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Column, RowFormat};

    #[test]
    fn order_is_kept_and_failures_are_counted() {
        let documents = (0..5000).map(|n| {
            if n % 1000 == 7 {
                return Err(ReadError::Empty { path: n.to_string() });
            }
            let text = "A sentence stands here. And another one. ".repeat(1 + n % 50);
            Ok(Document { id: n.to_string(), text, ..Document::default() })
        });
        let options = RowOptions { format: RowFormat::Csv, columns: Column::PLACE.to_vec(), split: false };
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
