//! Compiles the payload and cuts it out of the object file, with the places of its functions.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use object::{Object as _, ObjectSection as _, ObjectSymbol as _};

const SOURCE: &str = "src/payload.c";

const FUNCTIONS: [&str; 3] = ["clock_gettime", "gettimeofday", "time"];

/// Nothing but plain instructions in the order of the source: no tables, no landing pads, no stack canary.
const FLAGS: [&str; 12] = [
    "-Os",
    "-std=gnu11",
    "-ffreestanding",
    "-fPIC",
    "-fno-stack-protector",
    "-fno-toplevel-reorder",
    "-fno-jump-tables",
    "-fno-asynchronous-unwind-tables",
    "-fomit-frame-pointer",
    "-mgeneral-regs-only",
    "-Wall",
    "-Werror",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={SOURCE}");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let architecture = env::var("CARGO_CFG_TARGET_ARCH")?;
    let known = ["x86_64", "aarch64"].contains(&architecture.as_str());
    let (payload, places) = if known { compiled(&architecture)? } else { (Vec::new(), [0; 3]) };
    fs::write(out.join("payload.bin"), payload)?;
    let mut table = String::from("[");
    for (name, place) in FUNCTIONS.iter().zip(places) {
        write!(table, "({name:?}, {place}), ")?;
    }
    fs::write(out.join("functions.rs"), table + "]")?;
    Ok(())
}

fn compiled(architecture: &str) -> Result<(Vec<u8>, [u64; 3]), Box<dyn Error>> {
    let mut build = cc::Build::new();
    build.file(SOURCE).no_default_flags(true).cargo_metadata(false);
    FLAGS.iter().for_each(|flag| {
        build.flag(flag);
    });
    if architecture == "x86_64" {
        build.flag("-fcf-protection=none");
    }
    let objects = build.try_compile_intermediates()?;
    let [object] = objects.as_slice() else { return Err("one source is one object".into()) };
    let data = fs::read(object)?;
    let file = object::File::parse(data.as_slice())?;
    let section = file.section_by_name(".payload").ok_or("the object has no payload")?;
    if let Some((at, relocation)) = section.relocations().next() {
        return Err(format!("the payload needs something outside itself, at {at:#x}: {relocation:?}").into());
    }
    let mut places = [0; 3];
    for (name, place) in FUNCTIONS.iter().zip(&mut places) {
        let symbol = file.symbol_by_name(&format!("payload_{name}")).ok_or_else(|| format!("no function {name}"))?;
        *place = symbol.address();
    }
    Ok((section.data()?.to_vec(), places))
}
