//! A tree of HTML → headings, paragraphs, items and rows, in order. What no reader sees as text is dropped here: scripts,
//! menus, forms' controls, hidden parts.

use super::super::ReadError;
use super::super::outline::{Outline, in_one_line};
use super::boilerplate::is_dropped;
use dom_query::NodeRef;

/// A piece of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Block {
    Heading(String),
    Paragraph(String),
    Item { depth: usize, mark: Option<String>, text: String },
    Row(Vec<String>),
}

impl Block {
    /// Adds the block to a document.
    pub(in super::super) fn feed(&self, outline: &mut Outline) -> Result<(), ReadError> {
        match self {
            Self::Heading(text) => outline.heading(text),
            Self::Paragraph(text) => outline.paragraph(text),
            Self::Item { depth, mark, text } => outline.item(*depth, mark.as_deref(), text),
            Self::Row(cells) => outline.row(cells.iter().map(String::as_str)),
        }
    }

    /// Bytes of its text.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Heading(text) | Self::Paragraph(text) | Self::Item { text, .. } => text.len(),
            Self::Row(cells) => cells.iter().map(String::len).sum(),
        }
    }
}

/// What is dropped beside what is never text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Keep {
    /// Nothing else: a document that was written as one, with no page around it.
    All,
    /// What a letter quotes, and its signature.
    Letter,
    /// Navigation, footers, asides, banners, captions, comments: a page whose article was found.
    Article,
    /// These, but for captions and comments, which are the article: a gallery, a forum.
    Gallery,
    /// These, and lists of nothing but links: a page with all that is on it.
    Page,
}

/// The blocks within a node.
pub(in super::super) fn blocks(root: &NodeRef, keep: Keep) -> Vec<Block> {
    let mut walk = Walk { keep, ..Walk::default() };
    let mut node = *root;
    // Down, along and up by the nodes' own links: no depth overflows a stack.
    loop {
        if walk.enter(&node)
            && let Some(child) = node.first_child()
        {
            node = child;
            continue;
        }
        loop {
            walk.leave(&node);
            if node.id == root.id {
                walk.flush();
                return walk.blocks;
            }
            if let Some(next) = node.next_sibling() {
                node = next;
                break;
            }
            match node.parent() {
                Some(parent) => node = parent,
                None => {
                    walk.flush();
                    return walk.blocks;
                }
            }
        }
    }
}

/// An element that changes how its text is taken.
enum Frame {
    List {
        numbers: Option<char>,
        next: i64,
    },
    Item {
        mark: Option<String>,
        depth: usize,
        begun: bool,
    },
    Heading,
    Preformatted,
    /// A table whose cells are laid out as a page, and one whose rows are rows.
    Layout,
    Rows,
}

struct Walk {
    keep: Keep,
    blocks: Vec<Block>,
    frames: Vec<Frame>,
    /// The block's text so far; lines are ended by `<br>` only.
    text: String,
    /// The cells of the row so far.
    cells: Vec<String>,
    /// A node that is passed over with all it holds.
    skipped: bool,
}

impl Default for Walk {
    fn default() -> Self {
        Self { keep: Keep::All, blocks: vec![], frames: vec![], text: String::new(), cells: vec![], skipped: false }
    }
}

