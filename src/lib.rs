//! test
pub mod automaton;
pub mod math;
pub mod logistic;
pub mod pattern;
pub mod sparse;
pub mod stem;
pub mod taxonomy;
