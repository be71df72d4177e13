//! HTML → a tree, in bounded depth and size, whatever comes in.
//!
//! The parser follows the standard, and by the standard a small page can grow a huge tree: marks such as `<b>` that are never
//! closed are opened again in every paragraph, and each of a hundred thousand nested tags is looked for among all others.
//! So tags that only change the looks are left out before the tree is built, and so is what nests deeper than any page does.

use dom_query::{Document as Tree, NodeId};
use html5ever::buffer_queue::BufferQueue;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
use html5ever::tree_builder::{TreeBuilder, TreeBuilderOpts, TreeSink};
use html5ever::{LocalName, TokenizerResult, local_name};
use std::cell::{Cell, RefCell};

/// Tags of a page; a book of a thousand pages has some ten thousand.
const MAX_TAGS: usize = 1_000_000;

/// Elements within each other. Browsers stop at 512; what is below stays, as part of the element above it.
const MAX_DEPTH: usize = 256;

/// Attributes of one tag; the parser compares each with all others.
const MAX_ATTRIBUTES: usize = 2_000;

/// Bytes that the parser is given at once, so that it can be stopped.
const PIECE: usize = 64 << 10;

/// The tree of a page, or why there is none.
pub(super) fn parse(text: &str) -> Result<Tree, String> {
    if has_long_tag(text.as_bytes()) {
        return Err(format!("a tag has more than {MAX_ATTRIBUTES} attributes"));
    }
    let options = TreeBuilderOpts { scripting_enabled: false, drop_doctype: true, ..TreeBuilderOpts::default() };
    let sink = Pruned {
        builder: TreeBuilder::new(Tree::default(), options),
        open: RefCell::new(Vec::new()),
        left_out: RefCell::new(Vec::new()),
        n_tags: Cell::new(0),
        is_xml: text.trim_start_matches('\u{feff}').starts_with("<?xml"),
    };
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let queue = BufferQueue::default();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(rest.floor_char_boundary(PIECE));
        rest = behind;
        queue.push_back(StrTendril::from_slice(piece));
        // A script, or a word on the encoding, is a pause: neither is followed.
        while !matches!(tokenizer.feed(&queue), TokenizerResult::Done) {}
        if tokenizer.sink.n_tags.get() > MAX_TAGS {
            return Err(format!("it has more than {MAX_TAGS} tags"));
        }
    }
    tokenizer.end();
    Ok(tokenizer.sink.builder.sink.finish())
}

/// What stands between the tokenizer and the tree: leaves out tags.
struct Pruned {
    builder: TreeBuilder<NodeId, Tree>,
    /// The elements that are open, of those that can nest in themselves.
    open: RefCell<Vec<LocalName>>,
    /// Opening tags that were left out, whose closing tags must be, too.
    left_out: RefCell<Vec<LocalName>>,
    n_tags: Cell<usize>,
    /// In XML, `<title/>` is an element without text; in HTML it would hold the rest of the page.
    is_xml: bool,
}

impl Pruned {
    fn keeps(&self, kind: TagKind, name: &LocalName, self_closing: bool) -> bool {
        self.n_tags.set(self.n_tags.get() + 1);
        if self.n_tags.get() > MAX_TAGS || is_looks(name) {
            return false;
        }
        if !nests(name) && !self.is_xml {
            return true;
        }
        let (mut open, mut left_out) = (self.open.borrow_mut(), self.left_out.borrow_mut());
        let is_drawing = || open.iter().any(|o| matches!(*o, local_name!("svg") | local_name!("math")));
        if self_closing && !is_void(name) && (self.is_xml || is_drawing()) {
            return false;
        }
        if !nests(name) {
            return true;
        }
        match kind {
            TagKind::StartTag if open.len() >= MAX_DEPTH => {
                // Closing tags of what is forgotten here close too much, which loses structure and no text.
                if left_out.len() < MAX_TAGS {
                    left_out.push(name.clone());
                }
                false
            }
            TagKind::StartTag => {
                open.push(name.clone());
                true
            }
            TagKind::EndTag if left_out.last() == Some(name) => {
                left_out.pop();
                false
            }
            TagKind::EndTag => {
                if let Some(at) = open.iter().rposition(|o| o == name) {
                    open.truncate(at);
                    left_out.clear();
                }
                true
            }
        }
    }
}

impl TokenSink for Pruned {
    type Handle = NodeId;

