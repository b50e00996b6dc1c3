//! Compiles the constructor, a shared object of its own that the library carries as bytes: what a loader maps into another program
//! cannot be a part of this one.

use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

const SOURCE: &str = "constructor/lib.rs";

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed={SOURCE}");
    match compile() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            println!("cargo::error={SOURCE}: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn compile() -> Result<(), String> {
    let of = |name: &str| env::var_os(name).ok_or_else(|| format!("cargo did not say {name}"));
    let mut rustc = Command::new(of("RUSTC")?);
    rustc.args(["--edition=2024", "--crate-name=constructor", "--crate-type=cdylib", "-Copt-level=s", "-Cpanic=abort"]);
    rustc.args(["-Clink-arg=-nostdlib", "-Clink-arg=-nostartfiles", "-Cstrip=symbols", "-Dwarnings"]);
    rustc.arg("--target").arg(of("TARGET")?);
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        rustc.arg("-C").arg(format!("linker={}", linker.to_string_lossy()));
    }
    rustc.arg("-o").arg(PathBuf::from(of("OUT_DIR")?).join("constructor.so")).arg(SOURCE);
    let status = rustc.status().map_err(|error| format!("{rustc:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{rustc:?} ended with {status}")) }
}
