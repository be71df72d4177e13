//! Labelled rows: CSV files → checked rows with the numbers of their labels, each in its document.

use crate::digest::Digest;
use crate::evaluate::Labels;
use crate::taxonomy::Taxonomy;
use std::collections::{HashMap, HashSet};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// One sentence with the labels that a person gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledRow {
    /// The row's own name, unique over all files.
    pub id: String,
    /// The document that the row comes from; rows of a document stay together when data are split.
    pub document: String,
    /// The document's title, if the files have one.
    pub title: Option<String>,
    /// The sentence.
    pub text: String,
    /// Its act and topics.
    pub labels: Labels,
}

/// What is wrong with a labels file; rows are counted as lines of the file, the header being line 1.
#[derive(Debug, Error)]
#[allow(missing_docs)]
pub enum LabelsError {
    #[error("{}: cannot be read: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{}: the folder holds no .csv file", path.display())]
    EmptyFolder { path: PathBuf },
    #[error("{}:{line}: broken CSV: {message}", path.display())]
    Csv { path: PathBuf, line: u64, message: String },
    #[error("{}: there is no column `{column}`; a labels file needs id, text, act and topics, and this one has {}", path.display(), found.join(", "))]
    MissingColumn { path: PathBuf, column: &'static str, found: Vec<String> },
    #[error("{}: there is no column `{column}`; the file has {}", path.display(), found.join(", "))]
    NoSuchColumn { path: PathBuf, column: String, found: Vec<String> },
    #[error("{}:{line}: column `act`: `{value}` is no act of the taxonomy; it has {}", path.display(), known.join(", "))]
    UnknownAct { path: PathBuf, line: u64, value: String, known: Vec<String> },
    #[error("{}:{line}: column `topics`: `{value}` is no topic of the taxonomy; it has {}", path.display(), known.join(", "))]
    UnknownTopic { path: PathBuf, line: u64, value: String, known: Vec<String> },
    #[error("{}:{line}: act `{act}` takes no topics, yet column `topics` has some; empty it or change the act", path.display())]
    TopicsWithoutAct { path: PathBuf, line: u64, act: String },
    #[error("{}:{line}: column `text` is empty", path.display())]
    EmptyText { path: PathBuf, line: u64 },
    #[error("{}:{line}: column `id`: `{id}` stands already at {first}; ids must be unique", path.display())]
    DuplicateId { path: PathBuf, line: u64, id: String, first: String },
    #[error("{}: there are no rows", path.display())]
    NoRows { path: PathBuf },
}

/// Reads labelled rows from CSV files, or from all `.csv` files of folders (sorted by name).
///
/// Columns `id`, `text`, `act`, `topics` are needed; `title` and `document` (or `doc_id`) are used where they stand, others are
/// passed over. Without a document column, a row's document is its id up to the last `:`.
///
/// A file with a column `saved` tells how labels came about (see [`crate::label_store`]): there the last row with an id stands,
/// and a row without an act takes the label back.
///
/// # Errors
/// The first thing that is wrong, with file and line.
pub fn read(paths: &[PathBuf], taxonomy: &Taxonomy) -> Result<Vec<LabelledRow>, LabelsError> {
    let mut rows = Vec::new();
    let mut seen: HashMap<String, String> = HashMap::new();
    for path in paths {
        for file in csv_files(path)? {
            read_file(&file, taxonomy, Unlabelled::Wrong, |line, _, row: LabelledRow| {
                let here = format!("{}:{line}", file.display());
                if let Some(first) = seen.insert(row.id.clone(), here) {
                    return Err(LabelsError::DuplicateId { path: file.clone(), line, id: row.id, first });
                }
                rows.push(row);
                Ok(())
            })?;
        }
    }
    Ok(rows)
}

/// Reads the rows that have labels already, from files that may be half filled in or hold several people's; of rows with the
/// same id the first.
///
/// # Errors
/// As [`read`], but for rows without an act and ids that stand twice.
pub fn read_filled(paths: &[PathBuf], taxonomy: &Taxonomy) -> Result<Vec<LabelledRow>, LabelsError> {
    let (mut rows, mut seen) = (Vec::new(), HashSet::new());
    for path in paths {
        for file in csv_files(path)? {
            read_file(&file, taxonomy, Unlabelled::PassedOver, |_, _, row: LabelledRow| {
                if seen.insert(row.id.clone()) {
                    rows.push(row);
                }
                Ok::<(), LabelsError>(())
            })?;
        }
    }
    Ok(rows)
}

/// Writes rows as a labels file that [`read`] gives back: `id,document,title,text,act,topics`.
///
/// # Errors
/// Writing fails.
pub fn write(rows: &[LabelledRow], taxonomy: &Taxonomy, out: impl std::io::Write) -> Result<(), csv::Error> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(["id", "document", "title", "text", "act", "topics"])?;
    for row in rows {
        let (act, topics) = (&taxonomy.acts[row.labels.act].id, taxonomy.join_topics(row.labels.topics));
        writer.write_record([&row.id, &row.document, row.title.as_deref().unwrap_or(""), &row.text, act, &topics])?;
    }
    Ok(writer.flush()?)
}

