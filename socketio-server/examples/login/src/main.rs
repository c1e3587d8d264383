//! A login that HTTP and Socket.IO share, on http://localhost:3000: axum-login keeps it, and the
//! handlers of the server know who is there.
//!
//! `cargo run -p socketio-example-login`, or with a port behind it
//!
//! A page may say `log in ({ name, password })` to `/`, which is answered with whether that is
//! right. To `/members` it is let in if it has logged in, over HTTP or over the socket; there it may
//! `say (text)`, which everybody hears as `said (name, text)`. `GET /me` tells who the browser is,
//! and how often it has said something.

mod users;

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::{ConnectInfo, Form};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Redirect};
use axum::routing::{get, post};
use axum::{Json, Router};
use axum_login::{AuthManagerLayerBuilder, AuthnBackend};
use socketio_server::{
    BoxError, ConnectError, Cors, Data, HttpSession, Io, Peer, PeerAddr, Socket, State,
    StoredSession,
};
use tokio::net::TcpListener;
use tower_sessions::{MemoryStore, SessionManagerLayer};

use crate::users::{Login, User, Users};

type AuthSession = axum_login::AuthSession<Users>;

/// Who a client is: the browser's login when it connected, or what it has logged in as since.
type CurrentUser = HttpSession<Option<User>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args()
        .nth(1)
        .map_or(Ok(3000), |port| port.parse())?;
    let (io, app) = application();
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            let _ = tokio::signal::ctrl_c().await;
            let _ = io.shutdown(Duration::from_secs(5)).await;
        })
        .await?;
    Ok(())
}

fn application() -> (Io, Router) {
    let store = MemoryStore::default();
    let io = Io::builder()
        // Browsers send cookies along for pages of every origin: those of others stay outside.
        .cors(Cors::same_origin().refuse_others())
        .http_session(current_user)
        .session_store(store.clone())
        .peer(peer)
        .state(Users)
        .build();
    io.on("log in", log_in);
    let members = io.of("/members");
    members.on_connect(enter).on("say", say);

    let sessions = SessionManagerLayer::new(store).with_secure(false);
    let logins = AuthManagerLayerBuilder::new(Users, sessions).build();
    let script = [(CONTENT_TYPE, "text/javascript; charset=utf-8")];
    let style = [(CONTENT_TYPE, "text/css; charset=utf-8")];
    let app = Router::new()
        .route("/", get(Html(include_str!("index.html"))))
        .route(
            "/client.js",
            get((script, include_str!("../../site/client.js"))),
        )
        .route(
            "/style.css",
            get((style, include_str!("../../site/style.css"))),
        )
        .route("/login", post(post_login))
        .route("/logout", post(post_logout))
        .route("/me", get(me))
        .layer(io.layer())
        // In front of the server, which so gets to know what this finds out.
        .layer(logins);
    (io, app)
}

// ---- Requests -----------------------------------------------------------------------------

async fn post_login(mut auth: AuthSession, Form(login): Form<Login>) -> impl IntoResponse {
    match auth.authenticate(login).await {
        Ok(Some(user)) => match auth.login(&user).await {
            Ok(()) => Redirect::to("/").into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
        _ => (StatusCode::UNAUTHORIZED, "wrong name or password").into_response(),
    }
}

async fn post_logout(mut auth: AuthSession) -> impl IntoResponse {
    match auth.logout().await {
        Ok(_) => Redirect::to("/").into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Name, and how often something was said.
async fn me(auth: AuthSession) -> Json<(Option<String>, u32)> {
    let said = auth.session.get("said").await.ok().flatten();
    Json((auth.user.map(|user| user.name), said.unwrap_or_default()))
}

// ---- Connections --------------------------------------------------------------------------

/// Who the browser has logged in as when it opens a connection.
async fn current_user(request: Parts) -> Option<User> {
    request.extensions.get::<AuthSession>()?.user.clone()
}

fn peer(request: &Parts) -> Peer {
    let peer = request.extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map_or_else(Peer::default, |peer| Peer::at(peer.0))
}

/// A login over the socket stays there: HTTP learns nothing of it, as no cookie can be set.
async fn log_in(
    session: CurrentUser,
    State(users): State<Users>,
    Data(login): Data<Login>,
) -> Result<bool, BoxError> {
    let user = users.authenticate(login).await?;
    let is_known = user.is_some();
    if is_known {
        session.save(user);
    }
    Ok(is_known)
}

/// Only those who have logged in are let in.
async fn enter(
    session: CurrentUser,
    socket: Socket,
    peer: Option<PeerAddr>,
) -> Result<(), ConnectError> {
    let user = session.get();
    let user = user.as_ref().as_ref();
    let user = user.ok_or_else(|| ConnectError::new("log in first"))?;
    println!("{} has come from {:?}", user.name, peer.map(|peer| peer.0));
    let welcome = socket.emit("welcome", &user.name);
    welcome
        .map(drop)
        .map_err(|_| ConnectError::new("no welcome"))
}

async fn say(
    io: Io,
    current: CurrentUser,
    session: StoredSession,
    Data(text): Data<String>,
) -> Result<u32, BoxError> {
    let user = current.get();
    let name = user.as_ref().as_ref().map(|user| &user.name);
    io.of("/members").emit("said", &(name, text))?;
    let said = session.get::<u32>("said").await?.unwrap_or_default() + 1;
    session.insert("said", said).await?;
    Ok(said)
}

#[cfg(test)]
mod tests;
