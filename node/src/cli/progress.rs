//! How far long work is.

use std::io::{IsTerminal, Write};

/// A percentage on standard error, where someone looks at it.
#[derive(Debug)]
pub(super) struct Progress {
    what: &'static str,
    shown: Option<u64>,
}

impl Progress {
    pub(super) fn new(what: &'static str) -> Self {
        Self { what, shown: None }
    }

    /// Goes on with something else.
    pub(super) fn stage(&mut self, what: &'static str) {
        if self.what != what {
            self.end();
            (self.what, self.shown) = (what, None);
        }
    }

    pub(super) fn show(&mut self, done: u64, all: u64) {
        let percent = done.saturating_mul(100) / all.max(1);
        let mut error = std::io::stderr();
        if self.shown != Some(percent) && error.is_terminal() {
            self.shown = Some(percent);
            // a progress display that can't be written is no reason to stop
            let _ = write!(error, "\r{} {percent:3} %  {done} of {all}", self.what);
            let _ = error.flush();
        }
    }

    pub(super) fn end(&self) {
        if self.shown.is_some() {
            eprintln!();
        }
    }
}
