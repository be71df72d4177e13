//! CSV and TSV with named columns: our own labels files, tables of `classify`, queues of rows to label, and other tools'.

use super::row::{Entry, Field, Name, Place, Row, Unit};
use super::{ColumnNames, Entries, ExchangeError, FlatLabels, Kind, LabelsBy, Source};
use crate::document::{ReadError, Watched, decoding};
use crate::evaluate::Labels;
use crate::labels::plain_csv_message;
use crate::taxonomy::Taxonomy;
use serde_json::{Map, Value};
use std::io::Write;

/// Holds metadata as a JSON object.
const META: &str = "meta";
/// The probability of a model's act.
const SCORE: &str = "act_score";
/// What a model said, in a queue of rows to label.
const PREDICTED: [&str; 2] = ["predicted_act", "predicted_topics"];

/// A table whose header was read.
pub(super) struct Table<'a> {
    /// Its fields, in the order of columns.
    pub fields: Vec<Field>,
    pub entries: Entries<'a>,
}

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Id,
    Text,
    Labels(Kind),
    Predicted(Kind),
    Score,
    Meta,
    Other,
}

/// Reads the header, then rows as they are asked for. Other columns than those named are metadata.
pub(super) fn read(
    source: Source,
    delimiter: u8,
    columns: &ColumnNames,
    labels_by: LabelsBy,
) -> Result<Table<'_>, ExchangeError> {
    let Source { name, bytes } = source;
    let (watched, quotes) = Watched::new(decoding(&name, bytes)?);
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(watched);
    let path = name.clone();
    let broken = move |e: csv::Error| ReadError::BrokenRow {
        path: path.clone(),
        line: e.position().map_or(1, csv::Position::line),
        message: plain_csv_message(&e),
    };
    let header: Vec<String> = reader.headers().map_err(&broken)?.iter().map(|h| h.trim().to_owned()).collect();
    let has = |column: &str| header.iter().any(|h| h == column);
    let by_model = match labels_by {
        LabelsBy::Person => false,
        LabelsBy::Model => true,
        LabelsBy::Columns => has(SCORE) && !has(PREDICTED[0]),
    };
    let parts: Vec<Part> = header.iter().map(|column| part(column, columns, by_model)).collect();
    let needed = |part: &dyn Fn(Part) -> bool, column: &str, flag| {
        if parts.iter().any(|&p| part(p)) {
            return Ok(());
        }
        let (path, column, found) = (name.clone(), column.to_owned(), header.clone());
        Err(ReadError::MissingColumn { path, column, found, flag })
    };
    needed(&|p| p == Part::Text, &columns.text, "--text-column")?;
    let label_column = columns.label.as_deref().unwrap_or(&columns.act);
    let is_label = |p| matches!(p, Part::Labels(Kind::Any | Kind::Act) | Part::Predicted(Kind::Act));
    needed(&is_label, label_column, "--act-column or --label-column")?;
    if let Some(id) = &columns.id {
        needed(&|p| p == Part::Id, id, "--id-column")?;
    }
    let fields = Field::ALL.into_iter().filter(|&f| header.iter().any(|h| columns.field_of(h) == Some(f))).collect();

    let entries = reader.into_records().map_while(move |record| {
        let record = match record {
            Ok(record) => record,
            Err(e) => return Some(Err(broken(e).into())),
        };
        // The csv crate takes what an unclosed quote swallows for one long field.
        if let Some(line) = quotes.lock().ok().and_then(|q| q.unclosed_at_end()) {
            let message = "a quote opens here and is never closed".to_owned();
            return Some(Err(ReadError::BrokenRow { path: name.clone(), line, message }.into()));
        }
        let number = record.position().map_or(0, csv::Position::line);
        let place = Place { path: name.clone(), number, unit: Unit::Line };
        Some(entry(place, &record, &header, &parts, columns))
    });
    Ok(Table { fields, entries: Box::new(entries) })
}

fn part(column: &str, columns: &ColumnNames, by_model: bool) -> Part {
    let labels = |kind| if by_model { Part::Predicted(kind) } else { Part::Labels(kind) };
    let id = columns.id_key();
    if column == columns.text {
        Part::Text
    } else if column == id {
        Part::Id
    } else if columns.label.as_deref() == Some(column) {
        Part::Labels(Kind::Any)
    } else if column == columns.act && columns.label.is_none() {
        labels(Kind::Act)
    } else if column == columns.topics && columns.label.is_none() {
        labels(Kind::Topic)
    } else if column == PREDICTED[0] {
        Part::Predicted(Kind::Act)
    } else if column == PREDICTED[1] {
        Part::Predicted(Kind::Topic)
    } else if column == SCORE {
        Part::Score
    } else if column == META {
        Part::Meta
    } else {
        Part::Other
    }
}

