//! Labelled rows in the forms of other tools: this file decides which forms there are and what all share; each form has a
//! file of its own, and [`FlatLabels`] says what an act or a topic is called there.
//!
//! [`import`] reads a tool's file and writes a labels file, as [`crate::labels`] reads it; [`export`] goes the other way.
//!
//! ```
//! use petition::exchange::{ColumnNames, Format, ImportOptions, Source, import};
//! let lines = "{\"id\": 7, \"text\": \"Cut rents\", \"label\": [\"oversight\", \"demand\"], \"title\": \"T\"}\n";
//! let source = Source::new("a.jsonl", lines.as_bytes());
//! let model = petition::model::Model::shipped()?;
//! let mut csv = Vec::new();
//! let summary = import(source, Format::Doccano, model.taxonomy(), &ImportOptions::default(), &mut csv)?;
//! assert_eq!(summary.n_rows, 1);
//! let expected = "id,document,title,text,act,topics,lead,before,after,note,annotator,saved,meta\n\
//!                 7,,T,Cut rents,demand,oversight,,,,,,,\n";
//! assert_eq!(String::from_utf8(csv)?, expected);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod doccano;
mod fasttext;
mod flat;
mod json_lines;
mod label_studio;
mod prodigy;
mod row;
mod table;

pub use flat::{FlatLabel, FlatLabels, Kind};
pub use label_studio::config;
pub use row::{ColumnNames, Field, Place, Unit};

use crate::document::ReadError;
use crate::evaluate::Labels;
use crate::taxonomy::{Taxonomy, TopicSet};
use row::{Entry, Name, Predicted, Row};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::path::Path;
use thiserror::Error;

/// The form of a tool's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON Lines of doccano's text classification or sequence labelling.
    Doccano,
    /// Label Studio's tasks, as JSON; JSON-MIN is read too.
    LabelStudio,
    /// JSON Lines of Prodigy's choice interface.
    Prodigy,
    /// fastText's lines: `__label__NAME` for each label, then the text.
    FastText,
    /// Comma-separated rows under a header.
    Csv,
    /// Tab-separated rows under a header.
    Tsv,
}

/// What becomes of rows without any label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unlabelled {
    /// They are left out.
    #[default]
    Skip,
    /// They are written with act and topics empty, to be labelled; training refuses such rows.
    Keep,
}

/// How a tool's file is read.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The names of the tool's columns or keys.
    pub columns: ColumnNames,
    /// What becomes of rows without any label.
    pub unlabelled: Unlabelled,
    /// The act of rows that have topics and no act; without it they are errors.
    pub default_act: Option<usize>,
    /// Rows by others than this annotator are passed over.
    pub annotator: Option<String>,
    /// The tool's names of labels, each with ours.
    pub rename: Vec<(String, String)>,
}

/// Whose labels the columns `act` and `topics` of exported rows hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LabelsBy {
    /// A model's if there is a column `act_score` and no `predicted_act`, as `classify` writes; else a person's.
    #[default]
    Columns,
    /// A person's.
    Person,
    /// A model's.
    Model,
}

/// How a tool's file is written.
#[derive(Debug, Clone, Default)]
pub struct ExportOptions {
    /// The names of the tool's columns or keys.
    pub columns: ColumnNames,
    /// Whose labels `act` and `topics` are.
    pub labels_by: LabelsBy,
    /// A model's labels are left out; if not, they are filled in where a person's are missing.
    pub without_predictions: bool,
    /// The model's name beside its labels, where the form has a place for it.
    pub model_version: String,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rows written.
    pub n_rows: usize,
    /// Rows without any label, left out or kept.
    pub n_unlabelled: usize,
    /// Rows that their annotator rejected, ignored or cancelled; left out.
    pub n_refused: usize,
    /// Rows by other annotators than the one asked for; left out.
    pub n_by_others: usize,
    /// Rows written with a model's labels.
    pub n_predicted: usize,
    /// Texts that the form cannot hold as they are: fastText's lines know no line breaks, and words that begin with
    /// `__label__` are labels there.
    pub n_changed: usize,
    /// Fields that stand in the input's header.
    pub fields: Vec<Field>,
}

