//! Parquet and Arrow: a document a row, some rows at a time.
//!
//! Arrow is read message by message here, so that no length that a file claims is believed before it is checked; what stands in a
//! message is for the arrow crates. Parquet's inside is all theirs, and the `parquet` crate is known to panic where a file contradicts
//! itself; so both are called behind [`fenced`], which helps where panics unwind.

use super::fence;
use super::packed::{ALWAYS, too_much};
use super::row::{checked, shown, too_large};
use super::{Document, Documents, ReadError, ReadOptions};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_buffer::Buffer;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::ChunkReader;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;

/// Rows of Parquet that are held at a time.
const BATCH_ROWS: usize = 1024;
/// The beginning and end of an Arrow file; a stream has none.
const ARROW_MAGIC: &[u8] = b"ARROW1";
/// What stands before the length of a message.
const CONTINUATION: [u8; 4] = [0xff; 4];
/// The most bytes that describe a message of Arrow: its columns and buffers, without their content.
const MAX_HEAD: u64 = 16 << 20;

/// The buffers of a batch whose lengths are checked against their types.
const MAX_BUFFERS: usize = 1 << 20;

/// Reads Parquet, from the file where there is one, else from memory.
pub(super) fn parquet(
    name: &str,
    path: Option<&Path>,
    bytes: Box<dyn Read + Send>,
    options: &ReadOptions,
) -> Result<Documents, ReadError> {
    let io = |source| ReadError::Io { path: name.to_owned(), source };
    if let Some(path) = path {
        return parquet_rows(name, File::open(path).map_err(io)?, options);
    }
    let limit = options.limits.max_document_bytes;
    let mut all = Vec::new();
    bytes.take(limit.saturating_add(1)).read_to_end(&mut all).map_err(io)?;
    options.limits.check_document(name, all.len() as u64)?;
    parquet_rows(name, bytes::Bytes::from(all), options)
}

fn parquet_rows<R: ChunkReader + 'static>(name: &str, input: R, options: &ReadOptions) -> Result<Documents, ReadError> {
    if input.len() == 0 {
        return Err(ReadError::Empty { path: name.to_owned() });
    }
    let path = name.to_owned();
    let broken =
        move |message: String| ReadError::Broken { path: path.clone(), format: "Parquet", message: in_short(&message) };
    let metadata =
        fenced(|| ArrowReaderMetadata::load(&input, ArrowReaderOptions::new()).map_err(told)).map_err(&broken)?;
    check_places(metadata.metadata(), input.len()).map_err(&broken)?;
    let columns = Columns::of(name, metadata.schema(), options)?;
    check_sizes(metadata.metadata(), &columns.places, options.limits.max_unpack_ratio).map_err(&broken)?;
    // As views, values that stand in a dictionary are not copied for each row.
    let seen = Schema::new(metadata.schema().fields().iter().map(|f| as_view(f)).collect::<Vec<_>>());
    let views = ArrowReaderOptions::new().with_schema(Arc::new(seen));
    let mut batches = fenced(|| {
        let metadata = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), views).map_err(told)?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(input, metadata);
        let mask = ProjectionMask::roots(builder.parquet_schema(), columns.places.iter().copied());
        builder.with_projection(mask).with_batch_size(BATCH_ROWS).build().map_err(told)
    })
    .map_err(&broken)?;
    let batches = until_error(move || fenced(|| batches.next().transpose().map_err(told)).map_err(&broken));
    Ok(rows(name, columns, batches, options))
}

/// Checks where the table of contents says that columns stand, which the crate believes.
fn check_places(metadata: &ParquetMetaData, n_bytes: u64) -> Result<(), String> {
    for column in metadata.row_groups().iter().flat_map(|group| group.columns()) {
        let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
        let end = u64::try_from(start).ok().zip(u64::try_from(column.compressed_size()).ok());
        let within = end.and_then(|(start, n)| start.checked_add(n)).is_some_and(|end| end <= n_bytes);
        if !within || column.data_page_offset() < 0 || column.num_values() < 0 {
            return Err("its table of contents leads out of the file; it may be damaged or cut short".to_owned());
        }
    }
    Ok(())
}

