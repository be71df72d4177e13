//! Predictions → rows of output, as CSV or JSON Lines.

use crate::document::Document;
use crate::features::Text;
use crate::model::{Model, Prediction, Reader};
use crate::review;
use crate::sentence::{Sentence, split};
use crate::taxonomy::Taxonomy;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::io::Write as _;

/// The form of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFormat {
    /// Comma-separated, under a header.
    Csv,
    /// One JSON object a line; topics and reasons to review are lists, probabilities numbers.
    JsonLines,
}

/// What the rows hold, and how documents become rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowOptions {
    /// The form of the rows.
    pub format: RowFormat,
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// Documents are cut into sentences; if not, each is one sentence, or each of its lines if the document is lines.
    pub split: bool,
}

/// One column of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// `id`: the row's name, `doc_id:sent` for sentences and `doc_id:line` for lines.
    Id,
    /// `doc_id`: the name of the document.
    DocId,
    /// `sent`: the sentence's place in the document, from 0.
    Sent,
    /// `start`: where the sentence begins in the document's text, in bytes.
    Start,
    /// `end`: where it ends.
    End,
    /// `text`: the sentence.
    Text,
    /// `act`: the most probable act.
    Act,
    /// `act_score`: its probability.
    ActScore,
    /// `topics`: the topics said.
    Topics,
    /// `review`: why a person should look at the row.
    Review,
    /// `p.NAME`: the probability of an act or topic, by number: the acts, then the topics.
    Probability(usize),
}

impl Column {
    /// Where a sentence stands, and its text.
    pub const PLACE: [Self; 6] = [Self::Id, Self::DocId, Self::Sent, Self::Start, Self::End, Self::Text];
    /// What a labelled table holds: all columns but the probabilities.
    pub const LABELLED: [Self; 10] = [
        Self::Id,
        Self::DocId,
        Self::Sent,
        Self::Start,
        Self::End,
        Self::Text,
        Self::Act,
        Self::ActScore,
        Self::Topics,
        Self::Review,
    ];

    /// The probabilities of all acts and topics.
    pub fn probabilities(taxonomy: &Taxonomy) -> impl Iterator<Item = Self> + use<> {
        (0..taxonomy.acts.len() + taxonomy.topics.len()).map(Self::Probability)
    }

    /// The column of a name; `None` for a name that no column has.
    ///
    /// ```
    /// use petition::record::Column;
    /// let model = petition::model::Model::shipped()?;
    /// let column = Column::of_name("p.oversight", model.taxonomy()).expect("there is such a topic");
    /// assert_eq!(column.name(model.taxonomy()), "p.oversight");
    /// # Ok::<(), petition::model_file::ModelError>(())
    /// ```
    pub fn of_name(name: &str, taxonomy: &Taxonomy) -> Option<Self> {
        Self::LABELLED.into_iter().chain(Self::probabilities(taxonomy)).find(|column| column.name(taxonomy) == name)
    }

    /// The column's name in the header.
    pub fn name(self, taxonomy: &Taxonomy) -> Cow<'static, str> {
        match self {
            Self::Probability(output) => {
                let label = taxonomy.acts.iter().chain(&taxonomy.topics).nth(output);
                format!("p.{}", label.map_or("", |l| &l.id)).into()
            }
            other => other.fixed_name().into(),
        }
    }

    fn fixed_name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::DocId => "doc_id",
            Self::Sent => "sent",
            Self::Start => "start",
            Self::End => "end",
            Self::Text => "text",
            Self::Act => "act",
            Self::ActScore => "act_score",
            Self::Topics => "topics",
            Self::Review => "review",
            Self::Probability(_) => "p",
        }
    }
}

/// The header of a labelled table, with its line end; empty for JSON Lines.
pub fn labelled_header(options: &RowOptions, taxonomy: &Taxonomy) -> Vec<u8> {
    header(options, |column| column.name(taxonomy))
}

/// The header of a table of sentences, with its line end; empty for JSON Lines.
pub fn split_header(options: &RowOptions) -> Vec<u8> {
    header(options, |column| column.fixed_name().into())
}

fn header(options: &RowOptions, name: impl Fn(Column) -> Cow<'static, str>) -> Vec<u8> {
    let mut out = Vec::new();
    if options.format == RowFormat::Csv {
        write_csv(options, &mut out, |column, out| write_text(&name(column), out));
    }
    out
}

/// Where a row comes from.
#[derive(Clone, Copy)]
pub(crate) struct Origin<'d> {
    document: &'d Document,
    /// The row's number, if its id is not simply the document's.
    number: Option<usize>,
    pub(crate) sentence: Sentence<'d>,
}

