//! The program as its users meet it: stdout, stderr and exit code of one and the same run.

mod desk;

use desk::{Desk, Run, of_project};
use std::fmt::Write as _;
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

impl Desk {
    fn new() -> Self {
        let desk = Self::empty();
        desk.write("good.txt", "We demand that the city ban chokeholds. It rained.");
        desk.write("table.csv", "id,title,text\n1,,The mayor should release the footage.\n2,,She was born in Ohio.\n");
        desk
    }

    fn run_with(&self, arguments: &[&str], input: &str) -> Run {
        Run::of(self.command(arguments).write_stdin(input))
    }
}

fn rows(csv_text: &str) -> Vec<csv::StringRecord> {
    csv::Reader::from_reader(csv_text.as_bytes()).records().map(|r| r.expect("well formed")).collect()
}

fn sample_documents() -> String {
    of_project("seeds/documents")
}

#[test]
fn classify_writes_one_row_for_every_sentence() {
    let desk = Desk::new();
    let run = desk.run(&["classify", &sample_documents(), "-q"]);
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.starts_with("id,doc_id,sent,start,end,text,act,act_score,topics,review\n"));
    let found = rows(&run.stdout);
    assert!(found.len() > 60);
    for row in &found {
        let text = std::fs::read_to_string(&row[1]).expect("the document's path is its id");
        let number = |field: usize| row[field].parse::<usize>().expect("a number");
        assert_eq!(&text[number(3)..number(4)], &row[5], "{}", &row[0]);
        assert_eq!(row[0], format!("{}:{}", &row[1], &row[2]));
        assert!((0.0..=1.0).contains(&row[7].parse::<f64>().expect("a number")));
        assert!(&row[6] != "none" || row[8].is_empty());
    }
    let split = rows(&desk.run(&["split", &sample_documents(), "-q"]).stdout);
    assert!(found.iter().zip(&split).all(|(a, b)| a.iter().take(6).eq(b.iter())) && found.len() == split.len());
}

#[test]
fn the_same_bytes_at_any_number_of_threads() {
    let desk = Desk::new();
    let many: String =
        (0..3000).map(|n| format!("{n},\"The council {n} should ban chokeholds. It rained; it snowed.\"\n")).collect();
    desk.write("many.csv", format!("id,text\n{many}"));
    let with = |jobs: &str| {
        desk.run(&["classify", "many.csv", &sample_documents(), "--scores", "all", "-q", "-j", jobs]).stdout
    };
    let one = with("1");
    assert!(one.len() > 500_000);
    assert!(one == with("2") && one == with("5"));
}

#[test]
fn a_table_a_pipe_and_json_lines_say_the_same() {
    let desk = Desk::new();
    let table = rows(&desk.run(&["classify", "table.csv", "--no-split", "-q"]).stdout);
    assert_eq!((&table[0][0], &table[0][6], &table[0][8]), ("1", "demand", "transparency|body-cameras"));
    assert_eq!((&table[1][0], &table[1][6], &table[1][8]), ("2", "none", ""));
    let piped = desk.run_with(&["classify", "-", "-q"], "The mayor should release the footage.");
    assert_eq!(rows(&piped.stdout)[0].iter().skip(5).collect::<Vec<_>>(), table[0].iter().skip(5).collect::<Vec<_>>());
    let lines = desk.run(&["classify", "table.csv", "--no-split", "-q", "--format", "jsonl", "--scores", "all"]).stdout;
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().expect("a line")).expect("JSON");
    assert_eq!(first["topics"], serde_json::json!(["transparency", "body-cameras"]));
    let acts: f64 =
        ["demand", "commitment", "policy", "none"].iter().filter_map(|a| first[format!("p.{a}")].as_f64()).sum();
    assert!((acts - 1.0).abs() < 3e-4, "{acts}");
}

#[cfg(unix)]
#[test]
fn a_pipe_is_written_to_and_stays_a_pipe() {
    use std::os::unix::fs::FileTypeExt;
    let desk = Desk::new();
    let pipe = desk.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("started").success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read_to_string(pipe).expect("read")
    });
    assert_eq!(desk.run(&["classify", "good.txt", "-q", "-o", "pipe"]).exit, 0);
    assert_eq!(rows(&reader.join().expect("joined")).len(), 2);
    assert!(pipe.metadata().expect("there").file_type().is_fifo());
}

