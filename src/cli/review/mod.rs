//! `petition review`: a local web page on which people label sentences.

mod items;
mod page;
mod server;

use super::input::InputArgs;
use super::{Exit, ModelArgs, RunArgs, say};
use anyhow::Context;
use clap::Args;
use items::Items;
use petition::label_store::LabelStore;
use server::Desk;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// Label sentences on a local web page.
#[derive(Args)]
pub struct Review {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    model: ModelArgs,
    /// Where labels are kept: a CSV file that only grows and that `train` reads
    #[arg(short, long, value_name = "FILE")]
    labels: PathBuf,
    /// Your name, as it stands beside your labels
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
}

impl Review {
    /// Runs the command; it ends when it is killed.
    pub fn run(self) -> anyhow::Result<Exit> {
        self.run.start()?;
        let model = self.model.load()?;
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
            let desk = Desk::new(model, items, store, self.annotator, listener.local_addr()?)?;
            writeln!(std::io::stdout(), "{}", desk.address())?;
            self.run.note("open this address in your browser; Ctrl-C ends");
            axum::serve(listener, server::routes(desk)).await.context("the page")
        })?;
        Ok(Exit::Done)
    }
}
