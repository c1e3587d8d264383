//! An application's own files: from URL path to file, as python-socketio maps them, but never out of
//! the folder that was named. Found files are read on tokio's blocking threads.

use std::collections::HashMap;
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{self, Path, PathBuf};
use std::time::UNIX_EPOCH;
use std::{fmt, fs};

use bytes::Bytes;
use http::Request;
use http::header::HeaderValue;
use tokio::task;

use super::url_path::{confined, percent_decoded};
use super::{File, Response, Wish};

/// Files that a server gives out, as rules from URL paths to files, folders and embedded content.
///
/// ```
/// # use socketio_server::StaticFiles;
/// let files = StaticFiles::new()
///     .route("/", "public/index.html")
///     .route("/static", "./public")
///     .embed("/hello.js", "application/javascript", b"console.log('hello')");
/// ```
///
/// # Which file
///
/// A rule for exactly the request's path comes first, then the one for the longest part of it that
/// ends where a segment ends: `/static/css/a.css` is looked for under `/static/css`, then under
/// `/static`, then under `/`. The rule alone decides; if its file does not exist, no other is tried.
/// What the rule's path leaves of the request's is looked up in the rule's folder, and a path that
/// ends with a slash means that folder's [default file](Self::default_file). A folder itself is no
/// file.
///
/// The request's path is percent-decoded once. Everything in a rule's folder can be had, hidden
/// files too, and nothing outside: neither through `..`, an absolute path or a backslash, encoded or
/// not, nor through a symbolic link that leads out. Differences from python-socketio, whose mapping
/// this is: that confinement, folders, and methods other than GET and HEAD being left alone.
///
/// # Content type
///
/// The rule's own if it was given one with [`route_as`](Self::route_as), otherwise that of the
/// extension (`css`, `gif`, `html`, `ico`, `jpg`, `js`, `json`, `map`, `mjs`, `png`, `svg`, `txt`,
/// `webp`, `woff2`; in lower case only), otherwise `application/octet-stream`. No charset is added.
///
/// # Caching
///
/// Clients keep files but ask each time (`Cache-Control: no-cache`) with a weak entity tag, made of
/// length and time of modification, and get 304 if they have the latest.
#[derive(Debug, Clone)]
pub struct StaticFiles {
    rules: HashMap<String, Rule>,
    default: Target,
}

impl StaticFiles {
    /// No files yet, and `index.html` as default file.
    #[must_use]
    pub fn new() -> Self {
        Self {
            rules: HashMap::new(),
            default: Target::new("index.html", None),
        }
    }

    /// Serves a file at this URL path, or a folder at this path and everything below it.
    ///
    /// A file name is relative to the working directory at the time of a request, and need not exist
    /// before. A slash at the end of a folder's name has the default file served at `path` itself,
    /// with or without a slash there; a slash at the end of `path` covers what is below alone. A
    /// later rule for the same path takes the place of an earlier one.
    #[must_use]
    pub fn route(self, path: &str, target: impl Into<PathBuf>) -> Self {
        self.rule(path, Rule::Path(Target::new(target, None)))
    }

    /// Like [`route`](Self::route), with a content type for the file or everything in the folder.
    ///
    /// # Panics
    /// If the content type cannot stand in a header.
    #[must_use]
    pub fn route_as(
        self,
        path: &str,
        target: impl Into<PathBuf>,
        content_type: &'static str,
    ) -> Self {
        self.rule(path, Rule::Path(Target::new(target, Some(content_type))))
    }

