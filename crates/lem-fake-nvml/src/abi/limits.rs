//! Limits and modes of a GPU, which do not change here.

use std::ffi::{c_uint, c_ulonglong};

use nvml_wrapper_sys::bindings::{
    nvmlClockType_enum_NVML_CLOCK_MEM, nvmlClockType_t, nvmlComputeMode_enum_NVML_COMPUTEMODE_DEFAULT,
    nvmlComputeMode_t, nvmlDevice_t, nvmlEccCounterType_t, nvmlEnableState_t,
    nvmlMemoryErrorType_enum_NVML_MEMORY_ERROR_TYPE_UNCORRECTED, nvmlMemoryErrorType_t,
    nvmlReturn_enum_NVML_SUCCESS, nvmlReturn_t,
};

use super::{has, supported, write};
use crate::board::Board;
use crate::config::Feature;
use crate::library::with_board;

/// The lower bound of the power limit in mW.
const MIN_LIMIT_MW: c_uint = 100_000;

/// The power limit that somebody has set, else the default one, in mW.
pub(super) fn limit_in_force_mw(board: &Board) -> c_uint {
    board.config.power_limit_set_w.map_or_else(|| board.power_limit_mw(), |watts| watts.saturating_mul(1000))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetPowerManagementLimit(
    device: nvmlDevice_t,
    limit: *mut c_uint,
) -> nvmlReturn_t {
    with_board(device, |board, _| {
        has(board, Feature::PowerLimits)?;
        // SAFETY: NVML's contract: `limit` points to an unsigned int.
        unsafe { write(limit, limit_in_force_mw(board)) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetPowerManagementDefaultLimit(
    device: nvmlDevice_t,
    limit: *mut c_uint,
) -> nvmlReturn_t {
    with_board(device, |board, _| {
        has(board, Feature::PowerLimits)?;
        // SAFETY: NVML's contract: `limit` points to an unsigned int.
        unsafe { write(limit, board.power_limit_mw()) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetEnforcedPowerLimit(
    device: nvmlDevice_t,
    limit: *mut c_uint,
) -> nvmlReturn_t {
    with_board(device, |board, _| {
        has(board, Feature::PowerLimits)?;
        // SAFETY: NVML's contract: `limit` points to an unsigned int.
        unsafe { write(limit, limit_in_force_mw(board)) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetPowerManagementLimitConstraints(
    device: nvmlDevice_t,
    min: *mut c_uint,
    max: *mut c_uint,
) -> nvmlReturn_t {
    with_board(device, |board, _| {
        has(board, Feature::PowerLimits)?;
        // SAFETY: NVML's contract: both point to unsigned ints.
        unsafe {
            write(min, MIN_LIMIT_MW.min(board.power_limit_mw()))?;
            write(max, board.power_limit_mw())
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetMaxClockInfo(
    device: nvmlDevice_t,
    clock: nvmlClockType_t,
    mhz: *mut c_uint,
) -> nvmlReturn_t {
    // SAFETY: the contract is that of the current clock, which is always at its maximum here.
    unsafe { nvmlDeviceGetClockInfo(device, clock, mhz) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetClockInfo(
    device: nvmlDevice_t,
    clock: nvmlClockType_t,
    mhz: *mut c_uint,
) -> nvmlReturn_t {
    with_board(device, |board, _| {
        let memory = clock == nvmlClockType_enum_NVML_CLOCK_MEM;
        let value = if memory { board.config.memory_clock_mhz } else { board.config.sm_clock_mhz };
        // SAFETY: NVML's contract: `mhz` points to an unsigned int.
        unsafe { write(mhz, value) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetPersistenceMode(
    device: nvmlDevice_t,
    mode: *mut nvmlEnableState_t,
) -> nvmlReturn_t {
    // SAFETY: NVML's contract: `mode` points to a state.
    with_board(device, |board, _| unsafe { write(mode, u32::from(board.config.persistence)) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetEccMode(
    device: nvmlDevice_t,
    current: *mut nvmlEnableState_t,
    pending: *mut nvmlEnableState_t,
) -> nvmlReturn_t {
    // SAFETY: NVML's contract: both point to states.
    with_board(device, |board, _| unsafe {
        write(current, u32::from(board.config.ecc))?;
        write(pending, u32::from(board.config.ecc))
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetMigMode(
    device: nvmlDevice_t,
    current: *mut c_uint,
    pending: *mut c_uint,
) -> nvmlReturn_t {
    with_board(device, |board, _| {
        let enabled = c_uint::from(supported(board.mig())?);
        // SAFETY: NVML's contract: both point to unsigned ints.
        unsafe {
            write(current, enabled)?;
            write(pending, enabled)
        }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetApplicationsClock(
    device: nvmlDevice_t,
    clock: nvmlClockType_t,
    mhz: *mut c_uint,
) -> nvmlReturn_t {
    let answer = with_board(device, |board, _| has(board, Feature::ApplicationClocks));
    if answer != nvmlReturn_enum_NVML_SUCCESS {
        return answer;
    }
    // SAFETY: the contract is that of the current clock, which is always at its maximum here.
    unsafe { nvmlDeviceGetClockInfo(device, clock, mhz) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetComputeMode(
    device: nvmlDevice_t,
    mode: *mut nvmlComputeMode_t,
) -> nvmlReturn_t {
    with_board(device, |board, _| {
        has(board, Feature::ComputeMode)?;
        // SAFETY: NVML's contract: `mode` points to a mode.
        unsafe { write(mode, nvmlComputeMode_enum_NVML_COMPUTEMODE_DEFAULT) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetTotalEccErrors(
    device: nvmlDevice_t,
    kind: nvmlMemoryErrorType_t,
    _counter: nvmlEccCounterType_t,
    errors: *mut c_ulonglong,
) -> nvmlReturn_t {
    with_board(device, |board, _| {
        has(board, Feature::EccErrors)?;
        let config = supported(board.config.ecc.then_some(&board.config))?;
        let uncorrected = kind == nvmlMemoryErrorType_enum_NVML_MEMORY_ERROR_TYPE_UNCORRECTED;
        let count = if uncorrected { config.ecc_uncorrected } else { config.ecc_corrected };
        // SAFETY: NVML's contract: `errors` points to an unsigned long long.
        unsafe { write(errors, count) }
    })
}
