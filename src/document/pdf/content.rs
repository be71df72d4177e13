//! A page's content stream → pieces of text and where they stand.

use super::Budget;
use super::font::Font;
use super::paragraphs::mark;
use hayro_syntax::content::TypedIter;
use hayro_syntax::content::ops::TypedInstruction;
use hayro_syntax::object::{Array, Dict, Name, Number, Object, ObjectIdentifier, Stream};
use hayro_syntax::page::{Page, Resources, Rotation};
use std::collections::HashMap;
use std::rc::Rc;

/// Forms within forms; people's files have two or three.
const MAX_DEPTH: usize = 12;

/// Saved states; people's files have ten or so.
const MAX_SAVED: usize = 512;

/// Flags of annotations that are not shown. Source: ISO 32000-2, table 167.
const HIDDEN: i64 = 1 << 1;
const NO_VIEW: i64 = 1 << 5;

/// A gap wider than this share of the font's size is a space between words, and one wider than `APART` ends a piece. Words of
/// justified text are 0.2 and more apart, letters of a word hardly 0.1.
pub(super) const SPACE: f32 = 0.15;
pub(super) const APART: f32 = 0.9;

/// What a space that is written may be stretched to where lines of narrow columns are filled.
const STRETCHED: f32 = 4.0;

/// A piece of text on one line, in points from the left and from the bottom.
#[derive(Debug, Clone, Default)]
pub(super) struct Piece {
    pub(super) x0: f32,
    /// Where its last letter ends.
    pub(super) x1: f32,
    /// Its baseline.
    pub(super) y: f32,
    pub(super) size: f32,
    pub(super) bold: bool,
    /// Marked as no part of the text, such as a running header.
    pub(super) artifact: bool,
    /// Quarters of a turn by which it is turned to the left; the places are those before the turn.
    pub(super) turn: u8,
    pub(super) text: String,
}

/// Reads pages, one after the other.
#[derive(Default)]
pub(super) struct Reading {
    fonts: HashMap<ObjectIdentifier, Rc<Font>>,
    pieces: Vec<Piece>,
    /// Where the pen stands behind the last piece.
    pen: f32,
    /// The pen was set anew since the last letter.
    moved: bool,
    /// Letters whose text is known, and those whose font does not tell.
    pub(super) known: u64,
    pub(super) unknown: u64,
}

type Matrix = [f32; 6];

const IDENTITY: Matrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

/// First one, then the other.
fn then(a: Matrix, b: Matrix) -> Matrix {
    [
        a[0] * b[0] + a[1] * b[2],
        a[0] * b[1] + a[1] * b[3],
        a[2] * b[0] + a[3] * b[2],
        a[2] * b[1] + a[3] * b[3],
        a[4] * b[0] + a[5] * b[2] + b[4],
        a[4] * b[1] + a[5] * b[3] + b[5],
    ]
}

fn matrix(numbers: [&Number; 6]) -> Matrix {
    numbers.map(Number::as_f32)
}

/// An array of so many numbers.
fn numbers<const N: usize>(dict: &Dict, key: &str) -> Option<[f32; N]> {
    let numbers: Vec<f32> = dict.get::<Array>(key)?.iter::<Number>().take(N).map(|n| n.as_f32()).collect();
    numbers.try_into().ok()
}

/// The upright box around a box that a matrix moves: left, bottom, right, top.
fn moved(corners: [f32; 4], m: Matrix) -> [f32; 4] {
    let [x0, y0, x1, y1] = corners;
    let points =
        [(x0, y0), (x0, y1), (x1, y0), (x1, y1)].map(|(x, y)| (x * m[0] + y * m[2] + m[4], x * m[1] + y * m[3] + m[5]));
    let (xs, ys) = (points.map(|p| p.0), points.map(|p| p.1));
    let (least, most) =
        (|n: [f32; 4]| n.into_iter().fold(f32::MAX, f32::min), |n: [f32; 4]| n.into_iter().fold(f32::MIN, f32::max));
    [least(xs), least(ys), most(xs), most(ys)]
}

