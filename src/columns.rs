//! Predictions → rows in columns, written as Parquet or Arrow.
//!
//! The threads fill columns, share by share. The writer cuts them anew, by rows and their size alone, so that the bytes are the same
//! at any number of threads, and no more than one group of rows is held.

use crate::document::Document;
use crate::model::{Model, Prediction, Reader};
use crate::record::{Column, Origin, RowFormat, RowOptions, for_each_labelled, for_each_origin, rounded};
use crate::review;
use arrow_array::builder::{Float64Builder, Int64Builder, LargeStringBuilder, ListBuilder};
use arrow_array::{Array, ArrayRef, LargeStringArray, RecordBatch};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use std::borrow::Cow;
use std::io::{Error, Result, Write};
use std::sync::Arc;

/// A group of rows is full with so many …
const GROUP_ROWS: usize = 1 << 16;
/// … or with so many bytes of text and names.
const GROUP_BYTES: usize = 16 << 20;
/// What Parquet says of its maker.
const CREATED_BY: &str = concat!("petition version ", env!("CARGO_PKG_VERSION"));

/// Rows of a share, in columns.
#[derive(Default)]
pub(crate) struct Columns {
    columns: Vec<Values>,
    n_rows: usize,
}

/// A column in the making. Offsets of 64 bits, since one document may be larger than 32 tell.
enum Values {
    Text(LargeStringBuilder),
    Count(Int64Builder),
    Probability(Float64Builder),
    Names(ListBuilder<LargeStringBuilder>),
}

impl Values {
    fn of(column: Column) -> Self {
        match column {
            Column::Id | Column::DocId | Column::Text | Column::Act | Column::Section | Column::Date => {
                Self::Text(LargeStringBuilder::new())
            }
            Column::Sent | Column::Start | Column::End | Column::Page => Self::Count(Int64Builder::new()),
            Column::ActScore | Column::Probability(_) => Self::Probability(Float64Builder::new()),
            Column::Topics | Column::Review => {
                Self::Names(ListBuilder::new(LargeStringBuilder::new()).with_field(element()))
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.text_if(Some(text));
    }

    fn text_if(&mut self, text: Option<&str>) {
        if let Self::Text(values) = self {
            values.append_option(text);
        }
    }

    fn count(&mut self, number: usize) {
        self.count_if(Some(number));
    }

    fn count_if(&mut self, number: Option<usize>) {
        if let Self::Count(values) = self {
            values.append_option(number.map(|n| i64::try_from(n).unwrap_or(i64::MAX)));
        }
    }

    fn probability(&mut self, p: f64) {
        if let Self::Probability(values) = self {
            values.append_value(rounded(p));
        }
    }

    fn names<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        if let Self::Names(values) = self {
            names.for_each(|name| values.values().append_value(name));
            values.append(true);
        }
    }

    fn place(&mut self, column: Column, origin: &Origin) {
        match column {
            Column::Id => self.text(&origin.id()),
            Column::DocId => self.text(origin.doc_id()),
            Column::Text => self.text(origin.sentence.text),
            Column::Sent => self.count(origin.sentence.index),
            Column::Start => self.count(origin.sentence.start),
            Column::End => self.count(origin.sentence.end()),
            Column::Section => self.text_if(origin.section()),
            Column::Page => self.count_if(origin.page().map(|page| page as usize)),
            Column::Date => self.text_if(origin.date()),
            // Sentences without labels have no other columns.
            _ => {}
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(values) => Arc::new(values.finish()),
            Self::Count(values) => Arc::new(values.finish()),
            Self::Probability(values) => Arc::new(values.finish()),
            Self::Names(values) => Arc::new(values.finish()),
        }
    }
}

fn element() -> Arc<Field> {
    Arc::new(Field::new("element", DataType::LargeUtf8, false))
}

fn type_of(column: Column) -> DataType {
    match Values::of(column) {
        Values::Text(_) => DataType::LargeUtf8,
        Values::Count(_) => DataType::Int64,
        Values::Probability(_) => DataType::Float64,
        Values::Names(_) => DataType::List(element()),
    }
}

impl Columns {
    fn begin(&mut self, options: &RowOptions) {
        if self.columns.is_empty() {
            self.columns = options.columns.iter().map(|&column| Values::of(column)).collect();
        }
    }

    /// Labels a document and appends its rows; gives their number.
    pub fn push_labelled(
        &mut self,
        document: &Document,
        options: &RowOptions,
        reader: &mut Reader,
        model: &Model,
    ) -> usize {
        self.begin(options);
        let n = for_each_labelled(document, options.split, reader, |origin, prediction| {
            for (&column, values) in options.columns.iter().zip(&mut self.columns) {
                push_label(column, values, &origin, prediction, model);
            }
        });
        self.n_rows += n;
        n
    }

