//! Nothing is lost and nothing harms anything else: runs that are killed, disks that are full, inputs that break or are meant to
//! do harm.
//!
//! With `PETITION_SLOW` set, the long forms run: `PETITION_SLOW=1 cargo test --test reliability`, some ten minutes.

mod desk;

use desk::Desk;
use std::collections::HashMap;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

fn is_slow() -> bool {
    std::env::var_os("PETITION_SLOW").is_some()
}

/// Numbers that look random, the same in every run.
struct Draws(u64);

impl Draws {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// A folder of many kinds of inputs, some of them broken.
fn corpus(desk: &Desk, n: usize) {
    let sentence = |n: usize| format!("We demand that the council fund {n} shelters. It rained on day {n}. ");
    let rows = |from: usize, to: usize| (from..to).map(|n| format!("row{n},{}\n", sentence(n))).collect::<String>();
    desk.write("in/a.csv", format!("id,text\n{}", rows(0, 20 * n)));
    desk.write("in/b.csv", format!("id,text\n{}broken,row,here\n{}", rows(0, n), rows(n, 2 * n)));
    for number in 0..n.min(3000) {
        desk.write(&format!("in/c/{number}.txt"), sentence(number).repeat(number % 7));
    }
    desk.write("in/d.pdf.txt", b"text and \0\0\0 none");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(format!("id,text\n{}", rows(0, 10 * n)).as_bytes()).expect("written");
    desk.write("in/e.csv.gz", gzip.finish().expect("finished"));
}

/// Killed at any moment, begun again, and again: the same bytes as if nothing had happened.
#[test]
fn a_run_that_is_killed_goes_on_and_ends_in_the_same_bytes() {
    let desk = Desk::empty();
    let (n, kills_wanted) = if is_slow() { (90_000, 50) } else { (9000, 4) };
    corpus(&desk, n);
    let whole = desk.run_line("classify in -o whole.csv --errors whole-errors.csv -q");
    assert_eq!(whole.exit, 1, "{}", whole.stderr);
    let arguments = ["classify", "in", "-o", "out.csv", "--errors", "errors.csv", "--resume", "-q"];
    let (mut kills, mut gone_on, mut draws) = (0, 0, Draws(7));
    loop {
        let mut program = Command::new(env!("CARGO_BIN_EXE_petition"))
            .current_dir(desk.path("."))
            .args(arguments)
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        gone_on += usize::from(desk.path("out.csv.part.state").exists());
        let most = if kills < kills_wanted { 600 + draws.below(900) } else { 600_000 };
        let (since, patience) = (std::time::Instant::now(), Duration::from_millis(most));
        let status = loop {
            if let Some(status) = program.try_wait().expect("asked") {
                break status.code();
            }
            if since.elapsed() > patience {
                program.kill().expect("killed");
                program.wait().expect("gone");
                break None;
            }
            std::thread::sleep(Duration::from_millis(3));
        };
        if let Some(code) = status {
            assert_eq!(code, 1, "some inputs are broken");
            break;
        }
        kills += 1;
        assert!(!desk.path("out.csv").exists(), "no half file has the final name");
    }
    assert!(desk.read("out.csv") == desk.read("whole.csv"), "other bytes after {kills} kills");
    assert!(desk.read("errors.csv") == desk.read("whole-errors.csv"), "other errors after {kills} kills");
    assert!(gone_on > 0 && (!is_slow() || kills >= kills_wanted), "{kills} kills, gone on {gone_on} times");
    let meta = |name: &str| -> serde_json::Value { serde_json::from_str(&desk.read(name)).expect("JSON") };
    let (out, whole) = (meta("out.csv.meta.json"), meta("whole.csv.meta.json"));
    for part in ["inputs", "rows", "documents", "failed", "model", "skipped"] {
        assert_eq!(out[part], whole[part], "{part}");
    }
    let left: Vec<String> = desk.names().into_iter().filter(|name| name.contains(".part")).collect();
    assert!(left.is_empty(), "{left:?}");
    let _ = writeln!(std::io::stderr(), "{kills} kills, gone on {gone_on} times");
}

#[test]
fn a_run_is_gone_on_with_only_if_it_is_the_same() {
    let desk = Desk::empty();
    desk.write("a.txt", "We demand a review board.");
    desk.write("out.csv.part", "some bytes");
    desk.write("out.csv.part.state", r#"{"job":"other"}"#);
    let run = desk.run_line("classify a.txt -o out.csv --resume");
    assert_eq!(run.exit, 2);
    assert!(run.stderr.contains("out.csv.part.state: cannot be understood; remove it to begin anew"), "{}", run.stderr);
    let state = r#"{"job":"other","position":{"input":0,"items":0},"table":4,"errors":0,"inputs":0,"documents":0,"rows":0,
        "failed":0,"input_rows":0,"input_failed":0,"listed":0,"seconds":0.0,"finished":false}"#;
    desk.write("out.csv.part.state", state);
    let run = desk.run_line("classify a.txt -o out.csv --resume");
    assert!(run.stderr.contains("out.csv.part: was begun with other inputs, flags or model"), "{}", run.stderr);
    let run = Desk::run(&desk, &["classify", "-", "-o", "out.csv", "--resume"]);
    assert!(run.stderr.contains("standard input cannot be read again"), "{}", run.stderr);
    std::fs::remove_file(desk.path("out.csv.part.state")).expect("removed");
    assert_eq!(desk.run_line("classify a.txt -o out.csv --resume -q").exit, 0);
    assert_eq!(desk.names(), ["a.txt", "out.csv", "out.csv.meta.json"]);
}

/// What stands beside a table tells what it was made from.
#[test]
fn a_table_says_what_it_was_made_from() {
    let desk = Desk::empty();
    desk.write("in/a.txt", "We demand a review board.");
    desk.write("in/b.csv", "id,text\n1,It rained.\n2,a,b\n");
    desk.write("in/c.xls", "?");
    desk.write("in/d.txt", "");
    let run = desk.run_line("classify in -o out.csv --errors errors.csv --threshold training=0.25");
    assert_eq!(run.exit, 1);
    let reason = "broken row: the row has 3 fields where the header has 2; look for a missing or extra quote or comma";
    assert_eq!(desk.read("errors.csv"), format!("path,row,reason\nin/b.csv,3,{reason}\nin/d.txt,,is empty\n"));
    let meta: serde_json::Value = serde_json::from_str(&desk.read("out.csv.meta.json")).expect("JSON");
    let hash = |bytes: &[u8]| petition::digest::of_bytes(bytes);
    assert_eq!(meta["table"]["sha256"], hash(desk.read("out.csv").as_bytes()));
    assert_eq!(meta["inputs"][0]["sha256"], hash(b"We demand a review board."));
    assert_eq!(meta["inputs"][1]["rows"], 1);
    assert_eq!(meta["inputs"][1]["failed"], 1);
    assert_eq!(meta["skipped"][0]["path"], "in/c.xls");
    assert_eq!((&meta["documents"], &meta["rows"], &meta["failed"]), (&2.into(), &2.into(), &2.into()));
    assert_eq!(meta["model"]["thresholds"]["training"], 0.25);
    assert_eq!(meta["model"]["taxonomy"], "policing-reform");
    assert_eq!(meta["petition"], env!("CARGO_PKG_VERSION"));
    let hash_of_shipped = hash(&std::fs::read(desk::of_project("models/policing-reform.safetensors")).expect("there"));
    desk.run_line("classify in/a.txt -o plain.csv -q");
    let meta: serde_json::Value = serde_json::from_str(&desk.read("plain.csv.meta.json")).expect("JSON");
    assert_eq!(meta["model"]["sha256"], hash_of_shipped);
}

#[test]
fn a_dry_run_lists_what_would_be_read() {
    let desk = Desk::empty();
    desk.write("in/a.txt", "We met.");
    desk.write("in/b.csv", "id,text\n1,It rained.\n");
    desk.write("in/c.xls", "?");
    desk.write("in/.d.txt", "hidden");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"<!DOCTYPE html><p>We met.").expect("written");
    desk.write("in/e.txt.gz", gzip.finish().expect("finished"));
    let run = desk.run_line("classify in --dry-run -q");
    let size = std::fs::metadata(desk.path("in/e.txt.gz")).expect("there").len();
    assert_eq!(
        run.stdout,
        format!(
            "path,bytes,read_as,note\nin/a.txt,7,txt,\nin/b.csv,21,csv,\nin/e.txt.gz,{size},gzip+html,\nin/.d.txt,,,skipped: hidden\n\
             in/c.xls,,,skipped: neither its name nor its content tells a format that petition reads\n"
        )
    );
    assert_eq!(run.exit, 0);
}

