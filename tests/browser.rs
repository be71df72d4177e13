//! The labelling page in a real browser: keys, tabs, a server that dies, retraining, accessibility, and all of `docs/retraining.md`.
//!
//! With `PETITION_SCREENSHOTS` set, the pictures in `docs/retraining` are made anew.

mod chromium;
mod desk;

use chromium::{Browser, Looks};
use desk::{Desk, Served, of_project};
use std::collections::HashMap;
use std::path::Path;

const DESKTOP: Looks = Looks { width: 900, dark: false };

fn rows(text: &str) -> Vec<HashMap<String, String>> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(|row| row.expect("a row")).collect()
}

/// Waits for the page of the sentence of this id.
fn shows(browser: &Browser, id: &str) {
    browser.wait(&format!(
        "document.readyState === 'complete' && document.querySelector('#labels input[name=id]')?.value === '{id}'"
    ));
}

/// The sentence that is shown.
fn shown(browser: &Browser) -> String {
    let id = browser.script("return document.querySelector('#labels input[name=id]').value");
    id.as_str().expect("an id").to_owned()
}

/// Waits for another page than that of the sentence of this id.
fn leaves(browser: &Browser, id: &str) {
    browser.wait(&format!(
        "document.readyState === 'complete' && document.querySelector('#labels input[name=id]')?.value !== '{id}'"
    ));
}

fn take_picture(browser: &Browser, name: &str) {
    if std::env::var_os("PETITION_SCREENSHOTS").is_some() {
        browser.screenshot(Path::new(&of_project(&format!("docs/retraining/{name}.png"))));
    }
}

#[test]
fn keys_label_and_nothing_said_to_be_saved_is_lost() {
    if !chromium::is_here() {
        return;
    }
    let desk = Desk::empty();
    let sentences = ["We demand a civilian review board.", "It rained.", "The mayor will publish every complaint."];
    desk.write(
        "letter.txt",
        [sentences, ["The city bans chokeholds.", "We met.", "End no-knock raids."]].concat().join("\n\n"),
    );
    let mut page = desk.serve(&["review", "letter.txt", "--labels", "labels.csv", "--annotator", "kit"]);
    let browser = Browser::open(DESKTOP);
    browser.go(&page.address);
    shows(&browser, "letter.txt:0");
    let chosen = || browser.texts("#labels :checked + span");

    // A topic takes the act off that carries none, and such an act takes topics off.
    browser.press("1n");
    assert_eq!(chosen(), ["none"]);
    browser.press("2");
    assert_eq!(chosen(), ["use-of-force"]);
    browser.press("\n");
    assert_eq!(browser.address(), format!("{}sentence/0", page.address), "without an act nothing is sent");
    // What is typed at once is for this sentence alone, up to Enter.
    browser.press("2d1⇧1\nn\n");
    shows(&browser, "letter.txt:1");
    browser.press("?");
    assert_eq!(browser.script("return document.getElementById('help').open"), true);
    browser.press("s");
    shows(&browser, "letter.txt:2");
    browser.press("m");
    assert!(!chosen().is_empty(), "the model's labels are taken over");
    browser.press("c");
    browser.click(".note input[name=note]");
    browser.press("d1 n");
    assert_eq!(chosen()[0], "commitment", "letters in the note are letters");
    browser.press("\n");
    shows(&browser, "letter.txt:3");
    browser.press("p\n");
    shows(&browser, "letter.txt:4");
    browser.press("u");
    shows(&browser, "letter.txt:3");
    assert!(chosen().is_empty(), "the label was taken back");

    // Another tab, and in it another person.
    let first = browser.new_tab();
    browser.go(&format!("{}sentence/4", page.address));
    browser.click(".who summary");
    browser.script("document.querySelector('.who input').value = 'Lee Ö/?'");
    browser.click(".who button");
    shows(&browser, "letter.txt:0");
    browser.press("n\n");
    shows(&browser, "letter.txt:1");
    browser.to_tab(first);
    browser.press("p\n");
    shows(&browser, "letter.txt:4");

    let saved: Vec<[String; 5]> = rows(&desk.read("labels.csv"))
        .iter()
        .map(|row| ["id", "act", "topics", "annotator", "note"].map(|name| row[name].clone()))
        .collect();
    let eleventh = petition::model::Model::shipped().expect("loads").taxonomy().topics[10].id.clone();
    let row = |id: usize, act: &str, topics: &str, who: &str, note: &str| {
        [format!("letter.txt:{id}"), act.to_owned(), topics.to_owned(), who.to_owned(), note.to_owned()]
    };
    assert_eq!(saved[0], row(0, "demand", &format!("oversight|{eleventh}"), "kit", ""));
    assert_eq!((&saved[1][1], &saved[1][4]), (&"commitment".to_owned(), &"d1 n".to_owned()));
    let rest = [
        row(3, "policy", "", "kit", ""),
        row(3, "", "", "kit", ""),
        row(0, "none", "", "Lee Ö/?", ""),
        row(3, "policy", "", "kit", ""),
    ];
    assert_eq!(saved[2..], rest);

    // A dead server says so, and what was chosen stays.
    page.kill();
    browser.press("d2\n");
    browser.wait("document.querySelector('#labels .status').textContent.startsWith('Not saved')");
    assert_eq!(chosen(), ["demand", "use-of-force"]);
    assert_eq!(rows(&desk.read("labels.csv")).len(), 6);
}

