//! What the real clients and the official suites need on this machine: copies of their folders,
//! and packages from npm, PyPI and Debian.
//!
//! Nothing is installed outside the target folder, except Debian's packages when root runs this.

use std::{fs, io, path::Path, process::Command, time::Duration};

use nix::unistd::Uid;

use crate::process::{self, Stop};

/// How long a registry may take to deliver everything one folder asks for.
const INSTALL_DEADLINE: Duration = Duration::from_secs(15 * 60);

/// What is made where the suites run and must outlive their next copy.
const INSTALLED: [&str; 4] = ["node_modules", "venv", "site-packages", "installed-from"];
/// What tools leave beside the suites' sources and nobody copies.
const LEFT_BEHIND: [&str; 3] = ["node_modules", "venv", "__pycache__"];

/// Makes the folder `there` the same as `here`, except for what is installed or left behind.
pub(crate) fn mirror(here: &Path, there: &Path) -> Result<(), Stop> {
    copy(here, there).map_err(|error| Stop::unusable(there, &error))
}

/// `npm ci` in a folder that has a lock file, unless exactly that lock was installed before.
pub(crate) fn npm_ci(folder: &Path) -> Result<(), Stop> {
    present("npm")?;
    once_per_version(&folder.join("package-lock.json"), || {
        let mut npm = Command::new("npm");
        npm.current_dir(folder)
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        process::run(&mut npm, INSTALL_DEADLINE)
    })
}

/// An interpreter that finds what the folder's `requirements.txt` asks for, installed beside it.
pub(crate) fn python(folder: &Path) -> Result<Command, Stop> {
    present("python3")?;
    let venv = folder.join("venv");
    let packages = folder.join("site-packages");
    let in_venv = || Command::new(venv.join("bin/python"));
    let requirements = folder.join("requirements.txt");
    once_per_version(&requirements, || {
        _ = fs::remove_dir_all(&packages);
        let mut pip = if make_venv(&venv).is_ok() {
            in_venv()
        } else {
            println!("no venv to be had here: the system's pip installs beside it");
            let mut system = Command::new("python3");
            system.env("PIP_TARGET", &packages);
            system
        };
        pip.args(["-m", "pip", "install", "--quiet", "--requirement"])
            .arg(&requirements);
        process::run(&mut pip, INSTALL_DEADLINE)
    })?;
    if !packages.exists() {
        return Ok(in_venv());
    }
    let mut system = Command::new("python3");
    system.env("PYTHONPATH", &packages);
    Ok(system)
}

/// Debian's package, where that is ours to install.
pub(crate) fn apt(package: &str) -> Result<(), Stop> {
    let missing = |why: &str| Stop::NotRun(format!("{package} is missing, and {why}"));
    if !Uid::effective().is_root() {
        return Err(missing("only root can install it"));
    }
    if !process::is_installed(&mut Command::new("apt-get")) {
        return Err(missing("there is no apt-get"));
    }
    for arguments in [&["update"][..], &["install", "--yes", package]] {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive")
            .args(["--quiet", "--quiet"])
            .args(arguments);
        process::run(&mut apt, INSTALL_DEADLINE)
            .map_err(|_| missing("apt-get could not install it"))?;
    }
    Ok(())
}

/// Refuses to go on without `program`.
pub(crate) fn present(program: &str) -> Result<(), Stop> {
    if process::is_installed(&mut Command::new(program)) {
        Ok(())
    } else {
        Err(Stop::NotRun(format!("{program} is missing")))
    }
}

fn copy(here: &Path, there: &Path) -> io::Result<()> {
    fs::create_dir_all(there)?;
    for old in fs::read_dir(there)? {
        let old = old?;
        let name = old.file_name();
        let stays = INSTALLED.iter().any(|kept| name == *kept) || here.join(&name).exists();
        match (stays, old.file_type()?.is_dir()) {
            (true, _) => {}
            (false, true) => fs::remove_dir_all(old.path())?,
            (false, false) => fs::remove_file(old.path())?,
        }
    }
    for new in fs::read_dir(here)? {
        let new = new?;
        let name = new.file_name();
        if LEFT_BEHIND.iter().any(|left| name == *left) {
            continue;
        }
        let target = there.join(&name);
        if new.file_type()?.is_dir() {
            copy(&new.path(), &target)?;
        } else {
            fs::copy(new.path(), target)?;
        }
    }
    Ok(())
}

fn make_venv(folder: &Path) -> Result<(), Stop> {
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(folder);
    process::run(&mut venv, INSTALL_DEADLINE).or_else(|_| {
        apt("python3-venv")?;
        process::run(&mut venv, INSTALL_DEADLINE)
    })
}

/// Runs `install` unless it already succeeded for what `lock` says now.
fn once_per_version(lock: &Path, install: impl FnOnce() -> Result<(), Stop>) -> Result<(), Stop> {
    let stamp = lock.with_file_name("installed-from");
    let wanted = fs::read(lock).map_err(|error| Stop::unusable(lock, &error))?;
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    install()?;
    fs::write(&stamp, wanted).map_err(|error| Stop::unusable(&stamp, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files below a folder, with what they say.
    fn tree(folder: &Path) -> Vec<(String, String)> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files.extend(tree(&path));
            } else {
                let name = path.display().to_string();
                files.push((name, fs::read_to_string(path).unwrap()));
            }
        }
        files.sort();
        files
    }

    fn write(folder: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    #[test]
    fn a_mirror_follows_its_source_and_keeps_what_was_installed() {
        let folder = std::env::temp_dir().join(format!("xtask-mirror-{}", std::process::id()));
        let (here, there) = (folder.join("here"), folder.join("there"));
        write(
            &here,
            &[("a", "new"), ("b/c", "new"), ("b/node_modules/d", "theirs")],
        );
        write(
            &there,
            &[
                ("a", "old"),
                ("e", "old"),
                ("b/node_modules/f", "installed"),
            ],
        );
        mirror(&here, &there).unwrap();

        let found = tree(&there);
        let start = format!("{}/", there.display());
        let found: Vec<_> = found
            .iter()
            .map(|(name, text)| (name.trim_start_matches(&start), text.as_str()))
            .collect();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(
            found,
            [
                ("a", "new"),
                ("b/c", "new"),
                ("b/node_modules/f", "installed")
            ]
        );
    }
}