/// Checks how far the columns that are read say they unpack, part by part. A page that says less than it is may still unpack to 2 GB,
/// the most that the format has room for.
fn check_sizes(metadata: &ParquetMetaData, places: &[usize], ratio: u64) -> Result<(), String> {
    let schema = metadata.file_metadata().schema_descr();
    for group in metadata.row_groups() {
        let read =
            group.columns().iter().enumerate().filter(|(leaf, _)| {
                *leaf < schema.num_columns() && places.contains(&schema.get_column_root_idx(*leaf))
            });
        for (_, column) in read {
            let packed = u64::try_from(column.compressed_size()).unwrap_or(0);
            let unpacked = u64::try_from(column.uncompressed_size()).unwrap_or(u64::MAX);
            if unpacked > ALWAYS.max(packed.saturating_mul(ratio)) {
                return Err(format!("one of its columns {}", too_much(ratio)));
            }
        }
    }
    Ok(())
}

fn as_view(field: &Field) -> Field {
    let is_text = match field.data_type() {
        DataType::Dictionary(_, values) => matches!(**values, DataType::Utf8 | DataType::LargeUtf8),
        other => matches!(other, DataType::Utf8 | DataType::LargeUtf8),
    };
    if is_text { field.clone().with_data_type(DataType::Utf8View) } else { field.clone() }
}

/// Reads an Arrow file (Feather) or stream.
pub(super) fn arrow(name: &str, bytes: Box<dyn Read + Send>, options: &ReadOptions) -> Result<Documents, ReadError> {
    let path = name.to_owned();
    let broken =
        move |message: String| ReadError::Broken { path: path.clone(), format: "Arrow", message: in_short(&message) };
    let mut messages = Messages {
        bytes: BufReader::with_capacity(1 << 16, bytes),
        limit: options.limits.max_document_bytes,
        schema: Arc::new(Schema::empty()),
        dictionaries: HashMap::new(),
        n_dictionary_bytes: 0,
        projection: Vec::new(),
    };
    if !fenced(|| messages.open()).map_err(&broken)? {
        return Err(ReadError::Empty { path: name.to_owned() });
    }
    let columns = Columns::of(name, &messages.schema, options)?;
    messages.projection.clone_from(&columns.places);
    let batches = until_error(move || fenced(|| messages.next_batch()).map_err(&broken));
    Ok(rows(name, columns, batches, options))
}

/// What comes until nothing or an error does.
fn until_error<T>(
    mut next: impl FnMut() -> Result<Option<T>, ReadError>,
) -> impl Iterator<Item = Result<T, ReadError>> {
    let mut done = false;
    std::iter::from_fn(move || {
        let next = if done { None } else { next().transpose() };
        done = !matches!(next, Some(Ok(_)));
        next
    })
}

/// Calls other people's code with what a file holds; a panic is an error.
fn fenced<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    fence::fenced(work).unwrap_or_else(|| Err(CONTRADICTS.to_owned()))
}

fn told(error: impl std::error::Error) -> String {
    error.to_string()
}

/// The columns that are read.
struct Columns {
    /// Their places in the file, without doubles, in order.
    places: Vec<usize>,
    /// Their places among those.
    text: usize,
    id: Option<usize>,
    title: Option<usize>,
    parent: Option<usize>,
}

