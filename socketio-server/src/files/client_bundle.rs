//! The official JavaScript client, taken from its npm package at start. What it is answered with
//! is the reference server's; where it is served is the caller's.

use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use bytes::Bytes;
use http::Request;
use http::header::HeaderValue;
use serde_json::Value;
use thiserror::Error;

use super::{File, Response, Wish};

/// The official JavaScript client, for browsers that take it from the server they talk to.
///
/// It comes out of an npm package: `socket.io`, which has it in `client-dist`, or
/// `socket.io-client`, which has it in `dist`. Those of the package's files that the reference
/// server serves are read once, about 1.2 MB in all; installing another version takes a restart.
///
/// ```no_run
/// # fn main() -> Result<(), socketio_server::FilesError> {
/// let client = socketio_server::ClientBundle::open("node_modules/socket.io-client")?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct ClientBundle {
    version: String,
    etag: HeaderValue,
    files: Vec<(&'static str, Bytes)>,
}

impl ClientBundle {
    /// Reads the client from a package's folder, or from the folder in it that holds the files.
    /// This blocks for the time of the reading: it is meant for the start of a program.
    ///
    /// # Errors
    /// If there is no `socket.io.js`, if the package has no version, or if a file cannot be read.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self, FilesError> {
        let folder = folder.as_ref();
        // The package `socket.io` has a `dist` too, with the server in it.
        let bundle = ["", "client-dist", "dist"]
            .map(|below| folder.join(below))
            .into_iter()
            .find(|candidate| candidate.join(NAMES[0]).is_file())
            .ok_or_else(|| FilesError::NoClient(folder.to_owned()))?;
        let bundle = fs::canonicalize(&bundle).map_err(|error| FilesError::Unreadable {
            path: bundle,
            error,
        })?;
        let (version, etag) = version(&bundle.with_file_name("package.json"))?;
        let mut files = Vec::new();
        for name in NAMES {
            let path = bundle.join(name);
            match fs::read(&path) {
                Ok(content) => files.push((name, content.into())),
                // Clients before 4.3 have no ES module.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(FilesError::Unreadable { path, error }),
            }
        }
        Ok(Self {
            version,
            etag,
            files,
        })
    }

    /// The client's version, such as `4.8.4`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Answers a request for a file of the client: `socket.io.js`, `socket.io.min.js`,
    /// `socket.io.esm.min.js`, `socket.io.msgpack.min.js`, or one of these followed by `.map`.
    ///
    /// `None` if the name is another, the package lacks the file, or the method is not GET or HEAD.
    /// As with the reference, the entity tag is the version, clients have to ask whether it still
    /// holds (`Cache-Control: public, max-age=0`), and those that have it get 304.
    #[must_use]
    pub fn respond<B>(&self, file_name: &str, request: &Request<B>) -> Option<Response> {
        let (name, content) = self.files.iter().find(|(name, _)| *name == file_name)?;
        let file = File {
            content_type: HeaderValue::from_static(if name.ends_with(".map") {
                "application/json; charset=utf-8"
            } else {
                "application/javascript; charset=utf-8"
            }),
            cache_control: "public, max-age=0",
            etag: self.etag.clone(),
            length: content.len() as u64,
        };
        Wish::of(request)?.answer(file, || Some(content.clone()))
    }
}

impl fmt::Debug for ClientBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBundle")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// Why a folder is not a client that can be served. The fault is in what is installed there.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FilesError {
    /// `socket.io.js` is neither in the folder nor in its `client-dist` or `dist`.
    #[error("no socket.io.js in {} or its client-dist or dist", .0.display())]
    NoClient(PathBuf),
    /// The `package.json` one folder above the files has no version, or a strange one.
    #[error("no version in {}", .0.display())]
    NoVersion(PathBuf),
    /// A file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says; part of the message, hence not its source.
        error: io::Error,
    },
}

/// A package's version, plain and as entity tag.
fn version(manifest: &Path) -> Result<(String, HeaderValue), FilesError> {
    let json = fs::read(manifest).map_err(|error| FilesError::Unreadable {
        path: manifest.to_owned(),
        error,
    })?;
    serde_json::from_slice::<Value>(&json)
        .ok()
        .and_then(|json| Some(json.get("version")?.as_str()?.to_owned()))
        .filter(|version| !version.is_empty() && !version.contains(['"', ' ']))
        .and_then(|version| {
            let etag = HeaderValue::try_from(format!("\"{version}\"")).ok()?;
            Some((version, etag))
        })
        .ok_or_else(|| FilesError::NoVersion(manifest.to_owned()))
}

/// What the reference server serves, and nothing else of the package.
const NAMES: [&str; 8] = [
    "socket.io.js",
    "socket.io.js.map",
    "socket.io.min.js",
    "socket.io.min.js.map",
    "socket.io.esm.min.js",
    "socket.io.esm.min.js.map",
    "socket.io.msgpack.min.js",
    "socket.io.msgpack.min.js.map",
];

#[cfg(test)]
mod tests {
    use http::{Method, StatusCode};
    use http_body_util::BodyExt;

    use super::*;
    use crate::files::folder::Folder;

