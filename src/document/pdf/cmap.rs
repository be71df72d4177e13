//! The maps of a PDF's fonts: codes → text (ToUnicode), and codes → numbers of glyphs (the encodings of composite fonts).

use std::collections::HashMap;

/// No font has more glyphs than codes of two bytes.
const MAX_ENTRIES: usize = 1 << 16;

/// Codes are told apart by a few ranges.
const MAX_LENGTHS: usize = 100;

/// A map from codes to text.
#[derive(Debug, Default)]
pub(super) struct CMap {
    single: HashMap<u32, String>,
    /// From a code to a code, and the text of the first; the last character counts up.
    ranges: Vec<(u32, u32, String)>,
    /// From a code to a code, and the glyph of the first.
    glyphs: Vec<(u32, u32, u32)>,
    /// From a code to a code, and how many bytes each has.
    lengths: Vec<(u32, u32, usize)>,
}

enum Token<'d> {
    Hex(&'d [u8]),
    Open,
    Close,
    Word(&'d [u8]),
}

impl CMap {
    /// Reads the mappings of a stream; what makes no sense is passed over.
    pub(super) fn read(data: &[u8]) -> Self {
        let mut map = Self::default();
        let mut tokens = Tokens(data);
        while let Some(token) = tokens.next() {
            let Token::Word(word) = token else { continue };
            match word {
                b"beginbfchar" => map.read_characters(&mut tokens),
                b"beginbfrange" => map.read_ranges(&mut tokens),
                b"begincodespacerange" => map.read_lengths(&mut tokens),
                b"begincidrange" => map.read_glyphs(&mut tokens, true),
                b"begincidchar" => map.read_glyphs(&mut tokens, false),
                _ => {}
            }
        }
        map.ranges.sort_by_key(|&(first, _, _)| first);
        map.glyphs.sort_by_key(|&(first, _, _)| first);
        map
    }

    fn read_lengths(&mut self, tokens: &mut Tokens) {
        while let (Some(Token::Hex(first)), Some(Token::Hex(last))) = (tokens.next(), tokens.next()) {
            if self.lengths.len() < MAX_LENGTHS {
                self.lengths.push((number(first), number(last), bytes_of(first).count().clamp(1, 4)));
            }
        }
    }

    fn read_glyphs(&mut self, tokens: &mut Tokens, is_range: bool) {
        while let Some(Token::Hex(first)) = tokens.next() {
            let last = match is_range.then(|| tokens.next()) {
                None => first,
                Some(Some(Token::Hex(last))) => last,
                Some(_) => return,
            };
            let Some(Token::Word(glyph)) = tokens.next() else { return };
            let Some(glyph) = std::str::from_utf8(glyph).ok().and_then(|g| g.parse().ok()) else { return };
            if self.glyphs.len() < MAX_ENTRIES {
                self.glyphs.push((number(first), number(last), glyph));
            }
        }
    }

    fn read_characters(&mut self, tokens: &mut Tokens) {
        while let (Some(Token::Hex(code)), Some(Token::Hex(text))) = (tokens.next(), tokens.next()) {
            if self.single.len() < MAX_ENTRIES {
                self.single.insert(number(code), utf16(text));
            }
        }
    }

    fn read_ranges(&mut self, tokens: &mut Tokens) {
        while let (Some(Token::Hex(first)), Some(Token::Hex(last))) = (tokens.next(), tokens.next()) {
            let (first, last) = (number(first), number(last));
            match tokens.next() {
                Some(Token::Hex(text)) if self.ranges.len() < MAX_ENTRIES => {
                    self.ranges.push((first, last, utf16(text)))
                }
                Some(Token::Open) => {
                    let mut code = first;
                    while let Some(Token::Hex(text)) = tokens.next() {
                        if code <= last && self.single.len() < MAX_ENTRIES {
                            self.single.insert(code, utf16(text));
                        }
                        code = code.saturating_add(1);
                    }
                }
                _ => return,
            }
        }
    }

    /// It maps nothing to text.
    pub(super) fn is_empty(&self) -> bool {
        self.single.is_empty() && self.ranges.is_empty()
    }

    /// The text of a code, without characters that none can see.
    pub(super) fn text(&self, code: u32) -> Option<String> {
        if let Some(text) = self.single.get(&code) {
            return Some(visible(text.chars()));
        }
        let (first, text) = within(&self.ranges, code)?;
        let mut chars: Vec<char> = text.chars().collect();
        let counted = chars.last().and_then(|&c| char::from_u32(u32::from(c).checked_add(code - first)?))?;
        chars.pop();
        chars.push(counted);
        Some(visible(chars.into_iter()))
    }

    /// The code that bytes begin with, and how many of them it takes: as many as its range has, or two.
    pub(super) fn code(&self, bytes: &[u8]) -> (u32, usize) {
        let mut code = 0;
        for (at, &byte) in bytes.iter().take(4).enumerate() {
            code = code << 8 | u32::from(byte);
            if self.lengths.iter().any(|&(first, last, length)| length == at + 1 && (first..=last).contains(&code)) {
                return (code, at + 1);
            }
        }
        let shortest = self.lengths.iter().map(|&(_, _, length)| length).min().unwrap_or(2);
        let length = shortest.min(bytes.len());
        (bytes[..length].iter().fold(0, |all, &b| all << 8 | u32::from(b)), length)
    }

    /// The number of a code's glyph.
    pub(super) fn glyph(&self, code: u32) -> Option<u32> {
        within(&self.glyphs, code).map(|(first, &glyph)| glyph.saturating_add(code - first))
    }
}

/// The first code of the range that a code lies in, and what stands there.
fn within<T>(ranges: &[(u32, u32, T)], code: u32) -> Option<(u32, &T)> {
    let before = ranges.partition_point(|&(first, _, _)| first <= code);
    let (first, last, found) = ranges.get(before.checked_sub(1)?)?;
    (code <= *last).then_some((*first, found))
}

fn visible(chars: impl Iterator<Item = char>) -> String {
    chars.filter(|c| !c.is_control() && *c != char::REPLACEMENT_CHARACTER).collect()
}

struct Tokens<'d>(&'d [u8]);

