//! The shipped model as a whole: files, defaults, and what no input may do.

use petition::config::Config;
use petition::document::{Document, LinesFrom, ReadError};
use petition::features::Text;
use petition::model::Model;
use petition::record::{Column, ForSheets, RowFormat, RowOptions};
use petition::sparse::SparseRow;
use petition::taxonomy::Taxonomy;
use proptest::prelude::*;
use std::sync::LazyLock;

const FILE: &[u8] = include_bytes!("../models/policing-reform.safetensors");
static MODEL: LazyLock<Model> = LazyLock::new(|| Model::shipped().expect("the shipped model loads"));

#[test]
fn saved_and_loaded_it_is_the_same_to_the_bit() {
    assert!(MODEL.to_bytes().expect("writes") == FILE);
    // The program trusts its own copy; here it is checked as any file is.
    assert!(Model::from_bytes(FILE).expect("sound").to_bytes().expect("writes") == FILE);
}

#[test]
fn the_documented_defaults_are_the_defaults() {
    let documented = Config::read(include_str!("../docs/config.toml")).expect("reads");
    assert_eq!(documented, Config::default());
    // Every key is there, not only those that were thought of.
    let keys =
        |text: &str| text.lines().filter_map(|l| l.split_once(" =").map(|(k, _)| k.to_owned())).collect::<Vec<_>>();
    assert_eq!(keys(include_str!("../docs/config.toml")), keys(&Config::default().write()));
}

#[test]
fn the_shipped_taxonomy_is_as_rich_as_promised() {
    let taxonomy = MODEL.taxonomy();
    assert_eq!(taxonomy.source(), include_str!("../seeds/policing-reform.toml"), "train the model anew");
    assert_eq!((taxonomy.acts.len(), taxonomy.topics.len()), (4, 13));
    let sizes = taxonomy.group_sizes();
    let of = |name: &str| taxonomy.groups.iter().position(|g| g.name == name).map_or(0, |g| sizes[g]);
    assert!(taxonomy.topics.iter().all(|t| of(&format!("{} terms", t.id)) >= 25));
    assert!(taxonomy.acts.iter().map(|a| of(&format!("{} cues", a.id))).sum::<usize>() >= 60);
    assert!(taxonomy.acts.iter().chain(&taxonomy.topics).all(|l| !l.definition.is_empty() && !l.excludes.is_empty()));
}

#[test]
fn the_compiled_taxonomy_is_what_its_text_says() {
    let (stored, read) = (MODEL.taxonomy(), Taxonomy::read(MODEL.taxonomy().source()).expect("well formed"));
    assert_eq!(
        (&stored.acts, &stored.topics, stored.act_without_topics),
        (&read.acts, &read.topics, read.act_without_topics)
    );
    assert_eq!((&stored.groups, &stored.terms), (&read.groups, &read.terms));
    assert!(stored.symbols.written().eq(read.symbols.written()));
    let parts = |t: &Taxonomy| (t.matcher.parts().classes.clone(), t.matcher.parts().patterns.clone());
    assert!(parts(stored) == parts(&read), "train the model anew");
}

/// Sentences of the training set.
fn sentences() -> Vec<String> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/training/policing-reform/plain-news-4.csv");
    let mut reader = csv::Reader::from_path(file).expect("the training set is there");
    let text = reader.headers().expect("has a header").iter().position(|h| h == "text").expect("has a text");
    reader.records().map(|r| r.expect("well formed")[text].to_owned()).collect()
}

#[test]
fn the_short_way_to_a_probability_is_the_long_way() {
    let mut reader = MODEL.reader();
    for sentence in sentences() {
        let text = Text { sentence: &sentence, title: Some("Council weighs police budget"), lead: None };
        let short = reader.classify(&text).probabilities;
        let explanation = MODEL.explain(&text);
        let mut long: Vec<f64> = explanation.outputs.iter().map(|o| o.score).collect();
        let (acts, topics) = long.split_at_mut(MODEL.taxonomy().acts.len());
        petition::math::softmax(acts);
        topics.iter_mut().for_each(|score| *score = petition::math::sigmoid(*score));
        for (short, long) in short.iter().zip(&long) {
            assert!((short - long).abs() < 1e-5, "{short} is not {long}: {sentence}");
        }
    }
}

