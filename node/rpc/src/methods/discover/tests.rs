use super::*;
use crate::methods;

fn described() -> Value {
    let registry = methods::registry();
    let names: BTreeSet<_> = registry.names().into_iter().collect();
    let docs: BTreeMap<_, _> = methods::THEMES.iter().flat_map(|theme| theme.docs).map(|doc| (doc.name, doc)).collect();
    document(&names, &docs)
}

#[test]
fn every_method_is_documented_and_every_document_has_its_method() {
    let registry = methods::registry();
    let names: Vec<_> = registry.names();
    let mut documented: Vec<_> = methods::THEMES.iter().flat_map(|theme| theme.docs).map(|doc| doc.name).collect();
    documented.sort_unstable();
    assert_eq!(names, documented);
}

#[test]
fn every_schema_that_is_referred_to_is_there() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(target)) = map.get("$ref") {
                    found.insert(target.clone());
                }
                map.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let (document, mut found) = (described(), BTreeSet::new());
    references(&document, &mut found);
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for target in found {
        let name = target.strip_prefix("#/components/schemas/").unwrap();
        assert!(schemas.contains_key(name), "{name}");
    }
}

#[test]
fn summaries_are_one_line_and_a_left_out_parameter_is_last() {
    for doc in methods::THEMES.iter().flat_map(|theme| theme.docs) {
        assert!(!doc.summary.is_empty() && !doc.summary.contains('\n'), "{}", doc.name);
        let order: Vec<_> = doc.params.iter().map(|parameter| !parameter.required).collect();
        assert!(order.is_sorted(), "{}", doc.name);
    }
}

#[test]
fn modules_are_the_prefixes() {
    let names = ["eth_call", "eth_chainId", "rpc.discover", "web3_sha3"].into();
    let modules: Vec<_> = modules(&names).into_keys().collect();
    assert_eq!(modules, ["eth", "web3"]);
}