/// What is wrong with a file in a tool's form, or with rows to be written in one. Lines count from 1, the header included.
#[derive(Debug, Error)]
#[allow(missing_docs)]
pub enum ExchangeError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("{place}: broken JSON: {message}")]
    Json { place: Place, message: String },
    #[error("{place}: is no JSON object")]
    NoObject { place: Place },
    #[error("{path}: holds no list of tasks; export the project as JSON or JSON-MIN")]
    NoTasks { path: String },
    #[error("{place}: is not UTF-8; save the file as UTF-8")]
    NotUtf8 { place: Place },
    #[error("{place}: `{key}` is missing or no text; name the right one with --text-column")]
    MissingText { place: Place, key: String },
    #[error("{place}: `{key}` is empty")]
    EmptyText { place: Place, key: String },
    #[error("{place}: `{key}` holds no labels in a form that is known: a text, or a list of texts")]
    WrongLabels { place: Place, key: String },
    #[error("{place}: the answer `{answer}` is none of accept, reject and ignore")]
    WrongAnswer { place: Place, answer: String },
    #[error("{place}: `{label}` is no {} of the taxonomy; it has {}{}", kind_name(*kind), known.join(", "), rename_hint(label, *on_import))]
    UnknownLabel { place: Place, label: String, kind: Kind, known: Vec<String>, on_import: bool },
    #[error("{place}: has two acts, `{first}` and `{second}`; a row has one")]
    TwoActs { place: Place, first: String, second: String },
    #[error("{place}: has topics and no act; give it one of {}{}", known.join(", "), if *on_import { ", or all such rows one with --default-act" } else { "" })]
    NoAct { place: Place, known: Vec<String>, on_import: bool },
    #[error("{place}: act `{act}` takes no topics, yet the row has some; take them away or change the act")]
    TopicsWithoutAct { place: Place, act: String },
    #[error("{place}: the id `{id}` stands already at {first}; ids must be unique")]
    DuplicateId { place: Place, id: String, first: Place },
    #[error("{place}: `{id}` was labelled by {annotator} too, after {before}; choose one of them with --annotator")]
    SeveralAnnotators { place: Place, id: String, annotator: String, before: String },
    #[error(
        "{place}: `{label}` stands within the text, where fastText takes it for a label; move it to the line's beginning"
    )]
    LabelInText { place: Place, label: String },
    #[error("{place}: column `act_score`: `{value}` is no number from 0 to 1")]
    WrongScore { place: Place, value: String },
    #[error(
        "{path}: no row is left; {n_unlabelled} without labels, {n_refused} refused, {n_by_others} by other annotators"
    )]
    NoRows { path: String, n_unlabelled: usize, n_refused: usize, n_by_others: usize },
    #[error("cannot be written: {0}")]
    Write(#[from] std::io::Error),
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Any => "act or topic",
        Kind::Act => "act",
        Kind::Topic => "topic",
    }
}

fn rename_hint(label: &str, on_import: bool) -> String {
    if on_import { format!("; say what it stands for with --rename \"{label}=NAME\"") } else { String::new() }
}

/// A file to read.
pub struct Source {
    /// The name in messages.
    name: String,
    bytes: Box<dyn Read + Send>,
}

impl Source {
    /// Bytes under a name.
    pub fn new(name: &str, bytes: impl Read + Send + 'static) -> Self {
        Self { name: name.to_owned(), bytes: Box::new(bytes) }
    }

    /// What rows without an id are named after: the file's name without folders and ending.
    fn stem(&self) -> String {
        let stem = Path::new(&self.name).file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
        if stem == "-" { "stdin".to_owned() } else { stem }
    }

