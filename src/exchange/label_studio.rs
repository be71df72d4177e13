//! Label Studio: a JSON list of tasks. Read as exported, in full or as JSON-MIN; written with what a person or a model said of
//! each, and with the labelling interface that fits a taxonomy.

use super::row::{Entry, Field, Name, Place, Row, Unit, text_of};
use super::{ColumnNames, ExchangeError, Form, Kind, Source, json_lines};
use crate::document::ReadError;
use crate::evaluate::Labels;
use crate::taxonomy::{Label, Taxonomy};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::io::Read as _;

/// The row's id among a task's data; `id` itself is overwritten in JSON-MIN by the task's number.
const ID_KEY: &str = "row_id";
/// Metadata among a task's data.
const META_KEY: &str = "meta";
/// What JSON-MIN writes of its own, beside the data.
const OWN_KEYS: [&str; 6] = ["id", "annotation_id", "created_at", "updated_at", "lead_time", "agreement"];
/// Closes the list of tasks.
pub(super) const END: &[u8] = b"\n]\n";
/// Fields shown before the text.
const SHOWN_BEFORE: [Field; 3] = [Field::Title, Field::Lead, Field::Before];
/// Fields shown after it.
const SHOWN_AFTER: [Field; 1] = [Field::After];

/// Reads all tasks; a task with several annotations gives an entry each, unless one of them is the ground truth.
pub(super) fn read(
    source: Source,
    columns: &ColumnNames,
) -> Result<impl Iterator<Item = Result<Entry, ExchangeError>>, ExchangeError> {
    let Source { name, mut bytes } = source;
    let mut all = Vec::new();
    bytes.read_to_end(&mut all).map_err(|source| ReadError::Io { path: name.clone(), source })?;
    let text = all.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&all);
    let tasks = match serde_json::from_slice(text) {
        Ok(Value::Array(tasks)) => tasks,
        // Synchronised storage holds a file for each task.
        Ok(task @ Value::Object(_)) => vec![task],
        Ok(_) => return Err(ExchangeError::NoTasks { path: name }),
        Err(e) => {
            let place = Place { path: name, number: e.line() as u64, unit: Unit::Line };
            return Err(ExchangeError::Json { place, message: json_lines::plain_message(&e) });
        }
    };
    let entries = tasks.into_iter().zip(1..).flat_map(move |(task, number)| {
        let place = Place { path: name.clone(), number, unit: Unit::Task };
        let entries = match task {
            Value::Object(task) if task.get("data").is_some_and(Value::is_object) => full(place, &task, columns),
            Value::Object(task) => minimal(place, task, columns).map(|entry| vec![entry]),
            _ => Err(ExchangeError::NoObject { place }),
        };
        match entries {
            Ok(entries) => entries.into_iter().map(Ok).collect(),
            Err(e) => vec![Err(e)],
        }
    });
    Ok(entries)
}

fn list<'v>(object: &'v Map<String, Value>, key: &str) -> &'v [Value] {
    object.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The entries of a task of the full form.
fn full(place: Place, task: &Map<String, Value>, columns: &ColumnNames) -> Result<Vec<Entry>, ExchangeError> {
    let empty = Map::new();
    let data = task.get("data").and_then(Value::as_object).unwrap_or(&empty);
    let base = || -> Result<Entry, ExchangeError> {
        let mut entry = Entry::of_object(place.clone(), data, &columns.text)?;
        entry.id = id(data, columns).or_else(|| task.get("id").and_then(text_of));
        Ok(entry)
    };
    // Before version 1.0, annotations were called completions.
    let annotations: Vec<&Map<String, Value>> =
        list(task, "annotations").iter().chain(list(task, "completions")).filter_map(Value::as_object).collect();
    let is = |annotation: &Map<String, Value>, key: &str| annotation.get(key) == Some(&Value::Bool(true));
    let truths: Vec<_> = annotations.iter().copied().filter(|a| is(a, "ground_truth")).collect();
    let chosen = if truths.is_empty() { &annotations } else { &truths };
    let mut entries = Vec::new();
    for annotation in chosen.iter().filter(|a| !is(a, "was_cancelled")) {
        let mut entry = base()?;
        read_results(&mut entry, list(annotation, "result"), columns)?;
        if let Some(who) = annotation.get("completed_by") {
            entry.set(Field::Annotator, &person(who));
        }
        if let Some(when) = annotation.get("updated_at").or_else(|| annotation.get("created_at")) {
            entry.set(Field::Saved, when);
        }
        put_data(&mut entry, data, columns);
        entries.push(entry);
    }
    if entries.is_empty() {
        let mut entry = base()?;
        entry.is_refused = !annotations.is_empty();
        put_data(&mut entry, data, columns);
        entries.push(entry);
    }
    Ok(entries)
}

