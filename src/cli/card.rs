//! `petition card`: a model card in the form of Hugging Face, from the model file and what is said beside it.

use super::evaluate::{compare, parts};
use super::output::Output;
use super::{Exit, RunArgs, load_model};
use anyhow::Context;
use clap::Args;
use petition::evaluate::{PartFigures, evaluate};
use petition::labels;
use petition::model::Model;
use petition::report::Report;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

/// Write a model card: Markdown under a Hugging Face `model-index`.
#[derive(Args)]
pub struct Card {
    /// A model file, or a folder of `petition promote`; without it, the model built into this program
    #[arg(short, long, value_name = "FILE")]
    model: Option<PathBuf>,
    #[command(flatten)]
    card: CardArgs,
    /// A report that `petition train --report FILE.json` wrote with the model
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Markdown to put under the summary: uses, data, limits, known failures
    #[arg(long, value_name = "FILE")]
    notes: Option<PathBuf>,
    /// Where the card goes [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    run: RunArgs,
}

/// What a card says beside what the model file holds.
#[derive(Args)]
pub struct CardArgs {
    /// Labelled rows to evaluate on: labels files, or folders of .csv files
    #[arg(long, value_name = "GOLD")]
    pub gold: Vec<PathBuf>,
    /// What the labelled rows are called
    #[arg(long, value_name = "TEXT", default_value = "labelled rows")]
    gold_name: String,
    /// Show figures for each value of this column of the labelled rows too
    #[arg(long, value_name = "COLUMN", requires = "gold")]
    by: Option<String>,
    /// The licence, by its SPDX name
    #[arg(long, default_value = "mit")]
    license: String,
    /// The language, by its two letters
    #[arg(long, default_value = "en")]
    language: String,
    /// Resamples of documents for the 95 % intervals
    #[arg(long, default_value_t = 1000)]
    pub resamples: usize,
}

impl Card {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Exit> {
        self.run.start()?;
        let model = load_model(self.model.as_deref())?;
        let read = |path: &PathBuf| std::fs::read_to_string(path).with_context(|| path.display().to_string());
        let notes = self.notes.as_ref().map(read).transpose()?;
        let report = match &self.report {
            Some(path) => {
                let report: Report = serde_json::from_str(&read(path)?).with_context(|| {
                    format!("{}: is no report of `petition train --report FILE.json`", path.display())
                })?;
                anyhow::ensure!(
                    report.data_hash == model.training().data_hash,
                    "{}: is the report of another model: its data hash is {}, the model's {}",
                    path.display(),
                    report.data_hash,
                    model.training().data_hash
                );
                Some(report)
            }
            None => None,
        };
        let gold = self.card.on_gold(&model)?;
        let mut output = Output::open(self.output.as_deref())?;
        let card = self.card.write(&model, report.as_ref(), gold.as_ref(), notes.as_deref());
        output.write_all(card.as_bytes()).context("the card")?;
        output.finish()?;
        Ok(Exit::Done)
    }
}

impl CardArgs {
    /// How the model does on the labelled rows; `None` without any.
    pub fn on_gold(&self, model: &Model) -> anyhow::Result<Option<OnGold>> {
        if self.gold.is_empty() {
            return Ok(None);
        }
        let rows = labels::read(&self.gold, model.taxonomy())?;
        let pairs = compare(model, &rows);
        let documents: Vec<&str> = rows.iter().map(|r| r.document.as_str()).collect();
        let evaluation = evaluate(model.taxonomy(), &pairs, &documents, self.resamples, 1);
        let parts = match &self.by {
            Some(column) => parts(model, &self.gold, &rows, &pairs, column)?,
            None => Vec::new(),
        };
        let mut table = String::new();
        for (place, (name, value)) in evaluation.tally.figures().iter().enumerate() {
            let (low, high) = evaluation.interval(place, *value);
            let _ = writeln!(table, "| {name} | {value:.3} | {low:.3} to {high:.3} |");
        }
        let mut labels = String::new();
        for (place, (name, c)) in evaluation.tally.labels(model.taxonomy()).enumerate() {
            let (p, r, f1) = (c.precision(), c.recall(), c.f1());
            let (low, high) = evaluation.label_interval(place, f1);
            let _ = writeln!(labels, "| {name} | {} | {p:.3} | {r:.3} | {f1:.3} | {low:.3} to {high:.3} |", c.n_gold());
        }
        Ok(Some(OnGold {
            n_rows: rows.len(),
            n_documents: evaluation.n_documents,
            figures: evaluation.tally.figures().map(|(name, value)| (name.to_owned(), value)).into(),
            table,
            labels,
            parts,
        }))
    }

