//! Model files that are damaged, or written to do harm: all refused with a sentence, or harmless.

use peak_alloc::PeakAlloc;
use petition::config::Config;
use petition::evaluate::Labels;
use petition::features::Text;
use petition::labels::LabelledRow;
use petition::model::Model;
use petition::taxonomy::Taxonomy;
use petition::train::train;
use proptest::prelude::*;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::HashMap;
use std::sync::LazyLock;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The bytes of a small model, of lunches.
static SMALL: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let taxonomy =
        petition::taxonomy::template("lunch", &["ask".into(), "none".into()], &["soup".into(), "bread".into()]);
    let taxonomy = Taxonomy::read(&taxonomy).expect("a taxonomy");
    let row = |n: usize| {
        let (asks, soup) = (n.is_multiple_of(2), n.is_multiple_of(3));
        let text =
            format!("{} {} today", if asks { "please bring" } else { "we had" }, if soup { "soup" } else { "bread" });
        let topics = taxonomy
            .read_topics(if !asks {
                ""
            } else if soup {
                "soup"
            } else {
                "bread"
            })
            .expect("known");
        let labels = Labels { act: usize::from(!asks), topics };
        LabelledRow { id: n.to_string(), document: (n % 12).to_string(), title: None, text, labels }
    };
    let config = Config { resamples: 0, folds: 2, ..Config::default() }.check().expect("sound");
    let trained = train((0..48).map(row).collect(), taxonomy.clone(), config, &|_, _| ()).expect("trained");
    trained.model.to_bytes().expect("written")
});

/// What a file gives: refused in words, or a model that labels without harm.
fn refused(bytes: &[u8]) -> Option<String> {
    match Model::from_bytes(bytes) {
        Err(error) => Some(error.to_string()),
        Ok(model) => {
            for sentence in ["please bring hot soup and the bread today", "", "Soup! 12 (b) «bread»; we — had"] {
                let text = Text { sentence, title: Some("bread"), lead: Some("please bring:") };
                let prediction = model.reader().classify(&text);
                assert!(prediction.probabilities.iter().all(|p| (0.0..=1.0).contains(p)), "{prediction:?}");
            }
            None
        }
    }
}

#[test]
fn the_small_model_is_sound() {
    assert_eq!(refused(&SMALL), None);
    let model = Model::from_bytes(&SMALL).expect("sound");
    assert_eq!(model.to_bytes().expect("written"), *SMALL);
}

/// Every byte of the file, changed in one bit and in all: damage is always found.
#[test]
fn every_flipped_byte_is_found() {
    let mut bytes = SMALL.clone();
    for at in 0..bytes.len() {
        let slow = std::env::var_os("PETITION_SLOW").is_some();
        let bits: Vec<u8> = if slow { (0..8).map(|bit| 1 << bit).collect() } else { vec![1 << (at % 8)] };
        for flip in bits.into_iter().chain([0xff]) {
            bytes[at] ^= flip;
            let told = Model::from_bytes(&bytes).err().map(|e| e.to_string());
            assert!(told.is_some_and(|told| told.len() > 10), "byte {at} flipped by {flip:#x} of {}", bytes.len());
            bytes[at] ^= flip;
        }
    }
}

#[test]
fn every_truncation_is_found() {
    for length in 0..SMALL.len() {
        assert!(Model::from_bytes(&SMALL[..length]).is_err(), "cut to {length} of {}", SMALL.len());
    }
    assert!(Model::from_bytes(&[SMALL.as_slice(), b"x"].concat()).is_err(), "a byte too many");
}

/// A file that says of itself that it is huge takes no more than it is.
#[test]
fn declared_lengths_are_not_believed() {
    let header = |json: &str, length: u64| [&length.to_le_bytes(), json.as_bytes(), &[0; 64]].concat();
    let tensor = |shape: &str, end: u64| {
        format!(
            r#"{{"weights":{{"dtype":"F32","shape":{shape},"data_offsets":[0,{end}]}},"__metadata__":{{"petition":"{{}}"}}}}"#
        )
    };
    for (name, bytes) in [
        ("a header as long as memory", header("{}", u64::MAX)),
        ("a header of 99 MB", header("{}", 99 << 20)),
        (
            "a tensor of 2^62 values",
            header(&tensor("[4611686018427387904]", 64), tensor("[4611686018427387904]", 64).len() as u64),
        ),
        ("a tensor to the end of time", header(&tensor("[16]", u64::MAX), tensor("[16]", u64::MAX).len() as u64)),
        (
            "a product that overflows",
            header(&tensor("[4294967296,4294967296,16]", 64), tensor("[4294967296,4294967296,16]", 64).len() as u64),
        ),
    ] {
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        assert!(Model::from_bytes(&bytes).is_err(), "{name}");
        let taken = MEMORY.peak_usage().saturating_sub(before);
        // Other tests run beside this one; what a lie would take is far beyond all of them.
        assert!(taken < 64 << 20, "{name} took {taken} bytes");
    }
}

