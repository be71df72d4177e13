//! Labels as people give them: a CSV file that only grows, each row on disk before it counts.
//!
//! The file is one that [`crate::labels::read`] reads: `id,document,title,lead,text,act,topics,annotator,note,saved`. A label that
//! is changed is a later row with the same id, one that is taken back a row without an act; nothing is overwritten, so the
//! file also tells how labels came about.

use csv::{ReaderBuilder, StringRecord, WriterBuilder};
use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// One label, given by one person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SavedLabel {
    /// The row's id.
    pub id: String,
    /// Its document.
    pub document: String,
    /// The document's title, or nothing.
    pub title: String,
    /// The words that lead a list item in, or nothing.
    pub lead: String,
    /// The sentence.
    pub text: String,
    /// The act's id; nothing takes the label back.
    pub act: String,
    /// The topics' ids, joined by `|`.
    pub topics: String,
    /// Who gave it.
    pub annotator: String,
    /// What they wrote beside it.
    pub note: String,
    /// When, in UTC, as RFC 3339 has it.
    pub saved: String,
}

/// The columns, in order.
const COLUMNS: [&str; 10] = ["id", "document", "title", "lead", "text", "act", "topics", "annotator", "note", "saved"];

impl SavedLabel {
    fn fields(&self) -> [&str; COLUMNS.len()] {
        let Self { id, document, title, lead, text, act, topics, annotator, note, saved } = self;
        [id, document, title, lead, text, act, topics, annotator, note, saved]
    }

    fn of_record(record: &StringRecord) -> Option<Self> {
        let field = |at: usize| record.get(at).map(str::to_owned);
        Some(Self {
            id: field(0)?,
            document: field(1)?,
            title: field(2)?,
            lead: field(3)?,
            text: field(4)?,
            act: field(5)?,
            topics: field(6)?,
            annotator: field(7)?,
            note: field(8)?,
            saved: field(9)?,
        })
    }
}

/// Why labels cannot be kept.
#[derive(Debug, Error)]
#[allow(missing_docs)]
pub enum StoreError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{}: is in use by another petition; close that first, or name another file", path.display())]
    InUse { path: PathBuf },
    #[error("{}: has the columns {found}, where labels are kept under {}; name a new file", path.display(), COLUMNS.join(","))]
    OtherFile { path: PathBuf, found: String },
    #[error("{}:{line}: broken CSV: {message}", path.display())]
    Csv { path: PathBuf, line: u64, message: String },
}

/// An open labels file, held by this program alone.
#[derive(Debug)]
pub struct LabelStore {
    path: PathBuf,
    file: File,
    /// How long the file is, as far as it is whole.
    length: u64,
    labels: Vec<SavedLabel>,
    /// The latest label of each id and annotator, by its place in `labels`.
    latest: HashMap<(String, String), usize>,
    /// Bytes of a row cut short that were dropped when opening.
    n_dropped: u64,
}

impl LabelStore {
    /// Opens a labels file, or makes it. A last row that was cut short, which nobody was told is saved, is dropped.
    ///
    /// # Errors
    /// The file cannot be opened, belongs to another running program, or is not one of labels.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let io = |source| StoreError::Io { path: path.to_owned(), source };
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StoreError::InUse { path: path.to_owned() },
            TryLockError::Error(source) => io(source),
        })?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        let whole = whole_rows(&bytes);
        let n_dropped = (bytes.len() - whole) as u64;
        bytes.truncate(whole);
        if n_dropped > 0 {
            file.set_len(whole as u64).map_err(io)?;
            file.sync_all().map_err(io)?;
        }
        let mut store = Self {
            path: path.to_owned(),
            file,
            length: whole as u64,
            labels: Vec::new(),
            latest: HashMap::new(),
            n_dropped,
        };
        if bytes.is_empty() {
            store.append(&COLUMNS)?;
            store.file.sync_all().map_err(io)?;
            sync_folder(path).map_err(io)?;
        } else {
            store.read(&bytes)?;
        }
        Ok(store)
    }

    fn read(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let csv = |error: csv::Error| StoreError::Csv {
            path: self.path.clone(),
            line: error.position().map_or(1, csv::Position::line),
            message: crate::labels::plain_csv_message(&error),
        };
        let mut reader = ReaderBuilder::new().from_reader(bytes);
        let header = reader.headers().map_err(csv)?;
        if header != COLUMNS.as_slice() {
            let found = header.iter().collect::<Vec<_>>().join(",");
            return Err(StoreError::OtherFile { path: self.path.clone(), found });
        }
        let records = reader.records().collect::<Result<Vec<_>, _>>().map_err(csv)?;
        records.iter().filter_map(SavedLabel::of_record).for_each(|label| self.remember(label));
        Ok(())
    }

    fn remember(&mut self, label: SavedLabel) {
        self.latest.insert((label.id.clone(), label.annotator.clone()), self.labels.len());
        self.labels.push(label);
    }

    /// Saves a label. When this returns, it is on disk.
    ///
    /// # Errors
    /// Writing fails; then the file is as it was.
    pub fn save(&mut self, label: SavedLabel) -> Result<(), StoreError> {
        self.append(&label.fields())?;
        self.remember(label);
        Ok(())
    }

    fn append(&mut self, fields: &[&str]) -> Result<(), StoreError> {
        let mut row = WriterBuilder::new().from_writer(Vec::new());
        // Writing to memory does not fail.
        let _ = row.write_record(fields);
        let row = row.into_inner().unwrap_or_default();
        let written = self
            .file
            .seek(SeekFrom::Start(self.length))
            .and_then(|_| self.file.write_all(&row))
            .and_then(|()| self.file.sync_data());
        if let Err(source) = written {
            // What was written of the row must not stand before the next one.
            let _ = self.file.set_len(self.length);
            return Err(StoreError::Io { path: self.path.clone(), source });
        }
        self.length += row.len() as u64;
        Ok(())
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All labels ever given, in order, those that were replaced or taken back included.
    pub fn history(&self) -> &[SavedLabel] {
        &self.labels
    }

    /// The label that a person gave a row, if it stands.
    pub fn get(&self, id: &str, annotator: &str) -> Option<&SavedLabel> {
        let label = &self.labels[*self.latest.get(&(id.to_owned(), annotator.to_owned()))?];
        (!label.act.is_empty()).then_some(label)
    }

    /// The labels that stand, in the order in which they were given.
    pub fn standing(&self) -> impl Iterator<Item = &SavedLabel> {
        let mut places: Vec<usize> = self.latest.values().copied().collect();
        places.sort_unstable();
        places.into_iter().map(|place| &self.labels[place]).filter(|label| !label.act.is_empty())
    }

    /// Bytes of a row cut short that were dropped when opening.
    pub fn n_dropped(&self) -> u64 {
        self.n_dropped
    }
}

