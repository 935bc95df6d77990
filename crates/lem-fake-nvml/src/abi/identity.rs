//! How a GPU is found and what it is.

use std::ffi::{CStr, c_char, c_int, c_uint};

use nvml_wrapper_sys::bindings::{
    nvmlBrandType_enum_NVML_BRAND_NVIDIA, nvmlBrandType_t, nvmlDevice_t, nvmlDeviceArchitecture_t,
    nvmlPciInfo_t, nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT, nvmlReturn_enum_NVML_ERROR_NOT_FOUND,
    nvmlReturn_t,
};

use super::{write, write_text};
use crate::board::Board;
use crate::library::{Answer, with_board, with_library};

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetHandleByIndex_v2(index: c_uint, device: *mut nvmlDevice_t) -> nvmlReturn_t {
    with_library(|library| {
        let board = library.boards.get(index as usize).ok_or(nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT)?;
        // SAFETY: NVML's contract: `device` points to a handle.
        unsafe { write(device, library.handle(board)?) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetHandleByUUID(
    uuid: *const c_char,
    device: *mut nvmlDevice_t,
) -> nvmlReturn_t {
    // SAFETY: NVML's contract: `uuid` is a text and `device` points to a handle.
    unsafe { find(uuid, device, Board::uuid) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetHandleByPciBusId_v2(
    bus: *const c_char,
    device: *mut nvmlDevice_t,
) -> nvmlReturn_t {
    // SAFETY: NVML's contract: `bus` is a text and `device` points to a handle.
    unsafe { find(bus, device, bus_id) }
}

/// # Safety
/// `wanted` is null or a text that ends with zero, `device` null or a place for a handle.
unsafe fn find(wanted: *const c_char, device: *mut nvmlDevice_t, name: fn(&Board) -> String) -> nvmlReturn_t {
    with_library(|library| {
        if wanted.is_null() {
            return Err(nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT);
        }
        // SAFETY: not null, and a text by the contract of this function.
        let wanted = unsafe { CStr::from_ptr(wanted) }.to_string_lossy();
        let board = library.boards.iter().find(|board| name(board).eq_ignore_ascii_case(&wanted));
        let board = board.ok_or(nvmlReturn_enum_NVML_ERROR_NOT_FOUND)?;
        // SAFETY: by the contract of this function.
        unsafe { write(device, library.handle(board)?) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetIndex(device: nvmlDevice_t, index: *mut c_uint) -> nvmlReturn_t {
    // SAFETY: NVML's contract: `index` points to an unsigned int.
    with_board(device, |board, _| unsafe { write(index, board.index) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetName(
    device: nvmlDevice_t,
    name: *mut c_char,
    length: c_uint,
) -> nvmlReturn_t {
    // SAFETY: NVML's contract: `name` points to `length` bytes.
    with_board(device, |board, _| unsafe {
        write_text(name, length, &format!("LEM simulated {}", board.config.name))
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetUUID(
    device: nvmlDevice_t,
    uuid: *mut c_char,
    length: c_uint,
) -> nvmlReturn_t {
    // SAFETY: NVML's contract: `uuid` points to `length` bytes.
    with_board(device, |board, _| unsafe { write_text(uuid, length, &board.uuid()) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetVbiosVersion(
    device: nvmlDevice_t,
    version: *mut c_char,
    length: c_uint,
) -> nvmlReturn_t {
    // SAFETY: NVML's contract: `version` points to `length` bytes.
    with_board(device, |_, _| unsafe { write_text(version, length, "00.00.00.00.00") })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetBrand(device: nvmlDevice_t, brand: *mut nvmlBrandType_t) -> nvmlReturn_t {
    // SAFETY: NVML's contract: `brand` points to a brand.
    with_board(device, |_, _| unsafe { write(brand, nvmlBrandType_enum_NVML_BRAND_NVIDIA) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetArchitecture(
    device: nvmlDevice_t,
    architecture: *mut nvmlDeviceArchitecture_t,
) -> nvmlReturn_t {
    // SAFETY: NVML's contract: `architecture` points to an architecture.
    with_board(device, |board, _| unsafe { write(architecture, board.generation().0) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetCudaComputeCapability(
    device: nvmlDevice_t,
    major: *mut c_int,
    minor: *mut c_int,
) -> nvmlReturn_t {
    with_board(device, |board, _| {
        let (_, capability) = board.generation();
        // SAFETY: NVML's contract: both point to ints.
        unsafe {
            write(major, capability.0)?;
            write(minor, capability.1)
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetPciInfo_v3(device: nvmlDevice_t, pci: *mut nvmlPciInfo_t) -> nvmlReturn_t {
    with_board(device, |board, _| {
        let mut info = nvmlPciInfo_t {
            busIdLegacy: [0; 16],
            domain: 0,
            bus: board.bus(),
            device: 0,
            pciDeviceId: 0,
            pciSubSystemId: 0,
            busId: [0; 32],
        };
        fill(&mut info.busId, &bus_id(board))?;
        fill(&mut info.busIdLegacy, &format!("0000:{:02X}:00.0", board.bus()))?;
        // SAFETY: NVML's contract: `pci` points to a structure.
        unsafe { write(pci, info) }
    })
}

fn bus_id(board: &Board) -> String {
    format!("00000000:{:02X}:00.0", board.bus())
}

fn fill(buffer: &mut [c_char], text: &str) -> Answer {
    let length = c_uint::try_from(buffer.len()).unwrap_or(c_uint::MAX);
    // SAFETY: the buffer is as long as it says.
    unsafe { write_text(buffer.as_mut_ptr(), length, text) }
}