impl Walk {
    /// Takes a node in; whether its children are to be visited.
    fn enter(&mut self, node: &NodeRef) -> bool {
        self.skipped = false;
        let Some(name) = name_of(node) else {
            if node.is_text() {
                self.take(&node.text());
            }
            return !node.is_text();
        };
        if is_dropped(node, &name, self.keep) {
            self.skipped = true;
            if is_block(&name) {
                self.flush();
            }
            return false;
        }
        if name == "br" {
            self.line_break();
            return false;
        }
        if is_block(&name) {
            self.flush();
        }
        match name.as_str() {
            "ul" | "menu" | "dir" => self.frames.push(Frame::List { numbers: None, next: 1 }),
            "ol" => {
                let numbers = node.attr("type").and_then(|t| t.chars().next()).filter(|t| "1aAiI".contains(*t));
                let next = number(node, "start").unwrap_or(1);
                self.frames.push(Frame::List { numbers: Some(numbers.unwrap_or('1')), next });
            }
            "li" => {
                let depth = self.frames.iter().filter(|f| matches!(f, Frame::List { .. })).count().saturating_sub(1);
                let list = self.frames.iter_mut().rev().find(|f| matches!(f, Frame::List { .. }));
                let mut mark = None;
                if let Some(Frame::List { numbers: Some(numbers), next }) = list {
                    let at = number(node, "value").unwrap_or(*next);
                    *next = at.saturating_add(1);
                    mark = Some(list_mark(*numbers, at));
                }
                self.frames.push(Frame::Item { mark, depth, begun: false });
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.frames.push(Frame::Heading),
            "pre" => self.frames.push(Frame::Preformatted),
            "table" => {
                let rows = !self.in_rows() && has_rows(node);
                self.frames.push(if rows { Frame::Rows } else { Frame::Layout });
            }
            "td" | "th" if self.in_rows() => self.cells.push(String::new()),
            _ => {}
        }
        true
    }

    /// Takes a node's end in.
    fn leave(&mut self, node: &NodeRef) {
        if std::mem::take(&mut self.skipped) {
            return;
        }
        let Some(name) = name_of(node) else { return };
        if name == "br" || !is_block(&name) {
            return;
        }
        self.flush();
        match name.as_str() {
            "ul" | "menu" | "dir" | "ol" | "li" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "pre" | "table" => {
                self.frames.pop();
            }
            "tr" if self.in_rows() => {
                let cells: Vec<String> = self.cells.drain(..).filter(|c| !c.is_empty()).collect();
                if !cells.is_empty() {
                    self.blocks.push(Block::Row(cells));
                }
            }
            _ => {}
        }
    }

    fn in_rows(&self) -> bool {
        self.frames.iter().any(|f| matches!(f, Frame::Rows))
    }

    /// Appends text, with each run of white space as one space unless it is meant as it stands.
    fn take(&mut self, text: &str) {
        let as_it_stands = self.frames.iter().any(|f| matches!(f, Frame::Preformatted));
        for c in text.chars() {
            if is_invisible(c) {
                continue;
            }
            if !c.is_whitespace() || as_it_stands {
                self.text.push(c);
            } else if !self.text.ends_with([' ', '\n']) {
                self.text.push(' ');
            }
        }
    }

    /// One break ends a line, two end a paragraph.
    fn line_break(&mut self) {
        let so_far = self.text.trim_end_matches(' ').len();
        self.text.truncate(so_far);
        if self.text.ends_with('\n') {
            return self.flush();
        }
        self.text.push('\n');
    }

    /// Ends the block.
    fn flush(&mut self) {
        let text = tidied(&std::mem::take(&mut self.text));
        if text.is_empty() {
            return;
        }
        if self.in_rows() {
            match self.cells.last_mut() {
                Some(cell) => join(cell, &in_one_line(&text)),
                None => self.blocks.push(Block::Paragraph(text)),
            }
            return;
        }
        let heading = matches!(self.frames.last(), Some(Frame::Heading));
        // The item that the text stands in, unless a table stands between.
        let item = self.frames.iter_mut().rev().find(|f| matches!(f, Frame::Item { .. } | Frame::Layout));
        let block = match item {
            Some(Frame::Item { mark, begun, .. }) if heading => {
                let mark = if *begun { None } else { mark.take() };
                *begun = true;
                Block::Heading(mark.map_or_else(|| text.clone(), |mark| format!("{mark} {text}")))
            }
            _ if heading => Block::Heading(text),
            Some(Frame::Item { mark, depth, begun }) if !*begun => {
                *begun = true;
                let mark = mark.take();
                let text = in_one_line(&text);
                // Some lists write their numbers themselves.
                let text = match &mark {
                    Some(mark) => text.strip_prefix(mark.as_str()).map_or(text.as_str(), str::trim_start).to_owned(),
                    None => text,
                };
                Block::Item { depth: *depth, mark, text }
            }
            Some(Frame::Item { .. }) => match self.blocks.last_mut() {
                // A further paragraph of an item stays with it where that makes no sentence of two.
                Some(Block::Item { text: before, .. }) if before.ends_with(['.', '!', '?', '”', '"', ')']) => {
                    return join(before, &in_one_line(&text));
                }
                _ => Block::Paragraph(text),
            },
            _ => Block::Paragraph(text),
        };
        self.blocks.push(block);
    }
}

fn join(before: &mut String, text: &str) {
    if !before.is_empty() {
        before.push(' ');
    }
    before.push_str(text);
}

/// Lines without the white space around them, and no more than one blank one between.
fn tidied(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    let mut n_breaks = 0;
    for line in text.lines() {
        let line = in_one_line(line);
        if !line.is_empty() {
            if !tidy.is_empty() {
                tidy.push_str(if n_breaks > 1 { "\n\n" } else { "\n" });
            }
            tidy.push_str(&line);
            n_breaks = 0;
        }
        n_breaks += 1;
    }
    tidy
}

/// Soft hyphens, marks of no width and control characters; they would make other words of the words that they stand in.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{fffd}') || c.is_control() && !c.is_whitespace()
}

