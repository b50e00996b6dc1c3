//! The program to run: where it is, and whether its loader will run our constructor before its `main`.
//!
//! A dynamic program is taken inside by the constructor. A static one has no loader and needs nothing of the file system: it is executed
//! by its descriptor when we are inside already. Anything else would run outside, or not at all, and is refused before it is started.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::process::{getegid, geteuid};

use crate::error::Error;

/// How it gets inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linkage {
    /// It has a loader, glibc's.
    Dynamic,
    /// It has none.
    Static,
}

const HEADER_BYTES: usize = 64;
const ENTRY_BYTES: usize = 56;
const PT_INTERP: u32 = 3;
const CLASS_64: u8 = 2;
const LITTLE_ENDIAN: u8 = 1;
#[cfg(target_arch = "x86_64")]
const MACHINE: u16 = 62;
#[cfg(target_arch = "aarch64")]
const MACHINE: u16 = 183;
/// Longer than any path, `PATH_MAX`; a loader's that is longer is none.
const LONGEST_PATH: u64 = 4096;
/// More program headers than any program has: they are a dozen.
const MOST_HEADERS: u16 = 1024;

/// The file that a name stands for: a path as it is, anything else along `PATH`, on the host.
///
/// # Errors
///
/// There is none that may be executed.
pub fn find(program: &OsStr) -> Result<PathBuf, Error> {
    if program.as_bytes().contains(&b'/') {
        let path = PathBuf::from(program);
        return match executable(&path) {
            Ok(()) => fs::canonicalize(&path).map_err(|error| not_executable(&path, &error.to_string())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(Error::NotFound(format!("{}: no such program on the host", path.display())))
            }
            Err(error) => Err(not_executable(&path, &error.to_string())),
        };
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|candidate| executable(candidate).is_ok())
        .ok_or_else(|| {
            Error::NotFound(format!("{}: no such program along PATH on the host", Path::new(program).display()))
        })
}

/// Look into a program.
///
/// # Errors
///
/// It cannot be taken inside; the message says why.
pub fn linkage(path: &Path) -> Result<Linkage, Error> {
    let failed = |error: io::Error| not_executable(path, &error.to_string());
    let mut file = File::open(path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    let raises = |bit: u32, same: bool| meta.mode() & bit != 0 && !same;
    if raises(libc::S_ISUID, meta.uid() == geteuid().as_raw())
        || raises(libc::S_ISGID, meta.gid() == getegid().as_raw())
    {
        return Err(not_executable(path, "it gains privileges (set-user-ID), so its loader preloads nothing"));
    }
    let mut start = Vec::new();
    file.by_ref().take(HEADER_BYTES as u64).read_to_end(&mut start).map_err(failed)?;
    if start.starts_with(b"#!") {
        return Err(not_executable(path, "it is a script, which nobody could read inside; name its interpreter"));
    }
    let Some(header) = Header::parse(&start) else {
        return Err(not_executable(path, "it is no ELF program of this machine"));
    };
    match header.interpreter(&mut file).map_err(failed)? {
        None => Ok(Linkage::Static),
        Some(loader) if loader.windows(7).any(|part| part == b"ld-musl") => {
            Err(not_executable(path, "its loader is musl's, which tells a constructor nothing"))
        }
        Some(_) => Ok(Linkage::Dynamic),
    }
}

/// Where in an ELF file the program headers are.
#[derive(Debug, PartialEq, Eq)]
struct Header {
    offset: u64,
    count: u16,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let start = [&b"\x7fELF"[..], &[CLASS_64, LITTLE_ENDIAN]].concat();
        if !bytes.starts_with(&start) || u16::from_le_bytes(field(bytes, 18)?) != MACHINE {
            return None;
        }
        let entry = u16::from_le_bytes(field(bytes, 54)?);
        let count = u16::from_le_bytes(field(bytes, 56)?);
        if usize::from(entry) != ENTRY_BYTES || count > MOST_HEADERS {
            return None;
        }
        Some(Header { offset: u64::from_le_bytes(field(bytes, 32)?), count })
    }

    /// The path of the loader.
    fn interpreter(&self, file: &mut File) -> io::Result<Option<Vec<u8>>> {
        let mut table = vec![0; usize::from(self.count) * ENTRY_BYTES];
        file.seek(SeekFrom::Start(self.offset))?;
        file.read_exact(&mut table)?;
        for entry in table.chunks_exact(ENTRY_BYTES) {
            if field(entry, 0).map(u32::from_le_bytes) == Some(PT_INTERP) {
                let offset = field(entry, 8).map(u64::from_le_bytes).unwrap_or_default();
                let length = field(entry, 32).map(u64::from_le_bytes).unwrap_or_default().min(LONGEST_PATH);
                let mut path = Vec::new();
                file.seek(SeekFrom::Start(offset))?;
                file.take(length).read_to_end(&mut path)?;
                return Ok(Some(path));
            }
        }
        Ok(None)
    }
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

fn executable(path: &Path) -> io::Result<()> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(access(path, Access::EXEC_OK)?)
}

fn not_executable(path: &Path, why: &str) -> Error {
    Error::NotExecutable(format!("{} cannot be run inside: {why}", path.display()))
}
