//! `petition evaluate`: a model's labels against gold, with intervals and gates.

use super::{Exit, Form, ModelArgs, RunArgs, name_and_value, say};
use anyhow::{Context, bail};
use clap::Args;
use petition::evaluate::{Evaluation, evaluate};
use petition::features::Text;
use petition::labels;
use rayon::prelude::*;
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
        let predicted = rows.par_chunks(256).flat_map_iter(|chunk| {
            let mut reader = model.reader();
            chunk.iter().map(move |row| {
                let text = Text { sentence: &row.text, title: row.title.as_deref(), lead: None };
                (row.labels, reader.classify(&text).labels())
            })
        });
        let pairs: Vec<_> = predicted.collect();
        let documents: Vec<&str> = rows.iter().map(|r| r.document.as_str()).collect();
        let evaluation = evaluate(taxonomy, &pairs, &documents, self.resamples, self.seed);
        let tally = &evaluation.tally;
        let mut all: Vec<(String, f64)> = tally.figures().iter().map(|&(n, v)| (n.to_owned(), v)).collect();
        all.extend(tally.label_figures(taxonomy));

        let mut missed = Vec::new();
        for (name, least) in &self.min {
            match all.iter().find(|(n, _)| n == name) {
                Some((_, value)) if value < least => missed.push(format!("{name} is {value:.4}, below {least}")),
                Some(_) => {}
                None => {
                    let known = tally.figures().map(|(name, _)| name).join(", ");
                    bail!(
                        "--min: there is no figure `{name}`; there are {known}, and for each label act.NAME.f1, \
                         topic.NAME.precision, topic.NAME.recall and so on"
                    );
                }
            }
        }
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
                write!(out, "{text}")?;
            }
        }
        out.flush().context("stdout")?;
        missed.iter().for_each(|m| say(&format!("gate missed: {m}")));
        Ok(if missed.is_empty() { Exit::Done } else { Exit::Bad })
    }
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
