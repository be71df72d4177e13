//! `petition queue` as its users meet it.

mod desk;

use desk::{Desk, of_project};
use std::collections::{BTreeMap, BTreeSet};

const HEADER: &str =
    "id,document,title,lead,before,text,after,predicted_act,predicted_topics,act_score,chosen_for,act,topics";

type Row = BTreeMap<String, String>;

fn rows(text: &str) -> Vec<Row> {
    assert_eq!(text.lines().next(), Some(HEADER));
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(|row| row.expect("well formed")).collect()
}

fn ids(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| row["id"].as_str()).collect()
}

fn samples() -> String {
    of_project("seeds/documents")
}

fn training(name: &str) -> String {
    of_project(&format!("training/policing-reform/{name}"))
}

#[test]
fn a_queue_of_the_sample_documents() {
    let desk = Desk::empty();
    let run = desk.run(&["queue", &samples(), "-n", "20", "-o", "todo.csv"]);
    assert_eq!((run.exit, run.stdout.as_str()), (0, ""), "{}", run.stderr);
    assert!(
        run.stderr.contains(
            " sentences; 0 left out as labelled (0 by id, 0 by text, 0 near-duplicates)\n20 of 20 asked for: 4 random, "
        ),
        "{}",
        run.stderr
    );
    let queue = rows(&std::fs::read_to_string(desk.path("todo.csv")).expect("a queue"));
    assert_eq!(queue.len(), 20);

    // Every row is one of classify's, with its labels; neighbours stand beside it; the order is that of the documents.
    let table = desk.run(&["classify", &samples(), "-q"]).stdout;
    let table: Vec<Row> =
        csv::Reader::from_reader(table.as_bytes()).deserialize().map(|r| r.expect("well formed")).collect();
    let places: Vec<usize> =
        queue.iter().map(|row| table.iter().position(|t| t["id"] == row["id"]).expect("classify has it")).collect();
    assert!(places.is_sorted());
    for (row, place) in queue.iter().zip(places) {
        let same = &table[place];
        for (one, other) in [
            ("document", "doc_id"),
            ("text", "text"),
            ("predicted_act", "act"),
            ("predicted_topics", "topics"),
            ("act_score", "act_score"),
        ] {
            assert_eq!(row[one], same[other]);
        }
        let beside = |at: Option<usize>| {
            at.and_then(|at| table.get(at)).filter(|t| t["doc_id"] == same["doc_id"]).map_or("", |t| &t["text"])
        };
        assert_eq!(
            (row["before"].as_str(), row["after"].as_str()),
            (beside(place.checked_sub(1)), beside(Some(place + 1)))
        );
        assert_eq!((row["act"].as_str(), row["topics"].as_str()), ("", ""));
    }

    // By priority the same rows stand otherwise, and the first fifth holds a random one.
    let turned = rows(&desk.run(&["queue", &samples(), "-n", "20", "--order", "priority", "-q"]).stdout);
    let set = |rows: &[Row]| rows.iter().map(|row| row["id"].clone()).collect::<BTreeSet<String>>();
    assert_eq!(set(&turned), set(&queue));
    assert_ne!(ids(&turned), ids(&queue));
    assert!(turned[..4].iter().any(|row| row["chosen_for"] == "random"));
}

