//! HTTP downloads that resume, retry and verify.
//!
//! The sha256 of a file is its name, so nothing but the right bytes can ever be mistaken for it: an unfinished
//! download may be continued by a later run and from another address. What has arrived is given up only for what is the
//! file, or has come further.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE, LAST_MODIFIED,
    RANGE,
};
use reqwest::{StatusCode, Url, redirect};

use crate::error::{Error, Result};
use crate::fs;

const MAX_REDIRECTS: usize = 5;
const MAX_BACKOFF: Duration = Duration::from_mins(1);
const CHUNK_BYTES: usize = 1 << 16;
/// Bytes per second below which an attempt fails as if nothing came: CIFAR-10 would take two days.
const SLOWEST: u64 = 1024;
/// How long an interrupt may go unnoticed.
const POLL: Duration = Duration::from_millis(50);

/// A file on the network and how to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The address to try first: `http`, `https` or `file`.
    pub url: String,
    /// Addresses of the same file, tried in order if the first fails.
    pub mirrors: Vec<String>,
    /// sha256 of the file, in hexadecimal.
    pub sha256: String,
    /// Size of the file in bytes; 0 if unknown.
    pub bytes: u64,
}

/// How to download, and who watches.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Told the bytes so far and in total (0 while unknown) after every piece: at most 64 kB apart.
    pub progress: &'a (dyn Fn(u64, u64) + Sync),
    /// Asked about every 50 ms; `true` ends the download and leaves what has arrived for the next one.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
    /// Attempts per address after the first.
    pub retries: u32,
    /// The pause before the first of them; it doubles each time, up to a minute.
    pub first_backoff: Duration,
    /// An attempt fails if no byte arrives for so long.
    pub stall_timeout: Duration,
    /// What the user can do if nothing helps.
    pub help: &'a str,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self {
            progress: &|_, _| {},
            cancelled: &|| false,
            retries: 4,
            first_backoff: Duration::from_secs(1),
            stall_timeout: Duration::from_secs(30),
            help: "check the network (a proxy is taken from `https_proxy`), or download the archive elsewhere and \
                   name it with `--set datasets.NAME.source.archive=PATH`",
        }
    }
}

/// Why an attempt failed, and what follows from it.
#[derive(Debug)]
enum Failure {
    /// What is there cannot be continued from here, or was of no use and is gone: start from the first byte, at once.
    Again(String),
    /// May work later.
    Retry(String),
    /// This address is of no use.
    Address(String),
    /// No address is: the disk failed, or the user interrupted.
    Abort(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Abort(error)
    }
}

/// Downloads a file into `directory`, under its sha256 as name, and returns its path.
///
/// If the file is there and is the right one, nothing is done. An unfinished download stays as `SHA256.part` and
/// is continued by the next call. Two calls at the same time for the same file and directory are for the caller to
/// prevent. HTTP proxies are taken from the environment, except for addresses on this machine.
///
/// # Errors
/// [`Error::Network`], with each address and what was wrong with it; [`Error::Interrupted`]; [`Error::Io`] if the
/// file cannot be written; [`Error::Usage`] if `source.sha256` is not one.
pub fn download(source: &Source, directory: &Path, options: &Options) -> Result<PathBuf> {
    let sha256 = source.sha256.to_ascii_lowercase();
    if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let message = format!("`{}`, given for `{}`, is not a sha256", source.sha256, source.url);
        return Err(Error::Usage { message, help: "a sha256 has 64 hexadecimal digits".to_owned() });
    }
    fs::create_dir_all(directory)?;
    let target = directory.join(&sha256);
    if target.exists() {
        if fs::sha256_file(&target)? == sha256 {
            return Ok(target);
        }
        fs::remove(&target)?; // Damaged since it was verified.
    }
    let part = directory.join(format!("{sha256}.part"));
    let mut reasons = Vec::new();
    for url in std::iter::once(&source.url).chain(&source.mirrors) {
        let mut address = Address { url, source, part: &part, sha256: &sha256, options, validator: None, whole: false };
        match address.download() {
            Ok(()) => {
                fs::sync(&part)?;
                fs::rename(&part, &target)?;
                fs::remove(&kept(&part))?;
                return Ok(target);
            }
            Err(Failure::Abort(error)) => return Err(error),
            Err(Failure::Again(reason) | Failure::Retry(reason) | Failure::Address(reason)) => {
                reasons.push((url, reason));
            }
        }
    }
    let message = match reasons.as_slice() {
        [(_, reason)] => reason.clone(),
        _ => reasons.iter().map(|(url, reason)| format!("\n  {url}: {reason}")).collect::<Vec<_>>().concat(),
    };
    Err(Error::Network { url: source.url.clone(), message, help: options.help.to_owned() })
}

