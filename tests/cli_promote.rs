//! `petition promote`, `rollback` and `models` as their users meet them, and `-m FOLDER` everywhere.

mod desk;

use desk::Desk;
use std::path::PathBuf;

const GOLD: &str =
    "id,document,text,act,topics\n1,a,Defund the police now,demand,funding\n2,b,It rained all night,none,\n";

impl Desk {
    fn new() -> Self {
        let desk = Self::empty();
        desk.write("gold.csv", GOLD);
        for (name, n) in [("a", 12), ("b", 14), ("c", 16)] {
            let rows = (0..n).map(|d| {
                format!(
                    "d{d}:1,d{d},Defund the police now {d},demand,funding\nd{d}:2,d{d},We demand a ban on chokeholds {d},demand,use-of-force\n\
                     d{d}:3,d{d},It rained all night {d},none,\n"
                )
            });
            let text = format!("id,document,text,act,topics\n{}", rows.collect::<String>());
            desk.write("labels.csv", &text);
            assert_eq!(desk.run_line(&format!("train labels.csv -o {name}.safetensors -q")).exit, 0);
        }
        desk
    }

    /// The stdout of a run that goes well.
    fn good(&self, arguments: &str) -> String {
        let run = self.run_line(arguments);
        assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{arguments}");
        run.stdout
    }

    fn rows_of(&self, model: &str) -> String {
        let info = self.good(&format!("info -m {model}"));
        info.lines().find_map(|line| line.strip_prefix("trained on")).expect("told").trim().to_owned()
    }
}

#[test]
fn models_are_kept_promoted_and_rolled_back() {
    let desk = Desk::new();
    let first = desk.good("promote a.safetensors --to kept/models");
    let a = first.strip_suffix(" is current now, the first one\n").expect("told").to_owned();
    assert_eq!(a.len(), "2026-11-22T10-15-03Z-1a2b3c4d".len(), "{a}");
    assert_eq!(desk.read("kept/models/current"), format!("{a}\n"));
    let second = desk.good(
        "promote b.safetensors --to kept/models --gold gold.csv --gold-name two --note fewer_misses --resamples 10",
    );
    let (b, rest) = second.split_once(' ').expect("told");
    assert_eq!(rest, format!("is current now; before it, {a}\n"));
    assert_eq!(
        desk.good("promote b.safetensors --to kept/models"),
        format!("{b} is this very file and current already; nothing was done\n")
    );

    // What is kept is the file itself, its card, and what is known of the promotion.
    for (name, kept) in [("a", a.as_str()), ("b", b)] {
        let bytes = |path: PathBuf| std::fs::read(path).expect("readable");
        let path = desk.path("kept/models").join(kept);
        assert!(bytes(path.join("model.safetensors")) == bytes(desk.path(&format!("{name}.safetensors"))));
    }
    let card = desk.read(&format!("kept/models/{b}/card.md"));
    assert!(card.contains("\nfewer_misses\n") && card.contains("## On two\n\n2 rows of 2 documents"), "{card}");
    let promotion: serde_json::Value =
        serde_json::from_str(&desk.read(&format!("kept/models/{b}/promoted.json"))).expect("JSON");
    let info = desk.good("info -m b.safetensors");
    assert!(info.contains(promotion["data_hash"].as_str().expect("a hash")), "{info}");
    assert!(promotion["model_hash"].as_str().expect("a hash").starts_with(&b[b.len() - 8..]));
    assert_eq!((&promotion["note"], &promotion["n_rows"]), (&"fewer_misses".into(), &42.into()));

    // A folder stands for its current model wherever a model is named.
    assert_eq!(desk.rows_of("kept/models"), "42 rows of 14 documents");
    assert!(desk.good("evaluate gold.csv -m kept/models --resamples 10").starts_with("2 rows of 2 documents"));
    assert!(desk.good("card -m kept/models").contains("on 42 rows of 14 documents"));
    assert!(desk.good("classify gold.csv -m kept/models -q").contains("demand"));
    assert!(desk.good("explain Defund -m kept/models").contains("demand"));
    let compared = desk.good("compare a.safetensors kept/models --gold gold.csv --resamples 10");
    assert!(compared.contains("NEW kept/models\n"), "{compared}");

    let third = desk.good("promote c.safetensors --to kept/models");
    assert_eq!(desk.good("rollback --to kept/models"), format!("{b} is current again\n"));
    assert_eq!(desk.good("rollback --to kept/models"), format!("{a} is current again\n"));
    assert_eq!(desk.rows_of("kept/models"), "36 rows of 12 documents");
    let run = desk.run_line("rollback --to kept/models");
    let expected = format!("error: kept/models: no model was current before {a}; `petition promote` another one\n");
    assert_eq!((run.exit, run.stderr), (2, expected));

    let list = desk.good("models kept/models");
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines.len(), 4, "{list}");
    assert!(lines[1].starts_with(&format!("current  {a}       36 ")) && lines[1].ends_with("  out of fold"), "{list}");
    assert!(list.contains(&format!("\n         {b}       42 ")), "{list}");
    assert!(list.contains("  on gold      fewer_misses\n"), "{list}");
    let json: serde_json::Value = serde_json::from_str(&desk.good("models kept/models --format json")).expect("JSON");
    let models = json["models"].as_array().expect("a list");
    let current: Vec<_> = models.iter().filter(|m| m["current"] == true).map(|m| m["model"].as_str()).collect();
    assert_eq!((models.len(), current), (3, vec![Some(a.as_str())]));
    let history = desk.read("kept/models/history.csv");
    assert_eq!(history.lines().count(), 6, "{history}");
    let c = third.split(' ').next().expect("a name");
    assert!(
        history.contains(&format!("Z,promote,{c},{b}\n")) && history.contains(&format!("Z,rollback,{b},{c}\n")),
        "{history}"
    );
}

