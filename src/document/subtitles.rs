//! Subtitles in WebVTT and SubRip: what is said, as running text. A paragraph is what one speaker says.
//!
//! Both formats are a line of times above lines of text, so they are read here, by one set of rules.

use super::outline::{Outline, in_one_line};
use super::{Document, Limits, ReadError, text};

/// A silence of so many milliseconds behind a finished sentence ends a paragraph.
const SILENCE_MS: u64 = 5_000;

/// Bytes of a tag; what is longer is text.
const MAX_TAG: usize = 500;

/// Reads one recording.
pub(super) fn read(name: &str, bytes: &[u8], limits: &Limits) -> Result<Document, ReadError> {
    limits.check_document(name, bytes.len() as u64)?;
    let (decoded, _, _) = text::encoding_of(name, bytes, true, 0)?.decode(bytes);
    let (title, cues) = cues(&decoded);
    if cues.is_empty() {
        if decoded.trim().is_empty() {
            return Err(ReadError::Empty { path: name.to_owned() });
        }
        let message = "it has no line of times, such as 00:01:02.000 --> 00:01:04.000".to_owned();
        return Err(ReadError::Broken { path: name.to_owned(), format: "subtitle file", message });
    }
    let mut outline = Outline::new(name, limits);
    outline.title(title);
    for paragraph in paragraphs(&without_repeats(cues)) {
        outline.paragraph(&paragraph)?;
    }
    outline.finish()
}

/// What is shown at a time.
#[derive(Debug, PartialEq, Eq)]
struct Cue {
    start_ms: u64,
    end_ms: u64,
    lines: Vec<String>,
}

/// The title, which a WebVTT file can have, and all cues in order.
fn cues(text: &str) -> (&str, Vec<Cue>) {
    let text = text.trim_start_matches('\u{feff}');
    let title = text.strip_prefix("WEBVTT").map(|rest| rest.lines().next().unwrap_or_default());
    let is_vtt = title.is_some();
    let mut cues: Vec<Cue> = Vec::new();
    let mut in_cue = false;
    for line in text.split(['\n', '\r']) {
        let line = line.trim();
        if let Some((start_ms, end_ms)) = times(line) {
            // In SubRip the number of a cue stands above its times, and the blank line before it may be missing.
            if let Some(before) = cues.last_mut()
                && before.lines.last().is_some_and(|l| !l.is_empty() && l.bytes().all(|b| b.is_ascii_digit()))
                && !is_vtt
            {
                before.lines.pop();
            }
            cues.push(Cue { start_ms, end_ms, lines: Vec::new() });
            in_cue = true;
        } else if line.is_empty() {
            // What follows in WebVTT is a note, a style or a name.
            in_cue &= !is_vtt;
        } else if let Some(cue) = cues.last_mut().filter(|_| in_cue) {
            cue.lines.push(line.to_owned());
        }
    }
    (title.unwrap_or_default().trim_matches([' ', '\t', '-', '–', ':']), cues)
}

/// The times of a cue, if the line tells them.
fn times(line: &str) -> Option<(u64, u64)> {
    let (start, behind) = line.split_once("-->")?;
    // Behind the times stands where on the screen the cue is shown.
    Some((time_ms(start.trim())?, time_ms(behind.split_whitespace().next()?)?))
}

/// `1:02:03.004`, `02:03.004` or, in SubRip, `01:02:03,004`.
fn time_ms(time: &str) -> Option<u64> {
    let (whole, fraction) = time.split_once(['.', ',']).unwrap_or((time, "0"));
    let mut seconds = 0_u64;
    for part in whole.split(':') {
        seconds = seconds.checked_mul(60)?.checked_add(part.parse().ok()?)?;
    }
    let ms: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    (whole.contains(':')).then_some(seconds.checked_mul(1_000)?.checked_add(ms)?)
}

