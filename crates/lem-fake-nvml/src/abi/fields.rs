//! `nvmlDeviceGetFieldValues`: several readings in one call, each with its own answer.

use std::ffi::c_int;

use nvml_wrapper_sys::bindings::field_id::{
    NVML_FI_DEV_ENERGY, NVML_FI_DEV_MEMORY_TEMP, NVML_FI_DEV_PERF_POLICY_POWER,
    NVML_FI_DEV_PERF_POLICY_THERMAL, NVML_FI_DEV_POWER_AVERAGE, NVML_FI_DEV_POWER_CURRENT_LIMIT,
    NVML_FI_DEV_POWER_INSTANT, NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION,
};
use nvml_wrapper_sys::bindings::{
    nvmlDevice_t, nvmlFieldValue_t, nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT,
    nvmlReturn_enum_NVML_ERROR_NOT_SUPPORTED, nvmlReturn_enum_NVML_SUCCESS, nvmlReturn_t, nvmlValue_t,
    nvmlValueType_enum_NVML_VALUE_TYPE_UNSIGNED_INT, nvmlValueType_enum_NVML_VALUE_TYPE_UNSIGNED_LONG_LONG,
};

use super::limits::limit_in_force_mw;
use super::unix_us;
use crate::board::{Board, Moment};
use crate::library::with_board;

/// More fields than nvml.h has: a count above it is a mistake of the caller.
const MOST_FIELDS: usize = 1024;

/// The scope of a field that means the GPU; others (the module, the memory) are not simulated.
const SCOPE_GPU: u32 = 0;

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetFieldValues(
    device: nvmlDevice_t,
    count: c_int,
    values: *mut nvmlFieldValue_t,
) -> nvmlReturn_t {
    with_board(device, |board, at| {
        let count = usize::try_from(count).unwrap_or(0);
        if values.is_null() || !(1..=MOST_FIELDS).contains(&count) {
            return Err(nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT);
        }
        // SAFETY: not null, and NVML's contract: `values` points to `count` structures that are initialised.
        let values = unsafe { std::slice::from_raw_parts_mut(values, count) };
        let timestamp = unix_us();
        for value in values {
            value.timestamp = timestamp;
            value.latencyUsec = 0;
            let reading = if value.scopeId == SCOPE_GPU { read(board, at, value.fieldId) } else { None };
            match reading {
                Some((kind, number)) => {
                    value.nvmlReturn = nvmlReturn_enum_NVML_SUCCESS;
                    value.valueType = kind;
                    value.value = number;
                }
                None => value.nvmlReturn = nvmlReturn_enum_NVML_ERROR_NOT_SUPPORTED,
            }
        }
        Ok(())
    })
}

/// The type and value of a field that the board has.
fn read(board: &Board, at: Moment, field: u32) -> Option<(u32, nvmlValue_t)> {
    match field {
        NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION | NVML_FI_DEV_ENERGY => board.counter_mj(at).map(long),
        NVML_FI_DEV_POWER_INSTANT => board.instant_mw(at).map(int),
        NVML_FI_DEV_POWER_AVERAGE => board.average_mw(at).map(int),
        NVML_FI_DEV_POWER_CURRENT_LIMIT => Some(int(limit_in_force_mw(board))),
        NVML_FI_DEV_MEMORY_TEMP => board.temperature_c(at).map(int),
        NVML_FI_DEV_PERF_POLICY_POWER => Some(long(board.power_violation_ns(at))),
        NVML_FI_DEV_PERF_POLICY_THERMAL => Some(long(0)),
        _ => None,
    }
}

fn int(value: u32) -> (u32, nvmlValue_t) {
    // All bytes of the union are written, as the caller may read any of them.
    (nvmlValueType_enum_NVML_VALUE_TYPE_UNSIGNED_INT, nvmlValue_t { ullVal: u64::from(value) })
}

fn long(value: u64) -> (u32, nvmlValue_t) {
    (nvmlValueType_enum_NVML_VALUE_TYPE_UNSIGNED_LONG_LONG, nvmlValue_t { ullVal: value })
}
