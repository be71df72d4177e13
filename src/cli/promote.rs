//! `petition promote`: a model file → the current model of a folder that keeps them all.

use super::card::CardArgs;
use super::{Exit, RunArgs, model_file};
use anyhow::Context;
use clap::Args;
use petition::model::Model;
use petition::shelf::{Newcomer, Promoted, Shelf};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Keep a model in a folder, with its card, and make it the current one there; `-m FOLDER` uses it from then on.
#[derive(Args)]
pub struct Promote {
    /// The model file, or a folder of `petition promote`, whose current model is taken
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// The folder that keeps the models; it is made if it is not there
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// Why, or what is new; kept beside the model and in its card
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    card: CardArgs,
    #[command(flatten)]
    run: RunArgs,
}

impl Promote {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Exit> {
        self.run.start()?;
        let path = model_file(&self.new)?;
        let name = || path.display().to_string();
        let bytes = std::fs::read(&path).with_context(name)?;
        let model = Model::from_bytes(&bytes).with_context(name)?;
        let told = match put(&model, &bytes, &self.to, &self.card, self.note.as_deref())? {
            Promoted::Done { name, followed: Some(before) } => format!("{name} is current now; before it, {before}"),
            Promoted::Done { name, followed: None } => format!("{name} is current now, the first one"),
            Promoted::AlreadyCurrent { name } => {
                format!("{name} is this very file and current already; nothing was done")
            }
        };
        writeln!(std::io::stdout(), "{told}")?;
        Ok(Exit::Done)
    }
}

/// Puts a model, read from these bytes, on a shelf, with its card.
pub fn put(model: &Model, bytes: &[u8], to: &Path, card: &CardArgs, note: Option<&str>) -> anyhow::Result<Promoted> {
    let gold = card.on_gold(model)?;
    let card = card.write(model, None, gold.as_ref(), note);
    let gold_figures = gold.as_ref().map_or(&[][..], |g| &g.figures);
    let newcomer = Newcomer { bytes, card: &card, gold_figures, note };
    Ok(Shelf::at(to).promote(&newcomer, SystemTime::now())?)
}