impl Columns {
    fn of(name: &str, schema: &Schema, options: &ReadOptions) -> Result<Self, ReadError> {
        let fields = schema.fields();
        let place = |column: &str| fields.iter().position(|f| f.name().trim() == column);
        let needed = |column: &str, flag: &'static str, serves: fn(&DataType) -> bool| {
            let at = place(column).ok_or_else(|| ReadError::MissingColumn {
                path: name.to_owned(),
                column: column.to_owned(),
                found: shown(fields.iter().map(|f| f.name().as_str())),
                flag,
            })?;
            if serves(fields[at].data_type()) {
                return Ok(at);
            }
            let found = in_short(&fields[at].data_type().to_string());
            Err(ReadError::ColumnType { path: name.to_owned(), column: column.to_owned(), found, flag })
        };
        let text = needed(&options.text_column, "--text-column", is_text)?;
        let that_serves = |column: &str| place(column).filter(|&at| at != text && is_name(fields[at].data_type()));
        let id = match &options.id_column {
            Some(column) => Some(needed(column, "--id-column", is_name)?),
            None => that_serves("id"),
        };
        let title = that_serves("title");
        let parent = that_serves("document").or_else(|| that_serves("doc_id"));
        let mut places: Vec<usize> = [Some(text), id, title, parent].into_iter().flatten().collect();
        places.sort_unstable();
        places.dedup();
        let among = |place: usize| places.partition_point(|&p| p < place);
        let (text, [id, title, parent]) = (among(text), [id, title, parent].map(|p| p.map(among)));
        Ok(Self { places, text, id, title, parent })
    }
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(keys, values) => {
            keys.is_integer() && matches!(**values, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
        }
        other => matches!(other, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View),
    }
}

/// Text or a whole number.
fn is_name(data_type: &DataType) -> bool {
    is_text(data_type) || data_type.is_integer()
}

/// The rows of batches, one by one.
fn rows(
    name: &str,
    columns: Columns,
    mut batches: impl Iterator<Item = Result<RecordBatch, ReadError>> + Send + 'static,
    options: &ReadOptions,
) -> Documents {
    let (name, options) = (name.to_owned(), options.clone());
    let (mut held, mut at, mut row) = (None::<RecordBatch>, 0, 0);
    Box::new(std::iter::from_fn(move || {
        let batch = loop {
            match &held {
                Some(batch) if at < batch.num_rows() => break batch,
                _ => {}
            }
            at = 0;
            held = None;
            match batches.next()? {
                Ok(batch) => held = Some(batch),
                Err(e) => return Some(Err(e)),
            }
        };
        at += 1;
        row += 1;
        Some(document(&name, &columns, batch, at - 1, row, &options))
    }))
}

fn document(
    name: &str,
    columns: &Columns,
    batch: &RecordBatch,
    at: usize,
    row: u64,
    options: &ReadOptions,
) -> Result<Document, ReadError> {
    let value = |column: usize| batch.columns().get(column).and_then(|array| value_at(array, at));
    let named = |column: Option<usize>| column.and_then(value).filter(|v| !v.is_empty());
    let missing =
        |column: &str| ReadError::MissingField { path: name.to_owned(), line: row, column: column.to_owned() };
    let text = value(columns.text).ok_or_else(|| missing(&options.text_column))?;
    let limit = options.limits.max_document_bytes;
    if text.len() as u64 > limit {
        return Err(ReadError::BrokenRow { path: name.to_owned(), line: row, message: too_large(limit) });
    }
    let id = match (named(columns.id), &options.id_column) {
        (Some(id), _) => id,
        (None, Some(column)) => return Err(missing(column)),
        (None, None) => format!("{name}:{row}"),
    };
    let (parent, title) = (named(columns.parent), named(columns.title));
    checked(name, row, Document { id, parent, title, text, ..Document::default() })
}

/// Text, or a whole number in digits; `None` for no value.
fn value_at(array: &ArrayRef, at: usize) -> Option<String> {
    if array.is_null(at) {
        return None;
    }
    match array.data_type() {
        DataType::Utf8 => Some(array.as_string::<i32>().value(at).to_owned()),
        DataType::LargeUtf8 => Some(array.as_string::<i64>().value(at).to_owned()),
        DataType::Utf8View => Some(array.as_string_view().value(at).to_owned()),
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary();
            let key = whole_number(dictionary.keys(), at)?;
            let (values, key) = (dictionary.values(), usize::try_from(key).ok()?);
            if key < values.len() && !matches!(values.data_type(), DataType::Dictionary(_, _)) {
                return value_at(values, key);
            }
            None
        }
        _ => whole_number(array, at).map(|number| number.to_string()),
    }
}

