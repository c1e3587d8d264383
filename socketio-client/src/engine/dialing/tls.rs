//! Whom the client believes, and who it says it is.

use std::sync::{Arc, mpsc};

use rustls::ServerConfig;
use rustls::crypto::ring;

use super::{DIALERS, RoundTrip, proxy, through};
use crate::engine::testing::certificates::{Authority, accept, echo};
use crate::engine::testing::serve;
use crate::engine::{Config, Target, Tls, testing, tls};

const NAME: &str = "localhost";

/// The libraries that are built in, as choices.
const LIBRARIES: &[fn(Tls) -> Tls] = &[
    |tls| tls,
    #[cfg(feature = "tls-native")]
    Tls::with_native_library,
];

/// Each dialer with each library.
fn each(mut check: impl FnMut(RoundTrip, fn(Tls) -> Tls)) {
    for &library in LIBRARIES {
        for round_trip in DIALERS {
            check(round_trip, library);
        }
    }
}

fn with(tls: Tls) -> Config {
    let mut config = Config::new("");
    config.tls = tls;
    config
}

fn server(config: ServerConfig) -> Target {
    let port = serve(move |stream| {
        echo(config, stream);
    });
    Target::new(NAME, port, true)
}

#[test]
fn a_server_of_the_given_root_is_believed() {
    let authority = Authority::new();
    each(|round_trip, library| {
        let tls = library(Tls::new().with_root_pem(authority.pem()));
        round_trip(with(tls), server(authority.server(NAME))).unwrap();
        let tls = library(Tls::new().with_root_der(authority.der()));
        round_trip(with(tls), server(authority.server(NAME))).unwrap();
    });
}

#[test]
fn a_server_may_be_certified_by_address() {
    let authority = Authority::new();
    each(|round_trip, library| {
        let tls = library(Tls::new().with_root_pem(authority.pem()));
        let mut target = server(authority.server("127.0.0.1"));
        target.host = "127.0.0.1".into();
        round_trip(with(tls), target).unwrap();
    });
}

#[test]
fn every_other_server_is_refused() {
    let authority = Authority::new();
    each(|round_trip, library| {
        let refused = |tls, server_config| {
            round_trip(with(library(tls)), server(server_config)).unwrap_err();
        };
        let trusting = Tls::new().with_root_pem(authority.pem());
        // The system does not know the root.
        refused(Tls::new(), authority.server(NAME));
        // Another root.
        refused(trusting.clone(), Authority::new().server(NAME));
        // Another name.
        refused(trusting, authority.server("example.org"));
    });
}

#[test]
fn without_verification_anybody_is_believed() {
    each(|round_trip, library| {
        let tls = library(Tls::new().danger_accept_any_certificate());
        round_trip(with(tls), server(Authority::new().server("example.org"))).unwrap();
    });
}

#[test]
fn a_server_may_ask_who_the_client_is() {
    let authority = Authority::new();
    each(|round_trip, library| {
        let anonymous = library(Tls::new().with_root_pem(authority.pem()));
        let strict = || server(authority.strict_server(NAME));
        round_trip(with(anonymous.clone()), strict()).unwrap_err();

        let me = authority.certify("client");
        let known = anonymous.with_client_certificate(me.chain_pem(), me.key_pem());
        round_trip(with(known), strict()).unwrap();
    });
}

#[test]
fn a_configuration_of_rustls_is_used_as_it_is() {
    let authority = Authority::new();
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(authority.roots())
        .with_no_client_auth();
    let config = Arc::new(config);
    for round_trip in DIALERS {
        let tls = tls::rustls::from_config(config.clone());
        round_trip(with(tls), server(authority.server(NAME))).unwrap();
    }
}

#[test]
fn http_1_1_is_agreed_on() {
    let authority = Authority::new();
    each(|round_trip, library| {
        let config = authority.server(NAME);
        let (sender, agreed) = mpsc::channel();
        let port = serve(move |stream| {
            sender.send(echo(config, stream)).unwrap();
        });
        let tls = library(Tls::new().with_root_pem(authority.pem()));
        round_trip(with(tls), Target::new(NAME, port, true)).unwrap();
        assert_eq!(agreed.recv().unwrap().unwrap(), b"http/1.1");
    });
}

#[test]
fn tls_is_spoken_inside_of_a_tunnel() {
    let authority = Authority::new();
    each(|round_trip, library| {
        let server = authority.server("server.invalid");
        let port = serve(move |mut stream| {
            proxy::accept_socks5(&mut stream, false);
            echo(server, stream);
        });
        let mut config = through("socks5://localhost", port);
        config.tls = library(Tls::new().with_root_pem(authority.pem()));
        round_trip(config, Target::new("server.invalid", 443, true)).unwrap();
    });
}

#[test]
fn a_proxy_may_be_reached_by_tls() {
    let authority = Authority::new();
    each(|round_trip, library| {
        let outer = authority.server(NAME);
        let inner = authority.server("server.invalid");
        let port = serve(move |stream| {
            let mut stream = accept(outer, stream);
            proxy::accept_http(&mut stream, true);
            echo(inner, &mut stream);
            // Not before the client has left: what it has not read yet would be lost.
            testing::echo(stream);
        });
        let mut config = through("https://aladdin:sesame@localhost", port);
        config.tls = library(Tls::new().with_root_pem(authority.pem()));
        round_trip(config, Target::new("server.invalid", 443, true)).unwrap();
    });
}

#[test]
fn what_is_no_certificate_is_an_error_of_the_dial() {
    each(|round_trip, library| {
        for tls in [
            Tls::new().with_root_pem("nonsense"),
            Tls::new().with_root_der("nonsense"),
            Tls::new().with_client_certificate("nonsense", "nonsense"),
        ] {
            let target = server(Authority::new().server(NAME));
            round_trip(with(library(tls)), target).unwrap_err();
        }
    });
}

#[test]
fn a_private_key_is_not_shown() {
    let me = Authority::new().certify("client");
    let tls = Tls::new().with_client_certificate(me.chain_pem(), me.key_pem());
    let shown = format!("{tls:?}");
    assert!(shown.contains("client_certificate: true"), "{shown}");
    assert!(shown.len() < 200, "{shown}");
}