fn entry(
    place: Place,
    record: &csv::StringRecord,
    header: &[String],
    parts: &[Part],
    columns: &ColumnNames,
) -> Result<Entry, ExchangeError> {
    let text = parts.iter().position(|&p| p == Part::Text).and_then(|at| record.get(at)).unwrap_or_default();
    let mut entry = Entry::new(place, text.to_owned(), &columns.text)?;
    let (mut predicted, mut score) = (Vec::new(), None);
    for ((column, &part), value) in header.iter().zip(parts).zip(record) {
        let names = |kind: Kind| {
            let joined = if kind == Kind::Act { vec![value] } else { value.split(&columns.separator).collect() };
            joined.into_iter().filter_map(move |name| Name::new(kind, name)).collect::<Vec<_>>()
        };
        match part {
            Part::Text => {}
            Part::Id => entry.id = (!value.is_empty()).then(|| value.to_owned()),
            Part::Labels(kind) => entry.given.extend(names(kind)),
            Part::Predicted(kind) => {
                predicted.extend(names(kind));
                put(&mut entry, PREDICTED[usize::from(kind == Kind::Topic)], value, columns);
            }
            Part::Score => {
                score = read_score(&entry.place, value)?;
                put(&mut entry, SCORE, value, columns);
            }
            Part::Meta => match serde_json::from_str(value) {
                Ok(Value::Object(meta)) => meta.into_iter().for_each(|(key, value)| entry.put(&key, value, columns)),
                _ => put(&mut entry, META, value, columns),
            },
            Part::Other => put(&mut entry, column, value, columns),
        }
    }
    if !predicted.is_empty() {
        entry.predicted = Some((predicted, score));
    }
    Ok(entry)
}

fn put(entry: &mut Entry, column: &str, value: &str, columns: &ColumnNames) {
    if !value.is_empty() {
        entry.put(column, value.into(), columns);
    }
}

fn read_score(place: &Place, value: &str) -> Result<Option<f64>, ExchangeError> {
    let value = value.trim();
    if value.is_empty() {
        return Ok(None);
    }
    match value.parse() {
        Ok(score) if (0.0..=1.0).contains(&score) => Ok(Some(score)),
        _ => Err(ExchangeError::WrongScore { place: place.clone(), value: value.to_owned() }),
    }
}

/// Writes rows under a header.
pub(super) struct Writer<'a, W: Write> {
    csv: csv::Writer<W>,
    taxonomy: &'a Taxonomy,
    flat: FlatLabels,
    has_flat_labels: bool,
    separator: String,
}

impl<'a, W: Write> Writer<'a, W> {
    /// Writes the header.
    pub fn new(out: W, delimiter: u8, columns: &ColumnNames, taxonomy: &'a Taxonomy) -> Result<Self, ExchangeError> {
        let mut csv = csv::WriterBuilder::new().delimiter(delimiter).from_writer(out);
        let mut header: Vec<&str> =
            vec![columns.id_key(), columns.field(Field::Document), columns.field(Field::Title), &columns.text];
        match &columns.label {
            Some(label) => header.push(label),
            None => header.extend([columns.act.as_str(), &columns.topics]),
        }
        header.extend(Field::ALL[2..].iter().map(|&field| columns.field(field)));
        header.push(META);
        csv.write_record(header).map_err(io_error)?;
        let (flat, separator) = (FlatLabels::new(taxonomy), columns.separator.clone());
        Ok(Self { csv, taxonomy, flat, has_flat_labels: columns.label.is_some(), separator })
    }

    /// Writes a row.
    pub fn write(&mut self, row: &Row) -> Result<(), ExchangeError> {
        let labels = row.filled_in();
        let field = |field: Field| row.field(field).unwrap_or_default();
        let mut record = vec![row.id.as_str(), field(Field::Document), field(Field::Title), &row.text];
        let join = |names: &[&str]| names.join(&self.separator);
        let (first, topics) = if self.has_flat_labels {
            (labels.map_or_else(String::new, |l| join(&self.flat.of(l).collect::<Vec<_>>())), String::new())
        } else {
            let ids = |l: Labels| l.topics.iter().map(|t| self.taxonomy.topics[t].id.as_str()).collect::<Vec<_>>();
            let act = labels.map_or_else(String::new, |l| self.taxonomy.acts[l.act].id.clone());
            (act, labels.map_or_else(String::new, |l| join(&ids(l))))
        };
        record.push(&first);
        if !self.has_flat_labels {
            record.push(&topics);
        }
        record.extend(Field::ALL[2..].iter().map(|&f| field(f)));
        let meta = if row.meta.is_empty() { String::new() } else { meta_text(&row.meta) };
        record.push(&meta);
        self.csv.write_record(record).map_err(io_error)
    }

    /// Writes what is left.
    pub fn finish(mut self) -> Result<(), ExchangeError> {
        Ok(self.csv.flush()?)
    }
}

/// Metadata as JSON, sorted by key, since tools keep no order.
fn meta_text(meta: &Map<String, Value>) -> String {
    let mut meta = meta.clone();
    meta.sort_keys();
    Value::Object(meta).to_string()
}

fn io_error(error: csv::Error) -> ExchangeError {
    match error.into_kind() {
        csv::ErrorKind::Io(e) => ExchangeError::Write(e),
        other => ExchangeError::Write(std::io::Error::other(format!("{other:?}"))),
    }
}