    /// Appends the rows of a document's sentences, without labels; gives their number.
    pub fn push_split(&mut self, document: &Document, options: &RowOptions) -> usize {
        self.begin(options);
        let n = for_each_origin(document, options.split, |origin| {
            for (&column, values) in options.columns.iter().zip(&mut self.columns) {
                values.place(column, &origin);
            }
        });
        self.n_rows += n;
        n
    }
}

fn push_label(column: Column, values: &mut Values, origin: &Origin, prediction: &Prediction, model: &Model) {
    let taxonomy = model.taxonomy();
    match column {
        Column::Act => values.text(&taxonomy.acts[prediction.act].id),
        Column::ActScore => values.probability(prediction.act_score()),
        Column::Topics => values.names(prediction.topics.iter().map(|t| taxonomy.topics[t].id.as_str())),
        Column::Review => {
            let review = review::join(model, prediction);
            values.names(review.split('|').filter(|reason| !reason.is_empty()));
        }
        Column::Probability(output) => values.probability(prediction.probabilities[output]),
        place => values.place(place, origin),
    }
}

/// Writes groups of rows.
pub(crate) struct Writer {
    schema: SchemaRef,
    format: RowFormat,
    /// There is none until there are rows, or a document without any.
    file: Option<TableFile>,
    /// Rows of the group in the making, and their bytes.
    held: Vec<RecordBatch>,
    n_rows: usize,
    n_bytes: usize,
}

/// A file in the making. It is written to memory and moved on from there, since what takes it need not be `Send`.
enum TableFile {
    Parquet(ArrowWriter<Vec<u8>>),
    Arrow(FileWriter<Vec<u8>>),
}

impl Writer {
    /// A table with these columns; `None` if rows are written as lines.
    pub fn new(options: &RowOptions, name: impl Fn(Column) -> Cow<'static, str>) -> Option<Self> {
        if !matches!(options.format, RowFormat::Parquet | RowFormat::Arrow) {
            return None;
        }
        let fields = options.columns.iter().map(|&c| Field::new(name(c), type_of(c), Column::OF_SOME.contains(&c)));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Some(Self { schema, format: options.format, file: None, held: Vec::new(), n_rows: 0, n_bytes: 0 })
    }

    /// Takes the rows of a share, and writes the groups that are full with them.
    pub fn write(&mut self, rows: &mut Columns, out: &mut dyn Write) -> Result<()> {
        let columns: Vec<ArrayRef> = rows.columns.iter_mut().map(Values::finish).collect();
        let n_rows = std::mem::take(&mut rows.n_rows);
        if self.file.is_none() {
            self.file = Some(TableFile::create(self.format, &self.schema)?);
        }
        if n_rows == 0 {
            return Ok(());
        }
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(Error::other)?;
        let texts: Vec<&LargeStringArray> =
            batch.columns().iter().filter_map(|c| c.as_any().downcast_ref::<LargeStringArray>()).collect();
        let mut begin = 0;
        for row in 0..n_rows {
            self.n_rows += 1;
            self.n_bytes += texts.iter().map(|text| text.value_length(row) as usize).sum::<usize>();
            if self.n_rows == GROUP_ROWS || self.n_bytes >= GROUP_BYTES {
                self.held.push(batch.slice(begin, row + 1 - begin));
                begin = row + 1;
                self.write_group(out)?;
            }
        }
        if begin < n_rows {
            self.held.push(batch.slice(begin, n_rows - begin));
        }
        Ok(())
    }

    fn write_group(&mut self, out: &mut dyn Write) -> Result<()> {
        let group = concat_batches(&self.schema, &self.held).map_err(Error::other)?;
        self.held.clear();
        (self.n_rows, self.n_bytes) = (0, 0);
        let Some(file) = &mut self.file else { return Ok(()) };
        let bytes = match file {
            TableFile::Parquet(writer) => {
                writer.write(&group).and_then(|()| writer.flush()).map_err(Error::other)?;
                writer.inner_mut()
            }
            TableFile::Arrow(writer) => {
                writer.write(&group).map_err(Error::other)?;
                writer.get_mut()
            }
        };
        out.write_all(bytes)?;
        bytes.clear();
        Ok(())
    }

    /// Writes the last group and the table of contents; nothing, if no document could be read.
    pub fn finish(mut self, out: &mut dyn Write) -> Result<()> {
        if self.n_rows > 0 {
            self.write_group(out)?;
        }
        let bytes = match self.file {
            Some(TableFile::Parquet(writer)) => writer.into_inner().map_err(Error::other)?,
            Some(TableFile::Arrow(writer)) => writer.into_inner().map_err(Error::other)?,
            None => Vec::new(),
        };
        out.write_all(&bytes)?;
        out.flush()
    }
}

impl TableFile {
    fn create(format: RowFormat, schema: &SchemaRef) -> Result<Self> {
        if format == RowFormat::Arrow {
            let options =
                IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD)).map_err(Error::other)?;
            let writer = FileWriter::try_new_with_options(Vec::new(), schema, options).map_err(Error::other)?;
            return Ok(Self::Arrow(writer));
        }
        let level = ZstdLevel::try_new(3).map_err(Error::other)?;
        let properties = WriterProperties::builder()
            .set_created_by(CREATED_BY.to_owned())
            .set_compression(Compression::ZSTD(level))
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .build();
        // Without the Arrow schema in it, readers take the types of Parquet: plain strings, not large ones.
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let writer =
            ArrowWriter::try_new_with_options(Vec::new(), Arc::clone(schema), options).map_err(Error::other)?;
        Ok(Self::Parquet(writer))
    }
}
