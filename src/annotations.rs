//! Labels files of several annotators → rows, each with what every annotator said of it. How far they agree is the neighbour's
//! question, [`mod@crate::agreement`].

use crate::evaluate::Labels;
use crate::labels::{LabelledRow, LabelsError, Unlabelled, csv_files, read_file};
use crate::taxonomy::Taxonomy;
use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// What several annotators said of the same rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotations {
    /// The annotators' names, in the order in which they first stand.
    pub annotators: Vec<String>,
    /// Every row that anybody labelled, in the order in which they first stand.
    pub rows: Vec<AnnotatedRow>,
    /// Rows of the files that have neither act nor topics, since nobody has labelled them yet.
    pub n_unlabelled: usize,
}

/// One sentence with the labels that each annotator gave it. Document and title are those of the annotator who comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnotatedRow {
    /// The row's own name, the same with every annotator.
    pub id: String,
    /// The document that the row comes from.
    pub document: String,
    /// The document's title, if there is one.
    pub title: Option<String>,
    /// The sentence.
    pub text: String,
    /// One an annotator; `None` where the annotator has not labelled the row.
    pub labels: Vec<Option<Labels>>,
}

impl AnnotatedRow {
    /// The labels that were given, in the annotators' order.
    pub fn given(&self) -> impl Iterator<Item = Labels> + '_ {
        self.labels.iter().flatten().copied()
    }

    /// Two annotators or more have labelled it.
    pub fn is_shared(&self) -> bool {
        self.given().nth(1).is_some()
    }

    /// What its annotators differ in: `act`, and the topics that some gave and others did not, in the taxonomy's order.
    pub fn differences<'t>(&self, taxonomy: &'t Taxonomy) -> Vec<&'t str> {
        let Some(first) = self.given().next() else { return Vec::new() };
        let act = self.given().any(|l| l.act != first.act).then_some("act");
        let differs = |&t: &usize| self.given().any(|l| l.topics.contains(t) != first.topics.contains(t));
        let topics = (0..taxonomy.topics.len()).filter(differs).map(|t| taxonomy.topics[t].id.as_str());
        act.into_iter().chain(topics).collect()
    }
}

/// What is wrong with the labels files of several annotators.
#[derive(Debug, Error)]
#[allow(missing_docs)]
pub enum AnnotationsError {
    #[error(transparent)]
    Labels(#[from] LabelsError),
    #[error("{}: is given twice; name each file once", path.display())]
    SameFile { path: PathBuf },
    #[error("{}:{line}: column `annotator` is empty; say who labelled the row, or take the column away so that the file's name says it", path.display())]
    NoAnnotator { path: PathBuf, line: u64 },
    #[error("{}:{line}: column `id`: `{annotator}` has labelled `{id}` already at {first}; an annotator labels a row once", path.display())]
    LabelledTwice { path: PathBuf, line: u64, annotator: String, id: String, first: String },
    #[error("{}:{line}: column `text`: row `{id}` has other words at {first}; rows are paired by id, so give other sentences other ids", path.display())]
    OtherText { path: PathBuf, line: u64, id: String, first: String },
    #[error("no row is labelled yet; fill in the columns `act` and `topics`")]
    NothingLabelled,
    #[error(
        "`{annotator}` labelled all rows; agreement needs another file, or a column `annotator` that says who labelled each row"
    )]
    OneAnnotator { annotator: String },
    #[error("no row was labelled by two annotators; rows are paired by id, and no id stands with two of them")]
    NoSharedRows,
    #[error(
        "no id stands with two annotators, yet {n_rows} rows have words that stand with another annotator too, as `{id}` of `{annotator}`; give the same sentence the same id"
    )]
    OtherIds { n_rows: usize, id: String, annotator: String },
}