impl<'d> Origin<'d> {
    /// The row's name.
    pub(crate) fn id(&self) -> Cow<'_, str> {
        match self.number {
            Some(number) => format!("{}:{number}", self.document.id).into(),
            None => self.document.id.as_str().into(),
        }
    }

    /// The name of its document.
    pub(crate) fn doc_id(&self) -> &'d str {
        match &self.document.parent {
            Some(parent) if self.number.is_none() => parent,
            _ => &self.document.id,
        }
    }

    /// A field of a CSV row that tells where the sentence stands, or its text.
    fn write_field(&self, column: Column, out: &mut Vec<u8>) {
        match (column, self.number) {
            (Column::Id, Some(number)) if !needs_quotes(&self.document.id) => {
                out.extend_from_slice(self.document.id.as_bytes());
                out.push(b':');
                write_number(number, out);
            }
            (Column::Id, _) => write_text(&self.id(), out),
            (Column::DocId, _) => write_text(self.doc_id(), out),
            (Column::Sent, _) => write_number(self.sentence.index, out),
            (Column::Start, _) => write_number(self.sentence.start, out),
            (Column::End, _) => write_number(self.sentence.end(), out),
            (Column::Text, _) => write_text(self.sentence.text, out),
            _ => {}
        }
    }

    fn value(&self, column: Column) -> Value {
        match column {
            Column::Id => json!(self.id()),
            Column::DocId => json!(self.doc_id()),
            Column::Sent => json!(self.sentence.index),
            Column::Start => json!(self.sentence.start),
            Column::End => json!(self.sentence.end()),
            Column::Text => json!(self.sentence.text),
            _ => Value::Null,
        }
    }
}

/// The rows' origins, one after the other: a document's sentences if it is to be split, its lines, or the document itself. Gives
/// their number.
pub(crate) fn for_each_origin<'d>(document: &'d Document, split_it: bool, mut each: impl FnMut(Origin<'d>)) -> usize {
    let mut n = 0;
    if let (Some(first), false) = (document.lines, split_it) {
        let mut start = first.start;
        for (at, line) in document.text.split_inclusive('\n').enumerate() {
            let text = line.trim_end_matches(['\n', '\r']);
            if !text.trim().is_empty() {
                let index = first.index + at;
                let sentence = Sentence { text, start, index, lead: None };
                each(Origin { document, number: Some(index + 1), sentence });
                n += 1;
            }
            start += line.len();
        }
    } else if split_it {
        for sentence in split(&document.text) {
            each(Origin { document, number: Some(sentence.index), sentence });
            n += 1;
        }
    } else {
        let sentence = Sentence { text: &document.text, start: 0, index: 0, lead: None };
        each(Origin { document, number: None, sentence });
        n = 1;
    }
    n
}

/// Labels a document and appends its rows to `out`; gives their number.
pub fn write_labelled(
    document: &Document,
    options: &RowOptions,
    reader: &mut Reader,
    model: &Model,
    out: &mut Vec<u8>,
) -> usize {
    let taxonomy = model.taxonomy();
    let mut prediction = Prediction::default();
    for_each_origin(document, options.split, |origin| {
        let Sentence { text: sentence, lead, .. } = origin.sentence;
        reader.classify_into(&Text { sentence, title: document.title.as_deref(), lead }, &mut prediction);
        match options.format {
            RowFormat::Csv => write_csv(options, out, |column, out| match column {
                Column::Act => out.extend_from_slice(taxonomy.acts[prediction.act].id.as_bytes()),
                Column::ActScore => write_decimals(prediction.act_score(), out),
                Column::Topics => taxonomy.write_topics(prediction.topics, out),
                Column::Review => review::write(model, &prediction, out),
                Column::Probability(output) => write_decimals(prediction.probabilities[output], out),
                place => origin.write_field(place, out),
            }),
            RowFormat::JsonLines => {
                let name = |column: Column| column.name(taxonomy);
                write_json(options, out, name, |column| match column {
                    Column::Act => taxonomy.acts[prediction.act].id.as_str().into(),
                    Column::ActScore => rounded(prediction.act_score()),
                    Column::Topics => {
                        let topics = prediction.topics.iter().map(|t| taxonomy.topics[t].id.as_str());
                        topics.collect::<Vec<_>>().into()
                    }
                    Column::Review => {
                        let review = review::join(model, &prediction);
                        review.split('|').filter(|r| !r.is_empty()).collect::<Vec<_>>().into()
                    }
                    Column::Probability(output) => rounded(prediction.probabilities[output]),
                    place => origin.value(place),
                });
            }
        }
    })
}

/// Appends the rows of a document's sentences, without labels; gives their number.
pub fn write_split(document: &Document, options: &RowOptions, out: &mut Vec<u8>) -> usize {
    for_each_origin(document, options.split, |origin| match options.format {
        RowFormat::Csv => write_csv(options, out, |column, out| origin.write_field(column, out)),
        RowFormat::JsonLines => {
            write_json(options, out, |column| column.fixed_name().into(), |column| origin.value(column));
        }
    })
}

fn write_csv(options: &RowOptions, out: &mut Vec<u8>, mut field: impl FnMut(Column, &mut Vec<u8>)) {
    let begin = out.len();
    for (at, &column) in options.columns.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        field(column, out);
    }
    if out.len() == begin && !options.columns.is_empty() {
        // A line with nothing on it would be no row.
        out.extend_from_slice(b"\"\"");
    }
    out.push(b'\n');
}

