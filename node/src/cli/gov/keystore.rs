//! Keystore files (web3 secret storage, version 3).

use super::read_file;
use alloy_signer_local::PrivateKeySigner;
use eyre::{Result, WrapErr, bail, ensure, eyre};
use qsdm_primitives::limits::{KEYSTORE_BYTES_MAX, KEYSTORE_PBKDF2_MAX, KEYSTORE_SCRYPT_BYTES_MAX, PASSWORD_BYTES_MAX};
use serde::Deserialize;
use std::path::Path;

#[derive(Deserialize)]
struct Keystore {
    #[serde(alias = "Crypto")]
    crypto: Crypto,
}

#[derive(Deserialize)]
struct Crypto {
    cipher: String,
    ciphertext: String,
    cipherparams: CipherParams,
    kdf: String,
    kdfparams: KdfParams,
}

#[derive(Deserialize)]
struct CipherParams {
    iv: String,
}

#[derive(Deserialize)]
struct KdfParams {
    dklen: u64,
    n: Option<u64>,
    r: Option<u64>,
    p: Option<u64>,
    c: Option<u64>,
}

/// Decrypts the key of a keystore with the password of another file. Neither is ever shown.
pub(super) fn unlock(keystore: &Path, password: &Path) -> Result<PrivateKeySigner> {
    let named = || format!("keystore {}", keystore.display());
    check(&read_file(keystore, KEYSTORE_BYTES_MAX)?).wrap_err_with(named)?;
    let password = read_file(password, PASSWORD_BYTES_MAX)?;
    let password = password.trim_end_matches(['\r', '\n']);
    PrivateKeySigner::decrypt_keystore(keystore, password)
        .map_err(|_| eyre!("cannot be unlocked: the password is wrong, or the file is damaged"))
        .wrap_err_with(named)
}

/// Refuses parameters that no wallet writes: the decryption library would panic on some and take all memory for others.
fn check(text: &str) -> Result<()> {
    let parsed: Keystore =
        serde_json::from_str(text).map_err(|error| eyre!("is no web3 secret storage of version 3: {error}"))?;
    let crypto = &parsed.crypto;
    ensure!(crypto.cipher == "aes-128-ctr", "has the cipher {:?}, not aes-128-ctr", crypto.cipher);
    ensure!(crypto.ciphertext.len() == 64, "has {} digits of ciphertext, not 64", crypto.ciphertext.len());
    ensure!(crypto.cipherparams.iv.len() == 32, "has {} digits of IV, not 32", crypto.cipherparams.iv.len());
    let params = &crypto.kdfparams;
    ensure!(params.dklen == 32, "derives {} bytes, not 32", params.dklen);
    match crypto.kdf.as_str() {
        "scrypt" => {
            let (n, r, p) = (params.n.unwrap_or(0), params.r.unwrap_or(0), params.p.unwrap_or(0));
            ensure!(n > 1 && n.is_power_of_two() && r > 0 && p > 0, "has the scrypt parameters n {n}, r {r}, p {p}");
            let bytes = n.saturating_mul(r).saturating_mul(128).saturating_mul(p.max(1));
            let max = KEYSTORE_SCRYPT_BYTES_MAX;
            ensure!(bytes <= max, "would work on {bytes} bytes to derive its key, the limit is {max}");
        }
        "pbkdf2" => {
            let rounds = params.c.unwrap_or(0);
            let max = KEYSTORE_PBKDF2_MAX;
            ensure!((1..=max).contains(&rounds), "takes {rounds} rounds of PBKDF2, outside 1..={max}");
        }
        other => bail!("derives its key by {other:?}; scrypt and pbkdf2 are known"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn keystore(kdf: &str, kdfparams: Value) -> String {
        let crypto = json!({
            "cipher": "aes-128-ctr", "ciphertext": "00".repeat(32), "cipherparams": { "iv": "00".repeat(16) },
            "kdf": kdf, "kdfparams": kdfparams, "mac": "00".repeat(32),
        });
        json!({ "version": 3, "id": "x", "crypto": crypto }).to_string()
    }

    #[test]
    fn what_wallets_write_is_accepted() {
        for (n, r, p) in [(262_144, 8, 1), (8_192, 8, 1), (4_096, 8, 6)] {
            let params = json!({ "dklen": 32, "n": n, "r": r, "p": p, "salt": "00" });
            assert!(check(&keystore("scrypt", params)).is_ok(), "{n} {r} {p}");
        }
        assert!(check(&keystore("pbkdf2", json!({ "dklen": 32, "c": 262_144, "prf": "hmac-sha256" }))).is_ok());
    }

    #[test]
    fn parameters_that_would_panic_or_exhaust_memory_are_refused() {
        let scrypt = |dklen: u64, n: u64, r: u64, p: u64| json!({ "dklen": dklen, "n": n, "r": r, "p": p });
        for params in
            [scrypt(8, 8_192, 8, 1), scrypt(32, 1 << 31, 8, 1), scrypt(32, 1_000, 8, 1), scrypt(32, 2, u64::MAX, 9)]
        {
            assert!(check(&keystore("scrypt", params.clone())).is_err(), "{params}");
        }
        assert!(check(&keystore("pbkdf2", json!({ "dklen": 32, "c": u64::MAX }))).is_err());
        assert!(check(&keystore("argon2", json!({ "dklen": 32 }))).is_err());
        assert!(check("{}").is_err());
        assert!(check("no json").is_err());
    }
}