fn whole_number(array: &dyn Array, at: usize) -> Option<i128> {
    fn of<T: ArrowPrimitiveType>(array: &dyn Array, at: usize) -> Option<i128>
    where
        T::Native: Into<i128>,
    {
        Some(array.as_primitive_opt::<T>()?.value(at).into())
    }
    match array.data_type() {
        DataType::Int8 => of::<Int8Type>(array, at),
        DataType::Int16 => of::<Int16Type>(array, at),
        DataType::Int32 => of::<Int32Type>(array, at),
        DataType::Int64 => of::<Int64Type>(array, at),
        DataType::UInt8 => of::<UInt8Type>(array, at),
        DataType::UInt16 => of::<UInt16Type>(array, at),
        DataType::UInt32 => of::<UInt32Type>(array, at),
        DataType::UInt64 => of::<UInt64Type>(array, at),
        _ => None,
    }
}

/// The messages of an Arrow stream. A file holds one, between its magic bytes and a table of contents.
struct Messages {
    bytes: BufReader<Box<dyn Read + Send>>,
    limit: u64,
    schema: SchemaRef,
    dictionaries: HashMap<i64, ArrayRef>,
    /// Bytes of values that were added to dictionaries.
    n_dictionary_bytes: u64,
    projection: Vec<usize>,
}

impl Messages {
    /// Reads the schema; false for an empty input.
    fn open(&mut self) -> Result<bool, String> {
        let mut first = self.take(8)?;
        if first.is_empty() {
            return Ok(false);
        }
        if first.starts_with(ARROW_MAGIC) {
            // Some writers fill up to 64 bytes.
            for _ in 0..8 {
                first = self.take(8)?;
                if first != [0; 8] {
                    break;
                }
            }
        }
        // Old streams have no continuation; their first four bytes are the length, and more was read than that.
        let (length, early) = match first.split_at_checked(4) {
            Some((mark, length)) if mark == CONTINUATION => (length, &[][..]),
            Some((length, early)) => (length, early),
            None => return Err(CUT_SHORT.to_owned()),
        };
        let length = length.try_into().map_or(0, i32::from_le_bytes);
        let head = self.head(length, early)?;
        let message = arrow_ipc::root_as_message(&head).map_err(|e| in_short(&e.to_string()))?;
        let schema = message.header_as_schema().ok_or("it does not begin with the names of its columns")?;
        let schema = arrow_ipc::convert::try_fb_to_schema(schema).map_err(|e| in_short(&e.to_string()))?;
        if message.bodyLength() != 0 {
            return Err("its first message has content".to_owned());
        }
        // All columns are gone through, also those that are not read.
        let is_known = |f: &&Arc<Field>| push_widths(f.data_type(), &mut std::iter::repeat(0), &mut Vec::new());
        if let Some(field) = schema.fields().iter().find(|f| !is_known(f)) {
            let (name, found) = (shown([field.name().as_str()].into_iter()).join(""), field.data_type());
            return Err(format!("petition cannot pass over its column `{name}` of {found}; leave that column out"));
        }
        self.schema = Arc::new(schema);
        Ok(true)
    }

    /// Reads up to the next rows; `None` at the end.
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, String> {
        loop {
            let mut length = self.take(4)?;
            if length == CONTINUATION {
                length = self.take(4)?;
            }
            if length.is_empty() {
                return Ok(None);
            }
            let length = length.try_into().map(i32::from_le_bytes).map_err(|_| CUT_SHORT)?;
            if length == 0 {
                return Ok(None);
            }
            let head = self.head(length, &[])?;
            let message = arrow_ipc::root_as_message(&head).map_err(|e| in_short(&e.to_string()))?;
            let (version, n_body) = (message.version(), u64::try_from(message.bodyLength()).unwrap_or(u64::MAX));
            if n_body > self.limit {
                let limit = self.limit;
                return Err(format!(
                    "some of its rows are one batch of more than {limit} bytes; write smaller batches, or raise --max-document-bytes"
                ));
            }
            let body = self.take(n_body)?;
            if (body.len() as u64) < n_body {
                return Err(CUT_SHORT.to_owned());
            }
            if let Some(rows) = message.header_as_record_batch() {
                self.check(&rows, &body, &self.widths(&rows))?;
                let body = Buffer::from_vec(body);
                let schema = Arc::clone(&self.schema);
                let projection = Some(&self.projection[..]);
                let batch =
                    arrow_ipc::reader::read_record_batch(&body, rows, schema, &self.dictionaries, projection, &version);
                return batch.map(Some).map_err(|e| in_short(&e.to_string()));
            }
            if let Some(dictionary) = message.header_as_dictionary_batch() {
                let values = dictionary.data().ok_or("a dictionary has no values")?;
                let n_bytes = self.check(&values, &body, &self.dictionary_widths())?;
                self.n_dictionary_bytes += if dictionary.isDelta() { n_bytes } else { 0 };
                if self.n_dictionary_bytes > self.limit {
                    return Err("its dictionaries grow beyond --max-document-bytes".to_owned());
                }
                let body = Buffer::from_vec(body);
                let dictionaries = &mut self.dictionaries;
                arrow_ipc::reader::read_dictionary(&body, dictionary, &self.schema, dictionaries, &version)
                    .map_err(|e| in_short(&e.to_string()))?;
            }
        }
    }

