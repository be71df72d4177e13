//! `petition agree` as its users meet it: stdout, stderr and exit code of one and the same run.

mod desk;

use desk::Desk;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

impl Desk {
    fn new() -> Self {
        let desk = Self::empty();
        for name in ["ann.csv", "ben.csv"] {
            let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/annotators").join(name);
            desk.write(name, std::fs::read(sample).expect("a sample"));
        }
        desk
    }

    fn json(&self, arguments: &str) -> Value {
        let run = self.run_line(arguments);
        assert_eq!((run.exit, run.stderr.as_str()), (0, ""));
        serde_json::from_str(&run.stdout).expect("JSON")
    }
}

/// The rows of a CSV file by the names of their columns.
fn rows(text: &str) -> Vec<std::collections::BTreeMap<String, String>> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(|r| r.expect("well formed")).collect()
}

#[test]
fn two_files_as_a_table() {
    let desk = Desk::new();
    let run = desk.run_line("agree ann.csv ben.csv --resamples 200");
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(run.stdout);
    assert_eq!(desk.run_line("agree ann.csv ben.csv --bootstrap 200 --form text --topic-rows all").stdout, run.stdout);
}

#[test]
fn one_file_with_a_column_says_the_same_as_two() {
    let desk = Desk::new();
    let mut both = String::from("annotator,id,document,text,act,topics\n");
    for name in ["ann", "ben"] {
        for line in desk.read(&format!("{name}.csv")).lines().skip(1) {
            let _ = writeln!(both, "{name},{line}");
        }
    }
    desk.write("both.csv", both);
    let arguments = "--format json --resamples 50 --seed 7";
    let two = desk.json(&format!("agree ann.csv ben.csv {arguments}"));
    assert_eq!(desk.json(&format!("agree both.csv {arguments}")), two);
    assert_eq!((&two["rows"], &two["documents"], &two["rows_by_one"]), (&json!(43), &json!(4), &json!(3)));
    assert_eq!(two["annotators"][0], json!({"name": "ann", "rows": 45, "rows_alone": 2}));
    let [low, high] = [0, 1].map(|end| two["intervals"]["act.alpha"][end].as_f64().expect("a number"));
    assert!((low..=high).contains(&two["act.alpha"].as_f64().expect("a number")) && low < high);
    assert_eq!(two["pairs"][0]["act.kappa"], two["act.kappa"]);
}

/// What one finds, a second decides, and `train` reads.
#[test]
fn disagreements_become_labels_once_they_are_filled_in() {
    let desk = Desk::new();
    let run = desk.run_line("agree ann.csv ben.csv --resamples 0 --disagreements open.csv");
    assert_eq!(
        (run.exit, run.stderr.as_str()),
        (0, "13 rows differ; fill in the columns act and topics of open.csv\n")
    );
    let open = desk.read("open.csv");
    let header = "id,document,title,text,act.ann,act.ben,topics.ann,topics.ben,differs,act,topics";
    assert_eq!(open.lines().next(), Some(header));
    let found = rows(&open);
    assert_eq!(found.len(), 13);
    let row = found.iter().find(|r| r["id"] == "council-report.txt:10").expect("a row");
    assert_eq!([&row["act.ann"], &row["act.ben"], &row["differs"]], ["policy", "none", "act|oversight"]);
    assert!(found.iter().all(|r| r["act"].is_empty() && r["topics"].is_empty()));
    let json = desk.json("agree ann.csv ben.csv --resamples 0 --form json");
    assert_eq!(json["rows_that_differ"], json!(13));

    let unfilled = desk.run_line("train open.csv -o m.safetensors");
    assert!(
        unfilled.exit == 2 && unfilled.stderr.starts_with("error: open.csv:2: column `act`: ``"),
        "{}",
        unfilled.stderr
    );
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header.split(',')).expect("memory takes it");
    for row in &found {
        let field = |name: &str| match name {
            "act" => row["act.ann"].as_str(),
            "topics" => row["topics.ann"].as_str(),
            name => row[name].as_str(),
        };
        writer.write_record(header.split(',').map(field)).expect("memory takes it");
    }
    desk.write("open.csv", writer.into_inner().expect("memory takes it"));
    // Read as labels: they are compared with the first annotator's, whose they are.
    let decided = desk.json("agree ann.csv open.csv --resamples 0 --format json");
    assert_eq!(
        (&decided["rows"], &decided["act.agreement"], &decided["topics.exact_match"]),
        (&json!(13), &json!(1.0), &json!(1.0))
    );
    let evaluated = desk.run_line("evaluate open.csv --resamples 0 -j 1");
    assert!(evaluated.exit == 0 && evaluated.stdout.starts_with("13 rows of 4 documents\n"), "{}", evaluated.stderr);
}

