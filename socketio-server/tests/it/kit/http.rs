//! What goes over HTTP beside and below the clients: headers, cookies, the application's own service.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderName, Request, Response, StatusCode};
use http_body_util::Full;
use socketio_server::test::{Refusal, Server};
use socketio_server::{Io, Mounted, Socket};
use tower::{Layer, Service};

/// An application's HTTP service: `POST /login` sets a cookie.
#[derive(Clone)]
struct Login;

impl<B> Service<Request<B>> for Login {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let response = Response::builder();
        let response = match request.uri().path() {
            "/login" => response
                .header(SET_COOKIE, "user=alice; HttpOnly")
                .header(SET_COOKIE, "theme=dark"),
            _ => response.status(StatusCode::NOT_FOUND),
        };
        ready(Ok(response.body(Full::from("hello")).unwrap()))
    }
}

/// A layer in front of everything: banned addresses are turned away.
#[derive(Clone)]
struct Ban(Mounted<Io, Login>);

impl<B> Service<Request<B>> for Ban
where
    Mounted<Io, Login>: Service<Request<B>, Response = Answer, Error = Infallible>,
    <Mounted<Io, Login> as Service<Request<B>>>::Future: Send + 'static,
{
    type Response = Answer;
    type Error = Infallible;
    type Future = futures_util::future::Either<
        Ready<Result<Answer, Infallible>>,
        <Mounted<Io, Login> as Service<Request<B>>>::Future,
    >;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let peer = request.extensions().get::<SocketAddr>();
        if peer.is_some_and(|peer| peer.port() == 666) {
            let body = http_body_util::Either::Left(Full::from("banned"));
            let mut response = Response::new(body);
            *response.status_mut() = StatusCode::FORBIDDEN;
            return futures_util::future::Either::Left(ready(Ok(response)));
        }
        futures_util::future::Either::Right(self.0.call(request))
    }
}

type Answer = Response<http_body_util::Either<Full<Bytes>, Full<Bytes>>>;

fn server() -> Server {
    let io = Io::builder()
        .keep_headers([COOKIE, HeaderName::from_static("x-device")])
        .build();
    io.on(
        "header",
        async |socket: Socket, name: socketio_server::Data<String>| {
            let values = socket.handshake().headers().get_all(name.as_str());
            let values = values.iter().map(|value| value.to_str().unwrap());
            values.collect::<Vec<_>>().join(", ")
        },
    );
    io.on("query", async |socket: Socket| {
        socket.handshake().query().to_owned()
    });
    let app = Ban(io.layer().layer(Login));
    Server::with_service(&io, app)
}

#[tokio::test(start_paused = true)]
async fn a_login_is_known_to_the_handlers() {
    let server = server();
    let request = Request::post("/login").body("user=alice").unwrap();
    let login = server.request(request).await;
    assert_eq!(
        (login.status(), &login.body()[..]),
        (StatusCode::OK, &b"hello"[..])
    );
    for connect in [
        server.connect(),
        server.connect().polling(),
        server.connect().upgrading(),
    ] {
        let client = connect.cookies(&login).await.unwrap();
        let cookies: String = client.call("header", "cookie").await.unwrap();
        assert_eq!(cookies, "user=alice; theme=dark");
    }
    let stranger = server.connect().cookies(&Response::new(())).await.unwrap();
    let cookies: String = stranger.call("header", "cookie").await.unwrap();
    assert_eq!(cookies, "");
}

#[tokio::test(start_paused = true)]
async fn headers_and_queries_reach_the_handlers() {
    let server = server();
    for connect in [server.connect(), server.connect().polling()] {
        let connect = connect
            .header("x-device", "phone")
            .header("x-device", "old")
            .query("room=1&lang=de")
            .query("empty");
        let client = connect.await.unwrap();
        let device: String = client.call("header", "x-device").await.unwrap();
        assert_eq!(device, "phone, old");
        let query: String = client.call("query", &()).await.unwrap();
        assert!(query.ends_with("&room=1&lang=de&empty"), "{query}");
    }
}

#[tokio::test(start_paused = true)]
async fn layers_in_front_see_where_clients_come_from() {
    let server = server();
    let from = |port: u16| SocketAddr::from(([10, 0, 0, 1], port));
    for connect in [
        server.connect().extension(from(666)),
        server.connect().polling().extension(from(666)),
    ] {
        let refusal = connect.await.unwrap_err();
        assert_eq!(
            refusal,
            Refusal::Http {
                status: StatusCode::FORBIDDEN,
                body: "banned".to_owned()
            }
        );
        assert_eq!(refusal.message(), "refused with 403 Forbidden: banned");
    }
    let client = server.connect().polling().extension(from(1)).await;
    assert!(client.is_ok());

    let request = |port| Request::get("/login").extension(from(port)).body("");
    let banned = server.request(request(666).unwrap()).await;
    assert_eq!(banned.status(), StatusCode::FORBIDDEN);
    let login = server.request(request(1).unwrap()).await;
    assert_eq!(login.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn without_a_service_other_requests_are_answered_as_by_serve() {
    let server = Server::new(&Io::builder().build());
    let answer = server.request(Request::get("/").body("").unwrap()).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    assert_eq!(&answer.body()[..], b"not found\n");
}

#[tokio::test(start_paused = true)]
async fn a_server_may_have_another_path() {
    let server = Server::new(&Io::builder().path("/realtime/").build());
    for connect in [server.connect(), server.connect().polling()] {
        assert!(connect.await.is_ok());
    }
}
