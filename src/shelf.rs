//! A folder that keeps every model that was ever current, each with its card, and says which one is current now.
//!
//! ```text
//! current                                  the name of one folder beside it, and nothing else
//! history.csv                              who followed whom: time, step, model, followed
//! 2026-11-22T10-15-03Z-1a2b3c4d/           when it was promoted, and how its file's hash begins
//!     model.safetensors  card.md  promoted.json
//! ```
//!
//! Nothing in it is ever overwritten but `current`, and that by renaming. A model is written into a folder with a name of
//! its own, flushed to disk and renamed; then `current` is replaced; then the history gets its row. So `current` names a
//! whole model at every moment, wherever the work is cut off, and what `current` says is what counts: a row that the
//! history lacks is added by the next step. Steps wait for one another at a locked file.

use crate::digest;
use crate::model::Model;
use crate::model_file::ModelError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use thiserror::Error;

/// The file of a kept model.
const MODEL: &str = "model.safetensors";
/// Its card.
const CARD: &str = "card.md";
/// What is known of its promotion.
const PROMOTED: &str = "promoted.json";
/// The file that names the current model.
const CURRENT: &str = "current";
/// The file that tells who followed whom.
const HISTORY: &str = "history.csv";
const HISTORY_HEADER: &str = "time,step,model,followed\n";
/// What is being written; only one step at a time may write.
const UNFINISHED: &str = ".unfinished";
const NEXT_POINTER: &str = ".current";
const LOCK: &str = ".lock";

/// What is wrong with a folder of models, or with a model that should go into it.
#[derive(Debug, Error)]
#[allow(missing_docs)]
pub enum ShelfError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{}: has no file `{CURRENT}`; name a model file, or a folder that `petition promote` has filled", folder.display())]
    NoCurrent { folder: PathBuf },
    #[error(
        "{}: names `{name}`, which is no model kept in this folder; write one of these into it: {}",
        path.display(),
        if kept.is_empty() { "(none is kept)".to_owned() } else { kept.join(", ") }
    )]
    BadPointer { path: PathBuf, name: String, kept: Vec<String> },
    #[error("{}:{line}: a row is `time,step,model,followed`, and a step is `promote` or `rollback`; mend it or take it out", path.display())]
    History { path: PathBuf, line: usize },
    #[error("{}: no model was current before {name}; `petition promote` another one", folder.display())]
    NothingBefore { folder: PathBuf, name: String },
    #[error("{}: {name} was current before, but its model is gone; `petition promote` another one", folder.display())]
    Gone { folder: PathBuf, name: String },
    #[error("{}: cannot be understood: {message}", path.display())]
    Promotion { path: PathBuf, message: String },
    #[error("the model {0}")]
    Model(#[from] ModelError),
    #[error("the clock shows a time that no calendar has")]
    Clock,
}

/// What is known of a kept model's promotion: the contents of `promoted.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Promotion {
    /// When it was promoted: RFC 3339, UTC, to the second.
    pub promoted: String,
    /// The SHA-256 of the model's file, in hexadecimal.
    pub model_hash: String,
    /// The name of the model's taxonomy.
    pub taxonomy: String,
    /// The version of petition that trained it.
    pub version: String,
    /// The SHA-256 of its training rows, see [`crate::labels::hash`].
    pub data_hash: String,
    /// Rows of training.
    pub n_rows: usize,
    /// Documents they come from.
    pub n_documents: usize,
    /// Out-of-fold figures, by name.
    pub figures: Vec<(String, f64)>,
    /// Figures on labelled rows, by name; empty if none were given.
    pub gold_figures: Vec<(String, f64)>,
    /// What was noted.
    pub note: Option<String>,
}

/// A model to be promoted.
#[derive(Debug, Clone, Copy)]
pub struct Newcomer<'a> {
    /// The bytes of its file.
    pub bytes: &'a [u8],
    /// Its card.
    pub card: &'a str,
    /// Figures on labelled rows, by name; empty if there are none.
    pub gold_figures: &'a [(String, f64)],
    /// What to note.
    pub note: Option<&'a str>,
}

