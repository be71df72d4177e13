//! Fonts of a PDF: codes in the page's strings → text and widths. Glyphs are not looked at, only what a font says of its codes:
//! ToUnicode, encodings, glyph names, widths.

use super::Budget;
use super::cmap::CMap;
use super::guard::find;
use encoding_rs::{MACINTOSH, WINDOWS_1252};
use hayro_syntax::object::{Array, Dict, Name, Number, Object, Stream};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::LazyLock;

/// Glyph names, each with the code points of its text in hexadecimal. Source: the Adobe Glyph List, the part that Latin, Greek and
/// Cyrillic text needs, and ligatures' names in TeX's fonts.
const GLYPH_NAMES: &str = include_str!("glyph_names.txt");

static NAMES: LazyLock<HashMap<&str, String>> = LazyLock::new(|| {
    let name = |line: &'static str| {
        let (name, points) = line.split_once('\t')?;
        let point = |hex: &str| u32::from_str_radix(hex, 16).ok().and_then(char::from_u32);
        Some((name, points.split(' ').filter_map(point).collect()))
    };
    GLYPH_NAMES.lines().filter_map(name).collect()
});

/// What the 94 characters of ASCII and the space are wide in Helvetica and Times, in thousandths of the font's size; for fonts that
/// every reader was once to have and that are therefore not always measured in the file.
const HELVETICA: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
];
const TIMES: [u16; 95] = [
    250, 333, 408, 500, 500, 833, 778, 180, 333, 333, 500, 564, 250, 333, 250, 278, 500, 500, 500, 500, 500, 500, 500,
    500, 500, 500, 278, 278, 564, 564, 564, 444, 921, 722, 667, 667, 722, 611, 556, 722, 722, 333, 389, 722, 611, 889,
    722, 722, 556, 722, 667, 556, 611, 722, 722, 944, 722, 722, 611, 333, 278, 333, 469, 500, 333, 444, 500, 444, 500,
    444, 333, 500, 500, 278, 278, 500, 278, 778, 500, 500, 500, 500, 333, 389, 278, 500, 500, 722, 500, 500, 444, 480,
    200, 480, 541,
];

/// One font, ready to be used.
pub(super) struct Font {
    to_unicode: Option<CMap>,
    /// The text of each code, for fonts of single bytes.
    texts: Vec<Rc<str>>,
    /// How strings fall into codes, and codes into glyphs, for fonts that are not of single bytes.
    encoding: Option<CMap>,
    /// Such codes are UTF-16 themselves.
    is_utf16: bool,
    widths: Widths,
    pub(super) bold: bool,
}

/// Widths in thousandths of the font's size.
#[derive(Default)]
struct Widths {
    first: i64,
    each: Vec<f32>,
    by_code: HashMap<u32, f32>,
    ranges: Vec<(u32, u32, f32)>,
    default: f32,
}

impl Font {
    /// The font that a dictionary describes. What is damaged or unknown is left out; no dictionary is an error.
    pub(super) fn read(dict: &Dict, budget: &mut Budget) -> Self {
        let name = |dict: &Dict, key: &str| dict.get::<Name>(key).map(|n| n.as_str().to_owned()).unwrap_or_default();
        let kind = name(dict, "Subtype");
        let base = name(dict, "BaseFont");
        let to_unicode = dict
            .get::<Stream>("ToUnicode")
            .and_then(|s| budget.unpack(&s))
            .map(|data| CMap::read(&data))
            .filter(|m| !m.is_empty());
        let wide = kind == "Type0";
        let encoding = name(dict, "Encoding");
        let embedded = dict.get::<Stream>("Encoding").filter(|_| wide).and_then(|s| budget.unpack(&s));
        let descendant = dict.get::<Array>("DescendantFonts").and_then(|a| a.iter::<Dict>().next());
        let widths = match (&descendant, wide) {
            (Some(descendant), true) => Widths::of_cids(descendant),
            _ => Widths::of_bytes(dict, &kind, &base),
        };
        let texts = if wide { Vec::new() } else { texts_of_codes(dict, &kind, &base, budget) };
        let lower = base.to_lowercase();
        let bold = ["bold", "black", "heavy", "cmbx", "sfbx"].iter().any(|b| lower.contains(b));
        let is_utf16 = encoding.starts_with("Uni") && (encoding.contains("UCS2") || encoding.contains("UTF16"));
        let encoding = wide.then(|| embedded.map(|data| CMap::read(&data)).unwrap_or_default());
        Self { to_unicode, texts, encoding, is_utf16, widths, bold }
    }

