//! Which features can be built on this machine: some want a library of the system.

use std::{collections::BTreeMap, process::Command, time::Duration};

use crate::{
    process::{self, Stop},
    workspace::Workspace,
};

/// A feature that is nothing without a library of the system.
pub(crate) struct Native {
    package: &'static str,
    feature: &'static str,
    /// Its name for `pkg-config`.
    library: &'static str,
    /// What brings it.
    install: &'static str,
}

/// TLS by the system's own library.
pub(crate) const TLS_NATIVE: Native = Native {
    package: "socketio-client",
    feature: "tls-native",
    library: "openssl",
    install: "apt install pkg-config libssl-dev",
};

const NATIVE: &[Native] = &[TLS_NATIVE];

const DEADLINE: Duration = Duration::from_secs(10);

impl Native {
    /// Without the library the step is not run.
    pub(crate) fn require(&self) -> Result<(), Stop> {
        self.missing().map_or(Ok(()), |why| Err(Stop::NotRun(why)))
    }

    /// What is missing, and how to get it.
    fn missing(&self) -> Option<String> {
        let mut probe = Command::new("pkg-config");
        probe.args(["--exists", self.library]);
        let is_here = process::run(&mut probe, DEADLINE).is_ok();
        (!is_here).then(|| format!("{} is missing: {}", self.library, self.install))
    }
}

/// The features of each member that can be built here. Says which cannot.
pub(crate) fn buildable(workspace: &Workspace) -> BTreeMap<&str, Vec<&str>> {
    let mut missing = Vec::new();
    for native in NATIVE {
        if let Some(why) = native.missing() {
            println!("without {} of {}: {why}", native.feature, native.package);
            missing.push((native.package, native.feature));
        }
    }
    without(workspace, &missing)
}

/// All features that can be built here, as `cargo --workspace --features` takes them.
pub(crate) fn all(workspace: &Workspace) -> String {
    let names = buildable(workspace)
        .into_iter()
        .flat_map(|(package, features)| {
            let qualified = move |feature| format!("{package}/{feature}");
            features.into_iter().map(qualified)
        });
    names.collect::<Vec<_>>().join(",")
}

fn without<'a>(
    workspace: &'a Workspace,
    missing: &[(&str, &str)],
) -> BTreeMap<&'a str, Vec<&'a str>> {
    let packages = workspace.packages.iter();
    packages
        .map(|package| {
            let name = package.name.as_str();
            let features = package.features.keys().map(String::as_str);
            let is_here = |feature: &&str| !missing.contains(&(name, feature));
            (name, features.filter(is_here).collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_without_its_library_is_left_out() {
        let workspace = Workspace::load().unwrap();
        let client = |missing: &[(&str, &str)]| {
            let features = without(&workspace, missing);
            features["socketio-client"].contains(&"tls-native")
        };
        assert!(client(&[]));
        assert!(client(&[("socketio-server", "tls-native")]));
        assert!(!client(&[("socketio-client", "tls-native")]));
    }

    #[test]
    fn native_features_exist() {
        let workspace = Workspace::load().unwrap();
        let features = without(&workspace, &[]);
        for native in NATIVE {
            assert!(features[native.package].contains(&native.feature));
        }
    }
}