fn id(data: &Map<String, Value>, columns: &ColumnNames) -> Option<String> {
    match &columns.id {
        Some(key) => data.get(key).and_then(text_of),
        None => data.get(ID_KEY).and_then(text_of).or_else(|| data.get("id").and_then(text_of)),
    }
}

/// A user is a number, or tells more of itself.
fn person(who: &Value) -> Value {
    let told = |key: &str| who.get(key).filter(|v| text_of(v).is_some());
    told("email").or_else(|| told("id")).unwrap_or(who).clone()
}

fn put_data(entry: &mut Entry, data: &Map<String, Value>, columns: &ColumnNames) {
    let id_key = columns.id.as_deref().unwrap_or(ID_KEY);
    for (key, value) in data {
        match value {
            Value::Object(meta) if key == META_KEY => {
                meta.iter().for_each(|(key, value)| entry.put(key, value.clone(), columns));
            }
            _ if *key == columns.text || key == id_key || (columns.id.is_none() && key == "id") => {}
            _ => entry.put(key, value.clone(), columns),
        }
    }
}

/// The kind of label that a control gives, if its name says so.
fn kind_of(control: &str, columns: &ColumnNames) -> Option<Kind> {
    if control == columns.act {
        Some(Kind::Act)
    } else if control == columns.topics {
        Some(Kind::Topic)
    } else {
        (columns.label.as_deref() == Some(control)).then_some(Kind::Any)
    }
}

/// Reads what the controls say. If any of them bears the name of labels, the others give metadata; if none does, all choices are
/// labels.
fn read_results(entry: &mut Entry, results: &[Value], columns: &ColumnNames) -> Result<(), ExchangeError> {
    let control = |result: &Value| result.get("from_name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let none_is_named = columns.label.is_none() && results.iter().all(|r| kind_of(&control(r), columns).is_none());
    for result in results {
        let control = control(result);
        let Some(value) = result.get("value") else { continue };
        let kind = kind_of(&control, columns).or(none_is_named.then_some(Kind::Any));
        match (kind, choices(value)) {
            (Some(kind), Some(names)) => entry.given.extend(names.iter().filter_map(|name| Name::new(kind, name))),
            (Some(_), None) if kind_of(&control, columns).is_some() => {
                return Err(ExchangeError::WrongLabels { place: entry.place.clone(), key: control });
            }
            (None, Some(names)) => entry.put(&control, json!(names), columns),
            (_, None) => {
                if let Some(text) = typed(value) {
                    entry.put(&control, text.into(), columns);
                }
            }
        }
    }
    Ok(())
}

/// The labels of a result: of `Choices`, of `Labels` on spans, or the last step of each path of a `Taxonomy`.
fn choices(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::String(name) => Some(vec![name.clone()]),
        Value::Array(items) => items.iter().map(choices).collect::<Option<Vec<_>>>().map(|names| names.concat()),
        Value::Object(object) => {
            if let Some(paths) = object.get("taxonomy").and_then(Value::as_array) {
                let last = |path: &Value| Some(path.as_array()?.last()?.as_str()?.to_owned());
                return paths.iter().map(last).collect();
            }
            choices(object.get("choices").or_else(|| object.get("labels"))?)
        }
        _ => None,
    }
}