#[test]
fn explain_adds_up_to_the_score_it_explains() {
    let desk = Desk::new();
    let sentence = "Residents urged the council to give the review board subpoena power.";
    let run = desk.run(&["explain", sentence, "--title", "Police oversight", "--format", "json"]);
    let answer: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!((run.exit, &answer["act"]), (0, &serde_json::json!("demand")));
    for label in answer["labels"].as_array().expect("a list") {
        let number = |v: &serde_json::Value| v.as_f64().expect("a number");
        let features = label["features"].as_array().expect("a list");
        let sum: f64 = number(&label["intercept"]) + features.iter().map(|f| number(&f["adds"])).sum::<f64>();
        assert!((sum - number(&label["score"])).abs() < 1e-6, "{}", label["label"]);
        assert!(
            features.iter().all(|f| (number(&f["value"]) * number(&f["weight"]) - number(&f["adds"])).abs() < 1e-9)
        );
        if !label["threshold"].is_null() {
            assert!((1.0 / (1.0 + (-sum).exp()) - number(&label["probability"])).abs() < 1e-6);
        }
    }
    assert!(desk.run(&["explain", sentence]).stdout.contains("oversight"));
}

/// Labelled rows that a small model can be trained from.
fn small_corpus() -> String {
    let mut text = String::from("id,document,title,text,act,topics\n");
    for document in 0..12 {
        for (n, (sentence, act, topics)) in [
            ("We demand that the city ban chokeholds", "demand", "use-of-force"),
            ("The mayor will release the footage", "commitment", "transparency|body-cameras"),
            ("The contract erases old complaints", "policy", "union-contracts|discipline"),
            ("He was born on a Tuesday", "none", ""),
            ("Defund the police now", "demand", "funding"),
        ]
        .iter()
        .enumerate()
        {
            let _ = writeln!(text, "d{document}:{n},d{document},,{sentence} {},{act},{topics}", document * 7 + n);
        }
    }
    text
}

#[test]
fn what_classify_writes_train_and_evaluate_read_back() {
    let desk = Desk::new();
    desk.write("labels.csv", small_corpus());
    let trained = desk.run(&["train", "labels.csv", "-o", "m.safetensors", "-j", "1"]);
    assert_eq!(trained.exit, 0, "{}", trained.stderr);
    assert!(trained.stderr.contains("warning: topic.oversight has 0 rows, fewer than 20"), "{}", trained.stderr);
    assert!(trained.stdout.contains("topics.micro_f1"));

    // The order of rows and the number of threads do not show in the model.
    let mut lines: Vec<String> = small_corpus().lines().map(str::to_owned).collect();
    lines[1..].reverse();
    desk.write("turned.csv", lines.join("\n"));
    desk.run(&["train", "turned.csv", "-o", "turned.safetensors", "-j", "3", "-q"]);
    let bytes = |name: &str| std::fs::read(desk.path(name)).expect("a model");
    assert!(bytes("m.safetensors") == bytes("turned.safetensors"));

    let classified = desk.run(&["classify", "labels.csv", "--no-split", "-m", "m.safetensors", "-o", "out.csv", "-q"]);
    assert_eq!((classified.exit, classified.stdout.as_str()), (0, ""));
    assert_eq!(rows(&desk.read("out.csv"))[7][1], *"d1");
    let evaluated = desk.run(&["evaluate", "out.csv", "-m", "m.safetensors", "--format", "json", "--resamples", "50"]);
    let figures: serde_json::Value = serde_json::from_str(&evaluated.stdout).expect("JSON");
    assert_eq!((figures["rows"].as_u64(), figures["documents"].as_u64()), (Some(60), Some(12)));
    assert_eq!((figures["act.accuracy"].as_f64(), figures["topics.micro_f1"].as_f64()), (Some(1.0), Some(1.0)));
    assert_eq!(desk.run(&["train", "out.csv", "-o", "again.safetensors", "-q"]).exit, 0);

    // A topic that no row had is never said.
    desk.write("board.txt", "Residents urged the council to create a civilian oversight board.");
    let board = desk.run(&["classify", "board.txt", "-m", "m.safetensors", "-q"]);
    assert!(!rows(&board.stdout)[0][8].contains("oversight"), "{}", board.stdout);
}

