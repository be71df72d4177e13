//! fastText: a row a line, `__label__NAME` for each label, then the text. There is no place for anything else.

use super::row::{Entry, Name, Row};
use super::{ExchangeError, Form, Kind, Place, Source, json_lines};

/// What marks a label; the tool's own default.
const MARK: &str = "__label__";

/// Where fastText cuts a line into words. Source: `Dictionary::readWord` of fastText 0.9.2.
fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\n' | '\r' | '\t' | '\x0b' | '\x0c' | '\0')
}

/// Reads lines one at a time; labels may lead a line or end it.
pub(super) fn read(source: Source) -> impl Iterator<Item = Result<Entry, ExchangeError>> {
    json_lines::lines(source).map(|line| {
        let (place, line) = line?;
        entry(place, &line)
    })
}

fn entry(place: Place, line: &str) -> Result<Entry, ExchangeError> {
    let mut names = Vec::new();
    let mut rest = line;
    while let Some(behind) = rest.trim_start_matches(is_blank).strip_prefix(MARK) {
        let end = behind.find(is_blank).unwrap_or(behind.len());
        names.push(&behind[..end]);
        // One blank parts the last label from the text; more are the text's.
        let mut after = behind[end..].chars();
        after.next();
        rest = after.as_str();
    }
    if names.is_empty() {
        let mut at_end = Vec::new();
        while let Some((before, word)) = rest.trim_end_matches(is_blank).rsplit_once(is_blank) {
            let Some(name) = word.strip_prefix(MARK) else { break };
            at_end.push(name);
            rest = before;
        }
        names.extend(at_end.into_iter().rev());
    }
    if let Some(label) = rest.split(is_blank).find(|word| word.starts_with(MARK)) {
        return Err(ExchangeError::LabelInText { place, label: label.to_owned() });
    }
    let mut entry = Entry::new(place, rest.to_owned(), "text")?;
    entry.given = names.into_iter().filter_map(|name| Name::new(Kind::Any, name)).collect();
    Ok(entry)
}

/// Appends a row's line; true when the text had to be changed: line breaks become spaces, and words lose the first letter
/// of what would mark them as labels.
pub(super) fn write(row: &Row, form: &Form, out: &mut Vec<u8>) -> bool {
    if let Some(labels) = row.filled_in() {
        for name in form.flat.of(labels) {
            out.extend_from_slice(MARK.as_bytes());
            out.extend_from_slice(name.as_bytes());
            out.push(b' ');
        }
    }
    let text = plain(&row.text);
    out.extend_from_slice(text.as_bytes());
    out.push(b'\n');
    text != row.text
}

/// The text as a line can hold it.
fn plain(text: &str) -> String {
    // At a file's beginning a byte order mark would be no text.
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", " ");
    let mut line = String::with_capacity(text.len());
    for word in text.split_inclusive(is_blank) {
        let word = if word.starts_with(MARK) { &word[1..] } else { word };
        line.extend(word.chars().map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Unit;

    fn read_line(line: &str) -> Result<(Vec<String>, String), String> {
        let place = Place { path: "a.txt".to_owned(), number: 3, unit: Unit::Line };
        let entry = entry(place, line).map_err(|e| e.to_string())?;
        Ok((entry.given.into_iter().map(|n| n.name).collect(), entry.text))
    }

    #[test]
    fn labels_lead_or_end_a_line() {
        for (line, names, text) in [
            ("__label__ask __label__rent Cut rents", &["ask", "rent"][..], "Cut rents"),
            ("__label__ask   Cut rents ", &["ask"], "  Cut rents "),
            ("__label__ask  __label__rent\tCut rents", &["ask", "rent"], "Cut rents"),
            ("Cut rents __label__ask __label__rent", &["ask", "rent"], "Cut rents"),
            ("Cut a__label__b", &[], "Cut a__label__b"),
        ] {
            let names = names.iter().map(|&n| n.to_owned()).collect();
            assert_eq!(read_line(line), Ok((names, text.to_owned())), "{line}");
        }
        let inside = "a.txt:3: `__label__rent` stands within the text, where fastText takes it for a label; move it to the line's beginning";
        assert_eq!(read_line("__label__ask Cut __label__rent now"), Err(inside.to_owned()));
        assert_eq!(read_line("__label__ask"), Err("a.txt:3: `text` is empty".to_owned()));
    }

    #[test]
    fn texts_fit_on_a_line() {
        for (text, expected) in [
            ("Cut  rents", "Cut  rents"),
            ("a\r\nb\nc\rd", "a b c d"),
            ("__label__x a\n__label__y", "_label__x a _label__y"),
            ("a__label__x", "a__label__x"),
        ] {
            assert_eq!(plain(text), expected);
        }
    }
}
