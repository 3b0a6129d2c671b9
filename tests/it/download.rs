//! Downloads from a real HTTP server on the loopback interface, with every way in which servers fail.

#![allow(clippy::unwrap_used)]

mod network;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use fpl_repro::download::{Options, Source, download};
use fpl_repro::error::{Error, Result};
use fpl_repro::fs::sha256_bytes;
use tempfile::TempDir;

/// A request as the server got it; header names are in lower case.
#[derive(Clone, Debug)]
struct Request {
    path: String,
    headers: Vec<(String, String)>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first byte asked for.
    fn offset(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// An HTTP server that answers each connection's request by a function of its number, and then hangs up.
struct Server {
    address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    fn start(answer: impl Fn(usize, &Request, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (requests.clone(), Arc::new(answer));
        // Ends with the test process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, log, answer) = (stream.unwrap(), log.clone(), answer.clone());
                thread::spawn(move || {
                    let Some(request) = read_request(&stream) else { return };
                    let number = {
                        let mut log = log.lock().unwrap();
                        log.push(request.clone());
                        log.len() - 1
                    };
                    answer(number, &request, &mut stream);
                });
            }
        });
        Self { address, requests }
    }

    fn url(&self) -> String {
        format!("{}/file", self.address)
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    fn offsets(&self) -> Vec<Option<usize>> {
        self.requests().iter().map(Request::offset).collect()
    }
}

fn read_request(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines();
    let path = lines.next()?.ok()?.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    for line in lines {
        let line = line.ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Some(Request { path, headers })
}

/// Sends a head and a body. The client may have hung up, which is no fault.
pub(crate) fn send(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n");
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).and_then(|()| stream.flush());
}

/// Sends the whole file.
fn send_all(stream: &mut TcpStream, content: &[u8]) {
    send(stream, "200 OK", &format!("Content-Length: {}\r\n", content.len()), content);
}

/// Answers as a good server does, with 206 where a range was asked for, but hangs up after `most` bytes.
fn send_good(stream: &mut TcpStream, request: &Request, content: &[u8], most: usize) {
    let start = request.offset().unwrap_or(0);
    let rest = &content[start..];
    let mut headers = format!("Content-Length: {}\r\nETag: \"v1\"\r\n", rest.len());
    if start > 0 {
        let range = format!("Content-Range: bytes {start}-{}/{}\r\n", content.len() - 1, content.len());
        headers.push_str(&range);
    }
    let status = if start > 0 { "206 Partial Content" } else { "200 OK" };
    send(stream, status, &headers, &rest[..most.min(rest.len())]);
}

/// 300 kB that do not repeat.
fn content() -> Vec<u8> {
    (0..75_000_u32).flat_map(|index| index.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

/// How long a stalling server holds a connection open: far longer than a client should wait.
const STALL: Duration = Duration::from_secs(30);

const HELP: &str = "or name a local archive with `--set datasets.NAME.source.archive=PATH`";

fn quick() -> Options<'static> {
    Options {
        first_backoff: Duration::from_millis(5),
        // Long enough for a busy machine: only the tests of stalls should see it.
        stall_timeout: Duration::from_secs(2),
        help: HELP,
        ..Options::default()
    }
}

fn source(urls: &[String]) -> Source {
    let content = content();
    Source {
        url: urls[0].clone(),
        mirrors: urls[1..].to_vec(),
        sha256: sha256_bytes(&content),
        bytes: content.len() as u64,
    }
}

/// A directory for downloads of [`content`].
struct Directory(TempDir);

impl Directory {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn target(&self) -> PathBuf {
        self.0.path().join(sha256_bytes(&content()))
    }

    fn part(&self) -> PathBuf {
        self.target().with_extension("part")
    }

    fn download(&self, urls: &[String]) -> Result<PathBuf> {
        download(&source(urls), self.0.path(), &quick())
    }

    #[track_caller]
    fn assert_downloads(&self, urls: &[String]) {
        assert_eq!(self.download(urls).unwrap(), self.target());
        self.assert_complete();
    }

    #[track_caller]
    fn assert_complete(&self) {
        assert!(fs::read(self.target()).unwrap() == content());
        assert_eq!(fs::read_dir(self.0.path()).unwrap().count(), 1, "nothing else is left");
    }

    /// Asserts that a download fails, with a message that holds all of `parts`, and leaves no verified file.
    #[track_caller]
    fn assert_fails(&self, urls: &[String], parts: &[&str]) {
        let error = self.download(urls).expect_err("must fail");
        assert!(matches!(error, Error::Network { .. }), "{error:?}");
        assert_eq!(error.help(), HELP);
        let message = error.to_string();
        for part in parts {
            assert!(message.contains(part), "`{part}` is not in: {message}");
        }
        assert!(!self.target().exists());
    }
}

/// An address where nobody listens.
fn closed() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/file", listener.local_addr().unwrap())
}

#[test]
fn plain() {
    let server = Server::start(|_, _, stream| send_all(stream, &content()));
    let directory = Directory::new();
    let (last, calls) = (AtomicU64::new(0), AtomicU64::new(0));
    let progress = |done: u64, total: u64| {
        assert_eq!(total, 300_000);
        assert!(last.swap(done, Ordering::Relaxed) <= done);
        calls.fetch_add(1, Ordering::Relaxed);
    };
    let path =
        download(&source(&[server.url()]), directory.0.path(), &Options { progress: &progress, ..quick() }).unwrap();
    assert_eq!(path, directory.target());
    assert_eq!(last.load(Ordering::Relaxed), 300_000);
    assert!(calls.load(Ordering::Relaxed) > 3);
    directory.assert_complete();
    let [request] = &server.requests()[..] else { panic!("one request") };
    let agent = format!("fpl-repro/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(request.header("user-agent"), Some(&*agent));
    assert_eq!((request.path.as_str(), request.header("range")), ("/file", None));
}

#[test]
fn what_is_there_is_not_requested() {
    let server = Server::start(|_, _, stream| send_all(stream, &content()));
    let directory = Directory::new();
    fs::write(directory.target(), content()).unwrap();
    directory.assert_downloads(&[server.url()]);
    assert_eq!(server.requests().len(), 0);
    // Of the wrong size: not the file.
    fs::write(directory.target(), b"short").unwrap();
    directory.assert_downloads(&[server.url()]);
    assert_eq!(server.requests().len(), 1);
    // An upper-case digest names the same file.
    let mut upper = source(&[server.url()]);
    upper.sha256.make_ascii_uppercase();
    assert_eq!(download(&upper, directory.0.path(), &quick()).unwrap(), directory.target());
}

#[test]
fn unknown_size() {
    let unknown = |url: String| Source { bytes: 0, ..source(&[url]) };
    let directory = Directory::new();
    // Neither we nor the server know the size: the end of the connection is the end of the file.
    let server = Server::start(|_, _, stream| send(stream, "200 OK", "", &content()));
    download(&unknown(server.url()), directory.0.path(), &quick()).unwrap();
    directory.assert_complete();
    // The server knows it, and breaks off.
    fs::remove_file(directory.target()).unwrap();
    let server = Server::start(|_, request, stream| send_good(stream, request, &content(), 200_000));
    let total = AtomicU64::new(0);
    let progress = |_: u64, of: u64| total.store(of, Ordering::Relaxed);
    download(&unknown(server.url()), directory.0.path(), &Options { progress: &progress, ..quick() }).unwrap();
    assert_eq!(total.load(Ordering::Relaxed), 300_000);
    assert_eq!(server.offsets(), [None, Some(200_000)]);
    directory.assert_complete();
}

#[test]
fn broken_transfer_is_resumed() {
    let server = Server::start(|_, request, stream| send_good(stream, request, &content(), 100_001));
    let directory = Directory::new();
    directory.assert_downloads(&[server.url()]);
    assert_eq!(server.offsets(), [None, Some(100_001), Some(200_002)]);
    let conditions: Vec<_> = server.requests().iter().map(|r| r.header("if-range").map(str::to_owned)).collect();
    assert_eq!(conditions, [None, Some("\"v1\"".to_owned()), Some("\"v1\"".to_owned())]);
}

#[test]
fn last_modified_is_the_condition_if_the_etag_is_weak() {
    const DATE: &str = "Wed, 21 Oct 2015 07:28:00 GMT";
    let server = Server::start(|number, request, stream| match number {
        0 => {
            let headers = format!("Content-Length: 300000\r\nETag: W/\"v1\"\r\nLast-Modified: {DATE}\r\n");
            send(stream, "200 OK", &headers, &content()[..1000]);
        }
        _ => send_good(stream, request, &content(), usize::MAX),
    });
    Directory::new().assert_downloads(&[server.url()]);
    assert_eq!(server.requests()[1].header("if-range"), Some(DATE));
}

#[test]
fn part_of_a_killed_run_is_resumed() {
    let server = Server::start(|_, request, stream| send_good(stream, request, &content(), usize::MAX));
    let directory = Directory::new();
    fs::write(directory.part(), &content()[..123_456]).unwrap();
    directory.assert_downloads(&[server.url()]);
    assert_eq!(server.offsets(), [Some(123_456)]);
    assert_eq!(server.requests()[0].header("if-range"), None, "no answer to refer to");
    // Killed between the last byte and the renaming: nothing is missing.
    fs::rename(directory.target(), directory.part()).unwrap();
    directory.assert_downloads(&[closed()]);
}

#[test]
fn damaged_part_is_thrown_away() {
    let server = Server::start(|_, request, stream| send_good(stream, request, &content(), usize::MAX));
    let directory = Directory::new();
    for (part, expected) in [
        (vec![0; 100], vec![Some(100), None]), // Wrong bytes: noticed at the end, then from the start.
        (vec![0; 300_000], vec![None]),        // Wrong and complete.
        (vec![0; 300_001], vec![None]),        // Too long.
        (vec![], vec![None]),
    ] {
        fs::write(directory.part(), part).unwrap();
        server.requests.lock().unwrap().clear();
        directory.assert_downloads(&[server.url()]);
        assert_eq!(server.offsets(), expected);
        fs::remove_file(directory.target()).unwrap();
    }
}

#[test]
fn server_that_ignores_ranges() {
    let server = Server::start(|number, _, stream| {
        let body = content();
        let length = if number == 0 { 100_000 } else { body.len() };
        send(stream, "200 OK", "Content-Length: 300000\r\n", &body[..length]);
    });
    Directory::new().assert_downloads(&[server.url()]);
    assert_eq!(server.offsets(), [None, Some(100_000)]);
}

#[test]
fn wrong_content_range() {
    for range in [
        "Content-Range: bytes 0-299999/300000\r\n",
        "Content-Range: bytes 100000-299999/400000\r\n",
        "Content-Range: nonsense\r\n",
        "",
    ] {
        let server = Server::start(move |number, request, stream| match number {
            0 => send(stream, "206 Partial Content", range, &content()[100_000..]),
            _ => send_good(stream, request, &content(), usize::MAX),
        });
        let directory = Directory::new();
        fs::write(directory.part(), &content()[..100_000]).unwrap();
        directory.assert_downloads(&[server.url()]);
        assert_eq!(server.offsets(), [Some(100_000), None], "{range}");
    }
}

#[test]
fn range_not_satisfiable() {
    let server = Server::start(|_, request, stream| match request.offset() {
        Some(_) => send(stream, "416 Range Not Satisfiable", "Content-Range: bytes */50\r\n", b""),
        None => send_all(stream, &content()),
    });
    let directory = Directory::new();
    fs::write(directory.part(), &content()[..100_000]).unwrap();
    directory.assert_downloads(&[server.url()]);
    assert_eq!(server.offsets(), [Some(100_000), None]);
}

#[test]
fn stalled_transfer_is_resumed() {
    let server = Server::start(|number, request, stream| match number {
        0 => {
            send(stream, "200 OK", "Content-Length: 300000\r\n", &content()[..50_000]);
            thread::sleep(STALL); // The connection stays open.
        }
        _ => send_good(stream, request, &content(), usize::MAX),
    });
    let start = Instant::now();
    Directory::new().assert_downloads(&[server.url()]);
    assert!(start.elapsed() >= quick().stall_timeout && start.elapsed() < STALL);
    assert_eq!(server.offsets(), [None, Some(50_000)]);
}

#[test]
fn server_that_never_answers() {
    let server = Server::start(|_, _, _| thread::sleep(STALL));
    let options = Options { retries: 1, stall_timeout: Duration::from_millis(100), ..quick() };
    let error = download(&source(&[server.url()]), Directory::new().0.path(), &options).expect_err("must fail");
    let message = error.to_string();
    assert!(message.contains("nothing arrived for 0.1 s") && message.contains("2 attempts"), "{message}");
}

#[test]
fn slow_transfer_is_not_stalled() {
    let server = Server::start(|_, _, stream| {
        send(stream, "200 OK", "Content-Length: 300000\r\n", b"");
        for piece in content().chunks(50_000) {
            thread::sleep(Duration::from_millis(400)); // In all longer than the stall timeout.
            let _ = stream.write_all(piece);
        }
    });
    Directory::new().assert_downloads(&[server.url()]);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn too_much() {
    let longer = [content(), b"more".to_vec()].concat();
    let body = longer.clone();
    let server = Server::start(move |_, _, stream| send_all(stream, &body));
    let directory = Directory::new();
    directory.assert_fails(&[server.url()], &["more than the expected 300000 bytes"]);
    assert_eq!(server.requests().len(), 1, "asking again would not help");
    // Without a length, it is noticed on the way: never more is written than may be.
    let server = Server::start(move |_, _, stream| send(stream, "200 OK", "", &longer));
    directory.assert_fails(&[server.url()], &["more than the expected 300000 bytes"]);
    assert!(!directory.part().exists());
}

#[test]
fn too_little() {
    // The server insists that the file has 1000 bytes: there is nothing to resume, however often.
    let server = Server::start(|_, request, stream| match request.offset() {
        Some(_) => send(stream, "416 Range Not Satisfiable", "", b""),
        None => send_all(stream, &content()[..1000]),
    });
    let directory = Directory::new();
    directory.assert_fails(&[server.url()], &["answered with 1000 bytes (unknown kind), but the file has 300000"]);
    assert_eq!(server.requests().len(), 1, "it is not the file, however often it is asked for");
    // Without a length nobody can tell it from a broken transfer.
    let server = Server::start(|_, request, stream| match request.offset() {
        Some(_) => send(stream, "416 Range Not Satisfiable", "", b""),
        None => send(stream, "200 OK", "", &content()[..1000]),
    });
    let directory = Directory::new();
    directory.assert_fails(&[server.url()], &["ended after 1000 of 300000 bytes", "5 attempts"]);
}

/// A login page, an error page, a page of another size, one that says nothing of itself, a compressed answer, a server whose
/// file is another: none of them costs what is there.
#[test]
fn what_is_there_is_not_given_up_for_another_answer() {
    const PAGE: &[u8] = b"<html>log in</html>";
    let heads = [
        ("200 OK", "Content-Type: text/html; charset=utf-8\r\n", "a web page"),
        ("200 OK", "Content-Type: text/html\r\nContent-Length: 300000\r\n", "a web page"),
        ("200 OK", "Content-Length: 19\r\nContent-Encoding: gzip\r\n", "19 bytes (gzip), but the file has 300000"),
        ("200 OK", "Content-Length: 300001\r\n", "more than the expected 300000 bytes"),
        ("200 OK", "", "ended after"),
        ("206 Partial Content", "Content-Range: bytes 200000-299999/400000\r\n", "206"),
        ("416 Range Not Satisfiable", "Content-Range: bytes */19\r\n", "416"),
        ("404 Not Found", "Content-Length: 19\r\n", "404"),
    ];
    for (status, head, message) in heads {
        let other = Server::start(move |_, _, stream| send(stream, status, head, PAGE));
        let good = Server::start(|_, request, stream| send_good(stream, request, &content(), usize::MAX));
        let directory = Directory::new();
        fs::write(directory.part(), &content()[..200_000]).unwrap();
        directory.assert_fails(&[other.url()], &[message]);
        directory.assert_downloads(&[other.url(), good.url()]);
        assert_eq!(good.offsets(), [Some(200_000)], "{status} {head}");
    }
}

/// The whole file comes instead of the rest, and breaks off: what has come further goes on.
#[test]
fn the_longer_of_two_goes_on() {
    for (there, comes) in [(200_000, 100_000), (100_000, 200_000)] {
        let server = Server::start(move |number, request, stream| match number {
            0 => send(stream, "200 OK", "Content-Length: 300000\r\n", &content()[..comes]),
            _ => send_good(stream, request, &content(), usize::MAX),
        });
        let directory = Directory::new();
        fs::write(directory.part(), &content()[..there]).unwrap();
        directory.assert_downloads(&[server.url()]);
        assert_eq!(server.offsets(), [Some(there), Some(200_000)]);
    }
}

/// Between two attempts the file at the address becomes another: `If-Range` brings it whole.
#[test]
fn a_file_that_changes_between_two_attempts() {
    let server = Server::start(|number, request, stream| {
        if number == 0 {
            send(stream, "200 OK", "Content-Length: 300000\r\nETag: \"old\"\r\n", &vec![7; 200_000]);
        } else {
            assert_eq!(request.header("if-range"), Some("\"old\""));
            send_all(stream, &content());
        }
    });
    Directory::new().assert_downloads(&[server.url()]);
    assert_eq!(server.offsets(), [None, Some(200_000)]);
}

#[test]
fn a_damaged_complete_download_is_fetched_again() {
    let server = Server::start(|_, _, stream| send_all(stream, &content()));
    let directory = Directory::new();
    let mut damaged = content();
    damaged[1000] ^= 1;
    fs::write(directory.target(), damaged).unwrap();
    directory.assert_downloads(&[server.url()]);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn redirects_are_followed() {
    let server = Server::start(|_, request, stream| match request.path.as_str() {
        "/file" => send(stream, "302 Found", "Location: /5\r\nContent-Length: 0\r\n", b""),
        "/1" => send_good(stream, request, &content(), 200_000),
        path => {
            let next = path[1..].parse::<u32>().unwrap() - 1;
            send(stream, "301 Moved Permanently", &format!("Location: /{next}\r\nContent-Length: 0\r\n"), b"");
        }
    });
    Directory::new().assert_downloads(&[server.url()]);
    assert_eq!(server.requests().len(), 12, "five redirects, twice: the range goes along");
    assert_eq!(server.offsets()[11], Some(200_000));
}

#[test]
fn redirect_loop() {
    let server = Server::start(|_, _, stream| send(stream, "302 Found", "Location: /file\r\n", b""));
    Directory::new().assert_fails(&[server.url()], &["more than 5 redirects"]);
    assert_eq!(server.requests().len(), 6, "one attempt");
}

#[test]
fn wrong_bytes() {
    let server = Server::start(|_, _, stream| send_all(stream, &vec![7; 300_000]));
    let directory = Directory::new();
    directory.assert_fails(&[server.url()], &[&sha256_bytes(&vec![7; 300_000]), &sha256_bytes(&content())]);
    assert!(!directory.part().exists(), "else it would be resumed into");
    assert_eq!(server.requests().len(), 1, "the same bytes would come again");
}

#[test]
fn permanent_refusals_are_not_repeated() {
    for status in ["404 Not Found", "403 Forbidden", "410 Gone", "204 No Content"] {
        let server = Server::start(move |_, _, stream| send(stream, status, "", b""));
        Directory::new().assert_fails(&[server.url()], &[status]);
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn passing_refusals_are_repeated() {
    for status in
        ["503 Service Unavailable", "500 Internal Server Error", "429 Too Many Requests", "408 Request Timeout"]
    {
        let server = Server::start(move |number, _, stream| {
            if number < 2 { send(stream, status, "Content-Length: 0\r\n", b"") } else { send_all(stream, &content()) }
        });
        Directory::new().assert_downloads(&[server.url()]);
        assert_eq!(server.requests().len(), 3, "{status}");
    }
    let server = Server::start(|_, _, stream| send(stream, "503 Service Unavailable", "Content-Length: 0\r\n", b""));
    Directory::new().assert_fails(&[server.url()], &["503", "the last of 5 attempts"]);
    assert_eq!(server.requests().len(), 5);
}

#[test]
fn pauses_double() {
    let times = Arc::new(Mutex::new(Vec::new()));
    let log = times.clone();
    let server = Server::start(move |_, _, stream| {
        log.lock().unwrap().push(Instant::now());
        send(stream, "503 Service Unavailable", "Content-Length: 0\r\n", b"");
    });
    let options = Options { first_backoff: Duration::from_millis(100), retries: 2, ..quick() };
    download(&source(&[server.url()]), Directory::new().0.path(), &options).expect_err("must fail");
    let times = times.lock().unwrap();
    assert!(times[1] - times[0] >= Duration::from_millis(100));
    assert!(times[2] - times[1] >= Duration::from_millis(200));
}

#[test]
fn mirrors() {
    let broken = Server::start(|_, request, stream| {
        if request.offset().is_some() {
            send(stream, "404 Not Found", "", b"");
        } else {
            send_good(stream, request, &content(), 100_000);
        }
    });
    let good = Server::start(|_, request, stream| send_good(stream, request, &content(), usize::MAX));
    Directory::new().assert_downloads(&[broken.url(), closed(), good.url()]);
    assert_eq!(broken.offsets(), [None, Some(100_000)]);
    assert_eq!(good.offsets(), [Some(100_000)], "what the first address gave is not fetched again");
    assert_eq!(good.requests()[0].header("if-range"), None, "another server's ETag means nothing here");

    // A mirror with another file of the same size, broken off, must not spoil the next one.
    let wrong = Server::start(|_, request, stream| send_good(stream, request, &vec![7; 300_000], 90_000));
    let options = Options { retries: 0, ..quick() };
    let directory = Directory::new();
    download(&source(&[wrong.url(), good.url()]), directory.0.path(), &options).unwrap();
    directory.assert_complete();
}

#[test]
fn failure_names_every_address() {
    let missing = Server::start(|_, _, stream| send(stream, "404 Not Found", "", b""));
    let urls = [closed(), missing.url(), "ftp://example.org/x".to_owned(), "nonsense".to_owned()];
    let parts: Vec<&str> =
        urls.iter().map(String::as_str).chain(["refused", "404", "`ftp`", "not an address"]).collect();
    Directory::new().assert_fails(&urls, &parts);
}

#[test]
fn closed_port() {
    let url = closed();
    Directory::new().assert_fails(std::slice::from_ref(&url), &[&url, "refused", "5 attempts"]);
    let error =
        download(&source(&[url]), Directory::new().0.path(), &Options { help: Options::default().help, ..quick() });
    assert!(error.expect_err("must fail").help().contains("--set datasets.NAME.source.archive=PATH"));
}

#[test]
fn file_addresses() {
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("with space");
    fs::write(&path, content()).unwrap();
    let url = format!("file://{}", path.display()).replace(' ', "%20");
    let directory = Directory::new();
    fs::write(directory.part(), vec![1; 70_000]).unwrap(); // Reading starts anew.
    directory.assert_downloads(std::slice::from_ref(&url));
    assert!(path.exists());

    let directory = Directory::new();
    directory.assert_fails(&["file:///nowhere/at/all".to_owned()], &["No such file"]);
    fs::write(&path, &content()[..5]).unwrap();
    directory.assert_fails(std::slice::from_ref(&url), &["has 5 bytes, not 300000"]);
    fs::write(&path, vec![0; 300_000]).unwrap();
    directory.assert_fails(std::slice::from_ref(&url), &["has the sha256"]);
    fs::write(&path, vec![0; 300_001]).unwrap();
    directory.assert_fails(&[url], &["more than the expected 300000 bytes"]);
}

#[test]
fn interrupt() {
    let server = Server::start(|number, request, stream| match number {
        0 => {
            send(stream, "200 OK", "Content-Length: 300000\r\n", &content()[..80_000]);
            thread::sleep(STALL);
        }
        _ => send_good(stream, request, &content(), usize::MAX),
    });
    let directory = Directory::new();
    let stop = AtomicBool::new(false);
    let progress = |done: u64, _: u64| stop.store(done == 80_000, Ordering::Relaxed);
    let cancelled = || stop.load(Ordering::Relaxed);
    // A stall would count as a failure only much later.
    let options =
        Options { progress: &progress, cancelled: &cancelled, stall_timeout: Duration::from_mins(1), ..quick() };
    let start = Instant::now();
    let error = download(&source(&[server.url()]), directory.0.path(), &options).expect_err("interrupted");
    assert!(start.elapsed() < STALL, "{:?}", start.elapsed());
    assert!(matches!(error, Error::Interrupted { .. }), "{error:?}");
    assert_eq!(fs::metadata(directory.part()).unwrap().len(), 80_000);
    directory.assert_downloads(&[server.url()]);
    assert_eq!(server.offsets(), [None, Some(80_000)]);
}

#[test]
fn interrupt_during_a_pause() {
    let stop_at = Instant::now() + Duration::from_millis(200);
    let cancelled = || Instant::now() > stop_at;
    let options = Options { cancelled: &cancelled, first_backoff: Duration::from_mins(1), ..quick() };
    let error = download(&source(&[closed()]), Directory::new().0.path(), &options).expect_err("interrupted");
    assert!(matches!(error, Error::Interrupted { .. }), "{error:?}");
    assert!(stop_at.elapsed() < STALL);
}

#[test]
fn digest_that_is_none() {
    let server = Server::start(|_, _, stream| send_all(stream, &content()));
    let directory = Directory::new();
    for sha256 in ["", "abc", "../../../../../../../../../../../../../../../../../../../../../x", &"g".repeat(64)] {
        let source = Source { sha256: sha256.to_owned(), ..source(&[server.url()]) };
        let error = download(&source, directory.0.path(), &quick()).expect_err("no digest");
        assert!(matches!(error, Error::Usage { .. }), "{error:?}");
    }
    assert_eq!(server.requests().len(), 0);
}
