//! The store's own encoding: little, canonical and without self-description, because the schema version and the
//! version byte of each blob describe it.
//!
//! Integers are LEB128, 256-bit words are a length byte and that many big-endian bytes without leading zeros, byte
//! strings have a length before them. A decoder refuses what an encoder would not write.

pub(crate) mod account;
pub(crate) mod block;
mod header;
#[cfg(test)]
mod samples;
pub(crate) mod step;

use alloy_primitives::{Address, B256, U256};

/// Why bytes are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

pub(crate) type Decoded<T> = Result<T, Malformed>;

pub(crate) fn put_varint(out: &mut Vec<u8>, value: impl Into<u128>) {
    let mut value = value.into();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn put_u256(out: &mut Vec<u8>, value: U256) {
    let length = value.byte_len();
    out.push(length as u8);
    out.extend_from_slice(&value.to_be_bytes::<32>()[32 - length..]);
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Reads what the `put_` functions wrote.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn take(&mut self, length: usize) -> Decoded<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed("it ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn byte(&mut self) -> Decoded<u8> {
        let (first, rest) = self.rest.split_first().ok_or(Malformed("it ends too early"))?;
        self.rest = rest;
        Ok(*first)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Decoded<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Malformed("it ends too early"))?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn address(&mut self) -> Decoded<Address> {
        self.array().map(Address::new)
    }

    pub(crate) fn hash(&mut self) -> Decoded<B256> {
        self.array().map(B256::new)
    }

    pub(crate) fn wide(&mut self) -> Decoded<u128> {
        let mut value = 0u128;
        for shift in (0..).step_by(7) {
            let byte = self.byte()?;
            let bits = u128::from(byte & 0x7f);
            if shift >= 128 || (bits << shift) >> shift != bits {
                return Err(Malformed("an integer is too large"));
            }
            value |= bits << shift;
            if byte < 0x80 {
                let padded = byte == 0 && shift > 0;
                return if padded { Err(Malformed("an integer is padded")) } else { Ok(value) };
            }
        }
        Err(Malformed("an integer is too large"))
    }

    pub(crate) fn integer<T: TryFrom<u128>>(&mut self) -> Decoded<T> {
        // nearly all integers of a block are one to four bytes long
        if let Some((&byte, rest)) = self.rest.split_first()
            && byte < 0x80
        {
            self.rest = rest;
            return T::try_from(u128::from(byte)).map_err(|_| Malformed("an integer is too large"));
        }
        self.wide().and_then(|value| T::try_from(value).map_err(|_| Malformed("an integer is too large")))
    }

    pub(crate) fn u256(&mut self) -> Decoded<U256> {
        let length = self.byte()?;
        let bytes = self.take(usize::from(length))?;
        if bytes.len() > 32 || bytes.first() == Some(&0) {
            return Err(Malformed("a 256-bit word is padded"));
        }
        Ok(U256::from_be_slice(bytes))
    }

    pub(crate) fn bytes(&mut self) -> Decoded<&'a [u8]> {
        let length = self.integer()?;
        self.take(length)
    }

    /// A number of items of at least `item_bytes` each: never more than the rest of the input could hold, so that a
    /// wrong number can't reserve memory.
    pub(crate) fn count(&mut self, item_bytes: usize) -> Decoded<usize> {
        let count: usize = self.integer()?;
        if count > self.rest.len() / item_bytes {
            return Err(Malformed("a count exceeds what follows"));
        }
        Ok(count)
    }

    /// `count` items, each read by `item`.
    pub(crate) fn list<T>(
        &mut self,
        item_bytes: usize,
        mut item: impl FnMut(&mut Self) -> Decoded<T>,
    ) -> Decoded<Vec<T>> {
        let count = self.count(item_bytes)?;
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    pub(crate) fn finish(self) -> Decoded<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed("bytes follow its end")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_words_round_trip_at_their_edges() {
        for value in [0, 1, 0x7f, 0x80, 0x3fff, 0x4000, u128::from(u64::MAX), u128::MAX - 1, u128::MAX] {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            let mut reader = Reader::new(&out);
            assert_eq!(reader.integer::<u128>(), Ok(value));
            reader.finish().unwrap();
        }
        for value in [U256::ZERO, U256::ONE, U256::from(256), U256::MAX] {
            let mut out = Vec::new();
            put_u256(&mut out, value);
            let mut reader = Reader::new(&out);
            assert_eq!(reader.u256(), Ok(value));
            reader.finish().unwrap();
        }
    }

    #[test]
    fn what_no_encoder_writes_is_refused() {
        assert_eq!(Reader::new(&[0x80, 0x00]).integer::<u64>(), Err(Malformed("an integer is padded")));
        assert_eq!(Reader::new(&[0xff; 19]).integer::<u128>(), Err(Malformed("an integer is too large")));
        assert_eq!(Reader::new(&[0xff, 0x07]).integer::<u8>(), Err(Malformed("an integer is too large")));
        assert_eq!(Reader::new(&[2, 0, 1]).u256(), Err(Malformed("a 256-bit word is padded")));
        assert_eq!(Reader::new(&[33; 40]).u256(), Err(Malformed("a 256-bit word is padded")));
        assert_eq!(Reader::new(&[5, 1, 2]).bytes(), Err(Malformed("it ends too early")));
        assert_eq!(Reader::new(&[3, 1, 2]).count(1), Err(Malformed("a count exceeds what follows")));
        assert_eq!(Reader::new(&[1]).finish(), Err(Malformed("bytes follow its end")));
    }
}
