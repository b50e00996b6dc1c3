//! Machine code that stands in for the clock functions of a process.
//!
//! A program on Linux asks for the time by calling into the vDSO, a small library that the kernel maps into every process (vdso(7)).
//! Where its functions are made to jump to this payload, the process sees clocks that are moved, run at another pace, or go to and fro,
//! and it alone. The payload is written in C (`payload.c`), compiled when this crate is, and is position independent without
//! relocations, which the build makes sure of. Putting it in place is the agent's.
//!
//! It begins with a header of [`HEADER_BYTES`]: 16 bytes of magic and 112 of owner, which are the agent's to fill; the sequence number
//! (8) and 8 that are reserved; and twice, of which the lowest bit of the sequence number chooses one, the skew of the realtime clocks and
//! that of the monotonic ones, each of five signed 64-bit numbers: offset in ns, base in ns of the monotonic clock, rate in 2^-32,
//! amplitude in ns, period in ns.

/// The payload for this architecture; empty where there is none.
pub const PAYLOAD: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/payload.bin"));

/// Where in it the functions begin, by the names that they stand in for.
pub const FUNCTIONS: [(&str, usize); 3] = include!(concat!(env!("OUT_DIR"), "/functions.rs"));

/// The length of the header in front of the code.
pub const HEADER_BYTES: usize = 304;
