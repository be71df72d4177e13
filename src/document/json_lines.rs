//! JSON Lines: an object a line, a document each.

use super::{Document, ReadError, ReadOptions};
use serde_json::{Map, Value};
use std::io::{BufRead, BufReader, Read};

/// Reads lines as they are asked for; blank lines are passed over.
pub(super) fn read(
    name: &str,
    bytes: Box<dyn Read + Send>,
    options: &ReadOptions,
) -> impl Iterator<Item = Result<Document, ReadError>> + Send + use<> {
    let (name, options) = (name.to_owned(), options.clone());
    let lines = BufReader::new(bytes).lines().enumerate();
    lines
        .filter(|(_, line)| !line.as_ref().is_ok_and(|l| l.trim().is_empty()))
        .map(move |(at, line)| document(&name, at as u64 + 1, line, &options))
}

fn document(
    name: &str,
    line: u64,
    text: std::io::Result<String>,
    options: &ReadOptions,
) -> Result<Document, ReadError> {
    let broken = |message: String| ReadError::BrokenRow { path: name.to_owned(), line, message };
    let text = text.map_err(|e| broken(e.to_string()))?;
    let object: Map<String, Value> = serde_json::from_str(&text).map_err(|e| broken(e.to_string()))?;
    let missing = |column: &str| ReadError::MissingField { path: name.to_owned(), line, column: column.to_owned() };
    let field = |column: &str| match object.get(column)? {
        Value::String(s) if !s.is_empty() => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    };
    let text = match object.get(&options.text_column) {
        Some(Value::String(text)) => text.clone(),
        _ => return Err(missing(&options.text_column)),
    };
    let id = match &options.id_column {
        Some(column) => field(column).ok_or_else(|| missing(column))?,
        None => field("id").unwrap_or_else(|| format!("{name}:{line}")),
    };
    let parent = field("document").or_else(|| field("doc_id"));
    Ok(Document { id, parent, title: field("title"), text, lines: None })
}
