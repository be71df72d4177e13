//! JSON in one piece: a list of objects, a document each, cut out one by one; or one object; or lines of objects.
//!
//! Only brackets and strings are looked at here; what stands between them is for `json_lines.rs`.

use super::json_lines::{self, Place};
use super::row::too_large;
use super::{Document, ReadError, ReadOptions};
use std::io::{BufRead, BufReader, Cursor, Read};

/// Bytes that are looked at to tell lines of objects from an object over several lines.
const SAMPLE: u64 = 1 << 20;

/// Reads objects as they are asked for.
pub(super) fn read(
    name: &str,
    mut bytes: Box<dyn Read + Send>,
    options: &ReadOptions,
) -> Result<Box<dyn Iterator<Item = Result<Document, ReadError>> + Send>, ReadError> {
    let mut sample = Vec::new();
    let io = |source| ReadError::Io { path: name.to_owned(), source };
    bytes.by_ref().take(SAMPLE).read_to_end(&mut sample).map_err(io)?;
    let begin = sample.trim_ascii_start();
    let is_list = begin.first() == Some(&b'[');
    let first_line = begin.split(|&b| b == b'\n').next().unwrap_or_default();
    let is_lines = !is_list && serde_json::from_slice::<serde::de::IgnoredAny>(first_line).is_ok();
    if begin.is_empty() {
        return Err(ReadError::Empty { path: name.to_owned() });
    }
    let bytes: Box<dyn Read + Send> = Box::new(Cursor::new(sample).chain(bytes));
    if is_lines {
        return Ok(Box::new(json_lines::read(name, bytes, options)));
    }
    let mut objects = Objects {
        name: name.to_owned(),
        options: options.clone(),
        bytes: BufReader::with_capacity(1 << 16, bytes),
        line: 1,
        row: 0,
        next: if is_list { Next::List } else { Next::Object },
    };
    Ok(Box::new(std::iter::from_fn(move || objects.next())))
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The bracket that opens the list.
    List,
    /// The first object of the list, or its end.
    FirstOrEnd,
    /// An object of the list.
    Element,
    /// A comma, or the list's end.
    CommaOrEnd,
    /// An object outside a list, or the end of the file.
    Object,
    /// The end of the file.
    End,
    /// Nothing: all is read, or it is no use to go on.
    Nothing,
}

struct Objects {
    name: String,
    options: ReadOptions,
    bytes: BufReader<Box<dyn Read + Send>>,
    /// The line that the next byte stands on.
    line: u64,
    /// The objects that were given.
    row: u64,
    next: Next,
}

impl Objects {
    fn next(&mut self) -> Option<Result<Document, ReadError>> {
        loop {
            if self.next == Next::Nothing {
                return None;
            }
            let byte = match self.next_byte() {
                Ok(byte) => byte,
                Err(source) => {
                    self.next = Next::Nothing;
                    return Some(Err(ReadError::Io { path: self.name.clone(), source }));
                }
            };
            match (self.next, byte) {
                (Next::End | Next::Object, None) => self.next = Next::Nothing,
                (_, None) => return self.fault("the file ends before its list does; it may have been cut short"),
                (Next::List, Some(_)) => {
                    self.bytes.consume(1);
                    self.next = Next::FirstOrEnd;
                }
                (Next::FirstOrEnd | Next::CommaOrEnd, Some(b']')) => {
                    self.bytes.consume(1);
                    self.next = Next::End;
                }
                (Next::CommaOrEnd, Some(b',')) => {
                    self.bytes.consume(1);
                    self.next = Next::Element;
                }
                (Next::CommaOrEnd, Some(_)) => return self.fault("a comma is missing before it"),
                (Next::End, Some(_)) => return self.fault("more follows after the end of the list"),
                (Next::Element | Next::FirstOrEnd, Some(b',' | b']' | b'}')) => {
                    return self.fault("there is a comma too many before it");
                }
                (Next::Element | Next::FirstOrEnd, Some(_)) => {
                    self.next = Next::CommaOrEnd;
                    return Some(self.object());
                }
                (Next::Object, Some(_)) => return Some(self.object()),
                (Next::Nothing, Some(_)) => return None,
            }
        }
    }

