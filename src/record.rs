//! Predictions → rows of output, as CSV, TSV or JSON Lines. Rows in columns, for Parquet and Arrow, are made in `columns.rs`.

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
    /// Tab-separated, under a header; quoted where need be, as in CSV.
    Tsv,
    /// One JSON object a line; topics and reasons to review are lists, probabilities numbers.
    JsonLines,
    /// Parquet, typed as JSON Lines are.
    #[cfg(feature = "parquet")]
    Parquet,
    /// An Arrow file (Feather), typed as JSON Lines are.
    #[cfg(feature = "parquet")]
    Arrow,
}

impl RowFormat {
    /// What separates fields; `None` where rows are no lines of fields.
    pub fn delimiter(self) -> Option<u8> {
        match self {
            Self::Csv => Some(b','),
            Self::Tsv => Some(b'\t'),
            _ => None,
        }
    }
}

/// What CSV and TSV do for spreadsheets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ForSheets {
    /// Fields of text that a spreadsheet would take for a formula get a leading apostrophe.
    pub no_formulas: bool,
    /// The table begins with a byte order mark, by which Excel knows UTF-8.
    pub bom: bool,
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
    /// What CSV and TSV do for spreadsheets.
    pub sheets: ForSheets,
}

impl RowOptions {
    /// How fields are written.
    fn fields(&self) -> Fields {
        Fields { delimiter: self.format.delimiter().unwrap_or(b','), no_formulas: self.sheets.no_formulas }
    }
}

/// How the fields of a line are written.
#[derive(Clone, Copy)]
struct Fields {
    delimiter: u8,
    no_formulas: bool,
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
    /// `section`: the heading that the sentence stands under, where the format knows.
    Section,
    /// `page`: the page that it begins on, from 1, where the format knows.
    Page,
    /// `date`: when the document was published, as it says itself.
    Date,
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

    /// What only some formats know.
    pub const OF_SOME: [Self; 3] = [Self::Section, Self::Page, Self::Date];

    /// The probabilities of all acts and topics.
    pub fn probabilities(taxonomy: &Taxonomy) -> impl Iterator<Item = Self> + use<> {
        (0..taxonomy.acts.len() + taxonomy.topics.len()).map(Self::Probability)
    }

    /// All columns that there are.
    pub fn all(taxonomy: &Taxonomy) -> impl Iterator<Item = Self> + use<> {
        Self::LABELLED.into_iter().chain(Self::OF_SOME).chain(Self::probabilities(taxonomy))
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
        Self::all(taxonomy).find(|column| column.name(taxonomy) == name)
    }

    /// The column's name in the header.
    pub fn name(self, taxonomy: &Taxonomy) -> Cow<'static, str> {
        match self {
            Self::Probability(output) => {
                let label = taxonomy.acts.iter().chain(&taxonomy.topics).nth(output);
                format!("p.{}", label.map_or("", |l| &l.id)).into()
            }
            other => other.plain_name().into(),
        }
    }

    /// The column's name, whatever the taxonomy; those of probabilities need one.
    pub fn plain_name(self) -> &'static str {
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
            Self::Section => "section",
            Self::Page => "page",
            Self::Date => "date",
            Self::Probability(_) => "p",
        }
    }
}

/// The header of a labelled table, with its line end; empty unless rows are lines of fields.
pub fn labelled_header(options: &RowOptions, taxonomy: &Taxonomy) -> Vec<u8> {
    header(options, |column| column.name(taxonomy))
}

/// The header of a table of sentences, with its line end; empty unless rows are lines of fields.
pub fn split_header(options: &RowOptions) -> Vec<u8> {
    header(options, |column| column.plain_name().into())
}

