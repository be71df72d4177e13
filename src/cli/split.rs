//! `petition split`: documents → a table of sentences, without labels.

use super::classify::{Watch, complain};
use super::input::{InputArgs, OutputFormat, documents};
use super::output::Output;
use super::{Exit, RunArgs};
use anyhow::Context;
use clap::Args;
use petition::batch;
use petition::record::RowOptions;
use std::path::PathBuf;

/// Cut files and folders into sentences.
#[derive(Args)]
pub struct Split {
    #[command(flatten)]
    input: InputArgs,
    /// Where the table goes [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The form of the table
    #[arg(long, value_enum, default_value_t = OutputFormat::Csv)]
    format: OutputFormat,
    #[command(flatten)]
    run: RunArgs,
}

impl Split {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Exit> {
        self.run.start()?;
        let options = self.input.options();
        let listed = self.input.list(&options, &self.run)?;
        let rows = RowOptions { format: self.format.into(), all_scores: false, split: !self.input.no_split };
        let mut output = Output::open(self.output.as_deref())?;
        let watch = Watch::new(&self.run, listed.inputs.iter().map(|i| i.size).sum());
        let documents = documents(&listed.inputs, &options);
        let summary = batch::split(documents, &rows, &mut output, &mut complain, &mut watch.progress())
            .context("writing the table")?;
        watch.finish(summary, listed.errors.len(), output)
    }
}
