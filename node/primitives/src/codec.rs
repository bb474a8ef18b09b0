//! The one canonical encoding of everything that is signed, hashed, sent between validators or kept on disk.
//!
//! Integers are little-endian and as wide as their type; a list is a `u32` count and its items; an option is one byte,
//! 0 or 1, and the value; a set is a list in strictly ascending order. There is one way to write a value, so
//! [`decode`] refuses every other one, and re-encoding what was decoded gives the same bytes. Counts are checked against
//! their limit and against the bytes that are left before anything is allocated.

/// Why bytes are no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The bytes end too early.
    #[error("{needed} more bytes are needed and {left} are left")]
    Truncated {
        /// Bytes the next value takes.
        needed: usize,
        /// Bytes left.
        left: usize,
    },
    /// Bytes after the value.
    #[error("{left} bytes are left behind the value")]
    Trailing {
        /// Bytes left.
        left: usize,
    },
    /// The whole input is over its limit.
    #[error("{what} of {found} bytes is longer than {max}")]
    TooLong {
        /// What is too long.
        what: &'static str,
        /// Its length in bytes.
        found: usize,
        /// Most bytes.
        max: usize,
    },
    /// A count over its limit.
    #[error("{found} {what} are more than {max}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// The count.
        found: u64,
        /// Greatest count.
        max: u64,
    },
    /// A byte that names a variant, a version or an algorithm and is none of the known ones.
    #[error("{found} is no known {what}")]
    Unknown {
        /// What the byte names.
        what: &'static str,
        /// The byte.
        found: u8,
    },
    /// A set whose items are not in strictly ascending order.
    #[error("item {index} of {what} is not above the one before it")]
    NotAscending {
        /// The set.
        what: &'static str,
        /// Place of the first item that is out of order.
        index: usize,
    },
    /// A part that is not the one whose hash stands in another part.
    #[error("the {what} has another hash than the header says")]
    WrongHash {
        /// The part.
        what: &'static str,
    },
    /// A part whose length follows from another part.
    #[error("{what} has {found} instead of {expected}")]
    Mismatch {
        /// What disagrees.
        what: &'static str,
        /// What was found.
        found: u64,
        /// What belongs there.
        expected: u64,
    },
}

/// A value that can be written.
pub trait Encode {
    /// Appends the canonical bytes.
    fn encode(&self, out: &mut Vec<u8>);

    /// The canonical bytes.
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }
}

/// A value that can be read.
pub trait Decode: Sized {
    /// Reads one value and leaves what follows it.
    ///
    /// # Errors
    /// [`CodecError`] where the next bytes are no canonical value.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError>;
}

/// Reads exactly one value.
///
/// # Errors
/// [`CodecError`] where `bytes` are not the canonical encoding of a value, or something follows it.
pub fn decode<T: Decode>(bytes: &[u8]) -> Result<T, CodecError> {
    let mut reader = Reader::new(bytes);
    let value = T::decode(&mut reader)?;
    match reader.left() {
        0 => Ok(value),
        left => Err(CodecError::Trailing { left }),
    }
}

/// As [`decode`], and refuses more than `max` bytes before it looks at them.
///
/// # Errors
/// [`CodecError::TooLong`], else as [`decode`].
pub fn decode_bounded<T: Decode>(what: &'static str, bytes: &[u8], max: usize) -> Result<T, CodecError> {
    if bytes.len() > max {
        return Err(CodecError::TooLong { what, found: bytes.len(), max });
    }
    decode(bytes)
}