#[derive(Clone)]
struct State {
    ctm: Matrix,
    font: Option<Rc<Font>>,
    size: f32,
    char_space: f32,
    word_space: f32,
    stretch: f32,
    leading: f32,
    rise: f32,
}

/// What marked content says of the text in it.
#[derive(Default)]
struct Mark {
    artifact: bool,
    /// The text that stands for all of it, until it was written.
    replaced: Option<Option<String>>,
}

impl Reading {
    /// The pieces of a page, in the order in which they are drawn.
    pub(super) fn page(&mut self, page: &Page, budget: &mut Budget) -> Vec<Piece> {
        let mut content = Vec::new();
        let mut add = |stream: Stream| {
            content.extend(budget.unpack(&stream).unwrap_or_default());
            content.push(b'\n');
        };
        if let Some(stream) = page.raw().get::<Stream>("Contents") {
            add(stream);
        } else if let Some(streams) = page.raw().get::<Array>("Contents") {
            streams.iter::<Stream>().for_each(add);
        }
        let ctm = match page.rotation() {
            Rotation::None => IDENTITY,
            Rotation::Horizontal => [0.0, -1.0, 1.0, 0.0, 0.0, 0.0],
            Rotation::Flipped => [-1.0, 0.0, 0.0, -1.0, 0.0, 0.0],
            Rotation::FlippedHorizontal => [0.0, 1.0, -1.0, 0.0, 0.0, 0.0],
        };
        let state = State {
            ctm,
            font: None,
            size: 1.0,
            char_space: 0.0,
            word_space: 0.0,
            stretch: 1.0,
            leading: 0.0,
            rise: 0.0,
        };
        self.run(&content, page.resources(), state.clone(), false, 0, budget);
        self.annotations(page, &state, budget);
        self.most_of_one_turn()
    }

    /// What is filled into the fields of a form, and what is written upon the page, is drawn as such forms.
    fn annotations(&mut self, page: &Page, state: &State, budget: &mut Budget) {
        let Some(all) = page.raw().get::<Array>("Annots") else { return };
        for annotation in all.iter::<Dict>() {
            budget.spend(1 << 6);
            let kind = annotation.get::<Name>("Subtype");
            let field = || annotation.get::<Name>("FT").or_else(|| annotation.get::<Dict>("Parent")?.get::<Name>("FT"));
            // Buttons and boxes to be ticked show no text of whoever filled the form in.
            let is_text = match kind.as_deref() {
                Some(b"Widget") => field().as_deref() != Some(b"Btn"),
                kind => kind == Some(b"FreeText"),
            };
            let flags = annotation.get::<Number>("F").map_or(0, |n| n.as_i64());
            if !is_text || flags & (HIDDEN | NO_VIEW) != 0 || budget.is_spent() {
                continue;
            }
            let Some(looks) = annotation.get::<Dict>("AP") else { continue };
            let of_state = || looks.get::<Dict>("N")?.get::<Stream>(annotation.get::<Name>("AS")?);
            let Some(form) = looks.get::<Stream>("N").or_else(of_state) else { continue };
            let (Some(place), Some(bounds)) = (numbers(&annotation, "Rect"), numbers(form.dict(), "BBox")) else {
                continue;
            };
            // The box of the form, moved by its matrix, fills the place. Source: ISO 32000-2, 12.5.5.
            let own = numbers(form.dict(), "Matrix").unwrap_or(IDENTITY);
            let [[x0, y0, x1, y1], [to_x0, to_y0, to_x1, to_y1]] = [moved(bounds, own), moved(place, IDENTITY)];
            let stretch = |from: f32, to: f32| if from > 0.0 { to / from } else { 1.0 };
            let (scale_x, scale_y) = (stretch(x1 - x0, to_x1 - to_x0), stretch(y1 - y0, to_y1 - to_y0));
            let fit = [scale_x, 0.0, 0.0, scale_y, to_x0 - x0 * scale_x, to_y0 - y0 * scale_y];
            let state = State { ctm: then(fit, state.ctm), ..state.clone() };
            self.moved = true;
            self.form(&form, page.resources(), state, false, 0, budget);
        }
    }

