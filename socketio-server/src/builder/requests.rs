//! The HTTP side of a server: whose requests are answered, with which headers, and what is kept
//! of them.

use std::future::Future;

#[cfg(feature = "http-compression")]
use engine::Compression;
use engine::{Cors, Peer, Refusal, SessionCookie, Sid};
use http::request::Parts;
use http::{HeaderMap, HeaderName};

use super::Builder;
use crate::handshake::{Extension, Headers};
use crate::http_hooks::AllowReply;
use crate::http_session::HttpCell;

impl Builder {
    // ---- Who is let in --------------------------------------------------------------------

    /// Which pages of other origins may use the server, on polling, and with
    /// [`Cors::refuse_others`] on websocket too. Concerns the [client](Self::client) that is served
    /// as well. Default: nothing is said about it, and browsers keep pages of other origins from
    /// polling.
    ///
    /// ```
    /// use socketio_server::{Cors, Io};
    ///
    /// let pages = ["https://example.com", "http://localhost:8080"];
    /// let io = Io::builder().cors(Cors::list(pages).credentials().refuse_others()).build();
    /// ```
    ///
    /// What Python's servers do by default is `Cors::same_origin().refuse_others()`.
    pub fn cors(mut self, cors: Cors) -> Self {
        self.0.engine.cors = Some(cors);
        self
    }

    /// Asked about each client that wants to open a link, before it costs anything; the reference's
    /// `allowRequest`. The hook gets the head of the request and may wait. Of several, each has to
    /// agree, in the order in which they were given. Default: everybody may.
    ///
    /// It returns `()`, `bool`, an [`Extension`] with what is to be kept of the client, or a `Result`
    /// of these, whose error is the text that the client is refused with: status 403 on polling, 400
    /// on websocket, which browsers do not show to pages. Connect handlers can say more; this is for
    /// those who are not to get that far.
    ///
    /// ```
    /// use http::request::Parts;
    /// use socketio_server::{Extension, Io};
    ///
    /// #[derive(Clone)]
    /// struct User(String);
    ///
    /// # async fn look_up(token: &str) -> Option<User> { Some(User(token.to_owned())) }
    /// let io = Io::builder()
    ///     .allow_request(async |request: Parts| {
    ///         let token = request.headers.get("authorization").ok_or("no token")?;
    ///         let token = token.to_str().map_err(|_| "no token")?;
    ///         look_up(token).await.map(Extension).ok_or("unknown user")
    ///     })
    ///     .build();
    /// io.on("who am i", async |Extension(user): Extension<User>| user.0);
    /// ```
    pub fn allow_request<F, R>(mut self, hook: F) -> Self
    where
        F: Fn(Parts) -> R + Send + Sync + 'static,
        R: Future<Output: AllowReply> + Send + 'static,
    {
        self.0.http.ask(hook);
        self
    }

    /// Chooses the ids of links, which are random otherwise; the reference's `generateId`. Ids are
    /// secrets: whoever knows one can act for its client, so they must be as hard to guess as random
    /// ones. If the id is in use already, the request is refused.
    ///
    /// ```
    /// use socketio_server::{Io, Refusal, Sid};
    ///
    /// # fn fresh_randomness() -> [u8; 15] { [0; 15] }
    /// let io = Io::builder()
    ///     .generate_id(|_| Ok::<_, Refusal>(Sid::from_random(fresh_randomness())))
    ///     .build();
    /// ```
    pub fn generate_id(
        mut self,
        hook: impl Fn(&Parts) -> Result<Sid, Refusal> + Send + Sync + 'static,
    ) -> Self {
        self.0.http.sid = Some(Box::new(hook));
        self
    }

    // ---- What answers say -----------------------------------------------------------------

    /// A cookie with the link's id, for load balancers. Default none.
    ///
    /// ```
    /// use socketio_server::{Io, SessionCookie};
    ///
    /// let io = Io::builder().cookie(SessionCookie::default()).build();
    /// ```
    pub fn cookie(mut self, cookie: SessionCookie) -> Self {
        self.0.engine.cookie = Some(cookie);
        self
    }

    /// Compresses what clients on polling receive. Default no, while the reference has it on.
    ///
    /// ```
    /// use socketio_server::{Compression, Io};
    ///
    /// let io = Io::builder().http_compression(Compression::default()).build();
    /// ```
    #[cfg(feature = "http-compression")]
    pub fn http_compression(mut self, compression: Compression) -> Self {
        self.0.engine.compression = Some(compression);
        self
    }

    /// Adds headers to the answer that opens a link, on polling or websocket; the reference's
    /// `initial_headers`.
    ///
    /// ```
    /// use http::header::{HeaderValue, SET_COOKIE};
    /// use socketio_server::Io;
    ///
    /// let io = Io::builder()
    ///     .on_initial_headers(|_, headers| {
    ///         headers.append(SET_COOKIE, HeaderValue::from_static("seen=yes"));
    ///     })
    ///     .build();
    /// ```
    pub fn on_initial_headers(
        mut self,
        hook: impl Fn(&Parts, &mut HeaderMap) + Send + Sync + 'static,
    ) -> Self {
        self.0.http.initial_headers = Some(Box::new(hook));
        self
    }

