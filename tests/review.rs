//! The labelling page as a browser meets it: addresses, forms, what is kept when the program is killed.

mod desk;

use desk::{Desk, Served};
use std::path::PathBuf;
use std::process::Command;
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

/// A running page, and somebody who asks it.
struct Page {
    served: Served,
    agent: Agent,
}

impl Page {
    fn open(desk: &Desk) -> Self {
        let served = desk.serve(&["review", "letter.txt", "--labels", "labels.csv", "--annotator", "kit"]);
        let agent = Agent::config_builder().http_status_as_error(false).build().into();
        Self { served, agent }
    }

    fn get(&self, rest: &str) -> (StatusCode, String) {
        text(self.agent.get(format!("{}{rest}", self.served.address)).call().expect("an answer"))
    }

    fn post(&self, number: usize, fields: &[(&str, &str)]) -> (StatusCode, String) {
        let to = format!("{}sentence/{number}", self.served.address);
        text(self.agent.post(to).send_form(fields.iter().copied()).expect("an answer"))
    }
}

fn text(mut response: Response<Body>) -> (StatusCode, String) {
    (response.status(), response.body_mut().read_to_string().expect("text"))
}

fn desk() -> (Desk, PathBuf) {
    let desk = Desk::empty();
    let text = "We demand that the city ban <b>chokeholds</b>. It rained. The mayor will publish every complaint.";
    desk.write("letter.txt", text);
    let labels = desk.path("labels.csv");
    (desk, labels)
}

fn id(number: usize) -> String {
    format!("letter.txt:{number}")
}

#[test]
fn a_label_is_kept_changed_and_taken_back() {
    let (desk, labels) = desk();
    let page = Page::open(&desk);
    let (status, first) = page.get("");
    assert_eq!(status, StatusCode::OK);
    assert!(first.contains("0 of 3 labelled by kit"), "{first}");
    assert!(first.contains("&lt;b&gt;") && !first.contains("<b>"), "text is escaped");
    assert!(first.contains("<mark"), "the words that moved the label are marked");
    assert!(first.contains("data-act=\"demand\""), "the model's label is shown");

    let (_, second) = page.post(
        0,
        &[
            ("do", "save"),
            ("id", &id(0)),
            ("act", "demand"),
            ("topic", "use-of-force"),
            ("topic", "training"),
            ("note", "a, \"b\""),
        ],
    );
    assert!(
        second.contains("1 of 3 labelled") && second.contains("value=\"letter.txt:1\""),
        "on to the next: {second}"
    );
    let (_, document) = page.get("document/0");
    assert!(document.contains("mine") && document.contains("training"), "{document}");
    page.post(0, &[("do", "save"), ("id", &id(0)), ("act", "policy")]);
    page.post(1, &[("do", "save"), ("id", &id(1)), ("act", "none")]);
    let (_, back) = page.post(2, &[("do", "undo")]);
    assert!(
        back.contains("value=\"letter.txt:1\"") && back.contains("Not labelled yet"),
        "back at what was taken back: {back}"
    );

    let mut rows = csv::Reader::from_path(&labels).expect("a file");
    let rows: Vec<_> = rows.records().map(|r| r.expect("well formed")).collect();
    let fields = |at: usize| [0, 5, 6, 7, 8].map(|field| rows[at][field].to_owned());
    assert_eq!(fields(0), ["letter.txt:0", "demand", "use-of-force|training", "kit", "a, \"b\""]);
    assert_eq!(
        (&rows[1][5], &rows[2][5], &rows[3][0], &rows[3][5], rows.len()),
        ("policy", "none", "letter.txt:1", "", 4)
    );
    assert!(rows[0][9].ends_with('Z') && rows[0][9].len() == 20, "{}", &rows[0][9]);

    let taxonomy = petition::model::Model::shipped().expect("loads").taxonomy().clone();
    let standing = petition::labels::read(&[labels], &taxonomy).expect("train reads it");
    let found: Vec<_> = standing.iter().map(|r| (r.id.as_str(), taxonomy.acts[r.labels.act].id.as_str())).collect();
    assert_eq!(found, [("letter.txt:0", "policy")]);
}

#[test]
fn what_does_not_fit_is_not_saved() {
    let (desk, labels) = desk();
    let page = Page::open(&desk);
    let before = std::fs::read(&labels).expect("there");
    let id = id(0);
    for (fields, message) in [
        (vec![("do", "save"), ("id", id.as_str())], "Choose an act"),
        (vec![("do", "save"), ("id", &id), ("act", "plea")], "no act `plea`"),
        (vec![("do", "save"), ("id", &id), ("act", "demand"), ("topic", "soup")], "no topic `soup`"),
        (vec![("do", "save"), ("id", &id), ("act", "none"), ("topic", "training")], "carries no topics"),
        (vec![("do", "save"), ("id", "other:0"), ("act", "none")], "an earlier run"),
        (vec![("do", "burn"), ("id", &id)], "nothing called `burn`"),
    ] {
        let (status, page) = page.post(0, &fields);
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{message}");
        assert!(page.contains(message), "{message} not in {page}");
    }
    assert_eq!(page.post(9, &[("do", "skip")]).0, StatusCode::NOT_FOUND);
    assert_eq!(page.get("sentence/9").0, StatusCode::NOT_FOUND);
    assert_eq!(std::fs::read(&labels).expect("there"), before);
}

