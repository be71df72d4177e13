//! What `classify` and `split` share: documents in, a table out, with all that keeps it whole and defensible: errors as a table,
//! what it was made from, and going on after a stop.

use super::input::{InputArgs, documents};
use super::output::{Output, part_name};
use super::progress::{Progress, Unit};
use super::reading::{Log, Position, Reading};
use super::{Exit, RunArgs, meta, say};
use anyhow::{Context, ensure};
use clap::Args;
use petition::batch::{Sink, Summary, Written};
use petition::digest::Digest;
use petition::document::{Document, Format, Inputs, Kind, ReadError, ReadOptions};
use petition::record::{Column, RowFormat, RowOptions};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Where a table goes, and what goes beside it.
#[derive(Args)]
pub struct TableArgs {
    /// Where the table goes; FILE.meta.json beside it tells what it was made from [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Go on where a run of this command was stopped, and keep what is needed to go on with this one
    #[arg(long, requires = "output")]
    resume: bool,
    /// Where a table of what could not be read goes: path, row, reason
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
    /// List what would be read, as what, and what is skipped and why; read nothing
    #[arg(long)]
    dry_run: bool,
}

/// What a table of errors begins with.
const ERRORS_HEADER: &[u8] = b"path,row,reason\n";

/// How often what is needed to go on is brought to the disk.
const CHECKPOINT: Duration = Duration::from_millis(500);

/// Says that a document could not be read.
pub fn complain(error: ReadError) {
    say(&format!("error: {error}"));
}

/// The SHA-256 of a model's file, to be asked for where it is needed.
pub type ModelHash = Box<dyn FnOnce() -> anyhow::Result<String> + Send>;

/// What a run is made of: its inputs, how they are read, and what is said of it beside the table.
pub struct Job<'j> {
    pub listed: &'j Inputs,
    pub options: &'j ReadOptions,
    pub run: &'j RunArgs,
    pub rows: &'j RowOptions,
    /// Model, columns and the like; a run with others cannot go on where this one was stopped.
    pub said: Map<String, Value>,
    /// Hashes the model's file, which takes longer than labelling a page.
    pub model: Option<ModelHash>,
    /// What the table begins with.
    pub header: Vec<u8>,
}

impl TableArgs {
    /// The file that the table goes to, if it does.
    pub fn path(&self) -> Option<&Path> {
        self.output.as_deref().filter(|p| *p != Path::new("-"))
    }

    /// Lists what would be read, if that is all that was asked for.
    pub fn dry_run(&self, listed: &Inputs, options: &ReadOptions) -> anyhow::Result<Option<Exit>> {
        if !self.dry_run {
            return Ok(None);
        }
        let mut out = csv::Writer::from_writer(std::io::stdout().lock());
        out.write_record(["path", "bytes", "read_as", "note"])?;
        let mut exit = Exit::Done;
        for input in listed.iter() {
            let (kinds, note) = match input.recognise(options) {
                Ok(kinds) => (kinds.iter().map(|k| k.name()).collect::<Vec<_>>().join("+"), String::new()),
                Err(error) => {
                    exit = Exit::Bad;
                    (String::new(), error.parts().2)
                }
            };
            out.write_record([&input.name, &input.size.to_string(), &kinds, &note])?;
        }
        for (path, why) in listed.skipped() {
            out.write_record([&*path.to_string_lossy(), "", "", &format!("skipped: {}", why.reason())])?;
        }
        for error in &listed.errors {
            exit = Exit::Bad;
            let (path, _, reason) = error.parts();
            out.write_record([path, "", "", &reason])?;
        }
        out.flush()?;
        Ok(Some(exit))
    }

