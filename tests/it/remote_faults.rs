//! A remote cache behind HTTP whose server hangs up, refuses, lies and takes its time. `scripts/s3.sh` does it with S3.

#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::download::send;
use crate::remote::trained;
use crate::support::{FPL, Output, Project};

/// A large object is sent so far, and the connection closed.
const HANGS_UP: u8 = 1;
/// Nothing may be written.
const READ_ONLY: u8 = 2;
/// Nothing may be done.
const FORBIDS: u8 = 3;
/// A byte of every large object is another.
const LIES: u8 = 4;
/// Large objects come in pieces, with pauses.
const SLOW: u8 = 5;
/// What is larger is large.
const LARGE: usize = 1 << 20;

/// GET with ranges, HEAD and PUT of objects, as a simple cache server has them, with a fault.
struct Server {
    url: String,
    fault: Arc<AtomicU8>,
    requests: Arc<Mutex<Vec<Request>>>,
}

#[derive(Debug, Clone)]
struct Request {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Request {
    fn read(stream: &TcpStream) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        let mut first = String::new();
        reader.read_line(&mut first).ok()?;
        let mut words = first.split(' ');
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        Some(Self { method, path, headers, body })
    }

    /// The first byte that is asked for.
    fn offset(&self) -> usize {
        let range = self.headers.get("range").and_then(|range| range.strip_prefix("bytes=")?.split('-').next());
        range.and_then(|first| first.parse().ok()).unwrap_or(0)
    }
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/cache", listener.local_addr().unwrap());
        let (fault, requests) = (Arc::new(AtomicU8::new(0)), Arc::new(Mutex::new(Vec::new())));
        let objects: Arc<Mutex<BTreeMap<String, Vec<u8>>>> = Arc::default();
        let server = Self { url, fault: Arc::clone(&fault), requests: Arc::clone(&requests) };
        // Ends with the test process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, objects) = (stream.unwrap(), Arc::clone(&objects));
                let (fault, requests) = (Arc::clone(&fault), Arc::clone(&requests));
                thread::spawn(move || {
                    let Some(request) = Request::read(&stream) else { return };
                    requests.lock().unwrap().push(request.clone());
                    answer(&mut stream, &request, &objects, fault.load(Ordering::SeqCst));
                });
            }
        });
        server
    }

    fn with(&self, fault: u8) -> &Self {
        self.fault.store(fault, Ordering::SeqCst);
        self.requests.lock().unwrap().clear();
        self
    }

    fn run(&self, project: &Project, args: &[&str]) -> Output {
        project.run(&[args, &["--set", &format!("remote.url={}", self.url)]].concat())
    }

    /// A server that has the results of one cell.
    fn full() -> Self {
        let server = Self::start();
        let output = server.run(&Project::finished(), &["push", "--cells", FPL]);
        assert_eq!(output.code, 0, "{output:#?}");
        output.says("2 results pushed");
        server
    }
}

fn answer(stream: &mut TcpStream, request: &Request, objects: &Mutex<BTreeMap<String, Vec<u8>>>, fault: u8) {
    let writes = request.method == "PUT";
    if fault == FORBIDS || fault == READ_ONLY && writes {
        return send(stream, "403 Forbidden", "Content-Length: 0\r\n", b"");
    }
    if writes {
        objects.lock().unwrap().insert(request.path.clone(), request.body.clone());
        return send(stream, "201 Created", "Content-Length: 0\r\n", b"");
    }
    let Some(mut content) = objects.lock().unwrap().get(&request.path).cloned() else {
        return send(stream, "404 Not Found", "Content-Length: 0\r\n", b"");
    };
    let (start, large) = (request.offset(), content.len() > LARGE);
    if fault == LIES && large {
        content[LARGE] ^= 1;
    }
    let range = format!("Content-Range: bytes {start}-{}/{}\r\n", content.len() - 1, content.len());
    let (status, range) = if start > 0 { ("206 Partial Content", range.as_str()) } else { ("200 OK", "") };
    let headers = format!("Content-Length: {}\r\n{range}", content.len() - start);
    let rest = &content[start..];
    match (fault, large) {
        _ if request.method == "HEAD" => send(stream, status, &headers, b""),
        (HANGS_UP, true) => send(stream, status, &headers, &rest[..LARGE.min(rest.len())]),
        (SLOW, true) => {
            send(stream, status, &headers, b"");
            for piece in rest.chunks(rest.len().div_ceil(4)) {
                thread::sleep(Duration::from_millis(500));
                let _ = stream.write_all(piece); // The client may have hung up.
            }
        }
        _ => send(stream, status, &headers, rest),
    }
}

#[test]
fn a_server_that_hangs_up_costs_only_what_had_not_come() {
    let (server, ours) = (Server::full(), Project::new());
    let output = server.with(HANGS_UP).run(&ours, &["pull", "--cells", FPL]);
    assert_eq!(output.code, 1, "{output:#?}");
    output.says("it goes on where it stopped");
    assert!(!ours.cache().join("train").exists(), "a half is no result");
    let output = server.with(0).run(&ours, &["pull", "--cells", FPL]);
    assert_eq!(output.code, 0, "{output:#?}");
    let offsets: Vec<usize> = server.requests.lock().unwrap().iter().map(Request::offset).collect();
    assert!(offsets.contains(&LARGE), "{offsets:?}");
    assert!(ours.weights(FPL) == Project::finished().weights(FPL));
    ours.ok(&["verify"]);
}

#[test]
fn what_comes_slowly_comes() {
    let (server, ours) = (Server::full(), Project::new());
    let output = server.with(SLOW).run(&ours, &["pull", "--cells", FPL]);
    assert_eq!(output.code, 0, "{output:#?}");
    assert!(ours.weights(FPL) == Project::finished().weights(FPL));
}

#[test]
fn wrong_bytes_are_no_result() {
    let (server, ours) = (Server::full(), Project::new());
    let output = server.with(LIES).run(&ours, &["pull", "--cells", FPL]);
    assert_eq!(output.code, 1, "{output:#?}");
    output.says("is not what its name says");
    assert!(!ours.cache().join("train").exists());
    // A run makes it, and goes on asking for the others.
    let output = server.run(&ours, &["evaluate", "--remote", "--cells", FPL]);
    assert_eq!((output.code, trained(&output)), (0, 1), "{output:#?}");
    output.says("made here instead");
    assert!(ours.weights(FPL) == Project::finished().weights(FPL));
}

#[test]
fn a_refusal_names_what_to_do_and_stops_no_run() {
    let (server, ours) = (Server::full(), Project::new());
    for args in [["pull", "--cells", FPL], ["push", "--cells", FPL]] {
        let project = if args[0] == "pull" { &ours } else { &Project::finished() };
        let output = server.with(FORBIDS).run(project, &args);
        assert_eq!(output.code, 1, "{output:#?}");
        output.says("check the credentials");
    }
    // Reading is allowed, writing is not: what is there is brought, what is made is kept here.
    let output = server.with(READ_ONLY).run(&ours, &["evaluate", "--remote"]);
    assert_eq!((output.code, trained(&output)), (0, 2), "{output:#?}");
    output.says("kept here; `fpl-repro push` adds it later");
    assert!(server.requests.lock().unwrap().iter().any(|request| request.method == "PUT"));
}
