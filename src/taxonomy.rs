//! A taxonomy: acts, topics and contexts with their definitions and seed terms, read from one TOML file. Nothing else
//! in the crate knows the name of an act or a topic.
//!
//! ```toml
//! name = "housing"
//!
//! [lists]
//! landlord = "landlord | property owner | management company"
//!
//! [[act]]
//! id = "demand"
//! definition = "asks somebody to act"
//! cues = ["^ we demand", "(must | should) {landlord}"]
//!
//! [[act]]
//! id = "none"
//! definition = "anything else"
//! topics = false          # a sentence with this act carries no topics
//!
//! [[topic]]
//! id = "rent"
//! definition = "rent control and rent levels"
//! excludes = "wages of tenants"
//! terms = ["rent (control | freeze)", "lower .. rent"]
//! hints = ["rent"]        # indicate the topic only beside other words
//!
//! [[context]]             # no label: words that tell senses apart
//! id = "housing"
//! terms = ["tenant", "lease", "{landlord}"]
//! ```

use crate::matcher::{BadParts, Matcher, Parts};
use crate::pattern::{Lists, PatternError, PatternReader, SymbolTable};
use crate::stem::{Stemmer, for_each_raw_word, normalise};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use thiserror::Error;
use toml::Spanned;

/// The most topics that a taxonomy may have.
pub const MAX_TOPICS: usize = 128;

/// A taxonomy that was read and checked, with its patterns compiled.
#[derive(Debug, Clone)]
pub struct Taxonomy {
    /// The taxonomy's name, as in its file.
    pub name: String,
    /// The acts, in the file's order, which is the order of precedence.
    pub acts: Vec<Label>,
    /// The number of the act that carries no topics, if there is one.
    pub act_without_topics: Option<usize>,
    /// The topics, in the file's order, which is the order of output.
    pub topics: Vec<Label>,
    /// All seed terms and cues; a term's number is its place.
    pub terms: Vec<Term>,
    /// The groups that the terms belong to; a group's number is its place.
    pub groups: Vec<Group>,
    /// Conditions on words, numbered.
    pub symbols: SymbolTable,
    /// All patterns, compiled; a match reports a term's number.
    pub matcher: Matcher,
    source: Cow<'static, str>,
}

/// An act or a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The short name that stands in CSV files.
    pub id: String,
    /// What it means.
    pub definition: String,
    /// What it does not mean.
    pub excludes: String,
}

/// One seed term or cue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The number of its group.
    pub group: u32,
    /// The pattern as it was written.
    pub pattern: Cow<'static, str>,
}

/// The terms of one list of one label, or of one context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Whose terms they are.
    pub owner: Owner,
    /// The name for people, as in `oversight hints`.
    pub name: String,
}

/// Whose terms a group holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Owner {
    /// Cues of the act of this number.
    Act(usize),
    /// Terms of the topic of this number.
    Topic(usize),
    /// Hints of the topic of this number.
    TopicHint(usize),
    /// Terms of the context of this number.
    Context(usize),
}

/// What is wrong with a taxonomy file; lines and columns count from 1.
#[derive(Debug, Error)]
#[allow(missing_docs)]
pub enum TaxonomyError {
    #[error("line {line}, column {column}: {message}")]
    Toml { line: usize, column: usize, message: String },
    #[error("line {line}, column {column}: {source}, in `{pattern}`")]
    Pattern { line: usize, column: usize, pattern: String, source: PatternError },
    #[error("line {line}, column {column}: the name `{id}` must be letters, digits, `-` or `_`")]
    BadName { line: usize, column: usize, id: String },
    #[error("line {line}, column {column}: `{id}` stands twice; give each act, topic or context its own name")]
    Duplicate { line: usize, column: usize, id: String },
    #[error("a taxonomy needs at least two [[act]] tables, this one has {0}")]
    TooFewActs(usize),
    #[error("a taxonomy may have up to {MAX_TOPICS} topics, this one has {0}")]
    TooManyTopics(usize),
    #[error("`topics = false` stands at {0} acts; at most one act goes without topics")]
    SeveralWithoutTopics(usize),
}

