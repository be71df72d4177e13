//! Round trips through every form, and what each reader makes of what only its tool writes.

use super::*;
use proptest::prelude::*;
use std::io::Cursor;

const HEADER: &str = "id,document,title,text,act,topics,lead,before,after,note,annotator,saved,meta\n";

fn taxonomy() -> Taxonomy {
    Taxonomy::read(
        "name='t'\n[[act]]\nid='ask'\ndefinition='a & \"b\"'\n[[act]]\nid='rule'\ndefinition=''\n[[act]]\nid='none'\ndefinition=''\ntopics=false\n\
         [[topic]]\nid='rent'\ndefinition='<r>'\nexcludes='wages'\n[[topic]]\nid='heat'\ndefinition=''\n[[topic]]\nid='mould'\ndefinition=''",
    )
    .expect("well formed")
}

fn source(name: &str, bytes: impl Into<Vec<u8>>) -> Source {
    Source::new(name, Cursor::new(bytes.into()))
}

fn import_text(format: Format, text: &str, options: &ImportOptions) -> Result<(String, Summary), String> {
    let mut out = Vec::new();
    let done = import(source("in.x", text), format, &taxonomy(), options, &mut out).map_err(|e| e.to_string())?;
    Ok((String::from_utf8(out).expect("UTF-8"), done))
}

fn rows(format: Format, text: &str) -> Result<String, String> {
    let (csv, _) = import_text(format, text, &ImportOptions::default())?;
    Ok(csv.strip_prefix(HEADER).expect("the header").to_owned())
}

fn export_text(format: Format, csv: &str, options: &ExportOptions) -> Result<(String, Summary), String> {
    let mut out = Vec::new();
    let done = export(source("in.csv", csv), format, &taxonomy(), options, &mut out).map_err(|e| e.to_string())?;
    Ok((String::from_utf8(out).expect("UTF-8"), done))
}

/// A text that forms stumble over, and that is not blank.
fn nasty() -> impl Strategy<Value = String> {
    let pieces = [
        "a",
        "Rent",
        "\"",
        "\"\"",
        "'",
        ",",
        ";",
        "|",
        " ",
        "  ",
        "\t",
        "\n",
        "\r\n",
        "\r",
        "\\",
        "\\n",
        "{",
        "]",
        "é",
        "😀",
        "\u{2028}",
        "\u{feff}",
        "__label__ask",
        "__label__",
        "<b>",
        "&amp;",
        "null",
        "-",
        "=1",
        "#",
    ];
    let text = proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 1..9).prop_map(|p| p.concat());
    text.prop_filter("no letter", |text| text.contains(char::is_alphanumeric))
}

fn labels() -> impl Strategy<Value = (&'static str, String)> {
    let topics = proptest::sample::subsequence(vec!["rent", "heat", "mould"], 0..=3);
    (proptest::sample::select(vec!["ask", "rule", "none", ""]), topics)
        .prop_map(|(act, topics)| (act, if matches!(act, "ask" | "rule") { topics.join("|") } else { String::new() }))
}

fn meta() -> impl Strategy<Value = String> {
    let keys = [
        "label",
        "id",
        "text",
        "act",
        "meta",
        "meta.x",
        "_input_hash",
        "_view_id",
        "accept",
        "Comments",
        "row_id",
        "x y",
    ];
    let values =
        ["\"\"", "\"a \\\"b\\n\"", "12", "-1.5", "[1,{\"a\":null}]", "{\"b\":[]}", "null", "18446744073709551615"];
    let pair = (proptest::sample::select(keys.to_vec()), proptest::sample::select(values.to_vec()));
    proptest::collection::btree_map(pair.clone().prop_map(|p| p.0), pair.prop_map(|p| p.1), 0..4).prop_map(|pairs| {
        let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) }
    })
}

