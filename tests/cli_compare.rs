//! `petition compare` as its users meet it, on models that are trained here from real rows.

mod desk;

use desk::{Desk, of_project};
use std::fmt::Write as _;

impl Desk {
    fn json(&self, arguments: &str) -> serde_json::Value {
        let run = self.run_line(&format!("{arguments} --format json"));
        serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}: {}{}", run.stdout, run.stderr))
    }

    fn train(&self, labels: &str, more: &str, model: &str) {
        let run = self.run_line(&format!("train {labels} {more}-o {model} -q"));
        assert_eq!(run.exit, 0, "{}", run.stderr);
    }
}

fn rows(csv_text: &str) -> Vec<csv::StringRecord> {
    csv::Reader::from_reader(csv_text.as_bytes()).records().map(|r| r.expect("well formed")).collect()
}

/// The header and some rows of a file of the training set.
fn some_rows(file: &str, from: usize, n: usize) -> String {
    let path = of_project(&format!("training/policing-reform/{file}"));
    let mut reader = csv::Reader::from_path(path).expect("the training set is there");
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(reader.headers().expect("a header")).expect("written");
    for record in reader.records().skip(from).take(n) {
        writer.write_record(&record.expect("well formed")).expect("written");
    }
    String::from_utf8(writer.into_inner().expect("whole")).expect("UTF-8")
}

#[test]
fn a_model_of_more_rows_is_better_and_its_loss_is_gated() {
    let desk = Desk::empty();
    desk.write("few.csv", some_rows("plain-letters-1.csv", 0, 120));
    desk.write("more.csv", some_rows("plain-letters-1.csv", 120, 700));
    desk.write("gold.csv", some_rows("plain-letters-2.csv", 0, 300));
    desk.train("few.csv", "", "few.safetensors");
    desk.train("few.csv more.csv", "", "more.safetensors");

    let run = desk
        .run_line("compare few.safetensors more.safetensors --gold gold.csv --bootstrap 300 --gate --rows rows.csv");
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    assert!(run.stdout.starts_with("OLD few.safetensors\nNEW more.safetensors\n300 rows of "), "{}", run.stdout);
    let verdict = run.stdout.lines().last().expect("a verdict");
    assert!(verdict.starts_with("NEW is better beyond noise in "), "{verdict}");

    // The other way round the same is a loss, and the gate shuts.
    let arguments = "compare more.safetensors few.safetensors --gold gold.csv --resamples 300";
    let run = desk.run_line(&format!("{arguments} --gate"));
    assert_eq!(run.exit, 1);
    assert!(run.stderr.starts_with("gate missed: NEW is worse beyond noise in "), "{}", run.stderr);
    assert_eq!(desk.run_line(arguments).exit, 0);

    // Both models' figures are those of `evaluate`; wins are losses seen from the other side; threads do not show.
    let there = desk.json("compare few.safetensors more.safetensors --gold gold.csv --resamples 300 -j 1");
    assert_eq!(there, desk.json("compare few.safetensors more.safetensors --gold gold.csv --resamples 300 -j 3"));
    let back = desk.json(arguments);
    for (model, side) in [("few", "old"), ("more", "new")] {
        let alone = desk.json(&format!("evaluate gold.csv -m {model}.safetensors --resamples 0"));
        for figure in ["act.kappa", "act.macro_f1", "topics.micro_f1", "topics.exact_match"] {
            assert_eq!(there["figures"][figure][side], alone[figure], "{model} {figure}");
        }
        for figure in ["precision", "recall", "f1"] {
            assert_eq!(there["labels"]["act.demand"][side][figure], alone[format!("act.demand.{figure}")]);
        }
    }
    let micro = &there["figures"]["topics.micro_f1"];
    let number = |v: &serde_json::Value| v.as_f64().expect("a number");
    assert!((number(&micro["difference"]) - (number(&micro["new"]) - number(&micro["old"]))).abs() < 1e-12);
    assert!(number(&micro["interval"][0]) <= number(&micro["difference"]));
    assert_eq!(number(&back["figures"]["topics.micro_f1"]["difference"]), -number(&micro["difference"]));
    assert_eq!(there["mcnemar"]["act"]["only_old"], back["mcnemar"]["act"]["only_new"]);
    assert_eq!(there["mcnemar"]["act"]["p"], back["mcnemar"]["act"]["p"]);
    assert!(number(&there["mcnemar"]["act"]["p"]) < 0.05);

    // The rows are those on which the models differ, and tell what each said.
    let text = desk.read("rows.csv");
    assert!(text.starts_with("id,document,text,outcome,act,topics,old_act,old_topics,new_act,new_topics\n"), "{text}");
    let found = rows(&text);
    for (outcome, n) in there["outcomes"].as_object().expect("counts") {
        assert_eq!(found.iter().filter(|r| &r[3] == outcome).count() as u64, n.as_u64().expect("a count"), "{outcome}");
    }
    let gold = rows(&desk.read("gold.csv"));
    for row in &found {
        let of_gold = gold.iter().find(|g| g[0] == row[0]).expect("a gold row");
        assert_eq!((&row[1], &row[2], &row[4], &row[5]), (&of_gold[1], &of_gold[3], &of_gold[4], &of_gold[5]));
        let side = |at: usize| (&row[at], &row[at + 1]);
        let (old_right, new_right) = (side(6) == side(4), side(8) == side(4));
        assert_eq!((&row[3] == "won", &row[3] == "lost"), (new_right && !old_right, old_right && !new_right));
        assert_ne!(side(6), side(8));
    }

    // A model against itself: no row to tell, and neither better nor worse.
    let run = desk.run_line("compare built-in built-in --gold gold.csv --resamples 50 --gate --rows rows.csv");
    assert_eq!(run.exit, 0, "{}", run.stderr);
    assert!(run.stdout.contains("NEW is neither better nor worse than OLD beyond noise"), "{}", run.stdout);
    assert_eq!(rows(&desk.read("rows.csv")).len(), 0);
    // Rows that the new model was trained on flatter it, and that is said.
    let run = desk.run_line("compare built-in few.safetensors --gold few.csv --resamples 50");
    assert_eq!(run.stderr, "warning: NEW was trained on these very rows; its figures are flattered\n");
}

