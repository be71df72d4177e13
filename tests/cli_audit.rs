//! `petition audit` as its users meet it.

mod desk;

use desk::{Desk, of_project};
use std::collections::{BTreeMap, BTreeSet};

type Row = BTreeMap<String, String>;

fn rows(text: &str) -> Vec<Row> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(|row| row.expect("well formed")).collect()
}

/// A part of the training rows in which one act in twenty is another; gives the rows, and the ids of those that are wrong.
fn spoiled() -> (String, BTreeSet<String>, usize) {
    let acts = ["demand", "commitment", "policy", "none"];
    let mut state = 12_345u64;
    let mut draw = |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["id", "document", "title", "text", "act", "topics"]).expect("written");
    let (mut wrong, mut n) = (BTreeSet::new(), 0);
    for name in ["asks.csv", "plans.csv", "law.csv", "rules.csv", "news-1.csv", "views.csv"] {
        let path = of_project(&format!("training/policing-reform/{name}"));
        for mut row in rows(&std::fs::read_to_string(path).expect("training rows")) {
            n += 1;
            if draw(20) == 0 {
                let given = acts.iter().position(|&a| a == row["act"]).expect("an act");
                let other = acts[(given + 1 + draw(3) as usize) % 4];
                row.insert("act".to_owned(), other.to_owned());
                if other == "none" {
                    row.insert("topics".to_owned(), String::new());
                }
                wrong.insert(row["id"].clone());
            }
            let fields = ["id", "document", "title", "text", "act", "topics"].map(|field| row[field].as_str());
            writer.write_record(fields).expect("written");
        }
    }
    (String::from_utf8(writer.into_inner().expect("written")).expect("UTF-8"), wrong, n)
}

/// Of rows whose acts were made wrong, many stand among the first suspects.
#[test]
fn wrong_acts_are_found() {
    let desk = Desk::empty();
    let (labels, wrong, n) = spoiled();
    desk.write("labels.csv", &labels);
    let run = desk.run(&["audit", "labels.csv", "-o", "suspects.csv", "--progress", "always", "--top", "3"]);
    assert_eq!(run.exit, 0, "{}", run.stderr);
    assert!(run.stderr.contains("step 6 of 6\n"), "{}", run.stderr);
    assert!(run.stdout.starts_with(&format!("{n} rows of ")), "{}", run.stdout);
    let suspects = rows(&std::fs::read_to_string(desk.path("suspects.csv")).expect("suspects"));
    let mut seen = BTreeSet::new();
    let acts: Vec<&Row> = suspects.iter().filter(|s| s["suspect"] == "act" && seen.insert(s["id"].as_str())).collect();
    let found = |first: usize| acts.iter().take(first).filter(|s| wrong.contains(&s["id"])).count();
    let base = wrong.len() as f64 / n as f64;
    let factor = |first: usize| found(first) as f64 / first as f64 / base;
    let (few, many) = (factor(50), factor(wrong.len()));
    assert!(
        few > 12.0 && many > 8.0,
        "{n} rows, {} wrong; {few:.1} and {many:.1} times as many as by chance",
        wrong.len()
    );
}

/// Labels that a small model can be trained from, one of them wrong, and two near-duplicates that disagree.
fn small_corpus() -> String {
    let mut text = String::from("id,document,text,act,topics\n");
    for document in 0..12 {
        for (n, (sentence, act, topics)) in [
            ("We demand that the city ban chokeholds", "demand", "use-of-force"),
            ("The mayor will release the footage", "commitment", "transparency|body-cameras"),
            ("The contract erases old complaints", "policy", "union-contracts|discipline"),
            ("He was born on a Tuesday", "none", ""),
        ]
        .iter()
        .enumerate()
        {
            let wrong = (document, n) == (5, 3);
            let (act, topics) = if wrong { ("demand", "funding") } else { (*act, *topics) };
            text += &format!("d{document}:{n},d{document},{sentence} {document}x{n},{act},{topics}\n");
        }
    }
    text
}