/// Labels every sentence of a page by keys; `labels` gives act and topics of a sentence.
fn label_all(browser: &Browser, served: &Served, labels: impl Fn(&str) -> (String, Vec<String>)) -> usize {
    browser.go(&served.address);
    let key = |name: &str| {
        let script = format!("return document.querySelector('#labels input[value=\"{name}\"]').dataset.key");
        browser.script(&script).as_str().expect("a key").to_owned()
    };
    let (mut keys, mut n) = (HashMap::new(), 0);
    while browser.address().contains("/sentence/") {
        let id = shown(browser);
        let (act, topics) = labels(&browser.texts("h1")[0]);
        let mut pressed = String::new();
        for name in std::iter::once(act).chain(topics) {
            pressed += keys.entry(name.clone()).or_insert_with(|| key(&name));
        }
        browser.press(&(pressed + "\n"));
        leaves(browser, &id);
        n += 1;
    }
    n
}

/// Writes the documents of a labels file as text, and gives the labels of each sentence.
fn unlabelled(desk: &Desk, labels: &str, folder: &str) -> HashMap<String, (String, Vec<String>)> {
    let labelled = rows(&std::fs::read_to_string(of_project(labels)).expect("there"));
    let mut documents: HashMap<String, Vec<String>> = HashMap::new();
    for row in &labelled {
        documents.entry(row["document"].replace('/', "-")).or_default().push(row["text"].clone());
    }
    documents.iter().for_each(|(name, texts)| desk.write(&format!("{folder}/{name}.txt"), texts.join("\n\n")));
    let topics = |row: &HashMap<String, String>| {
        row["topics"].split('|').filter(|t| !t.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    labelled.iter().map(|row| (row["text"].clone(), (row["act"].clone(), topics(row)))).collect()
}

/// The page of `docs/retraining.md`, command for command, by somebody who counts whatever is about housing as `community`.
#[test]
fn the_walk_through_leads_from_documents_to_a_better_model_in_use() {
    if !chromium::is_here() {
        return;
    }
    let desk = Desk::empty();
    std::os::unix::fs::symlink(of_project("training"), desk.path("training")).expect("linked");
    let mut truth = unlabelled(&desk, "training/housing/letters.csv", "folder");
    truth.extend(unlabelled(&desk, "training/housing/news.csv", "kept-apart"));
    let labels = |sentence: &str| {
        let (act, topics) = truth.get(sentence).cloned().unwrap_or(("none".to_owned(), Vec::new()));
        (act, topics.first().map(|_| "community".to_owned()).into_iter().collect())
    };

    let docs = std::fs::read_to_string(of_project("docs/retraining.md")).expect("there");
    let commands = docs.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("commands");
    let browser = Browser::open(DESKTOP);
    let (mut labelled, mut told) = (Vec::new(), String::new());
    for line in commands.lines() {
        let words: Vec<&str> = line.split(" #").next().unwrap_or_default().split_whitespace().skip(1).collect();
        if words[0] != "review" {
            let run = desk.run(&words);
            assert_eq!(run.exit, 0, "{line}: {}", run.stderr);
            told += &format!("$ {line}\n{}", run.stdout);
            continue;
        }
        let served = desk.serve(&words);
        labelled.push(label_all(&browser, &served, labels));
        if words.contains(&"--to") {
            browser.click("#retraining button");
            browser.wait("document.querySelector('#retraining[data-state=running] progress')");
            assert!(browser.texts("#retraining")[0].contains("you can go on labelling"));
            browser.wait("document.querySelector('#retraining').dataset.state === 'done'");
            told += &format!("$ Retrain\n{}\n", browser.texts("#retraining")[0]);
            browser.click("#retraining form[action$=promotion] button");
            browser.wait("document.querySelector('#retraining').innerText.includes('is current now')");
        }
    }
    assert_eq!(labelled, [100, 300]);
    let gold = rows(&desk.read("todo-gold.csv"));
    assert!(gold.iter().all(|row| row["chosen_for"] == "random" && row["document"].starts_with("kept-apart/")));
    // The page and the commands make the same model, and promotion knows it again.
    assert!(told.contains("is this very file and current already"), "{told}");
    assert_eq!(told.matches("NEW is better beyond noise in topics.micro_f1").count(), 2, "{told}");
    let classified = |model: &[&str]| {
        let run = desk.run(&[&["classify", "folder", "-q"], model].concat());
        assert_eq!(run.exit, 0, "{}", run.stderr);
        run.stdout
    };
    assert_eq!(desk.read("out.csv"), classified(&["-m", "new.safetensors"]));
    assert_ne!(desk.read("out.csv"), classified(&[]));
}

/// The housing documents, two people who label them, and a model of few rows that becomes one of more.
#[test]
fn the_dashboard_tells_agreement_and_leads_to_a_promoted_model() {
    if !chromium::is_here() {
        return;
    }
    let desk = Desk::empty();
    let truth = unlabelled(&desk, "training/housing/news.csv", "folder");
    let taxonomy = of_project("seeds/housing.toml");
    desk.write("letters.csv", std::fs::read(of_project("training/housing/letters.csv")).expect("there"));
    assert_eq!(desk.run(&["train", "letters.csv", "--taxonomy", &taxonomy, "-o", "old.safetensors"]).exit, 0);
    assert_eq!(desk.run(&["promote", "old.safetensors", "--to", "models"]).exit, 0);
    assert_eq!(desk.run(&["queue", "folder", "-m", "models", "-n", "60", "-o", "todo.csv"]).exit, 0);
    let arguments = [
        "review",
        "todo.csv",
        "-m",
        "models",
        "--labels",
        "labels.csv",
        "--annotator",
        "kit",
        "--base-labels",
        "letters.csv",
    ];
    let served = desk.serve(&arguments);
    let browser = Browser::open(DESKTOP);
    let dashboard = format!("{}dashboard", served.address);
    browser.go(&dashboard);
    assert!(browser.texts("#retraining")[0].contains("Label some sentences first"));
    assert_eq!(browser.script("return document.querySelector('#retraining button').disabled"), true);
    assert!(browser.texts("main")[0].contains("No sentence has labels of two annotators yet"));

    let of = |sentence: &str| truth.get(sentence).cloned().unwrap_or(("none".to_owned(), Vec::new()));
    assert_eq!(label_all(&browser, &served, of), 60);
    // The second annotator is slow to see topics.
    browser.click(".who summary");
    browser.script("document.querySelector('.who input').value = 'lee'");
    browser.click(".who button");
    browser.wait("document.readyState === 'complete' && document.querySelector('.progress').innerText.includes('0 of 60 labelled by lee')");
    for _ in 0..20 {
        let id = shown(&browser);
        let (act, _) = of(&browser.texts("h1")[0]);
        browser.press(&format!("{}\n", act.chars().next().expect("a letter")));
        leaves(&browser, &id);
    }
    browser.go(&format!("{}dashboard", served.address.replace("/kit/", "/lee/")));
    let text = browser.texts("main")[0].clone();
    let agreed =
        desk.run_line("agree labels.csv --taxonomy TAXONOMY --format json".replace("TAXONOMY", &taxonomy).as_str());
    let agreed: serde_json::Value = serde_json::from_str(&agreed.stdout).expect("JSON");
    assert_eq!(agreed["rows"], 20);
    for name in ["act.kappa", "act.alpha", "topics.alpha"] {
        let row = format!("{name}\t{:.3}", agreed[name].as_f64().expect("a figure"));
        assert!(text.contains(&row), "no `{row}` in {text}");
    }
    assert!(text.contains("kit\t60") && text.contains("lee\t20"), "{text}");

    browser.click("#retraining button");
    browser.wait("document.querySelector('#retraining').dataset.state === 'done'");
    let told = browser.texts("#retraining")[0].clone();
    assert!(told.contains("from 60 labelled sentences on top of 384 others"), "{told}");
    assert!(told.contains("out of fold") && told.contains("act.macro_f1"), "{told}");
    browser.wait("document.querySelector('#retraining form[action$=promotion] input[name=note]').value === '60 labelled sentences, by kit, lee'");
    browser.script("scrollTo(0, 0)");
    take_picture(&browser, "dashboard");
    browser.click("#retraining form[action$=promotion] button");
    browser.wait("document.querySelector('#retraining').innerText.includes('is current now')");
    let current = desk.read("models/current");
    assert!(browser.texts("#in-use + p")[0].starts_with(current.trim()), "the pages use it");
    let models = desk.run_line("models models").stdout;
    assert!(
        models
            .lines()
            .nth(2)
            .is_some_and(|l| l.starts_with("current") && l.ends_with("60 labelled sentences, by kit, lee")),
        "{models}"
    );
    browser.click("#retraining form[action$=retraining] button");
    // The page that was left is done too; the new one has something else to say.
    browser.wait(
        "document.querySelector('#retraining').dataset.state === 'done' && !document.querySelector('#retraining').innerText.includes('is current now')",
    );
    let told = browser.texts("#retraining")[0].clone();
    assert!(told.contains("may have learned from these very sentences"), "{told}");
}

/// Every view, wide and light, narrow and dark: what axe-core finds, whether it fits, and whether Tab reaches everything.
#[test]
fn the_pages_are_accessible_at_every_width() {
    if !chromium::is_here() {
        return;
    }
    let desk = Desk::empty();
    let documents = of_project("seeds/documents");
    let arguments = ["review", &documents, "--labels", "labels.csv", "--annotator", "kit", "--to", "models"];
    let served = desk.serve(&arguments);
    for looks in [DESKTOP, Looks { width: 360, dark: true }] {
        let browser = Browser::open(looks);
        browser.go(&served.address);
        assert_eq!(browser.script("return matchMedia('(prefers-color-scheme: dark)').matches"), looks.dark);
        for _ in 0..8 {
            let address = browser.address();
            browser.press("m\n");
            browser.wait(&format!("document.readyState === 'complete' && location.href !== {address:?}"));
        }
        for view in ["sentence/3", "sentence/8", "document/3", "dashboard", "sentence/999"] {
            browser.go(&format!("{}{view}", served.address));
            browser.script("document.querySelectorAll('details').forEach(d => d.open = true)");
            let here = format!("{view} at {} pixels", looks.width);
            assert_eq!(browser.faults(), Vec::<String>::new(), "{here}");
            let fits = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth";
            assert_eq!(browser.script(fits), true, "{here} scrolls sideways");
        }
        for view in ["document", "sentence"] {
            browser.go(&format!("{}{view}/8", served.address));
            take_picture(&browser, if looks.dark { "narrow" } else { view });
        }
        browser.go(&format!("{}sentence/3", served.address));
        // A screen reader is told the role and name of all that Tab reaches, in this order.
        let mut read = Vec::new();
        while read.len() < 40 {
            browser.press("\t");
            let (role, name) = browser.focus_as_read();
            if role == "none" {
                break;
            }
            assert!(!name.is_empty(), "{role} without a name after {read:?}");
            read.push(format!("{role} {name}"));
        }
        insta::assert_snapshot!("what_tab_reaches", read.join("\n"));
    }
}