    /// What describes a message, of which the first bytes may be there already.
    fn head(&mut self, length: i32, early: &[u8]) -> Result<Vec<u8>, String> {
        let length = u64::try_from(length).ok().filter(|&l| l <= MAX_HEAD && l >= early.len() as u64);
        let length = length.ok_or("the length of a message cannot be right")?;
        let mut head = early.to_vec();
        head.append(&mut self.take(length - early.len() as u64)?);
        if (head.len() as u64) < length { Err(CUT_SHORT.to_owned()) } else { Ok(head) }
    }

    /// The next bytes; fewer at the end. Room is made as they come.
    fn take(&mut self, n: u64) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        (&mut self.bytes).take(n).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
        Ok(bytes)
    }

    /// The bytes of one value in each buffer of a batch, as far as they are known.
    fn widths(&self, batch: &arrow_ipc::RecordBatch) -> Vec<usize> {
        let mut n_view_buffers = batch.variadicBufferCounts().into_iter().flatten();
        let mut widths = Vec::new();
        for field in self.schema.fields() {
            if !push_widths(field.data_type(), &mut n_view_buffers, &mut widths) {
                break;
            }
        }
        widths
    }

    /// The same for the values of dictionaries, if all have the same type.
    fn dictionary_widths(&self) -> Vec<usize> {
        let values = |field: &Arc<Field>| match field.data_type() {
            DataType::Dictionary(_, values) => Some((**values).clone()),
            _ => None,
        };
        let mut types = self.schema.fields().iter().filter_map(values);
        let mut widths = Vec::new();
        if let Some(first) = types.next().filter(|first| types.all(|other| other == *first)) {
            push_widths(&first, &mut std::iter::repeat(0), &mut widths);
        }
        widths
    }

    /// Checks what a batch claims of its content, which the arrow crates believe; gives the bytes that it unpacks to.
    fn check(&self, batch: &arrow_ipc::RecordBatch, body: &[u8], widths: &[usize]) -> Result<u64, String> {
        const WRONG: &str = "a batch claims what its content does not hold";
        let is_count = |n: i64| (0..=i64::from(i32::MAX)).contains(&n);
        let nodes = batch.nodes().into_iter().flatten();
        if !is_count(batch.length()) || !nodes.into_iter().all(|n| is_count(n.length()) && is_count(n.null_count())) {
            return Err(WRONG.to_owned());
        }
        let is_packed = batch.compression().is_some();
        let mut n_bytes = 0u64;
        let widths = widths.iter().copied().chain(std::iter::repeat(1));
        for (buffer, width) in batch.buffers().into_iter().flatten().zip(widths) {
            let range = |start: i64, length: i64| {
                let start = usize::try_from(start).ok()?;
                body.get(start..start.checked_add(usize::try_from(length).ok()?)?)
            };
            let content = range(buffer.offset(), buffer.length()).ok_or(WRONG)?;
            let unpacked = match content.first_chunk::<8>() {
                Some(claim) if is_packed => u64::try_from(i64::from_le_bytes(*claim)).unwrap_or(content.len() as u64),
                _ => content.len() as u64,
            };
            // A buffer that is marked as not packed has its mark before it.
            let is_marked = is_packed && content.starts_with(&(-1i64).to_le_bytes());
            if (unpacked - if is_marked { 8 } else { 0 }) % width as u64 != 0 {
                return Err(WRONG.to_owned());
            }
            n_bytes = n_bytes.saturating_add(unpacked);
        }
        if n_bytes > self.limit {
            let limit = self.limit;
            return Err(format!(
                "some of its rows unpack to more than {limit} bytes; write smaller batches, or raise --max-document-bytes"
            ));
        }
        Ok(n_bytes)
    }
}

