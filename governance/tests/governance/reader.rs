//! Reading proposals from a chain that answers what a test wants.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall, SolEvent};
use qsdm_contracts::{Track, bindings::MeshGovernor};
use qsdm_governance::{Error, Ledger, LedgerError, LedgerLog, ProposalState, Reader};

/// A chain with these proposals on these tracks, all of them voting.
struct Chain {
    proposals: Vec<(Track, U256, &'static str)>,
    state: u8,
}

impl Ledger for Chain {
    fn call(&self, _to: Address, data: Bytes) -> Result<Bytes, LedgerError> {
        let word = |number: u64| Bytes::from(U256::from(number).to_be_bytes::<32>());
        let selector: [u8; 4] = data[..4].try_into().unwrap();
        match selector {
            MeshGovernor::stateCall::SELECTOR => Ok(word(self.state.into())),
            MeshGovernor::proposalDeadlineCall::SELECTOR => Ok(word(200)),
            MeshGovernor::proposalEtaCall::SELECTOR => Ok(word(0)),
            MeshGovernor::EXECUTION_WINDOWCall::SELECTOR => Ok(word(50)),
            MeshGovernor::proposalVotesCall::SELECTOR => Ok([word(1), word(2), word(3)].concat().into()),
            // the snapshot lies ahead
            MeshGovernor::quorumCall::SELECTOR => Err(LedgerError::Reverted(Bytes::new())),
            _ => Err(LedgerError::Refused("no such call".to_owned())),
        }
    }

    fn logs(&self, address: Address, topics: &[B256]) -> Result<Vec<LedgerLog>, LedgerError> {
        assert_eq!(topics, [MeshGovernor::ProposalCreated::SIGNATURE_HASH]);
        let here = self.proposals.iter().filter(|(track, _, _)| track.governor() == address);
        Ok(here.map(|(_, id, description)| log(*id, description)).collect())
    }

    fn present_s(&self) -> Result<u64, LedgerError> {
        Ok(150)
    }
}

fn log(id: U256, description: &str) -> LedgerLog {
    let event = MeshGovernor::ProposalCreated {
        proposalId: id,
        proposer: Address::repeat_byte(1),
        targets: vec![Address::repeat_byte(2)],
        values: vec![U256::ZERO],
        signatures: vec![String::new()],
        calldatas: vec![Bytes::new()],
        voteStart: U256::from(100),
        voteEnd: U256::from(200),
        description: description.to_owned(),
    };
    let encoded = event.encode_log_data();
    LedgerLog { topics: encoded.topics().to_vec(), data: encoded.data, block: 9, transaction: B256::ZERO }
}

fn chain() -> Chain {
    let id = |digits: &str| digits.parse().unwrap();
    let proposals = vec![
        (Track::Root, id("1234"), "# First\n\ntext"),
        (Track::Root, id("1299"), "## #2 of them"),
        (Track::Submesh, id("12"), "no \u{1b}[2Kheading"),
        (Track::Submesh, id("99"), ""),
    ];
    Chain { proposals, state: 1 }
}

#[test]
fn a_proposal_is_found_by_its_id_or_by_a_beginning_that_only_it_has() {
    let chain = chain();
    let find = |text: &str| Reader::new(&chain).find(text).map(|proposal| proposal.id.to::<u64>());
    assert_eq!(find("1234").unwrap(), 1234);
    assert_eq!(find("123").unwrap(), 1234);
    assert_eq!(find("12").unwrap(), 12, "a whole id comes before beginnings of others");
    assert_eq!(find("0012").unwrap(), 12, "zeros in front change no number");
    assert_eq!(find("0x4d2").unwrap(), 1234);
    assert_eq!(find("0x4D").unwrap(), 1234);
    assert_eq!(find(&format!("0x{:064x}", 1234)).unwrap(), 1234, "as explorers write it");
}

#[test]
fn unknown_and_ambiguous_ids_say_what_to_do() {
    let chain = chain();
    let find = |text: &str| Reader::new(&chain).find(text).expect_err("no proposal");
    assert!(matches!(find("5"), Error::UnknownProposal(_)));
    assert!(find("0x7").to_string().contains("begins with 0x7; `qsdm gov list`"));
    assert!(matches!(find("1"), Error::AmbiguousProposal { count: 3, .. }));
    assert!(find("1").to_string().contains("3 proposals have an id that begins with 1: give more digits"));
    for text in ["", "0x", "0xg", "-1", "1 2", "first", "+12", "1_2", "０"] {
        assert!(matches!(find(text), Error::BadProposalId(_)), "{text:?}");
    }
    assert!(matches!(find(&"9".repeat(200)), Error::UnknownProposal(_)), "longer than any id");
}

#[test]
fn a_proposal_is_read_with_its_title_times_and_votes() {
    let proposals = Reader::new(&chain()).proposals().unwrap();
    let titles: Vec<&str> = proposals.iter().map(|proposal| proposal.title.as_str()).collect();
    assert_eq!(titles, ["First", "#2 of them", "no \\u{1b}[2Kheading", ""]);
    let first = &proposals[0];
    assert_eq!((first.state, first.block), (ProposalState::Active, 9));
    assert_eq!((first.times.vote_start, first.times.vote_end, first.times.expires), (100, 200, 250));
    assert_eq!(first.times.executable_from, None);
    let tally = &first.tally;
    assert_eq!([tally.against, tally.in_favour, tally.abstain], [1, 2, 3].map(U256::from));
    assert_eq!(tally.quorum, None, "not known before the vote opens");
    assert_eq!(first.description, "# First\n\ntext", "the text stays as it is hashed");
    let json = serde_json::to_value(first).unwrap();
    assert_eq!((json["id"].as_str(), json["track"].as_str()), (Some("1234"), Some("root")));
}

#[test]
fn a_chain_that_answers_nonsense_is_doubted() {
    let strange = Chain { state: 9, ..chain() };
    let error = Reader::new(&strange).find("1234").unwrap_err();
    assert!(error.to_string().contains("is this a QSDM chain?"), "{error}");
    let error = Reader::new(&strange).tracks().unwrap_err();
    assert!(error.to_string().contains("the node refuses: no such call"), "{error}");
}
