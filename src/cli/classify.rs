//! `petition classify`: documents → a table of labelled sentences.

use super::input::{InputArgs, OutputFormat};
use super::table::{self, complain};
use super::{Exit, ModelArgs, RunArgs};
use clap::{Args, ValueEnum};
use petition::batch;
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
        let rows = RowOptions {
            format: self.format.into(),
            all_scores: self.scores == ScoreColumns::All,
            split: !self.input.no_split,
        };
        table::write(&self.input, self.output.as_deref(), &self.run, |documents, table| {
            batch::classify(&model, documents, &rows, &mut table.output, &mut complain, &mut table.progress)
        })
    }
}
