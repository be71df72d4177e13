//! HTML: the main text of a page, with its headings, lists and tables.
//!
//! Readability (the crate `dom_smoothie`) finds the article among menus, banners and teasers. A page that is nothing but a
//! document, as word processors and pandoc write it, is taken whole, and so is one in which Readability finds next to nothing.

#[path = "html/blocks.rs"]
pub(super) mod blocks;
#[path = "html/boilerplate.rs"]
mod boilerplate;
#[path = "html/parse.rs"]
mod parse;

use super::outline::{Outline, in_one_line};
use super::{Document, Limits, ReadError, text};
use blocks::{Block, Keep};
use dom_query::{Document as Tree, NodeRef};
use dom_smoothie::{Config, Readability};
use encoding_rs::{Encoding, UTF_8};

/// Pages of more nodes are not given to Readability, whose work grows faster than the page.
const MAX_READABLE_NODES: usize = 200_000;

/// Steps that writing the article anew may take: for each sign that HTML must escape, all text behind it is looked through.
const MAX_STEPS: usize = 10_000_000_000;

/// So many control bytes, and one in a thousand more, make no page a binary file.
const STRAY: usize = 16;

/// An article of fewer bytes is not taken for one.
const SHORT: usize = 250;

/// Reads one page.
pub(super) fn read(name: &str, bytes: &[u8], limits: &Limits) -> Result<Document, ReadError> {
    limits.check_document(name, bytes.len() as u64)?;
    let encoding = encoding_of(name, bytes)?;
    let (decoded, _, _) = encoding.decode(bytes);
    let page = page(&decoded).map_err(|message| broken(name, message))?;
    let mut outline = Outline::new(name, limits);
    if let Some(title) = &page.title {
        outline.title(title);
    }
    if let Some(date) = &page.date {
        outline.date(date);
    }
    for block in &page.blocks {
        block.feed(&mut outline)?;
    }
    outline.finish()
}

fn broken(name: &str, message: String) -> ReadError {
    ReadError::Broken { path: name.to_owned(), format: "HTML", message }
}

/// All blocks of HTML that is text and nothing else, such as a chapter.
pub(super) fn whole(name: &str, text: &str) -> Result<Vec<Block>, ReadError> {
    body(text, Keep::All).map_err(|message| broken(name, message))
}

/// The blocks of a letter, without what it quotes and its signature; all, where that leaves nothing.
pub(super) fn letter(name: &str, text: &str) -> Result<Vec<Block>, ReadError> {
    let written = body(text, Keep::Letter).map_err(|message| broken(name, message))?;
    if written.is_empty() { whole(name, text) } else { Ok(written) }
}

fn body(text: &str, keep: Keep) -> Result<Vec<Block>, String> {
    Ok(parse::parse(text)?.body().map(|body| blocks::blocks(&body, keep)).unwrap_or_default())
}

/// The text of an HTML or XML file within another, in UTF-8 or UTF-16 as those of books must be.
pub(super) fn decoded(bytes: &[u8]) -> String {
    UTF_8.decode(bytes).0.into_owned()
}

/// The encoding: by byte order mark; UTF-8 where the bytes are, since pages that were saved anew often still name another
/// one; as the page says; else by guess.
fn encoding_of(name: &str, bytes: &[u8]) -> Result<&'static Encoding, ReadError> {
    // Browsers pass over stray control bytes, and so pages have them.
    let guess = text::encoding_of(name, bytes, true, STRAY + bytes.len() / 1000)?;
    let said = || {
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(2048)]).to_ascii_lowercase();
        let behind = start.split_once("charset=")?.1.trim_start_matches(['"', '\'', ' ']);
        let label = behind.split(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c))).next()?;
        // A page whose first bytes can be read as ASCII is not UTF-16, whatever it says.
        Encoding::for_label(label.as_bytes()).filter(|e| e.is_ascii_compatible())
    };
    let marked = Encoding::for_bom(bytes).is_some();
    let plain_utf8 = guess == UTF_8 && !bytes.is_ascii();
    Ok(if marked || plain_utf8 { guess } else { said().unwrap_or(guess) })
}

/// What a page holds.
struct Page {
    title: Option<String>,
    date: Option<String>,
    blocks: Vec<Block>,
}