    /// The card.
    pub fn write(&self, model: &Model, report: Option<&Report>, gold: Option<&OnGold>, notes: Option<&str>) -> String {
        let (taxonomy, training) = (model.taxonomy(), model.training());
        let name = &taxonomy.name;
        let mut text = format!(
            "---\nlanguage: {}\nlicense: {}\nlibrary_name: petition\npipeline_tag: text-classification\n\
             tags: [text-classification, multi-label, tf-idf, logistic-regression]\nmodel-index:\n- name: {name}\n  results:\n",
            self.language, self.license
        );
        if let Some(gold) = gold {
            text.push_str(&result(&self.gold_name, "labelled sentences", &gold.figures));
        }
        text.push_str(&result("training rows, out of fold", "labelled sentences", &training.figures));
        let (acts, topics) = (taxonomy.acts.len(), taxonomy.topics.len());
        let _ = writeln!(
            text,
            "---\n\n# {name}\n\nLabels sentences with one of {acts} acts and any of {topics} topics. Softmax regression for the act, one-vs-rest \
             logistic regression for the topics, over {} columns of stems, pairs, seed terms and marks of form; probabilities calibrated out of \
             fold. Trained by petition {} on {} rows of {} documents.\n",
            model.space().n_columns(),
            training.version,
            training.n_rows,
            training.n_documents
        );
        if let Some(notes) = notes {
            let _ = writeln!(text, "{}\n", notes.trim());
        }
        if let Some(gold) = gold {
            let _ = writeln!(
                text,
                "## On {}\n\n{} rows of {} documents, none of them trained on. Intervals are 95 %, from {} resamples of documents.\n\n\
                 | figure | value | 95 % interval |\n|---|---:|---:|\n{}\n| label | rows | precision | recall | F1 | 95 % interval |\n\
                 |---|---:|---:|---:|---:|---:|\n{}",
                self.gold_name, gold.n_rows, gold.n_documents, self.resamples, gold.table, gold.labels
            );
            if let Some(column) = &self.by {
                let _ = writeln!(
                    text,
                    "| {column} | rows | act.macro_f1 | topics.micro_f1 | rows given a topic where gold has none |\n|---|---:|---:|---:|---:|"
                );
                for p in &gold.parts {
                    let topics = p.topics_micro_f1.map_or_else(|| "–".to_owned(), |f1| format!("{f1:.3}"));
                    let share = 100.0 * p.false_topic_share;
                    let _ = writeln!(
                        text,
                        "| {} | {} | {:.3} | {topics} | {share:.1} % |",
                        p.name, p.n_rows, p.act_macro_f1
                    );
                }
                text.push('\n');
            }
        }
        text.push_str(
            "## Out of fold\n\nEvery training row is predicted by a model that has seen no row of its document.\n\n",
        );
        match report {
            Some(report) => {
                let _ = write!(text, "{}\n{}{}", report.figure_table(), report.label_table(), report.curve_table());
            }
            None => {
                text.push_str("| figure | value |\n|---|---:|\n");
                for (name, value) in &training.figures {
                    let _ = writeln!(text, "| {name} | {value:.3} |");
                }
                text.push_str("\n| label | rows | precision | recall | F1 | calibration error | threshold |\n|---|---:|---:|---:|---:|---:|---:|\n");
                for (place, l) in training.labels.iter().enumerate() {
                    let threshold = place.checked_sub(acts).map(|topic| format!("{:.3}", model.thresholds()[topic]));
                    let _ = writeln!(
                        text,
                        "| {} | {} | {:.3} | {:.3} | {:.3} | {:.3} | {} |",
                        l.name,
                        l.n_rows,
                        l.precision,
                        l.recall,
                        l.f1,
                        l.calibration_error,
                        threshold.unwrap_or_default()
                    );
                }
            }
        }
        text
    }
}

/// How the model does on labelled rows, ready to be shown.
pub struct OnGold {
    n_rows: usize,
    n_documents: usize,
    /// The overall figures, by name.
    pub figures: Vec<(String, f64)>,
    table: String,
    labels: String,
    parts: Vec<PartFigures>,
}

/// One result of a `model-index`; texts are quoted as JSON, which YAML reads too.
fn result(dataset: &str, kind: &str, figures: &[(String, f64)]) -> String {
    let quote = |text: &str| serde_json::Value::from(text).to_string();
    let mut text = format!(
        "  - task:\n      type: text-classification\n    dataset:\n      name: {}\n      type: {}\n    metrics:\n",
        quote(dataset),
        quote(kind)
    );
    for (name, value) in figures {
        let kind = match name.rsplit_once('.').map_or("", |(_, kind)| kind) {
            "accuracy" => "accuracy",
            "macro_f1" | "micro_f1" => "f1",
            "exact_match" => "exact_match",
            _ => "cohen_kappa",
        };
        let _ = writeln!(text, "    - type: {kind}\n      name: {name}\n      value: {value:.4}");
    }
    text
}