pub(super) fn name_of(node: &NodeRef) -> Option<String> {
    node.element_ref().map(|e| e.name.local.to_string())
}

fn number(node: &NodeRef, attribute: &str) -> Option<i64> {
    node.attr(attribute)?.trim().parse().ok()
}

/// The mark of an item, as a browser shows it.
fn list_mark(numbers: char, at: i64) -> String {
    let small = match numbers {
        'a' | 'A' if (1..=26).contains(&at) => char::from(b'a' + (at - 1) as u8).to_string(),
        'i' | 'I' if (1..40).contains(&at) => roman(at),
        _ => return format!("{at}."),
    };
    format!("{}.", if numbers.is_ascii_uppercase() { small.to_ascii_uppercase() } else { small })
}

fn roman(mut number: i64) -> String {
    let mut written = String::new();
    for (worth, letters) in [(10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")] {
        while number >= worth {
            written.push_str(letters);
            number -= worth;
        }
    }
    written
}

/// Elements that begin and end a block.
fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "caption"
            | "center"
            | "dd"
            | "details"
            | "dialog"
            | "dir"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hgroup"
            | "hr"
            | "html"
            | "legend"
            | "li"
            | "main"
            | "menu"
            | "nav"
            | "ol"
            | "optgroup"
            | "option"
            | "p"
            | "pre"
            | "section"
            | "summary"
            | "table"
            | "tbody"
            | "td"
            | "tfoot"
            | "th"
            | "thead"
            | "title"
            | "tr"
            | "ul"
            | "iframe"
            | "select"
            | "textarea"
    )
}

