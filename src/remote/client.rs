//! The object store behind a URL. The asynchronous part of the program, and the only one: each function here waits.

use std::path::Path as File;
use std::time::{Duration, SystemTime};

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{
    GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutPayload, WriteMultipart,
};
use tokio::runtime::Runtime;
use url::Url;

use super::Object;
use crate::config::Remote;
use crate::error::{ConfigPlace, Error, Result};
use crate::fs;

/// Files on their way at once.
const AT_ONCE: usize = 8;
/// Larger files are sent in parts of this size.
const PART: usize = 8 << 20;
/// How long an answer may take to go on.
const SILENCE: Duration = Duration::from_mins(1);
/// How the HTTP client waits: a part may take this long to be sent, and an answer as long to begin or to go on. Its own limit of
/// 30 s on a whole answer would end every download that takes longer.
const PATIENCE: [(&str, &str); 2] = [("read_timeout", "2 minutes"), ("timeout", "1 day")];

/// An object, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// With its folder, as `ac/<fingerprint>`.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// How long ago it was written, as far as clocks agree.
    pub age: Duration,
}

#[derive(Debug)]
pub(super) struct Client {
    runtime: Runtime,
    store: Box<dyn ObjectStore>,
    root: Path,
    url: String,
}

impl Client {
    pub(super) fn new(url: &str) -> Result<Self> {
        let wrong = |message: String| Error::Config {
            place: ConfigPlace::Configuration,
            key: "remote.url".into(),
            message: format!("`{url}`: {message}"),
            help: Remote::ADDRESSES.into(),
        };
        let parsed = Url::parse(url).map_err(|error| wrong(error.to_string()))?;
        let of_a_provider =
            |(name, _): &(String, String)| ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|prefix| name.starts_with(prefix));
        let patience = PATIENCE.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let mut options: Vec<(String, String)> =
            patience.into_iter().chain(std::env::vars().filter(of_a_provider)).collect();
        if parsed.scheme() == "http" {
            options.push(("allow_http".into(), "true".into()));
        }
        let (store, root) = object_store::parse_url_opts(&parsed, options).map_err(|error| wrong(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(Error::io("start threads for", url))?;
        Ok(Self { runtime, store, root, url: url.trim_end_matches('/').to_owned() })
    }

    /// An object's content; `None` if it is not there.
    pub(super) fn get(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.runtime.block_on(self.get_one(name))
    }

    /// The contents of objects, in the order of their names.
    pub(super) fn get_all(&self, names: &[String]) -> Result<Vec<Option<Vec<u8>>>> {
        let all = stream::iter(names).map(|name| self.get_one(name));
        self.runtime.block_on(all.buffered(AT_ONCE).try_collect())
    }

    async fn get_one(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let path = self.path(name);
        let read = async { self.store.get(&path).await?.bytes().await };
        match read.await {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.fault("read", name, &error)),
        }
    }

