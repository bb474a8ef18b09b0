//! Reads drawings.

use super::{CHAIN_ID, Drawing, DrawnCell, EPOCH, START_MS, sign, validators};
use crate::{
    config::{Phase, SubmeshRules},
    conflict::TransactionKey,
};
use alloy_primitives::Bytes;
use qsdm_primitives::{
    BodyHash, CellBody, CellHeader, CellId, Dimension, Epoch, LaneId, Links, Signers, SubmeshId, ValidatorIndex,
    limits::VALIDATORS_MAX, root_cell,
};
use std::{collections::BTreeMap, str::FromStr};

/// Why a text draws nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct DrawError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// A cell as written.
struct Line<'a> {
    name: &'a str,
    lane: LaneId,
    seq: u64,
    links: Vec<&'a str>,
    options: BTreeMap<&'a str, u64>,
    keys: Vec<TransactionKey>,
}

#[derive(Default)]
struct Parser {
    submeshes: BTreeMap<SubmeshId, SubmeshRules>,
    cells: Vec<DrawnCell>,
    names: BTreeMap<String, CellHeader>,
}

pub(super) fn parse(text: &str) -> Result<Drawing, DrawError> {
    let mut parser = Parser::default();
    let mut lines = Vec::new();
    let mut authors = 4;
    for (index, line) in text.lines().enumerate() {
        let at = |what: String| DrawError { line: index + 1, what };
        let line = line.split('#').next().unwrap_or_default().trim();
        if let Some((name, rest)) = line.split_once(':') {
            let cell = cell_line(name.trim(), rest).map_err(at)?;
            authors = authors.max(usize::from(cell.lane.author.0) + 1);
            lines.push((index, cell));
        } else if let Some(count) = line.strip_prefix("authors ") {
            authors = number::<usize>(count.trim()).map_err(at)?.clamp(1, VALIDATORS_MAX);
        } else if let Some(rest) = line.strip_prefix("submesh ") {
            parser.submesh(rest).map_err(at)?;
        } else if !line.is_empty() {
            return Err(at(format!("{line:?} is no cell, no submesh and no number of authors")));
        }
    }
    if parser.submeshes.is_empty() {
        parser.submesh("0 2").map_err(|what| DrawError { line: 0, what })?;
    }
    for (index, line) in lines {
        parser.cell(&line, authors).map_err(|what| DrawError { line: index + 1, what })?;
    }
    Ok(Drawing { set: validators(EPOCH, authors), submeshes: parser.submeshes, cells: parser.cells })
}

