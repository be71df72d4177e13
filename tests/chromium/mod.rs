//! A real browser: headless Chromium, driven through chromedriver.

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::future::Future;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// How long a page may take to show what is awaited.
const PATIENCE: Duration = Duration::from_secs(240);

/// How the browser looks at pages.
#[derive(Clone, Copy)]
pub struct Looks {
    /// Pixels of CSS.
    pub width: u32,
    pub dark: bool,
}

/// A browser with a profile of its own.
pub struct Browser {
    client: Client,
    runtime: Runtime,
    driver: Child,
    port: u16,
    _profile: tempfile::TempDir,
}

/// Whether there is a browser; CI must have one.
pub fn is_here() -> bool {
    let is_on_path = |name: &str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
    };
    let missing = |what: &str| {
        assert!(std::env::var_os("CI").is_none(), "{what}: run .ci/browser");
        // Written past the capture of tests that pass.
        let _ = writeln!(std::io::stderr(), "skipped: {what}; .ci/browser installs what browser tests need");
        false
    };
    match ["chromium", "chromedriver"].iter().find(|name| !is_on_path(name)) {
        Some(name) => missing(&format!("no {name} on the path")),
        None if !axe().is_file() => missing(&format!("{} is not there", axe().display())),
        None => true,
    }
}

fn axe() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/browser/node_modules/axe-core/axe.min.js")
}

