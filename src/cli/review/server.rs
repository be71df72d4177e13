//! Who may ask for what? The page's addresses, and what they answer.

use super::items::{Item, Items};
use super::page;
use axum::Router;
use axum::extract::{Form, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::Markup;
use petition::context::InContext;
use petition::label_store::{LabelStore, SavedLabel};
use petition::model::Model;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

/// All that the page works on.
pub struct Desk {
    pub model: Model,
    pub items: Items,
    pub annotator: String,
    pub labels_name: String,
    pub keys: Keys,
    store: Mutex<LabelStore>,
    address: SocketAddr,
    token: String,
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
        model: Model,
        items: Items,
        store: LabelStore,
        annotator: String,
        address: SocketAddr,
    ) -> anyhow::Result<Arc<Self>> {
        let mut random = [0u8; 16];
        getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("no random token: {error}"))?;
        let token = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let keys = Keys::new(model.taxonomy().acts.iter().map(|a| &a.id));
        let labels_name = store.path().display().to_string();
        Ok(Arc::new(Self { model, items, annotator, labels_name, keys, store: Mutex::new(store), address, token }))
    }

    /// Where the page is.
    pub fn address(&self) -> String {
        format!("http://{}/{}/", self.address, self.token)
    }

    pub fn link(&self, rest: &str) -> String {
        format!("/{}/{rest}", self.token)
    }

    pub fn item_link(&self, number: usize) -> String {
        self.link(&format!("sentence/{number}"))
    }

    pub fn document_link(&self, number: usize) -> String {
        self.link(&format!("document/{number}"))
    }

    fn store(&self) -> MutexGuard<'_, LabelStore> {
        // A thread that panicked between two writes has left the store whole.
        self.store.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// This annotator's label of a row.
    pub fn label_of(&self, id: &str) -> Option<SavedLabel> {
        self.store().get(id, &self.annotator).cloned()
    }

    /// All labels that stand.
    pub fn standing(&self) -> Vec<SavedLabel> {
        self.store().standing().cloned().collect()
    }

    /// How many of the sentences this annotator has labelled.
    pub fn n_labelled(&self) -> usize {
        let store = self.store();
        self.items.iter().filter(|item| store.get(&item.sentence.id, &self.annotator).is_some()).count()
    }

    /// The first sentence without a label of this annotator's, from a place on and then from the start.
    fn next_from(&self, from: usize) -> Option<usize> {
        let store = self.store();
        let open = |number: &usize| store.get(&self.items[*number].sentence.id, &self.annotator).is_none();
        (from..self.items.len()).chain(0..from.min(self.items.len())).find(open)
    }

    /// The sentence that this annotator labelled last, if the label stands.
    fn last_labelled(&self) -> Option<usize> {
        let store = self.store();
        let last = store
            .history()
            .iter()
            .rev()
            .find(|l| l.annotator == self.annotator && store.get(&l.id, &self.annotator) == Some(*l))?;
        self.items.iter().position(|item| item.sentence.id == last.id)
    }

    fn save(&self, item: &Item, act: &str, topics: &str, note: &str) -> Result<(), String> {
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

    /// The labels that a form holds, if they fit together.
    fn read_form(&self, fields: &[(String, String)]) -> Result<(String, String), String> {
        let taxonomy = self.model.taxonomy();
        let all = |name: &str| fields.iter().filter(move |f| f.0 == name).map(|f| f.1.as_str()).collect::<Vec<_>>();
        let act = *all("act").first().ok_or("Choose an act first.")?;
        let number = taxonomy.act(act).ok_or_else(|| format!("There is no act `{act}`."))?;
        let topics = taxonomy.read_topics(&all("topic").join("|")).map_err(|t| format!("There is no topic `{t}`."))?;
        if taxonomy.act_without_topics == Some(number) && !topics.is_empty() {
            return Err(format!("A sentence that is `{act}` carries no topics; take them off or choose another act."));
        }
        Ok((act.to_owned(), taxonomy.join_topics(topics)))
    }
}