#[test]
fn three_annotators_one_of_whom_labelled_a_single_row() {
    let desk = Desk::new();
    desk.write("cy.csv", "id,text,act,topics\nminutes.txt:18,Adopted 3-2.,none,\n");
    let found = desk.json("agree ann.csv ben.csv cy.csv --resamples 20 --format json");
    let kappas: Vec<_> = (0..3).map(|pair| &found["pairs"][pair]["act.kappa"]).collect();
    // With `ann` one agreement on one category, with `ben` one disagreement.
    assert!(kappas[0].as_f64().is_some_and(|k| k > 0.5), "{found}");
    assert_eq!(kappas[1..], [&Value::Null, &json!(0.0)]);
    assert_eq!(found["pairs"][1]["rows"], json!(1));
    let text = desk.run_line("agree ann.csv ben.csv cy.csv --resamples 20").stdout;
    assert!(text.contains("\nann, cy                           1              1.000          undefined"), "{text}");
}

#[test]
fn what_is_undefined_is_called_so() {
    let desk = Desk::new();
    for name in ["x.csv", "y.csv"] {
        desk.write(name, "id,text,act,topics\n1,It rained.,none,\n2,It snowed.,none,\n");
    }
    let run = desk.run_line("agree x.csv y.csv --min act.kappa=0.5");
    assert_eq!((run.exit, run.stderr.as_str()), (1, "gate missed: act.kappa is undefined, so it does not reach 0.5\n"));
    assert!(
        run.stdout.contains(
            "\nact.agreement                    1.000  [1.000, 1.000]\nact.kappa                    undefined\n"
        ),
        "{}",
        run.stdout
    );
    assert!(!run.stdout.contains("NaN"));
    assert_eq!(desk.json("agree x.csv y.csv --form json")["act.alpha"], Value::Null);
}

#[test]
fn gates() {
    let desk = Desk::new();
    let with = |gate: &str| desk.run_line(&format!("agree ann.csv ben.csv --resamples 0 --min {gate}"));
    assert_eq!((with("alpha=0.5").exit, with("topic.training.kappa=0.99").exit), (0, 0));
    let missed = with("alpha=0.95");
    let lines: Vec<_> = missed.stderr.lines().map(|l| l.split(" is ").next().expect("a name")).collect();
    assert_eq!((missed.exit, lines), (1, vec!["gate missed: act.alpha", "gate missed: topics.alpha"]));
}

#[test]
fn rows_without_labels_and_rows_under_other_ids_are_told() {
    let desk = Desk::new();
    let ben = desk.read("ben.csv").replacen("council-report.txt:2,", "report.txt:2,", 1).replacen(
        "is on paid leave.\",none,",
        "is on paid leave.\",,",
        1,
    );
    desk.write("ben.csv", ben);
    let run = desk.run_line("agree ann.csv ben.csv --resamples 0");
    assert_eq!(
        (run.exit, run.stderr.as_str()),
        (
            0,
            "warning: 2 rows of one annotator have the words of another's under another id, as `council-report.txt:2`\n"
        )
    );
    assert!(
        run.stdout
            .contains("\n41 rows of 4 documents by two annotators or more; left out: 6 by one, 1 not labelled yet\n"),
        "{}",
        run.stdout
    );
}

/// Every way to go wrong: one clear line, exit 2, nothing left behind.
#[test]
fn bad_input() {
    let desk = Desk::new();
    desk.write("act.csv", "id,text,act,topics\n1,Ban it,beg,\n");
    desk.write("words.csv", "id,text,act,topics\nminutes.txt:18,Adopted.,none,\n");
    desk.write("other.csv", "id,text,act,topics\n1,It rained,none,\n");
    desk.write("nobody.csv", "id,annotator,text,act,topics\n1,,It rained,none,\n");
    desk.write("twice.csv", "id,annotator,text,act,topics\n1,ann,It rained,none,\n1,ann,It rained,policy,\n");
    desk.write("taxonomy.toml", "name = \"x\"\n");
    let before = desk.names();
    let mut report = String::new();
    for arguments in [
        "agree",
        "agree ann.csv",
        "agree ann.csv nothing.csv",
        "agree ann.csv ann.csv",
        "agree ann.csv act.csv",
        "agree ann.csv words.csv",
        "agree ann.csv other.csv",
        "agree ann.csv nobody.csv",
        "agree twice.csv",
        "agree ann.csv ben.csv --taxonomy taxonomy.toml",
        "agree ann.csv ben.csv --disagreements no/such.csv",
        "agree ann.csv ben.csv --disagreements -",
        "agree ann.csv ben.csv --disagreements out.csv --min act.f1=0.5",
        "agree ann.csv ben.csv --min alpha",
        "agree ann.csv ben.csv --topic-rows some",
    ] {
        let run = desk.run_line(arguments);
        let _ = writeln!(report, "$ petition {arguments}\n{}{}[exit {}]\n", run.stdout, run.stderr, run.exit);
    }
    assert_eq!(desk.names(), before, "a failed command left a file behind");
    insta::assert_snapshot!(report);
}
