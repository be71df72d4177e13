//! What commands that read documents share: the paths and how they are read.

use super::{RunArgs, say};
use clap::{Args, ValueEnum};
use petition::document::{Document, Format, Input, Inputs, ReadError, ReadOptions, list};
use petition::record::RowFormat;
use std::path::{Path, PathBuf};

/// Which documents.
#[derive(Args)]
pub struct InputArgs {
    /// Files, folders, or `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Read all inputs as this, whatever their names say [default: by name, else txt]
    #[arg(long, value_enum, value_name = "FORMAT")]
    input_format: Option<InputFormat>,
    /// The column that holds the text
    #[arg(long, value_name = "NAME", default_value = "text")]
    text_column: String,
    /// The column that holds the id [default: id, where there is one]
    #[arg(long, value_name = "NAME")]
    id_column: Option<String>,
    /// Each row, or line of plain text, is one sentence already
    #[arg(long)]
    pub no_split: bool,
}

/// The formats of input.
#[derive(Clone, Copy, ValueEnum)]
enum InputFormat {
    Txt,
    Md,
    Csv,
    Tsv,
    Jsonl,
}

/// The formats of output.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// Comma-separated rows under a header
    Csv,
    /// A JSON object a line
    Jsonl,
}

impl From<OutputFormat> for RowFormat {
    fn from(format: OutputFormat) -> Self {
        match format {
            OutputFormat::Csv => Self::Csv,
            OutputFormat::Jsonl => Self::JsonLines,
        }
    }
}

impl InputArgs {
    /// The path, if a single one that is not standard input was given.
    pub fn only_path(&self) -> Option<&Path> {
        match &self.paths[..] {
            [path] if path != Path::new("-") => Some(path),
            _ => None,
        }
    }

    /// How inputs are read.
    pub fn options(&self) -> ReadOptions {
        let format = self.input_format.map(|format| match format {
            InputFormat::Txt => Format::Text,
            InputFormat::Md => Format::Markdown,
            InputFormat::Csv => Format::Csv,
            InputFormat::Tsv => Format::Tsv,
            InputFormat::Jsonl => Format::JsonLines,
        });
        ReadOptions {
            format,
            text_column: self.text_column.clone(),
            id_column: self.id_column.clone(),
            lines: self.no_split,
        }
    }

    /// Lists the inputs and checks those that were named, before any work starts.
    pub fn list(&self, options: &ReadOptions, run: &RunArgs) -> anyhow::Result<Inputs> {
        let listed = list(&self.paths, options)?;
        for error in &listed.errors {
            say(&format!("error: {error}"));
        }
        if !listed.skipped.is_empty() {
            let (n, first) = (listed.skipped.len(), listed.skipped[0].display());
            let (what, more) = if n == 1 { ("file was", "") } else { ("files were", " …") };
            run.note(&format!("{n} {what} passed over, no format goes by that name: {first}{more}"));
        }
        anyhow::ensure!(
            !listed.inputs.is_empty() || !listed.errors.is_empty(),
            "no documents found; petition reads .txt, .md, .csv, .tsv and .jsonl files"
        );
        for input in listed.inputs.iter().filter(|i| i.named && i.path.is_some() && i.format.has_columns()) {
            drop(input.open(options)?);
        }
        Ok(listed)
    }
}

/// All documents of all inputs, in order; an input that cannot be opened is one error.
pub fn documents<'i>(
    inputs: &'i [Input],
    options: &'i ReadOptions,
) -> impl Iterator<Item = Result<Document, ReadError>> + 'i {
    inputs.iter().flat_map(|input| match input.open(options) {
        Ok(documents) => documents,
        Err(error) => Box::new(std::iter::once(Err(error))),
    })
}
