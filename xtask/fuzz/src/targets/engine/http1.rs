//! Requests on a connection: wherever a read ends, they are the same.

use engineio_proto::{
    http1::{Call, Decoder},
    server::{Config, Response},
};

use crate::input::Input;

const PATH: &str = "/engine.io/";

pub(in crate::targets) fn http1(input: &[u8]) {
    let mut input = Input::new(input);
    let config = Config {
        max_payload: 64,
        ..Config::default()
    };
    let cut = input.number() as usize;
    let bytes = input.rest();
    let (start, end) = bytes.split_at(cut.min(bytes.len()));
    let whole = decode(&[bytes], &config);
    let parts = decode(&[start, end], &config);
    match (&whole, &parts) {
        (Ok(Some(whole)), Ok(Some(parts))) => {
            assert!(whole.body.len() <= config.max_payload);
            assert_eq!(whole.body, parts.body);
            assert_eq!(whole.switch, parts.switch);
            assert_eq!(
                format!("{:?}", (&whole.wanted, whole.content)),
                format!("{:?}", (&parts.wanted, parts.content))
            );
        }
        (Ok(None), Ok(None)) => {}
        (Err(whole), Err(parts)) => {
            assert!((400..500).contains(&whole.status));
            assert_eq!(whole.status, parts.status);
        }
        _ => panic!("it depends on where the read ends"),
    }
}

/// The outcome of the first read that has one.
fn decode(reads: &[&[u8]], config: &Config) -> Result<Option<Call>, Response> {
    let mut decoder = Decoder::default();
    for read in reads.iter().filter(|read| !read.is_empty()) {
        if let Some(call) = decoder.decode(read, PATH, config)? {
            return Ok(Some(call));
        }
    }
    Ok(None)
}
