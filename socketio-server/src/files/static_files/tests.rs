//! Rules against real folders.

use http::{Method, StatusCode};
use http_body_util::BodyExt;

use super::*;
use crate::files::folder::Folder;

#[test]
fn exact_rule_wins_then_the_longest_on_segment_borders() {
    let folder = Folder::with(&[
        ("index.html", "index"),
        ("public/a.css", "public"),
        ("public/deep/a.css", "shadowed"),
        ("deep/a.css", "deep"),
        ("one.css", "one"),
    ]);
    let files = StaticFiles::new()
        .route("/", folder.at("index.html"))
        .route("/static", folder.at("public"))
        .route("/static/deep", folder.at("deep"))
        .route("/static/deep/one.css", folder.at("one.css"))
        .route("/below/", folder.at("public/"))
        .route("relative", folder.at("one.css"));
    check(
        &files,
        &[
            ("/", Some("index")),
            ("/x", None),
            ("/static/a.css", Some("public")),
            ("/static/a.css?v=1", Some("public")),
            ("/static/a%2Ecss", Some("public")),
            ("/static%2fa.css", Some("public")),
            ("/static/deep/a.css", Some("deep")),
            ("/static/deep/one.css", Some("one")),
            ("/staticky/a.css", None),
            ("/static-a.css", None),
            ("/below/a.css", Some("public")),
            ("/below/deep/a.css", Some("shadowed")),
            ("/below", None),
            ("/relative", Some("one")),
            ("/nothing/here", None),
        ],
    );
}

#[test]
fn the_rule_that_matches_decides_alone() {
    let folder = Folder::with(&[("a/deep/x.css", "a"), ("b/y.css", "b")]);
    let files = StaticFiles::new()
        .route("/", folder.at("a"))
        .route("/deep", folder.at("b"));
    check(&files, &[("/deep/y.css", Some("b")), ("/deep/x.css", None)]);
}

#[test]
fn a_slash_means_the_default_file_and_a_folder_is_no_file() {
    let folder = Folder::with(&[
        ("public/index.html", "index"),
        ("public/image.gif", "image"),
        ("public/css/index.html", "css"),
        ("public/empty/a.css", ""),
        ("page.html", "page"),
    ]);
    let files = StaticFiles::new()
        .route("/static", folder.at("public"))
        .route("/", folder.at("public"))
        .route("/slash", folder.at("public/"))
        .route("/page", folder.at("page.html"));
    let table = [
        ("/", Some("index")),
        ("/css/", Some("css")),
        ("/css", None),
        ("/static/", Some("index")),
        ("/static", None),
        ("/static/css/", Some("css")),
        ("/static/css", None),
        ("/static/empty/", None),
        ("/static//", None),
        ("/static/image.gif/", None),
        ("/slash", Some("index")),
        ("/slash/", Some("index")),
        ("/page", Some("page")),
        ("/page/", None),
    ];
    check(&files, &table);
    let files = files.default_file("image.gif");
    check(
        &files,
        &[
            ("/static/", Some("image")),
            ("/", Some("image")),
            ("/css/", None),
        ],
    );
}

#[test]
fn nothing_outside_the_folder_is_served() {
    let folder = Folder::with(&[("public/a.css", "public"), ("secret", "secret")]);
    let files = StaticFiles::new()
        .route("/", folder.at("public"))
        .route("/static", folder.at("public"));
    let secret = folder.at("secret");
    let tricks = [
        "/../secret",
        "/static/../secret",
        "/static/%2e%2e/secret",
        "/static/%2E./secret",
        "/static/..%2fsecret",
        "/static/%252e%252e/secret",
        "/static/..%5csecret",
        "/static/css/../../secret",
        "/static/./a.css",
        "/static/a.css%00",
        "/static/a.css%00.html",
        "/static/../",
        "/static/..",
        &format!("/static/{secret}"),
        &format!("/static{secret}"),
        &format!("/static/{}", secret.replace('/', "%2f")),
        "/static/%",
        "/static/%ff",
    ];
    check(&files, &tricks.map(|path| (path, None)));
    check(&files, &[("/static/a.css", Some("public"))]);
}

#[cfg(unix)]
#[test]
fn links_may_lead_about_in_the_folder_but_not_out_of_it() {
    use std::os::unix::fs::symlink;

    let folder = Folder::with(&[("public/a.css", "public"), ("secret/b.css", "secret")]);
    symlink(folder.at("public/a.css"), folder.at("public/inside.js")).unwrap();
    symlink(folder.at("secret/b.css"), folder.at("public/file.css")).unwrap();
    symlink(folder.at("secret"), folder.at("public/folder")).unwrap();
    symlink(folder.at("public"), folder.at("current")).unwrap();
    let files = StaticFiles::new()
        .route("/static", folder.at("public"))
        .route("/current", folder.at("current"))
        .route("/named.css", folder.at("public/file.css"));
    check(
        &files,
        &[
            ("/static/inside.js", Some("public")),
            ("/static/file.css", None),
            ("/static/folder/b.css", None),
            ("/current/a.css", Some("public")),
            ("/current/file.css", None),
            ("/named.css", Some("secret")),
        ],
    );
    let (head, _) = get(&files, "/static/inside.js").unwrap();
    assert_eq!(head.headers["content-type"], "application/javascript");
}