/// A labels file with every column, as `import` writes it, and its rows.
fn labels_file() -> impl Strategy<Value = (String, Vec<Vec<String>>)> {
    let field = || proptest::option::weighted(0.4, nasty()).prop_map(Option::unwrap_or_default);
    let fields = proptest::collection::vec(field(), 8);
    let row = (nasty(), nasty(), labels(), fields, meta());
    proptest::collection::vec(row, 1..5).prop_map(|rows| {
        let mut csv = csv::Writer::from_writer(HEADER.as_bytes().to_vec());
        let mut kept = Vec::new();
        for (number, (id, text, (act, topics), fields, meta)) in rows.into_iter().enumerate() {
            let mut record = vec![format!("{id}{number}"), fields[0].clone(), fields[1].clone(), text];
            record.extend([act.to_owned(), topics]);
            record.extend_from_slice(&fields[2..]);
            record.push(meta);
            csv.write_record(&record).expect("memory takes it");
            kept.push(record);
        }
        (String::from_utf8(csv.into_inner().expect("memory takes it")).expect("UTF-8"), kept)
    })
}

proptest! {
    #[test]
    fn what_goes_out_comes_back((csv, _) in labels_file()) {
        let keep = ImportOptions { unlabelled: Unlabelled::Keep, ..ImportOptions::default() };
        for format in [Format::Doccano, Format::LabelStudio, Format::Prodigy, Format::Csv, Format::Tsv] {
            let (out, _) = export_text(format, &csv, &ExportOptions::default()).expect("exported");
            let (back, _) = import_text(format, &out, &keep).expect(&out);
            prop_assert_eq!(&back, &csv, "{:?}", format);
        }
    }

    #[test]
    fn other_names_of_columns_come_back_too((csv, _) in labels_file()) {
        let mut columns = ColumnNames {
            id: Some("Key".to_owned()),
            text: "Body".to_owned(),
            label: Some("Tags".to_owned()),
            separator: ";".to_owned(),
            ..ColumnNames::default()
        };
        columns.fields[Field::Title as usize] = "Headline".to_owned();
        let options = ExportOptions { columns: columns.clone(), ..ExportOptions::default() };
        let keep = ImportOptions { columns, unlabelled: Unlabelled::Keep, ..ImportOptions::default() };
        for format in [Format::Doccano, Format::LabelStudio, Format::Prodigy, Format::Tsv] {
            let (out, _) = export_text(format, &csv, &options).expect("exported");
            prop_assert!(out.contains("Body"));
            let (back, _) = import_text(format, &out, &keep).expect(&out);
            prop_assert_eq!(&back, &csv, "{:?}", format);
        }
    }

    #[test]
    fn fasttext_keeps_labels_and_a_line_of_text((csv, rows) in labels_file()) {
        let (out, done) = export_text(Format::FastText, &csv, &ExportOptions::default()).expect("exported");
        prop_assert_eq!(out.lines().count(), rows.len());
        let keep = ImportOptions { unlabelled: Unlabelled::Keep, ..ImportOptions::default() };
        let (back, _) = import_text(Format::FastText, &out, &keep).expect(&out);
        let back: Vec<_> = csv::Reader::from_reader(back.as_bytes()).into_records().map(|r| r.expect("a row")).collect();
        prop_assert_eq!(back.len(), rows.len());
        let mut n_changed = 0;
        for (number, (found, row)) in back.iter().zip(&rows).enumerate() {
            prop_assert_eq!(&found[0], format!("in-{}", number + 1));
            prop_assert_eq!((&found[4], &found[5]), (row[4].as_str(), row[5].as_str()));
            // The slow way: break after break, word after word.
            let mut text = row[3].trim_start_matches('\u{feff}').replace("\r\n", " ").replace(['\r', '\n'], " ");
            while let Some(at) = (0..text.len()).find(|&at| {
                text.is_char_boundary(at)
                    && text[at..].starts_with("__label__")
                    && text[..at].chars().next_back().is_none_or(|c| matches!(c, ' ' | '\t'))
            }) {
                text.remove(at);
            }
            n_changed += usize::from(text != row[3]);
            prop_assert_eq!(&found[3], text);
        }
        prop_assert_eq!(done.n_changed, n_changed);
    }
}