fn page(text: &str) -> Result<Page, String> {
    let tree = parse::parse(text)?;
    let facts = JsonLd::of(&tree);
    let reader = Readability::with_document(tree, None, Some(config())).map_err(|e| e.to_string())?;
    let metadata = reader.get_article_metadata(None);
    let tree = reader.doc.clone();
    let date = facts.date.or_else(|| date(&tree)).or_else(|| metadata.published_time.map(|t| t.to_string()));
    let headline = headline(&tree, &metadata.title);
    let title = headline.clone().or(facts.headline).unwrap_or_else(|| metadata.title.to_string());

    let keep = if is_plain(&tree) { Keep::All } else { Keep::Page };
    let mut found = tree.body().map(|body| blocks::blocks(&body, keep)).unwrap_or_default();
    if found.is_empty() {
        found = tree.body().map(|body| blocks::blocks(&body, Keep::All)).unwrap_or_default();
    }
    if keep == Keep::Page && is_readable(&tree) {
        let article = article(reader)?;
        if length(&article) >= SHORT.max(length(&found) / 5) {
            found = article;
        }
    }
    if let Some(headline) = headline {
        // The headline stands once, and first: Readability drops it, or keeps it among kickers.
        let same = |block: &Block| matches!(block, Block::Heading(text) | Block::Paragraph(text) if in_one_line(text) == headline);
        match found.iter().take(10).position(same) {
            Some(at) => found[at] = Block::Heading(headline),
            None => found.insert(0, Block::Heading(headline)),
        }
    }
    Ok(Page { title: Some(title).filter(|t| !t.is_empty()), date, blocks: found })
}

fn config() -> Config {
    // JSON-LD is read here: its parser there promises nothing for broken input.
    Config { keep_classes: true, disable_json_ld: true, char_threshold: SHORT, ..Config::default() }
}

/// Whether Readability can be given the page: it is made for pages of the usual size.
fn is_readable(tree: &Tree) -> bool {
    let mut n_steps = 0_usize;
    let mut add = |text: &str| {
        let n_escaped = text.chars().filter(|c| matches!(c, '&' | '<' | '>' | '"' | '\u{a0}')).count();
        n_steps = n_steps.saturating_add(n_escaped.saturating_mul(text.len()));
    };
    for node in tree.root().descendants_it() {
        if node.is_text() {
            add(&node.text());
        }
        for attribute in node.attrs() {
            add(&attribute.value);
        }
    }
    n_steps <= MAX_STEPS && tree.tree.len() <= MAX_READABLE_NODES
}

fn length(blocks: &[Block]) -> usize {
    blocks.iter().map(Block::len).sum()
}

/// What Readability finds, without captions and comments unless most of it is that.
fn article(mut reader: Readability) -> Result<Vec<Block>, String> {
    let Ok(article) = reader.parse() else { return Ok(Vec::new()) };
    let tree = parse::parse(&article.content)?;
    let of = |keep| tree.body().map(|body| blocks::blocks(&body, keep)).unwrap_or_default();
    let (without, with) = (of(Keep::Article), of(Keep::Gallery));
    Ok(if length(&without) < length(&with) / 2 { with } else { without })
}

/// The page is a document with nothing around it: a word processor's or converter's output, or one without any part that pages have
/// around their text.
fn is_plain(tree: &Tree) -> bool {
    let by_converter =
        tree.select("meta[name=generator], meta[name=Generator], meta[name=GENERATOR]").iter().any(|meta| {
            let generator = meta.attr("content").unwrap_or_default().to_ascii_lowercase();
            ["pandoc", "libreoffice", "openoffice", "microsoft word", "abiword", "asciidoctor", "docutils"]
                .iter()
                .any(|tool| generator.contains(tool))
        });
    let around = tree.root().descendants_it().any(|node| {
        let Some(name) = blocks::name_of(&node) else { return false };
        let of_page = matches!(
            name.as_str(),
            "nav" | "header" | "footer" | "aside" | "main" | "article" | "form" | "button" | "iframe" | "input"
        );
        let is_menu = name == "td" && node.descendants_it().take(100).filter(|n| n.has_name("a")).count() >= 3;
        of_page || is_menu || name == "div" && (node.has_attr("class") || node.has_attr("id") || node.has_attr("role"))
    });
    by_converter || !around
}

