use super::*;
use crate::MlDsaVerifier;
use serde_json::{Value, json};
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
};

/// As little as Argon2 does: the tests open hundreds.
const CHEAP: KdfCost = KdfCost { memory_kib: 8, passes: 1, lanes: 1 };

fn password(text: &str) -> Password {
    Password::new(text.as_bytes().to_vec())
}

fn cheap() -> Keystore {
    Keystore::lock(Algorithm::MlDsa65, &Seed::new([7; 32]), &password("correct horse"), CHEAP).unwrap()
}

/// Whether two signers are one: signing is hedged, so each verifies what the other signs.
fn is_key_of(signer: &LocalSigner, algorithm: Algorithm, seed: [u8; 32]) -> bool {
    let other = LocalSigner::from_seed(algorithm, &Seed::new(seed)).unwrap();
    let signature = signer.sign(&[1; 32]).unwrap();
    MlDsaVerifier::new().verify_bytes(other.public_key(), &[1; 32], &signature)
}

fn error_of<T>(result: Result<T, KeystoreError>) -> String {
    result.err().expect("an error").to_string()
}

#[test]
fn what_is_locked_is_unlocked_by_the_password_alone() {
    for algorithm in Algorithm::ALL {
        let locked = Keystore::lock(algorithm, &Seed::new([9; 32]), &password("correct horse"), CHEAP).unwrap();
        let read = Keystore::from_json(locked.to_json().as_bytes()).unwrap();
        assert_eq!(read, locked);
        let signer = read.unlock(&password("correct horse")).unwrap();
        assert_eq!(signer.public_key(), locked.public_key());
        assert!(is_key_of(&signer, algorithm, [9; 32]));
        for wrong in ["correct hors", "correct horse ", "Correct horse", ""] {
            assert!(matches!(read.unlock(&password(wrong)), Err(KeystoreError::WrongPassword)), "{wrong:?}");
        }
    }
}

#[test]
fn two_files_of_one_key_share_nothing_secret() {
    let (one, other) = (cheap(), cheap());
    assert_eq!(one.public_key, other.public_key);
    assert!(one.salt != other.salt && one.nonce != other.nonce && one.ciphertext != other.ciphertext);
}

#[test]
fn no_byte_of_the_file_can_be_changed() {
    let json = cheap().to_json();
    for at in 0..json.len() {
        for flip in [0x01, 0x20, 0x80] {
            let mut bytes = json.clone().into_bytes();
            bytes[at] ^= flip;
            let opened = Keystore::from_json(&bytes).and_then(|read| read.unlock(&password("correct horse")));
            assert!(opened.is_err(), "byte {at} ^ {flip:#x} is accepted: {}", String::from_utf8_lossy(&bytes));
        }
    }
}

#[test]
fn no_truncated_file_is_accepted() {
    let json = cheap().to_json();
    for length in 0..json.len() - 2 {
        let read = Keystore::from_json(&json.as_bytes()[..length]);
        assert!(matches!(read, Err(KeystoreError::Damaged { .. })), "{length} bytes");
    }
}

/// The file with one member replaced, and the checksum as it would have to be.
fn forged(change: impl FnOnce(&mut Keystore)) -> Result<LocalSigner, KeystoreError> {
    let mut keystore = cheap();
    change(&mut keystore);
    Keystore::from_json(keystore.to_json().as_bytes())?.unlock(&password("correct horse"))
}

#[test]
fn nothing_in_the_file_can_be_exchanged_on_purpose() {
    assert!(forged(|_| {}).is_ok());
    let changes: [fn(&mut Keystore); 7] = [
        |k| k.cost.memory_kib += 1,
        |k| k.cost.passes += 1,
        |k| k.salt[0] ^= 1,
        |k| k.nonce[0] ^= 1,
        |k| k.ciphertext[0] ^= 1,
        |k| k.ciphertext[47] ^= 1,
        |k| k.public_key = PublicKey::new(Algorithm::MlDsa65, vec![0; 1_952]),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        assert!(matches!(forged(change), Err(KeystoreError::WrongPassword)), "change {number}");
    }
}

