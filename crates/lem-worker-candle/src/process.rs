//! What the kernel knows of this process and of the memory of this machine.

use std::fs;

/// Peak resident memory of this process in bytes (`VmHWM`); `None` where the kernel does not tell.
pub(crate) fn peak_memory_bytes() -> Option<u64> {
    field_bytes(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// Memory that can be had without swapping, in bytes (`MemAvailable`). Limits of a control group are not in it.
pub(crate) fn available_memory_bytes() -> Option<u64> {
    field_bytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")
}

/// The value of a line such as `VmHWM:     1234 kB`; the kernel means 1024 bytes (proc(5)).
fn field_bytes(text: &str, name: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_proc_is_in_units_of_1024_bytes() {
        let text = "VmPeak:\t  9000 kB\nVmHWM:\t    1234 kB\n";
        assert_eq!(field_bytes(text, "VmHWM:"), Some(1234 * 1024));
    }

    #[test]
    fn a_field_that_is_missing_or_garbled_is_unknown_and_not_zero() {
        assert_eq!(field_bytes("VmPeak: 1 kB\n", "VmHWM:"), None);
        assert_eq!(field_bytes("VmHWM: many kB\n", "VmHWM:"), None);
        assert_eq!(field_bytes("VmHWM: 5 MB\n", "VmHWM:"), None);
    }

    #[test]
    fn this_process_has_a_peak() {
        assert!(peak_memory_bytes().is_some_and(|bytes| bytes > 100_000));
    }
}
