//! Faults of networks and servers, one of each kind that is not among those of [`super`]: the right bytes come, or an error
//! that says what is wrong, within a bounded time.

use std::io::Read;

use super::*;
use crate::support::Project;

/// The head of an answer with [`content`].
const ANSWER: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 300000\r\nETag: \"v1\"\r\n\r\n";

/// A server that hangs up with a reset after the first `cut` bytes of its first answer, head included.
fn resetting(cut: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/file", listener.local_addr().unwrap());
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            if number > 0 {
                let request = read_request(&stream).unwrap();
                send_good(&mut stream, &request, &content(), usize::MAX);
                continue;
            }
            // What is looked at and not read makes the kernel reset the connection when it is closed.
            let mut head = [0; 4096];
            while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                stream.peek(&mut head).unwrap();
            }
            let answer = [ANSWER.as_bytes(), &content()].concat();
            let _ = stream.write_all(&answer[..cut]);
            thread::sleep(Duration::from_millis(5));
        }
    });
    address
}

#[test]
fn a_reset_at_any_byte_is_gone_on_from() {
    // Within the head, at its end, and within the file up to its last byte.
    let end = ANSWER.len() + 300_000;
    for cut in (0..=ANSWER.len() + 2).step_by(4).chain([100, 4096, 65_536, 65_610, 131_072, end - 1, end]) {
        Directory::new().assert_downloads(&[resetting(cut)]);
    }
}

/// A byte from time to time is no download: at that speed it would take years.
#[test]
fn a_slow_drip_is_given_up() {
    let server = Server::start(|_, _, stream| {
        send(stream, "200 OK", "Content-Length: 300000\r\n", b"");
        for byte in content() {
            thread::sleep(Duration::from_millis(50));
            if stream.write_all(&[byte]).is_err() {
                return;
            }
        }
    });
    let directory = Directory::new();
    let options = Options { retries: 1, ..quick() };
    let started = Instant::now();
    let error = download(&source(&[server.url()]), directory.0.path(), &options).expect_err("too slow");
    assert!(error.to_string().contains("bytes arrived in 2 s"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert!(fs::metadata(directory.part()).unwrap().len() > 10, "what came is kept");
}

#[test]
fn a_redirect_to_another_scheme_is_not_followed() {
    for target in ["file:///etc/hostname", "ftp://example.org/file", "data:text/plain,x", "javascript:alert(1)"] {
        let head = format!("Location: {target}\r\nContent-Length: 0\r\n");
        let server = Server::start(move |_, _, stream| send(stream, "302 Found", &head, b""));
        let directory = Directory::new();
        let error = directory.download(&[server.url()]).expect_err("another scheme");
        assert!(matches!(error, Error::Network { .. }), "{target}: {error:?}");
        assert!(!directory.target().exists() && server.requests().len() == 1, "{target}: {error}");
    }
}

#[test]
fn addresses_can_be_of_ipv6() {
    let Ok(listener) = TcpListener::bind("[::1]:0") else { return crate::support::skip("no IPv6") };
    let url = format!("http://{}/file", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let request = read_request(&stream).unwrap();
        send_good(&mut stream, &request, &content(), usize::MAX);
    });
    Directory::new().assert_downloads(&[url]);
}

/// Runs `fetch` from an address where [`content`] should be, which is no archive; what it says.
fn fetch(url: &str, variables: &[(&str, &std::path::Path)]) -> String {
    let source = |key: &str, value: &str| format!("datasets.cifar10.source.{key}={value}");
    let sets = [
        source("url", &format!("\"{url}\"")),
        source("mirrors", "[]"),
        source("bytes", "300000"),
        source("sha256", &format!("\"{}\"", sha256_bytes(&content()))),
        "dataset=\"cifar10\"".to_owned(),
    ];
    let args: Vec<&str> = sets.iter().flat_map(|set| ["--set", set.as_str()]).chain(["fetch"]).collect();
    let output = Project::new().with(variables, &args);
    assert_eq!(output.code, 1, "{output:#?}");
    output.stderr
}

/// What is said once the right bytes have come, which are no archive.
const ARRIVED: &str = "gzip";

#[test]
fn a_proxy_of_the_environment_is_asked() {
    let proxy = Server::start(|_, request, stream| send_good(stream, request, &content(), usize::MAX));
    let said = fetch("http://images.example/file", &[("http_proxy", proxy.address.as_ref())]);
    assert!(said.contains(ARRIVED), "{said}");
    assert_eq!(proxy.requests()[0].path, "http://images.example/file");
    let closed = closed();
    let said = fetch("http://images.example/file", &[("http_proxy", closed.trim_end_matches("/file").as_ref())]);
    assert!(said.contains("failed to download `http://images.example/file`") && said.contains("refused"), "{said}");
}

/// A certificate for `name` until `year`, signed by an authority whose certificate is in the second place.
fn certificate(name: &str, year: i32) -> (rustls::ServerConfig, String) {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.distinguished_name.push(DnType::CommonName, format!("authority of {name}"));
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let pem = authority.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(authority, key);
    let mut leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (leaf.not_before, leaf.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(year, 1, 1));
    let key = KeyPair::generate().unwrap();
    let signed = leaf.signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![signed.der().clone()], key.serialize_der().try_into().unwrap())
        .unwrap();
    (config, pem)
}