    /// Serves content that is in the program itself, such as that of `include_bytes!`, so that the
    /// program runs from anywhere. The rule is for this URL path alone, and its content type is sent
    /// as it is.
    ///
    /// # Panics
    /// If the content type cannot stand in a header.
    #[must_use]
    pub fn embed(self, path: &str, content_type: &'static str, content: &'static [u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        let length = content.len() as u64;
        let file = File {
            content_type: HeaderValue::from_static(content_type),
            cache_control: CACHE_CONTROL,
            etag: weak_etag(length, hasher.finish().into()),
            length,
        };
        self.rule(path, Rule::Embedded(file, Bytes::from_static(content)))
    }

    /// The file that stands for the folder it is in. Default `index.html`.
    #[must_use]
    pub fn default_file(mut self, name: &str) -> Self {
        self.default = Target::new(name, None);
        self
    }

    /// Like [`default_file`](Self::default_file), with a content type, which goes before that of the
    /// folder's rule.
    ///
    /// # Panics
    /// If the content type cannot stand in a header.
    #[must_use]
    pub fn default_file_as(mut self, name: &str, content_type: &'static str) -> Self {
        self.default = Target::new(name, Some(content_type));
        self
    }

    /// Answers a request with a file, or with 304. `None` if there is no file for it: no rule, no
    /// readable file, or a method other than GET and HEAD.
    ///
    /// The whole file is in memory until it is sent; requests for ranges get all of it. The future
    /// borrows nothing, and must be awaited within a tokio runtime.
    ///
    /// ```
    /// # use socketio_server::StaticFiles;
    /// # async fn example(files: StaticFiles, request: http::Request<()>) -> u16 {
    /// match files.respond(&request).await {
    ///     Some(response) => response.status().as_u16(),
    ///     None => 404,
    /// }
    /// # }
    /// ```
    pub fn respond<B>(
        &self,
        request: &Request<B>,
    ) -> impl Future<Output = Option<Response>> + Send + use<B> {
        let found = Wish::of(request)
            .and_then(|wish| Some((self.find(&percent_decoded(request.uri().path())?)?, wish)));
        async move {
            let (found, wish) = found?;
            match found {
                Found::Embedded(file, content) => wish.answer(file, || Some(content)),
                // A blocking task fails only when the runtime stops, and nobody waits then.
                Found::Wanted(wanted) => task::spawn_blocking(|| wanted.read(wish)).await.ok()?,
            }
        }
    }

    fn rule(mut self, path: &str, rule: Rule) -> Self {
        let path = format!("/{}", path.strip_prefix('/').unwrap_or(path));
        self.rules.insert(path, rule);
        self
    }

    /// What the rules say of a decoded path, before any look at the file system.
    fn find(&self, path: &str) -> Option<Found> {
        let (rule, rest) = self.rule_for(path)?;
        match rule {
            Rule::Embedded(file, content) => rest
                .is_none()
                .then(|| Found::Embedded(file.clone(), content.clone())),
            Rule::Path(target) => Some(Found::Wanted(Wanted {
                slash: path.ends_with('/') || (rest.is_none() && target.ends_with_slash()),
                below: match rest {
                    Some(rest) => Some(confined(rest)?),
                    None => None,
                },
                target: target.clone(),
                default: self.default.clone(),
            })),
        }
    }

    /// The rule for a path, and what its own path leaves of it unless it is the same.
    fn rule_for<'a>(&self, path: &'a str) -> Option<(&Rule, Option<&'a str>)> {
        if let Some(rule) = self.rules.get(path) {
            return Some((rule, None));
        }
        path.rmatch_indices('/').find_map(|(slash, _)| {
            // Invariant: a slash is one byte, so a character ends before it and one after it.
            let rule = self.rules.get(&path[..slash]);
            let rule = rule.or_else(|| self.rules.get(&path[..=slash]))?;
            Some((rule, Some(&path[slash + 1..])))
        })
    }
}

impl Default for StaticFiles {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Clone)]
enum Rule {
    Embedded(File, Bytes),
    Path(Target),
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded(file, _) => f.debug_tuple("Embedded").field(file).finish(),
            Self::Path(target) => f.debug_tuple("Path").field(target).finish(),
        }
    }
}

/// A file or folder as it was configured.
#[derive(Debug, Clone)]
struct Target {
    path: PathBuf,
    content_type: Option<HeaderValue>,
}

impl Target {
    fn new(path: impl Into<PathBuf>, content_type: Option<&'static str>) -> Self {
        Self {
            path: path.into(),
            content_type: content_type.map(HeaderValue::from_static),
        }
    }

    fn ends_with_slash(&self) -> bool {
        self.path.to_string_lossy().ends_with(path::is_separator)
    }
}

enum Found {
    Embedded(File, Bytes),
    Wanted(Wanted),
}

/// A file that the rules allow, and that may exist.
struct Wanted {
    target: Target,
    /// Where in the target, unless it is the target itself.
    below: Option<PathBuf>,
    /// A folder is meant.
    slash: bool,
    default: Target,
}

impl Wanted {
    /// Reads the file if it is one and lies in the target. Blocks.
    fn read(self, wish: Wish) -> Option<Response> {
        let root = fs::canonicalize(&self.target.path).ok()?;
        let mut file = self.target.path;
        let mut content_type = self.target.content_type;
        file.extend(self.below.iter().flatten());
        // A rule for `/` may name a file as well as a folder.
        if self.slash && (self.below.is_some() || root.is_dir()) {
            file.push(self.default.path);
            content_type = self.default.content_type.or(content_type);
        }
        let content_type = content_type.unwrap_or_else(|| content_type_of(&file));
        let file = fs::canonicalize(file).ok()?;
        let metadata = fs::metadata(&file).ok()?;
        if !file.starts_with(root) || !metadata.is_file() {
            return None;
        }
        let modified = metadata.modified().ok();
        let since_epoch = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let described = File {
            content_type,
            cache_control: CACHE_CONTROL,
            etag: weak_etag(metadata.len(), since_epoch.unwrap_or_default().as_nanos()),
            length: metadata.len(),
        };
        wish.answer(described, || Some(fs::read(file).ok()?.into()))
    }
}

fn content_type_of(file: &Path) -> HeaderValue {
    let extension = file.extension().and_then(|extension| extension.to_str());
    HeaderValue::from_static(match extension {
        Some("css") => "text/css",
        Some("gif") => "image/gif",
        Some("html") => "text/html",
        Some("ico") => "image/x-icon",
        Some("jpg") => "image/jpeg",
        Some("js" | "mjs") => "application/javascript",
        Some("json" | "map") => "application/json",
        Some("png") => "image/png",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain",
        Some("webp") => "image/webp",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    })
}

fn weak_etag(length: u64, version: u128) -> HeaderValue {
    // Invariant: hexadecimal digits, quotes, slash and hyphen may stand in a header.
    HeaderValue::try_from(format!("W/\"{length:x}-{version:x}\"")).expect("is visible ASCII")
}

const CACHE_CONTROL: &str = "no-cache";

#[cfg(test)]
mod tests;
