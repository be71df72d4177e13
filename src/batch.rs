//! Many documents, in parallel, in order, in bounded memory.
//!
//! Documents are taken in shares of some hundred kilobytes. While the threads of rayon's pool work on shares, the caller's
//! thread reads the next ones and writes the rows of those that are done, in the documents' order. So the bytes are the same
//! at any number of threads, and no more than a few shares a thread are held at a time (or one document, if that is larger).

#[cfg(feature = "parquet")]
use crate::columns::{self, Columns};
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
const SHARE_DOCUMENTS: usize = 1 << 10;
/// Shares a thread that are read ahead of what is written.
const SHARES_AHEAD: usize = 3;
/// Bytes of text in all shares that are read ahead.
const BYTES_AHEAD: usize = 3 << 20;

/// Where the rows of a table go, and what is told meanwhile, in the order of the documents.
pub trait Sink: Write {
    /// A document could not be read. Its place is told by [`Written`].
    ///
    /// # Errors
    /// What is told cannot be kept.
    fn failed(&mut self, error: ReadError) -> std::io::Result<()>;

    /// Everything up to here is written.
    ///
    /// # Errors
    /// What is told cannot be kept.
    fn written(&mut self, share: &Written) -> std::io::Result<()>;
}

/// A share of documents whose rows are written.
#[derive(Debug)]
pub struct Written<'s> {
    /// Bytes of text.
    pub n_bytes: usize,
    /// Documents that were read; the pieces of a file of lines are one.
    pub n_documents: usize,
    /// The rows of each document; `None` for one that could not be read.
    pub items: &'s [Option<usize>],
}

/// A sink that keeps nothing but what it is told to call.
struct Plain<'p> {
    out: &'p mut dyn Write,
    report: &'p mut dyn FnMut(ReadError),
    progress: &'p mut dyn FnMut(usize),
}

impl Write for Plain<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

impl Sink for Plain<'_> {
    fn failed(&mut self, error: ReadError) -> std::io::Result<()> {
        (self.report)(error);
        Ok(())
    }

    fn written(&mut self, share: &Written) -> std::io::Result<()> {
        (self.progress)(share.n_bytes);
        Ok(())
    }
}

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
    classify_into(model, documents, options, &header, &mut Plain { out, report, progress })
}

/// Labels documents and writes a table under this header, which is empty where one is there already.
///
/// # Errors
/// What the sink says.
pub fn classify_into(
    model: &Model,
    documents: impl Iterator<Item = Result<Document, ReadError>>,
    options: &RowOptions,
    header: &[u8],
    sink: &mut dyn Sink,
) -> std::io::Result<Summary> {
    let readers = Readers::new(model);
    #[cfg(feature = "parquet")]
    if let Some(mut table) = columns::Writer::new(options, |column| column.name(model.taxonomy())) {
        let work = |share: &[Document], _: usize, rows: &mut Columns| {
            readers.lend(|reader| share.iter().map(|d| rows.push_labelled(d, options, reader, model)).collect())
        };
        let summary = run_rows(documents, work, &mut |rows, sink| table.write(rows, sink), sink)?;
        return table.finish(sink).map(|()| summary);
    }
    let work = |share: &[Document], _: usize, rows: &mut Vec<u8>| {
        readers.lend(|reader| share.iter().map(|d| write_labelled(d, options, reader, model, rows)).collect())
    };
    run(documents, header, work, sink)
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
    split_into(documents, options, &split_header(options), &mut Plain { out, report, progress })
}

/// Cuts documents into sentences and writes a table under this header, which is empty where one is there already.
///
/// # Errors
/// What the sink says.
pub fn split_into(
    documents: impl Iterator<Item = Result<Document, ReadError>>,
    options: &RowOptions,
    header: &[u8],
    sink: &mut dyn Sink,
) -> std::io::Result<Summary> {
    #[cfg(feature = "parquet")]
    if let Some(mut table) = columns::Writer::new(options, |column| column.plain_name().into()) {
        let work = |share: &[Document], _: usize, rows: &mut Columns| {
            share.iter().map(|d| rows.push_split(d, options)).collect()
        };
        let summary = run_rows(documents, work, &mut |rows, sink| table.write(rows, sink), sink)?;
        return table.finish(sink).map(|()| summary);
    }
    let work = |share: &[Document], _: usize, rows: &mut Vec<u8>| {
        share.iter().map(|d| write_split(d, options, rows)).collect()
    };
    run(documents, header, work, sink)
}