    /// Of the pieces of a page those that are turned as most of its letters are; what runs up a margin is not read.
    fn most_of_one_turn(&mut self) -> Vec<Piece> {
        let mut letters = [0; 4];
        for piece in &self.pieces {
            letters[usize::from(piece.turn)] += piece.text.len();
        }
        let most = (0..4).rev().max_by_key(|&turn| letters[turn]).unwrap_or(0);
        let mut pieces = std::mem::take(&mut self.pieces);
        pieces.retain(|piece| usize::from(piece.turn) == most);
        pieces
    }

    /// Draws a form.
    fn form(
        &mut self,
        form: &Stream,
        resources: &Resources,
        mut state: State,
        artifact: bool,
        depth: usize,
        budget: &mut Budget,
    ) {
        let Some(content) = budget.unpack(form) else { return };
        let own = form.dict().get::<Dict>("Resources").map(Resources::new);
        if let Some(matrix) = numbers(form.dict(), "Matrix") {
            state.ctm = then(matrix, state.ctm);
        }
        self.run(&content, own.as_ref().unwrap_or(resources), state, artifact, depth + 1, budget);
    }

    fn run(
        &mut self,
        content: &[u8],
        resources: &Resources,
        mut now: State,
        artifact: bool,
        depth: usize,
        budget: &mut Budget,
    ) {
        let mut saved: Vec<State> = Vec::new();
        let mut marks: Vec<Mark> = Vec::new();
        let (mut line, mut text) = (IDENTITY, IDENTITY);
        let mut operations = TypedIter::new(content);
        while let Some(operation) = operations.next() {
            use TypedInstruction as Op;
            self.moved |= matches!(
                operation,
                Op::SetTextMatrix(_)
                    | Op::NextLine(_)
                    | Op::NextLineAndSetLeading(_)
                    | Op::NextLineUsingLeading(_)
                    | Op::NextLineAndShowText(_)
                    | Op::ShowTextWithParameters(_)
            );
            match operation {
                Op::SaveState(_) if saved.len() < MAX_SAVED => saved.push(now.clone()),
                Op::RestoreState(_) => now = saved.pop().unwrap_or(now),
                Op::Transform(m) => now.ctm = then(matrix([&m.0, &m.1, &m.2, &m.3, &m.4, &m.5]), now.ctm),
                Op::BeginText(_) => (line, text) = (IDENTITY, IDENTITY),
                Op::TextFont(font) => {
                    now.size = font.1.as_f32();
                    now.font = self.font(resources, font.0, budget);
                }
                Op::CharacterSpacing(n) => now.char_space = n.0.as_f32(),
                Op::WordSpacing(n) => now.word_space = n.0.as_f32(),
                Op::HorizontalScaling(n) => now.stretch = n.0.as_f32() / 100.0,
                Op::TextLeading(n) => now.leading = n.0.as_f32(),
                Op::TextRise(n) => now.rise = n.0.as_f32(),
                Op::SetTextMatrix(m) => {
                    line = matrix([&m.0, &m.1, &m.2, &m.3, &m.4, &m.5]);
                    text = line;
                }
                Op::NextLine(n) => {
                    line = then([1.0, 0.0, 0.0, 1.0, n.0.as_f32(), n.1.as_f32()], line);
                    text = line;
                }
                Op::NextLineAndSetLeading(n) => {
                    now.leading = -n.1.as_f32();
                    line = then([1.0, 0.0, 0.0, 1.0, n.0.as_f32(), n.1.as_f32()], line);
                    text = line;
                }
                Op::NextLineUsingLeading(_) => {
                    line = then([1.0, 0.0, 0.0, 1.0, 0.0, -now.leading], line);
                    text = line;
                }
                Op::ShowText(s) => self.show(s.0.as_bytes(), &now, &mut text, &mut marks, artifact),
                Op::NextLineAndShowText(s) => {
                    line = then([1.0, 0.0, 0.0, 1.0, 0.0, -now.leading], line);
                    text = line;
                    self.show(s.0.as_bytes(), &now, &mut text, &mut marks, artifact);
                }
                Op::ShowTextWithParameters(s) => {
                    now.word_space = s.0.as_f32();
                    now.char_space = s.1.as_f32();
                    line = then([1.0, 0.0, 0.0, 1.0, 0.0, -now.leading], line);
                    text = line;
                    self.show(s.2.as_bytes(), &now, &mut text, &mut marks, artifact);
                }
                Op::ShowTexts(items) => {
                    for item in items.0.iter::<Object>() {
                        match item {
                            Object::String(s) => self.show(s.as_bytes(), &now, &mut text, &mut marks, artifact),
                            Object::Number(n) => {
                                let shift = -n.as_f32() / 1000.0 * now.size * now.stretch;
                                text = then([1.0, 0.0, 0.0, 1.0, shift, 0.0], text);
                            }
                            _ => {}
                        }
                    }
                }
                Op::BeginMarkedContent(tag) => {
                    let artifact = tag.0.as_ref() == b"Artifact";
                    marks.push(Mark { artifact, replaced: None });
                }
                Op::BeginMarkedContentWithProperties(tag) => {
                    let properties = match tag.1 {
                        Object::Dict(dict) => Some(dict.clone()),
                        Object::Name(name) => resources.properties.get::<Dict>(name),
                        _ => None,
                    };
                    let actual = properties.and_then(|p| p.get::<hayro_syntax::object::String>("ActualText"));
                    let replaced = actual.map(|s| Some(super::text_string(s.as_bytes())));
                    marks.push(Mark { artifact: tag.0.as_ref() == b"Artifact", replaced });
                }
                Op::EndMarkedContent(_) => {
                    marks.pop();
                }
                Op::XObject(name) if depth < MAX_DEPTH => {
                    let Some(form) = resources.x_objects.get::<Stream>(name.0) else { continue };
                    if form.dict().get::<Name>("Subtype").is_none_or(|n| n.as_ref() != b"Form") {
                        continue;
                    }
                    let artifact = artifact || marks.iter().any(|m| m.artifact);
                    self.form(&form, resources, now.clone(), artifact, depth, budget);
                }
                _ => {}
            }
        }
    }

