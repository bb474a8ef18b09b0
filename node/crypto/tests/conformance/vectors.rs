//! Where the vectors are, and what they have in common.

use alloy_primitives::hex;
use qsdm_primitives::{Algorithm, PublicKey, Signature};
use serde_json::Value;
use std::{fs, io::Write, path::PathBuf};

/// One verification and its right answer.
#[derive(Clone)]
pub(crate) struct Case {
    /// File, group and number, for the message of a failing test.
    pub(crate) name: String,
    pub(crate) key: PublicKey,
    pub(crate) message: Vec<u8>,
    /// AWS-LC's interface has only the empty one.
    pub(crate) context: Vec<u8>,
    pub(crate) signature: Signature,
    pub(crate) valid: bool,
}

/// The object in one file of vectors. `None` where the folder is absent; that is said on standard error.
pub(crate) fn read(file: &str) -> Option<Value> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = std::env::var_os("QSDM_VECTORS").map_or_else(|| root.join("../shared/vectors"), PathBuf::from);
    if !folder.is_dir() {
        let name = folder.display();
        let text = format!("SKIPPED: no test vectors at {name}; set QSDM_VECTORS to the folder that has them\n");
        // Past the capture of the test harness, so that it is seen in a passing run too.
        std::io::stderr().write_all(text.as_bytes()).unwrap();
        return None;
    }
    let path = folder.join("mldsa").join(file);
    let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(serde_json::from_slice(&text).unwrap())
}

/// The groups of a file with their algorithm, and the tests of each.
pub(crate) fn groups(file: &Value) -> impl Iterator<Item = (Algorithm, &Value, &Vec<Value>)> {
    let of_file = file.get("algorithm");
    file["testGroups"].as_array().unwrap().iter().map(move |group| {
        let name = of_file.unwrap_or(&group["parameterSet"]).as_str().unwrap();
        let algorithm = Algorithm::ALL.into_iter().find(|algorithm| algorithm.to_string() == name);
        (algorithm.unwrap(), group, group["tests"].as_array().unwrap())
    })
}

/// The bytes of a hexadecimal member; empty where it is absent or null.
pub(crate) fn bytes(object: &Value, member: &str) -> Vec<u8> {
    object[member].as_str().map_or_else(Vec::new, |text| hex::decode(text).unwrap())
}

/// The bytes of a member that is exactly as long as `N`.
pub(crate) fn array<const N: usize>(object: &Value, member: &str) -> [u8; N] {
    bytes(object, member).try_into().unwrap()
}

/// All verifications with a message and a context, of all files. Empty where there are no vectors.
pub(crate) fn verifications() -> Vec<Case> {
    [crate::wycheproof::verifications(), crate::acvp::verifications()].concat()
}

/// Those that AWS-LC's interface can be asked.
pub(crate) fn without_context() -> Vec<Case> {
    verifications().into_iter().filter(|case| case.context.is_empty()).collect()
}
