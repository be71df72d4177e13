//! Whether a PDF may be opened: how far its streams unpack, looked at before anything else touches them, and without images.

use super::super::{Limits, ReadError};
use super::broken;
use flate2::read::{DeflateDecoder, ZlibDecoder};
use hayro_syntax::object::{Array, Dict, MaybeRef, Name, Number, Object};
use hayro_syntax::reader::{Reader, ReaderExt};
use std::collections::HashMap;
use std::io::Read;

/// No dictionary of a stream is longer; those that are would make the look ahead slow.
const MAX_DICTIONARY: usize = 1 << 20;

/// Encrypted streams cannot be looked into; this is the most that deflate can gain.
const MOST_GAIN: u64 = 1032;

/// The file's bytes without its images, which hold no text, once it is known that all other streams together unpack to
/// no more than may be read.
pub(super) fn without_images(name: &str, bytes: &[u8], limits: &Limits) -> Result<Vec<u8>, ReadError> {
    let is_encrypted = find(bytes, b"/Encrypt").is_some();
    let limit = limits.max_document_bytes;
    let mut all = bytes.to_vec();
    let (mut work, mut unpacked, mut numbers) = (0, 0u64, None);
    let mut at = 0;
    while let Some(found) = find(&bytes[at..], b"obj") {
        let begin = at + found + 3;
        at = begin;
        let mut reader = Reader::new(&bytes[begin..bytes.len().min(begin + MAX_DICTIONARY)]);
        reader.skip_white_spaces_and_comments();
        if reader.peek_tag(b"<<").is_none() {
            continue;
        }
        let dict = reader.read_without_context::<Dict>();
        work += if dict.is_some() { reader.offset() } else { reader.len() };
        if work > 8 * bytes.len() + MAX_DICTIONARY {
            return Err(broken(name, "its objects lie within each other"));
        }
        let Some(dict) = dict else { continue };
        reader.skip_white_spaces_and_comments();
        if reader.peek_tag(b"stream").is_none() {
            continue;
        }
        let keyword = begin + reader.offset();
        if dict.get::<Name>("Subtype").is_some_and(|n| n.as_ref() == b"Image") {
            all[keyword..keyword + 6].fill(b' ');
            continue;
        }
        let mut data = &bytes[keyword + 6..];
        data = data.strip_prefix(b"\r").unwrap_or(data);
        data = data.strip_prefix(b"\n").unwrap_or(data);
        let stored = match dict.get_raw::<Number>("Length") {
            Some(MaybeRef::NotRef(length)) => usize::try_from(length.as_i64()).ok(),
            Some(MaybeRef::Ref(reference)) => {
                let numbers = numbers.get_or_insert_with(|| numbers_of(bytes));
                numbers.get(&reference.obj_number).copied()
            }
            None => None,
        };
        let stored = stored.unwrap_or_else(|| find(data, b"endstream").unwrap_or(data.len())).min(data.len());
        let left = limit.saturating_sub(unpacked);
        unpacked += match packing(&dict) {
            None => return Err(broken(name, "a stream of it is packed in no known way")),
            Some(Packing::Image) => 0,
            Some(Packing::Gain(gain)) => gain.saturating_mul(stored as u64),
            Some(Packing::Deflate) => match inflated_length(data, left.saturating_add(1)) {
                0 if is_encrypted => (stored as u64).saturating_mul(MOST_GAIN) / 4,
                length => length,
            },
        };
        if unpacked > limit {
            return Err(ReadError::TooLarge { path: name.to_owned(), limit });
        }
    }
    Ok(all)
}

/// How a stream is packed.
enum Packing {
    /// As an image, which is not unpacked at all.
    Image,
    /// Unpacking makes it longer by this factor at most.
    Gain(u64),
    Deflate,
}

