//! `petition review`: a local web page on which people label sentences, see how far they agree, and train anew.

mod dashboard;
mod desk;
mod items;
mod page;
mod retraining;
mod server;

use super::input::InputArgs;
use super::{Exit, RunArgs, load_model, say};
use anyhow::Context;
use clap::Args;
use desk::{Desk, InUse, Visit};
use items::Items;
use petition::label_store::LabelStore;
use petition::labels;
use petition::shelf::Shelf;
use retraining::{RetrainArgs, Retraining};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// Label sentences on a local web page, and train anew from there.
#[derive(Args)]
pub struct Review {
    #[command(flatten)]
    input: InputArgs,
    /// A model file, or a folder of `petition promote`; without it, the model built into this program
    #[arg(short, long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Where labels are kept: a CSV file that only grows and that `train` reads
    #[arg(short, long, value_name = "FILE")]
    labels: PathBuf,
    /// Your name, as it stands beside your labels; it can be changed on the page
    #[arg(long, value_name = "NAME", default_value = "me")]
    annotator: String,
    /// The port of the page [default: any that is free]
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Let other machines see the page, at this address of yours; whoever knows the page's whole address can label
    #[arg(long, value_name = "ADDRESS")]
    allow_remote: Option<IpAddr>,
    #[command(flatten)]
    run: RunArgs,
    #[command(flatten)]
    retrain: RetrainArgs,
}

impl Review {
    /// Runs the command; it ends when it is killed.
    pub fn run(mut self) -> anyhow::Result<Exit> {
        self.run.start()?;
        let model = load_model(self.model.as_deref())?;
        // What retraining needs is looked at now, not when hours of labelling are done.
        for files in [&self.retrain.base_rows.base_labels, &self.retrain.card.gold] {
            labels::read(files, model.taxonomy())?;
        }
        let folder = self.model.as_ref().filter(|path| path.is_dir());
        let name = match (folder, &self.model) {
            (Some(folder), _) => Shelf::at(folder).current()?,
            (None, Some(path)) => path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
            (None, None) => "the built-in model".to_owned(),
        };
        self.retrain.to = self.retrain.to.or_else(|| folder.cloned());
        let items = Items::read(&self.input, &self.run)?;
        let store = LabelStore::open(&self.labels)?;
        if store.n_dropped() > 0 {
            say(&format!("{}: the last row was cut short and not saved; it is gone", self.labels.display()));
        }
        let address = SocketAddr::new(self.allow_remote.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), self.port);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().context("cannot start")?;
        runtime.block_on(async {
            let listener =
                tokio::net::TcpListener::bind(address).await.with_context(|| format!("cannot listen at {address}"))?;
            let retraining = Retraining::new(self.retrain);
            let desk = Desk::new(InUse { model, name }, items, store, retraining, listener.local_addr()?)?;
            let visit = Visit::new(desk.clone(), &self.annotator)
                .map_err(|message| anyhow::anyhow!("--annotator: {message}"))?;
            writeln!(std::io::stdout(), "http://{}{}", desk.address, visit.link(""))?;
            self.run.note("open this address in your browser; Ctrl-C ends");
            axum::serve(listener, server::routes(desk)).await.context("the page")
        })?;
        Ok(Exit::Done)
    }
}
