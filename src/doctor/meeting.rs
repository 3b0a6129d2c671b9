//! How two processes that see one folder find each other and speak: by files that appear by a rename.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::fs;
use crate::machine;

/// How often the other's next word is looked for.
const POLL: Duration = Duration::from_millis(2);
/// How long it may take the other to answer.
const ANSWER: Duration = Duration::from_mins(1);

/// Which of the two this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    First,
    Second,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Second => "second",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// A process, as it introduces itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Visitor {
    host: String,
    boot: String,
    process: u32,
}

impl std::fmt::Display for Visitor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "process {} on {}", self.process, self.host)
    }
}

/// Two processes in one folder.
#[derive(Debug)]
pub(super) struct Meeting {
    /// Where they try things; removed in the end.
    pub(super) room: PathBuf,
    pub(super) role: Role,
    pub(super) other: Visitor,
    own: Visitor,
}

impl Meeting {
    /// Waits for the other process.
    pub(super) fn begin(folder: &Path, patience: Duration, waiting: impl FnOnce()) -> Result<Self> {
        let room = folder.join("fpl-repro-doctor");
        fs::create_dir_all(&room)?;
        let own = Visitor { host: machine::host(), boot: machine::boot().to_owned(), process: std::process::id() };
        let role = match create(&room.join("chair-first"))? {
            true => Role::First,
            false if create(&room.join("chair-second"))? => Role::Second,
            false => return Err(taken(&room)),
        };
        let mut meeting = Self { room, role, other: own.clone(), own };
        if role == Role::First {
            waiting();
        }
        let introduced = meeting.introduce(patience);
        if introduced.is_err() && role == Role::First {
            let _ = std::fs::remove_dir_all(&meeting.room); // The first error is the one to tell.
        }
        introduced.map(|()| meeting)
    }

    fn introduce(&mut self, patience: Duration) -> Result<()> {
        let text = serde_json::to_string(&self.own)
            .map_err(|error| Error::Render { what: "a visitor".into(), message: error.to_string() })?;
        self.say("visitor", &text)?;
        let heard = self.hear_within("visitor", patience).ok_or_else(|| match self.role {
            Role::First => Error::Usage {
                message: format!("no other process came to `{}`", self.room.display()),
                help: "run the same command on two machines at the same time".into(),
            },
            Role::Second => taken(&self.room),
        })?;
        self.other = serde_json::from_str(&heard).map_err(|error| {
            Error::data(self.path(self.role.other(), "visitor"), error.to_string(), "run one version on both machines")
        })?;
        Ok(())
    }

    /// Whether both processes run on one machine.
    pub(super) fn one_machine(&self) -> bool {
        self.own.boot == self.other.boot
    }

    /// Says a word for the other to hear.
    pub(super) fn say(&self, word: &str, text: &str) -> Result<()> {
        fs::write_atomic(&self.path(self.role, word), text.as_bytes())
    }

    /// Waits for a word of the other.
    pub(super) fn hear(&self, word: &str) -> Result<String> {
        self.hear_within(word, ANSWER).ok_or_else(|| {
            Error::data(
                self.path(self.role.other(), word),
                format!("does not appear: {} said nothing for {} s", self.other, ANSWER.as_secs()),
                "files of one machine do not reach the other, or it was stopped: remove the folder and try again",
            )
        })
    }

    /// Whether the other has said a word.
    pub(super) fn has_heard(&self, word: &str) -> bool {
        self.path(self.role.other(), word).exists()
    }

    fn hear_within(&self, word: &str, patience: Duration) -> Option<String> {
        let (path, started) = (self.path(self.role.other(), word), Instant::now());
        loop {
            if let Ok(text) = std::fs::read_to_string(&path) {
                return Some(text);
            }
            if started.elapsed() > patience {
                return None;
            }
            std::thread::sleep(POLL);
        }
    }

    /// Both have come to this point, and each has heard what the other has to say.
    pub(super) fn exchange(&self, word: &str, text: &str) -> Result<String> {
        self.say(word, text)?;
        self.hear(word)
    }

    /// Says what the first found to both; the second passes nothing.
    pub(super) fn agree(&self, word: &str, found: Option<String>) -> Result<String> {
        match found {
            Some(found) => self.say(word, &found).map(|()| found),
            None => self.hear(word),
        }
    }

    /// Leaves; the first one clears the room when both are done.
    pub(super) fn end(&self) -> Result<()> {
        match self.role {
            Role::Second => self.say("bye", ""),
            Role::First => self.hear("bye").and_then(|_| fs::remove(&self.room)),
        }
    }

    fn path(&self, role: Role, word: &str) -> PathBuf {
        self.room.join(format!("{}-{word}", role.name()))
    }
}

/// Creates a file; false if it is there.
pub(super) fn create(path: &Path) -> Result<bool> {
    match std::fs::File::options().write(true).create_new(true).open(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(Error::io("create", path)(error)),
    }
}

fn taken(room: &Path) -> Error {
    Error::Usage {
        message: format!("`{}` is in use by two others, or was left by one that was killed", room.display()),
        help: "wait until they are done, or remove the folder".into(),
    }
}
