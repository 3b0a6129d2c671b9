//! The bundle as a Workflow Run RO-Crate 0.5, which is a Process Run Crate too: one `CreateAction` per stage that ran, and
//! one for the whole.
//!
//! Profiles: <https://w3id.org/ro/wfrun/process/0.5>, <https://w3id.org/ro/wfrun/workflow/0.5>,
//! <https://w3id.org/workflowhub/workflow-ro-crate/1.0>.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::archive::Files;
use super::evidence::Evidence;
use super::fault::Fault;
use super::layout::{
    Attribution, Author, CONFIG, CRATE, Configuration, LABELS, MANIFEST, README, REPORT, get, parse, report_path,
};
use crate::artifact::{METRICS, Manifest, PREDICTIONS, PROBABILITIES, SCORES, TRAINING_SET, WEIGHTS};
use crate::fs::sha256_bytes;
use crate::number::slug;
use crate::report::input::ReportInput;

const CONTEXT: &str = "https://w3id.org/ro/crate/1.1/context";
/// `sha256` is a term of the run profiles; the definition saves every reader a request for their context.
const SHA256: &str = "https://w3id.org/ro/terms/workflow-run#sha256";
const RO_CRATE: &str = "https://w3id.org/ro/crate/1.1";
const PROFILES: [(&str, &str, &str); 3] = [
    ("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5"),
    ("https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5"),
    ("https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate", "1.0"),
];
/// The data, which are not in the bundle.
const DATA: &str = "#data";

/// `ro-crate-metadata.json`: follows from the other files but `MANIFEST.json`.
pub(super) fn metadata(files: &Files, evidence: &Evidence) -> Result<Vec<u8>, Fault> {
    let report: ReportInput = parse(&report_path(), get(files, &report_path())?)?;
    let manifests: Vec<&Manifest> = evidence.manifests().into_iter().map(|(_, manifest)| manifest).collect();
    let mut graph = Graph::default();
    graph.add(json!({
        "@id": CRATE, "@type": "CreativeWork", "about": id("./"),
        "conformsTo": [id(RO_CRATE), id(PROFILES[2].0)],
    }));
    for (profile, name, version) in PROFILES {
        graph.add(json!({ "@id": profile, "@type": "CreativeWork", "name": name, "version": version }));
    }
    for (name, bytes) in files.iter().filter(|(name, _)| ![CRATE, MANIFEST].contains(&name.as_str())) {
        graph.add(file(name, bytes));
    }
    graph.add(json!({
        "@id": MANIFEST, "@type": "File", "name": "sha256 and size of every file", "encodingFormat": "application/json",
    }));
    let configuration: Configuration = parse(CONFIG, get(files, CONFIG)?)?;
    contextual(&mut graph, &report, &manifests);
    let authors = authors(&mut graph, &configuration.attribution.authors);
    actions(&mut graph, files, evidence, &report, authors.first());
    graph.add(root(&graph, &report, &manifests, &configuration.attribution, &authors));
    let metadata = json!({ "@context": [CONTEXT, { "sha256": SHA256 }], "@graph": graph.entities.into_values().map(single).collect::<Vec<_>>() });
    crate::report::json(&metadata).map_err(|error| Fault::new(CRATE, error.to_string()))
}

/// Holds the digests in the metadata against the files.
pub(super) fn check_digests(files: &Files) -> Result<(), Fault> {
    let metadata: Value = parse(CRATE, get(files, CRATE)?)?;
    let entities = metadata["@graph"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (name, bytes) in files.iter().filter(|(name, _)| ![CRATE, MANIFEST].contains(&name.as_str())) {
        let says = entities.iter().find(|entity| entity["@id"] == encoded(name)).map(|entity| &entity["sha256"]);
        let follows = sha256_bytes(bytes);
        if says.is_none_or(|says| *says != follows) {
            let says = says.map_or_else(|| "nothing".to_owned(), Value::to_string);
            return Err(Fault::new(CRATE, format!("sha256 of {name}: says {says}, follows \"{follows}\"")));
        }
    }
    Ok(())
}

/// Entities by their id.
#[derive(Default)]
struct Graph {
    entities: BTreeMap<String, Value>,
}

impl Graph {
    /// Adds an entity, once.
    fn add(&mut self, entity: Value) {
        let id = entity["@id"].as_str().unwrap_or_default().to_owned();
        self.entities.entry(id).or_insert(entity);
    }

    /// References to the entities of a type.
    fn of_type(&self, name: &str) -> Vec<Value> {
        let is = |entity: &&Value| match &entity["@type"] {
            Value::Array(types) => types.iter().any(|found| found == name),
            one => one == name,
        };
        self.entities.values().filter(is).map(|entity| json!({ "@id": entity["@id"] })).collect()
    }
}

/// An entity without lists of one, which RO-Crate 1.1 advises against.
fn single(mut entity: Value) -> Value {
    for value in entity.as_object_mut().into_iter().flat_map(|properties| properties.values_mut()) {
        if let Value::Array(list) = value
            && let [only] = list.as_mut_slice()
        {
            *value = only.take();
        }
    }
    entity
}

fn id(id: &str) -> Value {
    json!({ "@id": id })
}

fn ids<'a>(names: impl IntoIterator<Item = &'a str>) -> Value {
    names.into_iter().map(|name| id(&encoded(name))).collect()
}

