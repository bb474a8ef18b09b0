//! What a validator must not forget, and how it lies on disk.
//!
//! The record is durable before anything that depends on it leaves the node. On disk it is a log of frames, newest last:
//! a `u32` length, BLAKE3-256 of the payload, the payload. A last frame that a power loss tore is dropped, because nothing
//! was sent on its account. Anything else that doesn't fit is damage, and a damaged record signs nothing.

use qsdm_primitives::{
    BlockId, CellId, Epoch, QuorumCertificate, Round, SubmeshId, TimeoutCertificate, VoteStatement,
    codec::{self, CodecError, Decode, Encode, Reader, ascending, encode_count},
    limits::SUBMESHES_MAX,
};
use std::{collections::BTreeMap, sync::Arc};

/// What a validator must not forget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafetyRecord {
    /// The epoch that all of it belongs to.
    pub epoch: Epoch,
    /// The newest vote.
    pub last_vote: Option<VoteStatement>,
    /// The newest round that was timed out; round 0 for none.
    pub last_timeout: Round,
    /// The newest own block.
    pub last_proposal: Option<(Round, BlockId)>,
    /// The newest own cell of each submesh.
    pub lanes: BTreeMap<SubmeshId, (u64, CellId)>,
    /// The newest certificate known, in full.
    pub high_qc: Arc<QuorumCertificate>,
    /// The newest timeout certificate known.
    pub high_tc: Option<Arc<TimeoutCertificate>>,
}

impl SafetyRecord {
    /// The record of a validator that has signed nothing in `epoch`, which starts after `parent`.
    pub fn new(epoch: Epoch, parent: BlockId) -> Self {
        Self {
            epoch,
            last_vote: None,
            last_timeout: Round(0),
            last_proposal: None,
            lanes: BTreeMap::new(),
            high_qc: Arc::new(QuorumCertificate::start(epoch, parent)),
            high_tc: None,
        }
    }

    /// Round of the newest vote; round 0 for none.
    pub fn last_voted(&self) -> Round {
        self.last_vote.map_or(Round(0), |vote| vote.round)
    }

    /// Round of the newest own block; round 0 for none.
    pub fn last_proposed(&self) -> Round {
        self.last_proposal.map_or(Round(0), |(round, _)| round)
    }

    /// Round of the newest timeout certificate; round 0 for none.
    pub fn timed_out(&self) -> Round {
        self.high_tc.as_ref().map_or(Round(0), |certificate| certificate.round)
    }
}

/// Version of the record format, the first byte of a payload.
const RECORD_VERSION: u8 = 1;

impl Encode for SafetyRecord {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(RECORD_VERSION);
        self.epoch.encode(out);
        self.last_vote.encode(out);
        self.last_timeout.encode(out);
        match &self.last_proposal {
            None => out.push(0),
            Some((round, block)) => {
                out.push(1);
                round.encode(out);
                block.encode(out);
            }
        }
        encode_count(self.lanes.len(), out);
        for (submesh, (seq, cell)) in &self.lanes {
            submesh.encode(out);
            seq.encode(out);
            cell.encode(out);
        }
        self.high_qc.encode(out);
        match &self.high_tc {
            None => out.push(0),
            Some(certificate) => {
                out.push(1);
                certificate.encode(out);
            }
        }
    }
}

impl Decode for SafetyRecord {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        match u8::decode(reader)? {
            RECORD_VERSION => {}
            found => return Err(CodecError::Unknown { what: "version of a safety record", found }),
        }
        let (epoch, last_vote, last_timeout) =
            (Decode::decode(reader)?, Decode::decode(reader)?, Decode::decode(reader)?);
        let last_proposal = match u8::decode(reader)? {
            0 => None,
            1 => Some((Decode::decode(reader)?, Decode::decode(reader)?)),
            found => return Err(CodecError::Unknown { what: "option", found }),
        };
        let count = reader.count("lanes of a safety record", SUBMESHES_MAX, 4 + 8 + 32)?;
        let mut lanes = Vec::with_capacity(count);
        for _ in 0..count {
            let submesh = SubmeshId::decode(reader)?;
            lanes.push((submesh, (u64::decode(reader)?, CellId::decode(reader)?)));
        }
        ascending("the lanes of a safety record", lanes.iter().map(|(submesh, _)| *submesh))?;
        let high_qc = Arc::new(Decode::decode(reader)?);
        let high_tc: Option<TimeoutCertificate> = Decode::decode(reader)?;
        Ok(Self {
            epoch,
            last_vote,
            last_timeout,
            last_proposal,
            lanes: lanes.into_iter().collect(),
            high_qc,
            high_tc: high_tc.map(Arc::new),
        })
    }
}