/// A disk that is full, a pipe that is closed: an error or a quiet end, and nothing half done under the final name.
#[cfg(unix)]
#[test]
fn a_full_disk_and_a_closed_pipe_leave_nothing_half_done() {
    let desk = Desk::empty();
    corpus(&desk, 300);
    let shell = |script: &str| {
        let script = script.replace("petition", env!("CARGO_BIN_EXE_petition"));
        let output = Command::new("sh").current_dir(desk.path(".")).args(["-c", &script]).output().expect("started");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    // Files may grow to 4 kB and no further.
    let before = desk.names();
    let (exit, told) = shell("trap '' XFSZ; ulimit -f 8; petition classify in -o out.csv -q");
    assert_eq!(exit, Some(2), "{told}");
    assert!(told.contains("writing the table: File too large"), "{told}");
    assert_eq!(desk.names(), before, "no half file is left");
    let (exit, told) = shell("petition classify in -o /dev/full -q");
    assert_eq!(exit, Some(2), "{told}");
    assert!(told.contains("No space left on device"), "{told}");
    let (exit, told) = shell("petition classify in -q 2> told | head -n 1; cat told >&2");
    assert_eq!((exit, told.contains("panicked") || told.contains("Broken pipe")), (Some(0), false), "{told}");
}

/// The most memory, in bytes, that a run has while it is fed.
#[cfg(target_os = "linux")]
fn peak(desk: &Desk, arguments: &[&str], feed: impl FnOnce(&mut dyn std::io::Write) + Send) -> u64 {
    let mut program = Command::new(env!("CARGO_BIN_EXE_petition"))
        .current_dir(desk.path("."))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("started");
    let (mut stdin, status) = (program.stdin.take().expect("piped"), format!("/proc/{}/status", program.id()));
    let most = std::thread::scope(|scope| {
        scope.spawn(move || feed(&mut stdin));
        let mut most = 0;
        while program.try_wait().expect("asked").is_none() {
            let told = std::fs::read_to_string(&status).unwrap_or_default();
            let of_line = |line: &str| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok();
            most = most.max(told.lines().find_map(of_line).unwrap_or(0));
            std::thread::sleep(Duration::from_millis(2));
        }
        most
    });
    assert_eq!(program.wait().expect("asked").code(), Some(0), "{arguments:?}");
    1024 * most
}

/// However long the table, however many the files: what is needed beyond model and program stays below 64 MB.
#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_input() {
    const MOST: u64 = 64_000_000;
    let (n_bytes, n_files) = if is_slow() { (10_000_000_000, 1_000_000) } else { (60_000_000, 20_000) };
    let desk = Desk::empty();
    let table = ["classify", "-", "--input-format", "csv", "--no-split", "-o", "/dev/null", "-q", "-j", "2"];
    // The table is held open until its row was labelled.
    let with_model = peak(&desk, &table, |stdin| {
        stdin.write_all(b"text\nWe demand a review board.\n").expect("taken");
        std::thread::sleep(Duration::from_millis(500));
    });
    let rows = peak(&desk, &table, |stdin| {
        let mut draws = Draws(3);
        stdin.write_all(b"text\n").expect("taken");
        let mut n = 0;
        while n < n_bytes {
            let piece: String = (0..1000)
                .map(|_| {
                    format!("We demand that the council fund {} shelters by {}.\n", draws.below(900), draws.below(90))
                })
                .collect();
            stdin.write_all(piece.as_bytes()).expect("taken");
            n += piece.len() as u64;
        }
    });
    for number in 0..n_files {
        desk.write(&format!("in/{}/{number}.txt", number / 1000), format!("We demand {number} shelters."));
    }
    let files = peak(&desk, &["classify", "in", "-o", "out.csv", "-q", "-j", "2"], |_| {});
    let _ = writeln!(
        std::io::stderr(),
        "{with_model} bytes with the model; {rows} for a table of {n_bytes}; {files} for {n_files} files"
    );
    for peak in [rows, files] {
        assert!(peak < with_model + MOST, "{peak} bytes, of which {with_model} are model and program");
    }
}

