//! `petition models`: what a folder of models keeps, and which one is current.

use super::{Exit, Form, say};
use clap::Args;
use petition::shelf::{Promotion, Shelf, ShelfError};
use serde_json::json;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

/// List the models that a folder of `petition promote` keeps, in the order of their promotion.
#[derive(Args)]
pub struct Models {
    /// The folder that keeps the models
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// The form of the answer
    #[arg(long, visible_alias = "form", value_enum, default_value_t = Form::Text)]
    format: Form,
}

/// The figures that are shown: on labelled rows if there were any, else out of fold.
const SHOWN: [&str; 2] = ["act.macro_f1", "topics.micro_f1"];

impl Models {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Exit> {
        let shelf = Shelf::at(&self.folder);
        let kept = shelf.list()?;
        let (current, broken) = match shelf.current() {
            Ok(name) => (Some(name), None),
            Err(error @ ShelfError::BadPointer { .. }) if !kept.is_empty() => (None, Some(error)),
            // The first promotion was cut off, or somebody took the file away.
            Err(ShelfError::NoCurrent { .. }) if !kept.is_empty() => (None, None),
            Err(error) => return Err(error.into()),
        };
        let errors: Vec<&ShelfError> =
            kept.iter().filter_map(|k| k.promotion.as_ref().err()).chain(broken.as_ref()).collect();
        let is_current = |name: &str| current.as_deref() == Some(name);
        let mut out = std::io::stdout().lock();
        match self.format {
            Form::Json => {
                let models: Vec<_> = kept
                    .iter()
                    .map(|k| json!({"model": k.name, "current": is_current(&k.name), "promotion": k.promotion.as_ref().ok()}))
                    .collect();
                writeln!(out, "{}", serde_json::to_string_pretty(&json!({"models": models}))?)?;
            }
            Form::Text => {
                let width = kept.iter().map(|k| k.name.len()).max().unwrap_or(0);
                let mut text = format!("{:8} {:width$} {:>8}", "", "model", "rows");
                SHOWN.iter().for_each(|name| _ = write!(text, " {name:>15}"));
                text.push_str("  measured     note\n");
                for k in &kept {
                    let mark = if is_current(&k.name) { "current" } else { "" };
                    let _ = write!(text, "{mark:8} {:width$}", k.name);
                    match &k.promotion {
                        Ok(promotion) => text.push_str(&line(promotion)),
                        Err(_) => text.push_str(" (see the message)\n"),
                    }
                }
                write!(out, "{text}")?;
            }
        }
        out.flush()?;
        errors.iter().for_each(|error| say(&format!("error: {error}")));
        Ok(if errors.is_empty() { Exit::Done } else { Exit::Bad })
    }
}

/// What is told of one model after its name.
fn line(promotion: &Promotion) -> String {
    let (figures, measured) = if promotion.gold_figures.is_empty() {
        (&promotion.figures, "out of fold")
    } else {
        (&promotion.gold_figures, "on gold")
    };
    let mut text = format!(" {:>8}", promotion.n_rows);
    for shown in SHOWN {
        let value = figures.iter().find(|(name, _)| name == shown).map_or(String::new(), |(_, v)| format!("{v:.3}"));
        let _ = write!(text, " {value:>15}");
    }
    // A note of several lines stays one row.
    let note = promotion.note.as_deref().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    let told = format!("{text}  {measured:11}  {note}");
    format!("{}\n", told.trim_end())
}