#[test]
fn a_key_that_is_not_the_stated_one_is_refused() {
    // Whoever knows the password can write such a file; a bug could.
    let mut keystore = cheap();
    let other = LocalSigner::from_seed(Algorithm::MlDsa65, &Seed::new([8; 32])).unwrap();
    keystore.public_key = other.public_key().clone();
    let payload = Payload { msg: &[7; 32], aad: &keystore.associated_data() };
    let cipher = keystore.cipher(&password("correct horse")).unwrap();
    let sealed = cipher.encrypt(&XNonce::from(keystore.nonce), payload).unwrap();
    keystore.ciphertext = sealed.try_into().unwrap();
    assert!(matches!(keystore.unlock(&password("correct horse")), Err(KeystoreError::OtherKey)));
}

fn changed(change: impl FnOnce(&mut Value)) -> Result<Keystore, KeystoreError> {
    let mut json: Value = serde_json::from_str(&cheap().to_json()).unwrap();
    change(&mut json);
    Keystore::from_json(json.to_string().as_bytes())
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    assert!(changed(|_| {}).is_ok(), "another layout of the same JSON is the same file");
    let newer = changed(|json| *json = json!({ "version": 2, "shape": "another" }));
    assert_eq!(error_of(newer), "the keystore is of version 2, this release reads version 1");
    let damaged = |change: fn(&mut Value)| {
        let Err(KeystoreError::Damaged { what }) = changed(change) else { panic!("not damaged") };
        what
    };
    assert_eq!(damaged(|json| json["algorithm"] = "ML-DSA-66".into()), "\"ML-DSA-66\" is no algorithm");
    assert_eq!(damaged(|json| json["kdf"]["name"] = "scrypt".into()), "its KDF is \"scrypt\" and not \"argon2id\"");
    assert!(damaged(|json| json["cipher"]["name"] = "none".into()).contains("its cipher is \"none\""));
    assert_eq!(damaged(|json| json["kdf"]["salt"] = "0x00".into()), "its salt has 1 bytes and not 16");
    assert_eq!(damaged(|json| json["publicKey"] = "0x00".into()), "its public key has 1 bytes");
    assert_eq!(damaged(|json| json["kdf"]["passes"] = 2.into()), "its checksum is wrong");
    assert!(damaged(|json| json["extra"] = 1.into()).contains("unknown field `extra`"));
    assert!(damaged(|json| drop(json.as_object_mut().unwrap().remove("cipher"))).contains("missing field `cipher`"));
    assert!(damaged(|json| json["checksum"] = "0xAA".into()).contains("lower-case"));
    assert!(error_of(Keystore::from_json(b"\xff\xfe")).starts_with("the keystore is damaged: it is not the JSON"));
}

#[test]
fn a_file_can_ask_for_so_much_work_and_no_more() {
    let ask = |memory_kib, passes, lanes| {
        let mut keystore = cheap();
        keystore.cost = KdfCost { memory_kib, passes, lanes };
        Keystore::from_json(keystore.to_json().as_bytes())
    };
    for (memory_kib, passes, lanes) in [(8, 1, 1), (65_536, 3, 4), (1 << 20, 4, 16), (128, 32_768, 16)] {
        assert!(ask(memory_kib, passes, lanes).is_ok());
    }
    let refused = [
        (7, 1, 1),
        (31, 1, 4),
        (8, 0, 1),
        (8, 1, 0),
        (1 << 20, 5, 1),
        ((1 << 20) + 1, 1, 1),
        (1 << 10, 1, 17),
        (u32::MAX, u32::MAX, u32::MAX),
    ];
    for (memory_kib, passes, lanes) in refused {
        let asked = ask(memory_kib, passes, lanes);
        assert!(matches!(asked, Err(KeystoreError::Cost { .. })), "{memory_kib} KiB, {passes} passes, {lanes} lanes");
    }
    let cost = KdfCost { memory_kib: u32::MAX, ..KdfCost::default() };
    let text = error_of(Keystore::lock(Algorithm::MlDsa44, &Seed::new([1; 32]), &password("x"), cost));
    assert!(text.contains("4294967295 KiB, 3 passes") && text.contains("to 1048576 KiB"), "{text}");
}

