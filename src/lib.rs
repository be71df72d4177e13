//! test
pub mod automaton;
pub mod math;
pub mod calibrate;
pub mod config;
pub mod document;
pub mod evaluate;
pub mod features;
pub mod labels;
pub mod logistic;
pub mod model;
pub mod model_file;
pub mod pattern;
pub mod softmax;
pub mod sparse;
pub mod stem;
pub mod taxonomy;
pub mod train;
