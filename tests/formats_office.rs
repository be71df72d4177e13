//! DOCX, ODT and PDF as LibreOffice, pandoc, Chromium, groff and Ghostscript write them (see `tests/documents/make.office.sh`), read by
//! the program; and what happens to damaged ones.

mod desk;

use desk::{Desk, Run, of_project};
use petition::document::{ReadOptions, list};
use proptest::prelude::*;
use std::time::{Duration, Instant};

const SOUND: [&str; 10] = [
    "docx/libreoffice.docx",
    "docx/pandoc.docx",
    "odt/libreoffice.odt",
    "odt/pandoc.odt",
    "pdf/libreoffice.pdf",
    "pdf/chromium.pdf",
    "pdf/groff.pdf",
    "pdf/ghostscript.pdf",
    "pdf/owner.pdf",
    "pdf/bill.pdf",
];

fn fixture(name: &str) -> String {
    of_project(&format!("tests/documents/{name}"))
}

fn split(name: &str) -> Run {
    Desk::empty().run(&["split", &fixture(name), "--format", "jsonl", "-q"])
}

fn sentences(name: &str) -> Vec<String> {
    let run = split(name);
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{name}");
    let text = |line: &str| {
        let row: serde_json::Value = serde_json::from_str(line).expect("JSON");
        row["text"].as_str().expect("text").to_owned()
    };
    run.stdout.lines().map(text).collect()
}

#[test]
fn a_letter_by_libreoffice_is_the_same_in_docx_and_odt() {
    let docx = sentences("docx/libreoffice.docx");
    insta::assert_snapshot!("letter", docx.join("\n"));
    assert_eq!(docx, sentences("odt/libreoffice.odt"));
}

#[test]
fn a_letter_by_libreoffice_is_nearly_the_same_in_pdf() {
    let docx = sentences("docx/libreoffice.docx");
    let mut pdf = sentences("pdf/libreoffice.pdf");
    // What a page shows: text struck out under tracking and footnotes are there too, and boxes where they stand.
    for shown in ["This sentence was deleted.", "1 See the report of the county medical examiner."] {
        let at = pdf.iter().position(|s| s == shown).expect(shown);
        pdf.remove(at);
    }
    let boxed = "More than nine hundred people have signed so far.";
    let without =
        |all: &[String]| all.iter().filter(|s| *s != boxed).map(|s| s.replace(" | ", " ")).collect::<Vec<_>>();
    assert!(pdf.iter().any(|s| s == boxed));
    assert_eq!(without(&docx), without(&pdf));
}

#[test]
fn an_article_by_pandoc_is_the_same_in_docx_and_odt_and_printed() {
    let docx = sentences("docx/pandoc.docx");
    insta::assert_snapshot!("article", docx.join("\n"));
    assert_eq!(docx, sentences("odt/pandoc.odt"));
    let mut printed = sentences("pdf/chromium.pdf");
    assert_eq!(printed.pop().as_deref(), Some("1. The department last published such a report in 2019."));
    assert_eq!(docx, printed);
}

#[test]
fn a_bill_is_read_without_the_numbers_of_its_lines() {
    insta::assert_snapshot!("bill", sentences("pdf/bill.pdf").join("\n"));
}

#[test]
fn a_report_in_two_columns_is_read_column_by_column() {
    let groff = sentences("pdf/groff.pdf");
    insta::assert_snapshot!("report", groff.join("\n"));
    assert_eq!(groff, sentences("pdf/ghostscript.pdf"));
    // Locked against changes only, which everybody can open.
    assert_eq!(groff, sentences("pdf/owner.pdf"));
}

#[test]
fn titles_pages_and_sections_are_known() {
    for (name, title, pages) in [
        ("docx/libreoffice.docx", "An open letter about policing in Sorrel Bay", None),
        ("odt/libreoffice.odt", "An open letter about policing in Sorrel Bay", None),
        ("pdf/libreoffice.pdf", "An open letter about policing in Sorrel Bay", Some(3)),
        ("docx/pandoc.docx", "Council weighs new limits on police force", None),
        ("odt/pandoc.odt", "Council weighs new limits on police force", None),
        ("pdf/chromium.pdf", "Council weighs new limits on police force", Some(2)),
        ("pdf/groff.pdf", "Report on the Use of Force in Harrow Bend", Some(1)),
    ] {
        let options = ReadOptions::default();
        let listed = list(&[fixture(name).into()], &options).expect("listed");
        let document =
            listed.get(0).expect("an input").open(&options).expect("readable").next().expect("one").expect("readable");
        assert_eq!(document.title.as_deref(), Some(title), "{name}");
        assert_eq!(document.places.last().and_then(|p| p.page), pages, "{name}");
        // Numbered headings of groff's are taken for items.
        let has_sections = name != "pdf/groff.pdf";
        assert!(
            !has_sections || document.places.iter().filter_map(|p| p.section.as_deref()).any(|s| s.contains("What")),
            "{name}"
        );
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    for (name, message) in [
        (
            "pdf/scan.pdf",
            "is a PDF without a text layer, perhaps a scan; have its text recognised first, for instance by ocrmypdf",
        ),
        ("pdf/locked.pdf", "is locked by a password; save it without one"),
    ] {
        let run = split(name);
        assert_eq!(
            (run.exit, run.stderr),
            (2, format!("error: {}: {message}\nerror: no document could be read\n", fixture(name)))
        );
    }
    let desk = Desk::empty();
    desk.write("a.docx", "no archive");
    desk.write("a.pdf", "no PDF");
    desk.write("b.pdf", "%PDF-1.7\n");
    desk.write("c.odt", "");
    let run = desk.run(&["split", "a.docx", "a.pdf", "b.pdf", "c.odt", "-q"]);
    insta::assert_snapshot!("broken", run.stderr);
}

/// Reads damaged bytes: whatever comes of it, it comes soon.
fn read_damaged(name: &str, bytes: &[u8]) {
    let desk = Desk::empty();
    let extension = name.rsplit('.').next().unwrap_or_default();
    let path = desk.path(&format!("damaged.{extension}"));
    std::fs::write(&path, bytes).expect("written");
    let options = ReadOptions::default();
    let begin = Instant::now();
    let listed = list(&[path], &options).expect("listed");
    let _ = listed.get(0).expect("an input").open(&options).map(|documents| documents.count());
    assert!(begin.elapsed() < Duration::from_secs(20), "{name} takes {:?}", begin.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_are_read_or_refused(
        which in 0..SOUND.len(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
        cut in proptest::option::of(any::<prop::sample::Index>()),
        doubled in proptest::option::of((any::<prop::sample::Index>(), 1..2000usize)),
    ) {
        let mut bytes = std::fs::read(fixture(SOUND[which])).expect("there");
        if let Some((at, length)) = doubled {
            let at = at.index(bytes.len());
            let part = bytes[at..bytes.len().min(at + length)].to_vec();
            bytes.splice(at..at, part);
        }
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        read_damaged(SOUND[which], &bytes);
    }
}