impl Browser {
    pub fn open(looks: Looks) -> Self {
        let mut driver = Command::new("chromedriver")
            .args(["--port=0", "--log-level=SEVERE"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver");
        // “… started successfully on port 1234.”
        let lines = BufReader::new(driver.stdout.take().expect("a pipe")).lines();
        let port = lines
            .map_while(Result::ok)
            .find_map(|line| line.strip_suffix('.')?.rsplit_once("on port ")?.1.parse().ok())
            .expect("the port of chromedriver");
        let profile = tempfile::tempdir().expect("a folder");
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ];
        let mut arguments: Vec<String> = arguments.map(str::to_owned).into();
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        arguments.push(format!("--blink-settings=preferredColorScheme={}", if looks.dark { 0 } else { 1 }));
        let options = json!({
            "args": arguments,
            "mobileEmulation": {"deviceMetrics": {"width": looks.width, "height": 900, "pixelRatio": 1, "touch": false, "mobile": false}},
        });
        let mut capabilities = Capabilities::new();
        capabilities.insert("goog:chromeOptions".to_owned(), options);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let connected = async {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            builder.capabilities(capabilities).connect(&format!("http://127.0.0.1:{port}")).await
        };
        let client = runtime.block_on(connected).expect("a session");
        Self { client, runtime, driver, port, _profile: profile }
    }

    fn run<T, E: std::fmt::Debug>(&self, what: &str, work: impl Future<Output = Result<T, E>>) -> T {
        self.runtime.block_on(work).unwrap_or_else(|error| panic!("{what}: {error:?}"))
    }

    pub fn go(&self, address: &str) {
        self.run(address, self.client.goto(address));
    }

    pub fn address(&self) -> String {
        self.run("the address", self.client.current_url()).into()
    }

    /// Opens one more tab and goes on in it; gives what [`Browser::to_tab`] takes to come back.
    pub fn new_tab(&self) -> fantoccini::wd::WindowHandle {
        let before = self.run("the tab", self.client.window());
        let tab = self.run("a tab", self.client.new_window(true));
        self.to_tab(tab.handle);
        before
    }

    pub fn to_tab(&self, tab: fantoccini::wd::WindowHandle) {
        self.run("another tab", self.client.switch_to_window(tab));
    }

    /// What a script returns.
    pub fn script(&self, script: &str) -> Value {
        self.run(script, self.client.execute(script, Vec::new()))
    }

    /// The text of all that a selector finds, as it is seen.
    pub fn texts(&self, css: &str) -> Vec<String> {
        let script = format!("return [...document.querySelectorAll({css:?})].map(e => e.innerText.trim())");
        let texts = self.script(&script);
        texts.as_array().expect("a list").iter().map(|t| t.as_str().expect("text").to_owned()).collect()
    }

    /// Waits until a script says yes.
    pub fn wait(&self, until: &str) {
        let (since, script) = (Instant::now(), format!("return Boolean({until})"));
        loop {
            // Between two pages there is no page to ask.
            let answer = self.runtime.block_on(self.client.execute(&script, Vec::new()));
            if matches!(answer, Ok(Value::Bool(true))) {
                return;
            }
            assert!(since.elapsed() < PATIENCE, "{until}: {answer:?} at {}:\n{}", self.address(), self.source());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn source(&self) -> String {
        self.run("the page", self.client.source())
    }

    pub fn click(&self, css: &str) {
        let element = self.run(css, self.client.find(Locator::Css(css)));
        self.run(css, element.click());
    }

    /// Presses keys, one after the other; `⇧` holds Shift for the next.
    pub fn press(&self, keys: &str) {
        const SHIFT: char = '\u{e008}';
        let (mut actions, mut held) = (KeyActions::new("keys".to_owned()), false);
        for key in keys.chars() {
            let value = match key {
                '⇧' => {
                    held = true;
                    actions = actions.then(KeyAction::Down { value: SHIFT });
                    continue;
                }
                '\n' => '\u{e007}',
                '\t' => '\u{e004}',
                key => key,
            };
            actions = actions.then(KeyAction::Down { value }).then(KeyAction::Up { value });
            if std::mem::take(&mut held) {
                actions = actions.then(KeyAction::Up { value: SHIFT });
            }
        }
        self.run("keys", self.client.perform_actions(actions));
    }

    /// The role and the name that a screen reader tells of whatever has the focus.
    pub fn focus_as_read(&self) -> (String, String) {
        let element = self.run("the focus", self.client.active_element());
        let read = |what| {
            let command = Computed { element: element.element_id().to_string(), what };
            let value: Value = self.run(what, self.client.issue_cmd(command));
            value.as_str().unwrap_or_default().to_owned()
        };
        (read("computedrole"), read("computedlabel"))
    }

    /// What axe-core has against the page, by its rules for WCAG 2.2 A and AA and its best practices; one line a fault.
    pub fn faults(&self) -> Vec<String> {
        let source = std::fs::read_to_string(axe()).expect("axe-core");
        self.run("axe-core", self.client.execute(&source, Vec::new()));
        let script = "const done = arguments[0];
            axe.run(document, { resultTypes: ['violations', 'incomplete'] }).then(
                r => done({ violations: r.violations, incomplete: r.incomplete.filter(i => i.id === 'color-contrast'), n: r.passes.length }),
                e => done({ error: String(e) }))";
        let found = self.run("axe-core", self.client.execute_async(script, Vec::new()));
        assert!(found["n"].as_u64().is_some_and(|n| n > 10), "axe-core has looked at nothing: {found}");
        let rules = ["violations", "incomplete"].into_iter().flat_map(|kind| found[kind].as_array().expect("a list"));
        let fault = |rule: &Value| {
            let nodes = rule["nodes"].as_array().expect("a list").iter();
            let nodes = nodes.map(|n| format!("{} {}", n["html"], n["failureSummary"])).collect::<Vec<_>>();
            format!("{}: {}", rule["id"], nodes.join("\n"))
        };
        rules.map(fault).collect()
    }

    pub fn screenshot(&self, path: &Path) {
        std::fs::write(path, self.run("a screenshot", self.client.screenshot())).expect("written");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Closes the browser too, which a killed driver would leave behind.
        let _ = ureq::get(format!("http://127.0.0.1:{}/shutdown", self.port)).call();
        let _ = self.driver.wait();
    }
}

/// What assistive technology is told of an element.
#[derive(Debug)]
struct Computed {
    element: String,
    what: &'static str,
}

impl WebDriverCompatibleCommand for Computed {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/element/{}/{}", session.unwrap_or_default(), self.element, self.what))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::GET, None)
    }
}
