//! The greeting and what follows it on its stream, as bytes.

use super::{Binding, Hello, Refusal, VERSION};
use alloy_primitives::B256;
use libp2p::Multiaddr;
use qsdm_primitives::{
    Epoch, PublicKey, Signature,
    codec::{CodecError, Decode, Encode, Reader, encode_byte_string, encode_count},
    limits::{ADDRESS_BYTES_MAX, AGENT_BYTES_MAX, HELLO_ADDRESSES_MAX, OWN_ADDRESSES_MAX},
};

/// A frame of a control stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ControlFrame {
    /// The greeting of our version, or another version's number.
    Hello(Result<Box<Hello>, u16>),
    /// The answer to a greeting: welcome. `elsewhere`: another node claims the same validator.
    Accepted { elsewhere: bool },
    /// Anything but welcome, and at any time the last frame.
    Farewell(Refusal),
    /// To be answered with the same number.
    Ping(u64),
    /// The answer.
    Pong(u64),
    /// Where some others are reached, who may have come after the greeting.
    Known(Vec<Multiaddr>),
}

impl Encode for ControlFrame {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Hello(hello) => {
                out.push(1);
                match hello {
                    Ok(hello) => {
                        VERSION.encode(out);
                        hello.encode(out);
                    }
                    Err(version) => version.encode(out),
                }
            }
            Self::Accepted { elsewhere } => out.extend_from_slice(&[2, (*elsewhere).into()]),
            Self::Farewell(refusal) => {
                out.push(3);
                refusal.encode(out);
            }
            Self::Ping(number) => {
                out.push(4);
                number.encode(out);
            }
            Self::Pong(number) => {
                out.push(5);
                number.encode(out);
            }
            Self::Known(addresses) => {
                out.push(6);
                encode_addresses(addresses, HELLO_ADDRESSES_MAX, out);
            }
        }
    }
}

impl Decode for ControlFrame {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(match u8::decode(reader)? {
            1 => match u16::decode(reader)? {
                VERSION => Self::Hello(Ok(Box::new(Hello::decode(reader)?))),
                version => {
                    // what another version says is not for us to read
                    reader.take(reader.left())?;
                    Self::Hello(Err(version))
                }
            },
            2 => match u8::decode(reader)? {
                0 => Self::Accepted { elsewhere: false },
                1 => Self::Accepted { elsewhere: true },
                found => return Err(CodecError::Unknown { what: "answer to a greeting", found }),
            },
            3 => Self::Farewell(Refusal::decode(reader)?),
            4 => Self::Ping(u64::decode(reader)?),
            5 => Self::Pong(u64::decode(reader)?),
            6 => Self::Known(decode_addresses(reader, HELLO_ADDRESSES_MAX)?),
            found => return Err(CodecError::Unknown { what: "kind of control frame", found }),
        })
    }
}

impl Encode for Hello {
    fn encode(&self, out: &mut Vec<u8>) {
        self.chain_id.encode(out);
        out.extend_from_slice(self.genesis.as_slice());
        self.epoch.encode(out);
        self.instance.encode(out);
        let end = self.agent.floor_char_boundary(AGENT_BYTES_MAX);
        encode_byte_string(&self.agent.as_bytes()[..end], out);
        encode_addresses(&self.own, OWN_ADDRESSES_MAX, out);
        encode_addresses(&self.known, HELLO_ADDRESSES_MAX, out);
        self.binding.encode(out);
    }
}

impl Decode for Hello {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self {
            chain_id: u64::decode(reader)?,
            genesis: B256::from(reader.array::<32>()?),
            epoch: Epoch::decode(reader)?,
            instance: u64::decode(reader)?,
            agent: decode_agent(reader)?,
            own: decode_addresses(reader, OWN_ADDRESSES_MAX)?,
            known: decode_addresses(reader, HELLO_ADDRESSES_MAX)?,
            binding: Option::decode(reader)?,
        })
    }
}

/// Printable characters only: the text ends up in terminals.
fn decode_agent(reader: &mut Reader<'_>) -> Result<String, CodecError> {
    let bytes = reader.byte_string("bytes of a program's name", AGENT_BYTES_MAX)?;
    match bytes.iter().find(|byte| !(b' '..=b'~').contains(*byte)) {
        Some(found) => Err(CodecError::Unknown { what: "character of a program's name", found: *found }),
        None => Ok(String::from_utf8_lossy(bytes).into_owned()),
    }
}

fn encode_addresses(addresses: &[Multiaddr], max: usize, out: &mut Vec<u8>) {
    let short = || addresses.iter().map(|address| address.to_vec()).filter(|bytes| bytes.len() <= ADDRESS_BYTES_MAX);
    encode_count(short().take(max).count(), out);
    short().take(max).for_each(|bytes| encode_byte_string(&bytes, out));
}

fn decode_addresses(reader: &mut Reader<'_>, max: usize) -> Result<Vec<Multiaddr>, CodecError> {
    let count = reader.count("addresses", max, 4)?;
    let mut addresses = Vec::with_capacity(count);
    for _ in 0..count {
        let bytes = reader.byte_string("bytes of an address", ADDRESS_BYTES_MAX)?;
        let address = Multiaddr::try_from(bytes.to_vec());
        addresses.push(address.map_err(|_| CodecError::Mismatch { what: "address", found: 0, expected: 1 })?);
    }
    Ok(addresses)
}

