//! The filter object of `eth_getLogs`, `eth_newFilter` and the subscription `logs`.

use super::{AddressInput, BlockId, HashInput};
use qsdm_primitives::limits::{RPC_LOG_ADDRESSES_MAX, RPC_LOG_TOPICS_MAX};
use qsdm_vm::ports::LogQuery;
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, Visitor},
};
use std::{fmt, marker::PhantomData};

/// Which blocks, and what their logs must match.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogFilter {
    #[serde(default)]
    pub(crate) from_block: Option<BlockId>,
    #[serde(default)]
    pub(crate) to_block: Option<BlockId>,
    #[serde(default)]
    pub(crate) block_hash: Option<HashInput>,
    #[serde(default)]
    address: Addresses,
    #[serde(default)]
    topics: Option<Topics>,
}

impl LogFilter {
    /// What the logs must match, wherever they are.
    pub(crate) fn into_query(self) -> LogQuery {
        LogQuery { addresses: self.address.0, topics: self.topics.map(|topics| topics.0).unwrap_or_default() }
    }
}

/// One, a list, or null for any.
#[derive(Clone, Debug, Default)]
struct Addresses(Vec<alloy_primitives::Address>);

/// By position: null for any, one, or a list of alternatives.
#[derive(Clone, Debug, Default)]
struct Topics([Vec<alloy_primitives::B256>; 4]);

impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seed = OneOrMany::<AddressInput> { max: RPC_LOG_ADDRESSES_MAX, what: "addresses", item: PhantomData };
        // an empty list is any address, as null is; and so is null in a list
        let alternatives = seed.deserialize(deserializer)?.unwrap_or_default();
        Ok(Self(alternatives.into_iter().map(|address| address.0).collect()))
    }
}

impl<'de> Deserialize<'de> for Topics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(TopicsVisitor)
    }
}

struct TopicsVisitor;

impl<'de> Visitor<'de> for TopicsVisitor {
    type Value = Topics;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of at most 4 positions, each null, a topic, or a list of topics")
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut sequence: A) -> Result<Topics, A::Error> {
        let mut topics = Topics::default();
        let seed =
            || OneOrMany::<HashInput> { max: RPC_LOG_TOPICS_MAX, what: "topics per position", item: PhantomData };
        let mut position = 0;
        while let Some(alternatives) = sequence.next_element_seed(seed())? {
            let place =
                topics.0.get_mut(position).ok_or_else(|| de::Error::custom("exceed max topics: 4 positions"))?;
            *place = alternatives.unwrap_or_default().into_iter().map(|topic| topic.0).collect();
            position += 1;
        }
        Ok(topics)
    }
}

/// `None` for null and for a list that holds null: anything matches.
struct OneOrMany<T> {
    max: usize,
    what: &'static str,
    item: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for OneOrMany<T> {
    type Value = Option<Vec<T>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMany<T> {
    type Value = Option<Vec<T>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "null, a hex string, or a list of at most {} {}", self.max, self.what)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        T::deserialize(de::value::StrDeserializer::new(text)).map(|item| Some(vec![item]))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let (mut items, mut any) = (Vec::new(), false);
        let mut count = 0;
        while let Some(item) = sequence.next_element::<Option<T>>()? {
            count += 1;
            if count > self.max {
                return Err(de::Error::custom(format_args!("exceed max {}: {}", self.what, self.max)));
            }
            match item {
                Some(item) => items.push(item),
                None => any = true,
            }
        }
        Ok((!any).then_some(items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{Address, B256};

    fn query(text: &str) -> Result<LogQuery, String> {
        serde_json::from_str::<LogFilter>(text).map(LogFilter::into_query).map_err(|error| error.to_string())
    }

    #[test]
    fn null_and_empty_mean_anything() {
        for text in
            ["{}", r#"{"address":null,"topics":null}"#, r#"{"address":[],"topics":[]}"#, r#"{"topics":[null,[]]}"#]
        {
            assert_eq!(query(text), Ok(LogQuery::default()), "{text}");
        }
        let any = format!(r#"{{"topics":[["{}",null]]}}"#, B256::ZERO);
        assert_eq!(query(&any), Ok(LogQuery::default()));
    }

    #[test]
    fn one_and_many_are_sets_by_position() {
        let (address, topic) = (Address::repeat_byte(1), B256::repeat_byte(2));
        let text = format!(r#"{{"address":"{address:?}","topics":[null,"{topic}",["{topic}","{topic}"]]}}"#);
        let expected = LogQuery { addresses: vec![address], topics: [vec![], vec![topic], vec![topic, topic], vec![]] };
        assert_eq!(query(&text), Ok(expected));
    }

    #[test]
    fn sets_and_positions_are_limited() {
        let many = |item: String, count: usize| vec![item; count].join(",");
        let address = format!(r#""{:?}""#, Address::ZERO);
        let topic = format!(r#""{}""#, B256::ZERO);
        assert!(query(&format!(r#"{{"address":[{}]}}"#, many(address.clone(), 1_000))).is_ok());
        let error = query(&format!(r#"{{"address":[{}]}}"#, many(address, 1_001))).unwrap_err();
        assert!(error.contains("exceed max addresses: 1000"), "{error}");
        let error = query(&format!(r#"{{"topics":[[{}]]}}"#, many(topic, 1_001))).unwrap_err();
        assert!(error.contains("exceed max topics per position: 1000"), "{error}");
        assert!(query(r#"{"topics":[null,null,null,null,null]}"#).unwrap_err().contains("exceed max topics"));
    }

    #[test]
    fn a_topic_that_is_no_hash_is_refused() {
        for bad in [r#"{"topics":["0x12"]}"#, r#"{"address":"12"}"#, r#"{"address":7}"#, r#"{"topics":"x"}"#] {
            assert!(query(bad).is_err(), "{bad}");
        }
    }
}
