//! What is a row, whatever form it comes in?

use super::{ExchangeError, Kind};
use crate::evaluate::Labels;
use serde_json::{Map, Value};
use std::fmt;

/// What a row may say of itself beside text and labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The document that the row comes from.
    Document,
    /// The document's title.
    Title,
    /// The words that lead a list item in.
    Lead,
    /// The sentence before.
    Before,
    /// The sentence after.
    After,
    /// What the annotator noted.
    Note,
    /// Who labelled the row.
    Annotator,
    /// When it was labelled, RFC 3339.
    Saved,
}

impl Field {
    /// All fields, in the order of columns.
    pub const ALL: [Self; 8] =
        [Self::Document, Self::Title, Self::Lead, Self::Before, Self::After, Self::Note, Self::Annotator, Self::Saved];

    /// The name of its column in our files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Title => "title",
            Self::Lead => "lead",
            Self::Before => "before",
            Self::After => "after",
            Self::Note => "note",
            Self::Annotator => "annotator",
            Self::Saved => "saved",
        }
    }
}

/// The names of a tool's columns or keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnNames {
    /// The id; `None` is what the form usually has.
    pub id: Option<String>,
    /// The text.
    pub text: String,
    /// The act.
    pub act: String,
    /// The topics, joined by the separator.
    pub topics: String,
    /// Flat labels, joined by the separator where they are one text. In tables, `act` and `topics` are then neither read nor
    /// written.
    pub label: Option<String>,
    /// The fields, in the order of [`Field::ALL`].
    pub fields: [String; 8],
    /// Joins topics or labels in a column.
    pub separator: String,
}

impl Default for ColumnNames {
    fn default() -> Self {
        Self {
            id: None,
            text: "text".to_owned(),
            act: "act".to_owned(),
            topics: "topics".to_owned(),
            label: None,
            fields: Field::ALL.map(|field| field.name().to_owned()),
            separator: "|".to_owned(),
        }
    }
}

impl ColumnNames {
    /// The id, where the form calls it `id`.
    pub(super) fn id_key(&self) -> &str {
        self.id.as_deref().unwrap_or("id")
    }

    /// The column of a field.
    pub fn field(&self, field: Field) -> &str {
        &self.fields[field as usize]
    }

    /// The field of a column; `doc_id` is a document's name too.
    pub(super) fn field_of(&self, column: &str) -> Option<Field> {
        let named = Field::ALL.into_iter().find(|&field| self.field(field) == column);
        named.or_else(|| (column == "doc_id").then_some(Field::Document))
    }
}

/// What places are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Lines.
    Line,
    /// Tasks.
    Task,
}

/// A place in a file, from 1; written `FILE:LINE` or `FILE: task NUMBER`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Place {
    pub path: String,
    pub number: u64,
    pub unit: Unit,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unit {
            Unit::Line => write!(f, "{}:{}", self.path, self.number),
            Unit::Task => write!(f, "{}: task {}", self.path, self.number),
        }
    }
}

/// A label as a tool names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    pub kind: Kind,
    pub name: String,
}

impl Name {
    /// A label that is trimmed; `None` for an empty one.
    pub fn new(kind: Kind, name: &str) -> Option<Self> {
        let name = name.trim();
        (!name.is_empty()).then(|| Self { kind, name: name.to_owned() })
    }
}

/// A row as a tool's file has it.
#[derive(Debug)]
pub struct Entry {
    pub place: Place,
    pub id: Option<String>,
    pub text: String,
    /// The labels that a person gave.
    pub given: Vec<Name>,
    /// The labels that a model gave, and its probability.
    pub predicted: Option<(Vec<Name>, Option<f64>)>,
    /// The annotator rejected, ignored or cancelled it.
    pub is_refused: bool,
    fields: [Option<String>; 8],
    meta: Map<String, Value>,
}

impl Entry {
    /// An entry with a text that is not blank.
    pub fn new(place: Place, text: String, key: &str) -> Result<Self, ExchangeError> {
        if text.trim().is_empty() {
            return Err(ExchangeError::EmptyText { place, key: key.to_owned() });
        }
        Ok(Self {
            place,
            id: None,
            text,
            given: Vec::new(),
            predicted: None,
            is_refused: false,
            fields: Default::default(),
            meta: Map::new(),
        })
    }

    /// An entry from the text under a key of an object.
    pub fn of_object(place: Place, object: &Map<String, Value>, key: &str) -> Result<Self, ExchangeError> {
        match object.get(key) {
            Some(Value::String(text)) => Self::new(place, text.clone(), key),
            _ => Err(ExchangeError::MissingText { place, key: key.to_owned() }),
        }
    }

    pub fn field(&self, field: Field) -> Option<&str> {
        self.fields[field as usize].as_deref()
    }

    /// Sets a field; nothing is set by a value that is no text or number, or by an empty one.
    pub fn set(&mut self, field: Field, value: &Value) {
        if let Some(text) = text_of(value) {
            self.fields[field as usize] = Some(text);
        }
    }

    /// Takes in what stands under a column or key that has no part of its own: a field, or else metadata. Of two values for a field, the
    /// first stays.
    pub fn put(&mut self, key: &str, value: Value, columns: &ColumnNames) {
        let is_blank = value.is_null() || value.as_str() == Some("");
        match columns.field_of(key) {
            Some(_) if is_blank => {}
            Some(field) if text_of(&value).is_some() => {
                if self.field(field).is_none() {
                    self.set(field, &value);
                }
            }
            _ => {
                self.meta.insert(key.to_owned(), value);
            }
        }
    }

    /// The row, with its labels read.
    pub fn into_row(self, stem: &str, labels: Option<Labels>, predicted: Option<Predicted>) -> Row {
        let id = self.id.unwrap_or_else(|| format!("{stem}-{}", self.place.number));
        let Self { place, text, fields, meta, .. } = self;
        Row { place, id, text, labels, predicted, fields, meta }
    }
}

/// A model's labels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Predicted {
    pub labels: Labels,
    /// The act's probability, 0 to 1.
    pub score: Option<f64>,
}

/// A row with its labels read.
#[derive(Debug)]
pub struct Row {
    pub place: Place,
    pub id: String,
    pub text: String,
    /// A person's labels.
    pub labels: Option<Labels>,
    pub predicted: Option<Predicted>,
    pub fields: [Option<String>; 8],
    pub meta: Map<String, Value>,
}

impl Row {
    pub fn field(&self, field: Field) -> Option<&str> {
        self.fields[field as usize].as_deref()
    }

    /// A person's labels, or else a model's.
    pub fn filled_in(&self) -> Option<Labels> {
        self.labels.or(self.predicted.map(|p| p.labels))
    }
}

/// A text that is not empty, or a number written out.
pub fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