/// What a promotion came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Promoted {
    /// It is current now.
    Done {
        /// Its name in the folder.
        name: String,
        /// The model that was current before it.
        followed: Option<String>,
    },
    /// The very same file was current already; nothing was done.
    AlreadyCurrent {
        /// Its name in the folder.
        name: String,
    },
}

/// A kept model.
#[derive(Debug)]
pub struct Kept {
    /// Its name in the folder.
    pub name: String,
    /// What is known of its promotion.
    pub promotion: Result<Promotion, ShelfError>,
}

/// A folder of models. See the [module](self).
///
/// ```
/// use petition::model::Model;
/// use petition::shelf::{Newcomer, Promoted, Shelf};
/// use std::time::{Duration, SystemTime};
///
/// let folder = tempfile::tempdir()?;
/// let shelf = Shelf::at(folder.path());
/// let mut model = Model::shipped()?;
/// let at = |second| SystemTime::UNIX_EPOCH + Duration::from_secs(second);
/// for second in 0..2 {
///     model.set_threshold("training", 0.5 + 0.1 * second as f64)?;
///     let newcomer = Newcomer { bytes: &model.to_bytes()?, card: "", gold_figures: &[], note: None };
///     assert!(matches!(shelf.promote(&newcomer, at(second))?, Promoted::Done { .. }));
///     assert!(matches!(shelf.promote(&newcomer, at(second))?, Promoted::AlreadyCurrent { .. }));
/// }
/// assert!(shelf.current()?.starts_with("1970-01-01T00-00-01Z-"));
/// assert!(shelf.rollback(at(9))?.starts_with("1970-01-01T00-00-00Z-"));
/// assert_eq!(Model::load(&shelf.current_model()?)?.thresholds()[0], Model::shipped()?.thresholds()[0]);
/// assert_eq!(shelf.list()?.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Shelf {
    folder: PathBuf,
}

