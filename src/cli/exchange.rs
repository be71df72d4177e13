//! What `import` and `export` share: the tools' forms, the names of their columns, and the taxonomy.

use super::taxonomy::read_taxonomy;
use super::{load_model, say};
use clap::{Args, ValueEnum};
use petition::exchange::{ColumnNames, Field, Format};
use petition::taxonomy::Taxonomy;
use std::path::PathBuf;

/// The forms of files.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Tool {
    /// doccano's JSON Lines
    Doccano,
    /// Label Studio's tasks as JSON (JSON-MIN is read too)
    LabelStudio,
    /// Prodigy's JSON Lines, choice interface
    Prodigy,
    /// fastText's lines with __label__NAME
    #[value(name = "fasttext")]
    FastText,
    /// Comma-separated columns of any names
    Csv,
    /// Tab-separated columns of any names
    Tsv,
}

impl From<Tool> for Format {
    fn from(tool: Tool) -> Self {
        match tool {
            Tool::Doccano => Self::Doccano,
            Tool::LabelStudio => Self::LabelStudio,
            Tool::Prodigy => Self::Prodigy,
            Tool::FastText => Self::FastText,
            Tool::Csv => Self::Csv,
            Tool::Tsv => Self::Tsv,
        }
    }
}

impl Tool {
    /// The name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |v| v.get_name().to_owned())
    }
}

/// What the tool's columns or keys are called.
#[derive(Args)]
#[command(next_help_heading = "Columns or keys of the tool's file")]
pub struct ColumnArgs {
    /// The id [default: id; row_id in Label Studio]
    #[arg(long, value_name = "NAME")]
    id_column: Option<String>,
    /// The text [default: text]
    #[arg(long, value_name = "NAME")]
    text_column: Option<String>,
    /// The act, in tables and Label Studio [default: act]
    #[arg(long, value_name = "NAME")]
    act_column: Option<String>,
    /// The topics, in tables and Label Studio [default: topics]
    #[arg(long, value_name = "NAME")]
    topics_column: Option<String>,
    /// Acts and topics together, as flat labels; in tables instead of act and topics [default: label in doccano]
    #[arg(long, value_name = "NAME")]
    label_column: Option<String>,
    /// What joins topics or labels in a table's column [default: |]
    #[arg(long, value_name = "TEXT")]
    separator: Option<String>,
    /// The document [default: document]
    #[arg(long, value_name = "NAME")]
    document_column: Option<String>,
    /// The title [default: title]
    #[arg(long, value_name = "NAME")]
    title_column: Option<String>,
    /// The note [default: note]
    #[arg(long, value_name = "NAME")]
    note_column: Option<String>,
    /// Who labelled [default: annotator]
    #[arg(long, value_name = "NAME")]
    annotator_column: Option<String>,
}

impl ColumnArgs {
    /// The names, checked against what the tool's form has.
    pub fn names(&self, tool: Tool) -> anyhow::Result<ColumnNames> {
        let tables = matches!(tool, Tool::Csv | Tool::Tsv);
        let (objects, studio) = (!tables && tool != Tool::FastText, tool == Tool::LabelStudio);
        let mut names = ColumnNames::default();
        let given = [
            ("--id-column", &self.id_column, tables || objects),
            ("--text-column", &self.text_column, tables || objects),
            ("--act-column", &self.act_column, tables || studio),
            ("--topics-column", &self.topics_column, tables || studio),
            ("--label-column", &self.label_column, tables || studio || tool == Tool::Doccano),
            ("--separator", &self.separator, tables),
            ("--document-column", &self.document_column, tables || objects),
            ("--title-column", &self.title_column, tables || objects),
            ("--note-column", &self.note_column, tables || objects),
            ("--annotator-column", &self.annotator_column, tables || objects),
        ];
        for (flag, value, is_used) in given {
            anyhow::ensure!(value.is_none() || is_used, "{flag}: {} has no such place; leave it out", tool.name());
            anyhow::ensure!(value.as_deref() != Some(""), "{flag}: the name is empty");
        }
        let set = |name: &mut String, value: &Option<String>| {
            if let Some(value) = value {
                name.clone_from(value);
            }
        };
        names.id.clone_from(&self.id_column);
        names.label.clone_from(&self.label_column);
        set(&mut names.text, &self.text_column);
        set(&mut names.act, &self.act_column);
        set(&mut names.topics, &self.topics_column);
        set(&mut names.separator, &self.separator);
        set(&mut names.fields[Field::Document as usize], &self.document_column);
        set(&mut names.fields[Field::Title as usize], &self.title_column);
        set(&mut names.fields[Field::Note as usize], &self.note_column);
        set(&mut names.fields[Field::Annotator as usize], &self.annotator_column);
        Ok(names)
    }
}

/// Which acts and topics there are.
#[derive(Args)]
pub struct TaxonomyArgs {
    /// The taxonomy file; without it, the taxonomy of the model
    #[arg(long, value_name = "FILE", conflicts_with = "model")]
    taxonomy: Option<PathBuf>,
    /// A model file, for its taxonomy; without it, the model built into this program
    #[arg(short, long, value_name = "FILE")]
    model: Option<PathBuf>,
}

impl TaxonomyArgs {
    /// The taxonomy, and a name for who labels by it: its own, with the beginning of the hash of the model's training rows.
    pub fn load(&self) -> anyhow::Result<(Taxonomy, String)> {
        if let Some(path) = &self.taxonomy {
            let taxonomy = read_taxonomy(path)?;
            let name = taxonomy.name.clone();
            return Ok((taxonomy, name));
        }
        let model = load_model(self.model.as_deref())?;
        let hash: String = model.training().data_hash.chars().take(8).collect();
        let name = format!("{}-{hash}", model.taxonomy().name);
        Ok((model.taxonomy().clone(), name))
    }
}

/// Says what was done, as `rows` and whatever else is not nought.
pub fn sum_up(quiet: bool, n_rows: usize, others: &[(usize, &str)]) {
    if quiet {
        return;
    }
    let mut text = format!("{n_rows} row{}", if n_rows == 1 { "" } else { "s" });
    for (n, what) in others.iter().filter(|(n, _)| *n > 0) {
        text.push_str(&format!("; {n} {what}"));
    }
    say(&text);
}
