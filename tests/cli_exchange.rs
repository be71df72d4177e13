//! `petition import` and `petition export` on files in the forms of other tools.

mod desk;

use desk::{Desk, Run, of_project};

const HEADER: &str = "id,document,title,text,act,topics,lead,before,after,note,annotator,saved,meta\n";

impl Desk {
    /// Imports a fixture, with more arguments.
    fn import(&self, form: &str, fixture: &str, more: &[&str]) -> Run {
        self.run(&[&["import", "--from", form, &fixture_path(fixture)], more].concat())
    }
}

fn fixture_path(name: &str) -> String {
    of_project(&format!("tests/exchange/{name}"))
}

fn fixture(name: &str) -> String {
    std::fs::read_to_string(fixture_path(name)).expect("readable")
}

#[test]
fn each_tools_file_becomes_labels() {
    let desk = Desk::empty();
    for (form, file, rows, said) in [
        (
            "doccano",
            "doccano.jsonl",
            "101,letter,An open letter,We demand that the council ban chokeholds.,demand,use-of-force,,,,clear case,,,\"{\"\"source\"\":\"\"web\"\"}\"\n\
             102,letter,An open letter,It rained on the march.,none,,,,,,,,\"{\"\"source\"\":\"\"web\"\"}\"\n",
            "2 rows; 1 without labels left out\n",
        ),
        (
            "doccano",
            "doccano-spans.jsonl",
            "7,,,The mayor will publish the stop data.,commitment,transparency,,,,,,,\"{\"\"spans\"\":[[0,14,\"\"commitment\"\"],[15,37,\"\"transparency\"\"]]}\"\n",
            "1 row\n",
        ),
        (
            "prodigy",
            "prodigy.jsonl",
            "letter:1,letter,,We demand that the council ban chokeholds.,demand,use-of-force,,,,,letters-jo,,\"{\"\"_annotator_id\"\":\"\"letters-jo\"\",\"\"_input_hash\"\":-1203921187,\"\"_session_id\"\":\"\"letters-jo\"\",\"\"_task_hash\"\":1942183306,\"\"_timestamp\"\":1767312000,\"\"source\"\":\"\"web\"\"}\"\n\
             letter:2,,,It rained on the march.,none,,,,,,letters-jo,,\"{\"\"_annotator_id\"\":\"\"letters-jo\"\",\"\"_input_hash\"\":55,\"\"_task_hash\"\":56}\"\n",
            "2 rows; 2 rejected, ignored or cancelled left out\n",
        ),
        (
            "fasttext",
            "fasttext.txt",
            "fasttext-1,,,We demand that the council ban chokeholds .,demand,use-of-force,,,,,,,\n\
             fasttext-2,,,It rained on the march .,none,,,,,,,,\n",
            "2 rows\n",
        ),
    ] {
        let run = desk.import(form, file, &[]);
        assert_eq!((run.exit, run.stdout, run.stderr.as_str()), (0, format!("{HEADER}{rows}"), said), "{file}");
    }
    let full = desk.import("label-studio", "label-studio.json", &[]);
    assert_eq!((full.exit, full.stdout), (0, fixture("expected.csv")));
    assert_eq!(full.stderr, "2 rows; 1 without labels left out; 1 rejected, ignored or cancelled left out\n");
    assert_eq!(desk.import("label-studio", "label-studio-min.json", &["-q"]).stdout, fixture("expected.csv"));

    let arguments = "--text-column Quote --id-column Key --label-column Codes --annotator-column Coder --separator ; --rename Demand=demand \
                     --rename Force=use-of-force --rename None=none";
    let coded = desk.import("csv", "coded.csv", &arguments.split_whitespace().collect::<Vec<_>>());
    let rows = "1,,,We demand that the council ban chokeholds.,demand,use-of-force,,,,,Jo,,\n2,,,\"It rained, we marched.\",none,,,,,,Jo,,\n";
    assert_eq!((coded.exit, coded.stdout), (0, format!("{HEADER}{rows}")), "{}", coded.stderr);
}

#[test]
fn train_and_evaluate_read_what_import_writes() {
    let desk = Desk::empty();
    let sentences = [
        ("We demand that the city ban chokeholds", "demand use-of-force"),
        ("The mayor will release the footage", "commitment transparency body-cameras"),
        ("The contract erases old complaints", "policy union-contracts discipline"),
        ("He was born on a Tuesday", "none"),
        ("Defund the police now", "demand funding"),
    ];
    let mut lines = String::new();
    for n in 0..60 {
        let (text, labels) = sentences[n % 5];
        let marks: String = labels.split(' ').map(|l| format!("__label__{l} ")).collect();
        lines.push_str(&format!("{marks}{text} {n}\n"));
    }
    desk.write("many.txt", &lines);
    assert_eq!(desk.run(&["import", "--from", "fasttext", "many.txt", "-o", "labels.csv", "-q"]).exit, 0);
    let trained = desk.run(&["train", "labels.csv", "-o", "m.safetensors", "-q"]);
    assert_eq!(trained.exit, 0, "{}", trained.stderr);
    let evaluated =
        desk.run(&["evaluate", "labels.csv", "-m", "m.safetensors", "--format", "json", "--resamples", "0"]);
    let figures: serde_json::Value = serde_json::from_str(&evaluated.stdout).expect("JSON");
    assert_eq!((figures["rows"].as_u64(), figures["documents"].as_u64()), (Some(60), Some(60)));

    // And out again, as the model labels them.
    assert_eq!(
        desk.run(&["classify", "labels.csv", "--no-split", "-m", "m.safetensors", "-o", "out.csv", "-q"]).exit,
        0
    );
    let run = desk.run(&["export", "--to", "fasttext", "out.csv", "-m", "m.safetensors", "-o", "back.txt"]);
    assert_eq!(run.exit, 0, "{}", run.stderr);
    assert_eq!(
        run.stderr,
        "60 rows; 60 with a model's labels\nwarning: fasttext cannot tell a model's labels from a person's; --without-predictions leaves them out\n"
    );
    assert_eq!(desk.read("back.txt"), lines);
}

