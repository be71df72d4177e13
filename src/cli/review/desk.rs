//! What do the pages work on? Sentences, the model in use, the labels so far, and whoever labels.

use super::items::{Item, Items};
use super::retraining::Retraining;
use petition::context::InContext;
use petition::label_store::{LabelStore, SavedLabel};
use petition::labels::{self, LabelledRow};
use petition::model::Model;
use petition::taxonomy::Taxonomy;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// All that the pages work on.
pub struct Desk {
    pub items: Items,
    /// The labels; those of every model that is used here.
    pub taxonomy: Taxonomy,
    /// The file of the labels.
    pub labels: PathBuf,
    pub keys: Keys,
    pub retraining: Retraining,
    pub address: SocketAddr,
    /// What nobody can guess of the address.
    token: String,
    model: RwLock<Arc<InUse>>,
    store: Mutex<LabelStore>,
}

/// The model in use.
pub struct InUse {
    pub model: Model,
    /// What it is called.
    pub name: String,
}

/// Which keys set which labels.
pub struct Keys {
    /// One an act: the first letter of its name that nothing else has.
    pub acts: Vec<Option<char>>,
}

impl Keys {
    /// Letters that do something else.
    const TAKEN: &str = "msu";

    fn new(acts: impl Iterator<Item = impl AsRef<str>>) -> Self {
        let mut taken = Self::TAKEN.to_owned();
        let key =
            |act: &str| act.chars().find(|c| c.is_ascii_lowercase() && !taken.contains(*c)).inspect(|&c| taken.push(c));
        let mut key = key;
        Self { acts: acts.map(|act| key(act.as_ref())).collect() }
    }

    /// The key of a topic: digits, then digits with Shift.
    pub fn topic(place: usize) -> Option<String> {
        match place {
            0..=9 => Some(((place + 1) % 10).to_string()),
            10..=19 => Some(format!("⇧{}", (place - 9) % 10)),
            _ => None,
        }
    }
}

impl Desk {
    /// A desk whose address nobody can guess.
    pub fn new(
        model: InUse,
        items: Items,
        store: LabelStore,
        retraining: Retraining,
        address: SocketAddr,
    ) -> anyhow::Result<Arc<Self>> {
        let mut random = [0u8; 16];
        getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("no random token: {error}"))?;
        let taxonomy = model.model.taxonomy().clone();
        Ok(Arc::new(Self {
            items,
            keys: Keys::new(taxonomy.acts.iter().map(|a| &a.id)),
            taxonomy,
            labels: store.path().to_owned(),
            retraining,
            address,
            token: random.iter().map(|byte| format!("{byte:02x}")).collect(),
            model: RwLock::new(Arc::new(model)),
            store: Mutex::new(store),
        }))
    }

    /// An address that is the same for everybody.
    pub fn shared_link(&self, rest: &str) -> String {
        format!("/{}/{rest}", self.token)
    }

    /// The model in use.
    pub fn model(&self) -> Arc<InUse> {
        self.model.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Uses another model from now on.
    pub fn switch_to(&self, model: InUse) {
        *self.model.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(model);
    }

    fn store(&self) -> MutexGuard<'_, LabelStore> {
        // A thread that panicked between two writes has left the store whole.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All labels that stand.
    pub fn standing(&self) -> Vec<SavedLabel> {
        self.store().standing().cloned().collect()
    }

    /// Reads the file of the labels while nothing is written to it.
    pub fn read_labels<T>(&self, read: impl FnOnce(&[PathBuf]) -> T) -> T {
        let _store = self.store();
        read(std::slice::from_ref(&self.labels))
    }

    /// The rows that training learns from: those of the file, as `petition train` reads it.
    pub fn rows(&self) -> Result<Vec<LabelledRow>, labels::LabelsError> {
        self.read_labels(|files| labels::read(files, &self.taxonomy))
    }
}

/// Somebody at the desk.
#[derive(Clone)]
pub struct Visit {
    desk: Arc<Desk>,
    pub annotator: String,
}

impl Deref for Visit {
    type Target = Desk;

    fn deref(&self) -> &Desk {
        &self.desk
    }
}

/// The longest name, in characters.
const LONGEST_NAME: usize = 60;

impl Visit {
    /// Lets somebody sit down who has a name.
    pub fn new(desk: Arc<Desk>, annotator: &str) -> Result<Self, String> {
        let annotator = annotator.trim().to_owned();
        if annotator.is_empty() || annotator.chars().count() > LONGEST_NAME || annotator.chars().any(char::is_control) {
            return Err(format!("A name has 1 to {LONGEST_NAME} characters."));
        }
        Ok(Self { desk, annotator })
    }

    /// The desk itself.
    pub fn desk(&self) -> Arc<Desk> {
        self.desk.clone()
    }

    /// The address of a page of this annotator's.
    pub fn link(&self, rest: &str) -> String {
        let name = percent_encoding::utf8_percent_encode(&self.annotator, percent_encoding::NON_ALPHANUMERIC);
        self.desk.shared_link(&format!("{name}/{rest}"))
    }

    pub fn item_link(&self, number: usize) -> String {
        self.link(&format!("sentence/{number}"))
    }

    pub fn document_link(&self, number: usize) -> String {
        self.link(&format!("document/{number}"))
    }

    /// This annotator's label of a row.
    pub fn label_of(&self, id: &str) -> Option<SavedLabel> {
        self.store().get(id, &self.annotator).cloned()
    }

    /// How many of the sentences this annotator has labelled.
    pub fn n_labelled(&self) -> usize {
        let store = self.store();
        self.items.iter().filter(|item| store.get(&item.sentence.id, &self.annotator).is_some()).count()
    }

    /// The first sentence without a label of this annotator's, from a place on and then from the start.
    pub fn next_from(&self, from: usize) -> Option<usize> {
        let store = self.store();
        let open = |number: &usize| store.get(&self.items[*number].sentence.id, &self.annotator).is_none();
        (from..self.items.len()).chain(0..from.min(self.items.len())).find(open)
    }

    /// The sentence that this annotator labelled last, if the label stands.
    pub fn last_labelled(&self) -> Option<usize> {
        let store = self.store();
        let last = store
            .history()
            .iter()
            .rev()
            .find(|l| l.annotator == self.annotator && store.get(&l.id, &self.annotator) == Some(*l))?;
        self.items.place(&last.id)
    }

    /// Saves a label; it is on disk when this returns.
    pub fn save(&self, item: &Item, act: &str, topics: &str, note: &str) -> Result<(), String> {
        let InContext { id, document, title, lead, text, .. } = item.sentence.clone();
        let label = SavedLabel {
            id,
            document,
            title: title.unwrap_or_default(),
            lead: lead.unwrap_or_default(),
            text,
            act: act.to_owned(),
            topics: topics.to_owned(),
            annotator: self.annotator.clone(),
            note: note.to_owned(),
            saved: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        };
        self.store().save(label).map_err(|error| format!("The label was not saved: {error}"))
    }
}
