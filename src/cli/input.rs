//! What commands that read documents share: the paths and how they are read.

use super::{RunArgs, say};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use petition::document::{Document, Format, Inputs, Kind, Limits, ReadError, ReadOptions, Skipped, list};
use petition::record::{Column, ForSheets, RowFormat, RowOptions};
use std::path::{Path, PathBuf};

/// Which documents.
#[derive(Args)]
pub struct InputArgs {
    /// Files, folders, or `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Read all inputs as this, whatever their names say [default: by name, else txt]
    #[arg(long, value_name = "FORMAT", value_parser = input_format())]
    input_format: Option<Format>,
    /// The column that holds the text
    #[arg(long, value_name = "NAME", default_value = "text")]
    text_column: String,
    /// The column that holds the id [default: id, where there is one]
    #[arg(long, value_name = "NAME")]
    id_column: Option<String>,
    /// Each row, or line of plain text, is one sentence already
    #[arg(long)]
    pub no_split: bool,
    /// The most bytes of one document: of its text, and of its file where that is read whole; of one row or line, too
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().max_document_bytes)]
    max_document_bytes: u64,
    /// How many times its size a compressed file or archive may unpack to, beyond the first 64 MiB
    #[arg(long, value_name = "TIMES", default_value_t = Limits::default().max_unpack_ratio)]
    max_unpack_ratio: u64,
}

/// Reads the name of a format of input.
fn input_format() -> impl TypedValueParser<Value = Format> {
    let of_name = |name: String| Format::all().find(|format| format.name() == name).ok_or("no such format");
    PossibleValuesParser::new(Format::all().map(Format::name)).try_map(of_name)
}

/// The formats of output.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// Comma-separated rows under a header
    Csv,
    /// Tab-separated rows under a header
    Tsv,
    /// A JSON object a line
    Jsonl,
    /// Parquet, with typed columns
    #[cfg(feature = "parquet")]
    Parquet,
    /// An Arrow file (Feather), with typed columns
    #[cfg(feature = "parquet")]
    Arrow,
}

impl From<OutputFormat> for RowFormat {
    fn from(format: OutputFormat) -> Self {
        match format {
            OutputFormat::Csv => Self::Csv,
            OutputFormat::Tsv => Self::Tsv,
            OutputFormat::Jsonl => Self::JsonLines,
            #[cfg(feature = "parquet")]
            OutputFormat::Parquet => Self::Parquet,
            #[cfg(feature = "parquet")]
            OutputFormat::Arrow => Self::Arrow,
        }
    }
}

/// How a table is written.
#[derive(Args)]
pub struct FormatArgs {
    /// The form of the table [default: as the ending of FILE says, else csv]
    #[arg(long, value_enum)]
    format: Option<OutputFormat>,
    /// In CSV and TSV, begin text with an apostrophe that a spreadsheet would take for a formula (=, +, -, @, tab, return)
    #[arg(long)]
    excel_safe: bool,
    /// In CSV and TSV, begin with a byte order mark, by which Excel knows UTF-8
    #[arg(long)]
    bom: bool,
}

impl FormatArgs {
    /// How rows are written, if `output` is the file.
    pub fn rows(&self, columns: Vec<Column>, split: bool, output: Option<&Path>) -> anyhow::Result<RowOptions> {
        let by_name = || match output?.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "tsv" | "tab" => Some(OutputFormat::Tsv),
            "jsonl" | "ndjson" => Some(OutputFormat::Jsonl),
            #[cfg(feature = "parquet")]
            "parquet" => Some(OutputFormat::Parquet),
            #[cfg(feature = "parquet")]
            "arrow" | "feather" => Some(OutputFormat::Arrow),
            _ => None,
        };
        let format = RowFormat::from(self.format.or_else(by_name).unwrap_or(OutputFormat::Csv));
        for (flag, given) in [("--excel-safe", self.excel_safe), ("--bom", self.bom)] {
            anyhow::ensure!(!given || format.delimiter().is_some(), "{flag} is for --format csv and tsv");
        }
        #[cfg(feature = "parquet")]
        anyhow::ensure!(
            !matches!(format, RowFormat::Parquet | RowFormat::Arrow)
                || output.is_some_and(|o| o != Path::new("-"))
                || !std::io::IsTerminal::is_terminal(&std::io::stdout()),
            "this form is not for a terminal; name a file with -o"
        );
        let sheets = ForSheets { no_formulas: self.excel_safe, bom: self.bom };
        Ok(RowOptions { format, columns, split, sheets })
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
        ReadOptions {
            format: self.input_format,
            text_column: self.text_column.clone(),
            id_column: self.id_column.clone(),
            lines: self.no_split,
            limits: Limits { max_document_bytes: self.max_document_bytes, max_unpack_ratio: self.max_unpack_ratio },
        }
    }

    /// Lists the inputs and checks those that were named, before any work starts.
    pub fn list(&self, options: &ReadOptions, run: &RunArgs) -> anyhow::Result<Inputs> {
        let listed = list(&self.paths, options)?;
        for error in &listed.errors {
            say(&format!("error: {error}"));
        }
        let unknown = || listed.skipped().filter(|(_, why)| *why == Skipped::UnknownFormat);
        if let Some((first, _)) = unknown().next() {
            let (n, first) = (unknown().count(), first.display());
            let (what, more) = if n == 1 { ("file was", "") } else { ("files were", " …") };
            run.note(&format!("{n} {what} passed over, no format goes by that name: {first}{more}"));
        }
        anyhow::ensure!(
            !listed.is_empty() || !listed.errors.is_empty(),
            "no documents found; petition reads {}, compressed (.gz, .zst) and in archives (.zip, .tar) too",
            Format::endings()
        );
        let has_columns = |kind| matches!(kind, Kind::Document(format) if format.has_columns());
        for input in listed.iter().filter(|i| i.named && i.path.is_some() && has_columns(i.kind)) {
            drop(input.open(options)?);
        }
        Ok(listed)
    }
}

/// All documents of all inputs, in order; an input that cannot be opened is one error.
pub fn documents<'i>(
    inputs: &'i Inputs,
    options: &'i ReadOptions,
) -> impl Iterator<Item = Result<Document, ReadError>> + 'i {
    inputs.iter().flat_map(|input| match input.open(options) {
        Ok(documents) => documents,
        Err(error) => Box::new(std::iter::once(Err(error))),
    })
}
