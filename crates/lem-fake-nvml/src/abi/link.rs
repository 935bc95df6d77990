//! The PCI Express link: the newest generation and sixteen lanes, at rest as at work.

use std::ffi::c_uint;

use nvml_wrapper_sys::bindings::{nvmlDevice_t, nvmlReturn_t};

use super::{has, write};
use crate::config::Feature;
use crate::library::with_board;

const GENERATION: c_uint = 5;
const LANES: c_uint = 16;

/// # Safety
/// `to` is null or points to an unsigned int.
unsafe fn tell(device: nvmlDevice_t, to: *mut c_uint, value: c_uint) -> nvmlReturn_t {
    with_board(device, |board, _| {
        has(board, Feature::Pcie)?;
        // SAFETY: by the contract of this function.
        unsafe { write(to, value) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetCurrPcieLinkGeneration(
    device: nvmlDevice_t,
    generation: *mut c_uint,
) -> nvmlReturn_t {
    // SAFETY: NVML's contract: `generation` points to an unsigned int.
    unsafe { tell(device, generation, GENERATION) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetMaxPcieLinkGeneration(
    device: nvmlDevice_t,
    generation: *mut c_uint,
) -> nvmlReturn_t {
    // SAFETY: NVML's contract: `generation` points to an unsigned int.
    unsafe { tell(device, generation, GENERATION) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetCurrPcieLinkWidth(
    device: nvmlDevice_t,
    lanes: *mut c_uint,
) -> nvmlReturn_t {
    // SAFETY: NVML's contract: `lanes` points to an unsigned int.
    unsafe { tell(device, lanes, LANES) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetMaxPcieLinkWidth(device: nvmlDevice_t, lanes: *mut c_uint) -> nvmlReturn_t {
    // SAFETY: NVML's contract: `lanes` points to an unsigned int.
    unsafe { tell(device, lanes, LANES) }
}
