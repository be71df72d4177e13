//! HTML, e-mail, subtitles and EPUB, as other programs and newspapers write them → the sentences that a reader reads.

mod desk;

use desk::{Desk, of_project};
use petition::document::{Document, ReadError, ReadOptions, list};
use proptest::prelude::*;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Reads a document through the library.
fn read(name: &str, bytes: &[u8], max_document_bytes: u64) -> Result<Document, ReadError> {
    let desk = Desk::empty();
    desk.write(name, bytes);
    let mut options = ReadOptions::default();
    options.limits.max_document_bytes = max_document_bytes;
    let listed = list(&[desk.path(name)], &options)?;
    listed.get(0).expect("an input").open(&options)?.next().expect("one document")
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(of_project(&format!("tests/documents/{name}"))).expect("readable")
}

/// What `petition split` makes of a fixture, below what the document says of itself.
fn rows(name: &str) -> String {
    let file_name = name.rsplit('/').next().unwrap_or(name);
    let document = read(file_name, &fixture(name), 1 << 20).expect("reads");
    let mut lines = vec![format!("title: {:?}\ndate: {:?}\n", document.title, document.date)];
    let desk = Desk::empty();
    desk.write(file_name, fixture(name));
    let run = desk.run(&["split", file_name]);
    assert_eq!(run.exit, 0, "{}", run.stderr);
    let mut table = csv::Reader::from_reader(run.stdout.as_bytes());
    for record in table.records().map(|r| r.expect("a row")) {
        let number = |field: usize| record[field].parse::<usize>().expect("a number");
        assert_eq!(&document.text[number(3)..number(4)], &record[5]);
        let section = document.place_of(number(3)).and_then(|p| p.section.as_deref()).unwrap_or("-");
        lines.push(format!("{section:.12} / {}", record[5].replace('\n', "⏎")));
    }
    lines.join("\n")
}

#[test]
fn web_pages() {
    for name in ["news", "divs", "old", "short", "pandoc", "libreoffice"] {
        insta::assert_snapshot!(format!("html_{name}"), rows(&format!("html/{name}.html")));
    }
}

#[test]
fn letters() {
    for name in ["plain", "alternative", "html", "latin"] {
        insta::assert_snapshot!(format!("email_{name}"), rows(&format!("email/{name}.eml")));
    }
}

#[test]
fn a_mailbox_holds_its_letters() {
    let all = |name: &str| -> Vec<(Option<String>, Option<String>, String)> {
        let path = desk::of_project(&format!("tests/documents/email/{name}"));
        let file = std::fs::File::open(&path).expect("a fixture");
        let documents = petition::document::read(&path, file, &ReadOptions::default()).expect("opened");
        documents.map(|d| d.expect("reads")).map(|d| (d.title, d.date, d.text)).collect()
    };
    let letters: Vec<_> = ["plain.eml", "html.eml", "latin.eml"].into_iter().flat_map(all).collect();
    assert_eq!(all("box.mbox"), letters);
}

#[test]
fn recordings() {
    for name in ["meeting.vtt", "rolling.vtt", "interview.srt"] {
        insta::assert_snapshot!(format!("subtitles_{name}"), rows(&format!("subtitles/{name}")));
    }
}

#[test]
fn books() {
    for name in ["pandoc", "libreoffice"] {
        insta::assert_snapshot!(format!("epub_{name}"), rows(&format!("epub/{name}.epub")));
    }
}

#[test]
fn hostile_pages_end_in_seconds() {
    let n = 100_000;
    let pages = [
        format!("<p>first{}deep{}", "<div>".repeat(n), "</div>".repeat(n)),
        format!("{}deep", "<table><tr><td>".repeat(n)),
        format!("{}deep", "<ul><li>".repeat(n)),
        format!("{}deep", "<div class=ad><a href=x>".repeat(n)),
        format!("{}deep", "<b><p>".repeat(n)),
        format!("<nav></nav>{}", "<p>A sentence that is long enough, with commas, to be scored. ".repeat(n)),
        format!("<nav></nav>{}", "<div><span>deep <a href=#x>1</a></span>".repeat(n)),
        format!("<p>deep{}", "<!--".repeat(n)),
        format!("{}deep", "<a b='".repeat(n)),
        format!("<p>deep{}", "&amp".repeat(n)),
        format!("<nav></nav><p>deep{}", "&".repeat(20 * n)),
        format!("<p>deep</p>{}", "<template>".repeat(n)),
        format!("{}deep", "<svg><path/>".repeat(n)),
        format!("{}deep", "<select><option>".repeat(n)),
    ];
    for page in pages {
        let begun = Instant::now();
        let read = read("a.html", page.as_bytes(), 1 << 30);
        let (took, begins) = (begun.elapsed(), &page[..page.len().min(40)]);
        assert!(took < Duration::from_secs(20), "{begins}: {took:?}");
        if let Err(error) = read {
            assert!(matches!(error, ReadError::Broken { .. } | ReadError::Empty { .. }), "{begins}: {error}");
        }
    }
}