#[test]
fn doccano_spans_comments_and_older_names() {
    let text = "\u{feff}{\"id\": 1, \"text\": \"Cut rents\", \"label\": [[0, 3, \"ask\"], [4, 9, \"rent\"]], \"Comments\": [\"unsure\", \"ask Jo\"], \"note\": \"n\"}\r\n\n\
                {\"id\": \"b\", \"text\": \"Heat it\", \"labels\": [{\"label\": \"ask\", \"start_offset\": 0, \"end_offset\": 4}], \"Comments\": []}\n\
                {\"text\": \"It rained\", \"cats\": \"none\", \"entities\": [], \"doc_id\": 5}\n";
    let expected = "1,,,Cut rents,ask,rent,,,,\"n\nunsure\nask Jo\",,,\"{\"\"spans\"\":[[0,3,\"\"ask\"\"],[4,9,\"\"rent\"\"]]}\"\n\
                    b,,,Heat it,ask,,,,,,,,\"{\"\"spans\"\":[{\"\"label\"\":\"\"ask\"\",\"\"start_offset\"\":0,\"\"end_offset\"\":4}]}\"\n\
                    in-4,5,,It rained,none,,,,,,,,\"{\"\"entities\"\":[]}\"\n";
    assert_eq!(rows(Format::Doccano, text), Ok(expected.to_owned()));
}

