//! How does the page get a better model? Training and comparing beside the pages, and promotion when somebody wants it.

use super::desk::{Desk, InUse, Visit};
use crate::cli::card::CardArgs;
use crate::cli::compare::{Words, compared, judge};
use crate::cli::evaluate::said_by;
use crate::cli::promote::put;
use crate::cli::train::BaseRows;
use anyhow::{Context, ensure};
use clap::Args;
use petition::compare::{Comparison, Outcome, SharedLabels};
use petition::labels::{self, LabelledRow};
use petition::model::Model;
use petition::shelf::Promoted;
use petition::train::{Trained, train_on_top};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// What the button “Retrain” works with.
#[derive(Args)]
#[command(next_help_heading = "Retraining")]
pub struct RetrainArgs {
    #[command(flatten)]
    pub base_rows: BaseRows,
    #[command(flatten)]
    pub card: CardArgs,
    /// The folder that keeps the models and that a new one may be promoted to [default: the folder given to --model]
    #[arg(long, value_name = "FOLDER")]
    pub to: Option<PathBuf>,
}

/// Won and lost rows to show, of each so many.
const SHOWN: usize = 5;

/// Training beside the pages; one at a time.
pub struct Retraining {
    args: RetrainArgs,
    state: Mutex<State>,
}

/// How far it is.
#[derive(Clone)]
pub enum State {
    /// Nobody has asked yet.
    Idle,
    /// Under way.
    Running(Arc<Running>),
    /// There is a new model.
    Done(Arc<Candidate>),
    /// It did not work, and why.
    Failed(Arc<str>),
}

/// How far training has come.
pub struct Running {
    since: Instant,
    done: AtomicUsize,
    total: AtomicUsize,
}

impl Running {
    /// Steps done and all steps; the last one compares.
    pub fn steps(&self) -> (usize, usize) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed) + 1)
    }

    pub fn seconds(&self) -> u64 {
        self.since.elapsed().as_secs()
    }
}

/// A new model, compared with the one in use.
pub struct Candidate {
    bytes: Vec<u8>,
    /// The hash of what it was trained on, by which a page says which model it means.
    pub data_hash: String,
    /// Rows that were labelled here, and rows that they were put on top of.
    pub n_rows: [usize; 2],
    /// Who labelled them.
    pub annotators: Vec<String>,
    pub seconds: f64,
    /// What the old model is called.
    pub old: String,
    /// Compared on gold; else on the labelled rows themselves, the new model's labels out of fold.
    pub on_gold: bool,
    pub comparison: Comparison,
    pub rows: Vec<ComparedRow>,
    pub warnings: Vec<String>,
    /// What it became when it was promoted.
    promoted: Mutex<Option<String>>,
}

/// A row that one model has won or lost.
pub struct ComparedRow {
    pub outcome: Outcome,
    pub id: String,
    pub text: String,
    /// Act and topics of gold, of the old and of the new model.
    pub labels: [[String; 2]; 3],
}

impl Candidate {
    pub fn promoted(&self) -> Option<String> {
        locked(&self.promoted).clone()
    }
}

impl Retraining {
    pub fn new(args: RetrainArgs) -> Self {
        Self { args, state: Mutex::new(State::Idle) }
    }

    pub fn args(&self) -> &RetrainArgs {
        &self.args
    }

    /// How far it is now.
    pub fn state(&self) -> State {
        locked(&self.state).clone()
    }

    /// Begins, in a thread of its own, unless it is under way.
    pub fn start(&self, desk: Arc<Desk>) -> Result<(), String> {
        let mut state = locked(&self.state);
        if matches!(*state, State::Running(_)) {
            return Err("Training is under way already.".to_owned());
        }
        let running =
            Arc::new(Running { since: Instant::now(), done: AtomicUsize::new(0), total: AtomicUsize::new(0) });
        let told = running.clone();
        let work = move || {
            let retraining = &desk.retraining;
            let ended = match retraining.candidate(&desk, &told) {
                Ok(candidate) => State::Done(Arc::new(candidate)),
                Err(error) => State::Failed(crate::cli::in_one_line(&error).into()),
            };
            *locked(&retraining.state) = ended;
        };
        std::thread::Builder::new().spawn(work).map_err(|error| format!("Training cannot start: {error}"))?;
        *state = State::Running(running);
        Ok(())
    }

