//! doccano: a JSON object a line, with `id`, `text`, `label` (a list), and any metadata beside them.

use super::row::{Entry, Field, Name, Row, text_of};
use super::{ColumnNames, ExchangeError, Form, Kind, Place, Source, json_lines};
use serde_json::{Map, Value, json};

/// Names that a list of labels has had: text classification, older versions, and intents beside entities.
const LABEL_KEYS: [&str; 3] = ["label", "labels", "cats"];
/// What annotators wrote beside an example.
const COMMENT_KEYS: [&str; 2] = ["Comments", "comments"];
/// Before a metadata key that doccano would take for something else.
const ESCAPE: &str = "meta.";

/// Reads examples one at a time.
pub(super) fn read(source: Source, columns: &ColumnNames) -> impl Iterator<Item = Result<Entry, ExchangeError>> {
    json_lines::entries(source, columns, entry)
}

fn label_key<'c>(columns: &'c ColumnNames, object: &Map<String, Value>) -> &'c str {
    let usual = || LABEL_KEYS.into_iter().find(|key| object.contains_key(*key)).unwrap_or(LABEL_KEYS[0]);
    columns.label.as_deref().unwrap_or_else(usual)
}

fn entry(place: Place, object: Map<String, Value>, columns: &ColumnNames) -> Result<Entry, ExchangeError> {
    let mut entry = Entry::of_object(place, &object, &columns.text)?;
    let label_key = label_key(columns, &object);
    let mut comments: Vec<String> = Vec::new();
    for (key, value) in object {
        if key == columns.id_key() {
            entry.id = text_of(&value);
        } else if key == label_key {
            let Some(labels) = labels(&value) else {
                return Err(ExchangeError::WrongLabels { place: entry.place, key });
            };
            entry.given.extend(labels.names.iter().filter_map(|name| Name::new(Kind::Any, name)));
            if labels.have_places {
                entry.put("spans", value, columns);
            }
        } else if let (true, Some(list)) = (COMMENT_KEYS.contains(&key.as_str()), value.as_array()) {
            comments.extend(list.iter().filter_map(text_of));
        } else if key != columns.text {
            entry.put(key.strip_prefix(ESCAPE).unwrap_or(&key), value, columns);
        }
    }
    if !comments.is_empty() {
        let noted = entry.field(Field::Note).map(str::to_owned);
        let all: Vec<String> = noted.into_iter().chain(comments).collect();
        entry.set(Field::Note, &all.join("\n").into());
    }
    Ok(entry)
}

struct ListedLabels {
    names: Vec<String>,
    /// They were spans of the text.
    have_places: bool,
}

/// The labels of a value: one text, or a list of texts, of `[start, end, label]`, or of objects with `label`. `None` for
/// anything else.
fn labels(value: &Value) -> Option<ListedLabels> {
    let list = match value {
        Value::Null => &[][..],
        Value::String(_) => std::slice::from_ref(value),
        Value::Array(list) => list,
        _ => return None,
    };
    let name = |item: &Value| match item {
        Value::String(name) => Some(name.clone()),
        Value::Array(span) => Some(span.get(2)?.as_str()?.to_owned()),
        Value::Object(span) => Some(span.get("label")?.as_str()?.to_owned()),
        _ => None,
    };
    let names = list.iter().map(name).collect::<Option<_>>()?;
    Some(ListedLabels { names, have_places: list.iter().any(|item| !item.is_string()) })
}

/// Appends a row's line. Fields that the input has stand in every line, if need be empty, since doccano fills the holes
/// of a file with no-numbers.
pub(super) fn write(row: &Row, form: &Form, out: &mut Vec<u8>) {
    let columns = &form.options.columns;
    let label_key = columns.label.as_deref().unwrap_or(LABEL_KEYS[0]);
    let mut object = Map::new();
    object.insert(columns.id_key().to_owned(), json!(row.id));
    object.insert(columns.text.clone(), json!(row.text));
    let labels: Vec<&str> = row.filled_in().map_or_else(Vec::new, |labels| form.flat.of(labels).collect());
    object.insert(label_key.to_owned(), json!(labels));
    for &field in form.fields {
        object.insert(columns.field(field).to_owned(), json!(row.field(field).unwrap_or_default()));
    }
    for (key, value) in &row.meta {
        let reserved = LABEL_KEYS.contains(&key.as_str()) || COMMENT_KEYS.contains(&key.as_str());
        let escape = reserved || key.starts_with(ESCAPE) || object.contains_key(key);
        let key = if escape { format!("{ESCAPE}{key}") } else { key.clone() };
        object.insert(key, value.clone());
    }
    json_lines::write(object, out);
}