    /// Calls for each code of a string: its text (`None` if the font does not tell), its width in thousandths, and whether it is
    /// the single byte of a space, which word spacing widens.
    pub(super) fn codes(&self, mut bytes: &[u8], mut each: impl FnMut(Option<&str>, f32, bool)) {
        while let Some(&first) = bytes.first() {
            let (value, length) = self.encoding.as_ref().map_or((u32::from(first), 1), |map| map.code(bytes));
            bytes = &bytes[length..];
            let glyph = self.encoding.as_ref().and_then(|map| map.glyph(value));
            let width = self.widths.of(glyph.unwrap_or(value));
            let mut utf16 = [0; 4];
            let mapped = self.to_unicode.as_ref().and_then(|m| m.text(value));
            let text = match &mapped {
                Some(text) => Some(text.as_str()),
                None if self.is_utf16 => char::from_u32(value).map(|c| &*c.encode_utf8(&mut utf16)),
                None => self.texts.get(value as usize).map(|t| &**t).filter(|t| !t.is_empty()),
            };
            each(text, width, length == 1 && value == 32);
        }
    }
}

impl Widths {
    fn of_bytes(dict: &Dict, kind: &str, base: &str) -> Self {
        let descriptor = dict.get::<Dict>("FontDescriptor").unwrap_or_default();
        let missing = descriptor.get::<Number>("MissingWidth").map_or(0.0, |n| n.as_f32());
        // Those of Type 3 are in the glyphs' own space.
        let scale = match dict.get::<Array>("FontMatrix").filter(|_| kind == "Type3") {
            Some(matrix) => matrix.iter::<Number>().next().map_or(1.0, |n| n.as_f32().abs() * 1000.0),
            None => 1.0,
        };
        if let Some(widths) = dict.get::<Array>("Widths") {
            let first = dict.get::<Number>("FirstChar").map_or(0, |n| n.as_i64());
            let each = widths.iter::<Number>().take(256).map(|n| n.as_f32() * scale).collect();
            return Self { first, each, default: missing * scale, ..Self::default() };
        }
        let lower = base.to_lowercase();
        if lower.contains("courier") || lower.contains("mono") {
            return Self { default: 600.0, ..Self::default() };
        }
        let known = if lower.contains("times") || lower.contains("serif") { &TIMES } else { &HELVETICA };
        Self { first: 32, each: known.iter().map(|&w| f32::from(w)).collect(), default: 500.0, ..Self::default() }
    }

    fn of_cids(descendant: &Dict) -> Self {
        let default = descendant.get::<Number>("DW").map_or(1000.0, |n| n.as_f32());
        let mut widths = Self { default, ..Self::default() };
        let Some(array) = descendant.get::<Array>("W") else { return widths };
        let mut numbers: Vec<f64> = Vec::new();
        for item in array.iter::<Object>().take(1 << 18) {
            match item {
                Object::Number(number) => {
                    numbers.push(number.as_f64());
                    if let [first, last, width] = numbers[..] {
                        widths.ranges.push((first as u32, last as u32, width as f32));
                        numbers.clear();
                    }
                }
                Object::Array(array) => {
                    if let Some(first) = numbers.pop() {
                        for (at, width) in array.iter::<Number>().take(1 << 16).enumerate() {
                            widths.by_code.insert((first as u32).saturating_add(at as u32), width.as_f32());
                        }
                    }
                    numbers.clear();
                }
                _ => numbers.clear(),
            }
        }
        // Sound files have a few hundred at most, and do not overlap.
        widths.ranges.sort_by_key(|&(first, _, _)| first);
        widths
    }

    fn of(&self, code: u32) -> f32 {
        let at = i64::from(code) - self.first;
        if let Some(&width) = usize::try_from(at).ok().and_then(|at| self.each.get(at)) {
            return width;
        }
        if let Some(&width) = self.by_code.get(&code) {
            return width;
        }
        let before = self.ranges.partition_point(|&(first, _, _)| first <= code);
        match before.checked_sub(1).map(|at| self.ranges[at]) {
            Some((_, last, width)) if code <= last => width,
            _ => self.default,
        }
    }
}