/// One address of a file.
struct Address<'a> {
    url: &'a str,
    source: &'a Source,
    part: &'a Path,
    sha256: &'a str,
    options: &'a Options<'a>,
    /// The `ETag` or `Last-Modified` of the answer that the unfinished file comes from, if it comes from here.
    validator: Option<String>,
    /// Whether to ask for the whole file, since the server cannot continue what is there.
    whole: bool,
}

impl Address<'_> {
    /// Attempts until one succeeds or no more are allowed.
    fn download(&mut self) -> Result<(), Failure> {
        let url = Url::parse(self.url).map_err(|error| Failure::Address(format!("not an address: {error}")))?;
        let mut backoff = self.options.first_backoff;
        let mut retries = 0;
        loop {
            match self.attempt(&url) {
                // The next attempt asks for the whole file, after which it cannot happen: it never comes twice in a row.
                Err(Failure::Again(_)) => {}
                Err(Failure::Retry(_)) if retries < self.options.retries => {
                    retries += 1;
                    self.pause(backoff)?;
                    backoff = backoff.saturating_mul(2).min(MAX_BACKOFF);
                }
                Err(Failure::Retry(reason)) if retries > 0 => {
                    return Err(Failure::Retry(format!("{reason} (the last of {} attempts)", retries + 1)));
                }
                result => return result,
            }
        }
    }

    fn attempt(&mut self, url: &Url) -> Result<(), Failure> {
        let mut part = Part::open(self.part, self.source.bytes)?;
        let complete = part.length > 0 && part.length == self.source.bytes;
        if !complete {
            match url.scheme() {
                "http" | "https" => self.fetch(url, &mut part)?,
                "file" => self.copy(url, &mut part)?,
                scheme => return Err(Failure::Address(format!("cannot download by `{scheme}`"))),
            }
        }
        self.verify(&part)
    }

    fn verify(&self, part: &Part) -> Result<(), Failure> {
        if part.length < self.source.bytes {
            let message = format!("ended after {} of {} bytes", part.length, self.source.bytes);
            return Err(Failure::Retry(message));
        }
        let found = fs::sha256_file(self.part)?;
        if found == self.sha256 {
            return Ok(());
        }
        fs::remove(self.part)?;
        let message = format!("the file there has the sha256 {found}, not {}", self.sha256);
        Err(if part.resumed { Failure::Again(message) } else { Failure::Address(message) })
    }

    fn check_cancelled(&self) -> Result<(), Failure> {
        if !(self.options.cancelled)() {
            return Ok(());
        }
        Err(Failure::Abort(Error::Interrupted {
            message: format!("downloading `{}`", self.url),
            help: "run the command again to continue the download".to_owned(),
        }))
    }

    fn pause(&self, duration: Duration) -> Result<(), Failure> {
        let start = Instant::now();
        loop {
            self.check_cancelled()?;
            match duration.checked_sub(start.elapsed()) {
                Some(left) if !left.is_zero() => thread::sleep(left.min(POLL)),
                _ => return Ok(()),
            }
        }
    }

    /// Copies a `file:` address. What can go wrong there does not go away by trying again.
    fn copy(&self, url: &Url, part: &mut Part) -> Result<(), Failure> {
        let failed = |error: std::io::Error| Failure::Address(error.to_string());
        let path = url.to_file_path().map_err(|()| Failure::Address("not a path on this machine".to_owned()))?;
        let mut file = File::open(path).map_err(failed)?;
        part.set_aside()?;
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            self.check_cancelled()?;
            let length = file.read(&mut buffer).map_err(failed)?;
            if length == 0 && part.length < self.source.bytes {
                let message = format!("the file has {} bytes, not {}", part.length, self.source.bytes);
                return Err(Failure::Address(message));
            }
            if length == 0 {
                return Ok(());
            }
            part.append(&buffer[..length])?;
            (self.options.progress)(part.length, self.source.bytes);
        }
    }

    /// Requests what is missing of the file and appends it.
    fn fetch(&mut self, url: &Url, part: &mut Part) -> Result<(), Failure> {
        self.check_cancelled()?;
        let request = self.request(url, if self.whole { 0 } else { part.length })?;
        let (sender, events) = sync_channel(4);
        // On a thread of its own, so that an interrupt need not wait for the network. If nobody listens any more,
        // the thread ends with the next piece, or when the client's own time limit is over.
        thread::spawn(move || transfer(request, &sender));
        let total = match self.next(&events)? {
            Event::Head(head) => self.begin(head, part)?,
            Event::Failed(failure) => return Err(failure),
            Event::Data(_) | Event::End => return Ok(()), // The thread sends the head first.
        };
        (self.options.progress)(part.length, total);
        let patience = self.options.stall_timeout;
        let (mut since, mut before) = (Instant::now(), part.length);
        loop {
            match self.next(&events)? {
                Event::Data(bytes) => part.append(&bytes)?,
                Event::Failed(failure) => return Err(failure),
                Event::Head(_) | Event::End => return Ok(()),
            }
            (self.options.progress)(part.length, total);
            if since.elapsed() >= patience {
                let arrived = part.length - before;
                if arrived < SLOWEST * patience.as_secs() {
                    let seconds = patience.as_secs_f32();
                    return Err(Failure::Retry(format!("only {arrived} bytes arrived in {seconds} s")));
                }
                (since, before) = (Instant::now(), part.length);
            }
        }
    }

    fn request(&self, url: &Url, offset: u64) -> Result<RequestBuilder, Failure> {
        let mut request = client(url, self.options.stall_timeout)?.get(url.clone()).header(ACCEPT_ENCODING, "identity");
        if offset > 0 {
            request = request.header(RANGE, format!("bytes={offset}-"));
            if let Some(validator) = &self.validator {
                request = request.header(IF_RANGE, validator);
            }
        }
        Ok(request)
    }

    /// The next event, unless it takes too long or the user interrupts.
    fn next(&self, events: &Receiver<Event>) -> Result<Event, Failure> {
        let start = Instant::now();
        loop {
            self.check_cancelled()?;
            match events.recv_timeout(POLL) {
                Ok(event) => return Ok(event),
                Err(RecvTimeoutError::Disconnected) => return Err(Failure::Retry("the transfer broke off".to_owned())),
                Err(RecvTimeoutError::Timeout) if start.elapsed() >= self.options.stall_timeout => {
                    return Err(stalled(self.options.stall_timeout));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Decides what to do with an answer, brings `part` to where its body belongs, and returns the file's total
    /// size, or 0 if it is unknown.
    fn begin(&mut self, head: Head, part: &mut Part) -> Result<u64, Failure> {
        let expected = self.source.bytes;
        let continued = part.length > 0 && !self.whole;
        match head.status {
            StatusCode::OK => {
                if let Some(reason) = head.not_the_file(expected) {
                    return Err(Failure::Address(reason));
                }
                part.set_aside()?;
                (self.validator, self.whole) = (head.validator, false);
                Ok(if expected > 0 { expected } else { head.length })
            }
            StatusCode::PARTIAL_CONTENT if continued => {
                let range = head.range.as_deref().unwrap_or("none");
                match parse_content_range(range) {
                    Some((start, total))
                        if start == part.length && (expected == 0 || total.is_none_or(|total| total == expected)) =>
                    {
                        Ok(if expected > 0 { expected } else { total.unwrap_or(0) })
                    }
                    _ => {
                        self.whole = true;
                        Err(Failure::Again(format!("unexpected Content-Range `{range}`")))
                    }
                }
            }
            StatusCode::RANGE_NOT_SATISFIABLE if continued => {
                self.whole = true;
                Err(Failure::Again("nothing to continue".to_owned()))
            }
            status if status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429) => {
                Err(Failure::Retry(format!("the server answered {status}")))
            }
            status => Err(Failure::Address(format!("the server answered {status}"))),
        }
    }
}

fn stalled(timeout: Duration) -> Failure {
    Failure::Retry(format!("nothing arrived for {} s", timeout.as_secs_f32()))
}

fn too_long(expected: u64) -> String {
    format!("the file there has more than the expected {expected} bytes")
}

/// The first byte and, if given, the total size of `bytes FIRST-LAST/TOTAL`.
fn parse_content_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let total = if total == "*" { None } else { Some(total.parse().ok()?) };
    (first <= last && total.is_none_or(|total| last < total)).then_some((first, total))
}

/// The unfinished file.
struct Part<'a> {
    path: &'a Path,
    file: File,
    /// Bytes so far.
    length: u64,
    /// The bytes that it may have; 0 for any number.
    limit: u64,
    /// Whether some of them come from an earlier attempt, perhaps at another address.
    resumed: bool,
}

