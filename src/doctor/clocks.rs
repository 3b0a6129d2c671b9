//! How far two machines' clocks are apart, and how soon one sees what the other writes.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::Finding;
use super::meeting::{Meeting, Role};
use crate::error::Result;

const ROUNDS: usize = 20;
/// Clocks further apart make times in records misleading.
const APART: f64 = 2.0;

/// Cristian's algorithm (Distributed Computing 3, 1989): the second answers with its time, which the first takes for that of the middle of the round trip;
/// the shortest round trip is the most exact.
pub(super) fn examine(meeting: &Meeting) -> Result<Finding> {
    let mut best: Option<(f64, f64)> = None;
    for round in 0..ROUNDS {
        let (ask, answer) = (format!("time-{round}"), format!("clock-{round}"));
        if meeting.role == Role::Second {
            meeting.hear(&ask)?;
            meeting.say(&answer, &now().as_secs_f64().to_string())?;
            continue;
        }
        let (begin, clock) = (now().as_secs_f64(), Instant::now());
        meeting.say(&ask, "")?;
        let theirs: f64 = meeting.hear(&answer)?.parse().unwrap_or(f64::NAN);
        let trip = clock.elapsed().as_secs_f64();
        if best.is_none_or(|(shortest, _)| trip < shortest) {
            best = Some((trip, theirs - (begin + trip / 2.0)));
        }
    }
    let found = best.map(|(trip, apart)| format!("{trip} {apart}"));
    let text = meeting.agree("clocks-found", found)?;
    let mut numbers = text.split(' ').map(|number| number.parse::<f64>().unwrap_or(f64::NAN));
    let (trip, apart) = (numbers.next().unwrap_or(f64::NAN), numbers.next().unwrap_or(f64::NAN).abs());
    let seen =
        format!("{apart:.3} s apart, known to {:.3} s; what one writes the other sees within {trip:.3} s", trip / 2.0);
    let holds = apart <= APART + trip / 2.0;
    Ok(Finding {
        property: "clocks agree",
        holds,
        needed: false, // Nothing is decided by comparing two clocks.
        seen: if holds { seen } else { format!("{seen}: times in records and in `status` cannot be compared") },
    })
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
