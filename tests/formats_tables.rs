//! Tables in and out, through the built program: files as pandas and pyarrow write them, and what is written read back.

mod desk;

use desk::{Desk, Run, of_project};
use std::fmt::Write as _;

fn fixture(name: &str) -> String {
    of_project(&format!("tests/documents/tables/{name}"))
}

/// The rows of a table, by name of the column.
fn rows(text: &str, delimiter: u8) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
    reader.records().map(|r| r.expect("well formed").iter().map(str::to_owned).collect()).collect()
}

/// `id`, `doc_id`, `act` of each row.
fn acts(run: &Run) -> Vec<(String, String, String)> {
    rows(&run.stdout, b',').into_iter().map(|r| (r[0].clone(), r[1].clone(), r[2].clone())).collect()
}

#[test]
fn every_form_of_a_table_says_the_same() {
    let desk = Desk::empty();
    let plain = desk.run(&["split", &fixture("plain.csv"), "-q"]);
    insta::assert_snapshot!(plain.stdout);
    for name in [
        "plain.tsv",
        "list.json",
        "indented.json",
        "lines.json",
        "snappy.parquet",
        "zstd.parquet",
        "gzip.parquet",
        "v2.parquet",
        "pandas.parquet",
        "lz4.feather",
        "plain.arrow",
        "zstd.arrows",
    ] {
        let run = desk.run(&["split", &fixture(name), "-q"]);
        assert_eq!((run.exit, run.stdout.as_str(), run.stderr.as_str()), (0, plain.stdout.as_str(), ""), "{name}");
    }
    // Titles and parents count, too.
    let labelled =
        |name: &str| acts(&desk.run(&["classify", &fixture(name), "--no-split", "-q", "--columns", "id,doc_id,act"]));
    let expected = labelled("plain.csv");
    assert_eq!(expected[0].1, "harrow-bend");
    for name in ["list.json", "snappy.parquet", "lz4.feather"] {
        assert_eq!(labelled(name), expected, "{name}");
    }
}

#[test]
fn standard_input_can_be_parquet_or_arrow() {
    let desk = Desk::empty();
    for (name, format) in
        [("zstd.parquet", "parquet"), ("lz4.feather", "arrow"), ("zstd.arrows", "arrow"), ("list.json", "json")]
    {
        let bytes = std::fs::read(fixture(name)).expect("a fixture");
        let run = Run::of(desk.command(&["split", "-", "--input-format", format, "-q"]).write_stdin(bytes));
        assert_eq!((run.exit, rows(&run.stdout, b',').len()), (0, 11), "{name}: {}", run.stderr);
    }
}

#[test]
fn wrong_columns_and_files() {
    let desk = Desk::empty();
    desk.write("cut.parquet", &std::fs::read(fixture("zstd.parquet")).expect("a fixture")[..900]);
    desk.write("cut.arrow", &std::fs::read(fixture("plain.arrow")).expect("a fixture")[..900]);
    desk.write("empty.parquet", "");
    desk.write("empty.arrow", "");
    desk.write("empty.json", "");
    desk.write("text.parquet", "It rained. It snowed, and it rained again.");
    desk.write("text.arrow", "It rained. It snowed, and it rained again.");
    desk.write("cut.json", "[{\"text\": \"It rained.\"}, {\"text\": \"It sno");
    std::fs::copy(fixture("numbers.parquet"), desk.path("numbers.parquet")).expect("copied");
    std::fs::copy(fixture("numbers.arrow"), desk.path("numbers.arrow")).expect("copied");
    let mut report = String::new();
    for arguments in [
        "split numbers.parquet -q",
        "split numbers.arrow -q",
        "split numbers.parquet -q --text-column body",
        "split numbers.parquet -q --text-column words --id-column text",
        "split numbers.parquet -q --text-column words",
        "split numbers.arrow -q --text-column words --id-column id",
        "split cut.parquet -q",
        "split cut.arrow -q",
        "split empty.parquet -q",
        "split empty.arrow -q",
        "split empty.json -q",
        "split text.parquet -q",
        "split text.arrow -q",
        "split cut.json -q",
        "split cut.json --format parquet --bom",
        "split cut.json --format jsonl --excel-safe",
    ] {
        let run = desk.run_line(arguments);
        let _ = writeln!(report, "$ petition {arguments}\n{}{}[exit {}]\n", run.stdout, run.stderr, run.exit);
    }
    insta::assert_snapshot!(report);
}

