//! Documents that are meant to do harm, all in one folder with two sound ones: each gets its error, the sound ones their rows, in bounded
//! time and memory.
//!
//! With `PETITION_SLOW` set, lines and archives are as large as they are in the wild: `PETITION_SLOW=1 cargo test --test
//! hostile_documents`, a minute.
#![cfg(unix)]

mod desk;

use desk::Desk;
use std::io::{Cursor, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use zip::write::SimpleFileOptions;

/// What the program may have of addresses: model, program, threads and one document of 16 MiB take a fraction.
const MEMORY_KB: u64 = 700_000;

/// A hundred times what it takes; this is against hanging, not for speed.
const PATIENCE: Duration = Duration::from_secs(300);

fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default()).expect("begun");
        zip.write_all(bytes).expect("written");
    }
    zip.finish().expect("finished").into_inner()
}

fn docx(document: &str) -> Vec<u8> {
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
    let relations = format!(
        "<Relationships xmlns='{PACKAGE}'><Relationship Id='a' Type='{OFFICE}' Target='word/document.xml'/></Relationships>"
    );
    zipped(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("_rels/.rels", relations.as_bytes()),
        ("word/document.xml", document.as_bytes()),
    ])
}

fn word(inner: &str) -> String {
    const WORD: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
    format!("<w:document xmlns:w='{WORD}'><w:body>{inner}</w:body></w:document>")
}

/// A file of these objects, numbered from 1; the first is the catalog.
fn pdf(objects: &[&str]) -> Vec<u8> {
    let mut all = "%PDF-1.4\n".to_owned();
    for (at, object) in objects.iter().enumerate() {
        all.push_str(&format!("{} 0 obj\n{object}\nendobj\n", at + 1));
    }
    all.push_str("trailer\n<</Root 1 0 R>>\n%%EOF\n");
    all.into_bytes()
}

/// Name, bytes, and what is said of it; nothing is said of what can be read.
fn cases(n_words: usize) -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let entities: String =
        (1..12).map(|n| format!("<!ENTITY a{n} '{}'>", format!("&a{};", n - 1).repeat(10))).collect();
    let bomb = format!("<!DOCTYPE d [<!ENTITY a0 'lol'>{entities}]>{}", word("<w:p><w:r><w:t>&a11;</w:t></w:r></w:p>"));
    let columns: String = (0..10_000_000).map(|_| "c,").collect();
    let many: Vec<(String, &[u8])> = (0..20_000).map(|n| (format!("{n}.bin"), b"".as_slice())).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    const CATALOG: &str = "<</Type/Catalog/Pages 2 0 R>>";
    const PAGES: &str = "<</Type/Pages/Kids[3 0 R]/Count 1>>";
    let words = "word ".repeat(n_words);
    vec![
        ("entities.docx", docx(&bomb), "word/document.xml declares a document type"),
        ("nested.docx", docx(&word(&"<w:p>".repeat(200_000))), "word/document.xml"),
        ("large.docx", docx(&word(&format!("<w:p><w:r><w:t>{words}</w:t></w:r></w:p>"))), "raise --max-document-bytes"),
        ("bomb.zip", zipped(&[("a.txt", words.as_bytes())]), "raise --max-"),
        ("inner.zip", zipped(&[("a.zip", &zipped(&[("a.txt", b"It rained.")]))]), "an archive within an archive"),
        ("many.zip", zipped(&many), ""),
        ("line.csv", format!("text\n\"{words}\"\nIt rained.\n").into_bytes(), "raise --max-document-bytes"),
        ("line.jsonl", format!("{{\"text\":\"{words}\"}}\n").into_bytes(), "raise --max-document-bytes"),
        ("line.txt", words.into_bytes(), "raise --max-document-bytes"),
        ("columns.csv", format!("{columns}text\n1,2\n").into_bytes(), "more than 16384 columns"),
        ("nul.csv", b"text\nWe \0 met.\nIt rained.\n".to_vec(), "holds a NUL character (0x00)"),
        ("nul.txt", b"We \0 met.".to_vec(), "is no text (it holds the byte 0x00 at offset 3)"),
        ("bytes.txt", b"We met \xff\xfe the board.".to_vec(), ""),
        ("surrogate.jsonl", b"{\"text\":\"We \\ud800 met.\"}\n{\"text\":\"It rained.\"}\n".to_vec(), "hex escape"),
        ("deep.jsonl", format!("{{\"text\":{}\n", "[".repeat(1_000_000)).into_bytes(), "broken row"),
        ("deep.json", "[".repeat(1_000_000).into_bytes(), "broken row"),
        ("turned.txt", "We \u{202e}demand\u{202c} a \u{200f}review board.".into(), ""),
        ("nested.html", format!("<html><body>{}It rained.", "<div>".repeat(100_000)).into_bytes(), ""),
        ("open.html", format!("<html>{}It rained.", "<p><b><i>".repeat(100_000)).into_bytes(), ""),
        ("pages.pdf", pdf(&[CATALOG, "<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>"]), "without a text layer"),
        ("page.pdf", pdf(&[CATALOG, PAGES, "3 0 R"]), "without a text layer"),
        (
            "form.pdf",
            pdf(&[
                CATALOG,
                PAGES,
                "<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</XObject<</F 4 0 R>>>>>>",
                "<</Subtype/Form/Length 5 0 R>>\nstream\n/F Do /F Do\nendstream",
                "5 0 R",
            ]),
            "without a text layer",
        ),
    ]
}