#[test]
fn a_queue_goes_out_with_predictions_and_an_interface() {
    let desk = Desk::empty();
    let queue = fixture_path("queue.csv");
    let arguments = ["export", "--to", "label-studio", &queue, "-o", "tasks.json", "--config", "view.xml"];
    let run = desk.run(&arguments);
    assert_eq!((run.exit, run.stderr.as_str()), (0, "2 rows; 2 with a model's labels\n"));
    let tasks: serde_json::Value = serde_json::from_str(&desk.read("tasks.json")).expect("JSON");
    let prediction = &tasks[0]["predictions"][0];
    assert_eq!(prediction["score"], 0.8123);
    assert!(prediction["model_version"].as_str().is_some_and(|v| v.starts_with("policing-reform-")), "{prediction}");
    assert_eq!(prediction["result"][1]["value"]["choices"], serde_json::json!(["transparency", "profiling"]));
    assert!(tasks[0].get("annotations").is_none());
    let view = desk.read("view.xml");
    // Whatever the interface shows, every task has.
    for key in
        view.match_indices("value=\"$").map(|(at, mark)| view[at + mark.len()..].split('"').next().expect("a name"))
    {
        assert!((0..2).all(|task| tasks[task]["data"][key].is_string()), "{key}");
    }
    assert_eq!(tasks[1]["data"]["lead"], "We call on the city to:");
    assert_eq!(view.matches("<Choice ").count(), 17);
    assert!(view.contains("<Choice value=\"crisis-response\" hint=\""), "{view}");

    // Nobody has labelled anything yet.
    let import = desk.run(&["import", "--from", "label-studio", "tasks.json", "-o", "labels.csv"]);
    assert_eq!(import.exit, 2);
    assert_eq!(
        import.stderr,
        "error: tasks.json: no row is left; 2 without labels, 0 refused, 0 by other annotators\n"
    );
    let kept = desk.run(&["import", "--from", "label-studio", "tasks.json", "--unlabelled", "keep"]);
    assert_eq!((kept.exit, kept.stderr.as_str()), (0, "2 rows; 2 of them without labels\n"));
    assert!(
        kept.stdout
            .contains("letter:4,letter,An open letter,\"Publish \"\"all\"\" stop data.\",,,,It rained.,Thank you.,")
    );
}

/// Every way to go wrong: one clear line, exit 2, nothing left behind.
#[test]
fn bad_input() {
    let desk = Desk::empty();
    desk.write("other.jsonl", "{\"text\": \"Cut rents\", \"label\": [\"Housing\"]}\n");
    desk.write("labels.csv", "id,text,act,topics\n1,Cut rents,demand,rent\n");
    desk.write("good.csv", "id,text,act,topics\n1,Ban it,demand,\n");
    desk.write("two.csv", "id,text,act,topics\n1,Ban it,demand,\n1,It rained,none,\n");
    let known = "demand, commitment, policy, none";
    let topics = "oversight, use-of-force, training, transparency, union-contracts, prosecution, profiling, funding, militarization, community, \
                  body-cameras, discipline, crisis-response";
    for (arguments, expected) in [
        (
            "import --from doccano other.jsonl -o out.csv",
            format!(
                "other.jsonl:1: `Housing` is no act or topic of the taxonomy; it has {known}, {topics}; say what it stands for with --rename \"Housing=NAME\""
            ),
        ),
        (
            "import --from csv labels.csv -o out.csv",
            format!(
                "labels.csv:2: `rent` is no topic of the taxonomy; it has {topics}; say what it stands for with --rename \"rent=NAME\""
            ),
        ),
        ("import --from prodigy nothing.jsonl -o out.csv", "nothing.jsonl: is not there; check the name".to_owned()),
        (
            "import --from fasttext good.csv --text-column body -o out.csv",
            "--text-column: fasttext has no such place; leave it out".to_owned(),
        ),
        (
            "import --from doccano other.jsonl --default-act beg -o out.csv",
            format!("--default-act: `beg` is no act of the taxonomy; it has {known}"),
        ),
        (
            "export --to prodigy two.csv -o out.jsonl",
            "two.csv:3: the id `1` stands already at two.csv:2; ids must be unique".to_owned(),
        ),
        ("export --to prodigy good.csv -o out.jsonl --config v.xml", "--config goes with --to label-studio".to_owned()),
        (
            "export --to label-studio labels.csv -o out.json --config v.xml",
            format!("labels.csv:2: `rent` is no topic of the taxonomy; it has {topics}"),
        ),
    ] {
        let run = desk.run(&arguments.split(' ').collect::<Vec<_>>());
        assert_eq!((run.exit, run.stdout.as_str(), run.stderr), (2, "", format!("error: {expected}\n")), "{arguments}");
    }
    let names = desk.names().len();
    assert_eq!(names, 4, "a failed command left a file behind");
}
