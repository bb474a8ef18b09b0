//! Keys of the two indexes: where a hash is, and which blocks have which logs.
//!
//! A hash is found by its first eight bytes as an integer key, the cheapest key that SQLite has; the other 24 stand
//! beside it and are compared. Who grinds a second hash with the same eight bytes gets a row in `colliding_hashes`.

use crate::{StorageError, error::Doing};
use alloy_primitives::{Address, B256, Log};
use qsdm_vm::{block::Block, ports::LogQuery};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// What a hash names: a block, or with a position a transaction of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) block: u64,
    pub(crate) position: Option<u32>,
}

const ACTION: &str = "reading the hash index";
const WRITE: &str = "writing the hash index";

fn prefix(hash: &B256) -> i64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hash[..8]);
    i64::from_be_bytes(bytes)
}

/// Of the hash and what it names, so that a flipped bit does not lead to another transaction.
fn checksum(hash: &B256, named: Named) -> [u8; 4] {
    let mut input = [0; 45];
    input[..32].copy_from_slice(&hash[..]);
    input[32..40].copy_from_slice(&named.block.to_le_bytes());
    input[40..44].copy_from_slice(&named.position.unwrap_or_default().to_le_bytes());
    input[44] = u8::from(named.position.is_some());
    let hash = blake3::hash(&input);
    let mut checksum = [0; 4];
    checksum.copy_from_slice(&hash.as_bytes()[..4]);
    checksum
}

/// The other 24 bytes of the hash, and the checksum.
fn rest(hash: &B256, named: Named) -> [u8; 28] {
    let mut rest = [0; 28];
    rest[..24].copy_from_slice(&hash[8..]);
    rest[24..].copy_from_slice(&checksum(hash, named));
    rest
}

/// What a row of (block, position, rest or checksum) names.
fn named(row: &Row<'_>) -> rusqlite::Result<Named> {
    Ok(Named { block: row.get::<_, i64>(0)? as u64, position: row.get(1)? })
}

fn corrupt(table: &'static str, hash: &B256) -> StorageError {
    StorageError::corrupt(table, hash, "its checksum is wrong")
}

/// What `hash` names, if it is indexed.
pub(crate) fn find(connection: &Connection, hash: &B256) -> Result<Option<Named>, StorageError> {
    let sql = "SELECT block, position, rest FROM hashes WHERE prefix = ?";
    let mut statement = connection.prepare_cached(sql).doing(ACTION)?;
    let row = statement.query_row([prefix(hash)], |row| {
        let (named, stored) = (named(row)?, row.get_ref(2)?.as_blob()?);
        let ours = stored.len() != 28 || stored[..24] == hash[8..];
        Ok(ours.then(|| (named, *stored == rest(hash, named))))
    });
    match row.optional().doing(ACTION)?.flatten() {
        Some((named, true)) => return Ok(Some(named)),
        Some((_, false)) => return Err(corrupt("hashes", hash)),
        // without a row too: a rollback may have dropped it and kept the one that collided with it
        None => {}
    }
    let sql = "SELECT block, position, checksum FROM colliding_hashes WHERE hash = ?";
    let mut statement = connection.prepare_cached(sql).doing(ACTION)?;
    let row = statement.query_row([&hash[..]], |row| {
        let named = named(row)?;
        Ok((named, *row.get_ref(2)?.as_blob()? == checksum(hash, named)))
    });
    match row.optional().doing(ACTION)? {
        Some((_, false)) => Err(corrupt("colliding_hashes", hash)),
        row => Ok(row.map(|(named, _)| named)),
    }
}

/// Adds a hash. One that is there already keeps its place: the earlier block is rolled back last.
pub(crate) fn insert(connection: &Connection, hash: &B256, named: Named) -> Result<(), StorageError> {
    let block = named.block as i64;
    let mut statement = connection.prepare_cached("INSERT OR IGNORE INTO hashes VALUES (?, ?, ?, ?)").doing(WRITE)?;
    if statement.execute(params![prefix(hash), rest(hash, named), block, named.position]).doing(WRITE)? == 1 {
        return Ok(());
    }
    if find(connection, hash)?.is_none() {
        let sql = "INSERT INTO colliding_hashes VALUES (?, ?, ?, ?)";
        let mut statement = connection.prepare_cached(sql).doing(WRITE)?;
        statement.execute(params![&hash[..], block, named.position, checksum(hash, named)]).doing(WRITE)?;
    }
    Ok(())
}

