//! How fast is each stage, and one sentence, in bytes of text a second? Inputs are `seeds/documents`; what a bench times is
//! checked once before. The whole is in `pipeline`, comparisons with others are in `benches/peers`.

mod samples;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use petition::document::Document;
use petition::features::{Extractor, Text};
use petition::model::{Model, Prediction};
use petition::sentence::split;
use petition::stem::{Stemmer, for_each_raw_word, normalise};
use samples::{N_SENTENCES, documents};
use std::hint::black_box;

/// Words in their sentences, and how many of them have a stem shorter than themselves.
const N_WORDS_AND_SHORTENED: (usize, usize) = (929, 239);

/// The sentences of documents as a reader is given them.
fn texts(documents: &[Document]) -> Vec<Text<'_>> {
    let sentences = documents.iter().flat_map(|d| split(&d.text).into_iter().map(move |s| (d, s)));
    sentences.map(|(d, s)| Text { sentence: s.text, title: d.title.as_deref(), lead: s.lead }).collect()
}

fn n_bytes(texts: &[Text]) -> u64 {
    texts.iter().map(|t| t.sentence.len() as u64).sum()
}

fn cut_sentences(c: &mut Criterion) {
    let documents = documents();
    let count = || documents.iter().map(|d| split(black_box(&d.text)).len()).sum::<usize>();
    assert_eq!(count(), N_SENTENCES);
    let mut group = c.benchmark_group("sentence");
    group.throughput(Throughput::Bytes(documents.iter().map(|d| d.text.len() as u64).sum()));
    group.bench_function("split", |b| b.iter(count));
    group.finish();
}

/// Words without the cache that a reader has: what a word costs the first time, but for the tables it is looked up in.
fn read_words(c: &mut Criterion) {
    let documents = documents();
    let texts = texts(&documents);
    let stemmer = Stemmer::default();
    let mut normal = String::new();
    let mut stem_all = |texts: &[Text]| {
        let (mut n_words, mut n_shortened) = (0, 0);
        for text in texts {
            for_each_raw_word(text.sentence, |raw| {
                normalise(raw, &mut normal);
                n_words += 1;
                n_shortened += usize::from(stemmer.stem(&normal).len() < normal.len());
            });
        }
        (n_words, n_shortened)
    };
    assert_eq!(stem_all(&texts), N_WORDS_AND_SHORTENED);
    let mut group = c.benchmark_group("stem");
    group.throughput(Throughput::Bytes(n_bytes(&texts)));
    group.bench_function("read, normalise and stem", |b| b.iter(|| stem_all(black_box(&texts))));
    group.finish();
}

fn observe_features(c: &mut Criterion) {
    let model = Model::shipped().expect("the shipped model loads");
    let documents = documents();
    let texts = texts(&documents);
    let read = |extractor: &mut Extractor| {
        let mut n_words = 0;
        for text in black_box(&texts) {
            extractor.read(text);
            n_words += extractor.n_words();
        }
        n_words
    };
    let fresh = || Extractor::new(model.taxonomy(), model.space().stems());
    let mut warm = fresh();
    let first = read(&mut warm);
    assert_eq!(first, read(&mut warm));
    assert!(warm.n_known() > 0 && first <= N_WORDS_AND_SHORTENED.0);
    let mut group = c.benchmark_group("features");
    group.throughput(Throughput::Bytes(n_bytes(&texts)));
    group.bench_function("read, words remembered", |b| b.iter(|| read(&mut warm)));
    group.bench_function("read, words new", |b| {
        b.iter_batched_ref(fresh, read, BatchSize::SmallInput);
    });
    group.finish();
}

/// One sentence as a server sees it.
fn classify_one(c: &mut Criterion) {
    const SENTENCE: &str = "The council must ban chokeholds and publish every use of force within 30 days.";
    let model = Model::shipped().expect("the shipped model loads");
    let (mut reader, mut prediction) = (model.reader(), Prediction::default());
    let text = Text { sentence: SENTENCE, ..Text::default() };
    reader.classify_into(&text, &mut prediction);
    assert_eq!(model.taxonomy().acts[prediction.act].id, "demand");
    assert!(model.taxonomy().join_topics(prediction.topics).contains("use-of-force"));
    let mut group = c.benchmark_group("model");
    group.throughput(Throughput::Bytes(SENTENCE.len() as u64));
    group.bench_function("classify_into", |b| b.iter(|| reader.classify_into(black_box(&text), &mut prediction)));
    group.finish();
}

criterion_group!(stages, cut_sentences, read_words, observe_features, classify_one);
criterion_main!(stages);
