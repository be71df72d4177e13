//! `petition split`: documents → a table of sentences, without labels.

use super::input::{InputArgs, OutputFormat};
use super::table::{self, complain};
use super::{Exit, RunArgs};
use clap::Args;
use petition::batch;
use petition::record::{Column, RowOptions};
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
        let rows =
            RowOptions { format: self.format.into(), columns: Column::PLACE.to_vec(), split: !self.input.no_split };
        table::write(&self.input, self.output.as_deref(), &self.run, |documents, table| {
            batch::split(documents, &rows, &mut table.output, &mut complain, &mut table.progress)
        })
    }
}
