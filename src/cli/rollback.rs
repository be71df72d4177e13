//! `petition rollback`: back to the model that was current before.

use super::Exit;
use clap::Args;
use petition::shelf::Shelf;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::SystemTime;

/// Make the model current again that the current one followed; once more goes one further back.
#[derive(Args)]
pub struct Rollback {
    /// The folder that keeps the models
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
}

impl Rollback {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Exit> {
        let name = Shelf::at(&self.to).rollback(SystemTime::now())?;
        writeln!(std::io::stdout(), "{name} is current again")?;
        Ok(Exit::Done)
    }
}