#[test]
fn lines_of_a_file_are_labelled_as_rows_are() {
    let sentences = &sentences()[..300];
    let text = sentences.join("\n");
    let lines = Some(LinesFrom { index: 0, start: 0 });
    let document = Document { id: "lines.txt".to_owned(), text, lines, ..Document::default() };
    let columns = vec![Column::Id, Column::Act, Column::Topics];
    let options = RowOptions { format: RowFormat::Csv, columns, split: false, sheets: ForSheets::default() };
    let mut out = Vec::new();
    let documents = std::iter::once(Ok::<_, ReadError>(document));
    petition::batch::classify(&MODEL, documents, &options, &mut out, &mut |_| {}, &mut |_| {})
        .expect("memory takes it");
    let rows: Vec<_> =
        csv::Reader::from_reader(out.as_slice()).into_records().map(|r| r.expect("well formed")).collect();
    assert_eq!(rows.len(), sentences.len());
    for (at, (row, sentence)) in rows.iter().zip(sentences).enumerate() {
        let alone = MODEL.classify(sentence);
        let expected = [format!("lines.txt:{}", at + 1), MODEL.taxonomy().acts[alone.act].id.clone()];
        assert_eq!([&row[0], &row[1]], [expected[0].as_str(), expected[1].as_str()]);
        assert_eq!(row[2], MODEL.taxonomy().join_topics(alone.topics));
    }
}

#[test]
fn a_batch_equals_its_items() {
    let texts: Vec<String> =
        ["The council must act", "He left", "Bans on chokeholds are rare", "We will train officers"]
            .iter()
            .cycle()
            .take(600)
            .enumerate()
            .map(|(n, text)| format!("{text} {n}."))
            .collect();
    let documents = texts
        .iter()
        .enumerate()
        .map(|(n, text)| Ok::<_, ReadError>(Document { id: n.to_string(), text: text.clone(), ..Document::default() }));
    let options = RowOptions {
        format: RowFormat::Csv,
        columns: Column::LABELLED.to_vec(),
        split: false,
        sheets: ForSheets::default(),
    };
    let mut out = Vec::new();
    petition::batch::classify(&MODEL, documents, &options, &mut out, &mut |_| {}, &mut |_| {})
        .expect("memory takes it");
    let rows = csv::Reader::from_reader(out.as_slice()).into_records().map(|r| r.expect("well formed"));
    for (row, text) in rows.zip(&texts) {
        let alone = MODEL.classify(text);
        assert_eq!(row[6], MODEL.taxonomy().acts[alone.act].id);
        assert_eq!(row[7], format!("{:.4}", alone.act_score()));
        assert_eq!(row[8], MODEL.taxonomy().join_topics(alone.topics));
    }
}

#[test]
fn a_damaged_file_is_refused_wherever_the_damage_is() {
    let step = FILE.len() / 300;
    for at in (0..FILE.len()).step_by(step).chain(0..64) {
        assert!(Model::from_bytes(&FILE[..at]).is_err(), "cut at {at}");
    }
    // Past the header every byte belongs to a tensor, and the checksum finds it.
    let header = u64::from_le_bytes(std::array::from_fn(|i| FILE[i])) as usize + 8;
    for at in (header..FILE.len()).step_by(step) {
        let mut damaged = FILE.to_vec();
        damaged[at] ^= 1 << (at % 8);
        assert!(Model::from_bytes(&damaged).is_err(), "byte {at} changed");
    }
}

proptest! {
    #[test]
    fn any_text_is_classified_soundly(sentence in "(\\PC|[a-z]{1,9} |police |must |ban |\\n|\"){0,60}", title in proptest::option::of("\\PC{0,30}")) {
        let text = Text { sentence: &sentence, title: title.as_deref(), lead: None };
        let mut reader = MODEL.reader();
        let prediction = reader.classify(&text);
        prop_assert!(prediction.probabilities.iter().all(|p| (0.0..=1.0).contains(p)));
        prop_assert!((prediction.probabilities[..4].iter().sum::<f64>() - 1.0).abs() < 1e-9);
        prop_assert!(Some(prediction.act) != MODEL.taxonomy().act_without_topics || prediction.topics.is_empty());

        let mut extractor = petition::features::Extractor::new(MODEL.taxonomy(), MODEL.space().stems());
        let mut row = SparseRow::default();
        extractor.read(&text);
        MODEL.space().weigh(&extractor, &mut row);
        prop_assert!(row.columns.is_sorted_by(|a, b| a < b));
        prop_assert!(row.values.iter().all(|v| v.is_finite()));
        let described = |column| MODEL.space().describe(column, MODEL.taxonomy());
        let is_word = |column| described(column).starts_with("word") || described(column).starts_with("opens with `");
        let length: f32 = row.iter().filter(|&(c, _)| is_word(c)).map(|(_, v)| v * v).sum();
        prop_assert!(length == 0.0 || (length - 1.0).abs() < 1e-4, "{}", length);
        // Reading on with the same reader changes nothing.
        prop_assert_eq!(reader.classify(&text), prediction);
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_bytes_make_the_loader_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0usize..4000, at in 0usize..4000, value: u8) {
        prop_assert!(Model::from_bytes(&bytes).is_err());
        bytes = FILE[..FILE.len() - cut].to_vec();
        bytes[at] = value;
        // A changed letter in the taxonomy's prose is harmless; what matters is that nothing panics.
        let _ = Model::from_bytes(&bytes);
    }
}
