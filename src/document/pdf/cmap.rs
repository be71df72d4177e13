//! ToUnicode maps of a PDF: codes → text.

use std::collections::HashMap;

/// No font has more glyphs than codes of two bytes.
const MAX_ENTRIES: usize = 1 << 16;

/// A map from codes to text.
#[derive(Debug, Default)]
pub(super) struct CMap {
    single: HashMap<u32, String>,
    /// From a code to a code, and the text of the first; the last character counts up.
    ranges: Vec<(u32, u32, String)>,
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
                _ => {}
            }
        }
        map.ranges.sort_by_key(|&(first, _, _)| first);
        map
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

    /// It maps nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.single.is_empty() && self.ranges.is_empty()
    }

    /// The text of a code.
    pub(super) fn text(&self, code: u32) -> Option<String> {
        if let Some(text) = self.single.get(&code) {
            return Some(text.clone());
        }
        let before = self.ranges.partition_point(|&(first, _, _)| first <= code);
        let (first, last, text) = self.ranges.get(before.checked_sub(1)?)?;
        if code > *last {
            return None;
        }
        let mut chars: Vec<char> = text.chars().collect();
        let counted = chars.last().and_then(|&c| char::from_u32(u32::from(c).checked_add(code - first)?))?;
        chars.pop();
        chars.push(counted);
        Some(chars.into_iter().collect())
    }
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

/// Text as it is written in maps; characters that none can see are dropped.
fn utf16(hex: &[u8]) -> String {
    let bytes: Vec<u8> = bytes_of(hex).collect();
    let units = bytes.chunks(2).map(|pair| pair.iter().fold(0u16, |all, &b| all << 8 | u16::from(b)));
    let text = char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}'));
    text.filter(|c| !c.is_control() && *c != '\u{fffd}').collect()
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
    fn hostile_ranges_take_no_room() {
        let map = CMap::read(b"beginbfrange <00000000> <ffffffff> <0041> <01> <00> [] <02>");
        assert_eq!(map.text(1).as_deref(), Some("B"));
        assert_eq!(map.text(u32::MAX), None);
    }
}
