//! `petition classify`: documents → a table of labelled sentences.

use super::input::{FormatArgs, InputArgs};
use super::table::{Job, TableArgs, known_of_some};
use super::{Exit, ModelArgs, RunArgs, model_file};
use anyhow::Context;
use clap::{Args, ValueEnum};
use petition::batch;
use petition::digest;
use petition::document::Inputs;
use petition::model::Model;
use petition::record::{Column, RowOptions, labelled_header};
use petition::taxonomy::Taxonomy;
use serde_json::{Map, Value, json};

/// Label every sentence of files and folders.
#[derive(Args)]
pub struct Classify {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    table: TableArgs,
    #[command(flatten)]
    format: FormatArgs,
    /// Which probabilities to write beside that of the act
    #[arg(long, value_enum, default_value_t = ScoreColumns::None)]
    scores: ScoreColumns,
    /// The columns to write, in this order, such as `id,act,topics` or `id,p.oversight` [default: all but p.*; `section` and
    /// `page` where an input's format knows them]
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
    fn columns(&self, taxonomy: &Taxonomy, listed: &Inputs) -> anyhow::Result<Vec<Column>> {
        if self.columns.is_empty() {
            let mut columns: Vec<Column> = Column::LABELLED.into_iter().chain(known_of_some(listed)).collect();
            if self.scores == ScoreColumns::All {
                columns.extend(Column::probabilities(taxonomy));
            }
            return Ok(columns);
        }
        let named = |name: &String| {
            let known = || Column::all(taxonomy).map(|column| column.name(taxonomy)).collect::<Vec<_>>().join(", ");
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
        let options = self.input.options();
        let listed = self.input.list(&options, &self.run)?;
        let columns = self.columns(model.taxonomy(), &listed)?;
        if let Some(exit) = self.table.dry_run(&listed, &options)? {
            return Ok(exit);
        }
        let rows = self.format.rows(columns, !self.input.no_split, self.table.path())?;
        let said = said(model, &rows);
        let file = self.model.model.clone();
        let hash = move || match file.as_deref().map(model_file) {
            Some(path) => Ok(digest::of_file(&path?)?.0),
            None => Ok(digest::of_bytes(Model::shipped_file())),
        };
        let header = labelled_header(&rows, model.taxonomy());
        let job = Job {
            listed: &listed,
            options: &options,
            run: &self.run,
            rows: &rows,
            said,
            model: Some(Box::new(hash)),
            header,
        };
        self.table.write(job, |documents, header, sink| batch::classify_into(model, documents, &rows, header, sink))
    }
}

/// What is said of the labels beside the table.
fn said(model: &Model, rows: &RowOptions) -> Map<String, Value> {
    let (training, taxonomy) = (model.training(), model.taxonomy());
    let thresholds: Map<String, Value> =
        taxonomy.topics.iter().zip(model.thresholds()).map(|(t, &p)| (t.id.clone(), p.into())).collect();
    let mut said = super::split::said(rows, |column| column.name(taxonomy).into_owned());
    said.insert(
        "model".to_owned(),
        json!({
            "version": training.version, "data_hash": training.data_hash, "taxonomy": taxonomy.name,
            "thresholds": thresholds,
        }),
    );
    said
}
