//! Where the test vectors are: `QSDM_VECTORS`, else `../shared/vectors` seen from the repository's root.
//!
//! Vectors come as `.tar.zst` archives. Each is unpacked once into `target/vectors/<hash of the archive>`, so that a
//! changed archive is never answered from an old folder.

use crate::tidy::root;
use serde_json::Value;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// A sample of the Ethereum state, trie, RLP and transaction tests.
pub const ETHEREUM_SAMPLE: &str = "state/eest-sample.tar.zst";

/// A folder of the Ethereum sample, unpacked. `None` where there are no vectors; that is said on standard error.
///
/// # Errors
/// The reason, where there are vectors but they can't be read.
pub fn ethereum(folder: &str) -> Result<Option<PathBuf>, String> {
    let Some(unpacked) = unpacked(ETHEREUM_SAMPLE)? else { return Ok(None) };
    let path = unpacked.join("sample").join(folder);
    if path.is_dir() { Ok(Some(path)) } else { Err(format!("{ETHEREUM_SAMPLE} has no folder {folder}")) }
}

/// The folder of all vectors.
pub fn folder() -> PathBuf {
    std::env::var_os("QSDM_VECTORS").map_or_else(|| root().join("../shared/vectors"), PathBuf::from)
}

/// The folder into which an archive is unpacked. `None` where there is no such archive; that is said on standard error.
///
/// # Errors
/// The reason, where there is an archive but it can't be unpacked.
pub fn unpacked(archive: &str) -> Result<Option<PathBuf>, String> {
    let archive = folder().join(archive);
    let unpacked = unpack(&archive, &root().join("target/vectors"))?;
    if unpacked.is_none() {
        let name = archive.display();
        say(&format!("SKIPPED: no test vectors at {name}; set QSDM_VECTORS to the folder that has them"));
    }
    Ok(unpacked)
}

/// Unpacks an archive, if it exists, into `into/<hash>`, unless that is there.
fn unpack(archive: &Path, into: &Path) -> Result<Option<PathBuf>, String> {
    if !archive.is_file() {
        return Ok(None);
    }
    let failed = |error: io::Error| format!("{} could not be unpacked: {error}", archive.display());
    let bytes = fs::read(archive).map_err(failed)?;
    let hash = blake3::hash(&bytes).to_hex();
    let target = into.join(&hash.as_str()[..32]);
    if target.is_dir() {
        return Ok(Some(target));
    }
    // Tests run side by side, as threads and as processes: each unpacks for itself, the first to finish wins.
    static ATTEMPTS: AtomicU64 = AtomicU64::new(0);
    let attempt = ATTEMPTS.fetch_add(1, Ordering::Relaxed);
    let partial = target.with_extension(format!("partial-{}-{attempt}", std::process::id()));
    let unpacked = extract(&bytes, &partial).and_then(|()| match fs::rename(&partial, &target) {
        Err(_) if target.is_dir() => Ok(()),
        renamed => renamed,
    });
    if partial.is_dir() {
        fs::remove_dir_all(&partial).map_err(failed)?;
    }
    unpacked.map_err(failed)?;
    Ok(Some(target))
}

fn extract(bytes: &[u8], into: &Path) -> io::Result<()> {
    fs::create_dir_all(into)?;
    tar::Archive::new(zstd::Decoder::new(bytes)?).unpack(into)
}

fn say(text: &str) {
    // Past the capture of the test harness, so that it is seen in a passing run too.
    let _ = io::Write::write_all(&mut io::stderr(), format!("{text}\n").as_bytes());
}

/// All `.json` files below a folder, sorted by path.
///
/// # Errors
/// The folder that can't be read, and why.
pub fn json_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        let failed = |error: io::Error| format!("{} could not be read: {error}", folder.display());
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The tests of one file by name: the members of its JSON object.
///
/// # Errors
/// The file and what is wrong with it.
pub fn cases(file: &Path) -> Result<Vec<(String, Value)>, String> {
    let text = fs::read(file).map_err(|error| format!("{} could not be read: {error}", file.display()))?;
    match serde_json::from_slice(&text) {
        Ok(Value::Object(cases)) => Ok(cases.into_iter().collect()),
        Ok(_) => Err(format!("{} holds no JSON object", file.display())),
        Err(error) => Err(format!("{} holds no JSON: {error}", file.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(folder: &Path, text: &[u8]) -> PathBuf {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, "sample/a.json", text).unwrap();
        let path = folder.join("a.tar.zst");
        fs::write(&path, zstd::encode_all(builder.into_inner().unwrap().as_slice(), 1).unwrap()).unwrap();
        path
    }

    #[test]
    fn an_archive_is_unpacked_once_and_again_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let into = folder.path().join("into");
        let first = unpack(&archive(folder.path(), br#"{"x":1}"#), &into).unwrap().unwrap();
        let file = first.join("sample/a.json");
        assert_eq!(json_files(&first).unwrap(), std::slice::from_ref(&file));
        assert_eq!(cases(&file).unwrap(), vec![("x".to_owned(), Value::from(1))]);
        fs::write(&file, "[]").unwrap();
        assert_eq!(unpack(&folder.path().join("a.tar.zst"), &into).unwrap().unwrap(), first);
        assert!(cases(&file).unwrap_err().contains("no JSON object"), "the folder was not unpacked again");
        let second = unpack(&archive(folder.path(), br#"{"x":2}"#), &into).unwrap().unwrap();
        assert_ne!(first, second);
        assert_eq!(cases(&second.join("sample/a.json")).unwrap(), vec![("x".to_owned(), Value::from(2))]);
        assert_eq!(fs::read_dir(&into).unwrap().count(), 2, "nothing half done is left");
    }

    #[test]
    fn a_missing_archive_is_no_error_and_a_broken_one_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar.zst");
        assert_eq!(unpack(&path, folder.path()), Ok(None));
        fs::write(&path, "no archive").unwrap();
        assert!(unpack(&path, folder.path()).unwrap_err().contains("could not be unpacked"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing half done is left");
    }
}