/// What a stored taxonomy holds beside its source, symbols and patterns.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Outline {
    name: String,
    acts: Vec<Label>,
    act_without_topics: Option<usize>,
    topics: Vec<Label>,
    /// Each with the number of its terms.
    groups: Vec<(Group, usize)>,
}

impl Outline {
    pub fn n_labels(&self) -> usize {
        self.acts.len() + self.topics.len()
    }

    pub fn n_topics(&self) -> usize {
        self.topics.len()
    }
}

/// Why stored parts make no taxonomy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[allow(missing_docs)]
pub enum PartsError {
    #[error("its acts, topics and groups do not fit together")]
    Outline,
    #[error("it names {named} terms and has {compiled} compiled")]
    Terms { named: usize, compiled: usize },
    #[error(transparent)]
    Patterns(#[from] BadParts),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    #[serde(default)]
    lists: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    act: Vec<ActTable>,
    #[serde(default)]
    topic: Vec<TopicTable>,
    #[serde(default)]
    context: Vec<ContextTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ActTable {
    id: Spanned<String>,
    definition: String,
    #[serde(default)]
    excludes: String,
    #[serde(default = "yes")]
    topics: bool,
    #[serde(default)]
    cues: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TopicTable {
    id: Spanned<String>,
    definition: String,
    #[serde(default)]
    excludes: String,
    #[serde(default)]
    terms: Vec<Spanned<String>>,
    #[serde(default)]
    hints: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContextTable {
    id: Spanned<String>,
    #[serde(default)]
    #[allow(dead_code)]
    definition: String,
    #[serde(default)]
    terms: Vec<Spanned<String>>,
}

fn yes() -> bool {
    true
}

/// A new taxonomy file, to be filled in: each label with a definition to write, and its own name as the first term.
///
/// ```
/// use petition::taxonomy::{Taxonomy, template};
/// let names = |names: [&str; 2]| names.map(str::to_owned);
/// let taxonomy = Taxonomy::read(&template("lunch", &names(["ask", "none"]), &names(["soup", "hot-bread"])))?;
/// assert_eq!(taxonomy.terms[2].pattern, "hot bread");
/// # Ok::<(), petition::taxonomy::TaxonomyError>(())
/// ```
pub fn template(name: &str, acts: &[String], topics: &[String]) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let word = |id: &str| quoted(&id.replace(['-', '_'], " "));
    let mut text = format!(
        "# What a sentence can be, and words that point to it. docs/taxonomy.md explains the notation of cues and terms.\n\nname = {}\n\n\
         # Named alternatives, for use as {{name}} in cues and terms.\n[lists]\n",
        quoted(name)
    );
    for (place, act) in acts.iter().enumerate() {
        let last = place + 1 == acts.len();
        let order =
            if place == 0 { "\n# Every sentence gets exactly one act; where several fit, the first.\n" } else { "\n" };
        let topics =
            if last { "topics = false                  # a sentence with this act carries no topics\n" } else { "" };
        text += &format!(
            "{order}[[act]]\nid = {}\ndefinition = \"\"                 # what a coder is told\nexcludes = \"\"\n{topics}",
            quoted(act)
        );
        text += &if last { "cues = []\n".to_owned() } else { format!("cues = [{}]\n", word(act)) };
    }
    for (place, topic) in topics.iter().enumerate() {
        let any = if place == 0 { "\n# A sentence gets any number of topics.\n" } else { "\n" };
        text += &format!(
            "{any}[[topic]]\nid = {}\ndefinition = \"\"\nexcludes = \"\"\nterms = [{}]{}\nhints = []{}\n",
            quoted(topic),
            word(topic),
            if place == 0 { "                    # precise in nearly any text" } else { "" },
            if place == 0 { "                      # point to the topic only beside other words" } else { "" },
        );
    }
    text
}

impl Taxonomy {
    /// Reads a taxonomy from the text of its file.
    ///
    /// # Errors
    /// The first thing that is wrong, with its line and column.
    ///
    /// ```
    /// let text = r#"
    /// name = "tiny"
    /// [[act]]
    /// id = "demand"
    /// definition = "asks"
    /// cues = ["we (demand"]
    /// [[act]]
    /// id = "none"
    /// definition = "anything else"
    /// "#;
    /// let error = petition::taxonomy::Taxonomy::read(text).unwrap_err();
    /// assert_eq!(error.to_string(), "line 6, column 13: `(` has no `)`, in `we (demand`");
    /// ```
    pub fn read(text: &str) -> Result<Self, TaxonomyError> {
        let toml_error = |e: toml::de::Error| {
            let (line, column) = position(text, e.span().map_or(0, |s| s.start));
            TaxonomyError::Toml { line, column, message: e.message().to_owned() }
        };
        let file: File = toml::from_str(text).map_err(toml_error)?;
        // A list may use those above it, so they are read in the order in which they stand.
        let mut written: Vec<_> = file.lists.into_iter().collect();
        written.sort_by_key(|(_, value)| value.span().start);

        let stemmer = Stemmer::default();
        let mut symbols = SymbolTable::default();
        let mut lists = Lists::new();
        for (name, value) in written {
            let read = PatternReader { stemmer: &stemmer, symbols: &mut symbols, lists: &lists }
                .read_list(value.get_ref())
                .map_err(|e| pattern_error(text, &value, e))?;
            lists.insert(name, read);
        }

        if file.act.len() < 2 {
            return Err(TaxonomyError::TooFewActs(file.act.len()));
        }
        if file.topic.len() > MAX_TOPICS {
            return Err(TaxonomyError::TooManyTopics(file.topic.len()));
        }
        check_names(text, file.act.iter().map(|a| &a.id).chain(file.topic.iter().map(|t| &t.id)))?;
        check_names(text, file.context.iter().map(|c| &c.id))?;
        let without: Vec<_> = (0..file.act.len()).filter(|&a| !file.act[a].topics).collect();
        if without.len() > 1 {
            return Err(TaxonomyError::SeveralWithoutTopics(without.len()));
        }

        let mut owned: Vec<(Owner, String, &[Spanned<String>])> = Vec::new();
        for (a, act) in file.act.iter().enumerate() {
            owned.push((Owner::Act(a), format!("{} cues", act.id.get_ref()), &act.cues));
        }
        for (t, topic) in file.topic.iter().enumerate() {
            owned.push((Owner::Topic(t), format!("{} terms", topic.id.get_ref()), &topic.terms));
            owned.push((Owner::TopicHint(t), format!("{} hints", topic.id.get_ref()), &topic.hints));
        }
        for (c, context) in file.context.iter().enumerate() {
            owned.push((Owner::Context(c), format!("{} context", context.id.get_ref()), &context.terms));
        }
        let (mut terms, mut patterns, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        for (owner, name, written) in owned {
            for value in written {
                let pattern = PatternReader { stemmer: &stemmer, symbols: &mut symbols, lists: &lists }
                    .read(value.get_ref())
                    .map_err(|e| pattern_error(text, value, e))?;
                patterns.push(pattern);
                // A term is one line wherever it is shown or kept.
                let written = value.get_ref().split_whitespace().collect::<Vec<_>>().join(" ");
                terms.push(Term { group: groups.len() as u32, pattern: written.into() });
            }
            groups.push(Group { owner, name });
        }
        let label = |id: &Spanned<String>, definition: &String, excludes: &String| Label {
            id: id.get_ref().clone(),
            definition: definition.clone(),
            excludes: excludes.clone(),
        };
        Ok(Self {
            name: file.name,
            acts: file.act.iter().map(|a| label(&a.id, &a.definition, &a.excludes)).collect(),
            act_without_topics: without.first().copied(),
            topics: file.topic.iter().map(|t| label(&t.id, &t.definition, &t.excludes)).collect(),
            terms,
            groups,
            matcher: Matcher::new(&patterns, symbols.len()),
            symbols,
            source: text.to_owned().into(),
        })
    }

    /// The taxonomy but for its source, symbols and patterns, for the model file.
    pub(crate) fn outline(&self) -> Outline {
        let sizes = self.group_sizes();
        Outline {
            name: self.name.clone(),
            acts: self.acts.clone(),
            act_without_topics: self.act_without_topics,
            topics: self.topics.clone(),
            groups: self.groups.iter().cloned().zip(sizes).collect(),
        }
    }

    /// Puts a stored taxonomy together again, without reading its source. Symbols and terms are lines.
    pub(crate) fn from_parts(
        outline: Outline,
        source: Cow<'static, str>,
        symbols: &str,
        terms: impl Iterator<Item = Cow<'static, str>>,
        patterns: Parts,
    ) -> Result<Self, PartsError> {
        let Outline { name, acts, act_without_topics, topics, groups: sized } = outline;
        if acts.len() < 2 || topics.len() > MAX_TOPICS || act_without_topics.is_some_and(|a| a >= acts.len()) {
            return Err(PartsError::Outline);
        }
        let symbols = SymbolTable::from_written(symbols.lines());
        let matcher = Matcher::from_parts(patterns, symbols.len())?;
        let (mut groups, mut group_of_term) = (Vec::new(), Vec::new());
        for (group, n_terms) in sized {
            let owned = match group.owner {
                Owner::Act(act) => act < acts.len(),
                Owner::Topic(topic) | Owner::TopicHint(topic) => topic < topics.len(),
                Owner::Context(_) => true,
            };
            if !owned || n_terms > matcher.n_patterns() - group_of_term.len() {
                return Err(PartsError::Outline);
            }
            group_of_term.resize(group_of_term.len() + n_terms, groups.len() as u32);
            groups.push(group);
        }
        let written: Vec<_> = terms.collect();
        if written.len() != matcher.n_patterns() || group_of_term.len() != matcher.n_patterns() {
            return Err(PartsError::Terms { named: written.len(), compiled: matcher.n_patterns() });
        }
        let terms = written.into_iter().zip(group_of_term).map(|(pattern, group)| Term { group, pattern }).collect();
        Ok(Self { name, acts, act_without_topics, topics, terms, groups, symbols, matcher, source })
    }

    /// Makes matching fast for text like this; what matches does not change.
    pub fn tune<'t>(&mut self, texts: impl Iterator<Item = &'t str>) {
        let mut words: HashMap<&str, u64> = HashMap::new();
        texts.for_each(|text| for_each_raw_word(text, |raw| *words.entry(raw).or_default() += 1));
        let stemmer = Stemmer::default();
        let (mut normal, mut symbols) = (String::new(), Vec::new());
        let mut counts = vec![0; self.symbols.len()];
        for (raw, count) in words {
            normalise(raw, &mut normal);
            symbols.clear();
            self.symbols.of_word(&normal, &stemmer.stem(&normal), &mut symbols);
            symbols.iter().for_each(|&s| counts[s as usize] += count);
        }
        self.matcher.tune(&counts);
    }

    /// The text of the file that this was read from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The number of the act of this name.
    pub fn act(&self, id: &str) -> Option<usize> {
        self.acts.iter().position(|a| a.id == id)
    }

    /// The number of the topic of this name.
    pub fn topic(&self, id: &str) -> Option<usize> {
        self.topics.iter().position(|t| t.id == id)
    }

    /// How many terms each group has, in the groups' order.
    pub fn group_sizes(&self) -> Vec<usize> {
        let mut sizes = vec![0; self.groups.len()];
        for term in &self.terms {
            sizes[term.group as usize] += 1;
        }
        sizes
    }

    /// Reads topics joined by `|`; the empty text is the empty set.
    ///
    /// # Errors
    /// The first name that is no topic.
    pub fn read_topics<'t>(&self, joined: &'t str) -> Result<TopicSet, &'t str> {
        let mut set = TopicSet::default();
        for id in joined.split('|').map(str::trim).filter(|t| !t.is_empty()) {
            set.insert(self.topic(id).ok_or(id)?);
        }
        Ok(set)
    }

    /// Writes topics joined by `|`, in the taxonomy's order.
    pub fn join_topics(&self, set: TopicSet) -> String {
        let mut out = Vec::new();
        self.write_topics(set, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Appends topics as [`Taxonomy::join_topics`] joins them.
    pub fn write_topics(&self, set: TopicSet, out: &mut Vec<u8>) {
        for (at, topic) in set.iter().enumerate() {
            if at > 0 {
                out.push(b'|');
            }
            out.extend_from_slice(self.topics[topic].id.as_bytes());
        }
    }
}

/// A set of topics, by number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TopicSet(u128);

impl TopicSet {
    /// Adds a topic by number (below [`MAX_TOPICS`]).
    pub fn insert(&mut self, topic: usize) {
        self.0 |= 1 << topic;
    }

    /// The set holds this topic.
    pub fn contains(self, topic: usize) -> bool {
        self.0 >> topic & 1 == 1
    }

    /// No topic.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The topics' numbers, increasing.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let topic = rest.trailing_zeros() as usize;
            (rest != 0).then(|| {
                rest &= rest - 1;
                topic
            })
        })
    }
}

