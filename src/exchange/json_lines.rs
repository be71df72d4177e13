//! Lines, and JSON objects on lines, one at a time.

use super::row::{Entry, Place, Unit};
use super::{ColumnNames, ExchangeError, Source};
use crate::document::ReadError;
use serde_json::{Map, Value};
use std::io::{BufRead, BufReader};

/// The lines of a file that are not blank, without their ends.
pub fn lines(source: Source) -> impl Iterator<Item = Result<(Place, String), ExchangeError>> {
    let Source { name, bytes } = source;
    let mut reader = BufReader::new(bytes);
    let mut number = 0;
    std::iter::from_fn(move || {
        loop {
            let mut line = Vec::new();
            match reader.read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(source) => return Some(Err(ReadError::Io { path: name.clone(), source }.into())),
            }
            number += 1;
            let place = Place { path: name.clone(), number, unit: Unit::Line };
            let start = if number == 1 && line.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
            let Ok(line) = std::str::from_utf8(&line[start..]) else {
                return Some(Err(ExchangeError::NotUtf8 { place }));
            };
            let line = line.strip_suffix('\n').unwrap_or(line);
            let line = line.strip_suffix('\r').unwrap_or(line);
            if !line.trim().is_empty() {
                return Some(Ok((place, line.to_owned())));
            }
        }
    })
}

/// The objects of a file of JSON Lines.
pub fn objects(source: Source) -> impl Iterator<Item = Result<(Place, Map<String, Value>), ExchangeError>> {
    lines(source).map(|line| {
        let (place, line) = line?;
        match serde_json::from_str(&line) {
            Ok(Value::Object(object)) => Ok((place, object)),
            Ok(_) => Err(ExchangeError::NoObject { place }),
            Err(e) => Err(ExchangeError::Json { place, message: plain_message(&e) }),
        }
    })
}

/// How a tool's object is an entry.
type OfObject = fn(Place, Map<String, Value>, &ColumnNames) -> Result<Entry, ExchangeError>;

/// The entries that the objects of a file are.
pub fn entries(
    source: Source,
    columns: &ColumnNames,
    entry: OfObject,
) -> impl Iterator<Item = Result<Entry, ExchangeError>> {
    objects(source).map(move |object| object.and_then(|(place, object)| entry(place, object, columns)))
}

/// What is wrong, without the position that serde_json repeats.
pub fn plain_message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let message = text.split(" at line ").next().unwrap_or_default();
    format!("{message}, at column {}", error.column())
}

/// Appends an object as a line.
pub fn write(object: Map<String, Value>, out: &mut Vec<u8>) {
    out.extend_from_slice(Value::Object(object).to_string().as_bytes());
    out.push(b'\n');
}