#[test]
fn a_filled_queue_is_labels_and_is_left_out_next_time() {
    let desk = Desk::empty();
    let first = desk.run(&["queue", &samples(), "-n", "10", "-q"]).stdout;
    let mut filled = csv::Writer::from_writer(Vec::new());
    let mut reader = csv::Reader::from_reader(first.as_bytes());
    filled.write_record(reader.headers().expect("a header")).expect("written");
    for record in reader.records() {
        let mut fields: Vec<String> = record.expect("well formed").iter().map(str::to_owned).collect();
        fields[11] = "none".to_owned();
        filled.write_record(&fields).expect("written");
    }
    desk.write("filled.csv", String::from_utf8(filled.into_inner().expect("written")).expect("UTF-8"));
    assert_eq!(desk.run(&["evaluate", "filled.csv", "--resamples", "0"]).exit, 0);

    let run = desk.run(&["queue", &samples(), "-n", "10", "--labelled", "filled.csv"]);
    assert!(run.stderr.contains("10 left out as labelled (10 by id, 0 by text, 0 near-duplicates)"), "{}", run.stderr);
    let second = rows(&run.stdout);

    // A queue that is half filled in may be given too; what is open comes again.
    let whole = std::fs::read_to_string(desk.path("filled.csv")).expect("labels");
    let half: Vec<&str> = whole.lines().take(6).chain(first.lines().skip(6)).collect();
    desk.write("half.csv", half.join("\n"));
    let run = desk.run(&["queue", &samples(), "-n", "10", "--labelled", "half.csv"]);
    assert!(run.stderr.contains("5 left out as labelled (5 by id, 0 by text, 0 near-duplicates)"), "{}", run.stderr);
    let first = rows(&first);
    assert!(second.iter().all(|row| !ids(&first).contains(&row["id"].as_str())));

    // Under another name they are known by their text.
    let other = std::fs::read_to_string(desk.path("filled.csv")).expect("labels").replace("\n/", "\nold/");
    desk.write("other.csv", &other);
    let run = desk.run(&["queue", &samples(), "-n", "10", "--labelled", "other.csv"]);
    assert!(run.stderr.contains("10 left out as labelled (0 by id, 10 by text, 0 near-duplicates)"), "{}", run.stderr);
    assert_eq!(ids(&rows(&run.stdout)), ids(&second));
}

#[test]
fn the_same_queue_at_any_number_of_threads() {
    let desk = Desk::empty();
    let (one, two) = (training("news-1.csv"), training("law.csv"));
    let with = |jobs: &str, seed: &str| {
        let run = desk.run(&["queue", &one, &two, "--no-split", "-n", "150", "--seed", seed, "-q", "-j", jobs]);
        assert_eq!(run.exit, 0, "{}", run.stderr);
        run.stdout
    };
    let queue = with("1", "0");
    assert!(queue == with("2", "0") && queue == with("5", "0"));
    let queue = rows(&queue);
    let count = |reason: &str| queue.iter().filter(|row| row["chosen_for"] == reason).count();
    assert_eq!(
        (queue.len(), count("random"), count("rare"), count("different"), count("unsure")),
        (150, 30, 30, 18, 72)
    );
    // Another seed draws other random rows; documents are spread: none gives more than four times its share of the 120.
    let random = |rows: &[Row]| {
        rows.iter().filter(|r| r["chosen_for"] == "random").map(|r| r["id"].clone()).collect::<BTreeSet<_>>()
    };
    assert_ne!(random(&queue), random(&rows(&with("2", "1"))));
    let mut given: BTreeMap<&str, usize> = BTreeMap::new();
    for row in queue.iter().filter(|row| row["chosen_for"] != "random") {
        *given.entry(&row["document"]).or_default() += 1;
    }
    assert!(given.len() > 20 && given.values().all(|&n| n <= 15), "{given:?}");
}

#[test]
fn bad_input_is_told_in_one_line() {
    let desk = Desk::empty();
    desk.write("a.txt", "It rained. We demand a vote.");
    desk.write("labels.csv", "id,text,act,topics\n1,Ban it,beg,\n");
    for (arguments, expected) in [
        ("queue nothing.txt", "error: nothing.txt: is not there; check the name\n"),
        (
            "queue a.txt --labelled labels.csv",
            "error: labels.csv:2: column `act`: `beg` is no act of the taxonomy; it has demand, commitment, policy, none\n",
        ),
        ("queue a.txt -o no/such.csv", "error: no/such.csv: there is no folder no/such; make it first\n"),
    ] {
        let run = desk.run(&arguments.split(' ').collect::<Vec<_>>());
        let expected = expected.replace("folder no/such;", "folder no;");
        assert_eq!((run.exit, run.stdout.as_str(), run.stderr), (2, "", expected), "{arguments}");
    }
    for arguments in ["queue a.txt -n 0", "queue a.txt --random-share 1.5", "queue"] {
        assert_eq!(desk.run(&arguments.split(' ').collect::<Vec<_>>()).exit, 2, "{arguments}");
    }
    // More asked for than there is: what there is, and it is said.
    let run = desk.run(&["queue", "a.txt", "-n", "9"]);
    assert_eq!((run.exit, rows(&run.stdout).len()), (0, 2));
    assert!(run.stderr.contains("2 of 9 asked for: 2 random, "), "{}", run.stderr);
}