impl Annotations {
    /// Reads labels files, or all `.csv` files of folders, and pairs their rows by `id`.
    ///
    /// Who labelled a row is told by the column `annotator`; in a file without it, by the file's name without its ending (and with its
    /// folders, where two files have one name). A row without act and topics is counted and passed over.
    ///
    /// # Errors
    /// What [`crate::labels::read`] would say of a file; a file given twice; a row that an annotator labelled twice; an id that has other
    /// words in another place; no row with two annotators.
    pub fn read(paths: &[PathBuf], taxonomy: &Taxonomy) -> Result<Self, AnnotationsError> {
        let mut files = Vec::new();
        for path in paths {
            files.extend(csv_files(path)?);
        }
        let mut seen = HashSet::new();
        for file in &files {
            // A file that is not there is told of when it is read.
            if !seen.insert(std::fs::canonicalize(file).unwrap_or_else(|_| file.clone())) {
                return Err(AnnotationsError::SameFile { path: file.clone() });
            }
        }
        let mut pairing = Pairing::default();
        let mut n_unlabelled = 0;
        for (file, name) in files.iter().zip(names(&files)) {
            n_unlabelled += read_file(file, taxonomy, Unlabelled::PassedOver, |line, annotator, row| {
                let annotator = annotator.map_or(name.as_str(), str::trim);
                if annotator.is_empty() {
                    return Err(AnnotationsError::NoAnnotator { path: file.clone(), line });
                }
                pairing.add(file, line, annotator, row)
            })?;
        }
        let Pairing { annotators, mut rows, .. } = pairing;
        rows.iter_mut().for_each(|row| row.labels.resize(annotators.len(), None));
        let all = Self { annotators, rows, n_unlabelled };
        all.check()?;
        Ok(all)
    }

    fn check(&self) -> Result<(), AnnotationsError> {
        match self.annotators.as_slice() {
            [] => return Err(AnnotationsError::NothingLabelled),
            [annotator] => return Err(AnnotationsError::OneAnnotator { annotator: annotator.clone() }),
            _ if self.shared().next().is_some() => return Ok(()),
            _ => {}
        }
        let alike = self.alone_alike();
        Err(match alike.first() {
            Some(&(row, annotator)) => AnnotationsError::OtherIds {
                n_rows: alike.len(),
                id: row.id.clone(),
                annotator: self.annotators[annotator].clone(),
            },
            None => AnnotationsError::NoSharedRows,
        })
    }

    /// The rows that two annotators or more have labelled.
    pub fn shared(&self) -> impl Iterator<Item = &AnnotatedRow> {
        self.rows.iter().filter(|row| row.is_shared())
    }

    /// The rows that one annotator alone has labelled, each with the annotator's number.
    pub fn alone(&self) -> impl Iterator<Item = (&AnnotatedRow, usize)> {
        let who = |row: &AnnotatedRow| row.labels.iter().position(Option::is_some).unwrap_or_default();
        self.rows.iter().filter(|row| !row.is_shared()).map(move |row| (row, who(row)))
    }

    /// Those of [`Annotations::alone`] whose words stand in a row of another annotator alone: their ids may be what differs.
    pub fn alone_alike(&self) -> Vec<(&AnnotatedRow, usize)> {
        let mut who: HashMap<&str, HashSet<usize>> = HashMap::new();
        self.alone().for_each(|(row, annotator)| {
            who.entry(&row.text).or_default().insert(annotator);
        });
        self.alone().filter(|(row, _)| who[row.text.as_str()].len() > 1).collect()
    }

    /// How many rows the annotator of this number has labelled.
    pub fn n_rows_of(&self, annotator: usize) -> usize {
        self.rows.iter().filter(|row| row.labels[annotator].is_some()).count()
    }

    /// Writes the rows on which annotators differ as CSV, for somebody to decide; gives their number.
    ///
    /// Columns: `id,document,title,text`, `act.NAME` of each annotator, `topics.NAME` of each, `differs` (`act` and topics, joined by
    /// `|`), and `act,topics`, empty. Once these two are filled in, it is a labels file.
    ///
    /// # Errors
    /// What `out` says.
    pub fn write_disagreements(&self, taxonomy: &Taxonomy, out: impl Write) -> csv::Result<usize> {
        let mut writer = csv::Writer::from_writer(out);
        let of_each = |what: &str| self.annotators.iter().map(|name| format!("{what}.{name}")).collect::<Vec<_>>();
        let mut header: Vec<String> = ["id", "document", "title", "text"].map(str::to_owned).to_vec();
        header.extend(of_each("act").into_iter().chain(of_each("topics")));
        header.extend(["differs", "act", "topics"].map(str::to_owned));
        writer.write_record(&header)?;
        let mut n_rows = 0;
        for row in self.shared() {
            let differences = row.differences(taxonomy);
            if differences.is_empty() {
                continue;
            }
            let field =
                |of: &dyn Fn(Labels) -> String| row.labels.iter().map(|l| l.map_or(String::new(), of)).collect();
            let acts: Vec<String> = field(&|l| taxonomy.acts[l.act].id.clone());
            let topics: Vec<String> = field(&|l| taxonomy.join_topics(l.topics));
            let title = row.title.as_deref().unwrap_or_default();
            let differs = differences.join("|");
            let known = [&row.id, &row.document, title, &row.text];
            let given = acts.iter().chain(&topics).map(String::as_str);
            writer.write_record(known.into_iter().chain(given).chain([differs.as_str(), "", ""]))?;
            n_rows += 1;
        }
        writer.flush()?;
        Ok(n_rows)
    }
}