/// A TLS server with [`content`]; its address and the number of requests that came through.
fn tls_server(config: rustls::ServerConfig) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}/file", listener.local_addr().unwrap().port());
    let (config, requests) = (Arc::new(config), Arc::new(AtomicU64::new(0)));
    let count = requests.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut connection = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut tls = rustls::Stream::new(&mut connection, &mut stream);
            // Whoever does not trust us hangs up here.
            if !matches!(tls.read(&mut [0; 4096]), Ok(1..)) {
                continue;
            }
            count.fetch_add(1, Ordering::SeqCst);
            let _ = tls.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 300000\r\n\r\n");
            let _ = tls.write_all(&content());
            connection.send_close_notify();
            let _ = connection.complete_io(&mut stream);
        }
    });
    (url, requests)
}

#[test]
fn a_certificate_that_cannot_be_trusted_is_refused_and_named() {
    let folder = tempfile::tempdir().unwrap();
    for (what, name, year, trusted, words) in [
        ("sound", "localhost", 4000, true, ARRIVED),
        ("wrong", "other.example", 4000, true, "not valid for name"),
        ("expired", "localhost", 2001, true, "expired"),
        ("private", "localhost", 4000, false, "UnknownIssuer"),
    ] {
        let (config, authority) = certificate(name, year);
        let (url, requests) = tls_server(config);
        let roots = folder.path().join(what);
        fs::write(&roots, if trusted { authority } else { certificate("elsewhere.example", 4000).1 }).unwrap();
        let started = Instant::now();
        let said = fetch(&url, &[("SSL_CERT_FILE", &roots)]);
        assert!(said.contains(words), "{what}: no `{words}` in {said}");
        assert_eq!(requests.load(Ordering::SeqCst), u64::from(what == "sound"), "{what}: {said}");
        assert!(started.elapsed() < Duration::from_secs(10), "{what}: a certificate does not get better by waiting");
    }
}

/// Many cells start from one weights file: one that cannot be had is asked for once in a run, not once by each cell.
#[test]
fn a_weights_file_that_cannot_be_had_is_asked_for_once() {
    let server = Server::start(|_, _, stream| send(stream, "404 Not Found", "", b""));
    let project = Project::new();
    let base = fs::read_to_string(project.root.join("profiles/test.toml")).unwrap();
    let rows = "rows = [{ network = \"resnet18\", initialization = \"imagenet\", recipe = \"finetune\", \
         losses = [\"fpl\", \"ce\"] }]";
    let (url, sha256) = (server.url(), "0".repeat(64));
    let file = format!(
        "[initializations.imagenet.files.resnet18]\nurl = \"{url}\"\nmirrors = []\nbytes = 1\npath = \"\"\ndrop = []\n\
         sha256 = \"{sha256}\"\n"
    );
    project.profile("test", &(base.replace("rows = []", rows) + &file));
    let output = project.run(&["fetch", "--seeds", "0..2"]);
    assert_eq!(output.code, 1, "{output:#?}");
    assert_eq!(output.stderr.matches("not run: weights missing: ").count(), 6, "{output:#?}");
    assert_eq!(server.requests().len(), 1);
}
