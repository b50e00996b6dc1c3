//! The one clock of a history: CLOCK_MONOTONIC, in nanoseconds, the same that Python's `time.monotonic_ns()` reads.
//!
//! `std::time::Instant` reads it too but does not give its value away, and the value is needed: agents report fault intervals by it.

/// Nanoseconds on CLOCK_MONOTONIC.
pub fn monotonic_ns() -> i64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid, writable timespec for the length of the call.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    // It fails on a bad pointer or a clock that does not exist, and this one exists on every Linux.
    assert_eq!(failed, 0, "CLOCK_MONOTONIC can't be read");
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}