/// Damage in a safety log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// A frame before the last one doesn't have the hash it says.
    #[error(
        "the safety log is damaged at byte {offset}: the frame there has another hash than it says; \
         a validator that signed on could contradict itself, so this one does not"
    )]
    Damaged {
        /// Where the frame begins.
        offset: usize,
    },
    /// A frame with the right hash that this release can't read.
    #[error("the safety log can't be read at byte {offset}: {source}")]
    Unreadable {
        /// Where the frame begins.
        offset: usize,
        /// Why.
        source: CodecError,
    },
}

const FRAME_HEADER_BYTES: usize = 4 + 32;

/// Appends a frame with `record`.
pub fn append_to_log(log: &mut Vec<u8>, record: &SafetyRecord) {
    let payload = record.to_bytes();
    encode_count(payload.len(), log);
    log.extend_from_slice(blake3::hash(&payload).as_bytes());
    log.extend_from_slice(&payload);
}

/// The newest record of a log, and how many bytes of it are whole frames; what follows was torn and can be cut off.
///
/// # Errors
/// [`LogError`] where anything but the last frame is damaged.
pub fn read_log(log: &[u8]) -> Result<(Option<SafetyRecord>, usize), LogError> {
    let mut newest = None;
    let mut offset = 0;
    while let Some(frame) = frame_at(log, offset) {
        let (hash, payload, end) = frame;
        if blake3::hash(payload).as_bytes() != hash {
            // the last frame may have been torn within its length; one with frames behind it was whole once
            if end == log.len() {
                break;
            }
            return Err(LogError::Damaged { offset });
        }
        let record = codec::decode(payload).map_err(|source| LogError::Unreadable { offset, source })?;
        newest = Some(record);
        offset = end;
    }
    let rest = &log[offset..];
    // A torn frame is what a prefix of the next write left, so at most one fits behind the whole ones. A length that was
    // damaged to reach beyond the end would hide the frames behind it: they are looked for.
    if hides_a_frame(rest) {
        return Err(LogError::Damaged { offset });
    }
    Ok((newest, offset))
}

fn frame_at(log: &[u8], offset: usize) -> Option<(&[u8], &[u8], usize)> {
    let mut reader = Reader::new(log.get(offset..)?);
    let length = usize::try_from(u32::decode(&mut reader).ok()?).ok()?;
    let hash = reader.take(32).ok()?;
    let payload = reader.take(length).ok()?;
    Some((hash, payload, offset.checked_add(FRAME_HEADER_BYTES + length)?))
}

/// Whether a whole frame lies somewhere in `rest` behind its first byte.
fn hides_a_frame(rest: &[u8]) -> bool {
    (1..rest.len().saturating_sub(FRAME_HEADER_BYTES)).any(|offset| {
        frame_at(rest, offset)
            .is_some_and(|(hash, payload, _)| !payload.is_empty() && blake3::hash(payload).as_bytes() == hash)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(round: u64) -> SafetyRecord {
        let mut record = SafetyRecord::new(Epoch(2), BlockId([3; 32]));
        record.last_timeout = Round(round);
        record.lanes.insert(SubmeshId(1), (round, CellId([round as u8; 32])));
        record
    }

    fn log(rounds: u64) -> (Vec<u8>, Vec<usize>) {
        let mut log = Vec::new();
        let ends = (1..=rounds).map(|round| {
            append_to_log(&mut log, &record(round));
            log.len()
        });
        let ends = ends.collect();
        (log, ends)
    }

    #[test]
    fn a_log_cut_anywhere_gives_the_newest_whole_record() {
        let (log, ends) = log(3);
        for cut in 0..=log.len() {
            let whole = ends.iter().filter(|end| **end <= cut).count();
            let (newest, length) = read_log(&log[..cut]).unwrap();
            assert_eq!(newest, (whole > 0).then(|| record(whole as u64)), "cut at {cut}");
            assert_eq!(length, if whole == 0 { 0 } else { ends[whole - 1] });
        }
    }

    #[test]
    fn a_flipped_byte_before_the_last_record_is_damage() {
        let (log, ends) = log(3);
        for at in 0..ends[1] {
            let mut log = log.clone();
            log[at] ^= 0x41;
            assert!(matches!(read_log(&log), Err(LogError::Damaged { .. })), "byte {at}");
        }
    }

    #[test]
    fn a_flipped_byte_in_the_last_record_never_gives_another_record() {
        let (log, ends) = log(3);
        for at in ends[1]..ends[2] {
            let mut log = log.clone();
            log[at] ^= 0x41;
            assert_eq!(read_log(&log).unwrap().0, Some(record(2)), "byte {at}");
        }
    }
}