/// Rows as they are paired; a row's labels are filled up with `None` at the end.
#[derive(Default)]
struct Pairing {
    annotators: Vec<String>,
    rows: Vec<AnnotatedRow>,
    /// Each id's row, and where it first stood.
    places: HashMap<String, (usize, String)>,
    /// Where an annotator labelled a row.
    labelled: HashMap<(usize, usize), String>,
}

impl Pairing {
    fn add(&mut self, path: &Path, line: u64, annotator: &str, row: LabelledRow) -> Result<(), AnnotationsError> {
        let here = format!("{}:{line}", path.display());
        let who = self.annotators.iter().position(|name| name == annotator).unwrap_or_else(|| {
            self.annotators.push(annotator.to_owned());
            self.annotators.len() - 1
        });
        let LabelledRow { id, document, title, text, labels, .. } = row;
        let (place, first) = self.places.entry(id.clone()).or_insert_with(|| (self.rows.len(), here.clone()));
        if *place == self.rows.len() {
            self.rows.push(AnnotatedRow { id, document, title, text, labels: Vec::new() });
        } else if !self.rows[*place].text.split_whitespace().eq(text.split_whitespace()) {
            return Err(AnnotationsError::OtherText { path: path.to_owned(), line, id, first: first.clone() });
        }
        let row = &mut self.rows[*place];
        if let Some(first) = self.labelled.insert((who, *place), here) {
            let (path, annotator, id) = (path.to_owned(), annotator.to_owned(), row.id.clone());
            return Err(AnnotationsError::LabelledTwice { path, line, annotator, id, first });
        }
        row.labels.resize(row.labels.len().max(who + 1), None);
        row.labels[who] = Some(labels);
        Ok(())
    }
}

