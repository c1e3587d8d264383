//! The application as browsers use it.

use axum::body::Bytes;
use axum::http::header::{COOKIE, LOCATION, SET_COOKIE};
use axum::http::{Request, Response, StatusCode};
use serde_json::json;
use socketio_server::test::{Refusal, Server};

use super::*;

fn server() -> Server {
    let (io, app) = application();
    Server::with_service(&io, app)
}

async fn log_in_over_http(server: &Server, body: &'static str) -> Response<Bytes> {
    let request = Request::post("/login").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    server.request(request.body(body).unwrap()).await
}

/// What `GET /me` tells the browser that got this answer.
async fn me_of(server: &Server, browser: &Response<Bytes>) -> (Option<String>, u32) {
    let mut request = Request::get("/me").body("").unwrap();
    if let Some(cookie) = browser.headers().get(SET_COOKIE) {
        let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
        let cookie = cookie.parse().unwrap();
        request.headers_mut().insert(COOKIE, cookie);
    }
    let answer = server.request(request).await;
    serde_json::from_slice(answer.body()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn who_has_logged_in_over_http_is_known_to_the_handlers() {
    let server = server();
    let browser = log_in_over_http(&server, "name=alice&password=wonderland").await;
    assert_eq!(browser.headers()[LOCATION], "/");
    assert_eq!(
        me_of(&server, &browser).await,
        (Some("alice".to_owned()), 0)
    );
    for connect in [server.connect(), server.connect().polling()] {
        let connect = connect.namespace("/members").cookies(&browser);
        let mut client = connect.await.unwrap();
        assert_eq!(client.expect::<String>("welcome").await, "alice");
        client.disconnect();
    }
}

#[tokio::test(start_paused = true)]
async fn what_handlers_put_into_the_session_http_finds_there() {
    let server = server();
    let browser = log_in_over_http(&server, "name=bob&password=builder").await;
    let connect = server.connect().namespace("/members").cookies(&browser);
    let mut client = connect.await.unwrap();
    client.expect::<String>("welcome").await;
    for expected in 1..=2 {
        let said: u32 = client.call("say", "hello").await.unwrap();
        assert_eq!(said, expected);
        assert_eq!(me_of(&server, &browser).await.1, expected);
    }
    let said: (String, String) = client.expect("said").await;
    assert_eq!(said, ("bob".to_owned(), "hello".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn who_is_nobody_is_not_let_in() {
    let server = server();
    let refusal = server.connect().namespace("/members").await.unwrap_err();
    assert_eq!(refusal.message(), "log in first");
    let browser = log_in_over_http(&server, "name=alice&password=rabbit").await;
    assert_eq!(browser.status(), StatusCode::UNAUTHORIZED);
    let connect = server.connect().namespace("/members").cookies(&browser);
    assert_eq!(connect.await.unwrap_err().message(), "log in first");
}

#[tokio::test(start_paused = true)]
async fn a_login_over_the_socket_opens_the_same_door_and_stays_there() {
    let server = server();
    let client = server.connect().await.unwrap();
    let wrong = json!({ "name": "bob", "password": "wonderland" });
    assert!(!client.call::<bool>("log in", &wrong).await.unwrap());
    let refusal = client.join("/members").await.unwrap_err();
    assert_eq!(refusal.message(), "log in first");

    let right = json!({ "name": "bob", "password": "builder" });
    assert!(client.call::<bool>("log in", &right).await.unwrap());
    let mut member = client.join("/members").await.unwrap();
    assert_eq!(member.expect::<String>("welcome").await, "bob");
    let nobody = Response::new(Bytes::new());
    assert_eq!(me_of(&server, &nobody).await, (None, 0));
}

#[tokio::test(start_paused = true)]
async fn who_logs_out_is_let_in_no_more() {
    let server = server();
    let browser = log_in_over_http(&server, "name=alice&password=wonderland").await;
    let cookie = browser.headers()[SET_COOKIE].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap();
    let request = Request::post("/logout").header(COOKIE, cookie).body("");
    server.request(request.unwrap()).await;
    let connect = server.connect().namespace("/members").cookies(&browser);
    assert_eq!(connect.await.unwrap_err().message(), "log in first");
}

#[tokio::test(start_paused = true)]
async fn pages_of_other_origins_stay_outside() {
    let server = server();
    let connect = server.connect().header("origin", "https://evil.com");
    let Refusal::Http { status, body } = connect.await.unwrap_err() else {
        panic!("let in");
    };
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(body, "Not an accepted origin.");
}