    /// What is wrong between objects; nothing is read after it.
    fn fault(&mut self, message: &str) -> Option<Result<Document, ReadError>> {
        self.next = Next::Nothing;
        let message = format!("{message}, on line {} of the file", self.line);
        Some(Err(ReadError::BrokenRow { path: self.name.clone(), line: self.row + 1, message }))
    }

    /// The next byte that is no white space, not yet taken; `None` at the end.
    fn next_byte(&mut self) -> std::io::Result<Option<u8>> {
        loop {
            let ready = match self.bytes.fill_buf() {
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                ready => ready?,
            };
            if ready.is_empty() {
                return Ok(None);
            }
            let n = ready.iter().take_while(|b| b.is_ascii_whitespace()).count();
            self.line += ready[..n].iter().filter(|&&b| b == b'\n').count() as u64;
            let found = ready.get(n).copied();
            self.bytes.consume(n);
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// Cuts out the value that begins here, and reads it.
    fn object(&mut self) -> Result<Document, ReadError> {
        self.row += 1;
        let (path, line) = (self.name.clone(), self.row);
        let place = Place { row: self.row, first_line: Some(self.line) };
        let limit = self.options.limits.max_document_bytes;
        let (mut cut, mut value, mut too_long) = (Cut::default(), Vec::new(), false);
        loop {
            let ready = match self.bytes.fill_buf() {
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(source) => {
                    self.next = Next::Nothing;
                    return Err(ReadError::Io { path, source });
                }
                Ok(ready) => ready,
            };
            let at_end = ready.is_empty();
            let end = ready.iter().position(|&b| cut.ends_before(b));
            let part = &ready[..end.unwrap_or(ready.len())];
            too_long |= (value.len() + part.len()) as u64 > limit;
            if too_long {
                value = Vec::new();
            } else {
                value.extend_from_slice(part);
            }
            self.line += part.iter().filter(|&&b| b == b'\n').count() as u64;
            let n = part.len();
            self.bytes.consume(n);
            if end.is_some() || at_end {
                break;
            }
        }
        if too_long {
            return Err(ReadError::BrokenRow { path, line, message: too_large(limit) });
        }
        json_lines::document(&self.name, place, &value, &self.options)
    }
}

/// How far a value has been followed.
#[derive(Default)]
struct Cut {
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// All that follows is outside of the value.
    done: bool,
    /// The value is neither a list, an object nor a string, and ends where such a thing cannot go on.
    plain: bool,
    began: bool,
}

impl Cut {
    /// Whether the value was complete before this byte.
    fn ends_before(&mut self, byte: u8) -> bool {
        if self.done {
            return true;
        }
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => {
                    self.in_string = false;
                    self.done = self.depth == 0;
                }
                _ => {}
            }
            return false;
        }
        if self.plain && (byte.is_ascii_whitespace() || matches!(byte, b',' | b']' | b'}' | b'{' | b'[' | b'"')) {
            return true;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                self.done = self.depth == 0;
            }
            _ => self.plain = !self.began || self.plain,
        }
        self.began = true;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::Limits;
    use super::super::row::endless;
    use super::*;
    use proptest::prelude::*;

    fn read_all(bytes: impl Read + Send + 'static, max_document_bytes: u64) -> Vec<Result<(String, String), String>> {
        let options =
            ReadOptions { limits: Limits { max_document_bytes, ..Limits::default() }, ..ReadOptions::default() };
        match read("a", Box::new(bytes), &options) {
            Ok(rows) => rows.map(|row| row.map(|d| (d.id, d.text)).map_err(|e| e.to_string())).collect(),
            Err(e) => vec![Err(e.to_string())],
        }
    }

    fn good(id: &str, text: &str) -> Result<(String, String), String> {
        Ok((id.to_owned(), text.to_owned()))
    }

    fn bad(message: &str) -> Result<(String, String), String> {
        Err(message.to_owned())
    }