#[test]
fn content_type_is_the_rules_or_that_of_the_extension() {
    let extensions = [
        ("css", "text/css"),
        ("gif", "image/gif"),
        ("html", "text/html"),
        ("ico", "image/x-icon"),
        ("jpg", "image/jpeg"),
        ("js", "application/javascript"),
        ("json", "application/json"),
        ("map", "application/json"),
        ("mjs", "application/javascript"),
        ("png", "image/png"),
        ("svg", "image/svg+xml"),
        ("txt", "text/plain"),
        ("webp", "image/webp"),
        ("woff2", "font/woff2"),
        ("CSS", "application/octet-stream"),
        ("jpeg", "application/octet-stream"),
    ];
    let folder = Folder::with(&[("noextension", ""), ("index.html", "")]);
    let files = StaticFiles::new().route("/plain", folder.path()).route_as(
        "/typed",
        folder.path(),
        "text/x-special",
    );
    let content_type = |files: &StaticFiles, path: &str| {
        let (head, _) = get(files, path).unwrap();
        head.headers["content-type"].clone()
    };
    for (extension, expected) in extensions {
        // A folder for each: names that differ in case alone are one file on some systems.
        folder.write(&format!("{expected}/{extension}/a.b.{extension}"), "");
        let name = format!("{expected}/{extension}/a.b.{extension}");
        assert_eq!(content_type(&files, &format!("/plain/{name}")), expected);
        assert_eq!(
            content_type(&files, &format!("/typed/{name}")),
            "text/x-special"
        );
    }
    assert_eq!(
        content_type(&files, "/plain/noextension"),
        "application/octet-stream"
    );
    assert_eq!(content_type(&files, "/plain/"), "text/html");
    assert_eq!(content_type(&files, "/typed/"), "text/x-special");
    let files = files.default_file_as("index.html", "text/x-default");
    assert_eq!(content_type(&files, "/plain/"), "text/x-default");
    assert_eq!(content_type(&files, "/typed/"), "text/x-default");
    assert_eq!(content_type(&files, "/plain/index.html"), "text/html");
}

#[test]
fn embedded_content_needs_no_file() {
    let files = StaticFiles::new()
        .embed("/app.js", "application/javascript; charset=utf-8", b"app")
        .embed("/", "text/html", b"home");
    check(
        &files,
        &[
            ("/app.js", Some("app")),
            ("/app.js/", None),
            ("/app.js/x", None),
            ("/", Some("home")),
            ("/x", None),
        ],
    );
    let (head, _) = get(&files, "/app.js").unwrap();
    assert_eq!(
        head.headers["content-type"],
        "application/javascript; charset=utf-8"
    );
    assert!(!format!("{files:?}").contains("home"));
}

#[test]
fn a_later_rule_for_the_same_path_replaces_the_earlier() {
    let files = StaticFiles::new()
        .embed("/a", "text/plain", b"first")
        .embed("a", "text/plain", b"second");
    check(&files, &[("/a", Some("second"))]);
}

#[test]
fn what_the_client_has_is_answered_with_304_until_it_changes() {
    let folder = Folder::with(&[("a.css", "old")]);
    let files = StaticFiles::new()
        .route("/a.css", folder.at("a.css"))
        .embed("/b.css", "text/css", b"embedded");
    for path in ["/a.css", "/b.css"] {
        let (head, _) = get(&files, path).unwrap();
        assert_eq!(head.headers["cache-control"], "no-cache");
        let etag = head.headers["etag"].to_str().unwrap().to_owned();
        assert!(etag.starts_with("W/\""), "{etag}");

        let request = || Request::get(path).header("if-none-match", &etag).body(());
        let (head, body) = respond(&files, &request().unwrap()).unwrap();
        assert_eq!(head.status, StatusCode::NOT_MODIFIED);
        assert_eq!(head.headers["etag"], etag);
        assert_eq!(body, "");

        if path == "/a.css" {
            folder.write("a.css", "longer");
            let (head, body) = respond(&files, &request().unwrap()).unwrap();
            assert_eq!(head.status, StatusCode::OK);
            assert_eq!(body, "longer");
        }
    }
}

#[test]
fn head_is_answered_without_body_and_other_methods_not_at_all() {
    let folder = Folder::with(&[("a.css", "12345")]);
    let files = StaticFiles::new()
        .route("/a.css", folder.at("a.css"))
        .embed("/b.css", "text/css", b"12345");
    for path in ["/a.css", "/b.css"] {
        let (full, _) = get(&files, path).unwrap();
        let (head, body) = respond(&files, &Request::head(path).body(()).unwrap()).unwrap();
        assert_eq!(head.status, StatusCode::OK);
        assert_eq!(head.headers["content-length"], "5");
        assert_eq!(head.headers, full.headers);
        assert_eq!(body, "");
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let request = Request::builder().method(method).uri(path);
            assert!(respond(&files, &request.body(()).unwrap()).is_none());
        }
    }
}

#[test]
fn the_future_can_be_sent_and_kept_although_the_body_cannot_be_shared() {
    fn can_be_spawned<F: Future + Send + 'static>(_: F) {}
    let request = Request::new(std::cell::Cell::new(0));
    can_be_spawned(StaticFiles::new().respond(&request));
    can_be_spawned(async move {
        let response = StaticFiles::new().respond(&request).await;
        (response, request)
    });
}

/// Each path must give this content, or no file.
fn check(files: &StaticFiles, table: &[(&str, Option<&str>)]) {
    for (path, expected) in table {
        let content = get(files, path).map(|(_, body)| body);
        assert_eq!(content.as_deref(), *expected, "{path}");
    }
}

fn get(files: &StaticFiles, path: &str) -> Option<(http::response::Parts, String)> {
    respond(files, &Request::get(path).body(()).unwrap())
}

fn respond(files: &StaticFiles, request: &Request<()>) -> Option<(http::response::Parts, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (head, body) = files.respond(request).await?.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Some((head, String::from_utf8(body.into()).unwrap()))
    })
}
