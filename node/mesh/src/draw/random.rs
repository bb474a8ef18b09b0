//! Random drawings, as texts: what fails can be read.

use core::fmt::Write;

/// A small generator of numbers (SplitMix64): the same seed gives the same numbers everywhere.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// Starts at a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 where `end` is.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next_u64() % (end.max(1) as u64)).unwrap_or(0)
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }

    /// A random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            let other = self.below(end + 1);
            items.swap(end, other);
        }
    }
}

/// What a random drawing looks like.
#[derive(Clone, Copy, Debug)]
pub struct RandomDag {
    /// Authors, at most 26.
    pub authors: usize,
    /// Submeshes; the second one and those after it have three links.
    pub submeshes: usize,
    /// Cells, forks included.
    pub cells: usize,
    /// Authors who fork their lanes, the last ones.
    pub forkers: usize,
    /// In how many of a hundred cells a transaction lies.
    pub transactions: usize,
    /// From how many pairs of sender and nonce transactions are drawn: the fewer, the more conflicts.
    pub nonces: usize,
}

#[derive(Clone)]
struct Drawn {
    name: String,
    author: usize,
    submesh: usize,
    seq: usize,
    depth: usize,
}

impl RandomDag {
    /// A text for [`Drawing::parse`](super::Drawing::parse); every cell of it is valid.
    pub fn draw(&self, seed: u64) -> String {
        let mut rng = Rng::new(seed);
        let mut text = format!("authors {}\n", self.authors);
        for submesh in 0..self.submeshes {
            let _ = writeln!(text, "submesh {submesh} {}", if submesh == 0 { 2 } else { 3 });
        }
        let mut drawn: Vec<Drawn> = Vec::new();
        for number in 0..self.cells {
            let cell = self.cell(&mut rng, &drawn, number, &mut text);
            drawn.push(cell);
        }
        text
    }

    fn cell(&self, rng: &mut Rng, drawn: &[Drawn], number: usize, text: &mut String) -> Drawn {
        let (author, submesh) = (rng.below(self.authors), rng.below(self.submeshes));
        let mine: Vec<&Drawn> = drawn.iter().filter(|cell| (cell.author, cell.submesh) == (author, submesh)).collect();
        let may_fork = author >= self.authors.saturating_sub(self.forkers);
        // a forker goes on from any of its cells, or begins again
        let own = if may_fork && rng.percent(30) {
            rng.pick(&mine).copied().filter(|_| rng.percent(80))
        } else {
            mine.last().copied()
        };
        let own_depth = own.map_or(0, |own| own.depth);
        let peers: Vec<&Drawn> = drawn
            .iter()
            .rev()
            .filter(|cell| cell.submesh == submesh && cell.author != author && cell.depth + 64 > own_depth)
            .take(3 * self.authors)
            .collect();
        let peer = rng.pick(&peers).copied().filter(|_| own_depth >= 60 || rng.percent(95));
        let seq = own.map_or(0, |own| own.seq + 1);
        let ticks = mine.iter().filter(|cell| cell.seq == seq).count();
        let letter = char::from(b'a' + u8::try_from(author).unwrap_or(0));
        let place = if submesh == 0 { String::new() } else { format!(".{submesh}") };
        let name = format!("{letter}{seq}{}{place}", "'".repeat(ticks));
        let link = |cell: Option<&Drawn>| cell.map_or_else(|| "R".to_owned(), |cell| cell.name.clone());
        let _ = write!(text, "{name}: {} {}", link(own), link(peer));
        if submesh > 0 {
            let third = |cell: &&Drawn| {
                cell.submesh != submesh && cell.author != author && peer.is_none_or(|peer| peer.author != cell.author)
            };
            let bridges: Vec<&Drawn> = drawn.iter().rev().filter(third).take(3 * self.authors).collect();
            let _ = write!(text, " {}", rng.pick(&bridges).map_or_else(|| "R.0".to_owned(), |cell| cell.name.clone()));
        }
        if rng.percent(self.transactions) {
            let nonce = rng.below(self.nonces);
            // one in four repeats a transaction that another cell may have; effects are shared more often than hashes
            let hash = if rng.percent(25) { nonce } else { 1_000 + number };
            let _ = write!(text, " tx={}:{nonce}:{hash}:{}", nonce % 3, rng.below(2));
        }
        // the number keeps the cells of a fork apart
        let _ = writeln!(text, " gas={}", rng.below(5) * 1_000 + number);
        let depth = own_depth.max(peer.map_or(0, |peer| peer.depth)) + 1;
        Drawn { name, author, submesh, seq, depth }
    }
}
