//! JSON and JSON Lines. A missing value is `null`; text is as it was given.

use std::io::{self, Write};

use crate::ResultRow;

/// One array, a row a line.
pub(super) fn write(rows: &[ResultRow], out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"[")?;
    for (i, row) in rows.iter().enumerate() {
        out.write_all(if i == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut *out, row)?;
    }
    out.write_all(if rows.is_empty() { b"]\n" } else { b"\n]\n" })
}

/// One object a line.
pub(super) fn write_lines(rows: &[ResultRow], out: &mut impl Write) -> io::Result<()> {
    for row in rows {
        serde_json::to_writer(&mut *out, row)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
