//! What on a page is no text of its document: told by element, role, style, links, and by the words of class and id.

use super::blocks::Keep;
use dom_query::NodeRef;

/// What holds no text of the document.
pub(super) fn is_dropped(node: &NodeRef, name: &str, keep: Keep) -> bool {
    match name {
        "script" | "style" | "head" | "title" | "noscript" | "template" | "svg" | "iframe" | "object" | "embed"
        | "audio" | "video" | "canvas" | "button" | "input" | "select" | "textarea" | "dialog" | "map" | "rp"
        | "rt" | "datalist" | "progress" | "meter" => return true,
        "html" | "body" | "main" => return false,
        "nav" => return true,
        "a" if is_note_reference(node) => return true,
        _ => {}
    }
    // Sections that open at a click are text.
    if node.attr("hidden").is_some_and(|v| &*v != "until-found")
        || node.attr("aria-hidden").is_some_and(|v| &*v == "true")
    {
        return true;
    }
    if let Some(style) = node.attr("style") {
        let style: String = style.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
        if style.contains("display:none") || style.contains("visibility:hidden") {
            return true;
        }
    }
    if let Some(role) = node.attr("role") {
        match &*role {
            "navigation" | "search" | "dialog" | "alertdialog" | "menu" | "menubar" | "toolbar" | "tablist"
            | "doc-toc" => return true,
            "banner" | "contentinfo" | "complementary" if !matches!(keep, Keep::All | Keep::Letter) => {
                return !holds_headline(node);
            }
            _ => {}
        }
    }
    // LibreOffice writes what stands on every page, such as its number, once at the beginning and end.
    if name == "div" && node.attr("title").is_some_and(|t| matches!(&*t, "header" | "footer")) {
        return true;
    }
    match keep {
        Keep::All => return false,
        Keep::Letter => return is_quoted(node, name),
        Keep::Article | Keep::Gallery | Keep::Page => {}
    }
    match name {
        "aside" => true,
        "figcaption" => keep != Keep::Gallery,
        "header" | "footer" if !holds_headline(node) => {
            name == "footer" && !node.ancestors(Some(3)).iter().any(|a| a.has_name("blockquote"))
                || name == "header" && !node.ancestors(None).iter().any(|a| a.has_name("article") || a.has_name("main"))
        }
        "article" => false,
        "ul" | "ol" if is_menu(node) => keep == Keep::Page || leads_on(node.prev_element_sibling()),
        "p" | "h2" | "h3" | "h4" | "td" | "div" if is_link_only(node, keep == Keep::Article && name == "p") => true,
        _ => is_marked_boilerplate(node, keep),
    }
}

/// Nodes that are looked at to judge what holds them, so that deep nesting costs no more.
const LOOKED_AT: usize = 5_000;

fn holds_headline(node: &NodeRef) -> bool {
    node.descendants_it().take(LOOKED_AT).any(|n| n.has_name("h1"))
}

/// The number of a footnote, in the sentence that it belongs to or before the note.
fn is_note_reference(node: &NodeRef) -> bool {
    let local = node.attr("href").is_some_and(|h| h.starts_with('#'));
    let text = node.text();
    let text = text.trim();
    local
        && text.chars().count() <= 5
        && !text.is_empty()
        && text.chars().all(|c| c.is_ascii_digit() || "[]()*†‡§↩︎^↑".contains(c))
}

/// What mail programs mark as quoted or as a signature.
fn is_quoted(node: &NodeRef, name: &str) -> bool {
    let marks = ["gmail_quote", "gmail_signature", "gmail_attr", "moz-cite-prefix", "moz-signature", "yahoo_quoted"];
    name == "blockquote" && node.attr("type").is_some_and(|t| t.eq_ignore_ascii_case("cite"))
        || node.class().is_some_and(|c| c.split_ascii_whitespace().any(|c| marks.contains(&c)))
}

/// A list of two or more items that are links and nothing else.
fn is_menu(list: &NodeRef) -> bool {
    let mut n_items = 0;
    for item in list.element_children() {
        let (linked, n_links) = linked(&item);
        if n_links == 0 || linked < text_length(&item) {
            return false;
        }
        n_items += 1;
    }
    n_items >= 2
}

/// Links and nothing else: three, or one that only leads on ("Read more: …"), or any.
fn is_link_only(node: &NodeRef, any: bool) -> bool {
    let first = node.descendants_it().take(20).find(|n| n.has_name("a"));
    if first.is_none() {
        return false;
    }
    let (linked, n_links) = linked(node);
    if linked < text_length(node) {
        return false;
    }
    any || n_links >= 3 || leads_on(first)
}

/// Its words lead to another page.
fn leads_on(node: Option<NodeRef>) -> bool {
    const WORDS: [&str; 8] =
        ["read more", "read also", "also read", "see also", "related", "more:", "more from", "continue reading"];
    let Some(node) = node else { return false };
    let text = node.text();
    let text = text.trim();
    text.len() < 200 && WORDS.iter().any(|words| text.to_lowercase().starts_with(words))
}

/// Letters and digits in links, and the number of those.
fn linked(node: &NodeRef) -> (usize, usize) {
    let links = node.descendants_it().take(LOOKED_AT).filter(|n| n.has_name("a"));
    links.fold((0, 0), |(length, n), link| (length + text_length(&link), n + 1))
}

/// Letters and digits of its text.
fn text_length(node: &NodeRef) -> usize {
    let texts = node.descendants_it().take(LOOKED_AT).filter(NodeRef::is_text).map(|n| n.text());
    texts.map(|text| text.chars().filter(|c| c.is_alphanumeric()).count()).sum()
}

/// Its class or id says that it is no part of the article, and it is short enough for that to be so: an article on cookies or
/// a newsletter is marked by the same words.
fn is_marked_boilerplate(node: &NodeRef, keep: Keep) -> bool {
    const SURELY: [&str; 9] =
        ["cookie", "gdpr", "onetrust", "breadcrumb", "sharedaddy", "skiplink", "disqus", "taboola", "outbrain"];
    #[rustfmt::skip]
    const PERHAPS: [&str; 38] = [
        "ad", "ads", "advert", "advertisement", "banner", "bio", "byline", "captcha", "copyright", "credit", "credits",
        "disclaimer", "disclosure", "footer", "linkbox", "menu", "meta", "metadata", "nav", "navbar", "newsletter", "paywall",
        "popup", "postmeta", "postmetadata", "promo", "rating", "recommended", "related", "respond", "share", "sidebar", "signup",
        "social", "subscribe", "subscription", "toc", "widget",
    ];
    const BESIDE: [&str; 5] = ["caption", "captions", "comment", "commentlist", "comments"];
    let names = [node.attr("class"), node.attr("id")];
    if names[0].as_ref().is_some_and(|c| ["sr-only", "visually-hidden", "screen-reader"].iter().any(|m| c.contains(m)))
    {
        return true;
    }
    let mut longest = 0;
    for word in names.iter().flatten().flat_map(|n| n.split(|c: char| !c.is_ascii_alphanumeric())) {
        let word = word.to_ascii_lowercase();
        if SURELY.iter().any(|mark| word.starts_with(mark)) {
            longest = longest.max(2_500);
        } else if PERHAPS.contains(&word.as_str()) || keep != Keep::Gallery && BESIDE.contains(&word.as_str()) {
            longest = longest.max(300);
        }
    }
    longest > 0 && !holds_headline(node) && text_length(node) <= longest
}
