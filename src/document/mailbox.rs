//! Mailboxes (mbox): one message after the other, each read as an e-mail of its own.

use super::{Document, Documents, Limits, ReadError, email, fence};
use std::io::{BufRead, BufReader, Read};

/// So much of a line is looked at at once.
const PIECE: u64 = 64 << 10;

/// Reads messages as they are asked for; message `n`, counted from 1, is `name:n`. A message that is too large or broken is an error,
/// and the others follow.
pub(super) fn read(name: &str, bytes: Box<dyn Read + Send>, limits: &Limits) -> Result<Documents, ReadError> {
    let io = |source| ReadError::Io { path: name.to_owned(), source };
    let mut bytes = BufReader::new(bytes);
    let mut first = Vec::new();
    bytes.by_ref().take(PIECE).read_until(b'\n', &mut first).map_err(io)?;
    if first.is_empty() {
        return Err(ReadError::Empty { path: name.to_owned() });
    }
    if !first.starts_with(b"From ") {
        let message = "it does not begin with the line `From …` that stands before each message".to_owned();
        return Err(ReadError::Broken { path: name.to_owned(), format: "mailbox", message });
    }
    let mut messages = Messages { name: name.to_owned(), bytes, limits: limits.clone(), n_read: 0, is_done: false };
    Ok(Box::new(std::iter::from_fn(move || messages.next())))
}

struct Messages {
    name: String,
    bytes: BufReader<Box<dyn Read + Send>>,
    limits: Limits,
    n_read: usize,
    is_done: bool,
}

impl Messages {
    /// The message whose `From …` line was just passed.
    fn next(&mut self) -> Option<Result<Document, ReadError>> {
        if self.is_done {
            return None;
        }
        self.n_read += 1;
        let name = format!("{}:{}", self.name, self.n_read);
        let mut message = Vec::new();
        let mut piece = Vec::new();
        let (mut begins_line, mut after_blank, mut too_large) = (true, false, false);
        loop {
            piece.clear();
            match self.bytes.by_ref().take(PIECE).read_until(b'\n', &mut piece) {
                Ok(0) => self.is_done = true,
                Ok(_) => {}
                Err(source) => {
                    self.is_done = true;
                    return Some(Err(ReadError::Io { path: self.name.clone(), source }));
                }
            }
            // A line of a message that begins so is written with a `>` before it. Source: RFC 4155, appendix A.
            if self.is_done || begins_line && after_blank && piece.starts_with(b"From ") {
                break;
            }
            let marks = piece.iter().take_while(|&&b| b == b'>').count();
            let quoted = begins_line && marks > 0 && piece[marks..].starts_with(b"From ");
            if message.len() as u64 <= self.limits.max_document_bytes {
                message.extend_from_slice(&piece[usize::from(quoted)..]);
            } else {
                too_large = true;
            }
            after_blank = begins_line && matches!(piece[..], [b'\n'] | [b'\r', b'\n']);
            begins_line = piece.ends_with(b"\n");
        }
        if too_large {
            return Some(Err(ReadError::TooLarge { path: name, limit: self.limits.max_document_bytes }));
        }
        Some(fence::document(&name, "e-mail", || email::read(&name, &message, &self.limits)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(bytes: &[u8], max_document_bytes: u64) -> Vec<Result<(String, String), String>> {
        let limits = Limits { max_document_bytes, ..Limits::default() };
        match read("a.mbox", Box::new(std::io::Cursor::new(bytes.to_vec())), &limits) {
            Ok(documents) => documents.map(|d| d.map(|d| (d.id, d.text)).map_err(|e| e.to_string())).collect(),
            Err(error) => vec![Err(error.to_string())],
        }
    }

    #[test]
    fn messages_follow_each_other() {
        let found = messages(
            b"From ada@x.example Mon Mar  2 10:30:00 2026\nSubject: A\n\nIt met.\n>From here on it rained.\nFrom a distance.\n\n\
              From bo@x.example Tue\r\nSubject: B\r\n\r\nNobody came.\r\n",
            1000,
        );
        let expected =
            [("a.mbox:1", "It met.\nFrom here on it rained.\nFrom a distance."), ("a.mbox:2", "Nobody came.")];
        assert_eq!(found, expected.map(|(id, text)| Ok((id.to_owned(), text.to_owned()))));
    }

    #[test]
    fn one_bad_message_harms_no_other() {
        let large = "It rained. ".repeat(20_000);
        let mailbox = format!("From a\nSubject: A\n\n{large}\n\nFrom b\nnothing\n\nFrom c\nSubject: C\n\nIt met.\n");
        let found = messages(mailbox.as_bytes(), 1000);
        assert_eq!(found.len(), 3);
        assert!(found[0].as_ref().is_err_and(|e| e.contains("a.mbox:1: is larger than 1000 bytes")), "{found:?}");
        assert!(found[1].as_ref().is_err_and(|e| e.starts_with("a.mbox:2: ")), "{found:?}");
        assert_eq!(found[2], Ok(("a.mbox:3".to_owned(), "It met.".to_owned())));
    }

    #[test]
    fn what_is_no_mailbox_is_said() {
        assert!(messages(b"", 99)[0].as_ref().is_err_and(|e| e.contains("is empty")));
        assert!(messages(b"Subject: A\n\nIt met.\n", 99)[0].as_ref().is_err_and(|e| e.contains("does not begin with")));
    }
}