/// A small file system that is full: nothing half done is left; and with `--resume` the run goes on once there is room.
#[cfg(target_os = "linux")]
#[test]
fn a_run_goes_on_once_a_full_disk_has_room() {
    let desk = Desk::empty();
    corpus(&desk, 3000);
    assert_eq!(desk.run_line("classify in -o whole.csv -q").exit, 1);
    std::fs::create_dir(desk.path("small")).expect("made");
    let script = "mount -t tmpfs -o size=4m none small || exit 99
        petition classify in -o small/out.csv -q; echo $? $(ls -A small)
        petition classify in -o small/out.csv -q --resume; echo $? $(ls -A small)
        mount -o remount,size=64m small
        petition classify in -o small/out.csv -q --resume; echo $? $(ls -A small)
        cmp small/out.csv whole.csv && echo same"
        .replace("petition", env!("CARGO_BIN_EXE_petition"));
    // A mount of one's own needs no rights but those of a name space.
    let output = Command::new("unshare")
        .current_dir(desk.path("."))
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
        .output()
        .expect("unshare, of util-linux, is here");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.code() == Some(99) || stderr.starts_with("unshare: ") {
        let _ = writeln!(std::io::stderr(), "skipped: no file system can be mounted here: {stderr}");
        return;
    }
    let told: Vec<&str> = stdout.lines().collect();
    assert_eq!(told[0], "2", "{stderr}");
    assert!(told[1].starts_with("2 ") && told[1].split(' ').skip(1).all(|name| name.contains(".part")), "{told:?}");
    assert_eq!(told[2..], ["1 out.csv out.csv.meta.json", "same"], "{stderr}");
    assert_eq!(stderr.matches("No space left on device").count(), 2, "{stderr}");
}

