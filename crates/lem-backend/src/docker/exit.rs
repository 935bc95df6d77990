//! How a worker's process in a container ended.

use std::io;

use bollard::errors::Error;

use crate::Exit;

/// The code that stands for SIGKILL.
pub(super) const KILLED: i64 = 128 + 9;

/// What a code of the engine means. It reports a death by signal N as 128 + N, as a shell does, and cannot tell it from
/// a process that exits with that number.
pub(super) fn exit(code: i64) -> Exit {
    match i32::try_from(code) {
        Ok(code @ 129..=159) => Exit::Signal(code - 128),
        Ok(code) => Exit::Code(code),
        Err(_) => Exit::Code(-1),
    }
}

/// An error of the engine while a worker runs, or around it.
pub(super) fn broken(error: &Error, endpoint: &str) -> io::Error {
    let what = super::failure::full_text(error);
    if super::failure::is_gone(error) {
        io::Error::new(
            io::ErrorKind::ConnectionAborted,
            format!("the Docker engine at {endpoint} went away ({what})"),
        )
    } else {
        io::Error::other(format!("the Docker engine at {endpoint} says: {what}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_above_128_is_a_signal() {
        assert_eq!(exit(0), Exit::Code(0));
        assert_eq!(exit(3), Exit::Code(3));
        assert_eq!(exit(KILLED), Exit::Signal(9));
        assert_eq!(exit(143), Exit::Signal(15));
        assert_eq!(exit(255), Exit::Code(255));
    }
}