/// Does `work` on documents in parallel, for a result that is no table.
pub(crate) fn each(
    documents: impl Iterator<Item = Result<Document, ReadError>>,
    work: impl Fn(&[Document], usize) + Sync,
    report: &mut dyn FnMut(ReadError),
    progress: &mut dyn FnMut(usize),
) -> std::io::Result<Summary> {
    let work = |share: &[Document], first: usize, _: &mut Vec<u8>| {
        work(share, first);
        vec![0; share.len()]
    };
    run(documents, &[], work, &mut Plain { out: &mut std::io::sink(), report, progress })
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
struct Share<R> {
    number: usize,
    n_bytes: usize,
    n_documents: usize,
    /// Rows of the documents, one after the other.
    rows: R,
    n_rows: Vec<usize>,
    /// Where documents were to be read: that one was, or why not.
    items: Vec<Option<ReadError>>,
}

/// Documents to be worked on.
#[derive(Default)]
struct Batch {
    documents: Vec<Document>,
    n_bytes: usize,
    n_documents: usize,
    items: Vec<Option<ReadError>>,
    at_end: bool,
}

/// Does `work` on documents in parallel and writes the rows that it appends, in order. `work` is given a share of the documents
/// and the number of its first one, counted from 0 over all that could be read, and gives the number of rows of each.
fn run(
    documents: impl Iterator<Item = Result<Document, ReadError>>,
    mut header: &[u8],
    work: impl Fn(&[Document], usize, &mut Vec<u8>) -> Vec<usize> + Sync,
    sink: &mut dyn Sink,
) -> std::io::Result<Summary> {
    let mut write = |rows: &mut Vec<u8>, sink: &mut dyn Sink| {
        sink.write_all(std::mem::take(&mut header))?;
        sink.write_all(rows)?;
        rows.clear();
        Ok(())
    };
    run_rows(documents, work, &mut write, sink)
}

/// The same for rows of any form: `write` takes those of a share, in order, and leaves their room empty.
fn run_rows<R: Default + Send>(
    mut documents: impl Iterator<Item = Result<Document, ReadError>>,
    work: impl Fn(&[Document], usize, &mut R) -> Vec<usize> + Sync,
    write: &mut dyn FnMut(&mut R, &mut dyn Sink) -> std::io::Result<()>,
    sink: &mut dyn Sink,
) -> std::io::Result<Summary> {
    let mut summary = Summary::default();
    let (done, results) = mpsc::channel::<Share<R>>();
    let work = &work;
    // The room of rows that were written is used for the next.
    let mut spare: Vec<R> = Vec::new();
    rayon::in_place_scope_fifo(|scope| {
        let most_ahead = SHARES_AHEAD * rayon::current_num_threads();
        let share_bytes = SHARE_BYTES.min(BYTES_AHEAD / most_ahead);
        let (mut n_started, mut n_written, mut n_read) = (0, 0, 0);
        // Shares that are done before an earlier one is.
        let mut waiting = BTreeMap::new();
        let mut at_end = false;
        loop {
            while !at_end && n_started - n_written < most_ahead {
                let batch = next_batch(share_bytes, &mut documents);
                at_end = batch.at_end;
                if batch.items.is_empty() {
                    continue;
                }
                let (number, first, done) = (n_started, n_read, done.clone());
                n_read += batch.documents.len();
                let mut rows = spare.pop().unwrap_or_default();
                n_started += 1;
                scope.spawn_fifo(move |_| {
                    let n_rows = work(&batch.documents, first, &mut rows);
                    let Batch { n_bytes, n_documents, items, .. } = batch;
                    // The receiver is gone only when writing failed, and then nobody waits.
                    let _ = done.send(Share { number, n_bytes, n_documents, rows, n_rows, items });
                });
            }
            if n_written == n_started {
                return sink.flush();
            }
            let share = receive(&results)?;
            waiting.insert(share.number, share);
            while let Some(Share { n_bytes, n_documents, mut rows, n_rows, items, .. }) = waiting.remove(&n_written) {
                if !n_rows.is_empty() {
                    write(&mut rows, sink)?;
                }
                spare.push(rows);
                summary.n_rows += n_rows.iter().sum::<usize>();
                n_written += 1;
                let mut n_rows = n_rows.into_iter();
                let mut written = Vec::with_capacity(items.len());
                for item in items {
                    written.push(if item.is_none() { n_rows.next() } else { None });
                    summary.n_failed += usize::from(item.is_some());
                    item.map_or(Ok(()), |error| sink.failed(error))?;
                }
                summary.n_documents += n_documents;
                sink.written(&Written { n_bytes, n_documents, items: &written })?;
            }
        }
    })?;
    Ok(summary)
}

/// Reads documents until there are enough for a share.
fn next_batch(share_bytes: usize, documents: &mut impl Iterator<Item = Result<Document, ReadError>>) -> Batch {
    let mut batch = Batch::default();
    while batch.n_bytes < share_bytes && batch.items.len() < SHARE_DOCUMENTS {
        match documents.next() {
            Some(Ok(document)) => {
                batch.n_bytes += document.text.len();
                // The pieces of a file of lines are one document.
                batch.n_documents += usize::from(document.lines.is_none_or(|l| l.index == 0));
                batch.documents.push(document);
                batch.items.push(None);
            }
            Some(Err(error)) => {
                batch.items.push(Some(error));
            }
            None => {
                batch.at_end = true;
                break;
            }
        }
    }
    batch
}

/// Waits for a share to be done; a thread of the pool works meanwhile, since it may be the only one.
fn receive<R>(results: &mpsc::Receiver<Share<R>>) -> std::io::Result<Share<R>> {
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
    use crate::record::{Column, ForSheets, RowFormat};

    #[test]
    fn order_is_kept_and_failures_are_counted() {
        let documents = (0..5000).map(|n| {
            if n % 1000 == 7 {
                return Err(ReadError::Empty { path: n.to_string() });
            }
            let text = "A sentence stands here. And another one. ".repeat(1 + n % 50);
            Ok(Document { id: n.to_string(), text, ..Document::default() })
        });
        let options = RowOptions {
            format: RowFormat::Csv,
            columns: Column::PLACE.to_vec(),
            split: false,
            sheets: ForSheets::default(),
        };
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