impl Parser {
    fn submesh(&mut self, text: &str) -> Result<(), String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (Some(id), Some(links)) = (words.first(), words.get(1)) else {
            return Err("a submesh has an id and a number of links".to_owned());
        };
        let dimension = match *links {
            "2" => Dimension::Two,
            "3" => Dimension::Three,
            other => return Err(format!("a submesh has 2 or 3 links, not {other}")),
        };
        let phase = match words.get(2).copied() {
            None | Some("open") => Phase::Open,
            Some("draining") => Phase::Draining,
            Some("closed") => Phase::Closed,
            Some(other) => return Err(format!("{other} is no phase")),
        };
        let rules = SubmeshRules { dimension, phase, gas_per_block: u64::MAX, authors: Signers(u64::MAX) };
        self.submeshes.insert(SubmeshId(number(id)?), rules);
        Ok(())
    }

    fn cell(&mut self, line: &Line<'_>, authors: usize) -> Result<(), String> {
        let option = |name: &str| line.options.get(name).copied();
        let chain_id = option("chain").unwrap_or(CHAIN_ID);
        let epoch = option("epoch").map_or(EPOCH, Epoch);
        let mut ids = Vec::new();
        let (mut depth, mut time_ms) = (0, START_MS);
        for link in &line.links {
            let (id, parent) = self.link(link, line.lane.submesh)?;
            ids.push(id);
            if let Some(parent) = parent {
                time_ms = time_ms.max(parent.time_ms);
                let counts = parent.lane.submesh == line.lane.submesh;
                depth = depth.max(if counts { parent.depth } else { 0 });
            }
        }
        let links = match ids.as_slice() {
            [own, peer] => Links { own: *own, peer: *peer, bridge: None },
            [own, peer, bridge] => Links { own: *own, peer: *peer, bridge: Some(*bridge) },
            _ => return Err(format!("{} has {} links, a cell has two or three", line.name, ids.len())),
        };
        let header = CellHeader {
            chain_id,
            epoch,
            lane: line.lane,
            seq: option("seq").unwrap_or(line.seq),
            depth: option("depth").unwrap_or(depth + 1),
            links,
            time_ms: option("t").unwrap_or(time_ms),
            gas_limit: option("gas").unwrap_or(0),
            transactions: 0,
            body: BodyHash::default(),
        };
        let transactions = line.keys.iter().map(|key| Bytes::copy_from_slice(&key.hash)).collect();
        let cell = sign(header, CellBody { transactions }, &validators(epoch, authors));
        let (id, header) = (cell.header().id(), cell.header().clone());
        if let Some(other) = self.cells.iter().find(|other| other.id == id) {
            return Err(format!("{} and {} are the same cell", line.name, other.name));
        }
        if self.names.insert(line.name.to_owned(), header).is_some() {
            return Err(format!("{} is drawn twice", line.name));
        }
        self.cells.push(DrawnCell { name: line.name.to_owned(), id, cell, keys: line.keys.clone() });
        Ok(())
    }

    fn link(&self, link: &str, submesh: SubmeshId) -> Result<(CellId, Option<&CellHeader>), String> {
        if link == "R" {
            return Ok((root_cell(CHAIN_ID, EPOCH, submesh), None));
        }
        if let Some(other) = link.strip_prefix("R.") {
            return Ok((root_cell(CHAIN_ID, EPOCH, SubmeshId(number(other)?)), None));
        }
        if let Some(unknown) = link.strip_prefix('?') {
            // a cell that nobody has
            return Ok((CellId(*blake3::hash(unknown.as_bytes()).as_bytes()), None));
        }
        let header = self.names.get(link).ok_or_else(|| format!("no cell {link} is drawn above"))?;
        Ok((header.id(), Some(header)))
    }
}

fn cell_line<'a>(name: &'a str, rest: &'a str) -> Result<Line<'a>, String> {
    let (place, submesh) = name.split_once('.').unwrap_or((name, "0"));
    let place = place.trim_end_matches('\'');
    let mut letters = place.chars();
    let author = match letters.next() {
        Some(letter @ 'a'..='z') => u16::try_from(u32::from(letter) - u32::from('a')).unwrap_or(0),
        Some(letter @ 'A'..='Z') => u16::try_from(26 + u32::from(letter) - u32::from('A')).unwrap_or(0),
        _ => return Err(format!("{name:?} does not begin with an author's letter")),
    };
    let lane = LaneId { submesh: SubmeshId(number(submesh)?), author: ValidatorIndex(author) };
    let mut line =
        Line { name, lane, seq: number(letters.as_str())?, links: vec![], options: BTreeMap::new(), keys: vec![] };
    for word in rest.split_whitespace() {
        match word.split_once('=') {
            None => line.links.push(word),
            Some(("tx", transaction)) => line.keys.push(key(transaction)?),
            Some((option @ ("t" | "gas" | "depth" | "seq" | "chain" | "epoch"), value)) => {
                line.options.insert(option, number(value)?);
            }
            Some((option, _)) => return Err(format!("{option} is no option of a cell")),
        }
    }
    Ok(line)
}

fn key(text: &str) -> Result<TransactionKey, String> {
    let numbers = text.split(':').map(number::<u64>).collect::<Result<Vec<_>, _>>()?;
    let wide = |number: u64| *blake3::hash(&number.to_le_bytes()).as_bytes();
    let (sender, nonce, hash, effect) = match numbers.as_slice() {
        [sender, nonce, hash] => (*sender, *nonce, *hash, *hash),
        [sender, nonce, hash, effect] => (*sender, *nonce, *hash, *effect),
        _ => return Err(format!("{text} is not sender:nonce:hash or sender:nonce:hash:effect")),
    };
    let mut address = [0; 20];
    address[..8].copy_from_slice(&sender.to_le_bytes());
    Ok(TransactionKey { sender: address, nonce, hash: wide(hash), effect: wide(effect) })
}

fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is no number that fits here"))
}
