//! What every crate has: a README that is its documentation, and no unsafe code.

use super::edges::packages;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Lines a crate's README has: enough to be useful, short enough to be read.
pub const README_LINES: std::ops::RangeInclusive<usize> = 20..=60;

/// One crate: its name, its README and the text of its root file.
#[derive(Debug, Clone)]
pub struct Crate {
    /// The name in its manifest.
    pub name: String,
    /// The text of `README.md` beside its manifest, where there is one.
    pub readme: Option<String>,
    /// The text of `lib.rs`, or of `main.rs` in a crate that has no library.
    pub root: String,
}

/// Reads every crate that `cargo metadata` lists.
///
/// # Errors
/// The reason, where a crate's root file can't be read.
pub fn read(metadata: &Value) -> Result<Vec<Crate>, String> {
    packages(metadata).map(read_one).collect()
}

fn read_one(package: &Value) -> Result<Crate, String> {
    let name = package["name"].as_str().unwrap_or_default().to_owned();
    let manifest = PathBuf::from(package["manifest_path"].as_str().unwrap_or_default());
    let root = root_file(package).ok_or_else(|| format!("{name} has neither a library nor a binary"))?;
    let readme =
        manifest.parent().map(|folder| folder.join("README.md")).and_then(|file| fs::read_to_string(file).ok());
    let root = fs::read_to_string(root).map_err(|error| format!("{name}: {}: {error}", root.display()))?;
    Ok(Crate { name, readme, root })
}

fn root_file(package: &Value) -> Option<&Path> {
    let targets = package["targets"].as_array()?;
    let of_kind = |kind: &str| {
        let is_kind = |target: &&Value| target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|k| k == kind));
        targets.iter().find(is_kind).and_then(|target| target["src_path"].as_str()).map(Path::new)
    };
    of_kind("lib").or_else(|| of_kind("bin"))
}

/// Judges one crate.
pub fn violations(krate: &Crate) -> Vec<String> {
    let name = &krate.name;
    let mut found = Vec::new();
    match krate.readme.as_ref().map(|text| text.lines().count()) {
        None => found.push(format!("{name} has no README.md")),
        Some(lines) if !README_LINES.contains(&lines) => {
            found.push(format!(
                "{name}: its README.md has {lines} lines, {} to {} are wanted",
                README_LINES.start(),
                README_LINES.end()
            ));
        }
        Some(_) => {}
    }
    let documented =
        krate.root.lines().any(|line| line.starts_with("#![doc = include_str!(") && line.contains("README.md"));
    if !documented {
        found.push(format!("{name}: its root file does not include README.md as the crate's documentation"));
    }
    if !krate.root.lines().any(|line| line.trim() == "#![forbid(unsafe_code)]") {
        found.push(format!("{name}: its root file does not forbid unsafe code"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tidy() -> Crate {
        Crate {
            name: "qsdm-example".to_owned(),
            readme: Some("a line\n".repeat(30)),
            root: "#![doc = include_str!(\"../README.md\")]\n#![forbid(unsafe_code)]\n".to_owned(),
        }
    }

    #[test]
    fn a_tidy_crate_passes() {
        assert!(violations(&tidy()).is_empty());
    }

    #[test]
    fn a_missing_a_short_and_a_long_readme_are_found() {
        for readme in [None, Some(19), Some(61)] {
            let readme = readme.map(|lines| "a line\n".repeat(lines));
            assert_eq!(violations(&Crate { readme, ..tidy() }).len(), 1);
        }
    }

    #[test]
    fn a_root_without_its_two_lines_is_found() {
        assert_eq!(violations(&Crate { root: "//! text\n".to_owned(), ..tidy() }).len(), 2);
    }
}
