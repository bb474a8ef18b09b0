//! Bytes as a story that happens to a core: no panic, no contradiction, no buffer without a limit.
#![no_main]
#![allow(dead_code, reason = "the support is that of the ordinary tests")]

#[path = "../../../node/consensus/tests/rules/support"]
mod support {
    pub(crate) mod actions;
    pub(crate) mod committee;
    pub(crate) mod node;
    pub(crate) mod script;
    pub(crate) mod watch;
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    support::script::tell(bytes);
});