fn check_names<'a>(text: &str, ids: impl Iterator<Item = &'a Spanned<String>>) -> Result<(), TaxonomyError> {
    let mut seen = HashSet::new();
    for id in ids {
        let (line, column) = position(text, id.span().start);
        let name = id.get_ref();
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_') {
            return Err(TaxonomyError::BadName { line, column, id: name.clone() });
        }
        if !seen.insert(name) {
            return Err(TaxonomyError::Duplicate { line, column, id: name.clone() });
        }
    }
    Ok(())
}

/// Line and column, from 1, of a byte offset.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(offset.min(text.len()))];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

fn pattern_error(text: &str, value: &Spanned<String>, source: PatternError) -> TaxonomyError {
    // The pattern's own text begins behind its opening quote; escapes or long strings only shift the column.
    let (line, column) = position(text, value.span().start + 1 + source.offset);
    TaxonomyError::Pattern { line, column, pattern: value.get_ref().clone(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TINY: &str = r#"name = "tiny"
[lists]
who = "mayor | council"
all = "{who} | city"
[[act]]
id = "demand"
definition = "asks"
cues = ["^ we demand", "{all} (must | should)"]
[[act]]
id = "none"
definition = "anything else"
topics = false
[[topic]]
id = "rent"
definition = "rents"
terms = ["rent control"]
hints = ["rent"]
"#;

    #[test]
    fn reads_acts_topics_and_terms() {
        let taxonomy = Taxonomy::read(TINY).expect("well formed");
        assert_eq!(taxonomy.act("none"), Some(1));
        assert_eq!(taxonomy.act_without_topics, Some(1));
        assert_eq!(taxonomy.group_sizes(), [2, 0, 1, 1]);
        assert_eq!(taxonomy.groups[3].owner, Owner::TopicHint(0));
        let set = taxonomy.read_topics("rent|").expect("known");
        assert_eq!(taxonomy.join_topics(set), "rent");
        assert_eq!(taxonomy.read_topics("rent|tax"), Err("tax"));
    }

    #[test]
    fn errors_name_line_and_column() {
        for (from, to, expected) in [
            ("rent control\"", "rent (control\"", "line 16, column 16: `(` has no `)`, in `rent (control`"),
            (
                "who = \"mayor",
                "who = \"mayor | ",
                "line 3, column 17: an alternative is empty; write a word, or `?` behind the group to make it optional, in `mayor |  | council`",
            ),
            (
                "id = \"none\"",
                "id = \"demand\"",
                "line 10, column 6: `demand` stands twice; give each act, topic or context its own name",
            ),
            (
                "id = \"rent\"",
                "id = \"rent|x\"",
                "line 14, column 6: the name `rent|x` must be letters, digits, `-` or `_`",
            ),
            (
                "hints =",
                "hint =",
                "line 17, column 1: unknown field `hint`, expected one of `id`, `definition`, `excludes`, `terms`, `hints`",
            ),
            ("topics = false", "topics = 3", "line 12, column 10: invalid type: integer `3`, expected a boolean"),
            (
                "{who} |",
                "{all} |",
                "line 4, column 8: no list is named `all`; add it under [lists], above its first use by another list, in `{all} | city`",
            ),
        ] {
            let text = TINY.replacen(from, to, 1);
            assert_ne!(text, TINY, "{from}");
            assert_eq!(Taxonomy::read(&text).expect_err(to).to_string(), expected);
        }
    }
}