/// The page's main heading: the one that the title repeats, else the only one of the first level that is no link, as the
/// site's name is.
fn headline(tree: &Tree, title: &str) -> Option<String> {
    let body = tree.body()?;
    let title = in_one_line(title).to_lowercase();
    // In a title the article stands before the site; so the heading that is repeated first is the article's.
    let (mut told, mut firsts): (Option<(usize, u8, String)>, Vec<String>) = (None, Vec::new());
    for node in body.descendants_it() {
        let level = if node.has_name("h1") { 1 } else { 2 };
        if level == 2 && !node.has_name("h2") || is_hidden(&node) {
            continue;
        }
        let Some(Block::Heading(text)) = blocks::blocks(&node, Keep::All).into_iter().next() else { continue };
        let (text, lower) = (in_one_line(&text), text.to_lowercase());
        if level == 1 && !node.descendants_it().any(|n| n.has_name("a")) {
            firsts.push(text.clone());
        }
        let repeated = title.find(&lower).or((!title.is_empty() && lower.contains(&title)).then_some(0));
        if let Some(at) = repeated
            && told.as_ref().is_none_or(|(a, l, t)| (at, level, t.len()) < (*a, *l, text.len()))
        {
            told = Some((at, level, text));
        }
    }
    told.map(|(_, _, text)| text).or_else(|| if firsts.len() == 1 { firsts.pop() } else { None })
}

fn is_hidden(node: &NodeRef) -> bool {
    node.ancestors(None).iter().any(|a| a.has_attr("hidden") || a.has_name("template") || a.has_name("dialog"))
}

/// The date that the page gives in its head, or in a `<time>` of the article.
fn date(tree: &Tree) -> Option<String> {
    let mut first_time = None;
    for node in tree.root().descendants_it() {
        let said = |attribute: &str| node.attr(attribute).map(|v| v.trim().to_ascii_lowercase()).unwrap_or_default();
        let value = |attribute: &str| node.attr(attribute).map(|v| v.trim().to_owned()).filter(|v| !v.is_empty());
        if node.has_name("meta") {
            let key = [said("property"), said("name"), said("itemprop")].into_iter().find(|k| !k.is_empty());
            let is_date = matches!(
                key.unwrap_or_default().as_str(),
                "article:published_time"
                    | "og:article:published_time"
                    | "datepublished"
                    | "date"
                    | "pubdate"
                    | "dc.date"
                    | "dc.date.issued"
                    | "dcterms.date"
                    | "dcterms.issued"
                    | "dcterms.created"
                    | "parsely-pub-date"
                    | "publish-date"
                    | "sailthru.date"
                    | "citation_publication_date"
            );
            if let (true, Some(date)) = (is_date, value("content")) {
                return Some(date);
            }
        } else if node.has_name("time") && first_time.is_none() {
            let beside =
                |a: &NodeRef| a.has_name("aside") || a.has_name("nav") || a.has_name("footer") || a.has_name("li");
            if !node.ancestors(None).iter().any(beside) {
                first_time = value("datetime");
            }
        }
    }
    first_time
}

/// What a page says of itself to search engines.
#[derive(Default)]
struct JsonLd {
    date: Option<String>,
    headline: Option<String>,
}