#[test]
fn a_report_and_a_card_say_what_is_known() {
    let desk = Desk::new();
    // One label in sixty is wrong, and the report finds it.
    let wrong = small_corpus()
        .replace("d5:3,d5,,He was born on a Tuesday 38,none,", "d5:3,d5,,He was born on a Tuesday 38,demand,funding");
    desk.write("labels.csv", wrong);
    let arguments = "train labels.csv -o m.safetensors --report r.md --report r.json --curve 0.5,1 -q";
    assert_eq!(desk.run(&arguments.split(' ').collect::<Vec<_>>()).exit, 0);
    let report: serde_json::Value = serde_json::from_str(&desk.read("r.json")).expect("JSON");
    assert_eq!(report["surprising_rows"][0]["id"], "d5:3");
    assert_eq!(report["surprising_rows"][0]["said_act"], "none");
    let curve: Vec<_> = (0..2).map(|i| report["learning_curve"][i]["n_documents"].as_u64()).collect();
    assert_eq!(curve, [Some(6), Some(12)]);
    let review = ["n_flagged", "n_other"].map(|name| report["review"][name].as_u64().expect("a number"));
    assert_eq!(review.iter().sum::<u64>(), 60);
    let markdown = desk.read("r.md");
    for part in [
        "| topics.micro_f1 |",
        "| act.demand | 25 |",
        "## Reliability",
        "## Learning curve",
        "| d5:3 | demand funding | none |",
    ] {
        assert!(markdown.contains(part), "{part} is not in\n{markdown}");
    }

    desk.write("notes.md", "## Known failures\n\nIrony.\n");
    desk.write(
        "gold.csv",
        "id,genre,text,act,topics\n1,news,Defund the police now,demand,funding\n2,chat,He was born on a Tuesday,none,\n",
    );
    let arguments = "card -m m.safetensors --report r.json --gold gold.csv --gold-name two --by genre --notes notes.md --resamples 0 -q";
    let card = desk.run(&arguments.split(' ').collect::<Vec<_>>()).stdout;
    let header = card.split("---\n").nth(1).expect("a header");
    assert!(header.contains("model-index:\n- name: policing-reform\n"), "{header}");
    assert!(header.contains("      name: \"two\"\n"), "{header}");
    assert!(header.contains("    - type: accuracy\n      name: act.accuracy\n      value: 1.0000\n"), "{header}");
    for part in [
        "Irony.",
        "## On two",
        "| news | 1 | 1.000 | 1.000 | 0.0 % |",
        "| chat | 1 | 1.000 | – | 0.0 % |",
        "| 6 | 30 |",
    ] {
        assert!(card.contains(part), "{part} is not in\n{card}");
    }
    desk.write("labels.csv", small_corpus());
    desk.run(&["train", "labels.csv", "-o", "other.safetensors", "-q"]);
    let other = desk.run(&["card", "-m", "other.safetensors", "--report", "r.json"]);
    assert!(other.exit == 2 && other.stderr.contains("r.json: is the report of another model"), "{}", other.stderr);
}

