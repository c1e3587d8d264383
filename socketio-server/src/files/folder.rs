//! A folder of its own for each test that needs files; it goes when it is dropped.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// A folder with these files, as (path below it, content).
    pub(super) fn with(files: &[(&str, &str)]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("socketio-files-{}-{count}", process::id()));
        fs::create_dir(&path).unwrap();
        let folder = Self(fs::canonicalize(path).unwrap());
        for (path, content) in files {
            folder.write(path, content);
        }
        folder
    }

    pub(super) fn write(&self, path: &str, content: &str) {
        let file = self.0.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The path of something below it, as text; a slash at its end is kept.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}/{path}", self.0.display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