/// A taxonomy of names and a few words.
fn taxonomy(acts: &[&str], topics: &[&str]) -> String {
    let mut text = String::from("name = 'housing'\n");
    for id in acts {
        let _ = writeln!(text, "[[act]]\nid = '{id}'\ndefinition = ''\ntopics = {}", *id != "none");
    }
    for id in topics {
        let _ = writeln!(text, "[[topic]]\nid = '{id}'\ndefinition = ''\nterms = ['{id}']");
    }
    text
}

#[test]
fn labels_of_one_model_are_left_out_and_bad_input_is_named() {
    let desk = Desk::empty();
    desk.write("old.toml", taxonomy(&["ask", "none"], &["rent", "heat"]));
    desk.write("new.toml", taxonomy(&["ask", "offer", "none"], &["repairs", "rent"]));
    desk.write("other.toml", taxonomy(&["praise", "none"], &["rent"]));
    let header = "id,document,text,act,topics\n";
    let labels = |offer: &str, of_house: &str| {
        let mut text = header.to_owned();
        for d in 0..12 {
            let _ = writeln!(text, "d{d}:1,d{d},Lower the rent {d},ask,rent");
            let _ = writeln!(text, "d{d}:2,d{d},Look after the {of_house} {d},ask,{of_house}");
            let _ = writeln!(text, "d{d}:3,d{d},We will lower the rent {d},{offer},rent");
            let _ = writeln!(text, "d{d}:4,d{d},It rained {d},none,");
        }
        text
    };
    desk.write("old.csv", labels("ask", "heat"));
    desk.write("new.csv", labels("offer", "repairs"));
    desk.write("other.csv", labels("praise", "rent").replace(",ask,", ",praise,"));
    for name in ["old", "new", "other"] {
        desk.train(&format!("{name}.csv"), &format!("--taxonomy {name}.toml "), &format!("{name}.safetensors"));
    }
    let gold = format!(
        "{header}e:1,e,Lower the rent 3,ask,rent|repairs\ne:2,e,We will lower the rent 4,offer,rent\nf:1,f,It rained 5,none,\n"
    );
    desk.write("gold.csv", &gold);
    let compare = "compare old.safetensors new.safetensors --gold";
    let run = desk.run_line(&format!("{compare} gold.csv --resamples 20"));
    assert_eq!(run.exit, 0, "{}", run.stderr);
    for part in [
        "2 rows of 2 documents\n",
        "left out, since only OLD knows them: topic.heat\n",
        "left out, since only NEW knows them: act.offer, topic.repairs\n",
        "1 more rows are left out, since only one model knows their act\n",
    ] {
        assert!(run.stdout.contains(part), "{part} is not in\n{}", run.stdout);
    }
    let found = desk.json(&format!("{compare} gold.csv --resamples 20"));
    let labels: Vec<&String> = found["labels"].as_object().expect("labels").keys().collect();
    assert_eq!(labels, ["act.ask", "act.none", "topic.rent"]);
    assert_eq!(found["figures"]["topics.micro_f1"]["old"], 1.0);

    let all = "rent, heat, repairs";
    desk.write("tax.csv", gold.replace("rent|repairs", "tax"));
    desk.write("beg.csv", gold.replace(",ask,", ",beg,"));
    desk.write("offers.csv", format!("{header}e:2,e,We will lower the rent 4,offer,rent\n"));
    desk.write("one.csv", format!("{header}e:1,e,Lower the rent,ask,rent\n"));
    for (arguments, expected) in [
        (
            format!("{compare} tax.csv"),
            format!("error: tax.csv:2: column `topics`: `tax` is no topic of the taxonomy; it has {all}\n"),
        ),
        (
            format!("{compare} beg.csv"),
            "error: beg.csv:2: column `act`: `beg` is no act of the taxonomy; it has ask, none, offer\n".to_owned(),
        ),
        (
            format!("{compare} offers.csv"),
            "error: no row is left to compare by: the act of each is one that only one model knows\n".to_owned(),
        ),
        (
            format!("{compare} one.csv --gate"),
            "error: --gate: without intervals nobody can tell noise from more; give rows of at least two documents, and --resamples above 0\n".to_owned(),
        ),
        (
            "compare old.safetensors other.safetensors --gold gold.csv".to_owned(),
            "error: the models share fewer than two acts: the old one has ask, none, the new one has praise, none; compare models whose taxonomies are related\n".to_owned(),
        ),
        (
            "compare old.safetensors gone.safetensors --gold gold.csv".to_owned(),
            "error: gone.safetensors: cannot be read: No such file or directory (os error 2)\n".to_owned(),
        ),
        (
            format!("{compare} gold.csv --rows no/rows.csv"),
            "error: no/rows.csv: there is no folder no; make it first\n".to_owned(),
        ),
    ] {
        let run = desk.run_line(&arguments);
        assert_eq!((run.exit, run.stderr.as_str(), run.stdout.as_str()), (2, expected.as_str(), ""), "{arguments}");
    }
    // Without a gate one document is told without intervals.
    let run = desk.run_line(&format!("{compare} one.csv"));
    assert!(run.exit == 0 && run.stdout.contains("cannot be told"), "{}", run.stdout);
}