#[test]
fn terms_are_counted_on_labels() {
    let desk = Desk::new();
    desk.write("labels.csv", small_corpus());
    let text = "name = 'x'\n[[act]]\nid = 'demand'\ndefinition = ''\ncues = ['we demand', 'please']\n[[act]]\nid = 'commitment'\ndefinition = ''\n\
                [[act]]\nid = 'policy'\ndefinition = ''\n[[act]]\nid = 'none'\ndefinition = ''\ntopics = false\n";
    let topics = [
        "oversight",
        "use-of-force",
        "training",
        "transparency",
        "union-contracts",
        "prosecution",
        "profiling",
        "funding",
    ];
    let more = ["militarization", "community", "body-cameras", "discipline", "crisis-response"];
    let tables = topics
        .iter()
        .chain(&more)
        .map(|t| format!("[[topic]]\nid = '{t}'\ndefinition = ''\nterms = ['the (city | police)']\n"));
    desk.write("t.toml", format!("{text}{}", tables.collect::<String>()));
    let run = desk.run(&["taxonomy", "check", "t.toml", "--labels", "labels.csv", "--format", "csv"]);
    let found = rows(&run.stdout);
    let of = |group: &str, term: &str| {
        let row = found.iter().find(|r| &r[0] == group && &r[1] == term).expect("a row");
        row.iter().skip(2).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(of("demand cues", "we demand"), ["12", "12", "12", "0.5000", "1.0000"]);
    assert_eq!(of("demand cues", "please"), ["0", "0", "0", "0.0000", ""]);
    assert_eq!(of("funding terms", "the (city | police)"), ["24", "12", "12", "1.0000", "0.5000"]);
    assert_eq!(of("oversight terms", "the (city | police)"), ["24", "12", "0", "", "0.0000"]);
    let text = desk.run(&["taxonomy", "check", "t.toml", "--labels", "labels.csv"]).stdout;
    assert!(text.contains("1 of 15 terms hit nothing\n"), "{text}");
}

#[test]
fn a_gate_that_is_missed_gives_exit_1() {
    let desk = Desk::new();
    desk.write("gold.csv", "id,text,act,topics\n1,Ban chokeholds.,demand,use-of-force\n2,It rained.,none,\n");
    let with = |gate: &str| desk.run(&["evaluate", "gold.csv", "--resamples", "0", "--min", gate]);
    assert_eq!(with("topics.micro_f1=0.5").exit, 0);
    let missed = with("topic.use-of-force.recall=1.5");
    assert_eq!(
        (missed.exit, missed.stderr.as_str()),
        (1, "gate missed: topic.use-of-force.recall is 1.0000, below 1.5\n")
    );
}

#[test]
fn thresholds_can_be_set() {
    let desk = Desk::new();
    let never = desk.run(&["classify", "good.txt", "-q", "--threshold", "use-of-force=1"]).stdout;
    assert_eq!(&rows(&never)[0][8], "");
}

#[test]
fn one_bad_document_is_reported_and_the_rest_is_done() {
    let desk = Desk::new();
    desk.write("folder/a.txt", "We demand change.");
    desk.write("folder/b.txt", b"PK\x00\x01");
    desk.write("folder/c.csv", "id,body\n1,x\n");
    desk.write("folder/d.tiff", "II*");
    let run = desk.run(&["classify", "folder", "-o", "out.csv"]);
    assert_eq!((run.exit, run.stdout.as_str()), (1, ""));
    assert!(
        run.stderr.contains("1 file was passed over, no format goes by that name: folder/d.tiff\n"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("error: folder/b.txt: is no text (it holds the byte 0x00 at offset 2)"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains(
        "error: folder/c.csv: has no column `text`; it has id, body; name the right one with --text-column\n"
    ));
    assert!(
        run.stderr.contains("1 document, 1 row, ") && run.stderr.ends_with("; 2 could not be read\n"),
        "{}",
        run.stderr
    );
    assert_eq!(rows(&desk.read("out.csv")).len(), 1);
}

/// Every way to go wrong: one clear line, the right exit code, nothing left behind.
#[test]
fn bad_input() {
    let desk = Desk::new();
    desk.write("nocolumn.csv", "id,body\n1,x\n");
    desk.write("quote.csv", "id,text\n1,fine\n2,\"never closed\n3,more\n");
    desk.write("empty.txt", "");
    desk.write("binary.txt", b"\x7fELF\x02\x01\x01\x00");
    desk.write("act.csv", "id,text,act,topics\n1,Ban it,beg,\n");
    desk.write("topic.csv", "id,text,act,topics\n1,Ban it,demand,police\n");
    desk.write("few.csv", "id,text,act,topics\n1,Ban it,demand,\n2,It rained,none,\n");
    desk.write("taxonomy.toml", "name = \"x\"\n[[act]]\nid = \"a\"\ndefinition = \"\"\ncues = [\"(b\"]\n[[act]]\nid = \"c\"\ndefinition = \"\"\n");
    desk.write("config.toml", "folds = 1\n");
    let model = std::fs::read(Path::new(ROOT).join("models/policing-reform.safetensors")).expect("the shipped model");
    desk.write("truncated.safetensors", &model[..model.len() / 2]);
    let mut flipped = model.clone();
    flipped[model.len() - 100] ^= 4;
    desk.write("flipped.safetensors", &flipped);
    let version = b"\\\"format_version\\\":";
    let at = model.windows(version.len()).position(|w| w == version).expect("a header") + version.len();
    let mut other = model.clone();
    other[at] = b'9';
    desk.write("version.safetensors", &other);

    let mut report = String::new();
    let before = desk.names();
    for arguments in [
        "classify nothing.txt -o out.csv",
        "classify nocolumn.csv -o out.csv",
        "classify good.txt nocolumn.csv --text-column body --id-column key -o out.csv",
        "split quote.csv --no-split -q",
        "classify empty.txt -o out.csv",
        "classify binary.txt -o out.csv",
        "classify good.txt -o no/such/out.csv",
        "classify good.txt -m truncated.safetensors -o out.csv",
        "classify good.txt -m flipped.safetensors -o out.csv",
        "classify good.txt -m version.safetensors -o out.csv",
        "classify good.txt -m good.txt -o out.csv",
        "classify good.txt --threshold police=0.5",
        "classify good.txt --threshold training=2",
        "classify good.txt --threshold training",
        "classify good.txt --scores some",
        "classify good.txt -j 0",
        "train act.csv -o out.safetensors",
        "train topic.csv -o out.safetensors",
        "train few.csv -o out.safetensors",
        "train quote.csv -o out.safetensors",
        "train few.csv -o out.safetensors --taxonomy taxonomy.toml",
        "train few.csv -o out.safetensors --config config.toml",
        "train few.csv",
        "evaluate act.csv",
        "evaluate few.csv --min f1=1 --resamples 0",
        "explain",
        "info -m nothing.safetensors",
        "train few.csv -o out.safetensors --report report.txt",
        "train few.csv -o out.safetensors --report report.md --curve 0,1",
        "evaluate few.csv --by genre --resamples 0",
        "card --gold few.csv --by genre",
        "card --notes nothing.md",
        "card --report config.toml",
        "taxonomy check taxonomy.toml",
        "taxonomy check nothing.toml",
    ] {
        let run = desk.run(&arguments.split(' ').collect::<Vec<_>>());
        let _ = writeln!(report, "$ petition {arguments}\n{}{}[exit {}]\n", run.stdout, run.stderr, run.exit);
    }
    assert_eq!(desk.names(), before, "a failed command left a file behind");
    insta::assert_snapshot!(report);
}
