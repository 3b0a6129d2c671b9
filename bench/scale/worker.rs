//! A worker that trains nothing: it waits as long as a GPU would compute, and leaves files of the right form.
//!
//! `bench/scale/run.py` puts it in the place of `fpl-repro-worker`, so that what is measured is the pipeline alone: looking,
//! leasing, hashing, committing. `FPL_IDLE_SECONDS` is the time of a training.

#![allow(clippy::print_stdout, reason = "messages go to standard output")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::time::Duration;

use fpl_repro::artifact::{EpochMetrics, LOGITS, METRICS, WEIGHTS};
use fpl_repro::data::TEST_FILE;
use fpl_repro::plan::StageKind;
use fpl_repro::protocol::{EvaluateJob, Hello, Job, Message, Tensors, TrainJob, VERSION};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

fn main() -> Result<(), Box<dyn Error>> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    say(&Message::Hello(Hello {
        protocol: VERSION,
        train: StageKind::Train.version(),
        evaluate: StageKind::Evaluate.version(),
        host: "idle".into(),
        cpu: "idle".into(),
    }))?;
    let tensors = match serde_json::from_str(&line)? {
        Job::Train(job) => train(&job)?,
        Job::Evaluate(job) => evaluate(&job)?,
        Job::Measure(_) => return Err("measures nothing".into()),
    };
    say(&Message::Done { tensors })
}

fn say(message: &Message) -> Result<(), Box<dyn Error>> {
    println!("{}", serde_json::to_string(message)?);
    Ok(())
}

fn train(job: &TrainJob) -> Result<Tensors, Box<dyn Error>> {
    let seconds: f64 = std::env::var("FPL_IDLE_SECONDS").unwrap_or_default().parse().unwrap_or_default();
    std::thread::sleep(Duration::from_secs_f64(seconds));
    let epoch = |epoch| EpochMetrics {
        epoch,
        train_loss: 1.0,
        learning_rate: 1.0,
        test_top1_pct: 10.0,
        test_top5_pct: 50.0,
        seconds,
        images_per_second: 1.0,
        learned_alpha: None,
        memorized_pct: None,
    };
    let lines: Result<Vec<String>, _> =
        (1..=job.training.recipe.epochs).map(|number| serde_json::to_string(&epoch(number))).collect();
    std::fs::write(job.place.out.join(METRICS), lines?.join("\n") + "\n")?;
    zeros(&job.place.out.join(WEIGHTS), "fc.bias", vec![2])
}

fn evaluate(job: &EvaluateJob) -> Result<Tensors, Box<dyn Error>> {
    let shape = job.evaluation.shape;
    let images = std::fs::metadata(job.place.data.join(TEST_FILE))?.len() as usize / shape.record_bytes();
    zeros(&job.place.out.join(LOGITS), "logits", vec![images, shape.classes])
}

/// Writes a safetensors file with one tensor of zeros.
fn zeros(path: &Path, name: &str, shape: Vec<usize>) -> Result<Tensors, Box<dyn Error>> {
    let bytes = vec![0; 4 * shape.iter().product::<usize>()];
    let tensor = TensorView::new(Dtype::F32, shape.clone(), &bytes)?;
    std::fs::write(path, safetensors::serialize([(name, tensor)], None)?)?;
    Ok(BTreeMap::from([(name.to_owned(), shape)]))
}
