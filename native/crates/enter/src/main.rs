//! `schrodinger-enter`; see the library.

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let status = schrodinger_enter::main(env::args_os().skip(1));
    ExitCode::from(u8::try_from(status).unwrap_or(u8::MAX))
}
