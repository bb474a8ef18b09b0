//! Runs the checks of `qsdm_tests::tidy` on this repository.

use qsdm_tests::tidy::{crates, edges, files, root, source_files, test_modules, words, workspace_metadata};
use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "{} violations:\n{}", found.len(), found.join("\n"));
}

#[test]
fn crates_depend_on_each_other_as_the_architecture_says() {
    let metadata = workspace_metadata(&root()).expect("metadata");
    assert!(edges::packages(&metadata).count() > 1, "the workspace was read");
    assert_none(&edges::violations(&metadata));
}

#[test]
fn every_crate_is_documented_and_safe() {
    let metadata = workspace_metadata(&root()).expect("metadata");
    let found: Vec<String> = crates::read(&metadata).expect("crates").iter().flat_map(crates::violations).collect();
    assert_none(&found);
}

#[test]
fn every_file_keeps_its_size_and_its_place() {
    let root = root();
    let paths = source_files(&root).expect("files");
    assert!(paths.len() > 20, "the working tree was read");
    let sizes = paths.iter().flat_map(|path| {
        let text = fs::read(root.join(path)).unwrap_or_default();
        files::violations(path, &String::from_utf8_lossy(&text))
    });
    let found: Vec<String> = sizes.chain(paths.iter().filter_map(|path| files::top_level_violation(path))).collect();
    assert_none(&found);
}

#[test]
fn no_unfinished_word_is_left_behind() {
    let root = root();
    let paths = source_files(&root).expect("files");
    let files: Vec<(&PathBuf, String)> = paths
        .iter()
        .map(|path| (path, String::from_utf8_lossy(&fs::read(root.join(path)).unwrap_or_default()).into_owned()))
        .collect();
    let for_tests: HashSet<PathBuf> = files.iter().flat_map(|(path, text)| test_modules(path, text)).collect();
    let judge = |(path, text): &(&PathBuf, String)| words::violations(path, text, for_tests.contains(*path));
    let found: Vec<String> = files.iter().flat_map(judge).collect();
    assert_none(&found);
}