    #[test]
    fn lists_objects_and_lines_are_read() {
        for (text, expected) in [
            (
                r#"[{"text": "a ] } \" \\", "id": 7}, {"text": "b", "x": [{}, "]"]}]"#,
                vec![good("7", "a ] } \" \\"), good("a:2", "b")],
            ),
            (" \n[]\n", vec![]),
            ("{\n \"text\":\n \"a\"}\n", vec![good("a:1", "a")]),
            ("{\"text\": \"a\"}", vec![good("a:1", "a")]),
            ("{\"text\": \"a\"}\n{\"text\": \"b\"}\n", vec![good("a:1", "a"), good("a:2", "b")]),
            ("{\n\"text\": \"a\"}\n{\"text\":\n\"b\"}\n", vec![good("a:1", "a"), good("a:2", "b")]),
            ("  \n", vec![bad("a: is empty")]),
        ] {
            assert_eq!(read_all(text.as_bytes(), 1000), expected, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, expected) in [
            (
                "[1, {\"text\": 2},\n{\"text\": \"\\ud800\"},\n{\"text\": \"c\"\n\"x\"}, \"s\", {\"text\": \"e\"}]",
                vec![
                    bad(
                        "a:1: broken row: invalid type: integer `1`, expected an object with the row's fields, on line 1 of the file",
                    ),
                    bad("a:2: column `text` is missing or no text"),
                    bad("a:3: broken row: unexpected end of hex escape, on line 2 of the file"),
                    bad("a:4: broken row: expected `,` or `}`, on line 4 of the file"),
                    bad(
                        "a:5: broken row: invalid type: string \"s\", expected an object with the row's fields, on line 4 of the file",
                    ),
                    good("a:6", "e"),
                ],
            ),
            (
                "[{\"text\": \"a\"}\n,",
                vec![
                    good("a:1", "a"),
                    bad(
                        "a:2: broken row: the file ends before its list does; it may have been cut short, on line 2 of the file",
                    ),
                ],
            ),
            (
                "[{\"text\": \"a\"}, {\"text\": \"b",
                vec![
                    good("a:1", "a"),
                    bad("a:2: broken row: EOF while parsing a string, on line 1 of the file"),
                    bad(
                        "a:3: broken row: the file ends before its list does; it may have been cut short, on line 1 of the file",
                    ),
                ],
            ),
            (
                "[{\"text\": \"a\"} {\"text\": \"b\"}]",
                vec![good("a:1", "a"), bad("a:2: broken row: a comma is missing before it, on line 1 of the file")],
            ),
            (
                "[{\"text\": \"a\"},]",
                vec![
                    good("a:1", "a"),
                    bad("a:2: broken row: there is a comma too many before it, on line 1 of the file"),
                ],
            ),
            ("[] x", vec![bad("a:1: broken row: more follows after the end of the list, on line 1 of the file")]),
        ] {
            assert_eq!(read_all(text.as_bytes(), 1000), expected, "{text}");
        }
    }

    #[test]
    fn a_huge_object_is_named_and_not_held() {
        let begin = (&b"[{\"text\": \"a\"}, {\"text\": \""[..]).chain(endless(300_000_000, b'x'));
        let found = read_all(begin.chain(&b"\"}, {\"text\": \"c\"}]"[..]), 64);
        let message = "a:2: broken row: it is larger than 64 bytes; raise --max-document-bytes if that is meant";
        assert_eq!(found, [good("a:1", "a"), bad(message), good("a:3", "c")]);
        // Brackets without end are counted, not followed.
        let deep = read_all((&b"[{\"x\": "[..]).chain(endless(100_000, b'[')), 1 << 20);
        assert!(deep[0].as_ref().is_err_and(|e| e.contains("EOF while parsing")), "{deep:?}");
    }

    proptest! {
        #[test]
        fn broken_lists_give_rows_or_errors(at in 0..200usize, byte: u8, cut in 0..400usize, limit in 1..300u64) {
            let mut bytes = br#"[{"id": 1, "text": "one \"[two]\" \u00e9", "tags": ["a", {"b": null}]}, {"text": "three"}, {"id": -4.5e3, "text": ""},
                {"title": "x", "document": 5, "text": "five"}]"#.to_vec();
            let at = at % bytes.len();
            bytes[at] = byte;
            bytes.truncate(cut);
            prop_assert!(read_all(Cursor::new(bytes), limit).len() < 200);
        }
    }
}
