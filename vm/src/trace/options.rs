//! What a trace request asks for.

use super::TraceError;
use crate::call::CallLimits;
use alloy_rpc_types_trace::geth::{
    GethDebugBuiltInTracerType as BuiltIn, GethDebugTracerConfig, GethDebugTracerType, GethDebugTracingOptions,
};
use qsdm_primitives::limits::TRACE_TIMEOUT_MS;
use revm_inspectors::tracing::{DebugInspector, DebugInspectorError, MuxInspector};
use std::time::{Duration, Instant};

/// Characters of an unknown tracer's name that an error repeats: it may be a whole JavaScript program.
const NAME_MAX: usize = 40;

/// The recorder for `options`.
pub(super) fn inspector(options: &GethDebugTracingOptions) -> Result<DebugInspector, TraceError> {
    match &options.tracer {
        Some(tracer) if !tracer.as_str().is_empty() => {
            check_tracer(tracer)?;
            if *tracer == GethDebugTracerType::BuiltInTracer(BuiltIn::MuxTracer) {
                return mux(options);
            }
        }
        _ => {}
    }
    DebugInspector::new(options.clone()).map_err(|error| refused(&error))
}

fn check_tracer(tracer: &GethDebugTracerType) -> Result<(), TraceError> {
    let known = match tracer {
        GethDebugTracerType::BuiltInTracer(built_in) => {
            !matches!(built_in, BuiltIn::StateGasTracer | BuiltIn::Erc7562Tracer)
        }
        GethDebugTracerType::JsTracer(_) => false,
    };
    let name = || tracer.as_str().chars().take(NAME_MAX).collect();
    if known { Ok(()) } else { Err(TraceError::Tracer { name: name() }) }
}

/// A mux of tracers. A tracer without a configuration has the default one, as in geth.
fn mux(options: &GethDebugTracingOptions) -> Result<DebugInspector, TraceError> {
    let config = options.tracer_config.clone().into_mux_config();
    let mut config = config.map_err(|error| TraceError::TracerConfig(error.to_string()))?;
    for (tracer, settings) in &mut config.0 {
        check_tracer(tracer)?;
        *settings = match tracer {
            GethDebugTracerType::BuiltInTracer(BuiltIn::FourByteTracer | BuiltIn::NoopTracer) => None,
            _ => Some(settings.take().unwrap_or(GethDebugTracerConfig(serde_json::Value::Null))),
        };
    }
    let inspector = MuxInspector::try_from_config(config.clone());
    let inspector = inspector.map_err(|error| TraceError::TracerConfig(error.to_string()))?;
    Ok(DebugInspector::Mux(inspector, config))
}

/// The error for a recorder that could not be made or read.
pub(super) fn refused(error: &DebugInspectorError) -> TraceError {
    TraceError::TracerConfig(error.to_string())
}

/// `limits` with the deadline that `timeout` asks for, if it is earlier.
pub(super) fn limits(options: &GethDebugTracingOptions, limits: &CallLimits) -> Result<CallLimits, TraceError> {
    let mut limits = limits.clone();
    if let Some(text) = &options.timeout {
        let invalid = || TraceError::Timeout(text.chars().take(NAME_MAX).collect());
        let wanted = duration(text).ok_or_else(invalid)?.min(Duration::from_millis(TRACE_TIMEOUT_MS));
        let deadline = Instant::now() + wanted;
        limits.deadline = Some(limits.deadline.map_or(deadline, |given| given.min(deadline)));
    }
    Ok(limits)
}

/// A Go duration: decimal numbers with units, such as `1m30s` or `1.5h`. Saturates.
fn duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    let mut seconds = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        seconds += number
            * match &rest[..unit] {
                "ns" => 1e-9,
                "us" | "µs" | "μs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3_600.0,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_durations_are_read_and_others_refused() {
        assert_eq!(duration("5s"), Some(Duration::from_secs(5)));
        assert_eq!(duration("300ms"), Some(Duration::from_millis(300)));
        assert_eq!(duration("1m30.5s"), Some(Duration::from_millis(90_500)));
        assert_eq!(duration("1.5h"), Some(Duration::from_secs(5_400)));
        assert_eq!(duration("0"), Some(Duration::ZERO));
        assert_eq!(duration(&format!("{}h", "9".repeat(300))), Some(Duration::MAX));
        for bad in ["", "5", "s", "5 s", "-1s", "5sec", "1.2.3s", "+"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }
}
