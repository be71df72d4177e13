//! JSON Lines: an object a line, a document each.

use super::row::{Lines, checked};
use super::{Document, ReadError, ReadOptions};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::io::Read;

/// Reads lines as they are asked for; blank lines are passed over.
pub(super) fn read(
    name: &str,
    bytes: Box<dyn Read + Send>,
    options: &ReadOptions,
) -> impl Iterator<Item = Result<Document, ReadError>> + Send + use<> {
    let (name, options) = (name.to_owned(), options.clone());
    let mut lines = Lines::new(&name, bytes, options.limits.max_document_bytes);
    let mut line = Vec::new();
    std::iter::from_fn(move || {
        loop {
            match lines.next(&mut line)? {
                Ok(_) if line.trim_ascii().is_empty() => {}
                Ok(at) => return Some(document(&name, Place { row: at, first_line: None }, &line, &options)),
                Err(e) => return Some(Err(e)),
            }
        }
    })
}

/// Where an object stands.
pub(super) struct Place {
    /// Its number in messages and ids, from 1: that of its line, or among the objects of a list.
    pub row: u64,
    /// The line that it begins on, if it may have several.
    pub first_line: Option<u64>,
}

/// The document that an object is.
pub(super) fn document(name: &str, place: Place, object: &[u8], options: &ReadOptions) -> Result<Document, ReadError> {
    let line = place.row;
    let broken = |message: String| ReadError::BrokenRow { path: name.to_owned(), line, message };
    let missing = |column: &str| ReadError::MissingField { path: name.to_owned(), line, column: column.to_owned() };
    let object =
        std::str::from_utf8(object).map_err(|_| broken("it is no UTF-8; save the file as UTF-8".to_owned()))?;
    let id_column = options.id_column.as_deref();
    let names = Names([&options.text_column, id_column.unwrap_or("id"), "title", "document", "doc_id"]);
    let mut parser = serde_json::Deserializer::from_str(object);
    let read = names.deserialize(&mut parser).and_then(|fields| parser.end().map(|()| fields));
    let [text, id, title, document, doc_id] = read.map_err(|e| broken(plain_message(&e, place.first_line)))?;
    let Field::Text(text) = text else { return Err(missing(&options.text_column)) };
    let id = match (id.or_none(), id_column) {
        (Some(id), _) => id,
        (None, Some(column)) => return Err(missing(column)),
        (None, None) => format!("{name}:{line}"),
    };
    let parent = document.or_none().or_else(|| doc_id.or_none());
    checked(name, line, Document { id, parent, title: title.or_none(), text, ..Document::default() })
}

/// What is wrong and where, in the file's own lines.
fn plain_message(error: &serde_json::Error, first_line: Option<u64>) -> String {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    match first_line {
        Some(first) => format!("{message}, on line {} of the file", first + (error.line() as u64).saturating_sub(1)),
        None => format!("{message} at column {}", error.column()),
    }
}

/// The fields that are read; all others are passed over, however large.
struct Names<'n>([&'n str; 5]);

/// The value of a field.
#[derive(Default, Clone)]
enum Field {
    #[default]
    Missing,
    Text(String),
    Number(String),
    Other,
}

impl Field {
    /// Text that is not empty, or a number.
    fn or_none(self) -> Option<String> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text),
            Self::Number(number) => Some(number),
            _ => None,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Names<'_> {
    type Value = [Field; 5];

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Names<'_> {
    type Value = [Field; 5];

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object with the row's fields")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut fields = Self::Value::default();
        // A name that stands twice has its last value, as is usual with JSON.
        while let Some(name) = map.next_key::<std::borrow::Cow<str>>()? {
            if !self.0.contains(&&*name) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = map.next_value_seed(AnyField)?;
            for (field, _) in fields.iter_mut().zip(&self.0).filter(|(_, wanted)| **wanted == name) {
                *field = value.clone();
            }
        }
        Ok(fields)
    }
}

/// Reads one value.
struct AnyField;

impl<'de> DeserializeSeed<'de> for AnyField {
    type Value = Field;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Field, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnyField {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Field, E> {
        Ok(Field::Text(text.to_owned()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Field, E> {
        Ok(Field::Number(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Field, E> {
        Ok(Field::Number(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Field, E> {
        Ok(serde_json::Number::from_f64(number).map_or(Field::Other, |n| Field::Number(n.to_string())))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Field, E> {
        Ok(Field::Other)
    }

    fn visit_unit<E>(self) -> Result<Field, E> {
        Ok(Field::Other)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Field, S::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::Other)
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Field, M::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Limits;
    use super::super::row::endless;
    use super::*;

    fn read_all(bytes: impl Read + Send + 'static, max_document_bytes: u64) -> Vec<Result<(String, String), String>> {
        let options =
            ReadOptions { limits: Limits { max_document_bytes, ..Limits::default() }, ..ReadOptions::default() };
        let rows = read("a", Box::new(bytes), &options);
        rows.map(|row| row.map(|d| (d.id, d.text)).map_err(|e| e.to_string())).collect()
    }

    fn good(id: &str, text: &str) -> Result<(String, String), String> {
        Ok((id.to_owned(), text.to_owned()))
    }

    #[test]
    fn a_line_that_is_no_text_is_named_and_the_rest_is_read() {
        let bytes = b"{\"text\": \"\\ud83d and more\"}\n{\"text\": \"caf\xe9\"}\n{\"text\": \"a\\u0000b\"}\n{\"text\": \"a\0b\"}\n\
            {\"text\": \"\\ud83d\\ude00\"}\n[1]\n{\"text\": \"x\"} y\n{\"other\": {\"text\": [1]}, \"text\": \"z\", \"id\": 1.5}";
        let expected = [
            Err("a:1: broken row: unexpected end of hex escape at column 17".to_owned()),
            Err("a:2: broken row: it is no UTF-8; save the file as UTF-8".to_owned()),
            Err("a:3: broken row: it holds a NUL character (0x00), which no text has".to_owned()),
            Err("a:4: broken row: control character (\\u0000-\\u001F) found while parsing a string at column 12"
                .to_owned()),
            good("a:5", "😀"),
            Err("a:6: broken row: invalid type: sequence, expected an object with the row's fields at column 0"
                .to_owned()),
            Err("a:7: broken row: trailing characters at column 15".to_owned()),
            good("1.5", "z"),
        ];
        assert_eq!(read_all(&bytes[..], 1000), expected);
    }

    #[test]
    fn a_huge_line_is_named_and_not_held() {
        let huge = (&b"{\"text\": \""[..]).chain(endless(300_000_000, b'x')).chain(&b"\"}\n"[..]);
        let found = read_all((&b"{\"text\": \"a\"}\n"[..]).chain(huge).chain(&b"{\"text\": \"b\"}"[..]), 64);
        let message = "a:2: broken row: it is larger than 64 bytes; raise --max-document-bytes if that is meant";
        assert_eq!(found, [good("a:1", "a"), Err(message.to_owned()), good("a:3", "b")]);
    }
}
