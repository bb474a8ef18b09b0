//! Which missing parents are asked for, and when.

use crate::origin::PeerId;
use qsdm_primitives::{
    CellId, ValidatorIndex,
    limits::{FETCH_DEPTH_MAX, FETCH_PEERS_MAX, FETCHES_OPEN_MAX},
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// One missing parent that may be asked for.
#[derive(Debug)]
struct Want {
    /// 1 for a parent of a cell that was pushed, 2 for a parent of such a parent, and so on.
    generation: usize,
    /// Whoever sent a child, to be asked in turn.
    peers: VecDeque<PeerId>,
    /// In whose queues it stands: those of its children's authors.
    tickets: Vec<(ValidatorIndex, u64)>,
    /// To whom the open question is charged, and when it is repeated.
    asked: Option<(ValidatorIndex, u64)>,
}

/// The questions. At most one a cell is open at a time. Each author whose cells wait has its own queue and its own share of
/// the open questions, so cells with invented parents delay nobody but their author. An unanswered question goes back to
/// the end of the queue.
#[derive(Debug)]
pub(crate) struct Fetches {
    /// After how many milliseconds a question is repeated.
    repeat_ms: u64,
    wants: BTreeMap<CellId, Want>,
    queues: BTreeMap<ValidatorIndex, BTreeSet<(u64, CellId)>>,
    open: BTreeMap<ValidatorIndex, usize>,
    due: BTreeSet<(u64, CellId)>,
    next_ticket: u64,
}

impl Fetches {
    pub(crate) fn new(repeat_ms: u64) -> Self {
        let (wants, queues, open, due) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        Self { repeat_ms, wants, queues, open, due, next_ticket: 0 }
    }

    pub(crate) fn repeat_ms(&self) -> u64 {
        self.repeat_ms
    }

    pub(crate) fn set_repeat_ms(&mut self, repeat_ms: u64) {
        self.repeat_ms = repeat_ms;
    }

    /// Notes that a cell of `author`, sent by `peer`, needs a parent.
    pub(crate) fn want(&mut self, id: CellId, author: ValidatorIndex, peer: PeerId, generation: usize) {
        if generation > FETCH_DEPTH_MAX {
            return;
        }
        let fresh = || Want { generation, peers: VecDeque::new(), tickets: Vec::new(), asked: None };
        let want = self.wants.entry(id).or_insert_with(fresh);
        want.generation = want.generation.min(generation);
        if !want.peers.contains(&peer) {
            // whoever was not asked yet comes first; where there are many, the one asked last goes
            want.peers.truncate(FETCH_PEERS_MAX - 1);
            want.peers.push_front(peer);
        }
        if want.tickets.iter().all(|(of, _)| *of != author) {
            want.tickets.push((author, self.next_ticket));
            self.queues.entry(author).or_default().insert((self.next_ticket, id));
            self.next_ticket = self.next_ticket.wrapping_add(1);
        }
    }

    /// The generation of a cell that is asked for.
    pub(crate) fn generation(&self, id: &CellId) -> Option<usize> {
        self.wants.get(id).map(|want| want.generation)
    }

    /// The cell has arrived, or nobody needs it any more.
    pub(crate) fn cancel(&mut self, id: &CellId) {
        self.close(id);
        let Some(want) = self.wants.remove(id) else { return };
        for (author, ticket) in want.tickets {
            self.leave_queue(author, ticket, *id);
        }
    }

    /// The cell came and could not be kept: not to be asked for again at once.
    pub(crate) fn defer(&mut self, id: &CellId, now_ms: u64) {
        self.close(id);
        if let Some(want) = self.wants.get_mut(id)
            && let Some((author, _)) = want.tickets.first()
        {
            let due = now_ms.saturating_add(self.repeat_ms);
            want.asked = Some((*author, due));
            self.due.insert((due, *id));
            *self.open.entry(*author).or_default() += 1;
        }
    }

    /// What is to be asked now. Each of `authors` authors has an equal share of the open questions.
    pub(crate) fn next(&mut self, authors: usize, now_ms: u64) -> Vec<(CellId, PeerId)> {
        self.expire(now_ms);
        let share = (FETCHES_OPEN_MAX / authors.max(1)).max(1);
        let waiting: Vec<ValidatorIndex> = self.queues.keys().copied().collect();
        let mut asked = Vec::new();
        for author in waiting {
            while self.open.get(&author).copied().unwrap_or(0) < share {
                let Some((ticket, id)) = self.queues.get(&author).and_then(|queue| queue.first()).copied() else {
                    break;
                };
                asked.extend(self.ask(author, ticket, id, now_ms));
            }
        }
        asked
    }

    fn ask(&mut self, author: ValidatorIndex, ticket: u64, id: CellId, now_ms: u64) -> Option<(CellId, PeerId)> {
        self.leave_queue(author, ticket, id);
        let want = self.wants.get_mut(&id)?;
        if want.asked.is_some() {
            // open for another author; when that one runs out, `expire` puts it into all queues again
            return None;
        }
        let peer = want.peers.pop_front()?;
        want.peers.push_back(peer);
        let due = now_ms.saturating_add(self.repeat_ms);
        want.asked = Some((author, due));
        self.due.insert((due, id));
        *self.open.entry(author).or_default() += 1;
        Some((id, peer))
    }

    /// Questions without an answer go to the end of the queues. Those that a clock which went back has left in a far future
    /// do so too.
    fn expire(&mut self, now_ms: u64) {
        let latest = now_ms.saturating_add(self.repeat_ms);
        let is_late = |due: &u64| *due <= now_ms || *due > latest;
        let first = |due: &BTreeSet<(u64, CellId)>| due.first().copied().filter(|(time, _)| is_late(time));
        let last = |due: &BTreeSet<(u64, CellId)>| due.last().copied().filter(|(time, _)| is_late(time));
        while let Some((due, id)) = first(&self.due).or_else(|| last(&self.due)) {
            self.due.remove(&(due, id));
            self.close(&id);
            let Some(want) = self.wants.get_mut(&id) else { continue };
            for (author, ticket) in &mut want.tickets {
                if let Some(queue) = self.queues.get_mut(author) {
                    queue.remove(&(*ticket, id));
                }
                *ticket = self.next_ticket;
                self.next_ticket = self.next_ticket.wrapping_add(1);
                self.queues.entry(*author).or_default().insert((*ticket, id));
            }
        }
    }

    fn close(&mut self, id: &CellId) {
        let Some((author, due)) = self.wants.get_mut(id).and_then(|want| want.asked.take()) else { return };
        self.due.remove(&(due, *id));
        if let Some(count) = self.open.get_mut(&author) {
            *count = count.saturating_sub(1);
        }
    }

    fn leave_queue(&mut self, author: ValidatorIndex, ticket: u64, id: CellId) {
        if let Some(queue) = self.queues.get_mut(&author) {
            queue.remove(&(ticket, id));
            if queue.is_empty() {
                self.queues.remove(&author);
            }
        }
    }

    /// Missing parents that may be asked for.
    pub(crate) fn len(&self) -> usize {
        self.wants.len()
    }

    /// Questions that are open.
    pub(crate) fn open(&self) -> usize {
        self.due.len()
    }
}