/// `None` if a stream is packed in several ways upon each other, or its filters are to be found elsewhere.
fn packing(dict: &Dict) -> Option<Packing> {
    let mut names: Vec<Name> = Vec::new();
    for key in ["F", "Filter"] {
        match dict.get_raw::<Object>(key) {
            Some(MaybeRef::NotRef(Object::Name(name))) => names.push(name),
            Some(MaybeRef::NotRef(Object::Array(array))) => {
                let array: Array = array;
                for item in array.raw_iter() {
                    match item {
                        MaybeRef::NotRef(Object::Name(name)) => names.push(name),
                        _ => return None,
                    }
                }
            }
            Some(MaybeRef::Ref(_)) => return None,
            _ => {}
        }
    }
    let mut packing = Packing::Gain(1);
    for name in names {
        let this = match name.as_ref() {
            b"FlateDecode" | b"Fl" => Packing::Deflate,
            // A hundredfold is far more than text gains; nothing has written LZW for decades.
            b"LZWDecode" | b"LZW" => Packing::Gain(100),
            b"RunLengthDecode" | b"RL" => Packing::Gain(64),
            b"ASCII85Decode" | b"A85" => Packing::Gain(4),
            b"ASCIIHexDecode" | b"AHx" | b"Crypt" => Packing::Gain(1),
            b"DCTDecode" | b"DCT" | b"CCITTFaxDecode" | b"CCF" | b"JBIG2Decode" | b"JPXDecode" => Packing::Image,
            _ => Packing::Gain(1),
        };
        packing = match (packing, this) {
            (Packing::Image, _) | (_, Packing::Image) => Packing::Image,
            (Packing::Gain(1), this) => this,
            (packing, Packing::Gain(1)) => packing,
            // Deflated, then written in ASCII: it cannot be looked into here.
            (Packing::Gain(4), Packing::Deflate) => Packing::Gain(100),
            (Packing::Gain(4), Packing::Gain(gain)) => Packing::Gain(gain),
            _ => return None,
        };
    }
    Some(packing)
}

/// How many bytes a stream inflates to, up to a limit.
pub(super) fn inflated_length(data: &[u8], limit: u64) -> u64 {
    let length = std::io::copy(&mut lenient(ZlibDecoder::new(data)).take(limit), &mut std::io::sink()).unwrap_or(0);
    if length > 0 {
        return length;
    }
    std::io::copy(&mut lenient(DeflateDecoder::new(data)).take(limit), &mut std::io::sink()).unwrap_or(0)
}

/// The inflated bytes of a stream, those before a fault if it has one; `None` if they are more than the limit.
pub(super) fn inflate(data: &[u8], limit: u64) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    let more = limit.saturating_add(1);
    let _ = lenient(ZlibDecoder::new(data)).take(more).read_to_end(&mut all);
    if all.is_empty() {
        let _ = lenient(DeflateDecoder::new(data)).take(more).read_to_end(&mut all);
    }
    (all.len() as u64 <= limit).then_some(all)
}

/// A reader whose fault is its end.
struct Lenient<R>(R);

fn lenient<R: Read>(reader: R) -> Lenient<R> {
    Lenient(reader)
}

impl<R: Read> Read for Lenient<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        Ok(self.0.read(buffer).unwrap_or(0))
    }
}

/// The objects that are whole numbers, as lengths often are; the largest of those that share a name.
fn numbers_of(bytes: &[u8]) -> HashMap<u32, usize> {
    let mut numbers = HashMap::new();
    let mut at = 0;
    while let Some(found) = find(&bytes[at..], b" obj") {
        let (before, after) = (&bytes[at.max((at + found).saturating_sub(20))..at + found], &bytes[at + found + 4..]);
        at += found + 4;
        let digits = |b: &[u8]| std::str::from_utf8(b).ok().and_then(|s| s.trim().parse::<usize>().ok());
        let value: Vec<u8> = after.iter().copied().take(20).skip_while(u8::is_ascii_whitespace).collect();
        let length = value.iter().take_while(|b| b.is_ascii_digit()).count();
        let mut words = before.rsplit(|b| b.is_ascii_whitespace()).filter(|w| !w.is_empty());
        if let (Some(_), Some(id), Some(value)) = (words.next(), words.next(), digits(&value[..length])) {
            let from = id.iter().rposition(|b| !b.is_ascii_digit()).map_or(0, |p| p + 1);
            if let Some(id) = digits(&id[from..]).and_then(|id| u32::try_from(id).ok()) {
                let largest: &mut usize = numbers.entry(id).or_default();
                *largest = value.max(*largest);
            }
        }
    }
    numbers
}

/// Where some bytes first occur in others.
pub(super) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut at = 0;
    while let Some(found) = bytes.get(at..)?.iter().position(|&b| b == first) {
        if bytes[at + found..].starts_with(wanted) {
            return Some(at + found);
        }
        at += found + 1;
    }
    None
}