    fn font(&mut self, resources: &Resources, name: &Name, budget: &mut Budget) -> Option<Rc<Font>> {
        let id = resources.fonts.get_ref(name).map(ObjectIdentifier::from);
        if let Some(font) = id.and_then(|id| self.fonts.get(&id)) {
            return Some(font.clone());
        }
        // A font that stands where it is used is read each time; this bounds how often.
        budget.spend(1 << 10);
        let dict = resources.fonts.get::<Dict>(name).filter(|_| !budget.is_spent())?;
        let font = Rc::new(Font::read(&dict, budget));
        if let Some(id) = id {
            self.fonts.insert(id, font.clone());
        }
        Some(font)
    }

    fn show(&mut self, bytes: &[u8], now: &State, text: &mut Matrix, marks: &mut [Mark], artifact: bool) {
        let Some(font) = now.font.clone() else { return };
        let artifact = artifact || marks.iter().any(|m| m.artifact);
        let mut replaced = marks.iter_mut().rev().find_map(|m| m.replaced.as_mut());
        font.codes(bytes, |found, width, is_space| {
            let all = then(*text, now.ctm);
            let (scale_x, scale_y) = (all[0].hypot(all[1]), all[2].hypot(all[3]));
            let advance = (width / 1000.0 * now.size + now.char_space + if is_space { now.word_space } else { 0.0 })
                * now.stretch;
            let (x, y) = (all[4] + now.rise * all[2], all[5] + now.rise * all[3]);
            let turned = turn(all[0] * now.size, all[1] * now.size);
            let (x, y) = match turned {
                Some(1) => (y, -x),
                Some(2) => (-x, -y),
                Some(3) => (-y, x),
                _ => (x, y),
            };
            *text = then([1.0, 0.0, 0.0, 1.0, advance, 0.0], *text);
            match (&found, &mut replaced) {
                (None, None) => self.unknown += 1,
                _ => self.known += 1,
            }
            let is_finite = [x, y, advance, scale_x, scale_y].iter().all(|n| n.is_finite() && n.abs() < 1e6);
            let Some(turn) = turned.filter(|_| is_finite) else { return };
            let own = replaced.as_mut().map(|text| text.take().unwrap_or_default());
            let text = own.as_deref().or(found).unwrap_or_default();
            let size = (now.size * scale_y).abs();
            // What spaces the letters of whole words out is no gap between them; for a letter or two it stands for a space.
            let own_width = if bytes.len() > 3 { advance } else { advance - now.char_space * now.stretch };
            let (x1, bold) = (x + own_width * scale_x, font.bold);
            let piece = Piece { x0: x, x1, y, size, bold, artifact, turn, text: String::new() };
            self.put(piece, text);
        });
    }