#[test]
fn label_studio_annotations() {
    let choices = |control: &str, names: &str| {
        format!(r#"{{"from_name":"{control}","to_name":"text","type":"choices","value":{{"choices":[{names}]}}}}"#)
    };
    let (act, topics) = (choices("act", r#""ask""#), choices("topics", r#""heat","rent""#));
    let (sure, tone) = (choices("sure", r#""very""#), choices("tone", r#""topic:rent","ask""#));
    let task = |id: u32, annotations: &str| {
        format!(
            r#"{{"id":{id},"data":{{"text":"Cut {id}","url":"u"}},"annotations":[{annotations}],"predictions":[{{"result":[{act}]}}]}}"#
        )
    };
    let annotation = |more: &str, result: &str| format!(r#"{{{more}"result":[{result}]}}"#);
    let note = r#"{"from_name":"note","type":"textarea","value":{"text":["hm","ha"]}}"#;
    let who = r#""completed_by":{"id":4,"email":"jo@x.org"},"updated_at":"2026-01-02T03:04:05Z","#;
    let text = format!(
        "[{},{},{},{},{}]",
        task(1, &annotation(who, &format!("{act},{topics},{sure},{note}"))),
        task(2, &annotation("", &tone)),
        task(3, ""),
        task(4, &annotation(r#""was_cancelled":true,"#, &act)),
        task(
            5,
            &format!(
                "{},{}",
                annotation(r#""completed_by":1,"#, &choices("act", r#""none""#)),
                annotation(r#""completed_by":2,"ground_truth":true,"#, &act)
            )
        ),
    );
    let (csv, done) = import_text(Format::LabelStudio, &text, &ImportOptions::default()).expect("reads");
    let expected = "1,,,Cut 1,ask,rent|heat,,,,\"hm\nha\",jo@x.org,2026-01-02T03:04:05Z,\"{\"\"sure\"\":[\"\"very\"\"],\"\"url\"\":\"\"u\"\"}\"\n\
                    2,,,Cut 2,ask,rent,,,,,,,\"{\"\"url\"\":\"\"u\"\"}\"\n\
                    5,,,Cut 5,ask,,,,,,2,,\"{\"\"url\"\":\"\"u\"\"}\"\n";
    assert_eq!(csv, format!("{HEADER}{expected}"));
    assert_eq!((done.n_rows, done.n_unlabelled, done.n_refused), (3, 1, 1));
}

#[test]
fn several_annotators_are_chosen_from() {
    let result = |act: &str| format!(r#""result":[{{"from_name":"act","value":{{"choices":["{act}"]}}}}]"#);
    let text = format!(
        r#"[{{"id":9,"data":{{"text":"Cut"}},"annotations":[{{"completed_by":1,{}}},{{"completed_by":2,{}}}]}}]"#,
        result("ask"),
        result("none")
    );
    assert_eq!(
        rows(Format::LabelStudio, &text),
        Err("in.x: task 1: `9` was labelled by 2 too, after 1; choose one of them with --annotator".to_owned())
    );
    let options = ImportOptions { annotator: Some("2".to_owned()), ..ImportOptions::default() };
    let (csv, done) = import_text(Format::LabelStudio, &text, &options).expect("reads");
    assert_eq!(csv, format!("{HEADER}9,,,Cut,none,,,,,,2,,\n"));
    assert_eq!(done.n_by_others, 1);
}

#[test]
fn json_min_has_one_choice_bare_and_several_in_an_object() {
    let text = r#"[
        {"id":31,"row_id":"a:1","text":"Cut","document":"a","act":"ask","topics":"rent","note":{"text":["x","y"]},"annotator":3,
         "annotation_id":7,"lead_time":1.5,"created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-02T00:00:00Z"},
        {"id":32,"text":"Heat","act":"ask","topics":{"choices":["heat","rent"]},"note":"n"},
        {"id":33,"text":"Rain","tone":{"choices":["none"]}},
        {"id":34,"text":"Fog"}
    ]"#;
    let (csv, done) = import_text(Format::LabelStudio, text, &ImportOptions::default()).expect("reads");
    let expected = "a:1,a,,Cut,ask,rent,,,,\"x\ny\",3,2026-01-02T00:00:00Z,\n\
                    32,,,Heat,ask,rent|heat,,,,n,,,\n33,,,Rain,none,,,,,,,,\n";
    assert_eq!(csv, format!("{HEADER}{expected}"));
    assert_eq!(done.n_unlabelled, 1);
}

#[test]
fn prodigy_answers() {
    let text = r#"{"text":"Cut","_input_hash":-7,"options":[{"id":0,"text":"ask"},{"id":1,"text":"heat"}],"accept":[1,0],"answer":"accept","_annotator_id":"d-jo","meta":{"title":"T","source":"s"}}
{"text":"Heat","accept":["ask"],"answer":"reject"}
{"text":"Rain","accept":["none"],"answer":"ignore"}
{"text":"Fog","accept":["none"]}
{"id":5,"text":"Mould","label":"ask","answer":"accept","spans":[]}
"#;
    let (csv, done) = import_text(Format::Prodigy, text, &ImportOptions::default()).expect("reads");
    let expected = "in-1,,T,Cut,ask,heat,,,,,d-jo,,\"{\"\"_annotator_id\"\":\"\"d-jo\"\",\"\"_input_hash\"\":-7,\"\"source\"\":\"\"s\"\"}\"\n\
                    5,,,Mould,ask,,,,,,,,\"{\"\"spans\"\":[]}\"\n";
    assert_eq!(csv, format!("{HEADER}{expected}"));
    assert_eq!((done.n_refused, done.n_unlabelled), (2, 1));
}

#[test]
fn a_models_labels_are_filled_in() {
    let classified = "id,doc_id,sent,text,act,act_score,topics,review\na:0,a,0,Cut,ask,0.9312,rent|heat,\n";
    let queue = "id,document,text,predicted_act,predicted_topics,act_score,act,topics\na:0,a,Cut,ask,rent,0.5,none,\nb:0,b,Rain,none,,,,\n";
    let options = ExportOptions { model_version: "m-1".to_owned(), ..ExportOptions::default() };
    let studio = |csv: &str, options: &ExportOptions| -> serde_json::Value {
        serde_json::from_str(&export_text(Format::LabelStudio, csv, options).expect("exported").0).expect("JSON")
    };
    let tasks = studio(classified, &options);
    let choices = |control: &str, names: serde_json::Value| {
        serde_json::json!({
            "id": format!("1-{control}"), "from_name": control, "to_name": "text", "type": "choices", "value": { "choices": names },
        })
    };
    let prediction = serde_json::json!({
        "model_version": "m-1", "score": 0.9312, "result": [choices("act", serde_json::json!(["ask"])), choices("topics", serde_json::json!(["rent", "heat"]))],
    });
    assert_eq!(tasks[0]["predictions"], serde_json::json!([prediction]));
    assert_eq!((&tasks[0]["annotations"], &tasks[0]["data"]["document"]), (&serde_json::Value::Null, &"a".into()));

    let tasks = studio(queue, &options);
    let said = |task: usize, by: &str| &tasks[task][by][0]["result"][0]["value"]["choices"][0];
    assert_eq!((said(0, "annotations"), said(0, "predictions")), (&"none".into(), &"ask".into()));
    assert_eq!((said(1, "annotations"), said(1, "predictions")), (&serde_json::Value::Null, &"none".into()));
    assert!(tasks[1]["predictions"][0].get("score").is_none());

    let by_person = ExportOptions { labels_by: LabelsBy::Person, ..ExportOptions::default() };
    assert!(studio(classified, &by_person)[0]["annotations"].is_array());
    let without = ExportOptions { without_predictions: true, ..ExportOptions::default() };
    assert_eq!(studio(classified, &without)[0].as_object().expect("a task").len(), 1);

    let (lines, done) = export_text(Format::Prodigy, classified, &options).expect("exported");
    assert!(lines.contains("\"accept\":[\"ask\",\"rent\",\"heat\"]") && !lines.contains("answer"), "{lines}");
    assert_eq!((done.n_predicted, done.n_unlabelled), (1, 0));
    let (lines, _) = export_text(Format::FastText, queue, &options).expect("exported");
    assert_eq!(lines, "__label__none Cut\n__label__none Rain\n");
}

#[test]
fn the_interface_fits_the_taxonomy() {
    let xml = config(&taxonomy(), &ColumnNames::default(), &[Field::After, Field::Title, Field::Annotator]);
    let expected = "<View>\n  <Text name=\"title\" value=\"$title\"/>\n  <Text name=\"text\" value=\"$text\"/>\n  <Text name=\"after\" value=\"$after\"/>\n\
                    \x20 <Choices name=\"act\" toName=\"text\" choice=\"single\" required=\"true\">\n\
                    \x20   <Choice value=\"ask\" hint=\"a &amp; &quot;b&quot;\"/>\n    <Choice value=\"rule\" hint=\"\"/>\n    <Choice value=\"none\" hint=\"\"/>\n  </Choices>\n\
                    \x20 <Choices name=\"topics\" toName=\"text\" choice=\"multiple\" visibleWhen=\"choice-selected\" whenTagName=\"act\" whenChoiceValue=\"ask,rule\">\n\
                    \x20   <Choice value=\"rent\" hint=\"&lt;r&gt; Not: wages\"/>\n    <Choice value=\"heat\" hint=\"\"/>\n    <Choice value=\"mould\" hint=\"\"/>\n  </Choices>\n\
                    \x20 <TextArea name=\"note\" toName=\"text\" placeholder=\"note\" maxSubmissions=\"1\" editable=\"true\"/>\n</View>\n";
    assert_eq!(xml, expected);
}

#[test]
fn labels_may_bear_other_names_and_acts_be_given() {
    let text = "{\"text\":\"Cut\",\"label\":[\"Rent, all\"]}\n";
    let options = ImportOptions {
        default_act: Some(0),
        rename: vec![("Rent, all".to_owned(), "rent".to_owned())],
        ..ImportOptions::default()
    };
    let (csv, _) = import_text(Format::Doccano, text, &options).expect("reads");
    assert_eq!(csv, format!("{HEADER}in-1,,,Cut,ask,rent,,,,,,,\n"));
}

#[test]
fn errors_name_the_place_and_the_way_out() {
    for (format, text, expected) in [
        (
            Format::Doccano,
            "{\"text\":\"a\",\"label\":[\"ask\"]}\n{\"text\":\"b\",\"label\":[\"beg\"]}\n",
            "in.x:2: `beg` is no act or topic of the taxonomy; it has ask, rule, none, rent, heat, mould; say what it stands for with --rename \"beg=NAME\"",
        ),
        (
            Format::Doccano,
            "{\"text\":\"a\",\"label\":[\"ask\",\"rule\"]}",
            "in.x:1: has two acts, `ask` and `rule`; a row has one",
        ),
        (
            Format::Doccano,
            "{\"text\":\"a\",\"label\":[\"rent\"]}",
            "in.x:1: has topics and no act; give it one of ask, rule, none, or all such rows one with --default-act",
        ),
        (
            Format::Doccano,
            "{\"text\":\"a\",\"label\":[\"none\",\"rent\"]}",
            "in.x:1: act `none` takes no topics, yet the row has some; take them away or change the act",
        ),
        (
            Format::Doccano,
            "{\"text\":\"a\",\"label\":[3]}",
            "in.x:1: `label` holds no labels in a form that is known: a text, or a list of texts",
        ),
        (
            Format::Doccano,
            "{\"data\":\"a\"}",
            "in.x:1: `text` is missing or no text; name the right one with --text-column",
        ),
        (Format::Doccano, "{\"text\":\" \"}", "in.x:1: `text` is empty"),
        (Format::Doccano, "{\"text\":\"a\"", "in.x:1: broken JSON: EOF while parsing an object, at column 11"),
        (Format::Doccano, "[]", "in.x:1: is no JSON object"),
        (
            Format::Doccano,
            "{\"text\":\"a\",\"label\":\"ask\",\"id\":1}\n{\"text\":\"b\",\"label\":\"ask\",\"id\":1}",
            "in.x:2: the id `1` stands already at in.x:1; ids must be unique",
        ),
        (
            Format::Doccano,
            "{\"text\":\"a\",\"label\":[]}",
            "in.x: no row is left; 1 without labels, 0 refused, 0 by other annotators",
        ),
        (
            Format::Prodigy,
            "{\"text\":\"a\",\"answer\":\"yes\"}",
            "in.x:1: the answer `yes` is none of accept, reject and ignore",
        ),
        (Format::LabelStudio, "7", "in.x: holds no list of tasks; export the project as JSON or JSON-MIN"),
        (Format::LabelStudio, "[\n{\"text\":\n]", "in.x:3: broken JSON: expected value, at column 1"),
        (
            Format::LabelStudio,
            "[{\"text\":\"a\",\"act\":\"ask\"},{\"text\":\"b\",\"act\":\"rent\"}]",
            "in.x: task 2: `rent` is no act of the taxonomy; it has ask, rule, none; say what it stands for with --rename \"rent=NAME\"",
        ),
        (
            Format::FastText,
            "__label__ask Cut\n__label__beg Cut\n",
            "in.x:2: `beg` is no act or topic of the taxonomy; it has ask, rule, none, rent, heat, mould; say what it stands for with --rename \"beg=NAME\"",
        ),
        (
            Format::Csv,
            "id,text,label\n1,a,ask\n",
            "in.x: has no column `act`; it has id, text, label; name the right one with --act-column or --label-column",
        ),
        (Format::Csv, "id,text,act\n1,a,\"ask\n", "in.x:2: broken row: a quote opens here and is never closed"),
        (
            Format::Tsv,
            "id\ttext\tact\ttopics\n1\ta\task\theat|cold\n",
            "in.x:2: `cold` is no topic of the taxonomy; it has rent, heat, mould; say what it stands for with --rename \"cold=NAME\"",
        ),
    ] {
        assert_eq!(rows(format, text), Err(expected.to_owned()));
    }
    let wrong = export_text(Format::Prodigy, "id,text,act,act_score\n1,a,ask,1.5\n", &ExportOptions::default());
    assert_eq!(wrong, Err("in.csv:2: column `act_score`: `1.5` is no number from 0 to 1".to_owned()));
    let bytes = Source::new("in.x", Cursor::new(b"\xff\xfe{}".to_vec()));
    let error =
        import(bytes, Format::Prodigy, &taxonomy(), &ImportOptions::default(), Vec::new()).expect_err("no text");
    assert_eq!(error.to_string(), "in.x:1: is not UTF-8; save the file as UTF-8");
}
