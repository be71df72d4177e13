//! E-mail: what its writer wrote. Quoted replies, the signature and attachments are not read.

use super::html;
use super::outline::Outline;
use super::{Document, Limits, ReadError};
use mail_parser::{Message, MessageParser, PartType};

/// Parts of a message; each nests, or is looked through to find its end.
const MAX_PARTS: usize = 1_000;

/// Bytes that are looked through for the ends of all parts together, at worst.
const MAX_STEPS: usize = 4_000_000_000;

/// Reads one message.
pub(super) fn read(name: &str, bytes: &[u8], limits: &Limits) -> Result<Document, ReadError> {
    limits.check_document(name, bytes.len() as u64)?;
    let broken = |message: &str| {
        let message = message.to_owned();
        ReadError::Broken { path: name.to_owned(), format: "e-mail", message }
    };
    let mut bytes = bytes.to_vec();
    let n_parts = hide_messages(&mut bytes);
    if n_parts > MAX_PARTS || n_parts.saturating_mul(bytes.len()) > MAX_STEPS {
        return Err(broken("it has too many parts"));
    }
    let Some(message) = MessageParser::default().parse(&bytes) else { return Err(broken("it has no header")) };
    if message.subject().is_none() && message.from().is_none() && message.date().is_none() {
        return Err(broken("its header names no sender, subject or date"));
    }
    document(name, &message, limits)
}

/// Gives messages within the message a type that the parser does not look into, as it does, without a bound, for messages
/// within those; they are not read anyway. Gives the number of parts.
fn hide_messages(bytes: &mut [u8]) -> usize {
    const FIELD: &[u8] = b"content-type";
    let (mut at, mut n_parts) = (0, 0);
    while at + FIELD.len() <= bytes.len() {
        if !bytes[at..at + FIELD.len()].eq_ignore_ascii_case(FIELD) {
            at += 1;
            continue;
        }
        n_parts += 1;
        at += FIELD.len();
        // A header goes on in the lines that begin with white space.
        while at < bytes.len() && (bytes[at] != b'\n' || matches!(bytes.get(at + 1), Some(b' ' | b'\t'))) {
            for word in [&b"message"[..], b"digest"] {
                if bytes[at..].get(..word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word)) {
                    bytes[at] = b'x';
                }
            }
            at += 1;
        }
    }
    n_parts
}

fn document(name: &str, message: &Message, limits: &Limits) -> Result<Document, ReadError> {
    let mut outline = Outline::new(name, limits);
    if let Some(subject) = message.subject() {
        outline.title(subject);
    }
    if let Some(date) = message.date().filter(|d| d.is_valid()) {
        outline.date(&date.to_rfc3339());
    }
    let plain: usize = message.text_bodies().map(|part| text_of(&part.body).map_or(0, str::len)).sum();
    // Some programs put a single line into the plain part that sends the reader to the other one.
    let is_stub = plain < 200
        && message.html_bodies().any(|part| matches!(&part.body, PartType::Html(text) if text.len() > 2_000));
    let parts: Vec<_> = if is_stub { message.html_bodies().collect() } else { message.text_bodies().collect() };
    for part in parts {
        match &part.body {
            PartType::Text(text) => {
                for paragraph in paragraphs(text) {
                    outline.paragraph(&paragraph)?;
                }
            }
            PartType::Html(text) => {
                for block in html::letter(name, text)? {
                    block.feed(&mut outline)?;
                }
            }
            _ => {}
        }
    }
    outline.finish()
}

fn text_of<'p>(body: &'p PartType) -> Option<&'p str> {
    match body {
        PartType::Text(text) => Some(text),
        _ => None,
    }
}

/// The paragraphs of a plain text, up to its signature and without what it quotes; all, without marks, where it only quotes.
fn paragraphs(text: &str) -> Vec<String> {
    let written = cut(text, false);
    if written.is_empty() { cut(text, true) } else { written }
}

fn cut(text: &str, quoted_too: bool) -> Vec<String> {
    let mut paragraphs: Vec<String> = Vec::new();
    let mut open = false;
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line == "-- " || line == "--" || !quoted_too && is_reply_head(line, lines.peek().copied()) {
            break;
        }
        let mut content = line.trim();
        if content.starts_with('>') {
            if !quoted_too {
                drop_attribution(&mut paragraphs);
                open = false;
                continue;
            }
            content = content.trim_start_matches(['>', ' ']);
        }
        if content.is_empty() {
            open = false;
            continue;
        }
        match paragraphs.last_mut().filter(|_| open) {
            Some(paragraph) => {
                paragraph.push('\n');
                // The depth of an item is told by its indent.
                paragraph.push_str(if quoted_too { content } else { line.trim_end() });
            }
            None => paragraphs.push(content.to_owned()),
        }
        open = true;
    }
    paragraphs
}