impl Encode for Binding {
    fn encode(&self, out: &mut Vec<u8>) {
        self.key.encode(out);
        self.signature.encode(out);
    }
}

impl Decode for Binding {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(Self { key: PublicKey::decode(reader)?, signature: Signature::decode(reader)? })
    }
}

/// Those without numbers, by their byte on the wire.
const PLAIN: [(u8, Refusal); 10] = [
    (4, Refusal::Binding),
    (5, Refusal::Full),
    (6, Refusal::Duplicate),
    (7, Refusal::Replaced),
    (8, Refusal::Banned),
    (9, Refusal::Misbehaved),
    (10, Refusal::Stalled),
    (11, Refusal::Unwanted),
    (12, Refusal::Stopping),
    (13, Refusal::InUse),
];

impl Encode for Refusal {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Version { expected, found } => {
                out.push(1);
                expected.encode(out);
                found.encode(out);
            }
            Self::Chain { expected, found } => {
                out.push(2);
                expected.encode(out);
                found.encode(out);
            }
            Self::Genesis { expected, found } => {
                out.push(3);
                out.extend_from_slice(expected.as_slice());
                out.extend_from_slice(found.as_slice());
            }
            plain => out.extend(PLAIN.iter().find(|(_, other)| other == plain).map(|(tag, _)| *tag)),
        }
    }
}

impl Decode for Refusal {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, CodecError> {
        Ok(match u8::decode(reader)? {
            1 => Self::Version { expected: u16::decode(reader)?, found: u16::decode(reader)? },
            2 => Self::Chain { expected: u64::decode(reader)?, found: u64::decode(reader)? },
            3 => Self::Genesis { expected: reader.array::<32>()?.into(), found: reader.array::<32>()?.into() },
            found => {
                let plain = PLAIN.iter().find(|(tag, _)| *tag == found);
                plain.map(|(_, refusal)| refusal.clone()).ok_or(CodecError::Unknown { what: "refusal", found })?
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use qsdm_crypto::{Signer, testing::HashSigner};
    use qsdm_primitives::{Algorithm, codec::decode, limits::HELLO_BYTES_MAX};

    fn largest() -> Hello {
        let signer = HashSigner::new(Algorithm::MlDsa87, 1);
        let address: Multiaddr =
            format!("/ip6/2001:db8:ffff:ffff:ffff:ffff:ffff:ffff/udp/65535/quic-v1/p2p/{}", libp2p::PeerId::random())
                .parse()
                .unwrap();
        Hello {
            chain_id: 1,
            genesis: B256::repeat_byte(7),
            epoch: Epoch(3),
            instance: 9,
            agent: "x".repeat(AGENT_BYTES_MAX),
            own: vec![address.clone(); OWN_ADDRESSES_MAX],
            known: vec![address; HELLO_ADDRESSES_MAX],
            binding: Some(Binding { key: signer.public_key().clone(), signature: signer.sign(&[7; 32]).unwrap() }),
        }
    }

    #[test]
    fn the_largest_greeting_fits_its_frame_and_comes_back() {
        let frame = ControlFrame::Hello(Ok(Box::new(largest())));
        let bytes = frame.to_bytes();
        assert!(bytes.len() <= HELLO_BYTES_MAX, "{} bytes", bytes.len());
        assert_eq!(decode(&bytes), Ok(frame));
    }

    #[test]
    fn what_is_too_much_to_say_is_left_out() {
        let address: Multiaddr = "/ip4/127.0.0.1/udp/1/quic-v1".parse().unwrap();
        let hello = Hello { known: vec![address; 100], agent: "ab".repeat(100), ..largest() };
        let read: Hello = decode(&hello.to_bytes()).unwrap();
        assert_eq!((read.known.len(), read.agent.len()), (HELLO_ADDRESSES_MAX, AGENT_BYTES_MAX));
    }

    #[test]
    fn another_version_is_told_by_its_number_alone() {
        let bytes = [&[1][..], &2_u16.to_le_bytes(), &[0xff; 99]].concat();
        assert_eq!(decode(&bytes), Ok(ControlFrame::Hello(Err(2))));
    }

    #[test]
    fn refusals_come_back() {
        let (expected, found) = (B256::repeat_byte(1), B256::repeat_byte(2));
        let numbered = [
            Refusal::Version { expected: 1, found: 2 },
            Refusal::Chain { expected: 1, found: 2 },
            Refusal::Genesis { expected, found },
        ];
        for refusal in numbered.into_iter().chain(PLAIN.map(|(_, refusal)| refusal)) {
            assert_eq!(decode(&refusal.to_bytes()), Ok(refusal));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_one_frame_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..400), tag in 0_u8..8) {
            let bytes = [&[tag][..], &bytes].concat();
            if let Ok(frame) = decode::<ControlFrame>(&bytes) {
                let is_other_version = matches!(frame, ControlFrame::Hello(Err(_)));
                prop_assert!(is_other_version || frame.to_bytes() == bytes);
            }
        }
    }
}