#[test]
fn hostile_documents_are_told_of_and_harm_no_other() {
    let is_slow = std::env::var_os("PETITION_SLOW").is_some();
    let desk = Desk::empty();
    let cases = cases(if is_slow { 200_000_000 } else { 5_000_000 });
    for (name, bytes, _) in &cases {
        desk.write(&format!("in/{name}"), bytes);
    }
    desk.write("in/a.txt", "We demand a review board.");
    desk.write("in/z.txt", "It rained.");
    let script = format!(
        "ulimit -v {MEMORY_KB}; exec {} classify in --columns id,text,act --max-document-bytes 16777216 --errors errors.csv -q -j 2",
        env!("CARGO_BIN_EXE_petition")
    );
    let started = Instant::now();
    let mut program = Command::new("sh")
        .current_dir(desk.path("."))
        .args(["-c", &script])
        .stdout(std::fs::File::create(desk.path("out.csv")).expect("created"))
        .stderr(Stdio::null())
        .spawn()
        .expect("started");
    let status = loop {
        match program.try_wait().expect("asked") {
            Some(status) => break status,
            None if started.elapsed() > PATIENCE => {
                program.kill().expect("killed");
                panic!("hangs");
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    assert_eq!(status.code(), Some(1), "{status}");
    let errors = desk.read("errors.csv");
    let told = |name: &str| -> Vec<&str> {
        let is_of =
            |line: &&str| line.strip_prefix(&format!("in/{name}")).is_some_and(|rest| rest.starts_with([',', '/']));
        errors.lines().filter(is_of).collect()
    };
    for (name, _, reason) in &cases {
        match *reason {
            "" => assert!(told(name).is_empty(), "{:?}", told(name)),
            _ => assert!(told(name).first().is_some_and(|line| line.contains(reason)), "{name}: {:?}", told(name)),
        }
    }
    let rows = desk.read("out.csv");
    for row in ["in/a.txt:0,We demand a review board.,demand", "in/z.txt:0,It rained.,none"] {
        assert!(rows.lines().any(|line| line == row), "no `{row}` in {rows}");
    }
    // What is sound around a broken row is read.
    for id in [
        "line.csv:2:0",
        "nul.csv:2:0",
        "surrogate.jsonl:2:0",
        "nested.html:0",
        "open.html:0",
        "turned.txt:0",
        "bytes.txt:0",
    ] {
        assert!(rows.lines().any(|line| line.starts_with(&format!("in/{id},"))), "no `{id}` in {rows}");
    }
}
