//! How fast is the whole, in bytes of text a second: a model's start, lines to rows, long documents to rows? What a bench times is
//! checked once before. The stages by themselves are in `stages`, comparisons with others in `benches/peers`.

mod samples;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use petition::batch::{Summary, classify};
use petition::document::{Document, LinesFrom};
use petition::model::Model;
use petition::record::{Column, ForSheets, RowFormat, RowOptions};
use samples::{N_SENTENCES, documents};
use std::hint::black_box;

const COPIES: usize = 400;

fn run(model: &Model, documents: Vec<Document>, options: &RowOptions) -> (Summary, Vec<u8>) {
    let mut out = Vec::new();
    let summary = classify(model, documents.into_iter().map(Ok), options, &mut out, &mut |_| {}, &mut |_| {});
    (summary.expect("memory takes it"), out)
}

/// Times a run at one thread and at all, after checking that the rows are the same.
fn at_each_number_of_threads(
    c: &mut Criterion,
    name: &str,
    options: &RowOptions,
    expected: Summary,
    many: impl Fn() -> Vec<Document> + Sync,
) {
    let model = Model::shipped().expect("the shipped model loads");
    let mut group = c.benchmark_group("pipeline");
    group.throughput(Throughput::Bytes(many().iter().map(|d| d.text.len() as u64).sum()));
    group.sample_size(20);
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let mut first = None;
    for n_threads in if all > 1 { vec![1, all] } else { vec![1] } {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().expect("threads start");
        let (summary, out) = pool.install(|| run(&model, many(), options));
        assert_eq!(summary, expected);
        assert!(*first.get_or_insert_with(|| out.clone()) == out, "rows differ with {n_threads} threads");
        group.bench_function(format!("{name}, {n_threads} threads"), |b| {
            b.iter_batched(&many, |documents| pool.install(|| run(&model, documents, options)), BatchSize::LargeInput);
        });
    }
    group.finish();
}

/// Whole documents, cut into sentences, with every column.
fn long_documents(c: &mut Criterion) {
    let documents = documents();
    let n_documents = COPIES * documents.len();
    let options = RowOptions {
        format: RowFormat::Csv,
        columns: Column::LABELLED.to_vec(),
        split: true,
        sheets: ForSheets::default(),
    };
    let expected = Summary { n_documents, n_rows: COPIES * N_SENTENCES, n_failed: 0 };
    at_each_number_of_threads(c, "documents", &options, expected, || {
        documents.iter().cycle().take(n_documents).cloned().collect()
    });
}

/// A line a sentence, labels alone.
fn lines(c: &mut Criterion) {
    let sentences: Vec<String> = documents()
        .iter()
        .flat_map(|d| {
            petition::sentence::split(&d.text).into_iter().map(|s| s.text.replace('\n', " ")).collect::<Vec<_>>()
        })
        .collect();
    let text = sentences.join("\n") + "\n";
    let columns = vec![Column::Id, Column::Act, Column::ActScore, Column::Topics];
    let options = RowOptions { format: RowFormat::Csv, columns, split: false, sheets: ForSheets::default() };
    let expected = Summary { n_documents: 1, n_rows: COPIES * N_SENTENCES, n_failed: 0 };
    at_each_number_of_threads(c, "lines", &options, expected, || {
        let piece = |copy: usize| {
            let lines = Some(LinesFrom { index: copy * N_SENTENCES, start: copy * text.len() });
            Document { id: "lines.txt".to_owned(), text: text.clone(), lines, ..Document::default() }
        };
        (0..COPIES).map(piece).collect()
    });
}

/// What every command pays before it begins.
fn start(c: &mut Criterion) {
    let load = || Model::shipped().expect("the shipped model loads");
    assert_eq!(load().taxonomy().acts.len(), 4);
    c.bench_function("pipeline/load the shipped model", |b| b.iter(|| black_box(load())));
}

criterion_group!(pipeline, start, lines, long_documents);
criterion_main!(pipeline);