/// Reads one more column of labels files that [`read`] has read: each row's value in it, by the row's id.
///
/// # Errors
/// A file that cannot be read, or has no such column.
pub fn read_column(paths: &[PathBuf], name: &str) -> Result<HashMap<String, String>, LabelsError> {
    let mut values = HashMap::new();
    for path in paths {
        for file in csv_files(path)? {
            let broken = |e| broken(&file, &e);
            let mut reader = open(&file)?;
            let header = reader.headers().map_err(broken)?.clone();
            let place = |name: &str| header.iter().position(|h| h.trim() == name);
            let (Some(id), Some(column)) = (place("id"), place(name)) else {
                let found = header.iter().map(str::to_owned).collect();
                return Err(LabelsError::NoSuchColumn { path: file, column: name.to_owned(), found });
            };
            for record in reader.records() {
                let record = record.map_err(broken)?;
                values.insert(record[id].to_owned(), record[column].to_owned());
            }
        }
    }
    Ok(values)
}

/// The file itself, or the `.csv` files of a folder, sorted.
pub(crate) fn csv_files(path: &Path) -> Result<Vec<PathBuf>, LabelsError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let io = |source| LabelsError::Io { path: path.to_owned(), source };
    let entries = std::fs::read_dir(path).map_err(io)?.collect::<Result<Vec<_>, _>>().map_err(io)?;
    let mut files: Vec<PathBuf> =
        entries.into_iter().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "csv")).collect();
    files.sort();
    if files.is_empty() { Err(LabelsError::EmptyFolder { path: path.to_owned() }) } else { Ok(files) }
}

/// A reader of a file that has rows and closes its quotes.
fn open(path: &Path) -> Result<csv::Reader<Cursor<Vec<u8>>>, LabelsError> {
    let mut bytes = std::fs::read(path).map_err(|source| LabelsError::Io { path: path.to_owned(), source })?;
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(LabelsError::NoRows { path: path.to_owned() });
    }
    if let Some(line) = unclosed_quote(&bytes) {
        let message = "a quote opens here and is never closed".to_owned();
        return Err(LabelsError::Csv { path: path.to_owned(), line, message });
    }
    Ok(csv::Reader::from_reader(Cursor::new(bytes)))
}

fn broken(path: &Path, error: &csv::Error) -> LabelsError {
    let line = error.position().map_or(1, csv::Position::line);
    LabelsError::Csv { path: path.to_owned(), line, message: plain_csv_message(error) }
}

/// What a row is whose act and topics are both empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unlabelled {
    /// A mistake.
    Wrong,
    /// One that nobody has labelled yet; it is counted and passed over.
    PassedOver,
}