/// Where what had arrived waits while the whole file comes once more.
fn kept(part: &Path) -> PathBuf {
    part.with_extension("kept")
}

/// Of what had arrived and what came since, the longer one goes on.
fn keep_the_longer(part: &Path) -> Result<()> {
    let length = |path: &Path| path.metadata().map_or(0, |metadata| metadata.len());
    let kept = kept(part);
    if length(&kept) > length(part) { fs::rename(&kept, part) } else { fs::remove(&kept) }
}

impl<'a> Part<'a> {
    fn open(path: &'a Path, limit: u64) -> Result<Self> {
        keep_the_longer(path)?;
        let mut file =
            File::options().create(true).truncate(false).write(true).open(path).map_err(Error::io("open", path))?;
        let length = file.seek(SeekFrom::End(0)).map_err(Error::io("open", path))?;
        let mut part = Self { path, file, length, limit, resumed: length > 0 };
        if limit > 0 && length > limit {
            part.restart()?;
        }
        Ok(part)
    }

    fn restart(&mut self) -> Result<()> {
        (self.length, self.resumed) = (0, false);
        self.file.set_len(0).and_then(|()| self.file.rewind()).map_err(Error::io("empty", self.path))
    }

    /// Starts from the first byte and keeps what is there until the whole file has come, or more of it.
    fn set_aside(&mut self) -> Result<()> {
        if self.length > 0 {
            fs::rename(self.path, &kept(self.path))?;
            self.file = File::create(self.path).map_err(Error::io("create", self.path))?;
        }
        (self.length, self.resumed) = (0, false);
        Ok(())
    }