    /// Lets `work` turn the documents of a job into a table under a header, gives the table its name and sums up.
    ///
    /// Without a single document there is no table.
    pub fn write(
        &self,
        job: Job,
        work: impl FnOnce(&mut Reading, &[u8], &mut dyn Sink) -> std::io::Result<Summary>,
    ) -> anyhow::Result<Exit> {
        let Job { listed, options, run, rows, mut said, model, header } = job;
        let is_lines = rows.format.delimiter().is_some() || rows.format == RowFormat::JsonLines;
        ensure!(!self.resume || is_lines, "--resume is for tables of lines: csv, tsv and jsonl");
        let started = Instant::now();
        let path = self.path();
        // It is hashed beside the work, but what a run is gone on with is asked for first.
        let mut model = model.filter(|_| path.is_some()).map(std::thread::spawn);
        if self.resume {
            say_model(&mut said, model.take())?;
        }
        let checkpoint = match path.filter(|_| self.resume) {
            Some(path) => Some(Checkpoint::open(path, listed, options, &said)?),
            None => None,
        };
        let state = checkpoint.as_ref().map(|c| c.state.clone()).unwrap_or_default();
        if state.finished
            && let (Some(checkpoint), Some(path)) = (&checkpoint, path)
        {
            // Stopped between its last row and its name.
            for path in self.errors.as_deref().into_iter().chain([path]).filter(|path| part_name(path).exists()) {
                std::fs::rename(part_name(path), path).with_context(|| path.display().to_string())?;
            }
            checkpoint.remove();
            return Ok(sum_up(run, &state, listed, state.seconds));
        }
        let open = |path: &Path, n_bytes: u64| match &checkpoint {
            Some(_) => Output::open_part(path, n_bytes),
            None => Output::open(Some(path)),
        };
        let output = path.map_or_else(|| Output::open(None), |path| open(path, state.table))?;
        let has_place = output.place().is_some();
        let errors = self.errors.as_deref().map(|path| open(path, state.errors)).transpose()?;
        let inputs = path.filter(|_| has_place).map(|path| open(&meta::inputs_name(path), state.inputs)).transpose()?;
        let mut reading = Reading::from(listed, options, state.position, inputs.is_some());
        let mut table = Table {
            output,
            errors,
            inputs,
            log: reading.log(),
            bar: Progress::new(run, Unit::Bytes, listed.n_bytes()),
            total: (listed.n_bytes(), listed.len()),
            checkpoint,
            state,
        };
        let is_new = table.state.table == 0;
        if is_new && let Some(out) = &mut table.errors {
            out.write_all(ERRORS_HEADER)?;
            table.state.errors += ERRORS_HEADER.len() as u64;
        }
        if table.state.position == Position::default() && table.state.listed == 0 {
            for error in &listed.errors {
                table.keep_error(error)?;
            }
            table.state.listed = listed.errors.len();
        }
        work(&mut reading, if is_new { &header } else { &[] }, &mut table).context("writing the table")?;
        table.end_inputs()?;
        table.bar.finish();
        let Table { mut output, mut errors, mut inputs, mut state, mut checkpoint, .. } = table;
        let seconds = started.elapsed().as_secs_f64() + state.seconds;
        if state.documents == 0 {
            checkpoint.iter().for_each(Checkpoint::remove);
            anyhow::bail!("no document could be read");
        }
        for file in [Some(&mut output), errors.as_mut(), inputs.as_mut()].into_iter().flatten() {
            file.sync().context("writing the table")?;
        }
        if let (Some(path), Some(written), Some(lines)) =
            (path, output.place(), inputs.as_ref().and_then(Output::place))
        {
            say_model(&mut said, model.take())?;
            said.extend(totals(&state, listed, seconds));
            meta::write(path, written, said, listed, lines).context("what stands beside the table")?;
        }
        state.finished = true;
        if let Some(checkpoint) = &mut checkpoint {
            checkpoint.keep(&state)?;
        }
        errors.map_or(Ok(()), Output::finish)?;
        output.finish()?;
        checkpoint.iter().for_each(Checkpoint::remove);
        Ok(sum_up(run, &state, listed, seconds))
    }
}

/// Adds the hash of the model to what is said of it.
fn say_model(
    said: &mut Map<String, Value>,
    hash: Option<std::thread::JoinHandle<anyhow::Result<String>>>,
) -> anyhow::Result<()> {
    let hash = hash.map(|thread| thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("hashing was stopped"))));
    if let (Some(hash), Some(Value::Object(model))) = (hash, said.get_mut("model")) {
        model.insert("sha256".to_owned(), hash.context("the model")?.into());
    }
    Ok(())
}

/// Tells of a run that is done, and how it ended.
fn sum_up(run: &RunArgs, state: &State, listed: &Inputs, seconds: f64) -> Exit {
    tell(run, state.documents, state.rows, state.failed + listed.errors.len(), seconds)
}

