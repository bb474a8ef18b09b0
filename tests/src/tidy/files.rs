//! How large a file may be, and what lies at the top level.

use super::without_inline_tests;
use std::path::Path;

/// Lines a Rust file may have, its inline tests left out.
pub const RUST_LINES_MAX: usize = 600;
/// Lines a crate's `lib.rs` may have: it declares and documents, the rest lives in modules.
pub const LIB_LINES_MAX: usize = 80;
/// Lines a Solidity contract may have.
pub const SOLIDITY_LINES_MAX: usize = 350;
/// Lines a script may have.
pub const SCRIPT_LINES_MAX: usize = 400;

/// What may lie at the top level beside dotfiles. The list is fixed.
const TOP_LEVEL: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "node",
    "vm",
    "contracts",
    "governance",
    "federated",
    "tests",
    "README.md",
    "docs",
    "LICENSE",
    "CHANGELOG.md",
];

/// Judges one file by its path and text.
pub fn violations(path: &Path, text: &str) -> Vec<String> {
    let shown = path.display();
    let mut found = Vec::new();
    if let Some((limit, lines)) = size(path, text)
        && lines > limit
    {
        found.push(format!("{shown} has {lines} lines, {limit} are allowed: split it"));
    }
    if path.file_name().is_some_and(|name| name == "mod.rs") {
        found.push(format!("{shown}: a module lies in foo.rs beside foo/, not in mod.rs"));
    }
    if path.file_name().is_some_and(|name| name == "package-lock.json") && text.contains("\"resolved\":") {
        found.push(format!(
            "{shown} records where packages came from: omit-lockfile-registry-resolved=true belongs in its .npmrc"
        ));
    }
    found
}

/// Judges the place of a file: the first part of its path must be known.
pub fn top_level_violation(path: &Path) -> Option<String> {
    let first = path.components().next()?.as_os_str().to_str()?;
    let allowed = first.starts_with('.') || TOP_LEVEL.contains(&first);
    (!allowed)
        .then(|| format!("{} lies at the top level, whose list is fixed: {}", path.display(), TOP_LEVEL.join(" ")))
}

fn size(path: &Path, text: &str) -> Option<(usize, usize)> {
    let extension = path.extension()?.to_str()?;
    let limit = match extension {
        "rs" if path.ends_with("src/lib.rs") => LIB_LINES_MAX,
        "rs" => RUST_LINES_MAX,
        "sol" => SOLIDITY_LINES_MAX,
        "mjs" | "js" | "ts" | "py" | "sh" => SCRIPT_LINES_MAX,
        _ => return None,
    };
    let counted = if extension == "rs" { without_inline_tests(text) } else { text };
    Some((limit, counted.lines().count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize) -> String {
        "x\n".repeat(count)
    }

    #[test]
    fn a_file_over_its_size_is_found_and_one_at_its_size_is_not() {
        for (path, limit) in
            [("vm/src/a.rs", 600), ("vm/src/lib.rs", 80), ("contracts/src/A.sol", 350), ("tests/a.mjs", 400)]
        {
            assert!(violations(Path::new(path), &lines(limit)).is_empty(), "{path} at {limit}");
            assert_eq!(violations(Path::new(path), &lines(limit + 1)).len(), 1, "{path} over {limit}");
        }
    }

    #[test]
    fn inline_tests_do_not_count() {
        let text = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", lines(600), lines(600));
        assert!(violations(Path::new("vm/src/a.rs"), &text).is_empty());
    }

    #[test]
    fn a_mod_file_is_found() {
        assert_eq!(violations(Path::new("vm/src/trie/mod.rs"), "").len(), 1);
    }

    #[test]
    fn a_lock_file_that_names_a_registry_is_found() {
        let text = "{ \"resolved\": \"https://example.org/a.tgz\" }";
        assert_eq!(violations(Path::new("contracts/package-lock.json"), text).len(), 1);
    }

    #[test]
    fn a_new_folder_at_the_top_is_found() {
        assert!(top_level_violation(Path::new("scripts/run.sh")).is_some());
        assert!(top_level_violation(Path::new("notes.md")).is_some());
        assert!(top_level_violation(Path::new(".ci/run")).is_none());
        assert!(top_level_violation(Path::new("node/rpc/src/lib.rs")).is_none());
    }
}
