//! From words to a model, and from a model to a better one, as commands.

mod desk;

use desk::{Desk, Run, of_project};

fn run(desk: &Desk, arguments: &[&str]) -> (i32, String, String) {
    let Run { exit, stdout, stderr } = desk.run(arguments);
    (exit, stdout, stderr)
}

#[test]
fn new_rows_go_on_top_of_others() {
    let (desk, taxonomy) = (Desk::empty(), of_project("seeds/housing.toml"));
    let (news, letters) = (of_project("training/housing/news.csv"), of_project("training/housing/letters.csv"));
    let train = |arguments: &[&str]| run(&desk, &[&["train", "-q", "-j", "2"], arguments].concat());
    let info = |model: &str| run(&desk, &["info", "-m", model]).1;
    let field = |info: &str, name: &str| {
        let line = info.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {info}"));
        line[name.len()..].trim().to_owned()
    };
    assert_eq!(train(&[&letters, "--taxonomy", &taxonomy, "-o", "old.safetensors"]).0, 0);
    let on_top = |weight: &str, name: &str| {
        let (exit, _, stderr) =
            train(&[&news, "--base", "old.safetensors", "--base-labels", &letters, "--weight", weight, "-o", name]);
        assert_eq!((exit, stderr.as_str()), (0, ""));
        info(name)
    };
    let old = info("old.safetensors");
    let new = on_top("1", "new.safetensors");
    assert_eq!(field(&new, "on top of"), format!("384 rows, data hash {}", field(&old, "data hash")));
    assert_eq!(field(&new, "trained on"), "736 rows of 54 documents");
    assert_eq!(field(&new, "topics"), field(&old, "topics"));
    // All rows at once are the same training, but for where they came from; weights change it.
    assert_eq!(train(&[&news, &letters, "--taxonomy", &taxonomy, "-o", "all.safetensors"]).0, 0);
    let figures = |info: &str| info[info.find("out of fold").expect("figures")..].to_owned();
    assert_eq!(figures(&new), figures(&info("all.safetensors")));
    assert_ne!(figures(&on_top("5", "heavy.safetensors")), figures(&new));

    // A row with an old id takes its place.
    let first = std::fs::read_to_string(&letters).expect("there");
    let row = first.lines().take(2).collect::<Vec<_>>().join("\n").replace(",none,", ",policy,rent");
    desk.write("one.csv", row);
    assert_eq!(
        train(&["one.csv", "--base", "old.safetensors", "--base-labels", &letters, "-o", "one.safetensors"]).0,
        0
    );
    assert_eq!(field(&info("one.safetensors"), "trained on"), "384 rows of 29 documents");

    let (exit, _, stderr) =
        run(&desk, &["train", &letters, "--base", "old.safetensors", "--base-labels", &news, "-o", "x.safetensors"]);
    assert_eq!(exit, 0);
    assert!(stderr.contains("warning: the base was trained on other rows"), "{stderr}");
    for (arguments, message) in [
        (&["--weight", "2"][..], "--base-labels"),
        (&["--base-labels", &letters, "--weight", "0"], "a weight is above 0"),
        (&["--base", "none.safetensors"], "none.safetensors"),
    ] {
        let (exit, _, stderr) = train(&[&[news.as_str(), "-o", "x.safetensors"], arguments].concat());
        assert_eq!(exit, 2);
        assert!(stderr.contains(message), "{stderr}");
    }
}

#[test]
fn words_alone_make_a_first_model() {
    let desk = Desk::empty();
    let make = ["taxonomy", "init", "lunch", "--acts", "ask,none", "--topics", "soup,hot-bread", "-o", "lunch.toml"];
    assert_eq!(run(&desk, &make).0, 0);
    let (exit, _, stderr) = run(&desk, &make);
    assert!(exit == 2 && stderr.contains("lunch.toml: is there already"), "{stderr}");
    let checked = run(&desk, &["taxonomy", "check", "lunch.toml"]).1;
    assert!(checked.starts_with("lunch: 2 acts, 2 topics, 3 terms"), "{checked}");

    let taxonomy = desk.read("lunch.toml");
    let filled = taxonomy.replacen("cues = [\"ask\"]", "cues = [\"please\", \"bring\"]", 1);
    assert_ne!(filled, taxonomy);
    desk.write("lunch.toml", filled);
    for number in 0..8 {
        let (asked, liked) = if number % 2 == 0 { ("soup", "hot bread and soup") } else { ("hot bread", "soup") };
        let text = format!("Please bring {asked} number {number}. It rained {number} times. We like {liked}.");
        desk.write(&format!("menus/{number}.txt"), text);
    }
    let command = [
        "bootstrap",
        "menus",
        "--taxonomy",
        "lunch.toml",
        "--labels",
        "weak.csv",
        "--terms",
        "terms.csv",
        "-o",
        "weak.safetensors",
        "-q",
    ];
    let (exit, told, stderr) = run(&desk, &command);
    assert_eq!((exit, stderr.as_str()), (0, ""));
    assert!(told.starts_with("24 sentences, 8 of them (33 %) without any term"), "{told}");
    let read = |name: &str| desk.read(name);
    assert!(
        read("weak.csv").contains("menus/4.txt:0,menus/4.txt,,Please bring soup number 4.,ask,soup\n"),
        "{}",
        read("weak.csv")
    );
    assert_eq!(
        read("terms.csv"),
        "group,term,rows,alone,overlap,conflict\nask cues,please,8,0,0,0\nask cues,bring,8,0,0,0\n\
         soup terms,soup,12,12,4,0\nhot-bread terms,hot bread,8,8,4,0\n"
    );
    desk.write("new.txt", "Please bring the hot bread.");
    let labelled = run(&desk, &["classify", "new.txt", "-m", "weak.safetensors", "--columns", "act,topics", "-q"]).1;
    assert_eq!(labelled, "act,topics\nask,hot-bread\n");
}