/// Appends the bytes of one value in each buffer of a column; false for a type whose buffers are not known here.
fn push_widths(data_type: &DataType, n_view_buffers: &mut impl Iterator<Item = i64>, widths: &mut Vec<usize>) -> bool {
    match data_type {
        DataType::Null => {}
        DataType::Utf8 | DataType::Binary => widths.extend([1, 4, 1]),
        DataType::LargeUtf8 | DataType::LargeBinary => widths.extend([1, 8, 1]),
        DataType::Utf8View | DataType::BinaryView => {
            let n = n_view_buffers.next().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
            // What claims more than a batch has is not followed.
            if widths.len() + n > MAX_BUFFERS {
                return false;
            }
            widths.extend([1, 16].into_iter().chain(std::iter::repeat_n(1, n)));
        }
        DataType::Boolean | DataType::FixedSizeBinary(_) => widths.extend([1, 1]),
        DataType::Dictionary(keys, values) => {
            widths.extend([1, keys.primitive_width().unwrap_or(1)]);
            return push_widths(values, &mut std::iter::repeat(0), &mut Vec::new());
        }
        DataType::FixedSizeList(child, _) => {
            widths.push(1);
            return push_widths(child.data_type(), n_view_buffers, widths);
        }
        DataType::List(child) | DataType::Map(child, _) => {
            widths.extend([1, 4]);
            return push_widths(child.data_type(), n_view_buffers, widths);
        }
        DataType::LargeList(child) => {
            widths.extend([1, 8]);
            return push_widths(child.data_type(), n_view_buffers, widths);
        }
        DataType::Struct(children) => {
            widths.push(1);
            return children.iter().all(|child| push_widths(child.data_type(), n_view_buffers, widths));
        }
        other => match other.primitive_width() {
            Some(width) => widths.extend([1, width]),
            None => return false,
        },
    }
    true
}

const CONTRADICTS: &str = "its content contradicts itself; it may be damaged";
const CUT_SHORT: &str = "the file ends within a message; it may have been cut short";

