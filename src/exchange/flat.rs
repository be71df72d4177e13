//! What is an act or a topic called in a tool that knows one flat list of labels?

use crate::evaluate::Labels;
use crate::taxonomy::Taxonomy;

/// Marks an act where an id is both an act's and a topic's.
const ACT: &str = "act:";
/// Marks a topic there.
const TOPIC: &str = "topic:";

/// An act or a topic, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlatLabel {
    /// The act of this number.
    Act(usize),
    /// The topic of this number.
    Topic(usize),
}

/// What a label may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An act or a topic.
    Any,
    /// An act.
    Act,
    /// A topic.
    Topic,
}

/// One list of labels for acts and topics: their ids, or, if an id is both an act's and a topic's, `act:ID` and
/// `topic:ID` for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlatLabels {
    /// The acts, then the topics.
    names: Vec<String>,
    n_acts: usize,
}

impl FlatLabels {
    /// The labels of a taxonomy.
    ///
    /// ```
    /// use petition::exchange::{FlatLabel, FlatLabels, Kind};
    /// let labels = FlatLabels::new(petition::model::Model::shipped()?.taxonomy());
    /// assert_eq!(labels.find("demand", Kind::Any), Some(FlatLabel::Act(0)));
    /// assert_eq!(labels.find("oversight", Kind::Any), Some(FlatLabel::Topic(0)));
    /// assert_eq!(labels.find("oversight", Kind::Act), None);
    /// # Ok::<(), petition::model_file::ModelError>(())
    /// ```
    pub fn new(taxonomy: &Taxonomy) -> Self {
        let ids = |labels: &[crate::taxonomy::Label]| labels.iter().map(|l| l.id.clone()).collect::<Vec<_>>();
        Self::of_ids(&ids(&taxonomy.acts), &ids(&taxonomy.topics))
    }

    fn of_ids(acts: &[String], topics: &[String]) -> Self {
        let shared = acts.iter().any(|act| topics.contains(act));
        let name = |prefix: &str, id: &String| if shared { format!("{prefix}{id}") } else { id.clone() };
        let names = acts.iter().map(|id| name(ACT, id)).chain(topics.iter().map(|id| name(TOPIC, id))).collect();
        Self { names, n_acts: acts.len() }
    }

    /// All labels of a kind, in the taxonomy's order, acts first.
    pub fn names(&self, kind: Kind) -> &[String] {
        match kind {
            Kind::Any => &self.names,
            Kind::Act => &self.names[..self.n_acts],
            Kind::Topic => &self.names[self.n_acts..],
        }
    }

    /// The labels of a row: its act, then its topics in the taxonomy's order.
    pub fn of(&self, labels: Labels) -> impl Iterator<Item = &str> {
        let topics = labels.topics.iter().map(|t| self.n_acts + t);
        std::iter::once(labels.act).chain(topics).filter_map(|at| self.names.get(at)).map(String::as_str)
    }

    /// The act or topic that a label stands for; `None` when there is none, or when a bare id is both and `kind` does not
    /// decide. `act:ID` and `topic:ID` are always understood.
    pub fn find(&self, name: &str, kind: Kind) -> Option<FlatLabel> {
        let (id, kind) = match (name.strip_prefix(ACT), name.strip_prefix(TOPIC)) {
            (Some(id), _) if kind != Kind::Topic => (id, Kind::Act),
            (_, Some(id)) if kind != Kind::Act => (id, Kind::Topic),
            _ => (name, kind),
        };
        let place = |kind: Kind, prefix: &str| {
            self.names(kind).iter().position(|known| known.strip_prefix(prefix).unwrap_or(known) == id)
        };
        let act = || place(Kind::Act, ACT).map(FlatLabel::Act);
        let topic = || place(Kind::Topic, TOPIC).map(FlatLabel::Topic);
        match kind {
            Kind::Act => act(),
            Kind::Topic => topic(),
            Kind::Any => match (act(), topic()) {
                (Some(_), Some(_)) => None,
                (act, topic) => act.or(topic),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(acts: &[&str], topics: &[&str]) -> FlatLabels {
        let owned = |ids: &[&str]| ids.iter().map(|&id| id.to_owned()).collect::<Vec<_>>();
        FlatLabels::of_ids(&owned(acts), &owned(topics))
    }

    #[test]
    fn ids_stand_alone_unless_one_is_both() {
        let apart = flat(&["ask", "none"], &["rent", "heat"]);
        assert_eq!(apart.names(Kind::Any), ["ask", "none", "rent", "heat"]);
        let shared = flat(&["ask", "none"], &["rent", "none"]);
        assert_eq!(shared.names(Kind::Any), ["act:ask", "act:none", "topic:rent", "topic:none"]);
        assert_eq!(shared.names(Kind::Topic), ["topic:rent", "topic:none"]);
        let mut labels = Labels { act: 1, topics: Default::default() };
        labels.topics.insert(1);
        assert_eq!(shared.of(labels).collect::<Vec<_>>(), ["act:none", "topic:none"]);
    }

    #[test]
    fn names_are_found_by_kind() {
        let apart = flat(&["ask", "none"], &["rent", "heat"]);
        let shared = flat(&["ask", "none"], &["rent", "none"]);
        for (labels, name, kind, expected) in [
            (&apart, "heat", Kind::Any, Some(FlatLabel::Topic(1))),
            (&apart, "heat", Kind::Act, None),
            (&apart, "topic:heat", Kind::Any, Some(FlatLabel::Topic(1))),
            (&apart, "act:heat", Kind::Any, None),
            (&apart, "tax", Kind::Any, None),
            (&shared, "none", Kind::Any, None),
            (&shared, "none", Kind::Act, Some(FlatLabel::Act(1))),
            (&shared, "act:none", Kind::Any, Some(FlatLabel::Act(1))),
            (&shared, "topic:none", Kind::Act, None),
            (&shared, "rent", Kind::Any, Some(FlatLabel::Topic(0))),
        ] {
            assert_eq!(labels.find(name, kind), expected, "{name} {kind:?}");
        }
    }
}
