//! The functions of nvml.h, by the names and layouts of its version 12. Their contracts are those of NVIDIA's
//! documentation; each is a line or two that writes one value.

mod device;
mod events;
mod fields;
mod identity;
mod limits;
mod link;
mod processes;
mod system;

use std::ffi::{c_char, c_uint};

use nvml_wrapper_sys::bindings::{
    nvmlReturn_enum_NVML_ERROR_INSUFFICIENT_SIZE, nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT,
    nvmlReturn_enum_NVML_ERROR_NOT_SUPPORTED, nvmlReturn_t,
};
use rustix::time::{ClockId, clock_gettime};

use crate::board::Board;
use crate::config::Feature;
use crate::library::Answer;

/// Writes a value where the caller wants it.
///
/// # Safety
/// `to` is null or points to memory that may be written.
unsafe fn write<T>(to: *mut T, value: T) -> Answer {
    if to.is_null() {
        return Err(nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT);
    }
    // SAFETY: the caller of the C function vouches for a pointer that is not null.
    unsafe { to.write(value) };
    Ok(())
}

/// Writes a text with its final zero into a buffer of `length` bytes.
///
/// # Safety
/// `to` is null or points to `length` bytes that may be written.
unsafe fn write_text(to: *mut c_char, length: c_uint, text: &str) -> Answer {
    if to.is_null() {
        return Err(nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT);
    }
    if text.len() >= length as usize {
        return Err(nvmlReturn_enum_NVML_ERROR_INSUFFICIENT_SIZE);
    }
    // SAFETY: the text and its final zero fit into the buffer, which cannot overlap with a text of ours.
    unsafe {
        to.copy_from_nonoverlapping(text.as_ptr().cast(), text.len());
        to.add(text.len()).write(0);
    }
    Ok(())
}

/// The value of a reading that a board may not have.
fn supported<T>(value: Option<T>) -> Result<T, nvmlReturn_t> {
    value.ok_or(nvmlReturn_enum_NVML_ERROR_NOT_SUPPORTED)
}

/// Refuses what the board is configured to be without.
fn has(board: &Board, feature: Feature) -> Answer {
    supported((!board.config.unsupported.contains(&feature)).then_some(()))
}

/// The time of the day in microseconds, as NVML stamps what it has sampled.
fn unix_us() -> i64 {
    let now = clock_gettime(ClockId::Realtime);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1000
}