/// Hands over each row of a file with its line and, where there is such a column, its `annotator`; gives the number of rows that
/// were passed over.
pub(crate) fn read_file<E: From<LabelsError>>(
    path: &Path,
    taxonomy: &Taxonomy,
    unlabelled: Unlabelled,
    mut take: impl FnMut(u64, Option<&str>, LabelledRow) -> Result<(), E>,
) -> Result<usize, E> {
    let broken = |e| broken(path, &e);
    let mut reader = open(path)?;
    let header = reader.headers().map_err(broken)?.clone();
    let place = |name: &str| header.iter().position(|h| h.trim() == name);
    let column = |name: &'static str| {
        place(name).ok_or_else(|| LabelsError::MissingColumn {
            path: path.to_owned(),
            column: name,
            found: header.iter().map(str::to_owned).collect(),
        })
    };
    let (id, text, act, topics) = (column("id")?, column("text")?, column("act")?, column("topics")?);
    let (title, document) = (place("title"), place("document").or_else(|| place("doc_id")));
    let (annotator, saved) = (place("annotator"), place("saved"));
    let records = reader.records().collect::<Result<Vec<_>, _>>().map_err(broken)?;
    let stands = saved.map(|saved| {
        let whose = annotator.filter(|_| unlabelled == Unlabelled::PassedOver);
        latest(
            &records,
            |record| (&record[id], whose.map(|at| &record[at])),
            |record| !record[act].trim().is_empty() || record[saved].is_empty(),
        )
    });
    let (mut n_taken, mut n_passed_over) = (0, 0);
    for (at, record) in records.iter().enumerate() {
        if stands.as_ref().is_some_and(|stands| !stands[at]) {
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        let path = || path.to_owned();
        let field = |at: usize| record.get(at).unwrap_or_default();
        let names = |labels: &[crate::taxonomy::Label]| labels.iter().map(|l| l.id.clone()).collect();
        let act_name = field(act).trim();
        if unlabelled == Unlabelled::PassedOver && act_name.is_empty() && field(topics).trim().is_empty() {
            n_passed_over += 1;
            continue;
        }
        let act = taxonomy.act(act_name).ok_or_else(|| LabelsError::UnknownAct {
            path: path(),
            line,
            value: act_name.to_owned(),
            known: names(&taxonomy.acts),
        })?;
        let topics = taxonomy.read_topics(field(topics)).map_err(|value| LabelsError::UnknownTopic {
            path: path(),
            line,
            value: value.to_owned(),
            known: names(&taxonomy.topics),
        })?;
        if taxonomy.act_without_topics == Some(act) && !topics.is_empty() {
            return Err(LabelsError::TopicsWithoutAct { path: path(), line, act: act_name.to_owned() }.into());
        }
        if field(text).trim().is_empty() {
            return Err(LabelsError::EmptyText { path: path(), line }.into());
        }
        let id = field(id).to_owned();
        let document = document.map(field).filter(|d| !d.is_empty()).unwrap_or_else(|| {
            let id = id.as_str();
            id.rsplit_once(':').map_or(id, |(document, _)| document)
        });
        let row = LabelledRow {
            document: document.to_owned(),
            title: title.map(field).filter(|t| !t.is_empty()).map(str::to_owned),
            text: field(text).to_owned(),
            labels: Labels { act, topics },
            id,
        };
        n_taken += 1;
        take(line, annotator.map(field), row)?;
    }
    if n_taken + n_passed_over == 0 {
        Err(LabelsError::NoRows { path: path.to_owned() }.into())
    } else {
        Ok(n_passed_over)
    }
}

/// Of a history of labels, which are the last with their key, and not taken back.
fn latest<'r, K: std::hash::Hash + Eq>(
    records: &'r [csv::StringRecord],
    key: impl Fn(&'r csv::StringRecord) -> K,
    is_label: impl Fn(&csv::StringRecord) -> bool,
) -> Vec<bool> {
    let mut later = HashSet::new();
    let mut stands: Vec<bool> = records.iter().rev().map(|r| later.insert(key(r)) && is_label(r)).collect();
    stands.reverse();
    stands
}