/// What the annotator of each file is called if the file does not say: its name without the ending, with its folders where two have
/// the same.
fn names(files: &[PathBuf]) -> Vec<String> {
    let stem = |file: &PathBuf| file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let name = |file: &PathBuf| {
        let is_alone = files.iter().filter(|other| stem(other) == stem(file)).count() == 1;
        if is_alone { stem(file) } else { file.with_extension("").display().to_string() }
    };
    files.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taxonomy() -> Taxonomy {
        Taxonomy::read(
            "name='t'\n[[act]]\nid='ask'\ndefinition=''\n[[act]]\nid='none'\ndefinition=''\ntopics=false\n[[topic]]\nid='rent'\ndefinition=''\n[[topic]]\nid='heat'\ndefinition=''",
        )
        .expect("well formed")
    }

    fn read(files: &[(&str, &str)]) -> Result<Annotations, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut paths = Vec::new();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(&path, text).expect("written");
            paths.push(path);
        }
        let here = format!("{}/", folder.path().display());
        let mut found = Annotations::read(&paths, &taxonomy()).map_err(|e| e.to_string().replace(&here, ""))?;
        found.annotators.iter_mut().for_each(|name| *name = name.replace(&here, ""));
        Ok(found)
    }

    const ANN: &str =
        "id,title,text,act,topics\nd:1,T,Cut rents,ask,rent\nd:2,,It rained,none,\nd:3,,Heat now,ask,heat\n";

    #[test]
    fn rows_are_paired_by_id_in_any_order() {
        let ben = "id,text,act,topics\nd:9,Cold,none,\nd:3,Heat  now,ask,rent\nd:1,Cut rents,none,\nd:2,It rained,,\n";
        let found = read(&[("ann.csv", ANN), ("ben.csv", ben)]).expect("pairs");
        assert_eq!((found.annotators.as_slice(), found.n_unlabelled), (["ann", "ben"].map(String::from).as_slice(), 1));
        let ids: Vec<&str> = found.shared().map(|r| r.id.as_str()).collect();
        assert_eq!(ids, ["d:1", "d:3"]);
        let alone: Vec<_> = found.alone().map(|(r, who)| (r.id.as_str(), who)).collect();
        assert_eq!(alone, [("d:2", 0), ("d:9", 1)]);
        assert_eq!((found.n_rows_of(0), found.n_rows_of(1)), (3, 3));
        assert_eq!(found.rows[0].differences(&taxonomy()), ["act", "rent"]);
        assert_eq!(found.rows[2].differences(&taxonomy()), ["rent", "heat"]);
        let mut out = Vec::new();
        assert_eq!(found.write_disagreements(&taxonomy(), &mut out).expect("memory takes it"), 2);
        assert_eq!(
            String::from_utf8_lossy(&out),
            "id,document,title,text,act.ann,act.ben,topics.ann,topics.ben,differs,act,topics\n\
             d:1,d,T,Cut rents,ask,none,rent,,act|rent,,\nd:3,d,,Heat now,ask,ask,heat,rent,rent|heat,,\n"
        );
    }

    #[test]
    fn the_annotator_is_told_by_the_column_or_by_the_files_name() {
        let both = "id,annotator,text,act,topics\n1,cy,Heat,ask,heat\n1, dot ,Heat,ask,heat\n2,cy,Cold,none,\n2,ann,Cold,none,\n";
        let ann = "id,text,act,topics\n1,Heat,none,\n";
        let found = read(&[("both.csv", both), ("ann.csv", ann)]).expect("pairs");
        assert_eq!(found.annotators, ["cy", "dot", "ann"]);
        let given = |row: usize| found.rows[row].labels.iter().map(|l| l.map(|l| l.act)).collect::<Vec<_>>();
        assert_eq!((given(0), given(1)), (vec![Some(0), Some(0), Some(1)], vec![Some(1), None, Some(1)]));
        let one_name = read(&[("ann/x.csv", ANN), ("ben/x.csv", ANN)]).expect("pairs");
        assert_eq!(one_name.annotators, ["ann/x", "ben/x"]);
    }

    #[test]
    fn errors_say_what_to_do() {
        let columns = "id,annotator,text,act,topics\n";
        for (files, expected) in [
            (
                vec![("a.csv", ANN)],
                "`a` labelled all rows; agreement needs another file, or a column `annotator` that says who labelled each row",
            ),
            (vec![("a.csv", ANN), ("a.csv", ANN)], "a.csv: is given twice; name each file once"),
            (
                vec![("a.csv", ANN), ("b.csv", "id,text,act,topics\nd:1,Cut rent,ask,rent\n")],
                "b.csv:2: column `text`: row `d:1` has other words at a.csv:2; rows are paired by id, so give other sentences other ids",
            ),
            (
                vec![("a.csv", &format!("{columns}1,ann,x,ask,\n1,ann,x,none,\n"))],
                "a.csv:3: column `id`: `ann` has labelled `1` already at a.csv:2; an annotator labels a row once",
            ),
            (
                vec![("a.csv", &format!("{columns}1,ann,x,ask,\n1,,x,none,\n"))],
                "a.csv:3: column `annotator` is empty; say who labelled the row, or take the column away so that the file's name says it",
            ),
            (
                vec![("a.csv", ANN), ("b.csv", "id,text,act,topics\nz,Zoo,none,\n")],
                "no row was labelled by two annotators; rows are paired by id, and no id stands with two of them",
            ),
            (
                vec![("a.csv", ANN), ("b.csv", "id,text,act,topics\nz:3,Heat now,none,\n")],
                "no id stands with two annotators, yet 2 rows have words that stand with another annotator too, as `d:3` of `a`; give the same sentence the same id",
            ),
            (
                vec![("a.csv", "id,text,act,topics\n1,x,,\n")],
                "no row is labelled yet; fill in the columns `act` and `topics`",
            ),
            (
                vec![("a.csv", ANN), ("b.csv", "id,text,act,topics\n1,x,,rent\n")],
                "b.csv:2: column `act`: `` is no act of the taxonomy; it has ask, none",
            ),
        ] {
            assert_eq!(read(&files).expect_err(expected), expected);
        }
    }
}