    fn process_token(&self, token: Token, line_number: u64) -> TokenSinkResult<NodeId> {
        match &token {
            Token::TagToken(tag) if !self.keeps(tag.kind, &tag.name, tag.self_closing) => TokenSinkResult::Continue,
            Token::CommentToken(_) | Token::ParseError(_) => TokenSinkResult::Continue,
            _ => self.builder.process_token(token, line_number),
        }
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

/// Elements that change nothing but the looks of words.
fn is_looks(name: &LocalName) -> bool {
    matches!(
        *name,
        local_name!("b")
            | local_name!("big")
            | local_name!("code")
            | local_name!("em")
            | local_name!("font")
            | local_name!("i")
            | local_name!("nobr")
            | local_name!("s")
            | local_name!("small")
            | local_name!("strike")
            | local_name!("strong")
            | local_name!("tt")
            | local_name!("u")
    )
}

/// Elements that hold nothing by their nature.
fn is_void(name: &LocalName) -> bool {
    matches!(
        *name,
        local_name!("br")
            | local_name!("hr")
            | local_name!("img")
            | local_name!("meta")
            | local_name!("link")
            | local_name!("input")
    )
}

/// Whether elements of this name can stand in each other with nothing between; those that hold nothing, and those that end
/// where the next begins, cannot.
fn nests(name: &LocalName) -> bool {
    !matches!(
        *name,
        local_name!("area")
            | local_name!("base")
            | local_name!("body")
            | local_name!("br")
            | local_name!("col")
            | local_name!("dd")
            | local_name!("dt")
            | local_name!("embed")
            | local_name!("head")
            | local_name!("hr")
            | local_name!("html")
            | local_name!("img")
            | local_name!("input")
            | local_name!("li")
            | local_name!("link")
            | local_name!("meta")
            | local_name!("option")
            | local_name!("p")
            | local_name!("param")
            | local_name!("source")
            | local_name!("tbody")
            | local_name!("td")
            | local_name!("tfoot")
            | local_name!("th")
            | local_name!("thead")
            | local_name!("tr")
            | local_name!("track")
            | local_name!("wbr")
    )
}

/// Whether a tag has more attributes than any tag has, as far as a look at the bytes tells.
fn has_long_tag(text: &[u8]) -> bool {
    let mut at = 0;
    while let Some(found) = text[at..].iter().position(|&b| b == b'<') {
        at += found + 1;
        if !text.get(at).is_some_and(|b| b.is_ascii_alphabetic() || *b == b'/') {
            continue;
        }
        let name = &text[at..];
        let is = |what: &[u8]| name.get(..what.len()).is_some_and(|n| n.eq_ignore_ascii_case(what));
        let raw: Option<&[u8]> = if is(b"script") {
            Some(b"</script")
        } else if is(b"style") {
            Some(b"</style")
        } else {
            None
        };
        let (mut n_attributes, mut quote, mut before) = (0, None, b'<');
        while let Some(&b) = text.get(at) {
            at += 1;
            match quote {
                Some(q) if b == q => quote = None,
                Some(_) => {}
                None if b == b'>' => break,
                None if matches!(b, b'"' | b'\'') && before == b'=' => quote = Some(b),
                None if b.is_ascii_whitespace() && before == b'=' => continue,
                None if !(b.is_ascii_whitespace() || b == b'/') && (before.is_ascii_whitespace() || before == b'/') => {
                    n_attributes += 1;
                }
                None if matches!(before, b'"' | b'\'') && !(b.is_ascii_whitespace() || b == b'/') => n_attributes += 1,
                None => {}
            }
            before = b;
            if n_attributes > MAX_ATTRIBUTES {
                return true;
            }
        }
        if let Some(end) = raw {
            // What looks like tags in a script is none.
            at += text[at..].windows(end.len()).position(|w| w.eq_ignore_ascii_case(end)).unwrap_or(text.len() - at);
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inner(text: &str) -> String {
        parse(text).expect("parsed").body().expect("a body").inner_html().to_string()
    }

    #[test]
    fn looks_are_left_out_and_the_rest_stays() {
        assert_eq!(
            inner("<p>We <b>must <i>act</b></i> <a href=x>now</a>.<!-- x -->"),
            "<p>We must act <a href=\"x\">now</a>.</p>"
        );
        assert_eq!(inner("<ul><li>a<li>b</ul><p>c<p>d"), "<ul><li>a</li><li>b</li></ul><p>c</p><p>d</p>");
        assert_eq!(inner("<p>a<script>if (a<b) x='</p>'</script>"), "<p>a<script>if (a<b) x='</p>'</script></p>");
    }

    #[test]
    fn depth_is_bounded_and_no_text_is_lost() {
        let n = 100_000;
        let html = inner(&format!("<p>first{}deep{}<p>last", "<div>".repeat(n), "</div>".repeat(n)));
        assert_eq!(html.matches("<div>").count(), MAX_DEPTH);
        assert!(
            html.starts_with("<p>first</p>") && html.contains("deep") && html.ends_with("</div><p>last</p>"),
            "{html}"
        );
        for tag in ["<b>", "<a href=x>", "<p>", "<table>", "<table><td>", "<ul><li>", "<svg>", "<button>", "</p>"] {
            let html = inner(&format!("{}deep", tag.repeat(n / 2)));
            assert!(html.contains("deep"), "{tag}");
        }
    }

    #[test]
    fn what_would_grow_without_bound_is_refused() {
        let attributes: String = (0..5_000).map(|n| format!(" a{n}")).collect();
        assert_eq!(
            parse(&format!("<p{attributes}>text")).err(),
            Some("a tag has more than 2000 attributes".to_owned())
        );
        assert_eq!(parse(&"<br>".repeat(1_000_001)).err(), Some("it has more than 1000000 tags".to_owned()));
        // Each of these marks would be opened again in every paragraph.
        let marks: String = (0..2_000).map(|n| format!("<font size={n}>")).collect();
        assert!(inner(&format!("{marks}{}", "<p>x".repeat(5_000))).len() < 100_000);
        let quoted: String = (0..1_900).map(|n| format!(" a{n}=\"\"")).collect();
        assert!(parse(&format!("<p{quoted}>text</p>")).is_ok());
        let script = format!("<script>if (a<b {}</script><p title=\"a {0}\">text", "c d ".repeat(5_000));
        assert!(inner(&script).contains("text"));
    }
}