    /// Opens a file; `-` is standard input.
    ///
    /// # Errors
    /// The file is not there or cannot be read.
    pub fn open(path: &Path) -> Result<Self, ExchangeError> {
        let name = path.display().to_string();
        if path == Path::new("-") {
            return Ok(Self::new(&name, std::io::stdin()));
        }
        match std::fs::File::open(path) {
            Ok(file) => Ok(Self::new(&name, file)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(ReadError::NotFound { path: name }.into()),
            Err(source) => Err(ReadError::Io { path: name, source }.into()),
        }
    }
}

type Entries<'a> = Box<dyn Iterator<Item = Result<Entry, ExchangeError>> + 'a>;

/// Reads a tool's file and writes a labels file: `id,document,title,text,act,topics,lead,before,after,note,annotator,saved,meta`.
///
/// `meta` holds what the tool keeps beside all that, as a JSON object; empty for none. Rows come in the order of the file, and
/// those without an id are named `FILE-LINE`. Doccano's, Prodigy's, fastText's and tabular files are read a row at a time; what stays
/// in memory is their ids.
///
/// # Errors
/// The first thing that is wrong, with file and line (for Label Studio: file and number of the task, from 1); no row is left.
pub fn import(
    source: Source,
    format: Format,
    taxonomy: &Taxonomy,
    options: &ImportOptions,
    out: impl Write,
) -> Result<Summary, ExchangeError> {
    let (path, stem) = (source.name.clone(), source.stem());
    let reader = LabelReader { flat: &FlatLabels::new(taxonomy), taxonomy, options: Some(options) };
    let mut writer = table::Writer::new(out, b',', &ColumnNames::default(), taxonomy)?;
    let mut summary = Summary::default();
    let mut seen = Seen::default();
    for entry in entries(source, format, &options.columns)? {
        let entry = entry?;
        let annotator = entry.field(Field::Annotator);
        // Nobody has labelled what has neither labels nor annotator.
        let is_labelled = annotator.is_some() || !entry.given.is_empty();
        if options.annotator.as_deref().is_some_and(|who| is_labelled && annotator != Some(who)) {
            summary.n_by_others += 1;
            continue;
        }
        if entry.is_refused {
            summary.n_refused += 1;
            continue;
        }
        let labels = reader.read(&entry.given, &entry.place)?;
        if labels.is_none() {
            summary.n_unlabelled += 1;
            if options.unlabelled == Unlabelled::Skip {
                continue;
            }
        }
        let row = entry.into_row(&stem, labels, None);
        seen.check(&row)?;
        writer.write(&row)?;
        summary.n_rows += 1;
    }
    let Summary { n_unlabelled, n_refused, n_by_others, .. } = summary;
    if summary.n_rows == 0 {
        return Err(ExchangeError::NoRows { path, n_unlabelled, n_refused, n_by_others });
    }
    writer.finish()?;
    Ok(summary)
}

fn entries(source: Source, format: Format, columns: &ColumnNames) -> Result<Entries<'_>, ExchangeError> {
    Ok(match format {
        Format::Doccano => Box::new(doccano::read(source, columns)),
        Format::LabelStudio => Box::new(label_studio::read(source, columns)?),
        Format::Prodigy => Box::new(prodigy::read(source, columns)),
        Format::FastText => Box::new(fasttext::read(source)),
        Format::Csv => table::read(source, b',', columns, LabelsBy::Person)?.entries,
        Format::Tsv => table::read(source, b'\t', columns, LabelsBy::Person)?.entries,
    })
}

/// Reads a labels file, a table as `classify` writes it, or a queue of rows to label (CSV), and writes a tool's file.
///
/// Rows with a person's labels are written as labelled; a model's labels are filled in where a person's are missing, unless the options
/// leave them out. Rows without labels are written too.
///
/// # Errors
/// The first thing that is wrong, with file and line.
pub fn export(
    source: Source,
    format: Format,
    taxonomy: &Taxonomy,
    options: &ExportOptions,
    out: impl Write,
) -> Result<Summary, ExchangeError> {
    let path = source.name.clone();
    let stem = source.stem();
    let flat = FlatLabels::new(taxonomy);
    let reader = LabelReader { flat: &flat, taxonomy, options: None };
    let ours = ColumnNames::default();
    let input = table::read(source, b',', &ours, options.labels_by)?;
    let form = Form { flat: &flat, options, fields: &input.fields };
    let mut summary = Summary { fields: input.fields.clone(), ..Summary::default() };
    let mut seen = Seen::default();
    let mut line = Vec::new();
    let mut sink = match format {
        Format::Csv => Sink::Table(Box::new(table::Writer::new(out, b',', &options.columns, taxonomy)?)),
        Format::Tsv => Sink::Table(Box::new(table::Writer::new(out, b'\t', &options.columns, taxonomy)?)),
        _ => Sink::Lines(out),
    };
    for entry in input.entries {
        let entry = entry?;
        let labels = reader.read(&entry.given, &entry.place)?;
        let predicted = match &entry.predicted {
            Some((names, score)) if !options.without_predictions => {
                reader.read(names, &entry.place)?.map(|labels| Predicted { labels, score: *score })
            }
            _ => None,
        };
        let row = entry.into_row(&stem, labels, predicted);
        seen.check(&row)?;
        summary.n_unlabelled += usize::from(row.filled_in().is_none());
        summary.n_predicted += usize::from(row.labels.is_none() && row.predicted.is_some());
        match &mut sink {
            Sink::Table(table) => table.write(&row)?,
            Sink::Lines(out) => {
                line.clear();
                match format {
                    Format::Doccano => doccano::write(&row, &form, &mut line),
                    Format::LabelStudio => label_studio::write(&row, &form, summary.n_rows, &mut line),
                    Format::Prodigy => prodigy::write(&row, &form, &mut line),
                    _ => summary.n_changed += usize::from(fasttext::write(&row, &form, &mut line)),
                }
                out.write_all(&line)?;
            }
        }
        summary.n_rows += 1;
    }
    if summary.n_rows == 0 {
        return Err(ExchangeError::NoRows { path, n_unlabelled: 0, n_refused: 0, n_by_others: 0 });
    }
    match sink {
        Sink::Table(table) => table.finish()?,
        Sink::Lines(mut out) => {
            if format == Format::LabelStudio {
                out.write_all(label_studio::END)?;
            }
            out.flush()?;
        }
    }
    Ok(summary)
}

