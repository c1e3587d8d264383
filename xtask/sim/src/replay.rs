//! A file of recorded sessions and connections, run through the core again: each layer finds its own
//! lines.

use std::{fmt, fs, path::Path, process::ExitCode};

use serde_json::Value;

/// Where a replay leaves the record, in whichever layer.
#[derive(Debug)]
pub(crate) struct Divergence {
    line: usize,
    recorded: String,
    replayed: String,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, recorded, replayed) = (self.line, &self.recorded, &self.replayed);
        write!(f, "line {line}\nrecorded: {recorded}\nreplayed: {replayed}")
    }
}

/// The layers differ in their machines, not in how they report.
macro_rules! from {
    ($layer:ident) => {
        impl From<$layer::record::Divergence> for Divergence {
            fn from(divergence: $layer::record::Divergence) -> Self {
                Self {
                    line: divergence.line,
                    recorded: divergence.recorded,
                    replayed: divergence.replayed,
                }
            }
        }
    };
}

from!(engineio_proto);
from!(socketio_proto);

/// Reports the first difference, if there is one.
pub(crate) fn run(file: &Path) -> ExitCode {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{}: {error}", file.display());
            return ExitCode::FAILURE;
        }
    };
    match replay_all(text.lines()) {
        Ok(0) => {
            eprintln!("{}: nothing is recorded there", file.display());
            ExitCode::FAILURE
        }
        Ok(outputs) => {
            println!("{outputs} outputs, all as recorded");
            ExitCode::SUCCESS
        }
        Err(divergence) => {
            println!("{divergence}");
            ExitCode::FAILURE
        }
    }
}

/// Runs both layers again and returns how many outputs were the same, or else the first difference.
pub(crate) fn replay_all<'a>(
    lines: impl Iterator<Item = &'a str> + Clone,
) -> Result<usize, Divergence> {
    check_layers(lines.clone())?;
    let below = engineio_proto::record::replay(lines.clone()).map_err(Divergence::from);
    let above = socketio_proto::record::replay(lines).map_err(Divergence::from);
    match (below, above) {
        (Ok(below), Ok(above)) => Ok(below + above),
        (Err(below), Err(above)) if above.line < below.line => Err(above),
        (Err(below), _) => Err(below),
        (Ok(_), Err(above)) => Err(above),
    }
}

/// A layer skips what is not its own, so somebody has to see what is nobody's.
fn check_layers<'a>(lines: impl Iterator<Item = &'a str>) -> Result<(), Divergence> {
    let known = [engineio_proto::record::LAYER, socketio_proto::record::LAYER];
    for (index, text) in lines.enumerate() {
        let line: Value = serde_json::from_str(text).unwrap_or_default();
        if line.get("record").is_some() && !known.iter().any(|layer| line["layer"] == *layer) {
            return Err(Divergence {
                line: index + 1,
                recorded: text.to_owned(),
                replayed: "no layer of that name".to_owned(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BELOW: &str = r#"{"record":1,"layer":"engineio","role":"server","of":"engine","at":0,
        "payloads":false,"format":{"revision":"4","base64":false,"jsonp":null},
        "config":{"polling":null,"link":0,"ping_interval":25000,"ping_timeout":20000,
        "upgrade_timeout":10000,"close_timeout":30000,"max_payload":1000000,"websocket":true,
        "allow_upgrades":true}}"#;
    const ABOVE: &str = r#"{"record":1,"layer":"socketio","role":"server","of":"socket","at":0,
        "connect_timeout":45000,"payloads":false,"parser":null,"revision":"5",
        "limits":{"attachments":10,"attachment_bytes":1,"namespaces":1,"namespace_len":9}}"#;

    fn lines() -> Vec<String> {
        let mut lines: Vec<_> = [BELOW, ABOVE].map(|it| it.replace('\n', "")).into();
        lines.extend(
            [
                r#"{"at":1,"in":"text","link":0,"of":"engine","packet":"4:1"}"#,
                r#"{"at":1,"in":"text","of":"socket","packet":"0"}"#,
                r#"{"auth":false,"name":"/","nsp":[0,0],"of":"socket","out":"connect"}"#,
                r#"{"of":"engine","out":"message","packet":"4:1"}"#,
            ]
            .map(str::to_owned),
        );
        lines
    }

    fn replayed(lines: &[String]) -> Result<usize, (usize, String)> {
        let result = replay_all(lines.iter().map(String::as_str));
        result.map_err(|divergence| (divergence.line, divergence.replayed))
    }

    #[test]
    fn layers_share_a_file() {
        assert_eq!(replayed(&lines()), Ok(2));
    }

    #[test]
    fn the_first_difference_is_reported_whichever_layer_sees_it() {
        let mut wrong = lines();
        wrong[5] = wrong[5].replace("4:1", "4:2");
        assert_eq!(replayed(&wrong).unwrap_err().0, 6);
        wrong[4] = wrong[4].replace("false", "true");
        assert_eq!(replayed(&wrong).unwrap_err().0, 5);
    }

    #[test]
    fn a_layer_that_nobody_knows_is_refused() {
        let mut wrong = lines();
        wrong[1] = wrong[1].replace("socketio", "carrier pigeons");
        let (line, why) = replayed(&wrong).unwrap_err();
        assert_eq!((line, &*why), (2, "no layer of that name"));
    }
}
