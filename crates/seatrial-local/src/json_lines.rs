//! Files of JSON lines that are only appended to.
//!
//! What was appended is there whole or not at all: a write that fails, on a full disk say, is taken back, so that the
//! next one does not go on where half a line ends. Only a kill in the middle of a write leaves a torn line, always the
//! last; whatever else does not parse was damaged by somebody else, and no line of ours is guessed from it.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::de::DeserializeOwned;

/// Records hold secrets: nobody but their owner reads them.
const PRIVATE: u32 = 0o600;

/// Why a file was not read to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Line and column count from 1.
    #[error("line {line}, column {column} must be JSON of a record, found `{found}`: {source}")]
    Damaged { line: u64, column: usize, found: String, source: serde_json::Error },
}

/// Hands each line to `take`, but a torn last one. Answers how many bytes the whole lines have; a file that is not
/// there has none.
pub(crate) fn read<T: DeserializeOwned>(path: &Path, mut take: impl FnMut(T)) -> Result<u64, ReadError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error.into()),
    };
    let (mut file, mut line) = (BufReader::new(file), Vec::new());
    let (mut length, mut number) = (0, 0);
    loop {
        line.clear();
        let read = file.read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            return Ok(length);
        }
        number += 1;
        take(serde_json::from_slice(&line).map_err(|source| damaged(number, &line, source))?);
        length += read as u64;
    }
}

fn damaged(line: u64, text: &[u8], source: serde_json::Error) -> ReadError {
    let column = source.column().max(1);
    let found = text.get(column - 1..).unwrap_or_default();
    let found = String::from_utf8_lossy(found).chars().take(40).collect();
    ReadError::Damaged { line, column, found, source }
}

/// A file that is appended to.
pub(crate) struct Appended {
    file: File,
    length: u64,
    /// Half a line is at its end and could not be taken back.
    torn: bool,
}

impl Appended {
    /// Opens or makes the file, and cuts what is behind its first `length` bytes.
    pub(crate) fn open(path: &Path, length: u64) -> std::io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).mode(PRIVATE).open(path)?;
        file.set_len(length)?;
        Ok(Self { file, length, torn: false })
    }

    /// Makes the file anew.
    pub(crate) fn create(path: &Path) -> std::io::Result<Self> {
        // One that is left from before has the mode it was made with.
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Self::open(path, 0),
        }
    }

    /// In bytes.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Whether `path` is still this very file.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        let id = |found: std::fs::Metadata| (found.dev(), found.ino());
        let (ours, theirs) = (self.file.metadata(), std::fs::metadata(path));
        ours.ok().map(id).is_some_and(|ours| theirs.ok().map(id) == Some(ours))
    }

    /// Appends whole lines; an error leaves the file as it was.
    pub(crate) fn append(&mut self, lines: &[u8]) -> std::io::Result<()> {
        if self.torn {
            // Else these lines would go on where half a line ends.
            self.file.set_len(self.length)?;
            self.torn = false;
        }
        if let Err(error) = self.file.write_all(lines) {
            self.torn = self.file.set_len(self.length).is_err();
            return Err(error);
        }
        self.length += lines.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn numbers(path: &Path) -> Result<(Vec<u32>, u64), ReadError> {
        let mut found = Vec::new();
        read(path, |number| found.push(number)).map(|length| (found, length))
    }

    #[test]
    fn only_the_last_line_may_be_torn() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("numbers");
        std::fs::write(&path, "1\n22\n3").unwrap();
        assert_eq!(numbers(&path).unwrap(), (vec![1, 22], 5));

        for (damaged, place) in
            [("1\n2x\n3\n", "line 2, column 2"), ("x\n", "line 1, column 1"), ("\n1\n", "line 1")]
        {
            std::fs::write(&path, damaged).unwrap();
            let refused = numbers(&path).unwrap_err().to_string();
            assert!(refused.starts_with(place), "{refused}");
        }
    }

    #[test]
    fn what_is_torn_is_cut_before_a_line_is_appended_and_nobody_else_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("numbers");
        std::fs::write(&path, "1\n22\n3").unwrap();
        let length = numbers(&path).unwrap().1;

        Appended::open(&path, length).unwrap().append(b"4\n").unwrap();

        assert_eq!(numbers(&path).unwrap().0, [1, 22, 4]);
        Appended::create(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, PRIVATE);
        assert_eq!(numbers(&path).unwrap().0, [0_u32; 0]);
    }

    #[test]
    fn a_write_that_fails_is_taken_back() {
        if !crate::tests::has_short_files("json_lines::tests::a_write_that_fails_is_taken_back") {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("numbers");
        let mut file = Appended::create(&path).unwrap();
        file.append(b"1\n").unwrap();

        file.append(&vec![b'2'; crate::tests::SHORT_FILE]).unwrap_err();
        file.append(b"3\n").unwrap();

        assert_eq!(numbers(&path).unwrap(), (vec![1, 3], 4));
    }
}
