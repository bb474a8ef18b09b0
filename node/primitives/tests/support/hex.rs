//! Bytes as text, 32 a line, so that a change shows where it is.

/// Bytes on one line.
const LINE_BYTES: usize = 32;

/// Lower-case hex with a line end after every 32 bytes.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let line = |line: &[u8]| line.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + "\n";
    bytes.chunks(LINE_BYTES).map(line).collect()
}

/// The bytes of such text.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).map_err(|error| error.to_string())?;
        u8::from_str_radix(pair, 16).map_err(|error| format!("{pair}: {error}"))
    };
    digits.chunks(2).map(byte).collect()
}