/// The text of each of the 256 codes of a font of single bytes.
fn texts_of_codes(dict: &Dict, kind: &str, base: &str, budget: &mut Budget) -> Vec<Rc<str>> {
    let descriptor = dict.get::<Dict>("FontDescriptor").unwrap_or_default();
    let encoding = dict.get::<Dict>("Encoding");
    let named = match &encoding {
        Some(encoding) => encoding.get::<Name>("BaseEncoding"),
        None => dict.get::<Name>("Encoding"),
    };
    let lower = base.to_lowercase();
    let pictures = ["dingbats", "wingdings", "webdings", "symbol"].iter().any(|p| lower.contains(p));
    let mut texts: Vec<Rc<str>> = match named.as_ref().map(|n| n.as_ref()) {
        Some(b"MacRomanEncoding") => (0..=255).map(|b| of_encoding(MACINTOSH, b)).collect(),
        Some(b"StandardEncoding") => (0..=255).map(standard).collect(),
        None if pictures => (0..=255).map(|b| Rc::from(if b > 32 { "•" } else { "" })).collect(),
        None if kind == "Type1" => (0..=255).map(standard).collect(),
        // Fonts in TrueType's form, and those in which nothing is said, are mostly like this.
        _ => (0..=255).map(|b| of_encoding(WINDOWS_1252, b)).collect(),
    };
    if named.is_none()
        && let Some(program) = descriptor.get::<Stream>("FontFile").and_then(|s| budget.unpack(&s))
    {
        for (code, name) in built_in(&program) {
            texts[usize::from(code)] = of_name(name);
        }
    }
    if let Some(differences) = encoding.and_then(|e| e.get::<Array>("Differences")) {
        let names = differing(&differences);
        let numbered = are_numbered(&names);
        for (code, name) in names {
            texts[usize::from(code)] = match numbered {
                true => Rc::from(of_number(code, kind)),
                false => of_name(&name),
            };
        }
    }
    texts
}

/// The glyphs' names by their codes, from an array of codes each of which is followed by the names from there on.
fn differing(array: &Array) -> Vec<(u8, String)> {
    let mut names = Vec::new();
    let mut code = 0i64;
    for item in array.iter::<Object>().take(1 << 12) {
        match item {
            Object::Number(number) => code = number.as_i64(),
            Object::Name(name) => {
                if let Ok(code) = u8::try_from(code) {
                    names.push((code, name.as_str().to_owned()));
                }
                code = code.saturating_add(1);
            }
            _ => {}
        }
    }
    names
}

/// Whether the names only repeat their codes, such as `a65` for 65: so programs name the glyphs that they draw dot by dot.
fn are_numbered(names: &[(u8, String)]) -> bool {
    let mut told = names.iter().filter(|(_, name)| name != ".notdef").peekable();
    told.peek().is_some()
        && told.all(|(code, name)| {
            let digits = name.trim_start_matches(|c: char| c.is_ascii_alphabetic());
            digits.len() < name.len() && digits.parse() == Ok(*code)
        })
}

/// The text of a code whose glyph has no other name. What is drawn dot by dot comes from TeX, whose text fonts have ligatures, quotation
/// marks and dashes where ASCII has others. Source: The TeXbook, appendix F.
fn of_number(code: u8, kind: &str) -> &'static str {
    const ASCII: &str =
        " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";
    match code {
        11..16 if kind == "Type3" => ["ff", "fi", "fl", "ffi", "ffl"][usize::from(code) - 11],
        b'\'' if kind == "Type3" => "’",
        b'`' if kind == "Type3" => "‘",
        b'"' if kind == "Type3" => "”",
        b'\\' if kind == "Type3" => "“",
        b'{' if kind == "Type3" => "–",
        b'|' if kind == "Type3" => "—",
        32..127 => &ASCII[usize::from(code) - 32..usize::from(code) - 31],
        _ => "",
    }
}

fn of_encoding(encoding: &'static encoding_rs::Encoding, byte: u8) -> Rc<str> {
    match byte {
        0..32 => Rc::from(""),
        _ => Rc::from(&*encoding.decode_without_bom_handling(&[byte]).0),
    }
}

