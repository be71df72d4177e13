//! What `classify` and `split` read: the documents of all inputs, with a log of how far each input is, so that a run can be gone
//! on with and told of afterwards.

use petition::digest::{self, Digest};
use petition::document::{Document, Documents, Inputs, ReadError, ReadOptions};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::Read;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

/// Where a run is: in this input, after so many of its documents (those that could not be read count too).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Position {
    pub input: usize,
    pub items: usize,
}

/// An input that is read, or was.
pub struct InputRead {
    pub number: usize,
    pub name: String,
    pub path: Option<PathBuf>,
    pub size: u64,
    /// Documents that were read, and those of them that are written.
    pub n_items: usize,
    pub n_written: usize,
    pub n_rows: usize,
    pub n_failed: usize,
    /// No more documents come.
    ended: bool,
    passed: Arc<Mutex<Passed>>,
}

/// What has passed of an input's bytes.
#[derive(Default)]
struct Passed {
    n_bytes: u64,
    /// All bytes have.
    whole: bool,
    hash: Option<Digest>,
}

impl InputRead {
    /// All of it is read and written.
    pub fn is_done(&self) -> bool {
        self.ended && self.n_written == self.n_items
    }

    /// The SHA-256 of its bytes, in hexadecimal, and their number; `None` where they cannot be read to their end.
    pub fn hash(&self) -> Option<(String, u64)> {
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        match passed.hash.take().filter(|_| passed.whole) {
            Some(hash) => Some((hash.hex(), passed.n_bytes)),
            // A format that is read here and there, or an input that was given up.
            None => digest::of_file(self.path.as_ref()?).ok(),
        }
    }
}

/// The inputs that are read and not yet all written, in order.
#[derive(Default)]
pub struct Log {
    pub reads: VecDeque<InputRead>,
    /// Bytes of the inputs that are read.
    n_bytes: u64,
    /// Inputs that are read.
    pub n_inputs: usize,
}

impl Log {
    /// Bytes of files that are read.
    pub fn n_bytes(&self) -> u64 {
        let current = self.reads.back().filter(|read| !read.ended);
        let passed = |read: &InputRead| read.passed.lock().map_or(0, |p| p.n_bytes).min(read.size.max(1));
        self.n_bytes + current.map_or(0, passed)
    }
}

/// The documents of all inputs, in order; an input that cannot be opened is one error.
pub struct Reading<'i> {
    inputs: &'i Inputs,
    options: &'i ReadOptions,
    next: usize,
    current: Option<Documents>,
    skip: usize,
    hashes: bool,
    log: Rc<RefCell<Log>>,
}

impl<'i> Reading<'i> {
    /// Documents from a position on; their inputs' bytes are hashed if that is wanted.
    pub fn from(inputs: &'i Inputs, options: &'i ReadOptions, from: Position, hashes: bool) -> Self {
        let n_bytes = inputs.iter().take(from.input).map(|i| i.size).sum();
        let log = Log { reads: VecDeque::new(), n_bytes, n_inputs: from.input };
        let log = Rc::new(RefCell::new(log));
        Self { inputs, options, next: from.input, current: None, skip: from.items, hashes, log }
    }

    pub fn log(&self) -> Rc<RefCell<Log>> {
        self.log.clone()
    }

    /// Opens the next input; `None` after the last.
    fn open(&mut self) -> Option<Documents> {
        let (number, input) = (self.next, self.inputs.get(self.next)?);
        self.next += 1;
        let passed = Arc::new(Mutex::new(Passed { hash: self.hashes.then(Digest::default), ..Passed::default() }));
        let watch = |bytes| Box::new(Watched { bytes, passed: passed.clone() }) as Box<dyn Read + Send>;
        let opened = input.open_watched(self.options, watch);
        let documents: Documents = opened.unwrap_or_else(|error| Box::new(std::iter::once(Err(error))));
        let skip = std::mem::take(&mut self.skip);
        self.log.borrow_mut().reads.push_back(InputRead {
            number,
            name: input.name,
            path: input.path,
            size: input.size,
            n_items: skip,
            n_written: skip,
            n_rows: 0,
            n_failed: 0,
            ended: false,
            passed,
        });
        if skip > 0 { Some(Box::new(documents.skip(skip))) } else { Some(documents) }
    }
}

impl Iterator for Reading<'_> {
    type Item = Result<Document, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut documents = match self.current.take() {
                Some(documents) => documents,
                None => self.open()?,
            };
            let item = documents.next();
            let mut log = self.log.borrow_mut();
            if let Some(read) = log.reads.back_mut() {
                match item {
                    Some(_) => read.n_items += 1,
                    None => read.ended = true,
                }
            }
            if item.is_some() {
                self.current = Some(documents);
                return item;
            }
            log.n_bytes += log.reads.back().map_or(0, |read| read.size);
            log.n_inputs += 1;
        }
    }
}

/// Passes bytes on, counts them and hashes them.
struct Watched {
    bytes: Box<dyn Read + Send>,
    passed: Arc<Mutex<Passed>>,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.bytes.read(buffer)?;
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        passed.n_bytes += n as u64;
        passed.whole |= n == 0 && !buffer.is_empty();
        if let Some(hash) = &mut passed.hash {
            hash.update(&buffer[..n]);
        }
        Ok(n)
    }
}
