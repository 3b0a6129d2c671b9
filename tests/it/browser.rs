//! The report in a real browser: headless Chromium with the network off, and axe-core on every width and colour scheme.
//!
//! Skipped, with a message, where Chromium is not installed; axe-core is fetched by `scripts/axe.sh` where npm is there.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failure here is a failed test; what is skipped is said"
)]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use fpl_repro::report::{derived::Derived, figures, html, input::CellState, input::Origin};

use crate::matrix::{input, not_run};
use crate::support::skip;

/// Requests that Chromium itself makes have no page as their initiator.
const BROWSER: &str = "not an origin";

/// Chromium's program; `None` if it is not installed.
fn chromium() -> Option<&'static str> {
    let found = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success()));
    if found.is_none() {
        skip("Chromium is not installed");
    }
    found
}

/// The source of axe-core; `None` if it cannot be had.
fn axe() -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("target/axe/node_modules/axe-core/axe.min.js");
    if !path.is_file() {
        let _ = Command::new("sh").arg(root.join("scripts/axe.sh")).current_dir(root).status();
    }
    let source = std::fs::read_to_string(path).ok();
    if source.is_none() {
        skip("axe-core is not there and scripts/axe.sh could not fetch it");
    }
    source
}

/// A report with everything in it: results of several seeds, failed and missing cells, reduced and imported ones.
fn report() -> String {
    let mut input = input(5, 20, |row, seed| match (row, seed) {
        (2, 4) => CellState::Failed { reason: "loss is not finite in epoch 2".into() },
        (3, 4) | (6, _) => not_run(),
        _ => CellState::Done,
    });
    input.cells[0].deviations = vec!["epochs: 20 → 2".into()];
    input.cells[7].origin = Some(Origin { bundle: "ab".repeat(32), file: "elsewhere.tar.gz".into() });
    html(&Derived::new(&input), &figures(&input).unwrap()).unwrap()
}

struct Browser {
    program: &'static str,
    folder: tempfile::TempDir,
}

impl Browser {
    fn new(program: &'static str) -> Self {
        Self { program, folder: tempfile::tempdir().unwrap() }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Opens a page without a network and lets its scripts run; its document afterwards.
    fn open(&self, page: &Path, arguments: &[&str]) -> String {
        let profile = format!("--user-data-dir={}", self.folder.path().join("profile").display());
        let output = Command::new(self.program)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", &profile])
            .args(["--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=120000", "--dump-dom"])
            .args(arguments)
            .arg(format!("file://{}", page.display()))
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Addresses that the page itself asked for, its own apart.
    fn requests(&self, page: &Path) -> Vec<String> {
        let log = self.folder.path().join("net.json");
        let dom = self.open(page, &[&format!("--log-net-log={}", log.display())]);
        assert!(dom.contains("</html>"), "the page was not opened");
        let log: serde_json::Value = serde_json::from_slice(&std::fs::read(log).unwrap()).unwrap();
        let events = log["events"].as_array().unwrap();
        let of_page =
            |event: &&serde_json::Value| event["params"]["initiator"].as_str().is_some_and(|by| by != BROWSER);
        let address = |event: &serde_json::Value| Some(event["params"]["url"].as_str()?.to_owned());
        events.iter().filter(of_page).filter_map(address).filter(|url| !url.starts_with("file:")).collect()
    }

    /// What axe-core finds in `page` at a width and in a colour scheme: a line on the conditions, then violations.
    fn audit(&self, page: &str, axe: &str, width: u32, dark: bool) -> Vec<String> {
        let audited = page.replace("</body>", &format!("<script>{axe}</script><script>{AUDIT}</script></body>"));
        // Chromium has no window narrower than 500 pixels, so the page is put into a frame.
        let frame = audited.replace('&', "&amp;").replace('"', "&quot;");
        let outer = format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta name=\"color-scheme\" content=\"light dark\"></head><body>\
             <iframe style=\"width: {width}px; height: 900px; border: 0\" srcdoc=\"{frame}\"></iframe></body></html>"
        );
        let scheme = format!("--blink-settings=preferredColorScheme={}", i32::from(!dark));
        let dom = self.open(&self.write("audited.html", &outer), &["--window-size=1400,1000", &scheme]);
        let result = dom.split_once("<pre id=\"axe-result\">").expect("axe-core has run").1;
        result.split_once("</pre>").unwrap().0.lines().map(str::to_owned).collect()
    }
}

/// Opens all that is folded, runs every rule, and writes the result into the page around the frame.
const AUDIT: &str = r#"
for (const details of document.querySelectorAll("details")) details.open = true;
axe.run(document, { rules: { "target-size": { enabled: true } } }).then((results) => {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const lines = [`${innerWidth} pixels, dark: ${dark}, wider than the page: ${document.documentElement.scrollWidth > innerWidth}`];
  for (const violation of results.violations) {
    lines.push(`${violation.id}: ${violation.nodes.map((node) => node.target.join(" ")).join(", ")}`);
  }
  const pre = parent.document.createElement("pre");
  pre.id = "axe-result";
  pre.textContent = lines.join("\n");
  parent.document.body.append(pre);
});
"#;

#[test]
fn the_report_requests_nothing() {
    let Some(program) = chromium() else { return };
    let browser = Browser::new(program);
    let page = report();
    assert_eq!(browser.requests(&browser.write("report.html", &page)), Vec::<String>::new());
    // The same page with an image from elsewhere: a request would be seen.
    let other = page.replace("</main>", "<img alt=\"\" src=\"http://elsewhere.example/x.png\"></main>");
    let seen = browser.requests(&browser.write("other.html", &other));
    assert!(seen.iter().any(|url| url.contains("elsewhere.example")), "{seen:?}");
}

#[test]
fn a_script_makes_tables_sortable() {
    let Some(program) = chromium() else { return };
    let browser = Browser::new(program);
    let click = "<script>document.querySelector('#fpl-ce th:nth-child(6) button').click(); \
                 document.body.dataset.sorted = Array.from(document.querySelectorAll('#fpl-ce tbody tr'), \
                 (row) => row.cells[5].textContent).join(' ')</script></body>";
    let dom = browser.open(&browser.write("report.html", &report().replace("</body>", click)), &[]);
    // The paper's differences FPL − CE by size: Table 2's in images and points, Table 3's in points.
    let sorted = "data-sorted=\"−39 −5 −0.20 +0.02 +0.04 +0.05 +0.32 +0.39\"";
    assert!(dom.contains(sorted), "{:?}", dom.split("data-sorted").nth(1).map(|rest| &rest[..80]));
    assert!(dom.contains("aria-sort=\"ascending\""));
}

#[test]
fn axe_finds_no_violation() {
    let Some(program) = chromium() else { return };
    let Some(axe) = axe() else { return };
    let browser = Browser::new(program);
    let page = report();
    for (width, dark) in [(1280, false), (1280, true), (390, false), (390, true)] {
        let expected = format!("{width} pixels, dark: {dark}, wider than the page: false");
        assert_eq!(browser.audit(&page, &axe, width, dark), [expected]);
    }
    // A figure without a description: it would be found.
    let other = page.replace("</main>", "<img src=\"data:,\"></main>");
    let found = browser.audit(&other, &axe, 1280, false);
    assert!(found.iter().any(|line| line.starts_with("image-alt")), "{found:?}");
}