fn tell(run: &RunArgs, documents: usize, rows: usize, failed: usize, seconds: f64) -> Exit {
    let and = if failed > 0 { format!("; {failed} could not be read") } else { String::new() };
    let plural = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let (documents, rows) = (plural(documents, "document"), plural(rows, "row"));
    run.note(&format!("{documents}, {rows}, {seconds:.2} s{and}"));
    if failed > 0 { Exit::Bad } else { Exit::Done }
}

fn totals(state: &State, listed: &Inputs, seconds: f64) -> Map<String, Value> {
    let totals = json!({
        "documents": state.documents,
        "rows": state.rows,
        "failed": state.failed + listed.errors.len(),
        "seconds": (seconds * 1e3).round() / 1e3,
        "finished": jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    });
    match totals {
        Value::Object(totals) => totals,
        _ => Map::new(),
    }
}

/// Lists the inputs and lets `work` do something else with their documents than a row each, such as choosing among them.
pub fn over_documents(
    input: &InputArgs,
    output: Option<&Path>,
    run: &RunArgs,
    work: impl FnOnce(
        &mut dyn Iterator<Item = Result<Document, ReadError>>,
        &mut Output,
        &mut dyn FnMut(usize),
    ) -> std::io::Result<Summary>,
) -> anyhow::Result<Exit> {
    let options = input.options();
    let listed = input.list(&options, run)?;
    let mut output = Output::open(output)?;
    let started = Instant::now();
    let total = listed.n_bytes();
    let bar = Progress::new(run, Unit::Bytes, total);
    let mut done = 0;
    let mut progress = |bytes| {
        done += bytes as u64;
        bar.set(done, total.max(done));
    };
    let summary = work(&mut documents(&listed, &options), &mut output, &mut progress).context("writing the table")?;
    bar.finish();
    ensure!(summary.n_documents > 0, "no document could be read");
    output.finish()?;
    let failed = summary.n_failed + listed.errors.len();
    Ok(tell(run, summary.n_documents, summary.n_rows, failed, started.elapsed().as_secs_f64()))
}

/// A table in the making.
struct Table {
    output: Output,
    errors: Option<Output>,
    /// What is known of each input, for what stands beside the table.
    inputs: Option<Output>,
    log: Rc<RefCell<Log>>,
    bar: Progress,
    /// Bytes and files in all.
    total: (u64, usize),
    checkpoint: Option<Checkpoint>,
    state: State,
}

impl Table {
    fn keep_error(&mut self, error: &ReadError) -> std::io::Result<()> {
        let Some(out) = &mut self.errors else { return Ok(()) };
        let (path, row, reason) = error.parts();
        let mut line = csv::Writer::from_writer(Vec::new());
        line.write_record([path, &row.map_or_else(String::new, |r| r.to_string()), &reason])?;
        let line = line.into_inner().unwrap_or_default();
        self.state.errors += line.len() as u64;
        out.write_all(&line)
    }

    /// Tells of the inputs that are done.
    fn end_inputs(&mut self) -> std::io::Result<()> {
        let mut log = self.log.borrow_mut();
        while let Some(read) = log.reads.front().filter(|read| read.is_done()) {
            self.state.position = Position { input: read.number + 1, items: 0 };
            if let Some(inputs) = &mut self.inputs {
                let line = meta::line(read);
                self.state.inputs += line.len() as u64;
                inputs.write_all(line.as_bytes())?;
            }
            (self.state.input_rows, self.state.input_failed) = (0, 0);
            log.reads.pop_front();
        }
        Ok(())
    }
}

impl Write for Table {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = self.output.write(bytes)?;
        self.state.table += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.output.flush()
    }
}

impl Sink for Table {
    fn failed(&mut self, error: ReadError) -> std::io::Result<()> {
        self.keep_error(&error)?;
        complain(error);
        Ok(())
    }