/// A path as a relative URI.
fn encoded(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/=#".contains(&byte);
    path.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn file(name: &str, bytes: &[u8]) -> Value {
    let mut entity = json!({
        "@id": encoded(name), "@type": "File", "name": about(name), "encodingFormat": format_of(name),
        "contentSize": bytes.len().to_string(), "sha256": sha256_bytes(bytes),
    });
    if name == README {
        entity["about"] = id("./");
    }
    if name == CONFIG {
        entity["@type"] = json!(["File", "SoftwareSourceCode", "ComputationalWorkflow"]);
        let configuration: Value = serde_json::from_slice(bytes).unwrap_or_default();
        entity["version"] = json!(configuration["config"]["schema"].to_string());
        entity["programmingLanguage"] = id("#configuration");
    }
    entity
}

fn about(name: &str) -> String {
    let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
    let cell = folder.strip_prefix("evidence/cells/");
    match (cell, file) {
        (Some(cell), PREDICTIONS) => format!("class and rank of the true class for every test image, by {cell}"),
        (Some(cell), PROBABILITIES) => format!("p_T and p_F of every test image, by {cell}"),
        (Some(cell), SCORES) => format!("scores of {cell}"),
        (Some(cell), METRICS) => format!("every epoch of {cell}"),
        (Some(cell), TRAINING_SET) => format!("images per class and wrong labels that {cell} was trained on"),
        (Some(cell), _) => format!("{file} of {cell}"),
        _ if name == CONFIG => "the pipeline's configuration with all its values".to_owned(),
        _ if name == README => "what this is, and how to verify it".to_owned(),
        _ if name == LABELS => "the class of every test image".to_owned(),
        _ => file.to_owned(),
    }
}

fn format_of(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "json" => "application/json",
        "jsonl" => "application/jsonl",
        "html" => "text/html",
        "md" => "text/markdown",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "pdf" => "application/pdf",
        "csv" => "text/csv",
        "xml" => "application/xml",
        "tex" => "application/x-tex",
        "txt" => "text/plain",
        _ => "application/octet-stream",
    }
}

fn contextual(graph: &mut Graph, report: &ReportInput, manifests: &[&Manifest]) {
    graph.add(json!({
        "@id": "#configuration", "@type": "ComputerLanguage", "name": "configuration of fpl-repro (JSON)",
    }));
    graph.add(json!({
        "@id": "#licence", "@type": "CreativeWork", "name": env!("CARGO_PKG_LICENSE"),
        "identifier": env!("CARGO_PKG_LICENSE"),
        "description": "Of fpl-repro and of what it made. What is quoted from the paper is the paper's.",
    }));
    graph.add(json!({
        "@id": report.paper.url, "@type": "ScholarlyArticle", "name": report.paper.title,
        "author": report.paper.authors, "datePublished": report.paper.year.to_string(),
    }));
    graph.add(json!({
        "@id": DATA, "@type": "CreativeWork", "name": report.dataset.name,
        "identifier": report.dataset.archive_sha256, "description": "training and test images; not in this crate",
    }));
    for manifest in manifests {
        let program = &manifest.environment.program;
        let (name, version) = program.split_once(' ').unwrap_or((program, ""));
        graph.add(json!({
            "@id": application(program), "@type": "SoftwareApplication", "name": name, "softwareVersion": version,
            "license": id("#licence"),
        }));
    }
}

/// Adds the authors; references to them.
fn authors(graph: &mut Graph, authors: &[Author]) -> Vec<Value> {
    let reference = |(at, author): (usize, &Author)| {
        let name = if author.id.is_empty() { format!("#author-{}", at + 1) } else { author.id.clone() };
        graph.add(json!({ "@id": name, "@type": "Person", "name": author.name }));
        id(&name)
    };
    authors.iter().enumerate().map(reference).collect()
}

fn application(program: &str) -> String {
    format!("#{}", slug(program))
}

