//! A small text language to draw cells in a test, and what a test needs around them.
//!
//! ```text
//! submesh 0 2              # id and number of links; submesh 0 with two where no line says otherwise
//! submesh 1 3 draining     # a phase: open, draining or closed
//! authors 5                # else as many as letters are used, at least four
//! a0: R R                  # author a, place 0: own link, peer link, and the bridge where there are three
//! b0: R a0 tx=7:0:1        # a transaction: sender, nonce, hash, and effect where it is not the hash
//! b0': R R                 # a second cell in b's place 0: a fork
//! a0.1: R R b0             # in submesh 1; R is the cell's own submesh's root cell, R.0 that of submesh 0
//! a1: a0 b0 t=1500 gas=21000
//! ```
//!
//! Depth and time follow from the links unless `depth=` and `t=` say otherwise; `seq=`, `chain=` and `epoch=` make cells
//! that break rules. Signatures are [`qsdm_crypto::testing`]'s.

mod parse;
mod random;
mod store;

pub use parse::DrawError;
pub use random::{RandomDag, Rng};
pub use store::MemoryStore;

use crate::{
    config::{MeshConfig, SubmeshRules},
    conflict::TransactionKey,
    cut::Cut,
};
use qsdm_crypto::{
    Context, Signer, Verified,
    testing::{HashSigner, HashVerifier},
};
use qsdm_primitives::{
    Algorithm, Cell, CellBody, CellHeader, CellId, Epoch, SignedCellHeader, Statement, SubmeshId, Validator,
    ValidatorIndex, ValidatorSet,
};
use std::{collections::BTreeMap, sync::Arc};

/// The chain of all drawings.
pub const CHAIN_ID: u64 = 31_337;
/// The epoch of all drawings.
pub const EPOCH: Epoch = Epoch(3);
/// Time of a cell without parents, in milliseconds.
pub const START_MS: u64 = 1_000;

/// One drawn cell.
#[derive(Clone, Debug)]
pub struct DrawnCell {
    /// As it was written.
    pub name: String,
    /// Its id.
    pub id: CellId,
    /// The signed cell.
    pub cell: Verified<Cell>,
    /// Its transactions.
    pub keys: Vec<TransactionKey>,
}

/// What a text draws.
#[derive(Clone, Debug)]
pub struct Drawing {
    /// The authors, of weight 1 each.
    pub set: Arc<ValidatorSet>,
    /// The submeshes, open for everybody.
    pub submeshes: BTreeMap<SubmeshId, SubmeshRules>,
    /// The cells in the order of the text.
    pub cells: Vec<DrawnCell>,
}

impl Drawing {
    /// Reads a text.
    ///
    /// # Errors
    /// [`DrawError`] with the line that is wrong.
    pub fn parse(text: &str) -> Result<Self, DrawError> {
        parse::parse(text)
    }

    /// The cell of a name, if one was drawn.
    pub fn get(&self, name: &str) -> Option<&DrawnCell> {
        self.cells.iter().find(|cell| cell.name == name)
    }

    /// The name of a cell; its id in short where it was not drawn.
    pub fn name(&self, id: &CellId) -> String {
        let drawn = self.cells.iter().find(|cell| cell.id == *id);
        drawn.map_or_else(|| id.short().to_string(), |cell| cell.name.clone())
    }

    /// The configuration of a mesh that has no cells yet.
    pub fn config(&self, me: Option<ValidatorIndex>) -> MeshConfig {
        MeshConfig {
            chain_id: CHAIN_ID,
            set: self.set.clone(),
            submeshes: self.submeshes.clone(),
            me,
            included: Cut::default(),
        }
    }
}

/// A set of `count` validators of weight 1 whose keys are [`signer`]'s.
///
/// # Panics
/// Where there are no such sets: none, or more than a committee has places.
pub fn validators(epoch: Epoch, count: usize) -> Arc<ValidatorSet> {
    let member = |index: usize| Validator {
        account: alloy_primitives::Address::with_last_byte(u8::try_from(index).unwrap_or(u8::MAX)),
        key: signer(ValidatorIndex(u16::try_from(index).unwrap_or(u16::MAX))).public_key().clone(),
        bonded: 1,
    };
    Arc::new(ValidatorSet::new(epoch, (0..count).map(member).collect()).expect("invariant: a committee's size"))
}

/// The key of a validator.
pub fn signer(index: ValidatorIndex) -> HashSigner {
    HashSigner::new(Algorithm::MlDsa65, index.0.into())
}

/// Signs and verifies a cell; the header's body hash and count are put right.
///
/// # Panics
/// Where the author is not in `set`, or chain or epoch differ.
pub fn sign(mut header: CellHeader, body: CellBody, set: &ValidatorSet) -> Verified<Cell> {
    header.body = body.hash();
    header.transactions = u32::try_from(body.transactions.len()).unwrap_or(u32::MAX);
    let message = header.message(header.chain_id);
    let signature = signer(header.lane.author).sign(&message).expect("invariant: a hash is always possible");
    let context = Context { chain_id: header.chain_id, set, verifier: &HashVerifier };
    let cell = Cell { signed: SignedCellHeader { header, signature }, body };
    context.verify(cell).expect("invariant: signed by a member of the set")
}