impl Shelf {
    /// The models of this folder, which need not be there yet.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The name of the current model.
    ///
    /// # Errors
    /// There is no file `current`, or it names no model of the folder.
    pub fn current(&self) -> Result<String, ShelfError> {
        let path = self.folder.join(CURRENT);
        let text = match fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).trim().to_owned(),
            Err(e) if e.kind() == ErrorKind::NotFound => {
                return Err(ShelfError::NoCurrent { folder: self.folder.clone() });
            }
            Err(source) => return Err(ShelfError::Io { path, source }),
        };
        if self.keeps(&text) {
            return Ok(text);
        }
        let kept = self.names().unwrap_or_default();
        // A file that is something else altogether is not repeated in full.
        let name = text.chars().take(60).filter(|c| !c.is_control()).collect();
        Err(ShelfError::BadPointer { path, name, kept })
    }

    /// The file of the current model.
    ///
    /// # Errors
    /// As [`Shelf::current`].
    pub fn current_model(&self) -> Result<PathBuf, ShelfError> {
        Ok(self.folder.join(self.current()?).join(MODEL))
    }

    /// Keeps a model and makes it the current one, unless the very same file is current already.
    ///
    /// The folder is made if it is not there. `now` goes into the model's name; should the name be taken, a number is added.
    ///
    /// # Errors
    /// Bytes that are no sound model; a `current` that names no model; files that cannot be written.
    pub fn promote(&self, newcomer: &Newcomer, now: SystemTime) -> Result<Promoted, ShelfError> {
        self.promote_watched(newcomer, now, &mut || ())
    }

    /// Makes that model current again which the current one followed, and gives its name.
    ///
    /// Each rollback goes one promotion further back, to the first one at last: after promotions of A, B and C, two
    /// rollbacks lead to A. A model that was rolled back is kept, and becomes current again by promoting its file.
    ///
    /// # Errors
    /// There is no model before the current one, or it is gone; files that cannot be read or written.
    pub fn rollback(&self, now: SystemTime) -> Result<String, ShelfError> {
        self.rollback_watched(now, &mut || ())
    }

    /// All kept models, in the order of their promotion; those that never became current come last.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn list(&self) -> Result<Vec<Kept>, ShelfError> {
        let kept = |name: String| Kept { promotion: self.promotion(&name), name };
        // Names tell the second; within one, and if a clock was wrong, the history knows better. If it is broken, names do.
        let history = self.history().unwrap_or_default();
        let mut names = self.names()?;
        names.sort_by_key(|name| history.iter().position(|r| r.model == *name).unwrap_or(usize::MAX));
        Ok(names.into_iter().map(kept).collect())
    }

    fn promote_watched(
        &self,
        newcomer: &Newcomer,
        now: SystemTime,
        after_each_step: &mut dyn FnMut(),
    ) -> Result<Promoted, ShelfError> {
        let model = Model::from_bytes(newcomer.bytes)?;
        let now = to_seconds(now)?;
        fs::create_dir_all(&self.folder).map_err(at(&self.folder))?;
        let _lock = self.lock()?;
        let followed = match self.current() {
            Ok(name) => Some(name),
            Err(ShelfError::NoCurrent { .. }) => None,
            Err(error) => return Err(error),
        };
        let model_hash = digest::of_bytes(newcomer.bytes);
        if let Some(name) = &followed {
            self.mend_history(name, now)?;
            let path = self.folder.join(name).join(MODEL);
            if digest::of_bytes(&fs::read(&path).map_err(at(&path))?) == model_hash {
                return Ok(Promoted::AlreadyCurrent { name: name.clone() });
            }
        }
        let training = model.training();
        let promotion = Promotion {
            promoted: now.to_string(),
            taxonomy: model.taxonomy().name.clone(),
            version: training.version.clone(),
            data_hash: training.data_hash.clone(),
            n_rows: training.n_rows,
            n_documents: training.n_documents,
            figures: training.figures.clone(),
            gold_figures: newcomer.gold_figures.to_vec(),
            note: newcomer.note.map(str::to_owned),
            model_hash,
        };
        let name = self.free_name(now, &promotion.model_hash);

        let unfinished = self.folder.join(UNFINISHED);
        // Left behind by a step that was cut off; nobody else may write now.
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(at(&unfinished))?;
        }
        fs::create_dir(&unfinished).map_err(at(&unfinished))?;
        after_each_step();
        let json = serde_json::to_string_pretty(&promotion)
            .map_err(|e| ShelfError::Promotion { path: unfinished.join(PROMOTED), message: e.to_string() })?;
        for (file, bytes) in
            [(MODEL, newcomer.bytes), (CARD, newcomer.card.as_bytes()), (PROMOTED, format!("{json}\n").as_bytes())]
        {
            write_new(&unfinished.join(file), bytes)?;
            after_each_step();
        }
        sync_folder(&unfinished)?;
        let place = self.folder.join(&name);
        fs::rename(&unfinished, &place).map_err(at(&place))?;
        sync_folder(&self.folder)?;
        after_each_step();
        self.point_at(&name, after_each_step)?;
        self.append(&Record { time: now.to_string(), step: Step::Promote, model: name.clone() }, followed.as_deref())?;
        after_each_step();
        Ok(Promoted::Done { name, followed })
    }

    fn rollback_watched(&self, now: SystemTime, after_each_step: &mut dyn FnMut()) -> Result<String, ShelfError> {
        let now = to_seconds(now)?;
        // Nothing is written where no models are.
        self.current()?;
        let _lock = self.lock()?;
        let current = self.current()?;
        let followers = self.mend_history(&current, now)?;
        let folder = || self.folder.clone();
        let Some(before) = followers.len().checked_sub(2).map(|place| &followers[place]) else {
            return Err(ShelfError::NothingBefore { folder: folder(), name: current });
        };
        if !self.keeps(before) {
            return Err(ShelfError::Gone { folder: folder(), name: before.clone() });
        }
        self.point_at(before, after_each_step)?;
        let record = Record { time: now.to_string(), step: Step::Rollback, model: before.clone() };
        self.append(&record, Some(&current))?;
        after_each_step();
        Ok(before.clone())
    }

    /// Waits until no other step is under way, and keeps others waiting until the file is dropped.
    fn lock(&self) -> Result<File, ShelfError> {
        let path = self.folder.join(LOCK);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(at(&path))?;
        file.lock().map_err(at(&path))?;
        Ok(file)
    }

    /// The folder has a model of this name; a name that would lead out of the folder is none.
    fn keeps(&self, name: &str) -> bool {
        let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', ':', '\0']);
        is_plain && self.folder.join(name).join(MODEL).is_file()
    }

    /// The names of all kept models, sorted.
    fn names(&self) -> Result<Vec<String>, ShelfError> {
        let entries = fs::read_dir(&self.folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let entries = entries.map_err(at(&self.folder))?;
        let names = entries.into_iter().filter_map(|e| e.file_name().into_string().ok());
        let mut names: Vec<String> = names.filter(|name| self.keeps(name)).collect();
        names.sort();
        Ok(names)
    }

    fn promotion(&self, name: &str) -> Result<Promotion, ShelfError> {
        let path = self.folder.join(name).join(PROMOTED);
        let text = fs::read_to_string(&path).map_err(at(&path))?;
        serde_json::from_str(&text).map_err(|e| ShelfError::Promotion { path, message: e.to_string() })
    }

    fn free_name(&self, now: Timestamp, hash: &str) -> String {
        let name = format!("{}-{}", now.strftime("%Y-%m-%dT%H-%M-%SZ"), &hash[..8]);
        let mut free = name.clone();
        let mut n = 1;
        while self.folder.join(&free).exists() {
            n += 1;
            free = format!("{name}-{n}");
        }
        free
    }

    /// Makes a kept model the current one: written beside, then renamed.
    fn point_at(&self, name: &str, after_each_step: &mut dyn FnMut()) -> Result<(), ShelfError> {
        let (next, path) = (self.folder.join(NEXT_POINTER), self.folder.join(CURRENT));
        match fs::remove_file(&next) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(at(&next)(e)),
            _ => {}
        }
        write_new(&next, format!("{name}\n").as_bytes())?;
        after_each_step();
        fs::rename(&next, &path).map_err(at(&path))?;
        sync_folder(&self.folder)?;
        after_each_step();
        Ok(())
    }

    /// Adds the row that a step which was cut off, or a hand that wrote `current`, has left out. Gives the models that
    /// followed one another, the current one last; each followed the one before it.
    fn mend_history(&self, current: &str, now: Timestamp) -> Result<Vec<String>, ShelfError> {
        let records = self.history()?;
        let mut followers = Vec::new();
        records.iter().for_each(|record| record.apply(&mut followers));
        let last = followers.last().cloned();
        if last.as_deref() != Some(current) {
            let step = if followers.iter().any(|f| f == current) { Step::Rollback } else { Step::Promote };
            let record = Record { time: now.to_string(), step, model: current.to_owned() };
            self.append(&record, last.as_deref())?;
            record.apply(&mut followers);
        }
        Ok(followers)
    }

    /// The rows of the history, in order; a last line without its end was cut off and does not count.
    fn history(&self) -> Result<Vec<Record>, ShelfError> {
        let path = self.folder.join(HISTORY);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(at(&path)(e)),
        };
        let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
        let mut records = Vec::new();
        for (place, line) in whole.lines().enumerate().skip(1).filter(|(_, line)| !line.trim().is_empty()) {
            let fields: Vec<&str> = line.split(',').map(|f| f.trim().trim_matches('"')).collect();
            let record = match fields[..] {
                [time, step, model, _] if !model.is_empty() => {
                    let step = [Step::Promote, Step::Rollback].into_iter().find(|s| s.name() == step);
                    step.map(|step| Record { time: time.to_owned(), step, model: model.to_owned() })
                }
                _ => None,
            };
            records.push(record.ok_or_else(|| ShelfError::History { path: path.clone(), line: place + 1 })?);
        }
        Ok(records)
    }

    /// Appends a row to the history, under its header if it is the first one.
    fn append(&self, record: &Record, followed: Option<&str>) -> Result<(), ShelfError> {
        let path = self.folder.join(HISTORY);
        let mut options = OpenOptions::new();
        let mut file = options.create(true).read(true).write(true).truncate(false).open(&path).map_err(at(&path))?;
        let mut written = Vec::new();
        file.read_to_end(&mut written).map_err(at(&path))?;
        let whole = written.iter().rposition(|&b| b == b'\n').map_or(0, |end| end + 1);
        // What comes after is half a row, of a step that was cut off.
        file.set_len(whole as u64).and_then(|()| file.seek(SeekFrom::End(0))).map_err(at(&path))?;
        let Record { time, step, model } = record;
        let header = if whole == 0 { HISTORY_HEADER } else { "" };
        let row = format!("{header}{time},{},{model},{}\n", step.name(), followed.unwrap_or_default());
        file.write_all(row.as_bytes()).and_then(|()| file.sync_all()).map_err(at(&path))?;
        if whole == 0 { sync_folder(&self.folder) } else { Ok(()) }
    }
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Promote,
    Rollback,
}

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Rollback => "rollback",
        }
    }
}

