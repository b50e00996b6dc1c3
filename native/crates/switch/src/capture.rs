//! What was delivered, as a capture file that tcpdump and Wireshark read.
//!
//! The classic format with nanoseconds: draft-ietf-opsawg-pcap, "PCAP Capture File Format".

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

const MAGIC_OF_NANOSECONDS: u32 = 0xa1b2_3c4d;
const ETHERNET: u32 = 1;
const LONGEST_FRAME: u32 = 262_144;

/// A capture file that is being written.
#[derive(Debug)]
pub struct Capture(BufWriter<File>);

impl Capture {
    /// Begin a file, which must not exist yet.
    ///
    /// # Errors
    ///
    /// It exists, or cannot be written.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut file = BufWriter::new(File::create_new(path)?);
        file.write_all(&MAGIC_OF_NANOSECONDS.to_le_bytes())?;
        file.write_all(&[2, 0, 4, 0])?; // version 2.4
        file.write_all(&[0; 8])?;
        file.write_all(&LONGEST_FRAME.to_le_bytes())?;
        file.write_all(&ETHERNET.to_le_bytes())?;
        file.flush()?;
        Ok(Capture(file))
    }

    /// Add a frame that is delivered now.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn add(&mut self, frame: &[u8]) -> io::Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let length = (frame.len() as u32).to_le_bytes();
        self.0.write_all(&(now.as_secs() as u32).to_le_bytes())?;
        self.0.write_all(&now.subsec_nanos().to_le_bytes())?;
        self.0.write_all(&length)?;
        self.0.write_all(&length)?;
        self.0.write_all(frame)
    }

    /// Bring what was added to the file.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
