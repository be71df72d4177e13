//! `petition evaluate`: a model's labels against gold, with intervals and gates.

use super::{Exit, Form, ModelArgs, RunArgs, name_and_value, say};
use anyhow::{Context, bail};
use clap::Args;
use petition::evaluate::{Evaluation, Labels, PartFigures, by_part, evaluate};
use petition::features::Text;
use petition::labels::{self, LabelledRow};
use petition::model::Model;
use rayon::prelude::*;
use serde_json::json;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

/// Compare a model's labels with labelled rows: CSV with columns id, text, act, topics, and optionally document and title.
#[derive(Args)]
pub struct Evaluate {
    /// Labels files, or folders of .csv files
    #[arg(required = true, value_name = "GOLD")]
    gold: Vec<PathBuf>,
    #[command(flatten)]
    model: ModelArgs,
    /// Exit with 1 when a figure is below this, as in `topics.micro_f1=0.7`; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = name_and_value)]
    min: Vec<(String, f64)>,
    /// Show figures for each value of this column of the labels files too
    #[arg(long, value_name = "COLUMN")]
    by: Option<String>,
    /// Resamples of documents for the 95 % intervals
    #[arg(long, default_value_t = 1000)]
    resamples: usize,
    /// The seed of the resamples
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    #[command(flatten)]
    run: RunArgs,
}

impl Evaluate {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Exit> {
        self.run.start()?;
        let model = self.model.load()?;
        let taxonomy = model.taxonomy();
        let rows = labels::read(&self.gold, taxonomy)?;
        let pairs = compare(&model, &rows);
        let documents: Vec<&str> = rows.iter().map(|r| r.document.as_str()).collect();
        let parts = match &self.by {
            Some(column) => parts(&model, &self.gold, &rows, &pairs, column)?,
            None => Vec::new(),
        };
        let evaluation = evaluate(taxonomy, &pairs, &documents, self.resamples, self.seed);
        let tally = &evaluation.tally;
        let mut all: Vec<(String, f64)> = tally.figures().iter().map(|&(n, v)| (n.to_owned(), v)).collect();
        all.extend(tally.label_figures(taxonomy));

        let defined: Vec<_> = all.iter().map(|(name, value)| (name.clone(), Some(*value))).collect();
        let known = tally.figures().map(|(name, _)| name).join(", ");
        let known =
            format!("{known}, and for each label act.NAME.f1, topic.NAME.precision, topic.NAME.recall and so on");
        let missed = missed_gates(&self.min, &defined, &known)?;
        let mut out = std::io::stdout().lock();
        match self.format {
            Form::Json => {
                let mut object: serde_json::Map<String, serde_json::Value> =
                    all.iter().map(|(name, value)| (name.clone(), (*value).into())).collect();
                object.insert("rows".into(), tally.n_rows().into());
                object.insert("documents".into(), evaluation.n_documents.into());
                let names = tally.figures().map(|(name, _)| name.to_owned());
                let intervals: serde_json::Map<_, _> =
                    names.into_iter().zip(&evaluation.intervals).map(|(n, &(a, b))| (n, vec![a, b].into())).collect();
                object.insert("intervals".into(), intervals.into());
                if let Some(column) = &self.by {
                    let part = |p: &PartFigures| {
                        let figures = json!({
                            "rows": p.n_rows, "act.macro_f1": p.act_macro_f1, "topics.micro_f1": p.topics_micro_f1,
                            "false_topic_share": p.false_topic_share,
                        });
                        (p.name.clone(), figures)
                    };
                    object.insert(
                        format!("by.{column}"),
                        parts.iter().map(part).collect::<serde_json::Map<_, _>>().into(),
                    );
                }
                writeln!(out, "{}", serde_json::to_string_pretty(&object)?)?;
            }
            Form::Text => {
                let mut text = figures(&evaluation);
                let _ = writeln!(text, "\n{:28} {:>6} {:>9} {:>9} {:>9}", "label", "rows", "precision", "recall", "f1");
                for (name, c) in tally.labels(taxonomy) {
                    let (p, r, f1) = (c.precision(), c.recall(), c.f1());
                    let _ = writeln!(text, "{name:28} {:>6} {p:>9.3} {r:>9.3} {f1:>9.3}", c.n_gold());
                }
                text.push_str(&super::train::act_table(tally, taxonomy));
                if let Some(column) = &self.by {
                    let _ = writeln!(
                        text,
                        "\n{column:28} {:>6} {:>14} {:>16} {:>18}",
                        "rows", "act.macro_f1", "topics.micro_f1", "false_topic_share"
                    );
                    for p in &parts {
                        let topics = p.topics_micro_f1.map_or_else(|| "-".to_owned(), |f1| format!("{f1:.3}"));
                        let (act, share) = (p.act_macro_f1, p.false_topic_share);
                        let _ = writeln!(text, "{:28} {:>6} {act:>14.3} {topics:>16} {share:>18.3}", p.name, p.n_rows);
                    }
                }
                write!(out, "{text}")?;
            }
        }
        out.flush().context("stdout")?;
        Ok(tell(&missed))
    }
}