/// A row of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Record {
    time: String,
    step: Step,
    /// The model that became current.
    model: String,
}

impl Record {
    /// Goes on with the models that followed one another.
    fn apply(&self, followers: &mut Vec<String>) {
        match followers.iter().rposition(|f| *f == self.model) {
            Some(place) if self.step == Step::Rollback => followers.truncate(place + 1),
            _ => followers.push(self.model.clone()),
        }
    }
}

/// An error of reading or writing, with the path.
fn at(path: &Path) -> impl FnOnce(std::io::Error) -> ShelfError {
    let path = path.to_owned();
    move |source| ShelfError::Io { path, source }
}

fn to_seconds(time: SystemTime) -> Result<Timestamp, ShelfError> {
    let time = Timestamp::try_from(time).map_err(|_| ShelfError::Clock)?;
    Timestamp::from_second(time.as_second()).map_err(|_| ShelfError::Clock)
}

/// Writes a file that is not there yet, down to the disk.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), ShelfError> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(at(path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(at(path))
}

/// Brings the names of a folder's files down to the disk.
#[cfg(unix)]
fn sync_folder(path: &Path) -> Result<(), ShelfError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(at(path))
}

/// Only Unix lets folders be flushed.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> Result<(), ShelfError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::evaluate::Labels;
    use crate::labels::LabelledRow;
    use crate::taxonomy::{Taxonomy, TopicSet};
    use crate::train::train;
    use std::time::Duration;
    use tempfile::TempDir;

    /// The files of `n` small models that differ in a threshold.
    fn models(n: usize) -> Vec<Vec<u8>> {
        let taxonomy = Taxonomy::read(
            "name = 'housing'\n[[act]]\nid = 'ask'\ndefinition = ''\n[[act]]\nid = 'none'\ndefinition = ''\n[[topic]]\nid = 'rent'\ndefinition = ''\nterms = ['rent']",
        )
        .expect("well formed");
        let row = |i: usize| {
            let mut topics = TopicSet::default();
            if i.is_multiple_of(2) {
                topics.insert(0);
            }
            LabelledRow {
                id: i.to_string(),
                document: (i / 4).to_string(),
                title: None,
                text: if i.is_multiple_of(2) { "Lower the rent now" } else { "It rained all night" }.to_owned(),
                labels: Labels { act: i % 2, topics },
            }
        };
        let config = Config { resamples: 0, ..Config::default() }.check().expect("sound");
        let mut model = train((0..60).map(row).collect(), taxonomy, config, &|_, _| ()).expect("trains").model;
        let threshold = |i: usize| (i + 1) as f64 / (n + 1) as f64;
        (0..n)
            .map(|i| {
                model.set_threshold("rent", threshold(i)).expect("a topic");
                model.to_bytes().expect("writes")
            })
            .collect()
    }

    fn newcomer(bytes: &[u8]) -> Newcomer<'_> {
        Newcomer { bytes, card: "# A card\n", gold_figures: &[], note: Some("why, \"then\"") }
    }

    fn second(n: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + n)
    }

    fn shelf() -> (TempDir, Shelf) {
        let folder = tempfile::tempdir().expect("a folder");
        let shelf = Shelf::at(folder.path().join("models"));
        (folder, shelf)
    }

    fn promoted(shelf: &Shelf, bytes: &[u8], time: u64) -> String {
        match shelf.promote(&newcomer(bytes), second(time)).expect("promoted") {
            Promoted::Done { name, .. } => name,
            Promoted::AlreadyCurrent { name } => panic!("{name} is current already"),
        }
    }

    fn current_bytes(shelf: &Shelf) -> Vec<u8> {
        let bytes = fs::read(shelf.current_model().expect("a current model")).expect("read");
        Model::from_bytes(&bytes).expect("a whole model");
        bytes
    }

    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).expect("made");
        // A locked file cannot be read everywhere.
        for entry in fs::read_dir(from).expect("listed").map(|e| e.expect("an entry")).filter(|e| e.file_name() != LOCK)
        {
            let to = to.join(entry.file_name());
            if entry.path().is_dir() {
                copy(&entry.path(), &to)
            } else {
                fs::copy(entry.path(), to).map(|_| ()).expect("copied")
            }
        }
    }

    #[test]
    fn each_rollback_goes_one_promotion_further_back() {
        let (_folder, shelf) = shelf();
        let files = models(4);
        let names: Vec<String> = (0..3).map(|i| promoted(&shelf, &files[i], i as u64)).collect();
        assert_eq!(names[0], format!("2027-01-15T08-00-00Z-{}", &digest::of_bytes(&files[0])[..8]));
        let again = shelf.promote(&newcomer(&files[2]), second(7)).expect("seen");
        assert_eq!(again, Promoted::AlreadyCurrent { name: names[2].clone() });
        assert_eq!(shelf.rollback(second(10)).expect("back"), names[1]);
        assert!(current_bytes(&shelf) == files[1]);
        // A model that follows B leads back to B, then to A; then there is none.
        let d = promoted(&shelf, &files[3], 11);
        assert_eq!(shelf.rollback(second(12)).expect("back"), names[1]);
        assert_eq!(shelf.rollback(second(13)).expect("back"), names[0]);
        let error = shelf.rollback(second(14)).expect_err("no more").to_string();
        assert!(
            error.ends_with(&format!("no model was current before {}; `petition promote` another one", names[0])),
            "{error}"
        );
        assert_eq!(shelf.current().expect("unchanged"), names[0]);
        // The way forward is a promotion, under a name of its own.
        let c = promoted(&shelf, &files[2], 2);
        assert_eq!(c, format!("{}-2", names[2]));
        assert_eq!(shelf.rollback(second(16)).expect("back"), names[0]);

        let history = fs::read_to_string(shelf.folder.join(HISTORY)).expect("read");
        let expected = [
            format!("2027-01-15T08:00:00Z,promote,{},", names[0]),
            format!("2027-01-15T08:00:01Z,promote,{},{}", names[1], names[0]),
            format!("2027-01-15T08:00:02Z,promote,{},{}", names[2], names[1]),
            format!("2027-01-15T08:00:10Z,rollback,{},{}", names[1], names[2]),
            format!("2027-01-15T08:00:11Z,promote,{d},{}", names[1]),
            format!("2027-01-15T08:00:12Z,rollback,{},{d}", names[1]),
            format!("2027-01-15T08:00:13Z,rollback,{},{}", names[0], names[1]),
            format!("2027-01-15T08:00:02Z,promote,{c},{}", names[0]),
            format!("2027-01-15T08:00:16Z,rollback,{},{c}", names[0]),
        ];
        assert_eq!(history, format!("{HISTORY_HEADER}{}\n", expected.join("\n")));

        // Every model that was ever current is still there, whole, with all that belongs to it.
        let kept = shelf.list().expect("listed");
        assert_eq!(kept.len(), 5);
        for (name, bytes) in names.iter().zip(&files) {
            let file = |file: &str| fs::read(shelf.folder.join(name).join(file)).expect("kept");
            assert!(&file(MODEL) == bytes && file(CARD) == b"# A card\n");
            let promotion = kept.iter().find(|k| &k.name == name).expect("kept").promotion.as_ref().expect("reads");
            assert_eq!(
                (promotion.model_hash.clone(), promotion.note.as_deref()),
                (digest::of_bytes(bytes), Some("why, \"then\""))
            );
            assert_eq!((promotion.n_rows, promotion.taxonomy.as_str()), (60, "housing"));
        }
    }

    /// The folder is copied after each step on the disk, as a crash would leave it, and taken from there.
    #[test]
    fn wherever_a_step_is_cut_off_current_names_a_whole_model() {
        let files = models(4);
        for action in ["first promotion", "promotion", "rollback"] {
            let (folder, shelf) = shelf();
            let n_before = if action == "first promotion" { 0 } else { 2 };
            let before: Vec<String> = (0..n_before).map(|i| promoted(&shelf, &files[i], i as u64)).collect();
            let mut snapshots = Vec::new();
            let mut snapshot = || {
                let to = folder.path().join(format!("snapshot-{}", snapshots.len()));
                copy(&shelf.folder, &to);
                snapshots.push(Shelf::at(to));
            };
            match action {
                "rollback" => {
                    shelf.rollback_watched(second(5), &mut snapshot).expect("back");
                }
                _ => {
                    shelf.promote_watched(&newcomer(&files[2]), second(5), &mut snapshot).expect("promoted");
                }
            }
            assert_eq!(snapshots.len(), if action == "rollback" { 3 } else { 8 });
            let mut seen = Vec::new();
            for (at, cut) in snapshots.iter().enumerate() {
                let found = match cut.current() {
                    Ok(_) => Some(current_bytes(cut)),
                    Err(ShelfError::NoCurrent { .. }) if n_before == 0 => None,
                    Err(error) => panic!("{action}, step {at}: {error}"),
                };
                seen.push(found.clone());
                for kept in cut.list().expect("listed") {
                    kept.promotion.unwrap_or_else(|e| panic!("{action}, step {at}: {e}"));
                }
                // The next step goes on from there, and back again to what was current.
                let next = promoted(cut, &files[3], 20);
                assert_eq!(cut.current().expect("a pointer"), next);
                if found.is_some() {
                    cut.rollback(second(21)).unwrap_or_else(|e| panic!("{action}, step {at}: {e}"));
                    assert!(Some(current_bytes(cut)) == found, "{action}, step {at}");
                }
                // From the cut promotion on to the one before it, from the cut rollback no further.
                if found.as_ref() == Some(&files[2]) && n_before == 2 {
                    assert_eq!(cut.rollback(second(22)).expect("back"), before[1]);
                }
                if action == "rollback" && found.as_ref() == Some(&files[0]) {
                    assert!(matches!(cut.rollback(second(22)), Err(ShelfError::NothingBefore { .. })));
                }
            }
            let old = n_before.checked_sub(1).map(|i| &files[i]);
            let new = if action == "rollback" { &files[0] } else { &files[2] };
            let turned = seen.iter().position(|f| f.as_ref() == Some(new)).expect("done at last");
            assert!(
                seen[..turned].iter().all(|f| f.as_ref() == old)
                    && seen[turned..].iter().all(|f| f.as_ref() == Some(new))
            );
        }
    }

    #[test]
    fn promotions_at_once_are_all_kept() {
        let (_folder, shelf) = shelf();
        let files = models(6);
        std::thread::scope(|scope| {
            for bytes in &files {
                let shelf = &shelf;
                scope.spawn(move || promoted(shelf, bytes, 0));
            }
        });
        assert_eq!(shelf.list().expect("listed").len(), 6);
        // Each followed the one that was current just before it.
        let history = fs::read_to_string(shelf.folder.join(HISTORY)).expect("read");
        let rows: Vec<Vec<&str>> = history.lines().skip(1).map(|line| line.split(',').collect()).collect();
        assert_eq!(rows.len(), 6);
        assert!(rows.windows(2).all(|pair| pair[1][3] == pair[0][2]) && rows[0][3].is_empty());
        assert_eq!(shelf.current().expect("a pointer"), rows[5][2]);
        (0..5).rev().for_each(|at| assert_eq!(shelf.rollback(second(1)).expect("back"), rows[at][2]));
    }

    #[test]
    fn broken_pointers_and_histories_are_named() {
        let (_folder, shelf) = shelf();
        let told = |error: ShelfError| error.to_string().replace(&shelf.folder.display().to_string(), "DIR");
        let files = models(3);
        assert_eq!(
            told(shelf.rollback(second(0)).expect_err("nothing there")),
            "DIR: has no file `current`; name a model file, or a folder that `petition promote` has filled"
        );
        assert!(!shelf.folder.exists());
        let names: Vec<String> = (0..2).map(|i| promoted(&shelf, &files[i], i as u64)).collect();
        let pointer = shelf.folder.join(CURRENT);
        for name in ["gone", "../models", "", ".", "a/b", names[0].split_at(9).0] {
            fs::write(&pointer, name).expect("written");
            let expected = format!(
                "DIR/current: names `{name}`, which is no model kept in this folder; write one of these into it: {}",
                names.join(", ")
            );
            assert_eq!(told(shelf.current_model().expect_err(name)), expected);
            assert_eq!(told(shelf.rollback(second(2)).expect_err(name)), expected);
            assert_eq!(told(shelf.promote(&newcomer(&files[2]), second(2)).expect_err(name)), expected);
        }
        assert_eq!(shelf.list().expect("listed").len(), 2);
        // A hand may set it, on Windows too; that counts as going back.
        fs::write(&pointer, format!("{}\r\n", names[0])).expect("written");
        assert!(current_bytes(&shelf) == files[0]);
        assert!(matches!(shelf.rollback(second(3)), Err(ShelfError::NothingBefore { .. })));
        let c = promoted(&shelf, &files[2], 4);
        assert_eq!(shelf.rollback(second(5)).expect("back"), names[0]);

        // Half a row is none; the next one takes its place.
        let path = shelf.folder.join(HISTORY);
        let whole = fs::read_to_string(&path).expect("read");
        fs::write(&path, format!("{whole}2027-01-15T08:00:06Z,promote,{}", &c[..9])).expect("written");
        let d = promoted(&shelf, &files[1], 6);
        let expected = format!("{whole}2027-01-15T08:00:06Z,promote,{d},{}\n", names[0]);
        assert_eq!(fs::read_to_string(&path).expect("read"), expected);
        fs::write(&path, whole.replacen("promote", "push", 1)).expect("written");
        assert_eq!(
            told(shelf.rollback(second(7)).expect_err("a bad step")),
            "DIR/history.csv:2: a row is `time,step,model,followed`, and a step is `promote` or `rollback`; mend it or take it out"
        );
        fs::write(&path, expected).expect("written");
        fs::remove_dir_all(shelf.folder.join(&names[0])).expect("removed");
        assert_eq!(
            told(shelf.rollback(second(8)).expect_err("gone")),
            format!("DIR: {} was current before, but its model is gone; `petition promote` another one", names[0])
        );
        let broken = shelf.promote(&newcomer(&files[0][..500]), second(9)).expect_err("no model").to_string();
        assert!(broken.starts_with("the model is no model file, or is damaged: "), "{broken}");
        assert_eq!(shelf.current().expect("unchanged"), d);
    }
}