    /// Adds a letter: to the piece before, if it goes on there.
    fn put(&mut self, letter: Piece, text: &str) {
        let moved = std::mem::take(&mut self.moved);
        let is_blank = text.chars().all(char::is_whitespace);
        if let Some(last) = self.pieces.last_mut() {
            let gap = letter.x0 - self.pen;
            let widest = if is_blank || last.text.ends_with(' ') { STRETCHED } else { APART };
            let goes_on = (letter.y - last.y).abs() < 0.1 * letter.size
                && (letter.size - last.size).abs() < 0.1 * letter.size
                && (last.artifact, last.turn) == (letter.artifact, letter.turn)
                && (-0.4..widest).contains(&(gap / letter.size.max(0.1)));
            if goes_on {
                // A mark, or the number of a footnote, may fill the room that is left for it.
                let is_mark = moved
                    && last.text.contains(|c: char| !c.is_alphabetic())
                    && mark(&last.text, true).is_some_and(|(_, rest)| rest.is_empty());
                let is_number = moved
                    && last.text.len() < 4
                    && last.text.bytes().all(|b| b.is_ascii_digit())
                    && text.starts_with(char::is_uppercase);
                if (gap > SPACE * letter.size || is_mark || is_number) && !last.text.ends_with(' ') {
                    last.text.push(' ');
                }
                push(&mut last.text, text);
                self.pen = letter.x1;
                if !is_blank {
                    last.x1 = last.x1.max(letter.x1);
                    last.bold &= letter.bold;
                }
                return;
            }
        }
        if is_blank {
            return;
        }
        self.pen = letter.x1;
        let mut piece = letter;
        push(&mut piece.text, text);
        self.pieces.push(piece);
    }
}

/// By how many quarters text that runs this way is turned to the left; none if it runs askew.
fn turn(x: f32, y: f32) -> Option<u8> {
    let flat = y.abs() < 0.1 * x.abs();
    let steep = x.abs() < 0.1 * y.abs();
    match (flat, steep) {
        (true, _) => Some(if x > 0.0 { 0 } else { 2 }),
        (_, true) => Some(if y > 0.0 { 1 } else { 3 }),
        _ => None,
    }
}

/// Adds text as it is read: ligatures as their letters, all spaces alike, bullets of picture fonts as bullets, and the two single
/// quotation marks, which laws are printed with, as double ones.
fn push(all: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            'ﬀ' => all.push_str("ff"),
            'ﬁ' => all.push_str("fi"),
            'ﬂ' => all.push_str("fl"),
            'ﬃ' => all.push_str("ffi"),
            'ﬄ' => all.push_str("ffl"),
            'ﬅ' | 'ﬆ' => all.push_str("st"),
            '\u{e000}'..='\u{f8ff}' => all.push('•'),
            '\u{200b}' | '\u{feff}' => {}
            '‘' | '’' if all.ends_with(c) => {
                all.pop();
                all.push(if c == '‘' { '“' } else { '”' });
            }
            c if c.is_whitespace() => all.push(' '),
            c if c.is_control() => {}
            c => all.push(c),
        }
    }
}
