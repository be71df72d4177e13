//! `petition split`: documents → a table of sentences, without labels.

use super::input::{FormatArgs, InputArgs};
use super::table::{Job, TableArgs, known_of_some};
use super::{Exit, RunArgs};
use clap::Args;
use petition::batch;
use petition::record::{Column, RowOptions, split_header};
use serde_json::{Map, Value, json};

/// Cut files and folders into sentences.
#[derive(Args)]
pub struct Split {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    table: TableArgs,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    run: RunArgs,
}

impl Split {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Exit> {
        self.run.start()?;
        let options = self.input.options();
        let listed = self.input.list(&options, &self.run)?;
        if let Some(exit) = self.table.dry_run(&listed, &options)? {
            return Ok(exit);
        }
        let columns = Column::PLACE.into_iter().chain(known_of_some(&listed)).collect();
        let rows = self.format.rows(columns, !self.input.no_split, self.table.path())?;
        let said = said(&rows, |column| column.plain_name().to_owned());
        let job = Job {
            listed: &listed,
            options: &options,
            run: &self.run,
            rows: &rows,
            said,
            model: None,
            header: split_header(&rows),
        };
        self.table.write(job, |documents, header, sink| batch::split_into(documents, &rows, header, sink))
    }
}

/// What is said of the rows beside a table.
pub fn said(rows: &RowOptions, name: impl Fn(Column) -> String) -> Map<String, Value> {
    let columns: Vec<String> = rows.columns.iter().map(|&column| name(column)).collect();
    let command: Vec<String> = std::env::args().skip(1).collect();
    let said = json!({
        "petition": env!("CARGO_PKG_VERSION"), "command": command, "columns": columns, "split": rows.split,
    });
    match said {
        Value::Object(said) => said,
        _ => Map::new(),
    }
}