fn header(options: &RowOptions, name: impl Fn(Column) -> Cow<'static, str>) -> Vec<u8> {
    let mut out = Vec::new();
    if options.format.delimiter().is_some() {
        if options.sheets.bom {
            out.extend_from_slice("\u{feff}".as_bytes());
        }
        let fields = options.fields();
        write_csv(options, &mut out, |column, out| fields.write_text(&name(column), out));
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

    /// The heading that the sentence stands under.
    pub(crate) fn section(&self) -> Option<&'d str> {
        self.document.place_of(self.sentence.start)?.section.as_deref()
    }

    /// The page that it begins on.
    pub(crate) fn page(&self) -> Option<u32> {
        self.document.place_of(self.sentence.start)?.page
    }

    /// When the document was published.
    pub(crate) fn date(&self) -> Option<&'d str> {
        self.document.date.as_deref()
    }

    /// A field of a CSV row that tells where the sentence stands, or its text.
    fn write_field(&self, column: Column, fields: Fields, out: &mut Vec<u8>) {
        match (column, self.number) {
            (Column::Id, Some(number)) if !fields.needs_care(&self.document.id) => {
                out.extend_from_slice(self.document.id.as_bytes());
                out.push(b':');
                write_number(number, out);
            }
            (Column::Id, _) => fields.write_text(&self.id(), out),
            (Column::DocId, _) => fields.write_text(self.doc_id(), out),
            (Column::Sent, _) => write_number(self.sentence.index, out),
            (Column::Start, _) => write_number(self.sentence.start, out),
            (Column::End, _) => write_number(self.sentence.end(), out),
            (Column::Text, _) => fields.write_text(self.sentence.text, out),
            (Column::Section, _) => fields.write_text(self.section().unwrap_or_default(), out),
            (Column::Page, _) => self.page().into_iter().for_each(|page| write_number(page as usize, out)),
            (Column::Date, _) => fields.write_text(self.date().unwrap_or_default(), out),
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
            Column::Section => json!(self.section()),
            Column::Page => json!(self.page()),
            Column::Date => json!(self.date()),
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

/// Labels a document's sentences, one after the other; gives their number.
pub(crate) fn for_each_labelled<'d>(
    document: &'d Document,
    split_it: bool,
    reader: &mut Reader,
    mut each: impl FnMut(Origin<'d>, &Prediction),
) -> usize {
    let mut prediction = Prediction::default();
    for_each_origin(document, split_it, |origin| {
        let Sentence { text: sentence, lead, .. } = origin.sentence;
        reader.classify_into(&Text { sentence, title: document.title.as_deref(), lead }, &mut prediction);
        each(origin, &prediction);
    })
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
    let fields = options.fields();
    for_each_labelled(document, options.split, reader, |origin, prediction| {
        match options.format {
            RowFormat::Csv | RowFormat::Tsv => write_csv(options, out, |column, out| match column {
                // A taxonomy's names hold nothing that needs quotes, but may begin with a hyphen.
                Column::Act => {
                    let begin = out.len();
                    out.extend_from_slice(taxonomy.acts[prediction.act].id.as_bytes());
                    fields.guard(begin, out);
                }
                Column::ActScore => write_decimals(prediction.act_score(), out),
                Column::Topics => {
                    let begin = out.len();
                    taxonomy.write_topics(prediction.topics, out);
                    fields.guard(begin, out);
                }
                Column::Review => review::write(model, prediction, out),
                Column::Probability(output) => write_decimals(prediction.probabilities[output], out),
                place => origin.write_field(place, fields, out),
            }),
            _ => {
                let name = |column: Column| column.name(taxonomy);
                write_json(options, out, name, |column| match column {
                    Column::Act => taxonomy.acts[prediction.act].id.as_str().into(),
                    Column::ActScore => json!(rounded(prediction.act_score())),
                    Column::Topics => {
                        let topics = prediction.topics.iter().map(|t| taxonomy.topics[t].id.as_str());
                        topics.collect::<Vec<_>>().into()
                    }
                    Column::Review => {
                        let review = review::join(model, prediction);
                        review.split('|').filter(|r| !r.is_empty()).collect::<Vec<_>>().into()
                    }
                    Column::Probability(output) => json!(rounded(prediction.probabilities[output])),
                    place => origin.value(place),
                });
            }
        }
    })
}

/// Appends the rows of a document's sentences, without labels; gives their number.
pub fn write_split(document: &Document, options: &RowOptions, out: &mut Vec<u8>) -> usize {
    let fields = options.fields();
    for_each_origin(document, options.split, |origin| match options.format {
        RowFormat::Csv | RowFormat::Tsv => {
            write_csv(options, out, |column, out| origin.write_field(column, fields, out))
        }
        _ => {
            write_json(options, out, |column| column.plain_name().into(), |column| origin.value(column));
        }
    })
}

fn write_csv(options: &RowOptions, out: &mut Vec<u8>, mut field: impl FnMut(Column, &mut Vec<u8>)) {
    let begin = out.len();
    let delimiter = options.format.delimiter().unwrap_or(b',');
    for (at, &column) in options.columns.iter().enumerate() {
        if at > 0 {
            out.push(delimiter);
        }
        field(column, out);
    }
    if out.len() == begin && !options.columns.is_empty() {
        // A line with nothing on it would be no row.
        out.extend_from_slice(b"\"\"");
    }
    out.push(b'\n');
}

impl Fields {
    /// The field must stand in quotes. Source: RFC 4180.
    fn needs_quotes(self, text: &str) -> bool {
        let special = |&b: &u8| matches!(b, b'"' | b'\n' | b'\r') || b == self.delimiter;
        // Without a way out in the middle, many bytes are looked at at once.
        text.as_bytes().chunks(64).any(|bytes| bytes.iter().fold(false, |found, b| found | special(b)))
    }

    /// A spreadsheet would take the field for a formula. Source: OWASP, "CSV Injection".
    fn is_formula(self, text: &[u8]) -> bool {
        self.no_formulas && matches!(text.first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r'))
    }

    /// Puts an apostrophe before a field that was written from `begin` on, if it needs one.
    fn guard(self, begin: usize, out: &mut Vec<u8>) {
        if self.is_formula(&out[begin..]) {
            out.insert(begin, b'\'');
        }
    }

    /// The field cannot be written as it stands.
    fn needs_care(self, text: &str) -> bool {
        self.needs_quotes(text) || self.is_formula(text.as_bytes())
    }

    fn write_text(self, text: &str, out: &mut Vec<u8>) {
        let apostrophe: &[u8] = if self.is_formula(text.as_bytes()) { b"'" } else { b"" };
        if !self.needs_quotes(text) {
            out.extend_from_slice(apostrophe);
            return out.extend_from_slice(text.as_bytes());
        }
        out.push(b'"');
        out.extend_from_slice(apostrophe);
        for (at, part) in text.split('"').enumerate() {
            if at > 0 {
                out.extend_from_slice(b"\"\"");
            }
            out.extend_from_slice(part.as_bytes());
        }
        out.push(b'"');
    }
}

fn write_number(number: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// A probability with four decimals, as `{:.4}` writes it.
fn write_decimals(p: f64, out: &mut Vec<u8>) {
    let Some(nearest) = nearest_decimals(p) else {
        // Writing to memory does not fail.
        let _ = write!(out, "{p:.4}");
        return;
    };
    let digits = nearest as u32;
    let digit = |of: u32| b'0' + (digits / of % 10) as u8;
    out.extend_from_slice(&[digit(10_000), b'.', digit(1000), digit(100), digit(10), digit(1)]);
}

/// Ten thousand times a probability, as a whole number; `None` where its decimals must be looked at more closely.
fn nearest_decimals(p: f64) -> Option<f64> {
    let scaled = p * 1e4;
    let nearest = scaled.round();
    // Halfway between two, the product's last bit must not decide.
    ((0.0..=1e4).contains(&nearest) && (scaled - nearest).abs() <= 0.5 - 1e-6).then_some(nearest)
}

/// The number that a probability's four decimals in CSV are.
pub(crate) fn rounded(p: f64) -> f64 {
    nearest_decimals(p).map_or_else(|| format!("{p:.4}").parse().unwrap_or(p), |nearest| nearest / 1e4)
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
        let options = RowOptions {
            format: RowFormat::Csv,
            columns: Column::PLACE.to_vec(),
            split: true,
            sheets: ForSheets::default(),
        };
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
        let options = RowOptions {
            format: RowFormat::Csv,
            columns: Column::PLACE.to_vec(),
            split: false,
            sheets: ForSheets::default(),
        };
        let mut out = Vec::new();
        assert_eq!(write_split(&document, &options, &mut out), 3);
        let expected = "a.txt:11,a.txt,10,100,104,One.\na.txt:14,a.txt,13,110,119,\"Two, too.\"\na.txt:15,a.txt,14,120,125,Three\n";
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    #[test]
    fn spreadsheets_are_given_no_formulas() {
        let sheets = ForSheets { no_formulas: true, bom: true };
        let columns = vec![Column::Id, Column::Start, Column::Text];
        let options = RowOptions { format: RowFormat::Tsv, columns, split: false, sheets };
        let mut out = split_header(&options);
        for (id, text) in [("-1", "=1+1"), ("a", "+\"x\""), ("b", "\tx"), ("@c", "a = b"), ("d", "-")] {
            let document = Document { id: id.to_owned(), text: text.to_owned(), ..Document::default() };
            write_split(&document, &options, &mut out);
        }
        let expected =
            "\u{feff}id\tstart\ttext\n'-1\t0\t'=1+1\na\t0\t\"'+\"\"x\"\"\"\nb\t0\t\"'\tx\"\n'@c\t0\ta = b\nd\t0\t'-\n";
        assert_eq!(String::from_utf8_lossy(&out), expected);
        let options = RowOptions { split: true, columns: vec![Column::Id, Column::DocId], ..options };
        let document = Document { id: "=x".to_owned(), text: "It rained.".to_owned(), ..Document::default() };
        let mut out = Vec::new();
        write_split(&document, &options, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), "'=x:0\t'=x\n");
    }

    proptest! {
        #[test]
        fn fields_are_those_of_the_csv_crate(fields in proptest::collection::vec("[a-c,\t\"\n\r é]{0,5}", 1..4), tabs: bool) {
            let format = if tabs { RowFormat::Tsv } else { RowFormat::Csv };
            let delimiter = format.delimiter().expect("a table");
            let mut expected = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
            expected.write_record(&fields).expect("memory takes it");
            let columns = vec![Column::Id, Column::Text, Column::Act][..fields.len()].to_vec();
            let options = RowOptions { format, columns: columns.clone(), split: false, sheets: ForSheets::default() };
            let mut out = Vec::new();
            write_csv(&options, &mut out, |column, out| {
                let at = columns.iter().position(|&c| c == column).unwrap_or(0);
                options.fields().write_text(&fields[at], out);
            });
            prop_assert_eq!(out, expected.into_inner().expect("memory takes it"));
        }

        #[test]
        fn decimals_are_those_of_the_standard_library(p in 0.0..=1.0f64, halves in 0..20_000u32) {
            for p in [p, f64::from(halves) / 20_000.0, f64::from(halves) / 16_384.0 % 1.0] {
                let mut out = Vec::new();
                write_decimals(p, &mut out);
                prop_assert_eq!(String::from_utf8_lossy(&out), format!("{p:.4}"));
                prop_assert_eq!(rounded(p).to_bits(), format!("{p:.4}").parse::<f64>().expect("a number").to_bits());
            }
        }
    }
}