    fn written(&mut self, share: &Written) -> std::io::Result<()> {
        self.state.documents += share.n_documents;
        for rows in share.items {
            self.end_inputs()?;
            let mut log = self.log.borrow_mut();
            let Some(read) = log.reads.front_mut() else { continue };
            read.n_written += 1;
            self.state.input_rows += rows.unwrap_or(0);
            self.state.input_failed += usize::from(rows.is_none());
            (read.n_rows, read.n_failed) = (self.state.input_rows, self.state.input_failed);
            self.state.rows += rows.unwrap_or(0);
            self.state.failed += usize::from(rows.is_none());
            self.state.position = Position { input: read.number, items: read.n_written };
        }
        self.end_inputs()?;
        let (n_bytes, n_inputs) = (self.log.borrow().n_bytes(), self.log.borrow().n_inputs);
        self.bar.files(n_inputs, self.total.1);
        self.bar.set(n_bytes, self.total.0.max(n_bytes));
        if let Some(checkpoint) = self.checkpoint.as_mut().filter(|c| c.last.elapsed() >= CHECKPOINT) {
            // What the state says must be on the disk before it does.
            self.output.sync()?;
            self.errors.as_mut().map_or(Ok(()), Output::sync)?;
            self.inputs.as_mut().map_or(Ok(()), Output::sync)?;
            checkpoint.keep(&self.state)?;
        }
        Ok(())
    }
}

/// How far a run is: what is on the disk of its files, and of what.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct State {
    /// The hash of what the run is made of.
    job: String,
    position: Position,
    /// Bytes of the table, the errors, and what is known of the inputs.
    table: u64,
    errors: u64,
    inputs: u64,
    documents: usize,
    rows: usize,
    failed: usize,
    /// Rows and failures of the input that is being read.
    input_rows: usize,
    input_failed: usize,
    /// Errors of the listing that are told.
    listed: usize,
    /// Seconds that the runs before took.
    seconds: f64,
    /// All is written; what is left are names.
    finished: bool,
}

/// What a run needs to be gone on with.
struct Checkpoint {
    path: PathBuf,
    table: PathBuf,
    state: State,
    begun: Instant,
    last: Instant,
}

impl Checkpoint {
    /// Reads how far a run came that was stopped, if there was one.
    fn open(table: &Path, listed: &Inputs, options: &ReadOptions, said: &Map<String, Value>) -> anyhow::Result<Self> {
        ensure!(listed.iter().all(|i| i.path.is_some()), "--resume: standard input cannot be read again; name files");
        let mut hash = Digest::default();
        // How the command was written does not matter, only what it means.
        let said: Vec<_> = said.iter().filter(|(name, _)| *name != "command").collect();
        hash.update(serde_json::to_vec(&said)?);
        hash.update(format!("{options:?}"));
        for input in listed.iter() {
            hash.update(format!("{}\0{}\0", input.name, input.size));
        }
        let job = hash.hex();
        let path = meta::beside(&part_name(table), ".state");
        let state = match std::fs::read(&path) {
            Ok(bytes) => {
                let state: State = serde_json::from_slice(&bytes)
                    .with_context(|| format!("{}: cannot be understood; remove it to begin anew", path.display()))?;
                ensure!(
                    state.job == job,
                    "{}: was begun with other inputs, flags or model; remove it to begin anew",
                    part_name(table).display()
                );
                let kept = std::fs::metadata(part_name(table)).map_or(0, |m| m.len());
                ensure!(
                    state.finished || kept >= state.table,
                    "{}: is shorter than it was; remove {} to begin anew",
                    part_name(table).display(),
                    path.display()
                );
                state
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => State::default(),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        let now = Instant::now();
        Ok(Self { path, table: table.to_owned(), state: State { job, ..state }, begun: now, last: now })
    }

    /// Brings how far the run is to the disk.
    fn keep(&mut self, state: &State) -> std::io::Result<()> {
        let state = State { seconds: self.state.seconds + self.begun.elapsed().as_secs_f64(), ..state.clone() };
        let next = meta::beside(&self.path, ".next");
        let mut file = std::fs::File::create(&next)?;
        file.write_all(&serde_json::to_vec(&state)?)?;
        file.sync_all()?;
        std::fs::rename(&next, &self.path)?;
        self.last = Instant::now();
        Ok(())
    }

    /// The run is done, and nothing is to be gone on with.
    fn remove(&self) {
        for path in [&self.path, &part_name(&meta::inputs_name(&self.table)), &part_name(&self.table)] {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Which columns of those that only some formats know are worth showing, by the inputs' names.
pub fn known_of_some(listed: &Inputs) -> impl Iterator<Item = Column> {
    let any =
        |knows: fn(Format) -> bool| listed.kinds().any(|kind| matches!(kind, Kind::Document(format) if knows(format)));
    let section = any(Format::knows_sections).then_some(Column::Section);
    let page = any(Format::knows_pages).then_some(Column::Page);
    section.into_iter().chain(page)
}