impl<'d> Tokens<'d> {
    fn next(&mut self) -> Option<Token<'d>> {
        loop {
            let data = self.0.trim_ascii_start();
            let (&first, rest) = data.split_first()?;
            match first {
                b'%' => self.0 = &rest[rest.iter().position(|b| b"\r\n".contains(b)).unwrap_or(rest.len())..],
                b'<' if !rest.starts_with(b"<") => {
                    let end = rest.iter().position(|&b| b == b'>')?;
                    self.0 = &rest[end + 1..];
                    return Some(Token::Hex(&rest[..end]));
                }
                b'[' | b']' => {
                    self.0 = rest;
                    return Some(if first == b'[' { Token::Open } else { Token::Close });
                }
                _ => {
                    let ends = |b: &u8| b.is_ascii_whitespace() || b"<[]%".contains(b);
                    let end = rest.iter().position(ends).unwrap_or(rest.len());
                    self.0 = &rest[end..];
                    return Some(Token::Word(&data[..=end]));
                }
            }
        }
    }
}

fn bytes_of(hex: &[u8]) -> impl Iterator<Item = u8> {
    let digits: Vec<u8> = hex.iter().filter_map(|&b| char::from(b).to_digit(16)).map(|d| d as u8).take(128).collect();
    (0..digits.len().div_ceil(2)).map(move |at| digits[2 * at] << 4 | digits.get(2 * at + 1).copied().unwrap_or(0))
}

fn number(hex: &[u8]) -> u32 {
    bytes_of(hex).take(4).fold(0, |all, b| all << 8 | u32::from(b))
}

/// Text as it is written in maps. What none can see is kept, for ranges may begin with it.
fn utf16(hex: &[u8]) -> String {
    let bytes: Vec<u8> = bytes_of(hex).collect();
    let units = bytes.chunks(2).map(|pair| pair.iter().fold(0u16, |all, &b| all << 8 | u16::from(b)));
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_become_text() {
        let map = CMap::read(
            b"/CIDInit /ProcSet findresource begin % a <00> comment\n1 begincodespacerange <0000> <ffff> endcodespacerange\n\
              2 beginbfchar <0003> <0020> <000C> <00660069> endbfchar\n\
              2 beginbfrange <0010> <0012> <0061> <0020> <0021> [<0041> <D83DDE00>] endbfrange endcmap",
        );
        for (code, text) in [
            (3, Some(" ")),
            (12, Some("fi")),
            (16, Some("a")),
            (18, Some("c")),
            (19, None),
            (32, Some("A")),
            (33, Some("😀")),
        ] {
            assert_eq!(map.text(code).as_deref(), text, "{code}");
        }
        assert!(!map.is_empty() && CMap::read(b"beginbfchar <00").is_empty());
    }

    #[test]
    fn a_range_may_begin_with_what_none_can_see() {
        let map = CMap::read(b"1 beginbfrange <0000> <FFFF> <0000> endbfrange");
        assert_eq!([3, 0x61].map(|code| map.text(code)), [Some(String::new()), Some("a".to_owned())]);
    }

    #[test]
    fn codes_are_as_long_as_their_range_says() {
        let map = CMap::read(
            b"2 begincodespacerange <00> <5c> <8140> <9ffc> endcodespacerange\n\
              1 begincidrange <01> <04> 7 endcidrange 1 begincidchar <8140> 633 endcidchar",
        );
        for (bytes, code) in [(&b"\x02\x81"[..], (2, 1)), (b"\x81\x40\x00", (0x8140, 2)), (b"\xff", (0xff, 1))] {
            assert_eq!(map.code(bytes), code);
        }
        assert_eq!([2, 5, 0x8140].map(|code| map.glyph(code)), [Some(8), None, Some(633)]);
        assert_eq!(CMap::default().code(b"\x01\x02\x03"), (0x102, 2));
    }

    #[test]
    fn hostile_ranges_take_no_room() {
        let map = CMap::read(b"beginbfrange <00000000> <ffffffff> <0041> <01> <00> [] <02>");
        assert_eq!(map.text(1).as_deref(), Some("B"));
        assert_eq!(map.text(u32::MAX), None);
    }
}