#[test]
fn passwords_have_limits() {
    let lock = |text: Vec<u8>| Keystore::lock(Algorithm::MlDsa44, &Seed::new([1; 32]), &Password::new(text), CHEAP);
    assert!(matches!(lock(Vec::new()), Err(KeystoreError::EmptyPassword)));
    assert!(lock(vec![b'x'; PASSWORD_BYTES_MAX]).is_ok());
    let text = error_of(lock(vec![b'x'; PASSWORD_BYTES_MAX + 1]));
    assert_eq!(text, "the password has 4097 bytes, at most 4096 are allowed");
}

#[test]
fn a_file_is_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("validator.json");
    cheap().write(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert!(Keystore::read(&path).unwrap().unlock(&password("correct horse")).is_ok());
    for mode in [0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o777] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let text = error_of(Keystore::read(&path));
        assert!(text.contains(&format!("mode {mode:04o}")), "{text}");
        assert!(text.contains(&format!("run `chmod 600 {}`", path.display())), "{text}");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
    assert!(Keystore::read(&path).is_ok(), "stricter is fine");
}

#[test]
fn a_key_is_never_overwritten_and_nothing_half_done_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("validator.json");
    let first = cheap();
    first.write(&path).unwrap();
    assert!(matches!(cheap().write(&path), Err(KeystoreError::Exists { .. })));
    assert!(matches!(file::write(&path, b"other"), Err(KeystoreError::Exists { .. })));
    assert_eq!(Keystore::read(&path).unwrap(), first);
    let late = folder.path().join("late");
    file::write_new(&late, b"other").unwrap();
    let taken = file::publish(&late, &path).expect_err("the name was taken in between");
    assert_eq!(taken.kind(), std::io::ErrorKind::AlreadyExists);
    fs::remove_file(late).unwrap();
    assert_eq!(Keystore::read(&path).unwrap(), first);
    let link = folder.path().join("link");
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    assert!(matches!(cheap().write(&link), Err(KeystoreError::Exists { .. })), "a dangling link is something");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "no partial file");
    let nowhere = folder.path().join("missing/validator.json");
    assert!(error_of(cheap().write(&nowhere)).contains("could not be written"));
    assert!(matches!(cheap().write(Path::new("/")), Err(KeystoreError::Exists { .. })));
}

#[test]
fn what_is_no_keystore_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Keystore::read(folder.path()), Err(KeystoreError::NoFile { .. })));
    assert!(error_of(Keystore::read(&folder.path().join("missing"))).contains("could not be read"));
    let path = folder.path().join("long");
    file::write(&path, &vec![b' '; 64 * 1024 + 1]).unwrap();
    assert!(error_of(Keystore::read(&path)).contains("more than 65536 bytes"));
}

#[test]
fn the_golden_file_opens() {
    let golden = include_bytes!("../../tests/golden/keystore-v1.json");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("validator.json");
    file::write(&path, golden).unwrap();
    let keystore = Keystore::read(&path).unwrap();
    assert_eq!(keystore.cost, KdfCost::default());
    assert_eq!(keystore.to_json().as_bytes(), golden, "the text has one form");
    let signer = keystore.unlock(&password("golden password")).unwrap();
    assert!(is_key_of(&signer, Algorithm::MlDsa65, [0x2a; 32]));
}

/// The kept inputs of the fuzz target, without a fuzzer.
#[test]
fn every_kept_file_is_refused_or_the_same_when_it_is_written_again() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus/keystore");
    let mut accepted = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        if let Ok(keystore) = Keystore::from_json(&bytes) {
            let json = keystore.to_json();
            assert_eq!(Keystore::from_json(json.as_bytes()).unwrap().to_json(), json);
            accepted += 1;
        }
    }
    assert!(accepted > 0, "no seed from which a fuzzer could start");
}

#[test]
fn no_secret_is_printed() {
    let keystore = cheap();
    let signer = keystore.unlock(&password("correct horse")).unwrap();
    let text = format!("{keystore:?} {signer:?} {:?}", password("correct horse"));
    assert!(!text.contains("correct") && !text.contains("7, 7, 7"), "{text}");
}
