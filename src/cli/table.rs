//! What `classify` and `split` share: documents in, a table out, progress meanwhile and a summary at the end.

use super::input::{InputArgs, documents};
use super::output::Output;
use super::progress::{Progress, Unit};
use super::{Exit, RunArgs, say};
use anyhow::Context;
use petition::batch::Summary;
use petition::document::{Document, ReadError};
use std::path::Path;

/// Where a command's table goes, and what is to be told of bytes done.
pub struct Table<'a> {
    /// The table.
    pub output: Output,
    /// Called with the bytes of text that were done since it was called last.
    pub progress: Box<dyn FnMut(usize) + 'a>,
}

/// Says that a document could not be read.
pub fn complain(error: ReadError) {
    say(&format!("error: {error}"));
}

/// Lists the inputs, lets `work` turn their documents into a table, gives the table its name and sums up.
///
/// Without a single document there is no table.
pub fn write(
    input: &InputArgs,
    output: Option<&Path>,
    run: &RunArgs,
    work: impl FnOnce(&mut dyn Iterator<Item = Result<Document, ReadError>>, &mut Table) -> std::io::Result<Summary>,
) -> anyhow::Result<Exit> {
    let options = input.options();
    let listed = input.list(&options, run)?;
    let output = Output::open(output)?;
    let started = std::time::Instant::now();
    let total: u64 = listed.inputs.iter().map(|i| i.size).sum();
    let bar = Progress::new(run, Unit::Bytes, total);
    let mut done = 0;
    let progress = |bytes| {
        done += bytes as u64;
        bar.set(done, total.max(done));
    };
    let mut table = Table { output, progress: Box::new(progress) };
    let summary = work(&mut documents(&listed.inputs, &options), &mut table).context("writing the table")?;
    let Table { output, progress } = table;
    drop(progress);
    bar.finish();
    anyhow::ensure!(summary.n_documents > 0, "no document could be read");
    output.finish()?;

    let failed = summary.n_failed + listed.errors.len();
    let and = if failed > 0 { format!("; {failed} could not be read") } else { String::new() };
    let seconds = started.elapsed().as_secs_f64();
    let plural = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let (documents, rows) = (plural(summary.n_documents, "document"), plural(summary.n_rows, "row"));
    run.note(&format!("{documents}, {rows}, {seconds:.2} s{and}"));
    Ok(if failed > 0 { Exit::Bad } else { Exit::Done })
}