/// The file with some tensors changed and every checksum right.
fn with(change: impl Fn(&str, &mut Vec<usize>, &mut Vec<u8>, &mut Dtype)) -> Vec<u8> {
    let (_, metadata) = SafeTensors::read_metadata(&SMALL).expect("sound");
    let header = metadata.metadata().as_ref().expect("there")["petition"].clone();
    let file = SafeTensors::deserialize(&SMALL).expect("sound");
    let mut tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = file
        .iter()
        .map(|(name, view)| (name.to_owned(), view.dtype(), view.shape().to_vec(), view.data().to_vec()))
        .collect();
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    let mut crc = crc32fast::Hasher::new();
    for (name, dtype, shape, bytes) in &mut tensors {
        change(name, shape, bytes, dtype);
        crc.update(bytes);
    }
    let mut json: serde_json::Value = serde_json::from_str(header.split('\n').next().expect("a line")).expect("JSON");
    json["tensors_crc32"] = crc.finalize().into();
    let json = json.to_string();
    let json = format!("{json}\n{:08x}", crc32fast::hash(json.as_bytes()));
    let views: Vec<(String, TensorView)> = tensors
        .iter()
        .map(|(name, dtype, shape, bytes)| (name.clone(), TensorView::new(*dtype, shape.clone(), bytes).expect("fits")))
        .collect();
    safetensors::serialize(views, Some(HashMap::from([("petition".to_owned(), json)]))).expect("written")
}

#[test]
fn what_does_not_fit_is_said() {
    assert_eq!(refused(&with(|_, _, _, _| ())), None, "nothing changed");
    let set = |tensor: &'static str, value: f32| {
        with(move |name, _, bytes, _| {
            if name == tensor {
                bytes[..4].copy_from_slice(&value.to_le_bytes());
            }
        })
    };
    for (bytes, told) in [
        (set("weights", f32::NAN), "has a value in `weights` that is out of range: NaN"),
        (set("weights", f32::INFINITY), "has a value in `weights` that is out of range: inf"),
        (set("intercepts", f32::NAN), "has a value in `intercepts` that is out of range: NaN"),
        (set("idf", -1.0), "has a value in `idf` that is out of range: -1"),
        (set("thresholds", 1.5), "has a value in `thresholds` that is out of range: 1.5"),
        (
            with(|name, shape, _, _| {
                if name == "weights" {
                    shape.reverse()
                }
            }),
            "has a tensor `weights` of shape",
        ),
        (
            with(|name, _, _, dtype| {
                if name == "idf" {
                    *dtype = Dtype::I32
                }
            }),
            "has a tensor `idf` of type I32",
        ),
        (
            with(|name, _, bytes, _| {
                if name == "stems" {
                    bytes[0] = 0xff
                }
            }),
            "holds a text `stems` that is no UTF-8",
        ),
    ] {
        let found = refused(&bytes).expect("refused");
        assert!(found.contains(told), "{found}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("PETITION_SLOW").is_some() { 20_000 } else { 400 }))]

    /// Whoever writes a file can write its checksums too: numbers that lie are refused, or harm nothing.
    #[test]
    fn numbers_that_lie_do_no_harm(
        tensor in prop::sample::select(vec!["anchors", "classes", "columns", "masks", "openings", "patterns", "symbol_bits", "terms", "symbols", "stems", "taxonomy", "weights"]),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), prop_oneof![Just(0u8), Just(1), Just(0xff), Just(0x7f), any::<u8>()]), 1..6),
    ) {
        let bytes = with(|name, _, bytes, _| {
            if name == tensor && !bytes.is_empty() {
                changes.iter().for_each(|(at, byte)| { let at = at.index(bytes.len()); bytes[at] = *byte; });
            }
        });
        // Refused or not, it must come back.
        let _ = refused(&bytes);
    }
}