/// A CSV field must stand in quotes. Source: RFC 4180.
fn needs_quotes(text: &str) -> bool {
    let special = |&b: &u8| matches!(b, b',' | b'"' | b'\n' | b'\r');
    // Without a way out in the middle, many bytes are looked at at once.
    text.as_bytes().chunks(64).any(|bytes| bytes.iter().fold(false, |found, b| found | special(b)))
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    if !needs_quotes(text) {
        return out.extend_from_slice(text.as_bytes());
    }
    out.push(b'"');
    for (at, part) in text.split('"').enumerate() {
        if at > 0 {
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(part.as_bytes());
    }
    out.push(b'"');
}

fn write_number(number: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// A probability with four decimals, as `{:.4}` writes it.
fn write_decimals(p: f64, out: &mut Vec<u8>) {
    let scaled = p * 1e4;
    let nearest = scaled.round();
    if !(0.0..=1e4).contains(&nearest) || (scaled - nearest).abs() > 0.5 - 1e-6 {
        // Halfway between two, the product's last bit must not decide. Writing to memory does not fail.
        let _ = write!(out, "{p:.4}");
        return;
    }
    let digits = nearest as u32;
    let digit = |of: u32| b'0' + (digits / of % 10) as u8;
    out.extend_from_slice(&[digit(10_000), b'.', digit(1000), digit(100), digit(10), digit(1)]);
}

fn rounded(p: f64) -> Value {
    json!((p * 1e4).round() / 1e4)
}

fn write_json(
    options: &RowOptions,
    out: &mut Vec<u8>,
    name: impl Fn(Column) -> Cow<'static, str>,
    value: impl Fn(Column) -> Value,
) {
    let pairs = options.columns.iter().map(|&column| (name(column).into_owned(), value(column)));
    let object: Map<String, Value> = pairs.collect();
    let _ = writeln!(out, "{}", Value::Object(object));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::LinesFrom;
    use proptest::prelude::*;

    #[test]
    fn rows_point_back_into_the_text() {
        let text = "Title\n\nThe town met. “It was, er, fine,” he said.";
        let document = Document { id: "a.txt".to_owned(), text: text.to_owned(), ..Document::default() };
        let options = RowOptions { format: RowFormat::Csv, columns: Column::PLACE.to_vec(), split: true };
        let mut out = split_header(&options);
        assert_eq!(write_split(&document, &options, &mut out), 3);
        let mut reader = csv::Reader::from_reader(out.as_slice());
        for (row, record) in reader.records().map(|r| r.expect("well formed")).enumerate() {
            let number = |field: usize| record[field].parse::<usize>().expect("a number");
            assert_eq!(record[0], format!("a.txt:{row}"));
            assert_eq!(&text[number(3)..number(4)], &record[5]);
        }
        let options = RowOptions { format: RowFormat::JsonLines, split: false, ..options };
        let mut out = Vec::new();
        write_split(&document, &options, &mut out);
        let value: Value = serde_json::from_slice(&out).expect("well formed");
        assert_eq!((value["id"].as_str(), value["text"].as_str()), (Some("a.txt"), Some(text)));
    }

    #[test]
    fn lines_are_rows_of_their_file() {
        let text = "One.\r\n\n  \nTwo, too.\nThree".to_owned();
        let lines = Some(LinesFrom { index: 10, start: 100 });
        let document = Document { id: "a.txt".to_owned(), text, lines, ..Document::default() };
        let options = RowOptions { format: RowFormat::Csv, columns: Column::PLACE.to_vec(), split: false };
        let mut out = Vec::new();
        assert_eq!(write_split(&document, &options, &mut out), 3);
        let expected = "a.txt:11,a.txt,10,100,104,One.\na.txt:14,a.txt,13,110,119,\"Two, too.\"\na.txt:15,a.txt,14,120,125,Three\n";
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    proptest! {
        #[test]
        fn fields_are_those_of_the_csv_crate(fields in proptest::collection::vec("[a-c,\"\n\r é]{0,5}", 1..4)) {
            let mut expected = csv::Writer::from_writer(Vec::new());
            expected.write_record(&fields).expect("memory takes it");
            let columns = vec![Column::Id, Column::Text, Column::Act][..fields.len()].to_vec();
            let options = RowOptions { format: RowFormat::Csv, columns: columns.clone(), split: false };
            let mut out = Vec::new();
            write_csv(&options, &mut out, |column, out| {
                let at = columns.iter().position(|&c| c == column).unwrap_or(0);
                write_text(&fields[at], out);
            });
            prop_assert_eq!(out, expected.into_inner().expect("memory takes it"));
        }

        #[test]
        fn decimals_are_those_of_the_standard_library(p in 0.0..=1.0f64, halves in 0..20_000u32) {
            for p in [p, f64::from(halves) / 20_000.0, f64::from(halves) / 16_384.0 % 1.0] {
                let mut out = Vec::new();
                write_decimals(p, &mut out);
                prop_assert_eq!(String::from_utf8_lossy(&out), format!("{p:.4}"));
            }
        }
    }
}
