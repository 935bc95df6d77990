//! What critical errors of NVIDIA's driver (Xid) mean, by their numbers.
//!
//! Names and causes are those of NVIDIA's catalogue (<https://docs.nvidia.com/deploy/xid-errors/>), of the errors that are
//! known from GPUs under load. Deliberately not all of them: another one is told by its number, by which it is found
//! there.

/// What an error means, for the inside of a sentence.
pub fn xid_meaning(number: u64) -> Option<&'static str> {
    Some(match number {
        13 => "graphics engine exception, mostly the program's doing",
        31 => "page fault in GPU memory, mostly the program's doing",
        43 => "the GPU stopped processing, mostly the program's doing",
        45 => "channels were torn down: the program was ended, or errors came before",
        48 => "double-bit ECC error",
        63 => "a page retirement or row remapping was recorded",
        64 => "a page retirement or row remapping could not be recorded",
        74 => "NVLink error",
        79 => "the GPU has fallen off the bus",
        94 => "contained memory error, which ends the programs that it touched",
        95 => "uncontained memory error",
        119 => "the GPU's system processor (GSP) did not answer in time",
        120 => "error of the GPU's system processor (GSP)",
        999 => "an error that the driver does not know",
        _ => return None,
    })
}

/// An error by its number and, where it is known, its meaning: `Xid 48 (double-bit ECC error)`.
pub fn xid_in_words(number: u64) -> String {
    match xid_meaning(number) {
        Some(meaning) => format!("Xid {number} ({meaning})"),
        None => format!("Xid {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_that_are_known_are_told_with_their_meaning_and_others_by_their_number() {
        assert_eq!(xid_in_words(48), "Xid 48 (double-bit ECC error)");
        assert_eq!(xid_in_words(4711), "Xid 4711");
        for number in [13, 31, 43, 45, 48, 63, 64, 74, 79, 94, 95, 119] {
            assert!(xid_meaning(number).is_some(), "{number}");
        }
    }
}
