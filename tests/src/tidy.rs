//! Keeps the house in order: who may depend on whom, how large a file may be, which words are not left behind.
//!
//! Every check takes what it judges as an argument and returns sentences, one a violation, so that its own tests can
//! plant a violation. `tests/tidy.rs` runs them on this repository.

pub mod crates;
pub mod edges;
pub mod files;
pub mod words;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository: the parent of this crate's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("invariant: the crate lies inside the workspace")
        .to_path_buf()
}

/// Every file git knows or would add, relative to `root`, sorted: committed or not, ignored ones left out.
///
/// # Errors
/// The reason, where git can't be run or `root` is no working tree.
pub fn source_files(root: &Path) -> Result<Vec<PathBuf>, String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("git ls-files could not be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("git ls-files failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let mut files: Vec<PathBuf> = output
        .stdout
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .map(|name| PathBuf::from(String::from_utf8_lossy(name).into_owned()))
        // a file deleted but not yet committed is still in the index
        .filter(|file| root.join(file).is_file())
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}

/// What `cargo metadata` says about the workspace's own crates.
///
/// # Errors
/// The reason, where cargo fails or answers no JSON.
pub fn workspace_metadata(root: &Path) -> Result<serde_json::Value, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cargo metadata could not be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata answered no JSON: {error}"))
}

/// The part of a Rust file before its inline tests, which no size or unwrap rule counts.
pub fn without_inline_tests(text: &str) -> &str {
    let mut offset = 0;
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let opens_module = |line: &str| line.trim_start_matches("pub(crate) ").starts_with("mod ");
        let next_opens_module = lines.peek().is_some_and(|next| opens_module(next.trim_start()));
        if line.trim() == "#[cfg(test)]" && next_opens_module {
            return &text[..offset];
        }
        offset += line.len();
    }
    text
}

/// The files of the modules that `text`, the file at `path`, declares for tests only: `#[cfg(test)] mod name;`.
pub fn test_modules(path: &Path, text: &str) -> Vec<PathBuf> {
    let is_root = path.file_name().is_some_and(|name| name == "lib.rs" || name == "main.rs");
    let folder = if is_root { path.parent().unwrap_or(path).to_path_buf() } else { path.with_extension("") };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let declared = lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]").filter_map(|pair| module_name(pair[1]));
    declared.map(|name| folder.join(name).with_extension("rs")).collect()
}

fn module_name(line: &str) -> Option<&str> {
    let (_, name) = line.strip_suffix(';')?.split_once("mod ")?;
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_for_tests_only_are_found_where_they_lie() {
        let text = "mod a;\n#[cfg(test)]\nmod b;\n#[cfg(test)]\npub(crate) mod c;\n";
        let below = |folder: &str| ["b.rs", "c.rs"].map(|name| Path::new(folder).join(name)).to_vec();
        assert_eq!(test_modules(Path::new("vm/src/lib.rs"), text), below("vm/src"));
        assert_eq!(test_modules(Path::new("vm/src/trie.rs"), text), below("vm/src/trie"));
    }

    #[test]
    fn inline_tests_are_cut_off() {
        let code = "fn a() {}\n\n";
        assert_eq!(without_inline_tests(&format!("{code}#[cfg(test)]\nmod tests {{\n}}\n")), code);
    }

    #[test]
    fn a_test_only_import_is_not_taken_for_inline_tests() {
        let code = "#[cfg(test)]\nuse a::b;\nfn a() {}\n";
        assert_eq!(without_inline_tests(code), code);
    }
}