#[test]
fn suspects_conflicts_and_leaks_are_told() {
    let desk = Desk::empty();
    desk.write("labels.csv", small_corpus());
    desk.write(
        "gold.csv",
        "id,document,text,act,topics\ng1,g,The mayor will release the footage 3X1!,commitment,transparency\ng2,d7,A text of its own it is indeed,none,\ng3,g,Ban it,demand,\n",
    );
    let run = desk.run(&["audit", "labels.csv", "--gold", "gold.csv", "--folds", "3", "--seed", "2"]);
    assert_eq!(run.exit, 1, "{}", run.stderr);
    assert_eq!(run.stderr, "labels and gold share texts or documents; figures on gold would flatter\n");
    for part in [
        "48 rows of 12 documents; ",
        "  d5:3: act demand, rather none\n             He was born on a Tuesday 5x3\n",
        "of 3 gold rows 1 stand among the labels word by word and ",
        "1.000  g1 in gold, d3:1 in the labels\n",
        "\ndocuments in both: 1\n       d7: 4 rows, 1 in gold\n",
    ] {
        assert!(run.stdout.contains(part), "{part} is not in\n{}", run.stdout);
    }
    let arguments = ["audit", "labels.csv", "--folds", "3", "--seed", "2", "--format", "json", "-q"];
    let json: serde_json::Value = serde_json::from_str(&desk.run(&arguments).stdout).expect("JSON");
    assert_eq!((json["rows"].as_u64(), json["documents"].as_u64(), json["gold"].is_null()), (Some(48), Some(12), true));
    let first = &json["suspects"][0];
    assert_eq!((&first["id"], &first["suggested"]), (&"d5:3".into(), &"none".into()));

    // Threads and the order of rows change nothing.
    let mut lines: Vec<String> = small_corpus().lines().map(str::to_owned).collect();
    lines[1..].reverse();
    desk.write("turned.csv", lines.join("\n"));
    let of = |file: &str, jobs: &str| desk.run(&["audit", file, "-j", jobs, "-q", "--top", "99"]).stdout;
    assert_eq!(of("labels.csv", "1"), of("turned.csv", "3"));

    // Clean gold is no reason to fail.
    desk.write("clean.csv", "id,document,text,act,topics\ng3,g,Ban it,demand,\n");
    assert_eq!(desk.run(&["audit", "labels.csv", "--gold", "clean.csv", "-q"]).exit, 0);
}

#[test]
fn conflicts_are_shown_with_their_labels() {
    let desk = Desk::empty();
    let more = "e:1,e,The contract erases all of the old complaints of officers,policy,discipline\ne:2,e,the contract erases all of the old complaints of officers.,none,\n";
    desk.write("labels.csv", &(small_corpus() + more));
    let run = desk.run(&["audit", "labels.csv", "-q"]);
    assert_eq!(run.exit, 0, "{}", run.stderr);
    let expected = "1.000\n       e:1: policy: discipline\n             The contract erases all of the old complaints of officers\n       e:2: none\n";
    assert!(run.stdout.contains(expected), "{}", run.stdout);
}

#[test]
fn bad_input_is_told_in_one_line() {
    let desk = Desk::empty();
    desk.write("few.csv", "id,text,act,topics\n1,Ban it,demand,\n2,It rained,none,\n");
    desk.write("act.csv", "id,text,act,topics\n1,Ban it,beg,\n");
    for (arguments, expected) in [
        ("audit nothing.csv", "error: nothing.csv: cannot be read: No such file or directory (os error 2)\n"),
        (
            "audit few.csv -o out.csv",
            "error: there are 2 documents, fewer than the 5 folds; add documents or lower `folds`\n",
        ),
        ("audit few.csv --folds 1", "error: the config: folds must be 2 to 100, not 1\n"),
        (
            "audit few.csv --gold act.csv",
            "error: act.csv:2: column `act`: `beg` is no act of the taxonomy; it has demand, commitment, policy, none\n",
        ),
    ] {
        let run = desk.run(&arguments.split(' ').collect::<Vec<_>>());
        assert_eq!((run.exit, run.stdout.as_str(), run.stderr.as_str()), (2, "", expected), "{arguments}");
    }
    assert!(!desk.path("out.csv").exists());
}