    /// What stands in a folder, sorted by name.
    pub(super) fn list(&self, folder: &str) -> Result<Vec<Listed>> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_secs() as i64);
        let path = self.path(folder);
        let listed = |meta: ObjectMeta| {
            let age = Duration::from_secs((now - meta.last_modified.timestamp()).max(0) as u64);
            Some(Listed { name: format!("{folder}/{}", meta.location.filename()?), bytes: meta.size, age })
        };
        let all: Vec<ObjectMeta> = self
            .runtime
            .block_on(self.store.list(Some(&path)).try_collect())
            .map_err(|error| self.fault("list", folder, &error))?;
        let mut found: Vec<Listed> = all.into_iter().filter_map(listed).collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// Removes objects; what is not there need not be removed.
    pub(super) fn remove(&self, names: &[String]) -> Result<()> {
        let all = stream::iter(names).map(|name| self.remove_one(name));
        self.runtime.block_on(all.buffer_unordered(AT_ONCE).try_collect())
    }

    async fn remove_one(&self, name: &str) -> Result<()> {
        match self.store.delete(&self.path(name)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.fault("remove", name, &error)),
        }
    }

    /// Creates an object; false, and nothing is written, if it is there.
    pub(super) fn create(&self, name: &str, bytes: Vec<u8>) -> Result<bool> {
        self.runtime.block_on(self.put_new(name, bytes.into()))
    }

    /// Brings files to their paths.
    pub(super) fn bring(&self, objects: &[Object]) -> Result<()> {
        let all = stream::iter(objects).map(|object| self.bring_one(object));
        self.runtime.block_on(all.buffer_unordered(AT_ONCE).try_collect())
    }

    /// Adds files that are not there; how many were added.
    pub(super) fn add(&self, objects: &[Object]) -> Result<usize> {
        let all = stream::iter(objects).map(|object| self.add_one(object));
        let added: Vec<bool> = self.runtime.block_on(all.buffer_unordered(AT_ONCE).try_collect())?;
        Ok(added.into_iter().filter(|added| *added).count())
    }

    async fn bring_one(&self, object: &Object) -> Result<()> {
        let (name, part) = (format!("cas/{}", object.sha256), &object.part);
        if let Some(folder) = part.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut have = std::fs::metadata(part).map_or(0, |part| part.len());
        loop {
            let resumed = have > 0 && have <= object.bytes;
            if !resumed {
                fs::remove(part)?;
                have = 0;
            }
            self.receive(&name, part, have, object.bytes).await?;
            if std::fs::metadata(part).is_ok_and(|part| part.len() == object.bytes)
                && fs::sha256_file(part)? == object.sha256
            {
                return fs::rename(part, &object.path);
            }
            fs::remove(part)?;
            if !resumed {
                return Err(Error::data(
                    format!("{}/{name}", self.url),
                    "is not what its name says: it was damaged or changed there",
                    "remove it there; the next `push` of a machine that has it adds it again",
                ));
            }
            have = 0; // What an earlier attempt left was no part of it.
        }
    }

    /// Appends what follows after `have` bytes of an object to a file, up to `bytes` in all and one more.
    async fn receive(&self, name: &str, part: &File, have: u64, bytes: u64) -> Result<()> {
        if bytes == 0 {
            return fs::write_atomic(part, b"");
        }
        if have == bytes {
            return Ok(());
        }
        let range = (have > 0).then_some(GetRange::Offset(have));
        let options = GetOptions { range, ..GetOptions::default() };
        let fault = |error: &object_store::Error| match error {
            object_store::Error::NotFound { .. } => Error::data(
                format!("{}/{name}", self.url),
                "is not there, though a manifest names it",
                "`push` again from a machine that has the result",
            ),
            error => self.fault("read", name, error),
        };
        let path = self.path(name);
        let mut chunks = self.store.get_opts(&path, options).await.map_err(|error| fault(&error))?.into_stream();
        loop {
            let chunk = tokio::time::timeout(SILENCE, chunks.next()).await.map_err(|_| Error::Remote {
                action: "read",
                url: format!("{}/{name}", self.url),
                message: format!("nothing came for {} s", SILENCE.as_secs()),
                help: "run the command again: it goes on where it stopped".into(),
            })?;
            match chunk {
                None => return Ok(()),
                // One that is longer than it should be is not it.
                Some(Ok(chunk)) if !fs::append(part, &chunk, bytes)? => return Ok(()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(fault(&error)),
            }
        }
    }

    async fn add_one(&self, object: &Object) -> Result<bool> {
        let name = format!("cas/{}", object.sha256);
        match self.size(&name).await? {
            Some(bytes) if bytes == object.bytes => return Ok(false),
            // Of another size, it is not what its name says.
            Some(_) => self.remove_one(&name).await?,
            None => {}
        }
        if object.bytes <= PART as u64 {
            return self.put_new(&name, fs::read(&object.path)?.into()).await;
        }
        let fault = |error: &object_store::Error| self.fault("write", &name, error);
        let upload = match self.store.put_multipart(&self.path(&name)).await {
            // Plain HTTP has no parts.
            Err(object_store::Error::NotImplemented { .. } | object_store::Error::NotSupported { .. }) => {
                return self.put_new(&name, fs::read(&object.path)?.into()).await;
            }
            upload => upload.map_err(|error| fault(&error))?,
        };
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
        let mut file = std::fs::File::open(&object.path).map_err(Error::io("open", &object.path))?;
        let mut buffer = vec![0; PART];
        loop {
            upload.wait_for_capacity(2).await.map_err(|error| fault(&error))?;
            match std::io::Read::read(&mut file, &mut buffer).map_err(Error::io("read", &object.path))? {
                0 => break,
                read => upload.write(&buffer[..read]),
            }
        }
        upload.finish().await.map_err(|error| fault(&error))?;
        Ok(true)
    }

    /// An object's size; `None` if it is not there.
    async fn size(&self, name: &str) -> Result<Option<u64>> {
        match self.store.head(&self.path(name)).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.fault("look for", name, &error)),
        }
    }

    /// Creates an object; false if it is there. Where a server knows no conditions it is looked for first.
    async fn put_new(&self, name: &str, payload: PutPayload) -> Result<bool> {
        let path = self.path(name);
        let created = self.store.put_opts(&path, payload.clone(), PutMode::Create.into()).await;
        match created {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(false),
            Err(object_store::Error::NotImplemented { .. } | object_store::Error::NotSupported { .. }) => {
                if self.size(name).await?.is_some() {
                    return Ok(false);
                }
                let written = self.store.put(&path, payload).await;
                written.map(|_| true).map_err(|error| self.fault("write", name, &error))
            }
            Err(error) => Err(self.fault("write", name, &error)),
        }
    }

    fn path(&self, name: &str) -> Path {
        Path::from(format!("{}/{name}", self.root))
    }

    fn fault(&self, action: &'static str, name: &str, error: &object_store::Error) -> Error {
        let help = match error {
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                "check the credentials in the environment; to read only, set `remote.read_only=true`"
            }
            _ => "check the address and the network, and run the command again: it goes on where it stopped",
        };
        Error::Remote { action, url: format!("{}/{name}", self.url), message: error.to_string(), help: help.into() }
    }
}