/// How many bytes belong to whole rows: up to the last line end that no quote holds.
fn whole_rows(bytes: &[u8]) -> usize {
    let (mut quoted, mut whole) = (false, 0);
    for (at, &byte) in bytes.iter().enumerate() {
        quoted ^= byte == b'"';
        if byte == b'\n' && !quoted {
            whole = at + 1;
        }
    }
    whole
}

/// Makes a new file's name last, where the system asks for that.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn label(id: &str, act: &str, annotator: &str) -> SavedLabel {
        SavedLabel {
            id: id.to_owned(),
            document: "d".to_owned(),
            text: "Line one,\nand \"line\" two.".to_owned(),
            act: act.to_owned(),
            annotator: annotator.to_owned(),
            ..SavedLabel::default()
        }
    }

    fn acts(store: &LabelStore) -> Vec<(String, String)> {
        store.standing().map(|l| (l.id.clone(), l.act.clone())).collect()
    }

    #[test]
    fn the_latest_label_stands_and_all_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("labels.csv");
        let mut store = LabelStore::open(&path).expect("made");
        for (id, act, annotator) in [("a", "demand", "x"), ("b", "none", "x"), ("a", "policy", "x"), ("a", "none", "y")]
        {
            store.save(label(id, act, annotator)).expect("saved");
        }
        store.save(label("b", "", "x")).expect("taken back");
        assert!(matches!(LabelStore::open(&path), Err(StoreError::InUse { .. })));
        drop(store);
        let store = LabelStore::open(&path).expect("opened again");
        let pair = |id: &str, act: &str| (id.to_owned(), act.to_owned());
        assert_eq!(acts(&store), [pair("a", "policy"), pair("a", "none")]);
        assert_eq!((store.history().len(), store.n_dropped()), (5, 0));
        assert_eq!((store.get("a", "x").map(|l| l.act.as_str()), store.get("b", "x")), (Some("policy"), None));
    }

    #[test]
    fn other_files_are_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("other.csv");
        std::fs::write(&path, "id,text\n1,so\n").expect("written");
        let error = LabelStore::open(&path).expect_err("another file").to_string();
        assert!(error.contains("has the columns id,text"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "id,text\n1,so\n");
    }

    proptest! {
        /// Wherever a kill cuts the file, every row before the cut is there and the file takes new ones.
        #[test]
        fn a_row_cut_short_harms_no_other(
            rows in proptest::collection::vec(("[a-z]{1,3}", "[a-z,\"\n é]{0,12}"), 1..8),
            cut in any::<prop::sample::Index>(),
        ) {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("labels.csv");
            let mut store = LabelStore::open(&path).expect("made");
            let mut ends = vec![store.length];
            for (id, text) in &rows {
                store.save(SavedLabel { text: text.clone(), ..label(id, "none", "x") }).expect("saved");
                ends.push(store.length);
            }
            drop(store);
            let n_bytes = ends[0] + cut.index((ends[rows.len()] - ends[0] + 1) as usize) as u64;
            OpenOptions::new().write(true).open(&path).expect("opened").set_len(n_bytes).expect("cut");
            let n_whole = ends.iter().filter(|&&end| end <= n_bytes).count() - 1;
            let mut store = LabelStore::open(&path).expect("opened again");
            let texts: Vec<_> = store.history().iter().map(|l| l.text.clone()).collect();
            prop_assert_eq!(texts, rows[..n_whole].iter().map(|r| r.1.clone()).collect::<Vec<_>>());
            store.save(label("new", "none", "x")).expect("saved");
            drop(store);
            prop_assert_eq!(LabelStore::open(&path).expect("opened").history().len(), n_whole + 1);
        }
    }
}