/// The line at which a quoted field opens that the end of the file leaves open; the `csv` crate takes such a file for whole.
fn unclosed_quote(bytes: &[u8]) -> Option<u64> {
    let mut watch = QuoteWatch { at_end: true, ..QuoteWatch::default() };
    watch.feed(bytes);
    watch.unclosed_at_end()
}

/// Follows the quotes of a CSV or TSV file as its bytes pass by.
#[derive(Debug)]
pub(crate) struct QuoteWatch {
    line: u64,
    opened: Option<u64>,
    at_field_start: bool,
    /// All bytes have passed.
    pub at_end: bool,
}

impl Default for QuoteWatch {
    fn default() -> Self {
        Self { line: 1, opened: None, at_field_start: true, at_end: false }
    }
}

impl QuoteWatch {
    /// Looks at the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match (byte, self.opened) {
                (b'"', None) if self.at_field_start => self.opened = Some(self.line),
                // A doubled quote closes and, at what looks like a field's start, opens again.
                (b'"', Some(_)) => {
                    self.opened = None;
                    self.at_field_start = true;
                    continue;
                }
                _ => {}
            }
            self.line += u64::from(byte == b'\n');
            self.at_field_start = matches!(byte, b',' | b'\t' | b'\n' | b'\r');
        }
    }

    /// The line of the quote that the file's end leaves open; `None` before the end.
    pub fn unclosed_at_end(&self) -> Option<u64> {
        self.opened.filter(|_| self.at_end)
    }
}

/// What is wrong, without the position that the crate's own message repeats.
pub(crate) fn plain_csv_message(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!(
                "the row has {len} fields where the header has {expected_len}; look for a missing or extra quote or comma"
            )
        }
        csv::ErrorKind::Utf8 { .. } => "the row is not UTF-8; save the file as UTF-8".to_owned(),
        csv::ErrorKind::Io(e) => e.to_string(),
        _ => error.to_string(),
    }
}

/// The SHA-256 of the rows' ids, documents, titles, texts and labels, in hexadecimal; rows are sorted by id first, so their order
/// does not matter.
pub fn hash(rows: &[LabelledRow], taxonomy: &Taxonomy) -> String {
    let mut sorted: Vec<&LabelledRow> = rows.iter().collect();
    sorted.sort_by(|a, b| a.id.cmp(&b.id));
    let mut hash = Digest::default();
    for row in sorted {
        let (act, topics) = (&taxonomy.acts[row.labels.act].id, taxonomy.join_topics(row.labels.topics));
        for field in [&row.id, &row.document, row.title.as_deref().unwrap_or(""), &row.text, act, &topics] {
            hash.update((field.len() as u64).to_le_bytes());
            hash.update(field.as_bytes());
        }
    }
    hash.hex()
}

/// The number of each row's document, counted from 0 in the order in which they first stand.
pub fn number_documents(rows: &[LabelledRow]) -> Vec<usize> {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    rows.iter()
        .map(|row| {
            let next = numbers.len();
            *numbers.entry(&row.document).or_insert(next)
        })
        .collect()
}