    const MANIFEST: (&str, &str) = ("package.json", r#"{"version": "4.8.4"}"#);

    #[test]
    fn package_and_inner_folder_are_both_accepted() {
        for inner in ["client-dist", "dist"] {
            let script = format!("{inner}/socket.io.js");
            let package = Folder::with(&[MANIFEST, (&script, "client")]);
            for folder in ["", inner] {
                let bundle = ClientBundle::open(package.at(folder)).unwrap();
                assert_eq!(bundle.version(), "4.8.4");
                assert_eq!(get(&bundle, "socket.io.js").unwrap(), "client");
            }
        }
    }

    #[test]
    fn server_in_dist_does_not_hide_the_client() {
        let package = Folder::with(&[
            MANIFEST,
            ("dist/index.js", "server"),
            ("dist/socket.io.js", "not the one"),
            ("client-dist/socket.io.js", "client"),
        ]);
        let bundle = ClientBundle::open(package.path()).unwrap();
        assert_eq!(get(&bundle, "socket.io.js").unwrap(), "client");
    }

    #[test]
    fn only_the_named_files_are_served() {
        let files = NAMES.map(|name| (format!("dist/{name}"), name));
        let mut files: Vec<_> = files.iter().map(|(path, name)| (&**path, *name)).collect();
        files.extend([
            MANIFEST,
            ("dist/index.js", ""),
            ("dist/socket.io.esm.js", ""),
        ]);
        let package = Folder::with(&files);
        let bundle = ClientBundle::open(package.path()).unwrap();
        for name in NAMES {
            assert_eq!(get(&bundle, name).unwrap(), name);
        }
        let others = [
            "",
            "/socket.io.js",
            "SOCKET.IO.JS",
            "index.js",
            "socket.io.esm.js",
            "../package.json",
            "../dist/socket.io.js",
        ];
        for name in others {
            assert_eq!(get(&bundle, name), None, "{name}");
        }
    }

    #[test]
    fn files_that_an_old_package_lacks_are_not_served() {
        let package = Folder::with(&[MANIFEST, ("dist/socket.io.js", "client")]);
        let bundle = ClientBundle::open(package.path()).unwrap();
        assert_eq!(get(&bundle, "socket.io.esm.min.js"), None);
    }

    #[test]
    fn headers_are_those_of_the_reference() {
        let package = Folder::with(&[
            MANIFEST,
            ("dist/socket.io.js", "client"),
            ("dist/socket.io.js.map", "{}"),
        ]);
        let bundle = ClientBundle::open(package.path()).unwrap();
        for (name, content_type) in [
            ("socket.io.js", "application/javascript; charset=utf-8"),
            ("socket.io.js.map", "application/json; charset=utf-8"),
        ] {
            let request = Request::get("/").body(()).unwrap();
            let response = bundle.respond(name, &request).unwrap();
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.headers()["content-type"], content_type);
            assert_eq!(response.headers()["cache-control"], "public, max-age=0");
            assert_eq!(response.headers()["etag"], "\"4.8.4\"");
        }
        for (known, status) in [
            ("\"4.8.4\"", StatusCode::NOT_MODIFIED),
            ("W/\"4.8.4\"", StatusCode::NOT_MODIFIED),
            ("\"4.8.3\"", StatusCode::OK),
        ] {
            let request = Request::get("/").header("if-none-match", known);
            let response = bundle.respond("socket.io.js", &request.body(()).unwrap());
            assert_eq!(response.unwrap().status(), status, "{known}");
        }
    }

    #[test]
    fn other_methods_are_left_to_the_caller() {
        let package = Folder::with(&[MANIFEST, ("dist/socket.io.js", "client")]);
        let bundle = ClientBundle::open(package.path()).unwrap();
        for method in [Method::POST, Method::OPTIONS, Method::PUT] {
            let request = Request::builder().method(method).body(()).unwrap();
            assert!(bundle.respond("socket.io.js", &request).is_none());
        }
    }

    #[test]
    fn an_error_says_in_one_line_what_is_missing() {
        let script = ("dist/socket.io.js", "client");
        let table: [(&[_], _); 5] = [
            (
                &[MANIFEST],
                "no socket.io.js in # or its client-dist or dist",
            ),
            (&[script], "cannot read #/package.json: "),
            (
                &[script, ("package.json", "{")],
                "no version in #/package.json",
            ),
            (
                &[script, ("package.json", "{\"version\": 4}")],
                "no version in #/package.json",
            ),
            (
                &[script, ("package.json", "{\"version\": \"4\\n\"}")],
                "no version in #/package.json",
            ),
        ];
        for (files, expected) in table {
            let package = Folder::with(files);
            let error = ClientBundle::open(package.path()).unwrap_err().to_string();
            let error = error.replace(package.path().to_str().unwrap(), "#");
            assert!(error.starts_with(expected), "{error}");
            assert_eq!(error.lines().count(), 1);
        }
    }

    fn get(bundle: &ClientBundle, name: &str) -> Option<Bytes> {
        let request = Request::get("/").body(()).unwrap();
        let body = bundle.respond(name, &request)?.into_body();
        Some(now(body.collect()).unwrap().to_bytes())
    }

    fn now<F: Future>(future: F) -> F::Output {
        let runtime = tokio::runtime::Builder::new_current_thread();
        { runtime }.build().unwrap().block_on(future)
    }
}