/// The cues without lines that roll up: live captions show each line again while the next one is written.
fn without_repeats(cues: Vec<Cue>) -> Vec<Cue> {
    let cues: Vec<Cue> = cues
        .into_iter()
        .map(|cue| Cue { lines: cue.lines.iter().map(|l| spoken(l)).filter(|l| !l.is_empty()).collect(), ..cue })
        .filter(|cue| !cue.lines.is_empty())
        .collect();
    let n_rolled = cues.windows(2).filter(|pair| overlap(&pair[0].lines, &pair[1].lines) > 0).count();
    // A speaker may say the same twice; it is the recording's way if one in five cues repeats the one before.
    let rolls = n_rolled >= 2 && 5 * n_rolled >= cues.len();
    let mut kept: Vec<Cue> = Vec::new();
    let mut shown: Vec<String> = Vec::new();
    for mut cue in cues {
        if kept
            .last()
            .is_some_and(|last| (last.start_ms, last.end_ms) == (cue.start_ms, cue.end_ms) && shown == cue.lines)
        {
            continue;
        }
        let lines = cue.lines.clone();
        if rolls {
            cue.lines.drain(..overlap(&shown, &cue.lines));
            // A line that grows word by word is kept once, at its full length.
            if let (Some(last), Some(first)) = (kept.last_mut().and_then(|c| c.lines.last_mut()), cue.lines.first())
                && shown.last() == Some(last)
                && first.starts_with(last.as_str())
            {
                *last = cue.lines.remove(0);
            }
        }
        shown = lines;
        match kept.last_mut() {
            Some(last) if cue.lines.is_empty() => last.end_ms = last.end_ms.max(cue.end_ms),
            _ => kept.push(cue),
        }
    }
    kept
}

/// How many lines at the end of one cue open the next.
fn overlap(before: &[String], after: &[String]) -> usize {
    (1..=before.len().min(after.len()).min(8)).rev().find(|&n| before[before.len() - n..] == after[..n]).unwrap_or(0)
}

/// A line without marks; the speaker's name stays, as `Name: `. Lines that only tell a sound are empty.
fn spoken(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(['<', '{']) {
        plain.push_str(&rest[..at]);
        let (tag, close) = (&rest[at + 1..], if rest[at..].starts_with('<') { '>' } else { '}' });
        let is_tag = match tag.chars().next() {
            Some('\\') => close == '}',
            Some(c) => close == '>' && (c.is_ascii_alphanumeric() || c == '/'),
            None => false,
        };
        match tag.bytes().take(MAX_TAG).position(|b| b == close as u8).filter(|_| is_tag) {
            Some(end) => {
                let inner = &tag[..end];
                if let Some(name) =
                    inner.strip_prefix('v').and_then(|t| t.trim_start_matches(|c| c != ' ').strip_prefix(' '))
                    && inner[1..].starts_with([' ', '.'])
                {
                    plain.push_str(&format!(" >>{}: ", name.trim()));
                }
                rest = &tag[end + 1..];
            }
            None => {
                plain.push_str(&rest[at..=at]);
                rest = tag;
            }
        }
    }
    plain.push_str(rest);
    for (entity, c) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&nbsp;", " "),
        ("&lrm;", ""),
        ("&rlm;", ""),
        ("&#39;", "'"),
        ("&quot;", "\""),
        ("&amp;", "&"),
    ] {
        if plain.contains('&') {
            plain = plain.replace(entity, c);
        }
    }
    let plain = in_one_line(&plain.replace('♪', " "));
    let is_sound = |open, close| plain.starts_with(open) && plain.find(close) == Some(plain.len() - 1);
    if is_sound('[', ']') || is_sound('(', ')') || !plain.contains(char::is_alphanumeric) {
        String::new()
    } else {
        plain
    }
}

/// What each speaker says, in order.
fn paragraphs(cues: &[Cue]) -> Vec<String> {
    let mut paragraphs: Vec<String> = Vec::new();
    let mut speaker = String::new();
    let mut end_ms = 0;
    for cue in cues {
        let silent = cue.start_ms.saturating_sub(end_ms) >= SILENCE_MS;
        end_ms = end_ms.max(cue.end_ms);
        let finished = |text: &String| text.ends_with(['.', '!', '?', '…', '”', '"']);
        let mut new = silent && paragraphs.last().is_some_and(finished);
        for line in &cue.lines {
            for (at, turn) in line.split(">>").enumerate() {
                let turn = turn.trim_start_matches('>').trim();
                let marked = at > 0;
                let (dashed, turn) = match turn.strip_prefix("- ").or_else(|| turn.strip_prefix("– ")) {
                    Some(turn) => (true, turn),
                    None => (false, turn),
                };
                let mut turn = turn;
                if let Some((name, said)) = named(turn, marked) {
                    // Some files name the speaker above every cue.
                    if name == speaker && !dashed {
                        turn = said;
                    } else {
                        new = true;
                        speaker = name.to_owned();
                    }
                } else if marked || dashed {
                    new = true;
                    speaker.clear();
                }
                if turn.is_empty() {
                    continue;
                }
                match paragraphs.last_mut().filter(|_| !new) {
                    Some(paragraph) => {
                        paragraph.push(' ');
                        paragraph.push_str(turn);
                    }
                    None => paragraphs.push(turn.to_owned()),
                }
                new = false;
            }
        }
    }
    paragraphs
}