/// Files and folders that may not be read are told of, and the rest is done.
#[cfg(target_os = "linux")]
#[test]
fn what_may_not_be_read_is_told_of() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::empty();
    desk.write("in/a.txt", "We demand a review board.");
    desk.write("in/b.txt", "Nobody may read this.");
    desk.write("in/c/d.txt", "Nor this.");
    desk.write("in/z.txt", "It rained.");
    let permit = |name: &str, mode| {
        std::fs::set_permissions(desk.path(name), std::fs::Permissions::from_mode(mode)).expect("changed");
    };
    permit("in/b.txt", 0);
    permit("in/c", 0);
    // The superuser may read everything, unless that right is taken away.
    let may_all = std::fs::read(desk.path("in/b.txt")).is_ok();
    let wrapper: &[&str] =
        if may_all { &["setpriv", "--bounding-set=-dac_override,-dac_read_search"] } else { &["env"] };
    let output = Command::new(wrapper[0])
        .args(&wrapper[1..])
        .arg(env!("CARGO_BIN_EXE_petition"))
        .args(["classify", "in", "--columns", "id,act", "--errors", "errors.csv", "-q"])
        .current_dir(desk.path("."))
        .output()
        .expect("setpriv, of util-linux, is here");
    permit("in/c", 0o755);
    if String::from_utf8_lossy(&output.stderr).starts_with("setpriv: ") {
        let _ = writeln!(std::io::stderr(), "skipped: the rights of the superuser cannot be taken away here");
        return;
    }
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "id,act\nin/a.txt:0,demand\nin/z.txt:0,none\n");
    let errors = desk.read("errors.csv");
    let reasons: Vec<&str> = errors.lines().skip(1).collect();
    assert_eq!(reasons.len(), 2, "{errors}");
    for name in ["in/b.txt,,", "in/c,,"] {
        assert!(reasons.iter().any(|r| r.starts_with(name) && r.contains("Permission denied")), "{errors}");
    }
}