/// What to say of each gate that is missed, by names and least values; a figure that is undefined misses its gate.
///
/// # Errors
/// A gate on a figure that there is not; `known` tells which there are.
pub fn missed_gates(
    min: &[(String, f64)],
    figures: &[(String, Option<f64>)],
    known: &str,
) -> anyhow::Result<Vec<String>> {
    let mut missed = Vec::new();
    for (name, least) in min {
        match figures.iter().find(|(n, _)| n == name) {
            Some((_, Some(value))) if value < least => missed.push(format!("{name} is {value:.4}, below {least}")),
            Some((_, Some(_))) => {}
            Some((_, None)) => missed.push(format!("{name} is undefined, so it does not reach {least}")),
            None => bail!("--min: there is no figure `{name}`; there are {known}"),
        }
    }
    Ok(missed)
}

/// Tells which gates are missed, and how a command ends that has such.
pub fn tell(missed: &[String]) -> Exit {
    missed.iter().for_each(|m| say(&format!("gate missed: {m}")));
    if missed.is_empty() { Exit::Done } else { Exit::Bad }
}

/// Given and predicted labels of each row.
pub fn compare(model: &Model, rows: &[LabelledRow]) -> Vec<(Labels, Labels)> {
    let of_chunk = |chunk: &[LabelledRow]| {
        let mut reader = model.reader();
        let of_row = |row: &LabelledRow| {
            let text = Text { sentence: &row.text, title: row.title.as_deref(), lead: None };
            (row.labels, reader.classify(&text).labels())
        };
        chunk.iter().map(of_row).collect::<Vec<_>>()
    };
    rows.par_chunks(256).flat_map_iter(of_chunk).collect()
}

/// What a model says of labelled rows.
pub fn said_by(model: &Model, rows: &[LabelledRow]) -> impl Iterator<Item = Labels> + use<> {
    compare(model, rows).into_iter().map(|(_, said)| said)
}

/// Figures for each value of a column of the labels files.
pub fn parts(
    model: &Model,
    gold: &[PathBuf],
    rows: &[LabelledRow],
    pairs: &[(Labels, Labels)],
    column: &str,
) -> anyhow::Result<Vec<PartFigures>> {
    let values = labels::read_column(gold, column)?;
    let names: Vec<&str> = rows.iter().map(|r| values.get(&r.id).map_or("", String::as_str)).collect();
    Ok(by_part(model.taxonomy(), pairs, &names))
}

/// The overall figures with their intervals, a line each.
pub fn figures(evaluation: &Evaluation) -> String {
    let (rows, documents) = (evaluation.tally.n_rows(), evaluation.n_documents);
    let mut text = format!("{rows} rows of {documents} documents\n");
    for (place, (name, value)) in evaluation.tally.figures().iter().enumerate() {
        let interval = evaluation.intervals.get(place).map_or(String::new(), |(a, b)| format!("  [{a:.3}, {b:.3}]"));
        let _ = writeln!(text, "{name:28} {value:.3}{interval}");
    }
    text
}
