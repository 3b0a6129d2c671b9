//! The view of all trainings: one line for the whole, a table, and the curve of the chosen one.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::{Axis, Block, Chart, Dataset, Gauge, GraphType, Paragraph, Row, Table, TableState};

use super::{Snapshot, Stage, Training};
use crate::number::{duration, fixed, plural};

/// Widths of the columns behind the cell's, and how much that has at least.
const WIDTHS: [u16; 6] = [7, 7, 7, 7, 8, 12];
const LEAST: u16 = 16;

/// Draws a snapshot with the training of a position chosen.
pub fn draw(frame: &mut Frame, snapshot: &Snapshot, chosen: usize) {
    let rows = (snapshot.trainings.len() as u16).saturating_add(2);
    let most = frame.area().height / 2;
    let [head, table, chart, foot] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Length(rows.min(most)),
        Constraint::Min(5),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    whole(frame, head, snapshot);
    trainings(frame, table, snapshot, chosen);
    if let Some(training) = snapshot.trainings.get(chosen) {
        curve(frame, chart, training);
    }
    frame.render_widget(Paragraph::new("↑ ↓ choose a training · q ends the view, and no training"), foot);
}

/// The share of epochs that is done, and in words what is left and decided.
fn whole(frame: &mut Frame, area: Rect, snapshot: &Snapshot) {
    let [bar, words] = Layout::vertical([Constraint::Length(1), Constraint::Length(1)]).areas(area);
    let left = match snapshot.seconds_left() {
        _ if snapshot.count(Stage::Trained) == snapshot.trainings.len() => "all trained".to_owned(),
        Some(seconds) => format!("about {} left", duration(seconds)),
        None => "time left unknown".to_owned(),
    };
    let counts = [Stage::Running, Stage::Stopped, Stage::Failed]
        .map(|stage| (stage, snapshot.count(stage)))
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(stage, count)| format!(", {count} {}", stage.title()));
    let label = format!(
        "{} of {} trained{}, {left}",
        snapshot.count(Stage::Trained),
        plural(snapshot.trainings.len(), "cell"),
        counts.collect::<String>()
    );
    let gauge = Gauge::default().ratio(snapshot.share_done()).label(label);
    frame.render_widget(gauge.gauge_style(Style::new().fg(Color::Blue)), bar);
    frame.render_widget(Paragraph::new(snapshot.decided.as_str()), words);
}

fn trainings(frame: &mut Frame, area: Rect, snapshot: &Snapshot, chosen: usize) {
    // One column is between two.
    let rest = WIDTHS.iter().map(|width| width + 1).sum::<u16>();
    let cell = area.width.saturating_sub(rest).max(LEAST);
    let row = |training: &Training| {
        let last = training.metrics.last();
        let of = |value: Option<String>| value.unwrap_or_else(|| "—".to_owned());
        Row::new([
            end_of(&training.id, usize::from(cell)),
            training.stage.title().to_owned(),
            format!("{}/{}", training.metrics.len(), training.epochs),
            of(last.map(|last| fixed(last.train_loss, 3))),
            of(last.map(|last| fixed(last.test_top1_pct, 2))),
            of(last.map(|last| fixed(last.images_per_second, 0))),
            of(training.seconds_left.filter(|seconds| *seconds > 0.0).map(duration)),
        ])
    };
    let widths = std::iter::once(Constraint::Min(LEAST)).chain(WIDTHS.map(Constraint::Length));
    let head = Row::new(["cell", "", "epoch", "loss", "top-1 %", "images/s", "left"])
        .style(Style::new().add_modifier(Modifier::BOLD));
    let table = Table::new(snapshot.trainings.iter().map(row), widths)
        .header(head)
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    let mut state = TableState::default().with_selected(Some(chosen));
    frame.render_stateful_widget(table, area, &mut state);
}

/// An id in so many columns: its end is kept, which tells cells apart.
fn end_of(id: &str, width: usize) -> String {
    match id.chars().count().checked_sub(width) {
        None | Some(0) => id.to_owned(),
        Some(over) => format!("…{}", id.chars().skip(over + 1).collect::<String>()),
    }
}

/// Top-1 and top-5 on the test set over epochs.
fn curve(frame: &mut Frame, area: Rect, training: &Training) {
    let points = |of: fn(&crate::artifact::EpochMetrics) -> f64| -> Vec<(f64, f64)> {
        let all = training.metrics.iter().map(|epoch| (f64::from(epoch.epoch), of(epoch)));
        all.filter(|(_, value)| value.is_finite()).collect()
    };
    let (top1, top5) = (points(|epoch| epoch.test_top1_pct), points(|epoch| epoch.test_top5_pct));
    let line = |name: &'static str, data, colour| {
        Dataset::default()
            .name(name)
            .marker(Marker::Braille)
            .graph_type(GraphType::Line)
            .style(Style::new().fg(colour))
            .data(data)
    };
    let last = f64::from(training.epochs.max(2));
    let ends = |first: &str, end: String| [Line::from(first.to_owned()), Line::from(end)];
    let chart = Chart::new(vec![line("top-1", &top1, Color::Yellow), line("top-5", &top5, Color::Cyan)])
        .block(Block::bordered().title(format!("{}: accuracy on the test set (%)", training.id)))
        .x_axis(Axis::default().bounds([1.0, last]).labels(ends("1", format!("epoch {}", training.epochs))))
        .y_axis(Axis::default().bounds([0.0, 100.0]).labels(ends("0", "100".to_owned())));
    frame.render_widget(chart, area);
}