/// Inputs that fail while they are read, vanish, or lead in a circle are told of, and the rest is done.
#[cfg(unix)]
#[test]
fn one_bad_input_harms_no_other() {
    use std::os::unix::fs::symlink;
    let desk = Desk::empty();
    desk.write("in/a.txt", "We demand a review board.");
    desk.write("in/z.txt", "It rained.");
    symlink("/proc/self/mem", desk.path("in/b.txt")).expect("linked");
    symlink("gone", desk.path("in/c.txt")).expect("linked");
    symlink("..", desk.path("in/d")).expect("linked");
    let run = desk.run_line("classify in --columns id,act --errors errors.csv -q");
    assert_eq!((run.exit, run.stdout.as_str()), (1, "id,act\nin/a.txt:0,demand\nin/z.txt:0,none\n"));
    let errors = desk.read("errors.csv");
    let reasons: HashMap<&str, &str> = errors.lines().skip(1).filter_map(|l| l.split_once(",,")).collect();
    assert!(reasons["in/b.txt"].starts_with("cannot be read: "), "{errors}");
    assert!(reasons["in/c.txt"].starts_with("cannot be walked: No such file"), "{errors}");
    assert!(reasons["in/d/in"].contains("a link leads back to its own folder"), "{errors}");
    assert_eq!(reasons.len(), 3);
}

/// What grows out of proportion when unpacked is given up; archives in archives are not opened; names lead nowhere.
#[test]
fn bombs_and_names_that_lead_elsewhere_do_no_harm() {
    let desk = Desk::empty();
    let gzip = |bytes: &mut dyn Iterator<Item = Vec<u8>>| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        bytes.for_each(|piece| gzip.write_all(&piece).expect("written"));
        gzip.finish().expect("finished")
    };
    desk.write("in/bomb.txt.gz", gzip(&mut (0..200).map(|_| b"a b. ".repeat(100_000))));
    desk.write("in/lines.csv.gz", gzip(&mut (0..200).map(|n| format!("text\n{}", "x\n".repeat(n)).into_bytes())));
    let mut tar = tar::Builder::new(Vec::new());
    let mut add = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_ustar();
        // The way that leads out is written past the checks of the crate.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, bytes).expect("added");
    };
    add("../../escape.txt", b"We demand a review board.");
    add("nested.txt.gz", &gzip(&mut std::iter::once(b"It rained.".to_vec())));
    add("inner.tar", &{
        let mut inner = vec![0; 1024];
        inner[257..262].copy_from_slice(b"ustar");
        inner
    });
    let tar = tar.into_inner().expect("finished");
    desk.write("in/odd.tar", &tar);
    let run = desk.run_line("classify in --columns id,act --errors errors.csv -q --max-unpack-ratio 100");
    assert_eq!(run.exit, 1, "{}", run.stderr);
    let ids: Vec<&str> = run.stdout.lines().filter(|line| line.starts_with("in/odd")).collect();
    assert_eq!(ids, ["in/odd.tar/../../escape.txt:0,demand", "in/odd.tar/nested.txt.gz:0,none"]);
    let errors = desk.read("errors.csv");
    assert!(
        errors.contains("in/bomb.txt.gz,,\"cannot be read: it unpacks to more than 100 times its size"),
        "{errors}"
    );
    assert!(errors.contains("in/odd.tar/inner.tar,,\"is an archive within an archive"), "{errors}");
    assert!(!desk.path("../escape.txt").exists() && !desk.path("escape.txt").exists());
}

