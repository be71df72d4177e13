//! How a model is trained: defaults, read from TOML, checked, stored in the model.

use crate::features::Feature;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Everything that training can be told. Unknown keys are refused.
///
/// ```
/// let config = petition::config::Config::read("[topics]\nc = 2.0\n")?.check()?;
/// assert_eq!(config.topics.c, 2.0);
/// assert_eq!(config.folds, 5);
/// # Ok::<(), petition::config::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Folds of cross-validation, by document; 2 and above.
    pub folds: usize,
    /// The seed of all that is drawn at random.
    pub seed: u64,
    /// Resamples of documents for confidence intervals.
    pub resamples: usize,
    /// Which features count, and how much.
    pub features: FeatureConfig,
    /// The act head.
    pub acts: HeadConfig,
    /// The topic head.
    pub topics: HeadConfig,
}

/// Which features count, and how much.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeatureConfig {
    /// A word or pair counts when sentences of at least this many training documents show it.
    pub min_documents: u32,
    /// Pairs of neighbouring words count.
    pub pairs: bool,
    /// The weight of a seed term's or cue's hit, beside words of length 1.
    pub term_weight: f32,
    /// The weight of a hit by any term of a group.
    pub group_weight: f32,
    /// The weight of a group's hit in a context.
    pub context_weight: f32,
    /// The weight of title words.
    pub title_word_weight: f32,
    /// The weight of hits in the title.
    pub title_weight: f32,
    /// The weight of marks of form.
    pub mark_weight: f32,
}

/// How one head is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HeadConfig {
    /// The inverse strength of regularisation, above 0.
    pub c: f64,
    /// How many times a label's positive rows count, above 0.
    pub positive_weight: f64,
}

/// What is wrong with a config.
#[derive(Debug, Error)]
#[allow(missing_docs)]
pub enum ConfigError {
    #[error("line {line}: {message}")]
    Toml { line: usize, message: String },
    #[error("{}", .0.join("; "))]
    Invalid(Vec<String>),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            folds: 5,
            seed: 1,
            resamples: 500,
            features: FeatureConfig::default(),
            acts: HeadConfig { c: 1.0, positive_weight: 1.0 },
            topics: HeadConfig { c: 1.0, positive_weight: 1.0 },
        }
    }
}

impl Default for FeatureConfig {
    fn default() -> Self {
        Self {
            min_documents: 5,
            pairs: true,
            term_weight: 0.5,
            group_weight: 0.5,
            context_weight: 0.3,
            title_word_weight: 0.1,
            title_weight: 0.3,
            mark_weight: 0.3,
        }
    }
}

impl Default for HeadConfig {
    fn default() -> Self {
        Self { c: 1.0, positive_weight: 1.0 }
    }
}

impl FeatureConfig {
    /// A feature that sentences of `n_documents` show becomes a column.
    pub(crate) fn keeps(&self, feature: Feature, n_documents: u32) -> bool {
        match feature {
            Feature::Word(_) | Feature::Opening(_) => n_documents >= self.min_documents,
            Feature::Pair(..) | Feature::OpeningPair(..) => self.pairs && n_documents >= self.min_documents,
            Feature::TitleWord(_) => self.title_word_weight > 0.0 && n_documents >= self.min_documents,
            _ => self.sign_weight(feature) > 0.0,
        }
    }

    /// The weight of one hit of a sign.
    pub(crate) fn sign_weight(&self, feature: Feature) -> f32 {
        match feature {
            Feature::Term(_) => self.term_weight,
            Feature::Group(_) => self.group_weight,
            Feature::Beside(..) => self.context_weight,
            Feature::TitleWord(_) => self.title_word_weight,
            Feature::TitleGroup(_) | Feature::UnderTitle(..) => self.title_weight,
            Feature::Mark(_) => self.mark_weight,
            _ => 1.0,
        }
    }
}

impl Config {
    /// Reads a config from the text of a TOML file; what it does not name keeps its default.
    ///
    /// # Errors
    /// Unknown keys, wrong types and broken TOML, with the line.
    pub fn read(text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|e| ConfigError::Toml {
            line: text[..e.span().map_or(0, |s| s.start)].matches('\n').count() + 1,
            message: e.message().to_owned(),
        })
    }

    /// The config as a TOML file.
    pub fn write(&self) -> String {
        toml::to_string(self).unwrap_or_default()
    }

    /// Checks all values; the only door to training.
    ///
    /// # Errors
    /// Every value that is out of range.
    pub fn check(self) -> Result<CheckedConfig, ConfigError> {
        let mut wrong = Vec::new();
        if !(2..=100).contains(&self.folds) {
            wrong.push(format!("folds must be 2 to 100, not {}", self.folds));
        }
        if self.resamples > 1_000_000 {
            wrong.push(format!("resamples must be at most 1000000, not {}", self.resamples));
        }
        if self.features.min_documents == 0 {
            wrong.push("features.min_documents must be 1 or more, not 0".to_owned());
        }
        let f = &self.features;
        for (name, value) in [
            ("term_weight", f.term_weight),
            ("group_weight", f.group_weight),
            ("context_weight", f.context_weight),
            ("title_word_weight", f.title_word_weight),
            ("title_weight", f.title_weight),
            ("mark_weight", f.mark_weight),
        ] {
            if !(value.is_finite() && (0.0..=100.0).contains(&value)) {
                wrong.push(format!("features.{name} must be 0 to 100, not {value}"));
            }
        }
        for (name, head) in [("acts", &self.acts), ("topics", &self.topics)] {
            for (key, value) in [("c", head.c), ("positive_weight", head.positive_weight)] {
                if !(value.is_finite() && value > 0.0) {
                    wrong.push(format!("{name}.{key} must be above 0, not {value}"));
                }
            }
        }
        if wrong.is_empty() { Ok(CheckedConfig(self)) } else { Err(ConfigError::Invalid(wrong)) }
    }
}

/// A config whose values are all in range.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedConfig(Config);

impl std::ops::Deref for CheckedConfig {
    type Target = Config;

    fn deref(&self) -> &Config {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let config = Config { folds: 7, ..Config::default() };
        assert_eq!(Config::read(&config.write()).expect("reads"), config);
        assert_eq!(Config::read("").expect("reads"), Config::default());
    }

    #[test]
    fn all_that_is_wrong_is_said() {
        let text = "folds = 1\n[features]\nmin_documents = 0\n[acts]\nc = -1.0\n";
        assert_eq!(
            Config::read(text).expect("reads").check().expect_err("refused").to_string(),
            "folds must be 2 to 100, not 1; features.min_documents must be 1 or more, not 0; acts.c must be above 0, not -1"
        );
        let error = Config::read("folds = 5\nfold = 3\n").expect_err("refused").to_string();
        assert!(error.starts_with("line 2: unknown field `fold`"), "{error}");
    }
}