/// What was typed into a `TextArea`.
fn typed(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => Some(items.iter().map(typed).collect::<Option<Vec<_>>>()?.join("\n")),
        Value::Object(object) => typed(object.get("text")?),
        _ => None,
    }
}

/// The entry of a task of JSON-MIN: data and controls side by side.
fn minimal(place: Place, task: Map<String, Value>, columns: &ColumnNames) -> Result<Entry, ExchangeError> {
    let mut entry = Entry::of_object(place, &task, &columns.text)?;
    entry.id = id(&task, columns);
    let none_is_named = columns.label.is_none() && task.keys().all(|key| kind_of(key, columns).is_none());
    if let Some(when) = task.get("updated_at").or_else(|| task.get("created_at")) {
        entry.set(Field::Saved, when);
    }
    let mut data = Map::new();
    for (key, value) in task {
        let named = kind_of(&key, columns);
        let is_choice = |v: &Value| v.get("choices").is_some();
        let looks_so = is_choice(&value) || value.as_array().is_some_and(|l| !l.is_empty() && l.iter().all(is_choice));
        match named.or((none_is_named && looks_so).then_some(Kind::Any)) {
            Some(kind) => {
                let Some(names) = choices(&value) else {
                    return Err(ExchangeError::WrongLabels { place: entry.place, key });
                };
                entry.given.extend(names.iter().filter_map(|name| Name::new(kind, name)));
            }
            None if key == columns.field(Field::Note) => {
                entry.set(Field::Note, &typed(&value).map_or(Value::Null, Value::from));
            }
            None if key == columns.field(Field::Annotator) => entry.set(Field::Annotator, &person(&value)),
            None if OWN_KEYS.contains(&key.as_str()) => {}
            None => {
                data.insert(key, value);
            }
        }
    }
    put_data(&mut entry, &data, columns);
    Ok(entry)
}

/// Appends a row's task; `number` counts tasks from 0, and the first opens the list, which [`END`] closes.
pub(super) fn write(row: &Row, form: &Form, number: usize, out: &mut Vec<u8>) {
    let columns = &form.options.columns;
    let mut data = Map::new();
    data.insert(columns.id.as_deref().unwrap_or(ID_KEY).to_owned(), json!(row.id));
    data.insert(columns.text.clone(), json!(row.text));
    for &field in form.fields {
        data.insert(columns.field(field).to_owned(), json!(row.field(field).unwrap_or_default()));
    }
    if !row.meta.is_empty() {
        data.insert(META_KEY.to_owned(), row.meta.clone().into());
    }
    let mut task = Map::new();
    task.insert("data".to_owned(), data.into());
    if let Some(labels) = row.labels {
        let mut result = results(labels, form, number);
        if let Some(note) = row.field(Field::Note) {
            let value = json!({ "text": [note] });
            result.push(region(number, columns.field(Field::Note), "textarea", value, columns));
        }
        task.insert("annotations".to_owned(), json!([{ "result": result }]));
    }
    if let Some(predicted) = row.predicted {
        let mut prediction = Map::new();
        prediction.insert("model_version".to_owned(), json!(form.options.model_version));
        if let Some(score) = predicted.score {
            prediction.insert("score".to_owned(), json!(score));
        }
        prediction.insert("result".to_owned(), results(predicted.labels, form, number).into());
        task.insert("predictions".to_owned(), json!([prediction]));
    }
    out.extend_from_slice(if number == 0 { b"[\n" } else { b",\n" });
    out.extend_from_slice(Value::Object(task).to_string().as_bytes());
}

fn region(number: usize, control: &str, form: &str, value: Value, columns: &ColumnNames) -> Value {
    let id = format!("{}-{control}", number + 1);
    json!({ "id": id, "from_name": control, "to_name": columns.text, "type": form, "value": value })
}