/// The bytes not yet read.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the first of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.bytes.len()
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// [`CodecError::Truncated`].
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], CodecError> {
        let (taken, rest) = self
            .bytes
            .split_at_checked(count)
            .ok_or(CodecError::Truncated { needed: count, left: self.bytes.len() })?;
        self.bytes = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`CodecError::Truncated`].
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (taken, rest) =
            self.bytes.split_first_chunk::<N>().ok_or(CodecError::Truncated { needed: N, left: self.bytes.len() })?;
        self.bytes = rest;
        Ok(*taken)
    }

    /// A count of items that take at least `item_bytes` each.
    ///
    /// # Errors
    /// [`CodecError::TooMany`] above `max`, [`CodecError::Truncated`] where so many can't follow.
    pub fn count(&mut self, what: &'static str, max: usize, item_bytes: usize) -> Result<usize, CodecError> {
        let found = u32::decode(self)?;
        let count = usize::try_from(found).unwrap_or(usize::MAX);
        if count > max {
            return Err(CodecError::TooMany { what, found: found.into(), max: max as u64 });
        }
        let needed = count.saturating_mul(item_bytes.max(1));
        if needed > self.left() {
            return Err(CodecError::Truncated { needed, left: self.left() });
        }
        Ok(count)
    }

    /// A list of at most `max` values of at least `item_bytes` each.
    ///
    /// # Errors
    /// As [`Reader::count`] and as the items'.
    pub fn list<T: Decode>(&mut self, what: &'static str, max: usize, item_bytes: usize) -> Result<Vec<T>, CodecError> {
        let count = self.count(what, max, item_bytes)?;
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(T::decode(self)?);
        }
        Ok(items)
    }

    /// A byte string of at most `max` bytes.
    ///
    /// # Errors
    /// As [`Reader::count`].
    pub fn byte_string(&mut self, what: &'static str, max: usize) -> Result<&'a [u8], CodecError> {
        let count = self.count(what, max, 1)?;
        self.take(count)
    }
}

/// Appends a count. Limits are far below 2^32, and a list over its limit is refused by whoever reads it.
pub fn encode_count(count: usize, out: &mut Vec<u8>) {
    u32::try_from(count).unwrap_or(u32::MAX).encode(out);
}

/// Appends a list.
pub fn encode_list<T: Encode>(items: &[T], out: &mut Vec<u8>) {
    encode_count(items.len(), out);
    items.iter().for_each(|item| item.encode(out));
}

/// Appends a byte string.
pub fn encode_byte_string(bytes: &[u8], out: &mut Vec<u8>) {
    encode_count(bytes.len(), out);
    out.extend_from_slice(bytes);
}

/// Checks that the keys of a set are in strictly ascending order.
///
/// # Errors
/// [`CodecError::NotAscending`].
pub fn ascending<K: Ord>(what: &'static str, keys: impl IntoIterator<Item = K>) -> Result<(), CodecError> {
    let mut last: Option<K> = None;
    for (index, key) in keys.into_iter().enumerate() {
        if last.is_some_and(|last| last >= key) {
            return Err(CodecError::NotAscending { what, index });
        }
        last = Some(key);
    }
    Ok(())
}

macro_rules! integer {
    ($($type:ty),*) => {$(
        impl Encode for $type {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
        }

        impl Decode for $type {
            fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
                reader.array().map(Self::from_le_bytes)
            }
        }
    )*};
}

integer!(u8, u16, u32, u64);

impl<T: Encode> Encode for Option<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            None => out.push(0),
            Some(value) => {
                out.push(1);
                value.encode(out);
            }
        }
    }
}

impl<T: Decode> Decode for Option<T> {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        match u8::decode(reader)? {
            0 => Ok(None),
            1 => T::decode(reader).map(Some),
            found => Err(CodecError::Unknown { what: "option", found }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_refused_before_anything_is_allocated() {
        let bytes = [0xff, 0xff, 0xff, 0xff, 1, 2, 3];
        let too_many = Reader::new(&bytes).list::<u8>("things", 10, 1);
        assert_eq!(too_many, Err(CodecError::TooMany { what: "things", found: u32::MAX.into(), max: 10 }));
        let truncated = Reader::new(&bytes).list::<u64>("things", usize::MAX, 8);
        assert_eq!(truncated, Err(CodecError::Truncated { needed: u32::MAX as usize * 8, left: 3 }));
    }

    #[test]
    fn an_option_has_two_spellings() {
        assert_eq!(decode::<Option<u8>>(&[0]), Ok(None));
        assert_eq!(decode::<Option<u8>>(&[1, 7]), Ok(Some(7)));
        assert_eq!(decode::<Option<u8>>(&[2, 7]), Err(CodecError::Unknown { what: "option", found: 2 }));
        assert_eq!(decode::<Option<u8>>(&[0, 7]), Err(CodecError::Trailing { left: 1 }));
    }

    #[test]
    fn a_set_is_strictly_ascending() {
        assert_eq!(ascending("set", [1, 2, 9]), Ok(()));
        assert_eq!(ascending("set", [1, 2, 2]), Err(CodecError::NotAscending { what: "set", index: 2 }));
    }
}