impl JsonLd {
    fn of(tree: &Tree) -> Self {
        let mut found = Self::default();
        for script in tree.root().descendants_it().filter(|n| n.has_name("script")) {
            if !script.attr("type").is_some_and(|t| t.trim().eq_ignore_ascii_case("application/ld+json")) {
                continue;
            }
            let Ok(value) = serde_json::from_str::<serde_json::Value>(script.text().trim()) else { continue };
            let mut values = vec![&value];
            while let Some(value) = values.pop() {
                match value {
                    serde_json::Value::Array(all) => values.extend(all.iter().rev()),
                    serde_json::Value::Object(object) => {
                        let text = |key: &str| {
                            object.get(key).and_then(|v| v.as_str()).map(in_one_line).filter(|t| !t.is_empty())
                        };
                        if found.date.is_none() && text("datePublished").is_some() {
                            (found.date, found.headline) = (text("datePublished"), text("headline"));
                        }
                        values.extend(object.get("@graph"));
                        values.extend(object.get("mainEntity"));
                    }
                    _ => {}
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(bytes: &[u8]) -> Document {
        read("a.html", bytes, &Limits::default()).expect("reads")
    }

    #[test]
    fn encodings_are_told() {
        for (bytes, expected) in [
            (&b"\xef\xbb\xbf<p>caf\xc3\xa9"[..], "café"),
            (b"\xff\xfe<\0p\0>\0\xe9\0", "é"),
            (b"<meta charset=windows-1251><p>\xc4\xe0", "Да"),
            (b"<META http-equiv=Content-Type content='text/html; charset=iso-8859-1'><p>caf\xe9", "café"),
            (b"<meta charset=utf-16><p>caf", "caf"),
            (b"<meta charset=nonsense><p>caf\xe9 \x93so\x94", "café “so”"),
            (b"<meta charset=windows-1252><p>caf\xc3\xa9", "café"),
        ] {
            assert_eq!(document(bytes).text, expected, "{expected}");
        }
    }

    #[test]
    fn dates_and_titles_are_taken_where_pages_put_them() {
        for (head, title, date) in [
            ("<title>Vote - The Post</title><body><h1>The Post</h1><h2>Vote</h2>", "Vote", None),
            ("<title>The Post</title><body><h1>Vote</h1>", "Vote", None),
            ("<body><h1><a href=/>The Post</a></h1>", "", None),
            ("<meta name=dcterms.date content=2026-01-02><title>A</title>", "A", Some("2026-01-02")),
            ("<body><nav><time datetime=2020></time></nav><p><time datetime=2021>May</time>", "", Some("2021")),
            (
                "<meta property=article:published_time content=2022><script type=application/ld+json>[{\"@graph\": [{\"datePublished\": \"2023\", \"headline\": \"B\"}]}]</script>",
                "B",
                Some("2023"),
            ),
            ("<script type=application/ld+json>{\"datePublished\": </script>", "", None),
        ] {
            let found = document(format!("{head}<p>It met.").as_bytes());
            assert_eq!((found.title.unwrap_or_default().as_str(), found.date.as_deref()), (title, date), "{head}");
        }
    }

    #[test]
    fn the_headline_stands_once_and_first() {
        let paragraphs =
            "<p>The council met on Monday, and it voted, after hours of talk, to publish its rules.</p>".repeat(8);
        let page = format!(
            "<title>Council votes | Post</title><nav>x</nav><article><h1>Council <b>votes</b></h1>{paragraphs}</article><footer>y</footer>"
        );
        let text = document(page.as_bytes()).text;
        assert!(text.starts_with("Council votes\n\nThe council met"), "{text}");
        assert_eq!(text.matches("Council votes").count(), 1);
        assert!(text.ends_with("publish its rules."), "{text}");
    }

    #[test]
    fn captions_and_comments_are_kept_where_they_are_the_article() {
        let said = "The council met on Monday, and it voted, after hours of talk, to publish its rules.";
        let paragraphs = format!("<p>{said}</p>").repeat(8);
        let figure = |n: usize| {
            format!(
                "<figure><img src={n}.jpg><figcaption><p>Picture {n} shows the hall. {said}</p></figcaption></figure>"
            )
        };
        let page = |inner: &str| {
            document(format!("<title>Hall</title><nav>x</nav><article><h1>Hall</h1>{inner}</article>").as_bytes()).text
        };
        assert!(!page(&format!("{}{paragraphs}", figure(1))).contains("Picture"));
        let gallery = page(&format!("<p>{said}</p>{}", (1..8).map(figure).collect::<String>()));
        assert!((1..8).all(|n| gallery.contains(&format!("Picture {n}"))), "{gallery}");
    }

    #[test]
    fn stray_control_bytes_are_passed_over() {
        assert_eq!(
            document(b"<html><p>The coun\x07cil\x00 met.</p></html>").text.replace('\u{fffd}', ""),
            "The council met."
        );
        let error = read("a.html", &[b"<p>".as_slice(), &[1; 99]].concat(), &Limits::default()).expect_err("binary");
        assert!(matches!(error, ReadError::NotText { .. }), "{error}");
    }

    #[test]
    fn pages_without_text_are_empty() {
        for page in ["<script>x</script>", "<frameset><frame src=a></frameset>", "<title>x</title>", "<!-- x -->"] {
            let error = read("a.html", page.as_bytes(), &Limits::default()).expect_err("no text");
            assert!(matches!(error, ReadError::Empty { .. }), "{page}: {error}");
        }
    }
}