#[test]
fn strangers_are_kept_out() {
    let (desk, _) = desk();
    let page = Page::open(&desk);
    let root = page.served.address.split('/').take(3).collect::<Vec<_>>().join("/");
    let status =
        |request: ureq::RequestBuilder<ureq::typestate::WithoutBody>| request.call().expect("an answer").status();
    assert_eq!(status(page.agent.get(&root)), StatusCode::NOT_FOUND, "without the token");
    assert_eq!(status(page.agent.get(format!("{root}/0123456789abcdef0123456789abcdef/kit/"))), StatusCode::NOT_FOUND);
    assert_eq!(status(page.agent.get(page.served.address.replace("/kit/", "/%0A/"))), StatusCode::NOT_FOUND, "no name");
    assert_eq!(
        status(page.agent.get(&page.served.address).header("host", "evil.example")),
        StatusCode::MISDIRECTED_REQUEST
    );
    let post = page.agent.post(format!("{}sentence/0", page.served.address)).header("origin", "http://evil.example");
    let answer = post.send_form([("do", "skip")]).expect("an answer");
    assert_eq!(answer.status(), StatusCode::FORBIDDEN, "another origin");
    let answer = page.agent.get(&page.served.address).call().expect("an answer");
    let policy = answer.headers()["content-security-policy"].to_str().expect("text");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let (_, html) = page.get("sentence/0");
    assert!(!html.contains("http://") && !html.contains("https://"), "nothing from elsewhere is asked for");
}

#[test]
fn a_second_program_cannot_write_the_same_file() {
    let (desk, _) = desk();
    let page = Page::open(&desk);
    let second = desk.run_line("review letter.txt --labels labels.csv");
    assert_eq!(second.exit, 2);
    assert!(second.stderr.contains("labels.csv: is in use by another petition"), "{}", second.stderr);
    drop(page);
}

/// A kill at any moment loses nothing that was said to be saved.
#[test]
fn a_killed_page_keeps_every_label_that_it_said_is_saved() {
    const LABELS: usize = 1000;
    let desk = Desk::empty();
    let text: String = (0..50).map(|n| format!("The council must fund {n} shelters. ")).collect();
    desk.write("letter.txt", text);
    let (mut acknowledged, mut kills) = (Vec::new(), 0);
    let mut page = Page::open(&desk);
    let (mut sent, acts) = (0, ["demand", "policy", "none", "commitment"]);
    while sent < LABELS {
        // Killed from beside after a while, in the middle of whatever it does.
        let pid = page.served.pid();
        let pause = std::time::Duration::from_micros(20_000 + 7_919 * kills % 90_000);
        let killer = std::thread::spawn(move || {
            std::thread::sleep(pause);
            Command::new("kill").args(["-KILL", &pid.to_string()]).status().expect("sent");
        });
        while sent < LABELS {
            let number = sent % 50;
            let (id, note) = (id(number), sent.to_string());
            let fields = [("do", "skip"), ("id", id.as_str())];
            let fields = [("do", "save"), fields[1], ("act", acts[sent % 4]), ("note", &note)];
            let to = format!("{}sentence/{number}", page.served.address);
            let agent: Agent = Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .build()
                .into();
            sent += 1;
            match agent.post(to).send_form(fields) {
                Ok(answer) if answer.status() == StatusCode::SEE_OTHER => acknowledged.push(note),
                Ok(answer) => panic!("{}", answer.status()),
                Err(_) => break,
            }
        }
        killer.join().expect("joined");
        kills += 1;
        page.served.kill();
        page = Page::open(&desk);
    }
    page.served.kill();
    let mut reader = csv::Reader::from_path(desk.path("labels.csv")).expect("a file");
    let kept: std::collections::HashSet<String> =
        reader.records().map(|r| r.expect("no row is cut short")[8].to_owned()).collect();
    let lost: Vec<_> = acknowledged.iter().filter(|note| !kept.contains(*note)).collect();
    assert!(lost.is_empty(), "{} of {} lost after {kills} kills: {lost:?}", lost.len(), acknowledged.len());
    assert!(kills > 3 && acknowledged.len() > LABELS / 2, "{kills} kills, {} labels", acknowledged.len());
}