#[test]
fn what_is_written_is_read_back() {
    let desk = Desk::empty();
    let source = fixture("plain.csv");
    let arguments = |out: &'static str| ["classify", &source, "-q", "--scores", "all", "-o", out].map(str::to_owned);
    for out in ["out.csv", "out.tsv", "out.jsonl", "out.parquet", "out.arrow"] {
        let run = Run::of(desk.command(&arguments(out).each_ref().map(String::as_str)).write_stdin(""));
        assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{out}");
    }
    let expected = rows(&desk.read("out.csv"), b',');
    assert_eq!(rows(&desk.read("out.tsv"), b'\t'), expected);
    // Each row is a document then, which keeps its id and text.
    let plain = desk.run(&["split", "out.csv", "--no-split", "-q"]).stdout;
    for name in ["out.tsv", "out.jsonl", "out.parquet", "out.arrow"] {
        assert_eq!(desk.run(&["split", name, "--no-split", "-q"]).stdout, plain, "{name}");
    }
    let own: Vec<_> = rows(&plain, b',').iter().map(|r| (r[0].clone(), r[5].clone())).collect();
    assert_eq!(own, expected.iter().map(|r| (r[0].clone(), r[5].clone())).collect::<Vec<_>>());
    // `--format` and standard output give what the file's ending gives.
    for (name, format) in [("out.tsv", "tsv"), ("out.parquet", "parquet"), ("out.arrow", "arrow")] {
        let run = desk
            .command(&["classify", &source, "-q", "--scores", "all", "--format", format])
            .output()
            .expect("started");
        assert!(run.stdout == std::fs::read(desk.path(name)).expect("a file"), "{name}");
    }
}

#[test]
fn columnar_bytes_are_the_same_at_any_number_of_threads() {
    let desk = Desk::empty();
    let mut many = String::from("id,text\n");
    for n in 0..70_000 {
        let _ = writeln!(many, "{n},The council of ward {} should ban chokeholds by {n}.", n % 97);
    }
    desk.write("many.csv", many);
    for format in ["parquet", "arrow"] {
        let with = |jobs: &str| {
            let mut command = desk.command(&["split", "many.csv", "--no-split", "-q", "--format", format, "-j", jobs]);
            command.output().expect("started").stdout
        };
        let one = with("1");
        assert!(one.len() > 100_000);
        assert!(one == with("2") && one == with("7"), "{format}");
        desk.write(&format!("back.{format}"), &one);
        let back = desk.run(&["split", &format!("back.{format}"), "--no-split", "-q"]);
        assert!(back.stdout == desk.run(&["split", "many.csv", "--no-split", "-q"]).stdout, "{}", back.stderr);
    }
}

#[test]
fn tables_for_spreadsheets() {
    let desk = Desk::empty();
    let run =
        desk.run(&["classify", &fixture("plain.csv"), "-q", "--excel-safe", "--bom", "--columns", "text,act_score"]);
    let text = run.stdout.strip_prefix('\u{feff}').expect("a byte order mark");
    let cells: Vec<String> = rows(text, b',').into_iter().map(|r| r[0].clone()).collect();
    assert!(cells.contains(&"'=SUM(A1:A9) is what the clerk's spreadsheet said.".to_owned()), "{cells:?}");
    // And it is read back as any other table.
    desk.write("out.csv", &run.stdout);
    assert_eq!(desk.run(&["split", "out.csv", "--no-split", "-q"]).exit, 0);
}
