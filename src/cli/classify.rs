//! `petition classify`: documents → a table of labelled sentences.

use super::input::{InputArgs, OutputFormat, documents};
use super::output::Output;
use super::progress::{Progress, Unit};
use super::{Exit, ModelArgs, RunArgs, say};
use anyhow::Context;
use clap::{Args, ValueEnum};
use petition::batch::{self, Summary};
use petition::record::RowOptions;
use std::path::PathBuf;

/// Label every sentence of files and folders.
#[derive(Args)]
pub struct Classify {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    model: ModelArgs,
    /// Where the table goes [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The form of the table
    #[arg(long, value_enum, default_value_t = OutputFormat::Csv)]
    format: OutputFormat,
    /// Which probabilities to write beside that of the act
    #[arg(long, value_enum, default_value_t = ScoreColumns::None)]
    scores: ScoreColumns,
    #[command(flatten)]
    run: RunArgs,
}

/// Which probabilities to write.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ScoreColumns {
    /// No more
    None,
    /// Of every act and topic
    All,
}

impl Classify {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Exit> {
        self.run.start()?;
        let model = self.model.load()?;
        let options = self.input.options();
        let listed = self.input.list(&options, &self.run)?;
        let rows = RowOptions {
            format: self.format.into(),
            all_scores: self.scores == ScoreColumns::All,
            split: !self.input.no_split,
        };
        let mut output = Output::open(self.output.as_deref())?;
        let watch = Watch::new(&self.run, listed.inputs.iter().map(|i| i.size).sum());
        let documents = documents(&listed.inputs, &options);
        let summary = batch::classify(&model, documents, &rows, &mut output, &mut complain, &mut watch.progress())
            .context("writing the table")?;
        watch.finish(summary, listed.errors.len(), output)
    }
}

/// Says that a document could not be read.
pub fn complain(error: petition::document::ReadError) {
    say(&format!("error: {error}"));
}

/// Shows progress over bytes, and at the end what came out.
pub struct Watch<'a> {
    args: &'a RunArgs,
    progress: Progress,
    total: u64,
    started: std::time::Instant,
}

impl<'a> Watch<'a> {
    /// Starts the clock; a total of 0 bytes is unknown.
    pub fn new(args: &'a RunArgs, total: u64) -> Self {
        Self { args, progress: Progress::new(args, Unit::Bytes, total), total, started: std::time::Instant::now() }
    }

    /// What is to be told of bytes done.
    pub fn progress(&self) -> impl FnMut(usize) + '_ {
        let mut done = 0;
        move |bytes| {
            done += bytes as u64;
            self.progress.set(done, self.total.max(done));
        }
    }

    /// Gives the table its name, sums up, and decides how the command ended. Without a single document there is no table.
    pub fn finish(&self, summary: Summary, n_unlisted: usize, output: Output) -> anyhow::Result<Exit> {
        self.progress.finish();
        let failed = summary.n_failed + n_unlisted;
        anyhow::ensure!(summary.n_documents > 0, "no document could be read");
        output.finish()?;
        let and = if failed > 0 { format!("; {failed} could not be read") } else { String::new() };
        let seconds = self.started.elapsed().as_secs_f64();
        let plural = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let (documents, rows) = (plural(summary.n_documents, "document"), plural(summary.n_rows, "row"));
        self.args.note(&format!("{documents}, {rows}, {seconds:.2} s{and}"));
        Ok(if failed > 0 { Exit::Bad } else { Exit::Done })
    }
}