    /// Removes the file, so that nothing can be resumed into it.
    fn discard(&mut self) -> Result<()> {
        self.restart()?;
        fs::remove(self.path)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if self.limit > 0 && self.length + bytes.len() as u64 > self.limit {
            self.discard()?;
            return Err(Failure::Address(too_long(self.limit)));
        }
        self.file.write_all(bytes).map_err(Error::io("write", self.path))?;
        self.length += bytes.len() as u64;
        Ok(())
    }
}

/// What the transferring thread reports: a head, pieces, an end; or a failure at any time.
enum Event {
    Head(Head),
    Data(Vec<u8>),
    End,
    Failed(Failure),
}

/// What matters of an answer's head.
struct Head {
    status: StatusCode,
    /// `Content-Length`, or 0.
    length: u64,
    range: Option<String>,
    validator: Option<String>,
    /// `Content-Type`, and `Content-Encoding` behind it.
    kind: String,
}

impl Head {
    fn new(response: &Response) -> Self {
        let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let length = text(CONTENT_LENGTH).and_then(|length| length.parse().ok()).unwrap_or(0);
        // A weak ETag does not promise the same bytes, so If-Range may not use it.
        let etag = text(ETAG).filter(|etag| !etag.starts_with("W/"));
        let validator = etag.or_else(|| text(LAST_MODIFIED));
        let kind = [text(CONTENT_TYPE), text(CONTENT_ENCODING)].into_iter().flatten().collect::<Vec<_>>().join(", ");
        Self { status: response.status(), length, range: text(CONTENT_RANGE), validator, kind }
    }