/// The table's rows say something together: it holds no page layout, and some row has two cells or more.
fn has_rows(table: &NodeRef) -> bool {
    if table.attr("role").is_some_and(|role| matches!(&*role, "presentation" | "none")) {
        return false;
    }
    let mut widest = 0;
    for node in table.descendants_it() {
        let Some(name) = name_of(&node) else { continue };
        match name.as_str() {
            "table" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "ul" | "ol" | "pre" | "article" | "form" => {
                return false;
            }
            "td" | "th" if node.element_children().iter().filter(|c| c.has_name("p")).count() > 2 => return false,
            "tr" => {
                let cells = node.element_children();
                widest = widest.max(cells.iter().filter(|c| c.has_name("td") || c.has_name("th")).count());
            }
            _ => {}
        }
    }
    widest > 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Limits;

    fn text(html: &str, keep: Keep) -> String {
        let tree = super::super::parse::parse(html).expect("parsed");
        let limits = Limits::default();
        let mut outline = Outline::new("a", &limits);
        for block in blocks(&tree.body().expect("a body"), keep) {
            block.feed(&mut outline).expect("fits");
        }
        outline.finish().map(|d| d.text).unwrap_or_default()
    }

    #[test]
    fn blocks_are_those_that_a_browser_shows() {
        for (html, expected) in [
            (
                "<h2>What  we\nask</h2>text<p>It <b>was</b>\nlate.<p>And cold.",
                "What we ask\n\ntext\n\nIt was late.\n\nAnd cold.",
            ),
            ("<p>One<br>two<br> <br>three&nbsp;four&shy;teen", "One\ntwo\n\nthree fourteen"),
            ("<ul><li>a<li>b<ul><li>c</ul><li>d</ul>", "- a\n- b\n  - c\n- d"),
            ("<ol start=3 type=a><li>a<li value=7>b</ol><ol type=I><li>c<li>d</ol>", "c. a\ng. b\nI. c\nII. d"),
            ("<ol><li>1. a<li>2. b</ol>", "1. a\n2. b"),
            (
                "<ol><li><p>We ask.</p><p>We wait.</p><li><p>Chiefs</p><p>They rule.</p></ol>",
                "1. We ask. We wait.\n2. Chiefs\n\nThey rule.",
            ),
            ("<ol><li><h3>Ban it</h3><p>All of it.</p></ol>", "1. Ban it\n\nAll of it."),
            ("<table><tr><th>Item<th>Cost<tr><td><p>A</p><td>$5<tr><td> <td></table>", "Item | Cost\n\nA | $5"),
            ("<table><tr><td><h1>Title</h1><p>Text.</td><td>aside</td></tr></table>", "Title\n\nText.\n\naside"),
            ("<table role=presentation><tr><td>a<td>b</table><table><tr><td>c<tr><td>d</table>", "a\n\nb\n\nc\n\nd"),
            ("<table><tr><td><table><tr><td>a<td>b</table></table>", "a | b"),
            ("<pre>one\n  two\n\n\nthree</pre>", "one\ntwo\n\nthree"),
            ("<p>Said.<a href='#n1'><sup>[1]</sup></a> <a href='/x'>2</a>", "Said. 2"),
            (
                "<dl><dt>A board?<dd>It hears.</dl><details><summary>More</summary>Text.</details>",
                "A board?\n\nIt hears.\n\nMore\n\nText.",
            ),
        ] {
            assert_eq!(text(html, Keep::All), expected, "{html}");
        }
    }

    #[test]
    fn what_is_no_text_is_dropped() {
        for html in [
            "<script>x</script>",
            "<style>x</style>",
            "<nav>x</nav>",
            "<p hidden>x",
            "<div style='Display : none'>x</div>",
            "<span aria-hidden=true>x</span>",
            "<button>x</button>",
            "<select><option>x</select>",
            "<div role=search>x</div>",
            "<template>x</template>",
            "<noscript>x</noscript>",
            "<svg><text>x</text></svg>",
            "<textarea>x</textarea>",
        ] {
            assert_eq!(text(&format!("<p>a</p>{html}<p>b"), Keep::All), "a\n\nb", "{html}");
        }
    }

    #[test]
    fn what_pages_have_around_their_text_is_dropped() {
        for html in [
            "<aside>x</aside>",
            "<footer>x</footer>",
            "<header>x</header>",
            "<div class=cookie-bar>x</div>",
            "<div id=newsletter>x</div>",
            "<p><a href=x>Read more: x</a></p>",
            "<p><a>x</a> | <a>x</a> | <a>x</a></p>",
            "<div role=contentinfo>x</div>",
            "<a class=sr-only href=x>x</a>",
        ] {
            let page = format!("<p>a</p>{html}<p>b");
            assert_eq!(text(&page, Keep::Article).replace(' ', ""), "a\n\nb", "{html}");
            assert!(text(&page, Keep::All).contains('x'), "{html}");
        }
        let list = "<p>We ask:</p><ul><li><a>Ban it</a><li><a>Fund it</a></ul>";
        assert_eq!(text(list, Keep::Article), "We ask:\n\n- Ban it\n- Fund it");
        assert_eq!(text(list, Keep::Page), "We ask:");
        assert_eq!(text(&list.replace("We ask", "Related"), Keep::Article), "Related:");
    }

    #[test]
    fn what_only_seems_to_be_around_the_text_is_kept() {
        for html in [
            "<header><h1>x</h1></header>",
            "<article class=newsletter>x</article>",
            "<blockquote><footer>x</footer></blockquote>",
            "<div hidden=until-found>x</div>",
            "<article><header>x</header></article>",
        ] {
            assert!(text(html, Keep::Page).contains('x'), "{html}");
        }
        let long = format!("<div class=newsletter>{}</div>", "<p>The council met.".repeat(30));
        assert!(!text(&long, Keep::Page).is_empty());
    }

    #[test]
    fn a_letter_ends_where_it_quotes() {
        let html = "<p>I agree.</p><div class='gmail_quote x'>x</div><blockquote type=cite>x</blockquote><blockquote>y</blockquote>";
        assert_eq!(text(html, Keep::Letter), "I agree.\n\ny");
    }
}
