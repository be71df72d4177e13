//! `petition queue`: documents → a file of the sentences that a person should label next.

use super::input::InputArgs;
use super::table::{complain, over_documents};
use super::{Exit, ModelArgs, RunArgs};
use clap::{Args, ValueEnum};
use petition::batch::Summary;
use petition::labels;
use petition::queue::{ChosenFor, Labelled, Order, QueueOptions, choose, write};
use std::path::PathBuf;

/// Choose the sentences that a person should label next.
#[derive(Args)]
pub struct Queue {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    model: ModelArgs,
    /// How many sentences
    #[arg(short, value_name = "N", default_value = "200", value_parser = clap::value_parser!(u32).range(1..))]
    n: u32,
    /// Where the queue goes [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Labels files, or folders of .csv files, whose rows and their near-duplicates are left out; may be given several times
    #[arg(long, value_name = "LABELS", num_args = 1..)]
    labelled: Vec<PathBuf>,
    /// The share of sentences that is drawn at random, without asking the model
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, value_parser = share)]
    random_share: f64,
    /// The seed of what is drawn
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The order of the rows
    #[arg(long, value_enum, default_value_t = RowOrder::Document)]
    order: RowOrder,
    #[command(flatten)]
    run: RunArgs,
}

/// The order of the rows.
#[derive(Clone, Copy, ValueEnum)]
enum RowOrder {
    /// By document, then place
    Document,
    /// The most useful first, reasons mixed
    Priority,
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("a share is 0 to 1".to_owned()) }
}

impl Queue {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<Exit> {
        self.run.start()?;
        let model = self.model.load()?;
        let rows = labels::read_filled(&self.labelled, model.taxonomy())?;
        let labelled = Labelled::new(&rows);
        let options = QueueOptions {
            n: self.n as usize,
            random_share: self.random_share,
            seed: self.seed,
            order: match self.order {
                RowOrder::Document => Order::Document,
                RowOrder::Priority => Order::Priority,
            },
            split: !self.input.no_split,
        };
        let mut told = String::new();
        let exit = over_documents(&self.input, self.output.as_deref(), &self.run, |documents, output, progress| {
            let queue = choose(&model, documents, &labelled, &options, &mut complain, progress)?;
            if queue.summary.n_documents > 0 {
                write(&queue.rows, model.taxonomy(), output)?;
            }
            let chosen =
                ChosenFor::ALL.map(|reason| format!("{} {}", queue.n_chosen(reason), reason.name())).join(", ");
            told = format!(
                "{} sentences; {} left out as labelled ({} by id, {} by text, {} near-duplicates)\n\
                 {} of {} asked for: {chosen}; the random ones stand for {} sentences",
                queue.n_sentences,
                queue.n_sentences - queue.n_open(),
                queue.n_same_id,
                queue.n_same_text,
                queue.n_near,
                queue.rows.len(),
                options.n,
                queue.n_open(),
            );
            Ok::<Summary, std::io::Error>(queue.summary)
        })?;
        self.run.note(&told);
        Ok(exit)
    }
}