/// Deals documents into folds so that folds are of nearly equal size, by rows; gives each row's fold (0 and up).
///
/// Depends on the seed and the documents' names, not on the order of rows.
pub fn folds(rows: &[LabelledRow], n_folds: usize, seed: u64) -> Vec<usize> {
    let mut sizes: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    rows.iter().for_each(|row| *sizes.entry(&row.document).or_default() += 1);
    let mut documents: Vec<(&str, usize)> = sizes.into_iter().collect();
    crate::random::SplitMix(seed).shuffle(&mut documents);
    documents.sort_by_key(|&(_, n)| std::cmp::Reverse(n));
    let mut filled = vec![0usize; n_folds];
    let mut fold_of = HashMap::new();
    for (document, n) in documents {
        let fold = (0..n_folds).min_by_key(|&f| filled[f]).unwrap_or(0);
        filled[fold] += n;
        fold_of.insert(document, fold);
    }
    rows.iter().map(|row| fold_of[row.document.as_str()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taxonomy() -> Taxonomy {
        Taxonomy::read(
            "name='t'\n[[act]]\nid='ask'\ndefinition=''\n[[act]]\nid='none'\ndefinition=''\ntopics=false\n[[topic]]\nid='rent'\ndefinition=''\n[[topic]]\nid='heat'\ndefinition=''",
        )
        .expect("well formed")
    }

    fn read_text(text: &str) -> Result<Vec<LabelledRow>, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("labels.csv");
        std::fs::write(&path, text).expect("written");
        read(&[path], &taxonomy()).map_err(|e| e.to_string().replace(&folder.path().display().to_string(), ""))
    }

    #[test]
    fn reads_rows_and_finds_their_documents() {
        let rows =
            read_text("\u{feff}id,genre,title,text,act,topics\na:1,x,T,\"Cut, rents\",ask,rent|heat\nb,x,,Hm,none,\n")
                .expect("reads");
        assert_eq!((rows[0].document.as_str(), rows[0].title.as_deref()), ("a", Some("T")));
        assert_eq!(rows[0].text, "Cut, rents");
        assert!(rows[0].labels.topics.contains(1));
        assert_eq!((rows[1].document.as_str(), rows[1].title.as_deref(), rows[1].labels.act), ("b", None, 1));
    }

    #[test]
    fn errors_name_file_line_and_column() {
        let good = "id,text,act,topics\na,Cut rents,ask,rent\n";
        for (text, expected) in [
            (
                "id,text,act\na,b,ask\n".to_owned(),
                "/labels.csv: there is no column `topics`; a labels file needs id, text, act and topics, and this one has id, text, act",
            ),
            (
                good.replace(",ask,", ",beg,"),
                "/labels.csv:2: column `act`: `beg` is no act of the taxonomy; it has ask, none",
            ),
            (
                good.replace(",rent", ",rent|tax"),
                "/labels.csv:2: column `topics`: `tax` is no topic of the taxonomy; it has rent, heat",
            ),
            (
                good.replace(",ask,", ",none,"),
                "/labels.csv:2: act `none` takes no topics, yet column `topics` has some; empty it or change the act",
            ),
            (good.replace("Cut rents", " "), "/labels.csv:2: column `text` is empty"),
            (
                format!("{good}a,Heat,ask,heat\n"),
                "/labels.csv:3: column `id`: `a` stands already at /labels.csv:2; ids must be unique",
            ),
            (
                good.replace("Cut rents", "Cut, rents"),
                "/labels.csv:2: broken CSV: the row has 5 fields where the header has 4; look for a missing or extra quote or comma",
            ),
            (
                format!("{good}b,\"Cut \"\"all\"\" rents,ask,rent\nc,x,ask,\n"),
                "/labels.csv:3: broken CSV: a quote opens here and is never closed",
            ),
            ("id,text,act,topics\n".to_owned(), "/labels.csv: there are no rows"),
            (String::new(), "/labels.csv: there are no rows"),
        ] {
            assert_eq!(read_text(&text).expect_err(expected), expected);
        }
    }

    #[test]
    fn folds_keep_documents_together_and_even() {
        let row = |i: usize| LabelledRow {
            id: i.to_string(),
            document: format!("d{}", i / 9),
            title: None,
            text: "x".to_owned(),
            labels: Labels { act: 0, topics: Default::default() },
        };
        let rows: Vec<_> = (0..450).map(row).collect();
        let fold = folds(&rows, 5, 1);
        for f in 0..5 {
            assert_eq!(fold.iter().filter(|&&x| x == f).count(), 90);
        }
        assert!(rows.iter().zip(&fold).all(|(r, &f)| fold[r.id.parse::<usize>().expect("a number") / 9 * 9] == f));
        let mut turned = rows.clone();
        turned.reverse();
        let mut back = folds(&turned, 5, 1);
        back.reverse();
        assert_eq!(back, fold);
        assert_eq!(hash(&rows, &taxonomy()), hash(&turned, &taxonomy()));
    }
}
