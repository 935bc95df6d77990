//! The library and its driver.

use std::ffi::{CStr, c_char, c_int, c_uint};

use nvml_wrapper_sys::bindings::{
    nvmlReturn_enum_NVML_ERROR_DRIVER_NOT_LOADED, nvmlReturn_enum_NVML_ERROR_GPU_IS_LOST,
    nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT, nvmlReturn_enum_NVML_ERROR_NO_PERMISSION,
    nvmlReturn_enum_NVML_ERROR_NOT_SUPPORTED, nvmlReturn_enum_NVML_ERROR_UNINITIALIZED,
    nvmlReturn_enum_NVML_SUCCESS, nvmlReturn_t,
};

use super::{write, write_text};
use crate::library::{answer, init, shutdown, with_library};

/// CUDA 13.0, as `nvmlSystemGetCudaDriverVersion` writes it.
const CUDA_VERSION: c_int = 13_000;

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlInit_v2() -> nvmlReturn_t {
    answer(init)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlInitWithFlags(_flags: c_uint) -> nvmlReturn_t {
    answer(init)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlShutdown() -> nvmlReturn_t {
    answer(shutdown)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlErrorString(code: nvmlReturn_t) -> *const c_char {
    #[expect(non_upper_case_globals, reason = "the names are those of nvml.h")]
    let text: &CStr = match code {
        nvmlReturn_enum_NVML_SUCCESS => c"The operation was successful",
        nvmlReturn_enum_NVML_ERROR_UNINITIALIZED => c"NVML was not first initialized",
        nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT => c"A supplied argument is invalid",
        nvmlReturn_enum_NVML_ERROR_NOT_SUPPORTED => c"Not available on this simulated GPU",
        nvmlReturn_enum_NVML_ERROR_NO_PERMISSION => c"Insufficient permissions",
        nvmlReturn_enum_NVML_ERROR_DRIVER_NOT_LOADED => c"The driver is not loaded",
        nvmlReturn_enum_NVML_ERROR_GPU_IS_LOST => c"The GPU has fallen off the bus",
        _ => c"An error of the simulated library",
    };
    text.as_ptr()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlSystemGetDriverVersion(version: *mut c_char, length: c_uint) -> nvmlReturn_t {
    // SAFETY: NVML's contract: `version` points to `length` bytes.
    with_library(|library| unsafe { write_text(version, length, &library.driver_version) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlSystemGetNVMLVersion(version: *mut c_char, length: c_uint) -> nvmlReturn_t {
    // SAFETY: NVML's contract: `version` points to `length` bytes.
    with_library(|library| unsafe { write_text(version, length, &format!("13.{}", library.driver_version)) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlSystemGetCudaDriverVersion(version: *mut c_int) -> nvmlReturn_t {
    // SAFETY: NVML's contract: `version` points to an int.
    with_library(|_| unsafe { write(version, CUDA_VERSION) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlSystemGetCudaDriverVersion_v2(version: *mut c_int) -> nvmlReturn_t {
    // SAFETY: NVML's contract: `version` points to an int.
    with_library(|_| unsafe { write(version, CUDA_VERSION) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetCount_v2(count: *mut c_uint) -> nvmlReturn_t {
    with_library(|library| {
        let boards = c_uint::try_from(library.boards.len()).unwrap_or(c_uint::MAX);
        // SAFETY: NVML's contract: `count` points to an unsigned int.
        unsafe { write(count, boards) }
    })
}