/// The first line of a message, if not too long.
fn in_short(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    match line.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Limits;
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::Index;
    use std::io::Cursor;

    const PARQUET: [&[u8]; 4] = [
        include_bytes!("../../tests/documents/tables/snappy.parquet"),
        include_bytes!("../../tests/documents/tables/zstd.parquet"),
        include_bytes!("../../tests/documents/tables/gzip.parquet"),
        include_bytes!("../../tests/documents/tables/v2.parquet"),
    ];
    const ARROW: [&[u8]; 3] = [
        include_bytes!("../../tests/documents/tables/lz4.feather"),
        include_bytes!("../../tests/documents/tables/plain.arrow"),
        include_bytes!("../../tests/documents/tables/zstd.arrows"),
    ];

    fn read_all(is_parquet: bool, bytes: Vec<u8>, max_document_bytes: u64) -> Vec<Result<String, String>> {
        let options =
            ReadOptions { limits: Limits { max_document_bytes, ..Limits::default() }, ..ReadOptions::default() };
        let bytes = Box::new(Cursor::new(bytes));
        let rows = if is_parquet { parquet("a", None, bytes, &options) } else { arrow("a", bytes, &options) };
        match rows {
            // A file of a few kB that claims more rows than this is not read to its end here.
            Ok(rows) => rows.take(1000).map(|row| row.map(|d| d.id).map_err(|e| e.to_string())).collect(),
            Err(e) => vec![Err(e.to_string())],
        }
    }

    #[test]
    fn a_row_or_batch_that_is_too_large_is_an_error() {
        let found = read_all(true, PARQUET[0].to_vec(), PARQUET[0].len() as u64);
        assert_eq!(found.iter().filter(|r| r.is_ok()).count(), 5, "{found:?}");
        let found = read_all(true, PARQUET[0].to_vec(), 100);
        assert_eq!(
            found,
            [Err("a: is larger than 100 bytes of text; raise --max-document-bytes if that is meant".to_owned())]
        );
        let found = read_all(false, ARROW[1].to_vec(), 100);
        let message = "a: is no sound Arrow: some of its rows are one batch of more than 100 bytes; write smaller batches, or raise --max-document-bytes";
        assert!(found.contains(&Err(message.to_owned())), "{found:?}");
    }

    #[test]
    fn a_column_that_unpacks_like_a_bomb_is_left_packed() {
        use parquet::arrow::ArrowWriter;
        use parquet::basic::Compression;
        use parquet::file::properties::WriterProperties;
        let text: ArrayRef = Arc::new(arrow_array::StringArray::from(vec!["a ".repeat(40_000_000)]));
        let batch = RecordBatch::try_from_iter([("text", text)]).expect("a batch");
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(Default::default()));
        let properties = properties
            .set_dictionary_enabled(false)
            .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None);
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties.build())).expect("a writer");
        writer.write(&batch).expect("written");
        let bytes = writer.into_inner().expect("finished");
        assert!(bytes.len() < 100_000);
        let told = read_all(true, bytes, 1 << 20).remove(0).expect_err("a bomb");
        assert!(told.contains("one of its columns unpacks to more than 200 times its size"), "{told}");
    }

    #[test]
    fn a_column_that_cannot_be_passed_over_is_named() {
        let fields = arrow_schema::UnionFields::try_new([0], [Field::new("a", DataType::Int32, true)]).expect("a type");
        let mixed = DataType::Union(fields, arrow_schema::UnionMode::Dense);
        let schema = Schema::new(vec![Field::new("text", DataType::Utf8, true), Field::new("mixed", mixed, true)]);
        let writer = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &schema).expect("memory takes it");
        let bytes = writer.into_inner().expect("memory takes it");
        let found = read_all(false, bytes, 1 << 20);
        assert!(
            found[0].as_ref().is_err_and(|e| e.contains("cannot pass over its column `mixed` of Union")),
            "{found:?}"
        );
    }

    #[test]
    fn a_claim_beyond_the_file_is_not_believed() {
        // A message whose description is said to be 2 GB, and one of 16 MB that is not there.
        for length in [i32::MAX, 16 << 20, -5] {
            let mut bytes = CONTINUATION.to_vec();
            bytes.extend(length.to_le_bytes());
            assert!(read_all(false, bytes, 1 << 20)[0].is_err());
        }
    }

    /// A file with some bytes changed, perhaps cut short.
    fn damaged(sound: &[u8], changes: Vec<(Index, u8)>, cut: Option<Index>) -> Vec<u8> {
        let mut bytes = sound.to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        bytes
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(
            std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(600)
        ))]

        #[test]
        fn broken_arrow_gives_rows_or_errors(
            fixture in 0..3usize, changes in proptest::collection::vec((any::<Index>(), any::<u8>()), 0..4),
            cut in proptest::option::of(any::<Index>()),
        ) {
            let bytes = damaged(ARROW[fixture], changes, cut);
            prop_assert!(read_all(false, bytes, 1 << 20).len() <= 1000);
        }

        #[test]
        fn broken_parquet_gives_rows_or_errors(
            fixture in 0..4usize, changes in proptest::collection::vec((any::<Index>(), any::<u8>()), 0..4),
            cut in proptest::option::of(any::<Index>()),
        ) {
            let bytes = damaged(PARQUET[fixture], changes, cut);
            prop_assert!(read_all(true, bytes, 1 << 20).len() <= 1000);
        }
    }
}