/// Adobe's standard encoding. Source: ISO 32000-1, annex D.2.
fn standard(byte: u8) -> Rc<str> {
    const UPPER: &str = "¡¢£⁄¥ƒ§¤'“«‹›ﬁﬂ\u{0}–†‡·\u{0}¶•‚„”»…‰\u{0}¿";
    match byte {
        b'\'' => Rc::from("’"),
        b'`' => Rc::from("‘"),
        32..127 => of_encoding(WINDOWS_1252, byte),
        0xa1..0xc0 => {
            let c = UPPER.chars().nth(usize::from(byte) - 0xa1).filter(|&c| c != '\0');
            Rc::from(c.map(String::from).unwrap_or_default())
        }
        0xd0 => Rc::from("—"),
        0xe1 => Rc::from("Æ"),
        0xe8 => Rc::from("Ł"),
        0xe9 => Rc::from("Ø"),
        0xea => Rc::from("Œ"),
        0xf1 => Rc::from("æ"),
        0xf5 => Rc::from("ı"),
        0xf8 => Rc::from("ł"),
        0xf9 => Rc::from("ø"),
        0xfa => Rc::from("œ"),
        0xfb => Rc::from("ß"),
        _ => Rc::from(""),
    }
}

/// The text of a glyph by its name; empty if the name tells nothing.
fn of_name(name: &str) -> Rc<str> {
    let name = name.split('.').next().unwrap_or_default();
    let mut chars = name.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        return Rc::from(c.to_string());
    }
    if let Some(text) = NAMES.get(name) {
        return Rc::from(text.as_str());
    }
    let hex =
        name.strip_prefix("uni").and_then(|h| h.get(..4)).or_else(|| name.strip_prefix('u').filter(|h| h.len() >= 4));
    let of_hex = hex.and_then(|h| u32::from_str_radix(h, 16).ok()).and_then(char::from_u32);
    Rc::from(of_hex.map(String::from).unwrap_or_default())
}

/// The encoding that a Type 1 font brings along, in the part of it that is plain text: `dup 12 /fi put`.
fn built_in(program: &[u8]) -> impl Iterator<Item = (u8, &str)> {
    let end = find(program, b"eexec").unwrap_or(0);
    let plain = std::str::from_utf8(&program[..end]).unwrap_or_default();
    let encoding = plain.split_once("/Encoding").map_or("", |(_, rest)| rest);
    encoding.split("dup ").skip(1).take(256).filter_map(|entry| {
        let mut words = entry.split_ascii_whitespace();
        let code = words.next()?.parse().ok()?;
        Some((code, words.next()?.strip_prefix('/')?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glyphs_are_known_by_their_names() {
        for (name, text) in [
            ("A", "A"),
            ("fi", "fi"),
            ("f_f_i", "ffi"),
            ("quoteright", "’"),
            ("eacute", "é"),
            ("uni2019", "’"),
            ("u1F600", "😀"),
            ("a.sc", "a"),
            (".notdef", ""),
            ("g123", ""),
        ] {
            assert_eq!(&*of_name(name), text, "{name}");
        }
        assert_eq!([b'\'', 0xaa, 0xae, 0xb1, 0xbf].map(|b| standard(b).to_string()), ["’", "“", "ﬁ", "–", "¿"]);
    }

    #[test]
    fn names_may_only_repeat_their_codes() {
        let names = |all: &[(u8, &str)]| all.iter().map(|&(code, name)| (code, name.to_owned())).collect::<Vec<_>>();
        assert!(are_numbered(&names(&[(0, ".notdef"), (65, "a65"), (97, "a97")])));
        assert!(!are_numbered(&names(&[(65, "g36"), (66, "g37")])) && !are_numbered(&names(&[(65, "A")])));
        assert!(!are_numbered(&names(&[(0, ".notdef")])));
        assert_eq!([12, 92, 65].map(|code| of_number(code, "Type3")), ["fi", "“", "A"]);
        assert_eq!([12, 92, 126].map(|code| of_number(code, "Type1")), ["", "\\", "~"]);
    }

    #[test]
    fn a_font_may_bring_its_encoding() {
        let program =
            b"%!PS\n/Encoding 256 array\ndup 11 /ff put\ndup 300 /x put\ndup 12 /fi put\nreadonly def\neexec\xff";
        assert_eq!(built_in(program).collect::<Vec<_>>(), [(11, "ff"), (12, "fi")]);
        assert_eq!(built_in(b"no font").count(), 0);
    }
}