    /// Adds headers to all answers of a link that are no refusals: to polls, to messages, to
    /// websocket handshakes; the reference's `headers`.
    ///
    /// ```
    /// use http::header::{HeaderValue, SERVER};
    /// use socketio_server::Io;
    ///
    /// let io = Io::builder()
    ///     .on_headers(|_, headers| {
    ///         headers.insert(SERVER, HeaderValue::from_static("example"));
    ///     })
    ///     .build();
    /// ```
    pub fn on_headers(
        mut self,
        hook: impl Fn(&Parts, &mut HeaderMap) + Send + Sync + 'static,
    ) -> Self {
        self.0.http.headers = Some(Box::new(hook));
        self
    }

    // ---- What is kept of a link's first request -------------------------------------------

    /// Keeps these headers of a link's first request for [`Handshake`](crate::Handshake). All others
    /// are forgotten: they would cost memory for as long as the client stays.
    pub fn keep_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        if let Headers::These(kept) = &mut self.0.keep.headers {
            kept.extend(names);
        }
        self
    }

    /// Keeps all headers of a link's first request, as the reference does: about 1 KiB for a
    /// browser.
    pub fn keep_all_headers(mut self) -> Self {
        self.0.keep.headers = Headers::All;
        self
    }

    /// Keeps what tower layers in front have put into the extensions of a link's first request
    /// under this type, for [`Extension`] and [`Handshake::extension`](crate::Handshake::extension).
    ///
    /// ```
    /// use socketio_server::{ConnectError, Extension, Io};
    ///
    /// /// What the layer that checks logins has found out.
    /// #[derive(Clone)]
    /// struct User(String);
    ///
    /// let io = Io::builder().keep_extension::<User>().build();
    /// io.on_connect(async |user: Option<Extension<User>>| match user {
    ///     Some(Extension(User(name))) => Ok(println!("{name} is here")),
    ///     None => Err(ConnectError::new("log in first")),
    /// });
    /// ```
    pub fn keep_extension<T: Clone + Send + Sync + 'static>(mut self) -> Self {
        self.0.keep.extensions.push(|request, kept| {
            if let Some(extension) = request.get::<T>() {
                kept.insert(extension.clone());
            }
        });
        self
    }

    /// How to know where a link's first request came from, for
    /// [`PeerAddr`](crate::PeerAddr) and [`Handshake`](crate::Handshake). Default: by the extension
    /// [`Peer`], which [`Io::serve`](crate::Io::serve) puts into requests; and a request for
    /// `https:` is secure.
    ///
    /// Inside axum, which has an extension of its own for this, say (the example `login` does)
    ///
    /// ```
    /// # use std::net::SocketAddr;
    /// # use socketio_server::{Io, Peer};
    /// # #[derive(Clone)]
    /// # struct ConnectInfo<T>(T);
    /// // axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
    /// let io = Io::builder()
    ///     .peer(|request| {
    ///         let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
    ///         peer.map_or_else(Peer::default, |peer| Peer::at(peer.0))
    ///     })
    ///     .build();
    /// ```
    ///
    /// and behind a proxy that you trust, which writes what it knows into headers:
    ///
    /// ```
    /// use std::net::IpAddr;
    ///
    /// use socketio_server::{Io, Peer};
    ///
    /// let io = Io::builder()
    ///     .peer(|request| {
    ///         let header = |name| request.headers.get(name)?.to_str().ok();
    ///         let address = header("x-real-ip").and_then(|it| it.parse::<IpAddr>().ok());
    ///         let peer = address.map_or_else(Peer::default, |ip| Peer::at((ip, 0).into()));
    ///         match header("x-forwarded-proto") {
    ///             Some("https") => peer.secure(),
    ///             _ => peer,
    ///         }
    ///     })
    ///     .build();
    /// ```
    pub fn peer(mut self, hook: impl Fn(&Parts) -> Peer + Send + Sync + 'static) -> Self {
        self.0.keep.peer = Some(Box::new(hook));
        self
    }

    /// Copies the HTTP session of the link's first request, for [`HttpSession`](crate::HttpSession):
    /// what the browser has logged in as, what is in its basket. The hook gets the head of the
    /// request, with what layers in front have put into its extensions, and may wait. Called after
    /// [`allow_request`](Self::allow_request) has agreed.
    pub fn http_session<F, R, T>(mut self, copy: F) -> Self
    where
        F: Fn(Parts) -> R + Send + Sync + 'static,
        R: Future<Output = T> + Send + 'static,
        T: Send + Sync + 'static,
    {
        self.0.http.ask(move |request| {
            let copied = copy(request);
            async move { Extension(HttpCell::new(copied.await)) }
        });
        self
    }
}
