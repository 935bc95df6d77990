//! Readings of a GPU that have a function of their own.

use std::ffi::{c_uint, c_ulonglong};

use nvml_wrapper_sys::bindings::{
    nvmlDevice_t, nvmlMemory_t, nvmlMemory_v2_t, nvmlPerfPolicyType_enum_NVML_PERF_POLICY_POWER,
    nvmlPerfPolicyType_t, nvmlPstates_t, nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT, nvmlReturn_t,
    nvmlTemperatureSensors_t, nvmlUtilization_t, nvmlViolationTime_t,
};

use super::{supported, write};
use crate::library::with_board;

const MIB: u64 = 1 << 20;

/// `nvmlClocksEventReasonSwPowerCap` of nvml.h.
const SW_POWER_CAP: c_ulonglong = 0x4;

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetPowerUsage(device: nvmlDevice_t, power: *mut c_uint) -> nvmlReturn_t {
    // SAFETY: NVML's contract: `power` points to an unsigned int.
    with_board(device, |board, at| unsafe { write(power, supported(board.usage_mw(at))?) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetTotalEnergyConsumption(
    device: nvmlDevice_t,
    energy: *mut c_ulonglong,
) -> nvmlReturn_t {
    // SAFETY: NVML's contract: `energy` points to an unsigned long long.
    with_board(device, |board, at| unsafe { write(energy, supported(board.counter_mj(at))?) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetTemperature(
    device: nvmlDevice_t,
    _sensor: nvmlTemperatureSensors_t,
    temperature: *mut c_uint,
) -> nvmlReturn_t {
    // SAFETY: NVML's contract: `temperature` points to an unsigned int.
    with_board(device, |board, at| unsafe { write(temperature, supported(board.temperature_c(at))?) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetUtilizationRates(
    device: nvmlDevice_t,
    utilization: *mut nvmlUtilization_t,
) -> nvmlReturn_t {
    with_board(device, |board, at| {
        let gpu = board.utilization_pct(at);
        // SAFETY: NVML's contract: `utilization` points to a structure.
        unsafe { write(utilization, nvmlUtilization_t { gpu, memory: gpu / 2 }) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetMemoryInfo(
    device: nvmlDevice_t,
    memory: *mut nvmlMemory_t,
) -> nvmlReturn_t {
    with_board(device, |board, _| {
        let (total, used) = (board.config.memory_total_mib * MIB, board.config.memory_used_mib * MIB);
        // SAFETY: NVML's contract: `memory` points to a structure.
        unsafe { write(memory, nvmlMemory_t { total, free: total.saturating_sub(used), used }) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetMemoryInfo_v2(
    device: nvmlDevice_t,
    memory: *mut nvmlMemory_v2_t,
) -> nvmlReturn_t {
    with_board(device, |board, _| {
        if memory.is_null() {
            return Err(nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT);
        }
        let (total, used) = (board.config.memory_total_mib * MIB, board.config.memory_used_mib * MIB);
        // SAFETY: not null, and NVML's contract: a structure whose version the caller has set.
        let version = unsafe { (*memory).version };
        let free = total.saturating_sub(used);
        // SAFETY: as above.
        unsafe { write(memory, nvmlMemory_v2_t { version, total, reserved: 0, free, used }) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetCurrentClocksThrottleReasons(
    device: nvmlDevice_t,
    reasons: *mut c_ulonglong,
) -> nvmlReturn_t {
    with_board(device, |board, _| {
        let held_down = board.config.throttled_share > 0.0;
        // SAFETY: NVML's contract: `reasons` points to an unsigned long long.
        unsafe { write(reasons, if held_down { SW_POWER_CAP } else { 0 }) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetCurrentClocksEventReasons(
    device: nvmlDevice_t,
    reasons: *mut c_ulonglong,
) -> nvmlReturn_t {
    // SAFETY: the newer name of the same function.
    unsafe { nvmlDeviceGetCurrentClocksThrottleReasons(device, reasons) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetViolationStatus(
    device: nvmlDevice_t,
    policy: nvmlPerfPolicyType_t,
    violation: *mut nvmlViolationTime_t,
) -> nvmlReturn_t {
    with_board(device, |board, at| {
        let by_power = policy == nvmlPerfPolicyType_enum_NVML_PERF_POLICY_POWER;
        let value = nvmlViolationTime_t {
            referenceTime: u64::try_from(at.t_ns / 1000).unwrap_or(0),
            violationTime: if by_power { board.power_violation_ns(at) } else { 0 },
        };
        // SAFETY: NVML's contract: `violation` points to a structure.
        unsafe { write(violation, value) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetPerformanceState(
    device: nvmlDevice_t,
    state: *mut nvmlPstates_t,
) -> nvmlReturn_t {
    // SAFETY: NVML's contract: `state` points to a state.
    with_board(device, |_, _| unsafe { write(state, 0) })
}