/// One action per stage that ran, and one for the whole run.
fn actions(graph: &mut Graph, files: &Files, evidence: &Evidence, report: &ReportInput, agent: Option<&Value>) {
    let action = |manifest: &Manifest, object: &Value, result: &Value| by(action(manifest, object, result), agent);
    if let Some(data) = &evidence.data {
        graph.add(action(data, &json!([]), &json!([id(DATA), id(LABELS)])));
    }
    for cell in &evidence.cells {
        let weights = format!("#weights-{}", &cell.train.fingerprint[..12]);
        let sha256 = cell.train.outputs.get(WEIGHTS).map_or("", |output| output.sha256.as_str());
        graph.add(json!({
            "@id": weights, "@type": "CreativeWork", "name": format!("weights of {}", cell.id),
            "identifier": sha256, "description": "not in this crate",
        }));
        let path = |name: &str| encoded(&format!("{}{name}", cell.folder));
        graph.add(action(&cell.train, &json!([id(DATA)]), &json!([id(&path(METRICS)), id(&weights)])));
        let results = [PREDICTIONS, PROBABILITIES, SCORES].map(|name| id(&path(name)));
        graph.add(action(&cell.evaluate, &json!([id(DATA), id(&weights)]), &json!(results)));
    }
    let evidence_files: Vec<&str> = evidence
        .cells
        .iter()
        .flat_map(|cell| {
            files
                .keys()
                .filter(|name| name.starts_with(&cell.folder))
                .filter(|name| name.ends_with(SCORES) || name.ends_with(METRICS))
        })
        .map(String::as_str)
        .collect();
    let figures = files.keys().filter(|name| name.starts_with("report/figures/")).map(String::as_str);
    let all = files.keys().filter(|name| name.starts_with(REPORT)).map(String::as_str);
    let read = ids(evidence_files.into_iter().chain([CONFIG]));
    graph.add(action(&evidence.plot, &read, &ids(figures)));
    graph.add(action(&evidence.report, &read, &ids(all.clone())));
    let manifests = || evidence.manifests().into_iter().map(|(_, manifest)| manifest);
    let run = json!({
        "@id": "#run", "@type": "CreateAction", "name": format!("fpl-repro all, profile {}", report.profile),
        "description": "the whole pipeline, from the first stage that is here to the last; perhaps in several sessions",
        "instrument": id(CONFIG), "object": [id(DATA)], "result": ids(all), "actionStatus": "http://schema.org/CompletedActionStatus",
        "startTime": manifests().map(|manifest| time(&manifest.started)).min(),
        "endTime": manifests().map(|manifest| time(&manifest.finished)).max(),
    });
    graph.add(by(run, agent));
}

/// An action with who ran it, where that is known.
fn by(mut action: Value, agent: Option<&Value>) -> Value {
    if let Some(agent) = agent {
        action["agent"] = agent.clone();
    }
    action
}

fn action(manifest: &Manifest, object: &Value, result: &Value) -> Value {
    json!({
        "@id": format!("#{}-{}", manifest.stage, &manifest.fingerprint[..12]), "@type": "CreateAction",
        "name": format!("{} {}", manifest.stage, manifest.subject), "description": circumstances(manifest),
        "instrument": id(&application(&manifest.environment.program)), "object": object, "result": result,
        "startTime": time(&manifest.started), "endTime": time(&manifest.finished),
        "actionStatus": "http://schema.org/CompletedActionStatus",
    })
}

/// The profiles want an offset and not its abbreviation `Z`.
fn time(utc: &str) -> String {
    utc.strip_suffix('Z').map_or_else(|| utc.to_owned(), |time| format!("{time}+00:00"))
}

/// Where and how a stage ran.
fn circumstances(manifest: &Manifest) -> String {
    let on = &manifest.environment;
    let mut parts = vec![format!("on {}", on.host), on.cpu.clone(), on.device.clone(), on.cuda.clone()];
    if !on.libtorch.is_empty() {
        parts.push(format!("libtorch {}", on.libtorch));
        parts.push(format!("{} threads, resumed {} times", on.threads, on.resumed));
    }
    parts.push(format!("{} s", manifest.seconds));
    parts.push(format!("fingerprint {}", manifest.fingerprint));
    if !on.git_commit.is_empty() {
        parts.push(format!("git commit {}", on.git_commit));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("; ")
}

fn root(
    graph: &Graph,
    report: &ReportInput,
    manifests: &[&Manifest],
    attribution: &Attribution,
    authors: &[Value],
) -> Value {
    let mut root = json!({
        "@id": "./", "@type": "Dataset",
        "name": format!("Reproduction of \"{}\", profile {}", report.paper.title, report.profile),
        "description": "A report on what held up of the paper, with everything that its numbers follow from. \
                        `fpl-repro verify` computes them again.",
        "datePublished": manifests.iter().map(|manifest| manifest.finished.as_str()).max(),
        "license": id("#licence"), "conformsTo": PROFILES.map(|(profile, ..)| id(profile)),
        "mainEntity": id(CONFIG), "hasPart": graph.of_type("File"), "mentions": graph.of_type("CreateAction"),
        "about": id(&report.paper.url),
    });
    if !authors.is_empty() {
        root["author"] = json!(authors);
    }
    if !attribution.url.is_empty() {
        root["url"] = json!(attribution.url);
    }
    root
}