#[test]
fn hostile_mail_and_subtitles_end_in_seconds() {
    let n = 100_000;
    for (name, text) in [
        ("a.eml", format!("From: a\n\n{}z", "> q\nOn x wrote:\n".repeat(n))),
        ("a.eml", format!("From: {}\nSubject: {}\n\nx", "<a@b>,".repeat(n), "=?utf-8?q?".repeat(n))),
        ("a.eml", format!("From: a\n\n{}wrote:\n> q\n", "On x\n".repeat(n))),
        (
            "a.eml",
            format!(
                "From: a\nContent-Type: multipart/mixed; boundary=b\n\n{}x",
                "--b\nContent-Type: multipart/mixed; boundary=c\n\n".repeat(900)
            ),
        ),
        ("a.vtt", format!("WEBVTT\n\n00:01.000 --> 00:02.000\n{}", "<a".repeat(n))),
        ("a.vtt", format!("WEBVTT\n\n00:01.000 --> 00:02.000\n{}x", ">> &amp;".repeat(n))),
        ("a.srt", "00:01,000 --> 00:02,000\nA: x\n".repeat(n)),
    ] {
        let begun = Instant::now();
        let _ = read(name, text.as_bytes(), 1 << 30);
        let (took, begins) = (begun.elapsed(), &text[..40]);
        assert!(took < Duration::from_secs(10), "{begins}: {took:?}");
    }
}

#[test]
fn what_is_larger_than_the_limit_is_refused() {
    for name in ["html/news.html", "email/plain.eml", "subtitles/meeting.vtt", "epub/pandoc.epub"] {
        let file_name = name.rsplit('/').next().unwrap_or(name);
        let error = read(file_name, &fixture(name), 100).expect_err("too large");
        assert!(matches!(error, ReadError::TooLarge { limit: 100, .. }), "{error}");
    }
}

#[test]
fn messages_say_what_is_wrong() {
    let desk = Desk::empty();
    desk.write("a.html", "<script>x</script>");
    desk.write("b.eml", "It rained.");
    desk.write("c.vtt", "WEBVTT");
    desk.write("d.epub", "It rained.");
    desk.write("e.html", "");
    let run = desk.run_line("split a.html b.eml c.vtt d.epub e.html");
    insta::assert_snapshot!(format!("exit {}\n{}", run.exit, run.stderr));
}

/// A fixture, cut somewhere and with some bytes changed.
fn mutated() -> impl Strategy<Value = (String, Vec<u8>)> {
    let names = [
        "html/news.html",
        "html/old.html",
        "html/pandoc.html",
        "email/alternative.eml",
        "email/html.eml",
        "email/plain.eml",
        "subtitles/meeting.vtt",
        "subtitles/interview.srt",
        "epub/pandoc.epub",
        "epub/libreoffice.epub",
    ];
    let changes = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20);
    let moves = proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..4);
    (prop::sample::select(names.to_vec()), changes, moves, any::<prop::sample::Index>(), any::<bool>()).prop_map(
        |(name, changes, moves, end, whole)| {
            let mut bytes = fixture(name);
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            for (from, to) in moves {
                // A piece from elsewhere: tags where none belong.
                let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
                let piece = bytes[from..(from + 40).min(bytes.len())].to_vec();
                bytes.splice(to..to, piece);
            }
            if !whole {
                bytes.truncate(end.index(bytes.len()));
            }
            (PathBuf::from(name).file_name().expect("a name").to_string_lossy().into_owned(), bytes)
        },
    )
}

proptest! {
    #[test]
    fn damaged_files_are_read_or_refused((name, bytes) in mutated()) {
        let begun = Instant::now();
        if let Ok(document) = read(&name, &bytes, 1 << 20) {
            prop_assert!(!document.text.is_empty());
        }
        prop_assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
