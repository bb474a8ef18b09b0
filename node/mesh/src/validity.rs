//! The structural rules V1 and V3 to V8: the same verdict on every node.

use crate::{config::Rules, error::CellError, ports::StoredPlace};
use qsdm_primitives::{CellHeader, CellId, SubmeshId, limits::LINK_DEPTH_MAX};

/// A link, looked up.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Parent {
    /// The root cell of a submesh.
    Root(SubmeshId),
    /// A cell.
    Cell(StoredPlace),
}

impl Parent {
    fn submesh(self) -> SubmeshId {
        match self {
            Self::Root(submesh) => submesh,
            Self::Cell(place) => place.lane.submesh,
        }
    }

    fn depth(self) -> u64 {
        match self {
            Self::Root(_) => 0,
            Self::Cell(place) => place.depth,
        }
    }

    fn time_ms(self) -> u64 {
        match self {
            Self::Root(_) => 0,
            Self::Cell(place) => place.time_ms,
        }
    }
}

/// The links of a cell, looked up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parents {
    pub(crate) own: Parent,
    pub(crate) peer: Parent,
    pub(crate) bridge: Option<Parent>,
}

/// What can be judged without the parents: V1, V3, and the parts of V4 to V6 that speak of root cells.
pub(crate) fn check_header(rules: &Rules, header: &CellHeader) -> Result<(), CellError> {
    let (chain_id, set) = (rules.config.chain_id, &rules.config.set);
    let lane = header.lane;
    if header.chain_id != chain_id {
        return Err(CellError::WrongChain { found: header.chain_id, expected: chain_id });
    }
    if header.epoch != set.epoch() {
        return Err(CellError::WrongEpoch { found: header.epoch, expected: set.epoch() });
    }
    if set.get(lane.author).is_none() {
        return Err(CellError::NoSuchAuthor { author: lane.author, count: set.len() });
    }
    let submesh = rules.taking(lane.submesh)?;
    if !submesh.authors.contains(lane.author) {
        return Err(CellError::AuthorNotAllowed { lane });
    }
    if header.gas_limit > submesh.gas_per_block {
        return Err(CellError::GasLimit { submesh: lane.submesh, gas: header.gas_limit, max: submesh.gas_per_block });
    }
    if header.links.dimension() != submesh.dimension {
        return Err(CellError::WrongDimension {
            submesh: lane.submesh,
            found: header.links.dimension(),
            expected: submesh.dimension,
        });
    }
    check_roots(rules, header)
}

fn check_roots(rules: &Rules, header: &CellHeader) -> Result<(), CellError> {
    let (lane, links) = (header.lane, &header.links);
    let is_root = |id: &CellId| rules.root_of(id).is_some();
    let own_fits = match header.seq {
        0 => rules.root_of(&links.own) == Some(lane.submesh),
        _ => !is_root(&links.own),
    };
    if !own_fits {
        return Err(CellError::OwnRoot { lane, seq: header.seq, link: links.own });
    }
    let cells: Vec<_> = links.iter().filter(|link| !is_root(link)).collect();
    for (index, link) in cells.iter().enumerate() {
        if cells.iter().take(index).any(|other| other == link) {
            return Err(CellError::SameLink { link: *link });
        }
    }
    if header.depth == 0 {
        return Err(CellError::WrongDepth { claimed: 0, deepest: 0 });
    }
    if let Some(found) = rules.root_of(&links.peer) {
        check_peer_root(rules, header, found)?;
    }
    match links.bridge.and_then(|bridge| rules.root_of(&bridge)) {
        Some(found) => check_bridge_root(rules, lane.submesh, found),
        None => Ok(()),
    }
}

fn check_peer_root(rules: &Rules, header: &CellHeader, found: SubmeshId) -> Result<(), CellError> {
    let expected = header.lane.submesh;
    if found != expected {
        return Err(CellError::PeerSubmesh { found, expected });
    }
    if header.depth > LINK_DEPTH_MAX && !rules.has_one_author(expected) {
        return Err(CellError::PeerRoot { depth: header.depth, max: LINK_DEPTH_MAX });
    }
    Ok(())
}

fn check_bridge_root(rules: &Rules, of: SubmeshId, found: SubmeshId) -> Result<(), CellError> {
    let fits = if found == of { rules.is_only(of) } else { rules.taking(found).is_ok() };
    if fits { Ok(()) } else { Err(CellError::BridgeSubmesh { found, of }) }
}

/// What needs the parents: V4 to V6 and the structural half of V8.
pub(crate) fn check_parents(header: &CellHeader, parents: &Parents) -> Result<(), CellError> {
    let lane = header.lane;
    if let Parent::Cell(own) = parents.own
        && (own.lane != lane || own.seq.checked_add(1) != Some(header.seq))
    {
        return Err(CellError::OwnPlace { lane, seq: header.seq, found_lane: own.lane, found_seq: own.seq });
    }
    check_others(header, parents)?;
    check_depth(header, parents)?;
    let all = [Some(parents.own), Some(parents.peer), parents.bridge];
    let parent_ms = all.into_iter().flatten().map(Parent::time_ms).max().unwrap_or(0);
    if header.time_ms < parent_ms {
        return Err(CellError::BeforeParent { time_ms: header.time_ms, parent_ms });
    }
    Ok(())
}

fn check_others(header: &CellHeader, parents: &Parents) -> Result<(), CellError> {
    let lane = header.lane;
    if parents.peer.submesh() != lane.submesh {
        return Err(CellError::PeerSubmesh { found: parents.peer.submesh(), expected: lane.submesh });
    }
    let mut authors = vec![lane.author];
    for link in [Some(parents.peer), parents.bridge].into_iter().flatten() {
        if let Parent::Cell(place) = link {
            if authors.contains(&place.lane.author) {
                return Err(CellError::SameAuthor { author: place.lane.author });
            }
            authors.push(place.lane.author);
        }
    }
    match parents.bridge {
        Some(Parent::Cell(place)) if place.lane.submesh == lane.submesh => {
            Err(CellError::BridgeSubmesh { found: place.lane.submesh, of: lane.submesh })
        }
        _ => Ok(()),
    }
}

fn check_depth(header: &CellHeader, parents: &Parents) -> Result<(), CellError> {
    let deepest = parents.own.depth().max(parents.peer.depth());
    if deepest.checked_add(1) != Some(header.depth) {
        return Err(CellError::WrongDepth { claimed: header.depth, deepest });
    }
    match parents.peer {
        Parent::Cell(peer) if peer.depth.saturating_add(LINK_DEPTH_MAX) < header.depth => {
            Err(CellError::PeerTooOld { depth: header.depth, found: peer.depth, max: LINK_DEPTH_MAX })
        }
        _ => Ok(()),
    }
}