/// A speaker's name and what is said: `MAYOR LUND: We…`, and where a mark tells of a speaker, `Ann Lund: We…`.
fn named(turn: &str, marked: bool) -> Option<(&str, &str)> {
    let (name, said) = turn.split_once(':')?;
    let letters = || name.chars().filter(|c| c.is_alphabetic());
    let is_name = name.chars().all(|c| c.is_alphanumeric() || " .'’-,()#".contains(c))
        && name.split(' ').count() <= 5
        && letters().count() >= 2
        && (marked || letters().all(char::is_uppercase))
        && (said.is_empty() || said.starts_with(' '));
    is_name.then_some((name, said.trim_start()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(subtitles: &str) -> Result<String, String> {
        read("a.vtt", subtitles.as_bytes(), &Limits::default()).map(|d| d.text).map_err(|e| e.to_string())
    }

    /// Cues of these texts, two seconds each.
    fn vtt(cues: &[&str]) -> String {
        let cue = |(at, text): (usize, &&str)| {
            format!("00:{:02}.000 --> 00:{:02}.000 align:start\n{text}\n\n", 2 * at, 2 * at + 2)
        };
        format!("WEBVTT - Council\n\nNOTE not said\n\n{}", cues.iter().enumerate().map(cue).collect::<String>())
    }

    #[test]
    fn cues_flow_into_paragraphs_of_a_speaker() {
        for (cues, expected) in [
            (&["We ask the city", "to ban <i>chokeholds</i>. Now."][..], "We ask the city to ban chokeholds. Now."),
            (
                &["<v Ann Lund>We ask.", "<v Ann Lund>Again.</v>", "<v.loud Bo>No."],
                "Ann Lund: We ask. Again.\n\nBo: No.",
            ),
            (
                &["MAYOR LUND: We ask", "you to act.", "MR. RASK: No: never."],
                "MAYOR LUND: We ask you to act.\n\nMR. RASK: No: never.",
            ),
            (
                &[">> We ask. >> I see.", ">>> Now the weather.", ">> Ann Lund: Yes."],
                "We ask.\n\nI see.\n\nNow the weather.\n\nAnn Lund: Yes.",
            ),
            (&["- We ask.\n- I see."], "We ask.\n\nI see."),
            (&["[applause]", "{\\an8}Cut &amp; dry, 5 < 6.", "♪ la la ♪", "(music)"], "Cut & dry, 5 < 6. la la"),
            (
                &["No.", "No.", "Yes.", "It rained.", "It was late.", "We went."],
                "No. No. Yes. It rained. It was late. We went.",
            ),
        ] {
            assert_eq!(text(&vtt(cues)), Ok(expected.to_owned()), "{cues:?}");
        }
    }

    #[test]
    fn lines_that_roll_up_are_kept_once() {
        let cues = [
            "we ask the",
            "we ask the\ncity<00:00:02.100><c> to</c> ban",
            "city to ban",
            "city to ban\nchokeholds",
            "chokeholds\nand to",
            "and to pay",
        ];
        assert_eq!(text(&vtt(&cues)), Ok("we ask the city to ban chokeholds and to pay".to_owned()));
    }

    #[test]
    fn subrip_is_read_too() {
        let srt = "1\r\n00:00:01,000 --> 00:00:02,500\r\nWe ask\r\n\r\n2\r\n00:00:02,500 --> 00:00:04,000\r\nin 2026.\r\n3\r\n00:00:15,000 --> 00:00:16,000 X1:1 X2:2\r\nThank you.\r\n";
        assert_eq!(text(srt), Ok("We ask in 2026.\n\nThank you.".to_owned()));
        let document = read("a.vtt", vtt(&["Hello."]).as_bytes(), &Limits::default()).expect("reads");
        assert_eq!(document.title.as_deref(), Some("Council"));
    }

    #[test]
    fn errors_are_plain() {
        assert_eq!(
            text("WEBVTT\n\nWe ask.\n"),
            Err("a.vtt: is no sound subtitle file: it has no line of times, such as 00:01:02.000 --> 00:01:04.000"
                .to_owned())
        );
        assert_eq!(text(&vtt(&["[music]"])), Err("a.vtt: is empty".to_owned()));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(bytes in proptest::collection::vec("(<v |<|>|>>|é|:|\\{|\\\\|&|\n|\r|-->|00:01|00:01.5|99999999999999999999:1|- |WEBVTT|[A-Z]{1,3}: |1|♪){0,9}", 0..20)) {
            let _ = text(&bytes.join("\n"));
        }
    }
}
