//! Prodigy's choice interface: a JSON object a line, with `text`, `options`, what was chosen of them in `accept`, and the `answer`.

use super::row::{Entry, Field, Name, Row, text_of};
use super::{ColumnNames, ExchangeError, Form, Kind, Place, Source, json_lines};
use serde_json::{Map, Value, json};

/// Who answered; the second where the first is not known.
const ANNOTATOR_KEYS: [&str; 2] = ["_annotator_id", "_session_id"];
/// What is made anew when written.
const OWN_KEYS: [&str; 7] = ["options", "accept", "label", "answer", "config", "_view_id", "_is_binary"];

/// Reads examples one at a time.
pub(super) fn read(source: Source, columns: &ColumnNames) -> impl Iterator<Item = Result<Entry, ExchangeError>> {
    json_lines::entries(source, columns, entry)
}

fn entry(place: Place, object: Map<String, Value>, columns: &ColumnNames) -> Result<Entry, ExchangeError> {
    let mut entry = Entry::of_object(place, &object, &columns.text)?;
    match object.get("answer").and_then(Value::as_str) {
        Some("accept") => entry.given = chosen(&entry.place, &object)?,
        Some("reject" | "ignore") => entry.is_refused = true,
        Some(answer) => {
            let (place, answer) = (entry.place, answer.to_owned());
            return Err(ExchangeError::WrongAnswer { place, answer });
        }
        // What is chosen before anybody has answered is a suggestion.
        None => {}
    }
    if let Some(who) = ANNOTATOR_KEYS.iter().find_map(|key| object.get(*key)) {
        entry.set(Field::Annotator, who);
    }
    for (key, value) in object {
        match value {
            Value::Object(meta) if key == "meta" => {
                meta.into_iter().for_each(|(key, value)| entry.put(&key, value, columns));
            }
            _ if key == columns.id_key() => entry.id = text_of(&value),
            _ if key == columns.text || OWN_KEYS.contains(&key.as_str()) => {}
            _ => entry.put(&key, value, columns),
        }
    }
    Ok(entry)
}

/// The labels that were chosen: the ids in `accept`, the texts of options whose ids are numbers, or the one `label` that was to be
/// accepted.
fn chosen(place: &Place, object: &Map<String, Value>) -> Result<Vec<Name>, ExchangeError> {
    let options = object.get("options").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let option_text = |id: &Value| {
        let option = options.iter().find(|option| option.get("id") == Some(id))?;
        option.get("text").and_then(text_of)
    };
    let name = |item: &Value| match item {
        Value::String(name) => Some(name.clone()),
        Value::Number(_) => option_text(item).or_else(|| text_of(item)),
        _ => None,
    };
    let names = match (object.get("accept"), object.get("label")) {
        (Some(Value::Array(items)), _) => items.iter().map(name).collect::<Option<Vec<_>>>(),
        (None, Some(Value::String(label))) => Some(vec![label.clone()]),
        (None | Some(Value::Null), _) => Some(Vec::new()),
        _ => None,
    };
    match names {
        Some(names) => Ok(names.iter().filter_map(|name| Name::new(Kind::Any, name)).collect()),
        None => Err(ExchangeError::WrongLabels { place: place.clone(), key: "accept".to_owned() }),
    }
}

/// Appends a row's line: a person's labels as an accepted answer, a model's as a choice without an answer.
pub(super) fn write(row: &Row, form: &Form, out: &mut Vec<u8>) {
    let columns = &form.options.columns;
    let mut task = Map::new();
    task.insert(columns.id_key().to_owned(), json!(row.id));
    task.insert(columns.text.clone(), json!(row.text));
    let mut meta = Map::new();
    for field in Field::ALL {
        if let Some(value) = row.field(field) {
            meta.insert(columns.field(field).to_owned(), json!(value));
        }
    }
    for (key, value) in &row.meta {
        // Prodigy's own marks, as hashes, begin with `_` and stand beside the text.
        let part = if key.starts_with('_') && !OWN_KEYS.contains(&key.as_str()) { &mut task } else { &mut meta };
        part.insert(key.clone(), value.clone());
    }
    if !meta.is_empty() {
        task.insert("meta".to_owned(), meta.into());
    }
    let options = form.flat.names(Kind::Any).iter().map(|name| json!({ "id": name, "text": name }));
    task.insert("options".to_owned(), options.collect());
    task.insert("config".to_owned(), json!({ "choice_style": "multiple" }));
    if let Some(labels) = row.filled_in() {
        task.insert("accept".to_owned(), json!(form.flat.of(labels).collect::<Vec<_>>()));
    }
    if row.labels.is_some() {
        task.insert("answer".to_owned(), json!("accept"));
    }
    json_lines::write(task, out);
}
