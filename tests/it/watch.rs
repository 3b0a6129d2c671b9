//! `watch`: what a terminal shows of trainings, drawn into a buffer.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use fpl_repro::artifact::EpochMetrics;
use fpl_repro::watch::{Snapshot, Stage, Training, draw};
use ratatui::{Terminal, backend::TestBackend};

use crate::support::{FPL, Project};

fn epoch(epoch: u32, top1: f64) -> EpochMetrics {
    EpochMetrics {
        epoch,
        train_loss: 1.5,
        learning_rate: 0.1,
        test_top1_pct: top1,
        test_top5_pct: 90.0,
        seconds: 60.0,
        images_per_second: 812.0,
        learned_alpha: None,
        memorized_pct: None,
    }
}

/// Two trained cells, one that runs in epoch 6 of 10, one that waits.
fn snapshot() -> Snapshot {
    let training = |seed: u32, stage, done: u32, seconds_left| Training {
        id: format!("table2/resnet18/random/fpl/seed{seed}"),
        stage,
        epochs: 10,
        metrics: (1..=done).map(|at| epoch(at, 30.0 + f64::from(at))).collect(),
        seconds_left,
    };
    Snapshot {
        trainings: vec![
            training(2, Stage::Running, 5, Some(300.0)),
            training(3, Stage::Waiting, 0, Some(600.0)),
            training(0, Stage::Trained, 10, Some(0.0)),
            training(1, Stage::Trained, 10, Some(0.0)),
        ],
        decided: "claims: 1 direction only, 9 not run".into(),
    }
}

/// What a terminal of that size shows, line by line.
fn drawn(snapshot: &Snapshot, chosen: usize, (width, height): (u16, u16)) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, snapshot, chosen)).unwrap();
    let buffer = terminal.backend().buffer();
    let line = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..height).map(line).collect()
}

#[test]
fn the_whole_stands_above_and_the_chosen_curve_below() {
    let lines = drawn(&snapshot(), 0, (120, 30));
    assert!(lines[0].contains("2 of 4 cells trained, 1 running, about 15 min 00 s left"), "{lines:#?}");
    assert_eq!(lines[1], "claims: 1 direction only, 9 not run");
    let row = lines.iter().find(|line| line.contains("fpl/seed2 ")).unwrap();
    for words in ["running", "5/10", "1.500", "35.00", "812", "5 min 00 s"] {
        assert!(row.contains(words), "no `{words}` in {row}");
    }
    assert!(lines.iter().any(|line| line.contains("table2/resnet18/random/fpl/seed2: accuracy on the test set")));
    assert!(lines.iter().any(|line| line.contains("epoch 10")), "{lines:#?}");
    // Braille dots of the curve.
    assert!(lines.iter().any(|line| line.chars().any(|dot| ('\u{2801}'..='\u{28ff}').contains(&dot))));
    let other = drawn(&snapshot(), 3, (120, 30));
    assert!(other.iter().any(|line| line.contains("seed1: accuracy on the test set")));
}

#[test]
fn every_size_of_a_terminal_and_every_amount_of_trainings_can_be_drawn() {
    let mut many = snapshot();
    many.trainings = (0..500).flat_map(|_| snapshot().trainings).collect();
    let unknown = Snapshot {
        trainings: vec![Training { seconds_left: None, ..snapshot().trainings[1].clone() }],
        ..Snapshot::default()
    };
    for size in [(80, 24), (20, 6), (5, 3), (300, 100)] {
        for snapshot in [&Snapshot::default(), &snapshot(), &many, &unknown] {
            let lines = drawn(snapshot, 0, size);
            assert_eq!(lines.len(), usize::from(size.1));
        }
    }
    assert!(drawn(&unknown, 0, (80, 24))[0].contains("time left unknown"));
    let lines = drawn(&snapshot(), 0, (80, 24));
    assert!(lines.iter().any(|line| line.contains("running") && line.contains("5/10")), "{lines:#?}");
    // 80 columns less 48 for the numbers and 6 between them are 26: the id loses its beginning, not its seed.
    for seed in 0..4 {
        let cell = format!("…resnet18/random/fpl/seed{seed} ");
        assert!(lines.iter().any(|line| line.starts_with(&cell)), "{cell}: {lines:#?}");
    }
}

#[test]
fn a_cache_is_read_as_it_is() {
    let project = Project::finished();
    let read = |sets: &[String]| {
        let loaded = fpl_repro::config::load(&project.root.join("pipeline.toml"), Some("test"), sets).unwrap().config;
        let plan = fpl_repro::plan::plan(&loaded, &fpl_repro::config::shipped().unwrap(), None, &[]).unwrap();
        Snapshot::read(&plan, &fpl_repro::store::Store::open(&project.cache(), std::time::Duration::ZERO), |_| None)
    };
    let done = read(&[]);
    assert_eq!((done.count(Stage::Trained), done.trainings.len()), (2, 2));
    assert_eq!((done.share_done(), done.seconds_left()), (1.0, Some(0.0)));
    assert!(done.trainings.iter().any(|training| training.id == FPL && training.metrics.len() == 2));
    let other = read(&["recipes.table2.epochs=3".to_owned()]);
    assert_eq!((other.count(Stage::Waiting), other.share_done()), (2, 0.0));
    // A watcher without a terminal says so.
    let output = project.run(&["watch"]);
    assert_eq!(output.code, 2);
    output.says("no terminal");
}
