//! Who may ask for what? The pages' addresses, and what they answer.

use super::desk::{Desk, Visit};
use super::{dashboard, page};
use axum::Router;
use axum::extract::{Form, FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use maud::Markup;
use petition::taxonomy::Taxonomy;
use std::collections::HashMap;
use std::sync::Arc;

/// The pages' addresses: each begins with the token, most go on with the annotator's name.
pub fn routes(desk: Arc<Desk>) -> Router {
    let at = |rest| desk.shared_link(rest);
    let asset = |kind, text: &'static str| get(move || async move { ([(header::CONTENT_TYPE, kind)], text) });
    Router::new()
        .route(&at("{annotator}/"), get(next))
        .route(&at("{annotator}/sentence/{number}"), get(sentence).post(label))
        .route(&at("{annotator}/document/{number}"), get(document))
        .route(&at("{annotator}/dashboard"), get(show_dashboard))
        .route(&at("{annotator}/retraining"), get(retraining).post(retrain))
        .route(&at("{annotator}/promotion"), post(promote))
        .route(&at("{annotator}/name"), post(rename))
        .route(&at("style.css"), asset("text/css; charset=utf-8", page::STYLE))
        .route(&at("page.js"), asset("text/javascript; charset=utf-8", page::SCRIPT))
        .layer(middleware::from_fn_with_state(desk.clone(), guard))
        .with_state(desk)
}

impl FromRequestParts<Arc<Desk>> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Response> {
        let path = Path::<HashMap<String, String>>::from_request_parts(parts, desk).await;
        let Path(path) = path.map_err(IntoResponse::into_response)?;
        let name = path.get("annotator").map_or("", String::as_str);
        Self::new(desk.clone(), name).map_err(|message| (StatusCode::NOT_FOUND, message).into_response())
    }
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
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; \
             frame-ancestors 'none'; base-uri 'none'",
        ),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, header::HeaderValue::from_static(value));
    }
    response
}

async fn next(visit: Visit) -> Redirect {
    Redirect::to(&visit.next_from(0).map_or_else(|| visit.link("dashboard"), |number| visit.item_link(number)))
}

async fn sentence(visit: Visit, Path((_, number)): Path<(String, usize)>) -> Response {
    match visit.items.get(number) {
        Some(item) => page::sentence(&visit, number, item, visit.label_of(&item.sentence.id).as_ref()).into_response(),
        None => missing(&visit, number),
    }
}

async fn document(visit: Visit, Path((_, number)): Path<(String, usize)>) -> Response {
    if number < visit.items.len() { page::document(&visit, number).into_response() } else { missing(&visit, number) }
}

async fn show_dashboard(visit: Visit) -> Markup {
    dashboard::dashboard(&visit)
}

/// How retraining goes, to be put into a dashboard that is open.
async fn retraining(visit: Visit) -> Markup {
    dashboard::retraining(&visit)
}

async fn retrain(visit: Visit) -> Response {
    match visit.retraining.start(visit.desk()) {
        Ok(()) => to_retraining(&visit),
        Err(message) => problem(&visit, StatusCode::CONFLICT, &message),
    }
}

async fn promote(visit: Visit, Form(fields): Form<Vec<(String, String)>>) -> Response {
    match visit.retraining.promote(&visit, field(&fields, "model"), field(&fields, "note")) {
        Ok(()) => to_retraining(&visit),
        Err(message) => problem(&visit, StatusCode::CONFLICT, &message),
    }
}

fn to_retraining(visit: &Visit) -> Response {
    Redirect::to(&visit.link("dashboard#retraining")).into_response()
}

/// Goes on under another name.
async fn rename(visit: Visit, Form(fields): Form<Vec<(String, String)>>) -> Response {
    match Visit::new(visit.desk(), field(&fields, "annotator")) {
        Ok(renamed) => Redirect::to(&renamed.link("")).into_response(),
        Err(message) => problem(&visit, StatusCode::UNPROCESSABLE_ENTITY, &message),
    }
}

fn problem(visit: &Visit, status: StatusCode, message: &str) -> Response {
    (status, page::problem(visit, message)).into_response()
}

fn missing(visit: &Visit, number: usize) -> Response {
    let message = format!("There is no sentence {}; there are {}.", number + 1, visit.items.len());
    problem(visit, StatusCode::NOT_FOUND, &message)
}

fn field<'f>(fields: &'f [(String, String)], name: &str) -> &'f str {
    fields.iter().find(|f| f.0 == name).map_or("", |f| &f.1)
}

/// The labels that a form holds, if they fit together.
fn read_labels(taxonomy: &Taxonomy, fields: &[(String, String)]) -> Result<(String, String), String> {
    let all = |name: &str| fields.iter().filter(move |f| f.0 == name).map(|f| f.1.as_str()).collect::<Vec<_>>();
    let act = *all("act").first().ok_or("Choose an act first.")?;
    let number = taxonomy.act(act).ok_or_else(|| format!("There is no act `{act}`."))?;
    let topics = taxonomy.read_topics(&all("topic").join("|")).map_err(|t| format!("There is no topic `{t}`."))?;
    if taxonomy.act_without_topics == Some(number) && !topics.is_empty() {
        return Err(format!("A sentence that is `{act}` carries no topics; take them off or choose another act."));
    }
    Ok((act.to_owned(), taxonomy.join_topics(topics)))
}

/// Saves, skips or takes back. Whoever is sent on has the label on disk.
async fn label(
    visit: Visit,
    Path((_, number)): Path<(String, usize)>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Response {
    let Some(item) = visit.items.get(number) else { return missing(&visit, number) };
    let what = field(&fields, "do");
    let outcome = match what {
        // A page of an earlier run may show another sentence under this number.
        "save" if field(&fields, "id") != item.sentence.id => {
            Err("This page is of an earlier run; go back to “Label”.".to_owned())
        }
        "save" => read_labels(&visit.taxonomy, &fields)
            .and_then(|(act, topics)| visit.save(item, &act, &topics, field(&fields, "note"))),
        "skip" => Ok(()),
        "undo" => match visit.last_labelled() {
            Some(last) => match visit.save(&visit.items[last], "", "", "") {
                Ok(()) => return Redirect::to(&visit.item_link(last)).into_response(),
                Err(message) => Err(message),
            },
            None => return Redirect::to(&visit.item_link(number)).into_response(),
        },
        other => Err(format!("There is nothing called `{other}` to do.")),
    };
    match outcome {
        Ok(()) => {
            let to = visit.next_from(number + 1).filter(|&to| to != number || what == "skip");
            Redirect::to(&to.map_or_else(|| visit.link("dashboard"), |to| visit.item_link(to))).into_response()
        }
        Err(message) if message.starts_with("The label was not saved") => {
            problem(&visit, StatusCode::INTERNAL_SERVER_ERROR, &message)
        }
        Err(message) => problem(&visit, StatusCode::UNPROCESSABLE_ENTITY, &message),
    }
}