/// Removes a hash, if that is what it names.
pub(crate) fn remove(connection: &Connection, hash: &B256, named: Named) -> Result<(), StorageError> {
    let sql = "DELETE FROM hashes WHERE prefix = ? AND rest = ?";
    let mut statement = connection.prepare_cached(sql).doing(WRITE)?;
    if statement.execute(params![prefix(hash), rest(hash, named)]).doing(WRITE)? == 0 {
        let sql = "DELETE FROM colliding_hashes WHERE hash = ? AND checksum = ?";
        let mut statement = connection.prepare_cached(sql).doing(WRITE)?;
        statement.execute(params![&hash[..], checksum(hash, named)]).doing(WRITE)?;
    }
    Ok(())
}

/// All hashes that `block` makes known.
pub(crate) fn hashes(block: &Block) -> impl Iterator<Item = (B256, Named)> {
    let number = block.number();
    let own = (block.hash, Named { block: number, position: None });
    let transactions = block.transactions.iter().zip(0..);
    std::iter::once(own).chain(
        transactions.map(move |(tx, position)| (*tx.tx_hash(), Named { block: number, position: Some(position) })),
    )
}

/// Any block with a log has this fingerprint.
const ANY: i64 = 0;

fn fingerprint(kind: u8, value: &[u8]) -> i64 {
    let mut input = [0; 33];
    input[0] = kind;
    input[1..=value.len()].copy_from_slice(value);
    let hash = blake3::hash(&input[..=value.len()]);
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hash.as_bytes()[..8]);
    i64::from_le_bytes(bytes)
}

fn address_fingerprint(address: &Address) -> i64 {
    fingerprint(4, address.as_slice())
}

fn topic_fingerprint(position: usize, topic: &B256) -> i64 {
    fingerprint(position as u8, topic.as_slice())
}

/// The distinct fingerprints of `logs`, ascending. A 64-bit collision makes a block a candidate that has no match;
/// whoever filters the candidates drops it.
pub(crate) fn fingerprints<'a>(logs: impl Iterator<Item = &'a Log>) -> Vec<i64> {
    let mut fingerprints = Vec::new();
    for log in logs {
        fingerprints.extend([ANY, address_fingerprint(&log.address)]);
        // a filter has four positions; a log that claims more has them in vain
        let topics = log.topics().iter().take(4).enumerate();
        fingerprints.extend(topics.map(|(position, topic)| topic_fingerprint(position, topic)));
    }
    fingerprints.sort_unstable();
    fingerprints.dedup();
    fingerprints
}

/// What a block must have to be a candidate for `query`: one fingerprint out of each list. The usually rarest first.
pub(crate) fn wanted(query: &LogQuery) -> Vec<Vec<i64>> {
    let topics =
        query.topics.iter().enumerate().rev().map(|(position, topics)| {
            topics.iter().map(|topic| topic_fingerprint(position, topic)).collect::<Vec<_>>()
        });
    let addresses = query.addresses.iter().map(address_fingerprint).collect();
    let mut wanted: Vec<Vec<i64>> = topics.chain([addresses]).filter(|list| !list.is_empty()).collect();
    if wanted.is_empty() {
        wanted.push(vec![ANY]);
    }
    for list in &mut wanted {
        list.sort_unstable();
        list.dedup();
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_that_share_their_first_eight_bytes_are_all_found_and_removed_one_by_one() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(crate::schema::TABLES).unwrap();
        let hashes = [1, 2, 3].map(|last| {
            let mut hash = B256::repeat_byte(0xee);
            hash[31] = last;
            hash
        });
        let named = |index: usize| Named { block: index as u64, position: Some(7) };
        for (index, hash) in hashes.iter().enumerate() {
            assert_eq!(find(&connection, hash).unwrap(), None);
            insert(&connection, hash, named(index)).unwrap();
            insert(&connection, hash, Named { block: 99, position: None }).unwrap();
        }
        for (index, hash) in hashes.iter().enumerate() {
            assert_eq!(find(&connection, hash).unwrap(), Some(named(index)));
        }
        remove(&connection, &hashes[0], named(99)).unwrap();
        assert_eq!(find(&connection, &hashes[0]).unwrap(), Some(named(0)), "it names something in another block");
        remove(&connection, &hashes[0], named(0)).unwrap();
        remove(&connection, &hashes[2], named(2)).unwrap();
        assert_eq!(hashes.map(|hash| find(&connection, &hash).unwrap()), [None, Some(named(1)), None]);
        insert(&connection, &hashes[2], named(2)).unwrap();
        assert_eq!(hashes.map(|hash| find(&connection, &hash).unwrap()), [None, Some(named(1)), Some(named(2))]);
    }
}
