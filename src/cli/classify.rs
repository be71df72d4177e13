//! `petition classify`: documents → a table of labelled sentences.

use super::input::{InputArgs, OutputFormat};
use super::table::{self, complain};
use super::{Exit, ModelArgs, RunArgs};
use anyhow::Context;
use clap::{Args, ValueEnum};
use petition::batch;
use petition::model::Model;
use petition::record::{Column, RowOptions};
use petition::taxonomy::Taxonomy;
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
    /// The columns to write, in this order, such as `id,act,topics` or `id,p.oversight` [default: all but p.*]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', conflicts_with = "scores")]
    columns: Vec<String>,
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
    /// The columns that were asked for.
    fn columns(&self, taxonomy: &Taxonomy) -> anyhow::Result<Vec<Column>> {
        let all = || Column::LABELLED.into_iter().chain(Column::probabilities(taxonomy));
        if self.columns.is_empty() {
            let n = if self.scores == ScoreColumns::All { usize::MAX } else { Column::LABELLED.len() };
            return Ok(all().take(n).collect());
        }
        let named = |name: &String| {
            let known = || all().map(|column| column.name(taxonomy)).collect::<Vec<_>>().join(", ");
            Column::of_name(name.trim(), taxonomy)
                .with_context(|| format!("--columns: there is no column `{name}`; there are {}", known()))
        };
        self.columns.iter().map(named).collect()
    }

    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Exit> {
        self.run.start()?;
        // Never freed: the program ends with it.
        let model: &'static Model = Box::leak(Box::new(self.model.load()?));
        let columns = self.columns(model.taxonomy())?;
        let rows = RowOptions { format: self.format.into(), columns, split: !self.input.no_split };
        table::write(&self.input, self.output.as_deref(), &self.run, |documents, table| {
            batch::classify(model, documents, &rows, &mut table.output, &mut complain, &mut table.progress)
        })
    }
}