/// The page's addresses.
pub fn routes(desk: Arc<Desk>) -> Router {
    let at = |rest| desk.link(rest);
    let asset = |kind, text: &'static str| get(move || async move { ([(header::CONTENT_TYPE, kind)], text) });
    Router::new()
        .route(&at(""), get(next))
        .route(&at("sentence/{number}"), get(sentence).post(label))
        .route(&at("document/{number}"), get(document))
        .route(&at("labels"), get(labels))
        .route(&at("style.css"), asset("text/css; charset=utf-8", page::STYLE))
        .route(&at("keys.js"), asset("text/javascript; charset=utf-8", page::SCRIPT))
        .layer(middleware::from_fn_with_state(desk.clone(), guard))
        .with_state(desk)
}

/// Lets in who asks for this page by its own name, and lets nothing of other origins post.
async fn guard(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response {
    let (own, local) = (desk.address.to_string(), format!("localhost:{}", desk.address.port()));
    let is_own = |name: &str| name == own || (desk.address.ip().is_loopback() && name == local);
    let value = |headers: &HeaderMap, name| headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let host = value(request.headers(), header::HOST).unwrap_or_default();
    // Another name that points here would be a page of another origin (DNS rebinding).
    if desk.address.ip().is_loopback() && !is_own(&host) {
        return (StatusCode::MISDIRECTED_REQUEST, "this page goes by another name").into_response();
    }
    let origin = value(request.headers(), header::ORIGIN);
    let same = origin.as_deref().is_none_or(|origin| origin.strip_prefix("http://") == Some(host.as_str()));
    if !request.method().is_safe() && !same {
        return (StatusCode::FORBIDDEN, "another origin may not post here").into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, header::HeaderValue::from_static(value));
    }
    response
}

async fn next(State(desk): State<Arc<Desk>>) -> Redirect {
    Redirect::to(&desk.next_from(0).map_or_else(|| desk.link("labels"), |number| desk.item_link(number)))
}

async fn sentence(State(desk): State<Arc<Desk>>, Path(number): Path<usize>) -> (StatusCode, Markup) {
    match desk.items.get(number) {
        Some(item) => (StatusCode::OK, page::sentence(&desk, number, item, desk.label_of(&item.sentence.id).as_ref())),
        None => missing(&desk, number),
    }
}

async fn document(State(desk): State<Arc<Desk>>, Path(number): Path<usize>) -> (StatusCode, Markup) {
    if number < desk.items.len() { (StatusCode::OK, page::document(&desk, number)) } else { missing(&desk, number) }
}

async fn labels(State(desk): State<Arc<Desk>>) -> Markup {
    page::labels(&desk)
}

fn missing(desk: &Desk, number: usize) -> (StatusCode, Markup) {
    let message = format!("There is no sentence {}; there are {}.", number + 1, desk.items.len());
    (StatusCode::NOT_FOUND, page::problem(desk, &message))
}

/// Saves, skips or takes back. Whoever is sent on has the label on disk.
async fn label(
    State(desk): State<Arc<Desk>>,
    Path(number): Path<usize>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Response {
    let Some(item) = desk.items.get(number) else { return missing(&desk, number).into_response() };
    let field = |name: &str| fields.iter().find(|f| f.0 == name).map_or("", |f| f.1.as_str());
    let bad = |status, message: &str| (status, page::problem(&desk, message)).into_response();
    let outcome = match field("do") {
        // A page of an earlier run may show another sentence under this number.
        "save" if field("id") != item.sentence.id => {
            Err("This page is of an earlier run; go back to “Label”.".to_owned())
        }
        "save" => desk.read_form(&fields).and_then(|(act, topics)| desk.save(item, &act, &topics, field("note"))),
        "skip" => Ok(()),
        "undo" => match desk.last_labelled() {
            Some(last) => match desk.save(&desk.items[last], "", "", "") {
                Ok(()) => return Redirect::to(&desk.item_link(last)).into_response(),
                Err(message) => Err(message),
            },
            None => return Redirect::to(&desk.item_link(number)).into_response(),
        },
        other => Err(format!("There is nothing called `{other}` to do.")),
    };
    match outcome {
        Ok(()) => {
            let to = desk.next_from(number + 1).filter(|&to| to != number || field("do") == "skip");
            Redirect::to(&to.map_or_else(|| desk.link("labels"), |to| desk.item_link(to))).into_response()
        }
        Err(message) if message.starts_with("The label was not saved") => {
            bad(StatusCode::INTERNAL_SERVER_ERROR, &message)
        }
        Err(message) => bad(StatusCode::UNPROCESSABLE_ENTITY, &message),
    }
}