    /// Trains a model and compares it with the one in use.
    fn candidate(&self, desk: &Desk, running: &Running) -> anyhow::Result<Candidate> {
        let RetrainArgs { base_rows, card, .. } = &self.args;
        let (old, taxonomy) = (desk.model(), &desk.taxonomy);
        let rows = desk.rows()?;
        ensure!(!rows.is_empty(), "no sentence is labelled yet");
        let ids: HashSet<String> = rows.iter().map(|r| r.id.clone()).collect();
        let annotators: BTreeSet<String> =
            desk.standing().into_iter().filter(|l| ids.contains(&l.id)).map(|l| l.annotator).collect();
        let base = labels::read(&base_rows.base_labels, taxonomy)?;
        let gold = labels::read(&card.gold, taxonomy)?;
        let mut warnings = Vec::new();
        if gold.is_empty() && !is_new_to(&old.model, &base, desk) {
            warnings.push(format!(
                "{} may have learned from these very sentences, and then it looks better here than it is; --gold with rows that \
                 no model was trained on tells more",
                old.name
            ));
        }
        let n_in_gold = n_in(&rows, &gold);
        if n_in_gold > 0 {
            warnings.push(format!(
                "{n_in_gold} of the labelled sentences stand in the gold rows too, so the new model looks better there than it is"
            ));
        }
        let n_base = base.iter().filter(|row| !ids.contains(&row.id)).count();
        let config = (**old.model.config()).clone().check().context("the config of the model in use")?;
        let step = |done: usize, total: usize| {
            running.total.store(total, Ordering::Relaxed);
            running.done.fetch_max(done, Ordering::Relaxed);
        };
        let Trained { model, out_of_fold } =
            train_on_top(base, rows.clone(), base_rows.weight, taxonomy.clone(), config, &step)?;
        let shared = SharedLabels::new(old.model.taxonomy(), model.taxonomy())?;
        let judged = if gold.is_empty() {
            let said: HashMap<&str, _> =
                out_of_fold.rows.iter().map(|r| r.id.as_str()).zip(out_of_fold.predicted.iter().copied()).collect();
            judge(&shared, &rows, said_by(&old.model, &rows), rows.iter().map(|r| said[r.id.as_str()]))
        } else {
            judge(&shared, &gold, said_by(&old.model, &gold), said_by(&model, &gold))
        };
        let comparison = compared(&shared, &judged, card.resamples, 1)?;
        let words = Words { gold: &shared.all, old: old.model.taxonomy(), new: model.taxonomy() };
        let shown = |outcome: Outcome| {
            judged
                .iter()
                .filter(move |row| row.judged.outcome() == Some(outcome))
                .take(SHOWN)
                .map(move |row| (outcome, row))
        };
        let compared_row = |(outcome, row): (Outcome, &_)| {
            let labels = words.of(row);
            ComparedRow { outcome, id: row.row.id.clone(), text: row.row.text.clone(), labels }
        };
        Ok(Candidate {
            bytes: model.to_bytes()?,
            data_hash: model.training().data_hash.clone(),
            n_rows: [rows.len(), n_base],
            annotators: annotators.into_iter().collect(),
            seconds: running.since.elapsed().as_secs_f64(),
            old: old.name.clone(),
            on_gold: !gold.is_empty(),
            comparison,
            rows: shown(Outcome::Won).chain(shown(Outcome::Lost)).map(compared_row).collect(),
            warnings,
            promoted: Mutex::new(None),
        })
    }

    /// Promotes the new model, if it is still the one that is meant, and uses it from now on.
    pub fn promote(&self, visit: &Visit, data_hash: &str, note: &str) -> Result<(), String> {
        let State::Done(candidate) = self.state() else { return Err("There is no new model.".to_owned()) };
        if candidate.data_hash != data_hash {
            return Err("There is a newer model by now; go back to the dashboard.".to_owned());
        }
        if candidate.comparison.is_worse() == Some(true) {
            return Err("The new model is worse beyond noise and is not promoted from here.".to_owned());
        }
        let Some(to) = &self.args.to else { return Err("No folder keeps models; start with --to FOLDER.".to_owned()) };
        let mut promoted = locked(&candidate.promoted);
        if promoted.is_some() {
            return Ok(());
        }
        let put = || {
            let model = Model::from_bytes(&candidate.bytes)?;
            let note = Some(note.trim()).filter(|note| !note.is_empty());
            let promoted = put(&model, &candidate.bytes, to, &self.args.card, note)?;
            let (Promoted::Done { name, .. } | Promoted::AlreadyCurrent { name }) = promoted;
            visit.switch_to(InUse { model, name: name.clone() });
            anyhow::Ok(name)
        };
        let name = put().map_err(|error| format!("The model was not promoted: {}", crate::cli::in_one_line(&error)))?;
        *promoted = Some(name);
        Ok(())
    }
}

/// Whether a model cannot have learned from what was labelled here: it is the built-in one, or one of the base rows alone.
fn is_new_to(model: &Model, base: &[LabelledRow], desk: &Desk) -> bool {
    let hash = &model.training().data_hash;
    let is_built_in = || Model::shipped().is_ok_and(|shipped| shipped.training().data_hash == *hash);
    *hash == labels::hash(base, &desk.taxonomy) || is_built_in()
}

/// How many rows have the words of one of the others.
fn n_in(rows: &[LabelledRow], others: &[LabelledRow]) -> usize {
    let texts: HashSet<&str> = others.iter().map(|r| r.text.trim()).collect();
    rows.iter().filter(|r| texts.contains(r.text.trim())).count()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