/// A document larger than the limit is refused by a sentence that names the way out.
#[test]
fn large_documents_are_refused_by_name() {
    let desk = Desk::empty();
    desk.write("a.txt", "We demand a review board. ".repeat(100));
    let run = desk.run_line("classify a.txt --max-document-bytes 1000");
    assert_eq!(run.exit, 2);
    let told = "error: a.txt: is larger than 1000 bytes of text; raise --max-document-bytes if that is meant";
    assert!(run.stderr.contains(told), "{}", run.stderr);
    assert_eq!(desk.run_line("classify a.txt --max-document-bytes 2600 -q").exit, 0);
}

/// A folder of twelve formats and more, some broken, one a bomb: the right rows, the right errors, exit 1.
#[test]
fn a_folder_of_many_formats_is_read_and_what_is_broken_is_named() {
    let desk = Desk::empty();
    let fixture = |name: &str| std::fs::read(desk::of_project(&format!("tests/documents/{name}"))).expect("a fixture");
    let sound = [
        "html/news.html",
        "pdf/groff.pdf",
        "docx/pandoc.docx",
        "odt/pandoc.odt",
        "epub/pandoc.epub",
        "email/plain.eml",
        "subtitles/meeting.vtt",
        "subtitles/interview.srt",
        "tables/plain.csv",
        "tables/plain.tsv",
        "tables/list.json",
        "tables/snappy.parquet",
        "tables/plain.arrow",
        "source.md",
    ];
    let flat = |name: &str| name.replace('/', "-");
    for name in sound {
        desk.write(&format!("in/{}", flat(name)), fixture(name));
    }
    desk.write("in/letter.txt", "We demand a review board.");
    desk.write("in/x-cut.docx", &fixture("docx/pandoc.docx")[..6000]);
    desk.write("in/x-cut.epub", &fixture("epub/pandoc.epub")[..3000]);
    desk.write("in/x-locked.pdf", fixture("pdf/locked.pdf"));
    desk.write("in/x-scan.pdf", fixture("pdf/scan.pdf"));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    (0..400).for_each(|_| gzip.write_all(&b"a b. ".repeat(100_000)).expect("written"));
    desk.write("in/x-bomb.txt.gz", gzip.finish().expect("finished"));
    let run = desk.run_line("classify in -o out.csv --errors errors.csv -q");
    assert_eq!(run.exit, 1, "{}", run.stderr);
    let table = desk.read("out.csv");
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let header = reader.headers().expect("a header").clone();
    assert_eq!(header.iter().skip(10).collect::<Vec<_>>(), ["section", "page"]);
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    let of = |name: &str| rows.iter().filter(|row| row[1] == format!("in/{}", flat(name))).collect::<Vec<_>>();
    for name in sound.iter().filter(|name| !name.starts_with("tables/")) {
        let rows = of(name);
        assert!(rows.len() >= 5, "{name}: {} rows", rows.len());
    }
    assert_eq!(of("letter.txt").len(), 1);
    // Rows of tables have names of their own.
    assert!(rows.iter().filter(|row| !row[1].starts_with("in/")).count() >= 20, "{table}");
    assert!(of("docx/pandoc.docx").iter().any(|row| !row[10].is_empty()), "headings are known");
    assert!(of("pdf/groff.pdf").iter().all(|row| row[11].parse::<u32>().is_ok_and(|page| page > 0)), "pages are known");
    let errors = desk.read("errors.csv");
    let failed: Vec<&str> = errors.lines().skip(1).filter_map(|line| line.split(',').next()).collect();
    assert_eq!(
        failed,
        ["in/x-bomb.txt.gz", "in/x-cut.docx", "in/x-cut.epub", "in/x-locked.pdf", "in/x-scan.pdf"],
        "{errors}"
    );
    for reason in ["as a bomb does", "is locked by a password", "without a text layer"] {
        assert!(errors.contains(reason), "no `{reason}` in {errors}");
    }
}
