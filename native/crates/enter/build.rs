//! Compiles the constructor, a shared object of its own that the library carries as bytes: what a loader maps into another program
//! cannot be a part of this one.

use std::env;
use std::error::Error;
use std::path::PathBuf;

const SOURCE: &str = "constructor/constructor.c";
const FLAGS: &str = "constructor/flags";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={SOURCE}");
    println!("cargo::rerun-if-changed={FLAGS}");
    let compiler = cc::Build::new().no_default_flags(true).cargo_metadata(false).try_get_compiler()?;
    let mut compile = compiler.to_command();
    compile
        .arg(format!("@{FLAGS}"))
        .arg("-o")
        .arg(PathBuf::from(env::var("OUT_DIR")?).join("constructor.so"))
        .arg(SOURCE);
    let status = compile.status()?;
    if status.success() { Ok(()) } else { Err(format!("{compile:?} ended with {status}").into()) }
}
