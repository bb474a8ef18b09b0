//! Encodings of what has none of its own.

use super::StoredCommit;
use qsdm_mesh::CutRules;
use qsdm_primitives::{
    CellBody, CellHeader, CellId, SubmeshId, ValidatorSet,
    codec::{CodecError, Decode, Encode, Reader, ascending, encode_count, encode_list},
    limits::{BLOCK_CELLS_MAX, SUBMESHES_MAX},
};

pub(super) fn flag(reader: &mut Reader<'_>) -> Result<bool, CodecError> {
    match u8::decode(reader)? {
        0 => Ok(false),
        1 => Ok(true),
        found => Err(CodecError::Unknown { what: "flag", found }),
    }
}

impl Encode for StoredCommit {
    fn encode(&self, out: &mut Vec<u8>) {
        self.id.encode(out);
        out.push(u8::from(self.number.is_some()));
        self.number.unwrap_or_default().encode(out);
        out.push(u8::from(self.is_boundary));
        self.seed.encode(out);
        encode_list(&self.cells, out);
    }
}

impl Decode for StoredCommit {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let id = Decode::decode(reader)?;
        let (has_number, number) = (flag(reader)?, u64::decode(reader)?);
        Ok(Self {
            id,
            number: has_number.then_some(number),
            is_boundary: flag(reader)?,
            seed: Decode::decode(reader)?,
            cells: reader.list::<CellId>("cells of a committed block", BLOCK_CELLS_MAX, 32)?,
        })
    }
}

/// The own next cell of a lane, before it is signed.
pub(super) struct Draft {
    pub(super) header: CellHeader,
    pub(super) body: CellBody,
}

impl Decode for Draft {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self { header: Decode::decode(reader)?, body: Decode::decode(reader)? })
    }
}

/// Who decides in an epoch, and by which rules.
pub(super) struct EpochRow {
    pub(super) set: ValidatorSet,
    pub(super) rules: CutRules,
}

pub(super) fn encode_epoch(set: &ValidatorSet, rules: &CutRules) -> Vec<u8> {
    let mut bytes = set.to_bytes();
    rules.block_gas.encode(&mut bytes);
    encode_count(rules.submeshes.len(), &mut bytes);
    for (submesh, gas) in &rules.submeshes {
        submesh.encode(&mut bytes);
        gas.encode(&mut bytes);
    }
    bytes
}

impl Decode for EpochRow {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        let set = Decode::decode(reader)?;
        let block_gas = Decode::decode(reader)?;
        let count = reader.count("submeshes", SUBMESHES_MAX, 4 + 8)?;
        let mut submeshes = Vec::with_capacity(count);
        for _ in 0..count {
            submeshes.push((SubmeshId::decode(reader)?, u64::decode(reader)?));
        }
        ascending("submeshes", submeshes.iter().map(|(submesh, _)| *submesh))?;
        Ok(Self { set, rules: CutRules { block_gas, submeshes: submeshes.into_iter().collect() } })
    }
}