/// The choices of act and topics.
fn results(labels: Labels, form: &Form, number: usize) -> Vec<Value> {
    let columns = &form.options.columns;
    let names: Vec<&str> = form.flat.of(labels).collect();
    let (act, topics) = names.split_at(1);
    let choices =
        |control: &str, names: &[&str]| region(number, control, "choices", json!({ "choices": names }), columns);
    let mut results = vec![choices(&columns.act, act)];
    if !topics.is_empty() {
        results.push(choices(&columns.topics, topics));
    }
    results
}

/// The labelling interface for tasks that [`super::export`] writes: the text, what stands around it among `fields`, one act, any number of
/// topics (hidden while the act takes none), and a note. Definitions are shown as hints.
///
/// Source: the tags `View`, `Text`, `Choices`, `Choice` and `TextArea` as Label Studio documents them.
///
/// ```
/// use petition::exchange::{ColumnNames, Field, config};
/// let model = petition::model::Model::shipped()?;
/// let xml = config(model.taxonomy(), &ColumnNames::default(), &[Field::Title]);
/// assert!(xml.contains("<Text name=\"title\" value=\"$title\"/>"));
/// assert!(xml.contains("<Choice value=\"oversight\" hint="));
/// # Ok::<(), petition::model_file::ModelError>(())
/// ```
pub fn config(taxonomy: &Taxonomy, columns: &ColumnNames, fields: &[Field]) -> String {
    let flat = super::FlatLabels::new(taxonomy);
    let escaped = |text: &str| {
        let (text, quote) = (text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"), "&quot;");
        text.replace('"', quote).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let mut xml = String::from("<View>\n");
    let mut show = |key: &str| {
        let key = escaped(key);
        let _ = writeln!(xml, "  <Text name=\"{key}\" value=\"${key}\"/>");
    };
    let known = |shown: &'static [Field]| shown.iter().filter(|field| fields.contains(field));
    known(&SHOWN_BEFORE).for_each(|&field| show(columns.field(field)));
    show(&columns.text);
    known(&SHOWN_AFTER).for_each(|&field| show(columns.field(field)));
    let text = escaped(&columns.text);
    let choice = |(name, label): (&String, &Label)| {
        let without = if label.excludes.is_empty() { String::new() } else { format!(" Not: {}", label.excludes) };
        let hint = escaped(&format!("{}{without}", label.definition));
        format!("    <Choice value=\"{}\" hint=\"{hint}\"/>\n", escaped(name))
    };
    let act = escaped(&columns.act);
    let _ = writeln!(xml, "  <Choices name=\"{act}\" toName=\"{text}\" choice=\"single\" required=\"true\">");
    xml.extend(flat.names(Kind::Act).iter().zip(&taxonomy.acts).map(choice));
    xml.push_str("  </Choices>\n");
    if !taxonomy.topics.is_empty() {
        let topics = escaped(&columns.topics);
        let with_topics: Vec<&str> = (0..taxonomy.acts.len())
            .filter(|&a| taxonomy.act_without_topics != Some(a))
            .map(|a| flat.names(Kind::Act)[a].as_str())
            .collect();
        let when = match taxonomy.act_without_topics {
            Some(_) => format!(
                " visibleWhen=\"choice-selected\" whenTagName=\"{act}\" whenChoiceValue=\"{}\"",
                escaped(&with_topics.join(","))
            ),
            None => String::new(),
        };
        let _ = writeln!(xml, "  <Choices name=\"{topics}\" toName=\"{text}\" choice=\"multiple\"{when}>");
        xml.extend(flat.names(Kind::Topic).iter().zip(&taxonomy.topics).map(choice));
        xml.push_str("  </Choices>\n");
    }
    let note = escaped(columns.field(Field::Note));
    let _ = writeln!(
        xml,
        "  <TextArea name=\"{note}\" toName=\"{text}\" placeholder=\"{note}\" maxSubmissions=\"1\" editable=\"true\"/>"
    );
    xml.push_str("</View>\n");
    xml
}
