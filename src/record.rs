//! Predictions → rows of output, as CSV or JSON Lines.

use crate::document::Document;
use crate::features::Text;
use crate::model::{Model, Prediction, Reader};
use crate::review;
use crate::sentence::{Sentence, split};
use crate::taxonomy::Taxonomy;
use serde_json::{Map, Value, json};
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowOptions {
    /// The form of the rows.
    pub format: RowFormat,
    /// The probability of every act and topic, in columns `p.NAME`.
    pub all_scores: bool,
    /// Documents are cut into sentences; if not, each is one sentence.
    pub split: bool,
}

/// The header of a labelled table, with its line end; empty for JSON Lines.
pub fn labelled_header(options: &RowOptions, taxonomy: &Taxonomy) -> Vec<u8> {
    let mut names = vec!["id", "doc_id", "sent", "start", "end", "text", "act", "act_score", "topics", "review"];
    let scores: Vec<String> = score_names(taxonomy).collect();
    if options.all_scores {
        names.extend(scores.iter().map(String::as_str));
    }
    header(options, &names)
}

/// The header of a table of sentences, with its line end; empty for JSON Lines.
pub fn split_header(options: &RowOptions) -> Vec<u8> {
    header(options, &["id", "doc_id", "sent", "start", "end", "text"])
}

fn header(options: &RowOptions, names: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    if options.format == RowFormat::Csv {
        write_csv(&mut out, names);
    }
    out
}

fn score_names(taxonomy: &Taxonomy) -> impl Iterator<Item = String> + '_ {
    taxonomy.acts.iter().chain(&taxonomy.topics).map(|label| format!("p.{}", label.id))
}

/// Where a row comes from.
struct Origin<'d> {
    id: String,
    doc_id: &'d str,
    sentence: Sentence<'d>,
}

/// The rows' origins: a document's sentences, or the document itself.
fn origins<'d>(document: &'d Document, options: &RowOptions) -> Vec<Origin<'d>> {
    if !options.split {
        let sentence = Sentence { text: &document.text, start: 0, index: 0, lead: None };
        let doc_id = document.parent.as_ref().unwrap_or(&document.id);
        return vec![Origin { id: document.id.clone(), doc_id, sentence }];
    }
    let origin = |sentence: Sentence<'d>| Origin {
        id: format!("{}:{}", document.id, sentence.index),
        doc_id: &document.id,
        sentence,
    };
    split(&document.text).into_iter().map(origin).collect()
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
    let origins = origins(document, options);
    let mut prediction = Prediction::default();
    for origin in &origins {
        let sentence = origin.sentence;
        let text = Text { sentence: sentence.text, title: document.title.as_deref(), lead: sentence.lead };
        reader.classify_into(&text, &mut prediction);
        let act = taxonomy.acts[prediction.act].id.as_str();
        let review = review::join(model, &prediction);
        match options.format {
            RowFormat::Csv => {
                let place = [sentence.index, sentence.start, sentence.end()].map(|n| n.to_string());
                let topics = taxonomy.join_topics(prediction.topics);
                let score = decimals(prediction.act_score());
                let mut fields = vec![
                    &origin.id,
                    origin.doc_id,
                    &place[0],
                    &place[1],
                    &place[2],
                    sentence.text,
                    act,
                    &score,
                    &topics,
                    &review,
                ];
                let mut scores = Vec::new();
                if options.all_scores {
                    scores.extend(prediction.probabilities.iter().map(|&p| decimals(p)));
                }
                fields.extend(scores.iter().map(String::as_str));
                write_csv(out, &fields);
            }
            RowFormat::JsonLines => {
                let mut object = place_of(origin);
                object.insert("act".into(), act.into());
                object.insert("act_score".into(), rounded(prediction.act_score()));
                let topics = prediction.topics.iter().map(|t| taxonomy.topics[t].id.as_str());
                object.insert("topics".into(), topics.collect::<Vec<_>>().into());
                object.insert("review".into(), review.split('|').filter(|r| !r.is_empty()).collect::<Vec<_>>().into());
                if options.all_scores {
                    let scores = prediction.probabilities.iter().map(|&p| rounded(p));
                    object.extend(score_names(taxonomy).zip(scores));
                }
                write_json(out, object);
            }
        }
    }
    origins.len()
}

/// Appends the rows of a document's sentences, without labels; gives their number.
pub fn write_split(document: &Document, options: &RowOptions, out: &mut Vec<u8>) -> usize {
    let origins = origins(document, options);
    for origin in &origins {
        let sentence = origin.sentence;
        match options.format {
            RowFormat::Csv => {
                let place = [sentence.index, sentence.start, sentence.end()].map(|n| n.to_string());
                write_csv(out, &[&origin.id, origin.doc_id, &place[0], &place[1], &place[2], sentence.text]);
            }
            RowFormat::JsonLines => write_json(out, place_of(origin)),
        }
    }
    origins.len()
}

fn place_of(origin: &Origin) -> Map<String, Value> {
    let sentence = origin.sentence;
    let pairs = [
        ("id", json!(origin.id)),
        ("doc_id", json!(origin.doc_id)),
        ("sent", json!(sentence.index)),
        ("start", json!(sentence.start)),
        ("end", json!(sentence.end())),
        ("text", json!(sentence.text)),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A probability with four decimals.
fn decimals(p: f64) -> String {
    format!("{p:.4}")
}

fn rounded(p: f64) -> Value {
    json!((p * 1e4).round() / 1e4)
}

fn write_csv(out: &mut Vec<u8>, fields: &[&str]) {
    let mut writer = csv::Writer::from_writer(&mut *out);
    // Writing to memory does not fail.
    let _ = writer.write_record(fields);
    let _ = writer.flush();
}

fn write_json(out: &mut Vec<u8>, object: Map<String, Value>) {
    let _ = writeln!(out, "{}", Value::Object(object));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_point_back_into_the_text() {
        let text = "Title\n\nThe town met. “It was, er, fine,” he said.";
        let document = Document { id: "a.txt".to_owned(), text: text.to_owned(), ..Document::default() };
        let options = RowOptions { format: RowFormat::Csv, all_scores: false, split: true };
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
}
