//! From the configuration to the plan: every cell and stage with its fingerprint. Pure: no I/O, no libtorch.

mod data;
mod deviation;
mod select;

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::{Value, json};

use crate::config::{Config, Initialization, Source, TableRow, WeightsFile};
use crate::error::{Error, Result};
use crate::fingerprint::{Fingerprint, canonical};
use crate::id::{CellId, RowId};
use crate::recipe::{Architecture, InitialWeights, Training, WeightsSource};

pub use fpl_core::stage::StageKind;
pub use select::parse_seeds;

/// Index of a stage in [`Plan::nodes`].
pub type NodeId = usize;

/// One stage to run: what determines its result, and what it reads.
#[derive(Debug, Clone)]
pub struct Node {
    /// Which stage.
    pub stage: StageKind,
    /// A cell's id, or the name of what is fetched.
    pub subject: String,
    /// Everything that determines the result, as it is hashed: canonical JSON, a tenth of the size of a `Value`.
    identity: Box<str>,
    /// The hash.
    pub fingerprint: Fingerprint,
    /// The stages whose results it reads.
    pub inputs: Vec<NodeId>,
    /// What to do.
    pub work: Work,
}

impl Node {
    /// Everything that determines the result.
    pub fn identity(&self) -> Value {
        serde_json::from_str(&self.identity).unwrap_or_default() // It was written from a value.
    }
}

/// What a stage does, beyond what its identity says: paths and addresses do not determine results.
#[derive(Debug, Clone)]
pub enum Work {
    /// Bring the data.
    Data(Source),
    /// Bring a weights file.
    Weights(WeightsFile),
    /// Train the cell with this index.
    Train(usize),
    /// Evaluate the cell with this index.
    Evaluate(usize),
    /// Summarise cells in figures or a report.
    Summarize,
}

/// One cell of the matrix: network × loss × initialization × recipe × seed.
#[derive(Debug, Clone)]
pub struct Cell {
    /// `table3/resnet50/imagenet/fpl/seed0`.
    pub id: CellId,
    /// What is trained, and how.
    pub training: Training,
    /// How the protocol differs from the paper's; empty for the paper's own.
    pub deviations: Vec<String>,
    /// Training and test images that it sees; of an imbalanced training set as many as it has if classes are equally large.
    pub images: (u32, u32),
    /// The file with its training labels, as configured; `None`: they come with the data.
    pub labels_file: Option<String>,
    /// Whether `--cells` selects it.
    pub selected: bool,
    /// The stage that brings its data.
    pub data: NodeId,
    /// Its training stage.
    pub train: NodeId,
    /// Its evaluation stage.
    pub evaluate: NodeId,
}

/// Everything that is to be there in the end.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Fetch, train and evaluate stages; a stage's inputs stand before it.
    pub nodes: Vec<Node>,
    /// The matrix: seeds outermost, so that a run that is cut short has few seeds of many cells.
    pub cells: Vec<Cell>,
    /// The stage that brings the data that the report is about.
    pub data: NodeId,
    /// Training and test images of that data set.
    pub images: (u32, u32),
}

/// A plan in the making.
struct Builder<'a> {
    config: &'a Config,
    /// Digest of the local archive of the report's data set, if one is set.
    archive_sha256: Option<&'a str>,
    nodes: Vec<Node>,
    cells: Vec<Cell>,
    /// Where the stage of a fingerprint and a subject stands.
    places: HashMap<(Fingerprint, String), NodeId>,
    /// Where the images of a data set stand, by its name: all cells have them from few.
    fetched: HashMap<String, NodeId>,
    /// Where the training of a cell stands.
    trainings: HashMap<CellId, NodeId>,
}