/// Where rows go.
enum Sink<'a, W: Write> {
    Table(Box<table::Writer<'a, W>>),
    Lines(W),
}

/// What the writers of all forms need beside the row.
struct Form<'a> {
    flat: &'a FlatLabels,
    options: &'a ExportOptions,
    /// Fields that stand in the input's header: where a tool wants all rows to have the same keys, these are they.
    fields: &'a [Field],
}

/// Names of labels → an act and topics.
struct LabelReader<'a> {
    flat: &'a FlatLabels,
    taxonomy: &'a Taxonomy,
    /// Ours have no other names.
    options: Option<&'a ImportOptions>,
}

impl LabelReader<'_> {
    /// The labels that names stand for; `None` for no name at all.
    fn read(&self, names: &[Name], place: &Place) -> Result<Option<Labels>, ExchangeError> {
        let (mut act, mut topics) = (None, TopicSet::default());
        let on_import = self.options.is_some();
        for Name { kind, name } in names {
            let renamed = self.options.and_then(|o| o.rename.iter().find(|(theirs, _)| theirs == name));
            let ours = renamed.map_or(name, |(_, ours)| ours);
            match self.flat.find(ours, *kind) {
                Some(FlatLabel::Act(new)) => match act {
                    Some(first) if first != new => {
                        let id = |act: usize| self.taxonomy.acts[act].id.clone();
                        let (first, second) = (id(first), id(new));
                        return Err(ExchangeError::TwoActs { place: place.clone(), first, second });
                    }
                    _ => act = Some(new),
                },
                Some(FlatLabel::Topic(topic)) => topics.insert(topic),
                None => {
                    let known = self.flat.names(*kind).to_vec();
                    let label = ours.clone();
                    let place = place.clone();
                    return Err(ExchangeError::UnknownLabel { place, label, kind: *kind, known, on_import });
                }
            }
        }
        if names.is_empty() {
            return Ok(None);
        }
        let Some(act) = act.or(self.options.and_then(|o| o.default_act)) else {
            let known = self.flat.names(Kind::Act).to_vec();
            return Err(ExchangeError::NoAct { place: place.clone(), known, on_import });
        };
        if self.taxonomy.act_without_topics == Some(act) && !topics.is_empty() {
            let act = self.taxonomy.acts[act].id.clone();
            return Err(ExchangeError::TopicsWithoutAct { place: place.clone(), act });
        }
        Ok(Some(Labels { act, topics }))
    }
}

/// Which ids stood where, and who labelled them.
#[derive(Default)]
struct Seen(HashMap<String, (Place, Option<String>)>);

impl Seen {
    fn check(&mut self, row: &Row) -> Result<(), ExchangeError> {
        let annotator = row.field(Field::Annotator).map(str::to_owned);
        let Some((first, before)) = self.0.insert(row.id.clone(), (row.place.clone(), annotator.clone())) else {
            return Ok(());
        };
        let (place, id) = (row.place.clone(), row.id.clone());
        Err(match (annotator, before) {
            (Some(annotator), Some(before)) if annotator != before => {
                ExchangeError::SeveralAnnotators { place, id, annotator, before }
            }
            _ => ExchangeError::DuplicateId { place, id, first },
        })
    }
}

#[cfg(test)]
mod tests;