    /// Why the body of an answer with 200 cannot be a file of `expected` bytes (0: unknown), if so.
    fn not_the_file(&self, expected: u64) -> Option<String> {
        if self.kind.starts_with("text/html") {
            return Some("the server answered with a web page, not with the file".to_owned());
        }
        if expected == 0 || self.length == 0 || self.length == expected {
            return None;
        }
        if self.length > expected {
            return Some(too_long(expected));
        }
        let kind = if self.kind.is_empty() { "unknown kind" } else { &self.kind };
        Some(format!("the server answered with {} bytes ({kind}), but the file has {expected}", self.length))
    }
}

/// Sends a request and passes on the answer, as long as somebody listens.
fn transfer(request: RequestBuilder, sender: &SyncSender<Event>) {
    let mut response = match request.send() {
        Ok(response) => response,
        Err(error) => {
            let _ = sender.send(Event::Failed(request_failure(error)));
            return;
        }
    };
    let mut listening = sender.send(Event::Head(Head::new(&response))).is_ok();
    let mut buffer = vec![0; CHUNK_BYTES];
    while listening {
        let event = match response.read(&mut buffer) {
            Ok(0) => Event::End,
            Ok(length) => Event::Data(buffer[..length].to_vec()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => Event::Failed(Failure::Retry(chain(&error))),
        };
        let last = !matches!(event, Event::Data(_));
        listening = sender.send(event).is_ok() && !last;
    }
}

fn request_failure(error: reqwest::Error) -> Failure {
    let permanent = error.is_redirect() || error.is_builder();
    let message = chain(&error.without_url()); // The message stands behind the address already.
    // A certificate does not get better by waiting. Its error is wrapped where only words lead to it.
    let permanent = permanent || message.contains("certificate");
    if permanent { Failure::Address(message) } else { Failure::Retry(message) }
}

/// An error and its causes, without the repetitions that wrapped errors tend to have.
fn chain(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        cause = error.source();
    }
    message
}

fn client(url: &Url, stall_timeout: Duration) -> Result<Client, Failure> {
    let policy = redirect::Policy::custom(|attempt| match refuse_redirect(attempt.previous(), attempt.url()) {
        Some(reason) => attempt.error(reason),
        None => attempt.follow(),
    });
    let mut builder = Client::builder()
        .user_agent(concat!("fpl-repro/", env!("CARGO_PKG_VERSION")))
        .redirect(policy)
        // Of a single read, not of the whole transfer. Longer than ours: it is there for abandoned transfers.
        .timeout(stall_timeout.saturating_mul(2));
    // A proxy elsewhere cannot reach this machine under these names.
    if matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| Failure::Address(chain(&error)))
}

/// Why a redirect from the last of `previous` to `next` must not be followed, if so.
fn refuse_redirect(previous: &[Url], next: &Url) -> Option<String> {
    if previous.len() > MAX_REDIRECTS {
        return Some(format!("more than {MAX_REDIRECTS} redirects"));
    }
    let secure = previous.iter().any(|url| url.scheme() == "https");
    (secure && next.scheme() != "https").then(|| format!("redirected from https to {}", next.scheme()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_never_leave_https() {
        let url = |text| Url::parse(text).expect("an address");
        let secure = [url("http://a.example/x"), url("https://a.example/x")];
        assert_eq!(refuse_redirect(&secure[..1], &url("http://b.example/x")), None);
        assert_eq!(refuse_redirect(&secure, &url("https://b.example/x")), None);
        assert!(refuse_redirect(&secure, &url("http://a.example/x")).is_some());
    }

    #[test]
    fn content_ranges() {
        assert_eq!(parse_content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(parse_content_range("bytes 5-9/*"), Some((5, None)));
        for wrong in ["bytes 5-10/10", "bytes 9-5/10", "bytes */10", "5-9/10", "bytes 5-9", ""] {
            assert_eq!(parse_content_range(wrong), None, "{wrong}");
        }
    }
}