/// Builds the plan. `archive_sha256` is the digest of the local archive of the report's data set, if one is set.
pub fn plan(config: &Config, paper: &Config, archive_sha256: Option<&str>, cells: &[String]) -> Result<Plan> {
    let reported = config.datasets.get(&config.dataset).ok_or_else(|| missing("data set", &config.dataset))?;
    let mut builder = Builder {
        config,
        archive_sha256,
        nodes: Vec::new(),
        cells: Vec::new(),
        places: HashMap::new(),
        fetched: HashMap::new(),
        trainings: HashMap::new(),
    };
    let data = builder.fetch_data(&reported.source);
    // Cells that others start from are built first, so that inputs stand before what reads them.
    let starts_from_cell =
        |row: &TableRow| matches!(config.initializations.get(&row.initialization), Some(Initialization::Cell { .. }));
    let with_deviations = |(id, row)| (deviation::deviations(config, paper, &id, row), id, row);
    let rows: Vec<(Vec<String>, RowId, &TableRow)> = config.rows().map(with_deviations).collect();
    for late in [false, true] {
        for &seed in &config.seeds {
            for (deviations, id, row) in rows.iter().filter(|(.., row)| starts_from_cell(row) == late) {
                builder.add_cell((id, row), deviations, seed)?;
            }
        }
    }
    builder.sort_cells();
    let Builder { nodes, cells: mut matrix, .. } = builder;
    select::select(&mut matrix, cells)?;
    Ok(Plan { nodes, cells: matrix, data, images: reported.images() })
}

impl Builder<'_> {
    fn add_cell(&mut self, (id, row): (&RowId, &TableRow), deviations: &[String], seed: u64) -> Result<()> {
        let config = self.config;
        let lookup = |kind: &str, name: &str| missing(kind, name);
        let network = *config.networks.get(&row.network).ok_or_else(|| lookup("network", &row.network))?;
        let recipe = config.recipes.get(&row.recipe).ok_or_else(|| lookup("recipe", &row.recipe))?.clone();
        let loss = config.losses.get(id.loss()).ok_or_else(|| lookup("loss", id.loss()))?.clone();
        let initialization = config
            .initializations
            .get(&row.initialization)
            .ok_or_else(|| lookup("initialization", &row.initialization))?;
        let (initialization, weights) = self.weights(initialization, network.architecture, seed)?;
        let name = config.dataset_of(row);
        let dataset = config.datasets.get(name).ok_or_else(|| lookup("data set", name))?;
        data::check_order(name, dataset, self.archive_sha256)?;
        let data = if let Some(data) = self.fetched.get(name) {
            *data
        } else {
            let data = self.fetch_data(&dataset.source);
            self.fetched.insert(name.to_owned(), data);
            data
        };
        let training = Training {
            network,
            loss,
            recipe,
            seed,
            initialization,
            train_limit: dataset.train_limit,
            test_limit: dataset.test_limit,
            shape: dataset.source.shape(),
            imbalance: dataset.imbalance,
            noise: dataset.noise().map_err(|class| lookup("class", &class))?,
        };
        let id = id.cell(seed);
        let index = self.cells.len();
        let mut inputs = vec![("data", data)];
        inputs.extend(weights.map(|weights| ("weights", weights)));
        let train = self.push(StageKind::Train, id.as_str(), hashed(&training)?, Work::Train(index), &inputs);
        self.trainings.insert(id.clone(), train);
        let inputs = [("data", data), ("weights", train)];
        let fields = hashed(&training.evaluation())?;
        let evaluate = self.push(StageKind::Evaluate, id.as_str(), fields, Work::Evaluate(index), &inputs);
        self.cells.push(Cell {
            id,
            training,
            deviations: deviations.to_vec(),
            images: dataset.images(),
            labels_file: dataset.labels_file().map(str::to_owned),
            selected: true,
            data,
            train,
            evaluate,
        });
        Ok(())
    }

    /// Initial weights, and the stage that brings them.
    fn weights(
        &mut self,
        from: &Initialization,
        architecture: Architecture,
        seed: u64,
    ) -> Result<(InitialWeights, Option<NodeId>)> {
        let head = architecture.family().head();
        match from {
            Initialization::Random => Ok((InitialWeights { kind: WeightsSource::Random, drop: Vec::new() }, None)),
            Initialization::Weights { files } => {
                let file = files.get(architecture.id()).ok_or_else(|| missing("weights file", architecture.id()))?;
                let fields = json!({ "kind": "weights", "sha256": file.sha256 });
                let name = format!("weights {}", file.url.rsplit('/').next().unwrap_or(architecture.id()));
                let fetch = self.push(StageKind::Fetch, &name, fields, Work::Weights(file.clone()), &[]);
                let drop = std::iter::once(head.to_owned()).chain(file.drop.iter().cloned()).collect();
                Ok((InitialWeights { kind: WeightsSource::Weights, drop }, Some(fetch)))
            }
            Initialization::Cell { cell } => {
                let id = cell.cell(seed);
                let train = *self.trainings.get(&id).ok_or_else(|| missing("cell", id.as_str()))?;
                let drop = vec![head.to_owned()];
                Ok((InitialWeights { kind: WeightsSource::Cell, drop }, Some(train)))
            }
        }
    }

    /// Adds a stage, or finds it if an equal one is there.
    fn push(
        &mut self,
        stage: StageKind,
        subject: &str,
        fields: Value,
        work: Work,
        inputs: &[(&str, NodeId)],
    ) -> NodeId {
        let named: Vec<(&str, &Node)> = inputs.iter().map(|(role, id)| (*role, &self.nodes[*id])).collect();
        let ids: Vec<NodeId> = inputs.iter().map(|(_, id)| *id).collect();
        let node = node(stage, subject.to_owned(), fields, &named, work, &ids);
        let next = self.nodes.len();
        let place = *self.places.entry((node.fingerprint.clone(), node.subject.clone())).or_insert(next);
        if place == next {
            self.nodes.push(node);
        }
        place
    }

    /// Seeds outermost, then the order of the tables.
    fn sort_cells(&mut self) {
        let config = self.config;
        let seed_rank: BTreeMap<u64, usize> =
            config.seeds.iter().enumerate().map(|(rank, seed)| (*seed, rank)).collect();
        let row_rank: BTreeMap<RowId, usize> = config.rows().enumerate().map(|(rank, (row, _))| (row, rank)).collect();
        self.cells
            .sort_by_key(|cell| (seed_rank.get(&cell.training.seed).copied(), row_rank.get(&cell.id.row()).copied()));
        for (index, cell) in self.cells.iter().enumerate() {
            self.nodes[cell.train].work = Work::Train(index);
            self.nodes[cell.evaluate].work = Work::Evaluate(index);
        }
    }
}