/// What some programs put above the whole message that is replied to.
fn is_reply_head(line: &str, next: Option<&str>) -> bool {
    let middle = line.trim().trim_matches('-').trim();
    line.starts_with("---") && middle.eq_ignore_ascii_case("original message")
        || line.starts_with("From: ") && next.is_some_and(|next| next.starts_with("Sent: "))
}

/// Drops the line that introduces a quotation, "On Monday Ann Lund wrote:".
fn drop_attribution(paragraphs: &mut Vec<String>) {
    let Some(last) = paragraphs.last_mut() else { return };
    if !last.ends_with("wrote:") && !last.ends_with("writes:") {
        return;
    }
    // It may be wrapped, and stand right below what was written.
    let begin = last.rmatch_indices("On ").map(|(at, _)| at).find(|&at| at == 0 || last[..at].ends_with('\n'));
    let begin = begin.or_else(|| last.rfind('\n').map(|at| at + 1)).unwrap_or(0);
    last.truncate(begin);
    if last.trim().is_empty() {
        paragraphs.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(message: &str) -> Result<String, String> {
        read("a.eml", message.as_bytes(), &Limits::default()).map(|d| d.text).map_err(|e| e.to_string())
    }

    fn body(body: &str) -> String {
        text(&format!("From: a@example.org\nSubject: Body cameras\n\n{body}")).expect("has text")
    }

    #[test]
    fn what_was_quoted_or_signed_is_dropped() {
        for (message, expected) in [
            (
                "We ask for two things:\n- ban it\n- fund that\n\nThank you.\n-- \nAnn Lund\n",
                "We ask for two things:\n- ban it\n- fund that\n\nThank you.",
            ),
            (
                "I agree.\n\nOn Monday, Ann Lund <ann@example.org>\nwrote:\n> We ask.\n>> He said.\n\nBo\n",
                "I agree.\n\nBo",
            ),
            ("I agree.\nOn Monday, Ann wrote:\n> We ask.\n", "I agree."),
            ("We go on.\n> We ask.\nTo this: no.\n", "We go on.\n\nTo this: no."),
            ("I agree.\n\n-----Original Message-----\nFrom: Ann\n\nWe ask.\n", "I agree."),
            ("I agree.\n\nFrom: Ann\nSent: Monday\nTo: Bo\n\nWe ask.\n", "I agree."),
            ("> We ask.\n> Now.\n", "We ask.\nNow."),
        ] {
            assert_eq!(body(message), expected, "{message:?}");
        }
    }

    #[test]
    fn subject_and_date_are_taken() {
        let message = "From: Ann <a@example.org>\nDate: Tue, 3 Mar 2026 18:05:00 -0500\nSubject: =?utf-8?Q?Caf=C3=A9?= meeting\n\nWe met.\n";
        let document = read("a.eml", message.as_bytes(), &Limits::default()).expect("reads");
        assert_eq!(document.title.as_deref(), Some("Café meeting"));
        assert_eq!(document.date.as_deref(), Some("2026-03-03T18:05:00-05:00"));
    }

    #[test]
    fn errors_are_plain() {
        let broken = |m: &str| Err(format!("a.eml: is no sound e-mail: {m}"));
        assert_eq!(text("It rained.\n\nAll night.\n"), broken("its header names no sender, subject or date"));
        assert_eq!(text("From: a@example.org\n\n\n"), Err("a.eml: is empty".to_owned()));
        let parts = "Content-Type: text/plain\n".repeat(1_001);
        assert_eq!(text(&format!("From: a@example.org\n{parts}\nx")), broken("it has too many parts"));
    }

    #[test]
    fn messages_within_messages_overflow_nothing() {
        let deep = "Content-Type: message/rfc822\n\n".repeat(990);
        let _ = text(&format!("From: a@example.org\n{deep}From: b@example.org\n\nDeep."));
        // This is base64 of a header that announces another message.
        let encoded = "Q29udGVudC1UeXBlOiBtZXNzYWdlL3JmYzgyMgoK".repeat(20_000);
        let head = "Content-Type:\n  Message/RFC822\nContent-Transfer-Encoding: base64";
        assert_eq!(text(&format!("From: a@example.org\n{head}\n\n{encoded}")), Err("a.eml: is empty".to_owned()));
    }

    proptest! {
        #[test]
        fn no_lines_make_it_panic(lines in proptest::collection::vec("(> |>|-- |--|On |wrote:|\n|\r|[a-zé ]{0,9}|Content-Type: |multipart/mixed; boundary=x|text/html|--x|base64|=\\?utf-8\\?q\\?|\"|;|\\(){0,5}", 0..30)) {
            let _ = text(&format!("From: a\n{}", lines.join("\n")));
        }
    }
}