#[test]
fn programs_that_promote_at_once_lose_no_model() {
    let desk = Desk::new();
    let started: Vec<_> = ["a", "b", "c"]
        .map(|name| {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_petition"));
            command.current_dir(desk.path("")).args(["promote", &format!("{name}.safetensors"), "--to", "models"]);
            command.stdout(std::process::Stdio::null()).spawn().expect("started")
        })
        .into();
    for mut child in started {
        assert!(child.wait().expect("ended").success());
    }
    let history = desk.read("models/history.csv");
    let rows: Vec<Vec<&str>> = history.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert!(rows.len() == 3 && rows.windows(2).all(|pair| pair[1][3] == pair[0][2]), "{history}");
    assert_eq!(desk.read("models/current").trim(), rows[2][2]);
    assert_eq!(desk.good("models models").lines().count(), 4);
}

#[test]
fn bad_folders_and_models_are_named() {
    let desk = Desk::new();
    desk.write("broken.safetensors", "no model");
    std::fs::create_dir(desk.path("empty")).expect("made");
    desk.good("promote a.safetensors --to models");
    let a = desk.read("models/current").trim().to_owned();
    desk.write("models/current", "another\n");
    let pointer = format!(
        "error: models/current: names `another`, which is no model kept in this folder; write one of these into it: {a}\n"
    );
    let nothing =
        "error: empty: has no file `current`; name a model file, or a folder that `petition promote` has filled\n";
    for (arguments, expected) in [
        ("info -m models", pointer.as_str()),
        ("classify gold.csv -m models", pointer.as_str()),
        ("promote b.safetensors --to models", pointer.as_str()),
        ("rollback --to models", pointer.as_str()),
        ("info -m empty", nothing),
        ("rollback --to empty", nothing),
        ("models empty", nothing),
        ("models gone", "error: gone: No such file or directory (os error 2)\n"),
        ("promote gone --to new", "error: gone: No such file or directory (os error 2)\n"),
        ("promote a.safetensors --to gold.csv", "error: gold.csv: File exists (os error 17)\n"),
    ] {
        let run = desk.run_line(arguments);
        assert_eq!((run.exit, run.stderr.as_str(), run.stdout.as_str()), (2, expected, ""), "{arguments}");
    }
    let run = desk.run_line("promote broken.safetensors --to new");
    assert!(run.stderr.starts_with("error: broken.safetensors: is no model file, or is damaged"), "{}", run.stderr);
    assert!(run.exit == 2 && !desk.path("new").exists());

    // The list is there all the same, for the name that belongs into the pointer.
    let run = desk.run_line("models models");
    assert_eq!((run.exit, run.stderr), (1, pointer));
    assert!(run.stdout.lines().nth(1).expect("a row").contains(&a), "{}", run.stdout);
    desk.write("models/current", &a);
    assert_eq!(desk.rows_of("models"), "36 rows of 12 documents");
    desk.write(&format!("models/{a}/promoted.json"), "{}");
    let run = desk.run_line("models models");
    let expected = format!("error: models/{a}/promoted.json: cannot be understood: missing field `promoted`");
    assert!(run.exit == 1 && run.stderr.starts_with(&expected), "{}", run.stderr);
}