/// A stage that reads the results of many others: the figures or the report.
pub fn summary(stage: StageKind, subject: &str, fields: Value, inputs: &[(String, &Node)]) -> Node {
    let named: Vec<(&str, &Node)> = inputs.iter().map(|(role, node)| (role.as_str(), *node)).collect();
    node(stage, subject.to_owned(), fields, &named, Work::Summarize, &[])
}

fn node(
    stage: StageKind,
    subject: String,
    fields: Value,
    named: &[(&str, &Node)],
    work: Work,
    inputs: &[NodeId],
) -> Node {
    let read: BTreeMap<&str, &Fingerprint> = named.iter().map(|(role, node)| (*role, &node.fingerprint)).collect();
    let mut identity = json!({ "stage": stage.name(), "version": stage.version(), "inputs": read });
    identity["fields"] = fields; // Within `json!` it would be copied.
    let identity = canonical(&identity);
    let fingerprint = Fingerprint::of_canonical(&identity);
    Node { stage, subject, identity: identity.into(), fingerprint, inputs: inputs.to_vec(), work }
}

/// What determines a result, as it is hashed.
fn hashed(fields: &impl Serialize) -> Result<Value> {
    serde_json::to_value(fields)
        .map_err(|error| Error::Render { what: "what is hashed".into(), message: error.to_string() })
}

fn missing(kind: &str, name: &str) -> Error {
    Error::Usage { message: format!("there is no {kind} `{name}`"), help: "check `pipeline.toml`".into() }
}
