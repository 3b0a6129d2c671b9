//! Modules use only modules above their own in `lib.rs`.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::path::Path;

fn check(source: &Path) {
    let declared = std::fs::read_to_string(source.join("lib.rs")).unwrap();
    let module =
        |line: &str| Some(line.trim_start_matches("pub ").strip_prefix("mod ")?.trim_end_matches(';').to_owned());
    let order: Vec<String> = declared.lines().filter_map(module).collect();
    assert!(order.len() > 3);
    for file in fpl_repro::fs::files_below(source).unwrap() {
        let top = file.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned();
        let Some(own) = order.iter().position(|name| *name == top) else { continue };
        let text = std::fs::read_to_string(source.join(&file)).unwrap();
        for used in text.split("crate::").skip(1) {
            let name = used.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
            let fine = order.iter().position(|other| other == name).is_none_or(|at| at <= own);
            assert!(fine, "{}: `{top}` uses `{name}`, which is below it in lib.rs", file.display());
        }
    }
}

#[test]
fn a_module_uses_only_modules_above_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    check(&root.join("src"));
    check(&root.join("worker/src"));
}
