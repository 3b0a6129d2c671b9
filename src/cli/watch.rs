//! `watch`: trainings in a terminal, live.

use std::io::IsTerminal as _;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

use super::Session;
use crate::error::{Error, Result};
use crate::report::ledger::ledger;
use crate::run::Estimator;
use crate::watch::{Snapshot, Stage, draw};

/// How often the records are read.
const EVERY: Duration = Duration::from_secs(2);

/// Shows trainings until `q`; exit code 0.
///
/// # Errors
/// [`Error::Usage`] without a terminal.
pub(super) fn watch(session: &Session) -> Result<u8> {
    if !std::io::stdout().is_terminal() {
        return Err(Error::Usage {
            message: "standard output is no terminal".into(),
            help: "`fpl-repro status --json` says the same to programs".into(),
        });
    }
    let terminal = |error: std::io::Error| Error::io("use", "the terminal")(error);
    let mut screen = ratatui::try_init().map_err(terminal)?;
    let ended = follow(session, &mut screen);
    ratatui::try_restore().map_err(terminal)?;
    ended.map(|()| 0)
}

fn follow(session: &Session, screen: &mut ratatui::DefaultTerminal) -> Result<()> {
    let terminal = |error: std::io::Error| Error::io("use", "the terminal")(error);
    let (mut chosen, mut trained, mut decided) = (0_usize, usize::MAX, String::new());
    let estimator = Estimator::new(&session.store, &session.options);
    loop {
        let mut snapshot = Snapshot::read(&session.plan, &session.store, |cell| estimator.training(cell));
        // Verdicts follow from results, so only a further one can turn them.
        if snapshot.count(Stage::Trained) != trained {
            trained = snapshot.count(Stage::Trained);
            decided = verdicts(session);
        }
        snapshot.decided.clone_from(&decided);
        let last = snapshot.trainings.len().saturating_sub(1);
        chosen = chosen.min(last);
        screen.draw(|frame| draw(frame, &snapshot, chosen)).map_err(terminal)?;
        if !event::poll(EVERY).map_err(terminal)? {
            continue;
        }
        let Event::Key(key) = event::read().map_err(terminal)? else { continue };
        if key.kind != KeyEventKind::Press {
            continue;
        }
        match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return Ok(()),
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Ok(()),
            KeyCode::Up => chosen = chosen.saturating_sub(1),
            KeyCode::Down => chosen = (chosen + 1).min(last),
            _ => {}
        }
    }
}

/// `claims: 1 reproduced, 9 not run`; empty if the results cannot be read.
fn verdicts(session: &Session) -> String {
    let content = session.runner().content();
    content.map_or_else(|_| String::new(), |content| format!("claims: {}", ledger(&content).in_brief()))
}
