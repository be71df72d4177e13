//! A model as a file: safetensors with a JSON header. Nothing in it is executed, and every length is checked before it is
//! believed.

use crate::config::{Config, ConfigError};
use crate::features::{FeatureSpace, FeatureSpaceError};
use crate::matcher::{Layout, Numbers, Parts};
use crate::model::{Model, TrainingInfo};
use crate::stem::ALGORITHM;
use crate::taxonomy::{Outline, PartsError, Taxonomy};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use thiserror::Error;

/// The version of the form written here. Another version is refused, with both numbers in the message.
pub const FORMAT_VERSION: u32 = 4;

/// The key of the header within safetensors' metadata; a single one, since their order in the file is not fixed.
const HEADER: &str = "petition";

/// What is wrong with a model file.
#[derive(Debug, Error)]
#[allow(missing_docs)]
pub enum ModelError {
    #[error("cannot be read: {0}")]
    Io(#[from] std::io::Error),
    #[error("is no model file, or is damaged: {0}")]
    NotSafetensors(String),
    #[error("has no header `{HEADER}`; it was not made by `petition train`")]
    NoHeader,
    #[error("has a header that cannot be read: {0}")]
    BadHeader(String),
    #[error("has format version {found}, and this version of petition reads {FORMAT_VERSION}; train it anew")]
    Version { found: u32 },
    #[error("uses the stemmer `{found}`, and this version of petition has `{ALGORITHM}`; train it anew")]
    Stemmer { found: String },
    #[error("holds a taxonomy that cannot be used: {0}")]
    Taxonomy(#[from] PartsError),
    #[error("holds a config that cannot be used: {0}")]
    Config(#[from] ConfigError),
    #[error("lacks the tensor `{0}`")]
    NoTensor(&'static str),
    #[error("has a tensor `{name}` of type {found}, where {expected} belongs")]
    TensorType { name: &'static str, expected: String, found: String },
    #[error("has a tensor `{name}` of shape {found:?}, where {expected:?} belongs")]
    TensorShape { name: &'static str, expected: Vec<usize>, found: Vec<usize> },
    #[error("holds a text `{0}` that is no UTF-8")]
    BadText(&'static str),
    #[error("has a value in `{name}` that is out of range: {value}")]
    BadValue { name: &'static str, value: f64 },
    #[error("holds columns that do not fit: {0}")]
    Features(#[from] FeatureSpaceError),
    #[error("has bytes that differ from what its header promises; the file is damaged")]
    Checksum,
}

/// What stands beside the tensors.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format_version: u32,
    stemmer: String,
    /// CRC-32 over all tensors' bytes, in the order of their names.
    tensors_crc32: u32,
    config: Config,
    training: TrainingInfo,
    /// The labels and groups; the taxonomy's text, symbols and compiled terms are tensors.
    taxonomy: Outline,
}

impl Model {
    /// The bytes of the model's file; the same model gives the same bytes.
    ///
    /// # Errors
    /// Only if the tensors do not fit into the format, which a trained model's do.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelError> {
        let lines = |lines: &mut dyn Iterator<Item = &str>| lines.collect::<Vec<_>>().join("\n").into_bytes();
        let u32_bytes = |values: &[u32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
        let f32_bytes = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
        let taxonomy = &self.taxonomy;
        let parts = taxonomy.matcher.parts();
        let columns: Vec<u8> = self.space.packed().iter().flat_map(|c| c.to_le_bytes()).collect();
        let text = |name, bytes: Vec<u8>| (name, Dtype::U8, vec![bytes.len()], bytes);
        let numbers = |name, values: &[u32]| (name, Dtype::U32, vec![values.len()], u32_bytes(values));
        let (n, k) = (self.space.n_columns(), self.n_outputs());
        // In the order of their names, as the format writes those of one type.
        let tensors = [
            numbers("anchors", &parts.layout.anchors),
            numbers("classes", &parts.classes),
            ("columns", Dtype::U64, vec![n], columns),
            ("idf", Dtype::F32, vec![n], f32_bytes(self.space.idf())),
            ("intercepts", Dtype::F32, vec![k], f32_bytes(&self.intercepts)),
            numbers("masks", &parts.layout.masks),
            numbers("openings", &parts.layout.openings),
            numbers("patterns", &parts.patterns),
            text("stems", lines(&mut self.space.stems().iter())),
            numbers("symbol_bits", &parts.layout.bits),
            text("symbols", lines(&mut taxonomy.symbols.written())),
            text("taxonomy", taxonomy.source().as_bytes().to_vec()),
            text("terms", lines(&mut taxonomy.terms.iter().map(|t| &*t.pattern))),
            ("thresholds", Dtype::F32, vec![self.thresholds.len()], f32_bytes(&self.thresholds)),
            ("weights", Dtype::F32, vec![n, k], f32_bytes(&self.weights)),
        ];
        let header = Header {
            format_version: FORMAT_VERSION,
            stemmer: ALGORITHM.to_owned(),
            tensors_crc32: checksum(tensors.iter().map(|(_, _, _, bytes)| bytes.as_slice())),
            config: (**self.config()).clone(),
            training: self.training.clone(),
            taxonomy: taxonomy.outline(),
        };
        let json = serde_json::to_string(&header).map_err(|e| ModelError::BadHeader(e.to_string()))?;
        let json = format!("{json}\n{:08x}", crc32fast::hash(json.as_bytes()));
        let broken = |e: safetensors::SafeTensorError| ModelError::NotSafetensors(e.to_string());
        let mut views = Vec::new();
        for (name, dtype, shape, bytes) in &tensors {
            views.push((*name, TensorView::new(*dtype, shape.clone(), bytes).map_err(broken)?));
        }
        safetensors::serialize(views, Some(HashMap::from([(HEADER.to_owned(), json)]))).map_err(broken)
    }

    /// Reads a model from the bytes of its file.
    ///
    /// # Errors
    /// Whatever does not fit; a damaged file gives no model.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        Self::read(bytes, &Copied)
    }

    /// Reads a model from bytes that are part of the program: what can be is used where it stands, and damage is not looked for.
    pub(crate) fn from_static(bytes: &'static [u8]) -> Result<Self, ModelError> {
        Self::read(bytes, &InPlace)
    }

    fn read<'b>(bytes: &'b [u8], take: &impl Take<'b>) -> Result<Self, ModelError> {
        let broken = |e: safetensors::SafeTensorError| ModelError::NotSafetensors(e.to_string());
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(broken)?;
        let json = metadata.metadata().as_ref().and_then(|m| m.get(HEADER)).ok_or(ModelError::NoHeader)?;
        // The header, and its checksum on a line of its own.
        let (json, written) = json.rsplit_once('\n').unwrap_or((json, ""));
        check_version(json)?;
        if written != format!("{:08x}", crc32fast::hash(json.as_bytes())) {
            return Err(ModelError::Checksum);
        }
        let header: Header = serde_json::from_str(json).map_err(|e| ModelError::BadHeader(e.to_string()))?;
        if header.stemmer != ALGORITHM {
            return Err(ModelError::Stemmer { found: header.stemmer });
        }
        let file = SafeTensors::deserialize(bytes).map_err(broken)?;
        let config = header.config.check()?;
        // The checksum is over all tensors in the order of their names, as they are asked for here.
        let mut crc = crc32fast::Hasher::new();
        let mut data = |name, dtype, shape: Option<Vec<usize>>| -> Result<&'b [u8], ModelError> {
            let view = file.tensor(name).map_err(|_| ModelError::NoTensor(name))?;
            if view.dtype() != dtype {
                let (expected, found) = (format!("{dtype:?}"), format!("{:?}", view.dtype()));
                return Err(ModelError::TensorType { name, expected, found });
            }
            if let Some(expected) = shape.filter(|s| s != view.shape()) {
                return Err(ModelError::TensorShape { name, expected, found: view.shape().to_vec() });
            }
            if take.checks() {
                crc.update(view.data());
            }
            Ok(view.data())
        };
        let k = header.taxonomy.n_labels();
        let anchors = data("anchors", Dtype::U32, None)?;
        let classes = data("classes", Dtype::U32, None)?;
        let columns = data("columns", Dtype::U64, None)?;
        let n = columns.len() / 8;
        let idf = data("idf", Dtype::F32, Some(vec![n]))?;
        let intercepts = data("intercepts", Dtype::F32, Some(vec![k]))?;
        let masks = data("masks", Dtype::U32, None)?;
        let openings = data("openings", Dtype::U32, None)?;
        let patterns = data("patterns", Dtype::U32, None)?;
        let stems = data("stems", Dtype::U8, None)?;
        let bits = data("symbol_bits", Dtype::U32, None)?;
        let symbols = data("symbols", Dtype::U8, None)?;
        let source = data("taxonomy", Dtype::U8, None)?;
        let terms = data("terms", Dtype::U8, None)?;
        let thresholds = data("thresholds", Dtype::F32, Some(vec![header.taxonomy.n_topics()]))?;
        let weights = data("weights", Dtype::F32, Some(vec![n, k]))?;
        if take.checks() && crc.finalize() != header.tensors_crc32 {
            return Err(ModelError::Checksum);
        }
        let text = |name, bytes| std::str::from_utf8(bytes).map_err(|_| ModelError::BadText(name));
        let layout = Layout {
            bits: take.numbers(bits),
            masks: take.numbers(masks),
            anchors: take.numbers(anchors),
            openings: take.numbers(openings),
        };
        let parts = Parts { classes: take.numbers(classes), patterns: take.numbers(patterns), layout };
        let taxonomy = Taxonomy::from_parts(
            header.taxonomy,
            take.text(text("taxonomy", source)?),
            text("symbols", symbols)?,
            text("terms", terms)?.lines().map(|term| take.text(term)),
            parts,
        )?;

        let stems = text("stems", stems)?.lines().map(Into::into).collect();
        let floats = |name, bytes, low: f32, high: f32| {
            let values = take.floats(bytes);
            // All of them first, which is many at once; one by one only to name the bad one.
            let good = !take.checks() || values.iter().fold(true, |good, v| good & (*v >= low) & (*v <= high));
            let bad = if good { None } else { values.iter().find(|v| !(low..=high).contains(*v)) };
            match bad {
                Some(&value) => Err(ModelError::BadValue { name, value: f64::from(value) }),
                None => Ok(values),
            }
        };
        let idf = floats("idf", idf, f32::MIN_POSITIVE, f32::MAX)?;
        let space = FeatureSpace::from_parts(stems, take.columns(columns), idf, config.features.clone(), &taxonomy)?;
        Ok(Self {
            weights: floats("weights", weights, f32::MIN, f32::MAX)?,
            intercepts: floats("intercepts", intercepts, f32::MIN, f32::MAX)?.into_owned(),
            thresholds: floats("thresholds", thresholds, 0.0, 1.0)?.into_owned(),
            taxonomy,
            space,
            config,
            training: header.training,
        })
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// Whatever [`Model::from_bytes`] refuses, and a file that cannot be read.
    pub fn load(path: &Path) -> Result<Self, ModelError> {
        Self::from_bytes(&std::fs::read(path)?)
    }
}

/// Looks at the version before anything else, so that a file of another version is refused as such.
fn check_version(json: &str) -> Result<(), ModelError> {
    #[derive(Deserialize)]
    struct Version {
        format_version: u32,
    }
    let version: Version = serde_json::from_str(json).map_err(|e| ModelError::BadHeader(e.to_string()))?;
    match version.format_version {
        FORMAT_VERSION => Ok(()),
        found => Err(ModelError::Version { found }),
    }
}

/// How a model takes what stands in its file.
trait Take<'b> {
    /// Damage is looked for.
    fn checks(&self) -> bool;
    fn text(&self, text: &'b str) -> Cow<'static, str>;
    fn floats(&self, bytes: &'b [u8]) -> Cow<'static, [f32]>;
    fn columns(&self, bytes: &'b [u8]) -> Cow<'static, [u64]>;
    fn numbers(&self, bytes: &'b [u8]) -> Numbers;
}

/// From bytes that may go away, and may be anything.
struct Copied;

impl Take<'_> for Copied {
    fn checks(&self) -> bool {
        true
    }

    fn text(&self, text: &str) -> Cow<'static, str> {
        text.to_owned().into()
    }

    fn floats(&self, bytes: &[u8]) -> Cow<'static, [f32]> {
        bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
    }

    fn columns(&self, bytes: &[u8]) -> Cow<'static, [u64]> {
        bytes.as_chunks().0.iter().map(|b| u64::from_le_bytes(*b)).collect()
    }

    fn numbers(&self, bytes: &[u8]) -> Numbers {
        bytes.as_chunks().0.iter().map(|b| u32::from_le_bytes(*b)).collect()
    }
}

/// From the program itself, which the tests have read with [`Copied`].
struct InPlace;

impl Take<'static> for InPlace {
    fn checks(&self) -> bool {
        false
    }

    fn text(&self, text: &'static str) -> Cow<'static, str> {
        text.into()
    }

    fn floats(&self, bytes: &'static [u8]) -> Cow<'static, [f32]> {
        in_place(bytes).map_or_else(|| Copied.floats(bytes), Cow::Borrowed)
    }

    fn columns(&self, bytes: &'static [u8]) -> Cow<'static, [u64]> {
        in_place(bytes).map_or_else(|| Copied.columns(bytes), Cow::Borrowed)
    }

    fn numbers(&self, bytes: &'static [u8]) -> Numbers {
        in_place(bytes).map_or_else(|| Copied.numbers(bytes), Cow::Borrowed)
    }
}

/// The numbers that bytes are, if this machine writes and lays them so.
fn in_place<T: bytemuck::AnyBitPattern>(bytes: &[u8]) -> Option<&[T]> {
    bytemuck::try_cast_slice(bytes).ok().filter(|_| cfg!(target_endian = "little"))
}

/// Finds damage; whoever can write the file can write the checksum too.
fn checksum<'b>(tensors: impl Iterator<Item = &'b [u8]>) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    tensors.for_each(|bytes| crc.update(bytes));
    crc.finalize()
}
