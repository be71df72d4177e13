//! `petition` reads documents, cuts them into sentences and labels each one: is it a demand, a commitment, a policy or none,
//! and which topics does it touch? Probabilities are calibrated, and every label can be explained to the last decimal.
//!
//! The stages, in order, each a module:
//!
//! [`document`] → [`sentence`] → [`stem`] → [`features`] → [`model`] → [`review`] → [`record`], over many documents in [`batch`].
//!
//! A model is learned in [`mod@train`] from [`labels`] and a [`taxonomy`], with [`logistic`] and [`softmax`] regression
//! over [`sparse`] rows, [`calibrate`]d and [`mod@evaluate`]d out of fold, and kept by [`model_file`].
//!
//! ```
//! use petition::features::Text;
//! use petition::model::Model;
//! use petition::sentence;
//!
//! let text = "We demand that the city:\n- ban chokeholds;\n- publish stop data.\n\nIt rained all night.";
//! let model = Model::shipped()?;
//! let mut reader = model.reader();
//! let labels: Vec<(String, String)> = sentence::split(text)
//!     .into_iter()
//!     .map(|s| {
//!         let prediction = reader.classify(&Text { sentence: s.text, title: None, lead: s.lead });
//!         (model.taxonomy().acts[prediction.act].id.clone(), model.taxonomy().join_topics(prediction.topics))
//!     })
//!     .collect();
//! assert_eq!(labels[1], ("demand".to_owned(), "use-of-force".to_owned()));
//! assert_eq!(labels[2].0, "demand");
//! assert_eq!(labels[3], ("none".to_owned(), String::new()));
//! # Ok::<(), petition::model_file::ModelError>(())
//! ```

pub mod agreement;
pub mod annotations;
pub mod audit;
pub mod batch;
pub mod bootstrap;
pub mod calibrate;
#[cfg(feature = "parquet")]
mod columns;
pub mod compare;
pub mod config;
pub mod context;
pub mod coverage;
pub mod digest;
pub mod document;
pub mod erasure;
pub mod evaluate;
pub mod exchange;
pub mod features;
pub mod krippendorff;
pub mod label_store;
pub mod labels;
pub mod logistic;
pub mod matcher;
pub mod math;
pub mod model;
pub mod model_file;
pub mod near_duplicates;
pub mod pattern;
pub mod queue;
mod random;
pub mod record;
pub mod report;
pub mod review;
mod scorer;
pub mod sentence;
pub mod shelf;
pub mod softmax;
pub mod sparse;
pub mod stem;
pub mod taxonomy;
pub mod train;
mod words;
