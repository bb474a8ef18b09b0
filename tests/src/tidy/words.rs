//! Words that are not left behind in a source file: unfinished work, debugging, switched-off tests, a machine's paths.

use super::without_inline_tests;
use std::path::Path;

/// Banned wherever they stand, each with the reason. Written in halves so that this file doesn't hold them itself.
const BANNED: &[(&str, &str, &str)] = &[
    ("to", "do!(", "finish it, or leave it out"),
    ("unimple", "mented!(", "finish it, or leave it out"),
    ("not imple", "mented", "what is absent is absent: refuse with the reason"),
    ("db", "g!(", "trace instead"),
    ("#[igno", "re", "a test that doesn't run tests nothing"),
    ("it.sk", "ip(", "a test that doesn't run tests nothing"),
    ("test.sk", "ip(", "a test that doesn't run tests nothing"),
    ("@pytest.mark.sk", "ip", "a test that doesn't run tests nothing"),
    ("/ho", "me/", "a path of one machine"),
    ("/ro", "ot/", "a path of one machine"),
    ("/Use", "rs/", "a path of one machine"),
];

/// Banned where they stand as a word of their own.
const BANNED_WORDS: &[(&str, &str)] = &[("TO", "DO"), ("FIX", "ME"), ("XX", "X"), ("HA", "CK")];

/// Extensions of the files that are read for words. Artefacts and vectors are made by tools and stay out.
const READ: &[&str] = &["rs", "sol", "toml", "md", "mjs", "js", "ts", "py", "sh", "yml", "yaml", "html", "css"];

/// Judges the words of one file; `for_tests` where it is a module of tests that lies among the sources.
pub fn violations(path: &Path, text: &str, for_tests: bool) -> Vec<String> {
    if !is_read(path) {
        return Vec::new();
    }
    let mut found: Vec<String> =
        text.lines().enumerate().filter_map(|(index, line)| banned_in(line).map(|why| at(path, index, &why))).collect();
    if is_library(path) && !for_tests {
        let code = without_inline_tests(text).lines().enumerate();
        found.extend(code.filter(|(_, line)| !line.trim_start().starts_with("//") && line.contains(".unwrap()")).map(
            |(index, _)| at(path, index, "`unwrap` in library code: return an error, or `expect(\"invariant: …\")`"),
        ));
    }
    found
}

fn at(path: &Path, index: usize, why: &str) -> String {
    format!("{}:{}: {why}", path.display(), index + 1)
}

fn is_read(path: &Path) -> bool {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some(extension) => READ.contains(&extension),
        // scripts without an extension: tests/run, .ci/run, tests/tools/install
        None => path.file_name().is_some_and(|name| name == "run" || name == "install" || name == "compare-anvil"),
    }
}

fn is_library(path: &Path) -> bool {
    let in_tests = path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "benches");
    path.extension().is_some_and(|extension| extension == "rs") && !in_tests
}

fn banned_in(line: &str) -> Option<String> {
    let whole = BANNED.iter().map(|(head, tail, why)| (format!("{head}{tail}"), *why));
    if let Some((word, why)) = whole.into_iter().find(|(word, _)| line.contains(word.as_str())) {
        return Some(format!("`{word}`: {why}"));
    }
    let word = BANNED_WORDS.iter().map(|(head, tail)| format!("{head}{tail}")).find(|word| has_word(line, word))?;
    Some(format!("`{word}`: write an issue, or do it"))
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + word.len()..].chars().next();
        [before, after].into_iter().flatten().all(|c| !c.is_alphanumeric() && c != '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, text: &str) -> usize {
        violations(Path::new(path), text, false).len()
    }

    #[test]
    fn every_banned_word_is_found() {
        for (head, tail, _) in BANNED {
            assert_eq!(of("vm/src/a.rs", &format!("let a = 1; {head}{tail}")), 1, "{head}{tail}");
        }
        for (head, tail) in BANNED_WORDS {
            assert_eq!(of("docs/a.md", &format!("// {head}{tail}: later")), 1, "{head}{tail}");
        }
    }

    #[test]
    fn a_banned_word_inside_another_word_is_left_alone() {
        let template = "mktemp -d run.XXXXXX";
        assert_eq!(of("tests/run", template), 0);
        assert_eq!(of("docs/a.md", "the whole network/peer list"), 0);
    }

    #[test]
    fn unwrap_is_found_in_library_code_only() {
        let code = "let a = b.unwrap();\n";
        assert_eq!(of("vm/src/a.rs", code), 1);
        assert_eq!(of("vm/src/a.rs", &format!("/// {code}")), 0);
        assert_eq!(of("vm/src/a.rs", &format!("#[cfg(test)]\nmod tests {{\n{code}}}\n")), 0);
        assert_eq!(of("vm/tests/a.rs", code), 0);
        assert!(violations(Path::new("vm/src/trie/tests.rs"), code, true).is_empty());
    }

    #[test]
    fn artefacts_are_not_read() {
        let (head, tail) = BANNED_WORDS[0];
        assert_eq!(of("contracts/artifacts/A.json", &format!("{head}{tail}")), 0);
    }
}
