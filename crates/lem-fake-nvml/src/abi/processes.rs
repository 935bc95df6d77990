//! The processes that use a GPU, and how much of it.

use std::ffi::{c_uint, c_ulonglong};

use nvml_wrapper_sys::bindings::{
    nvmlDevice_t, nvmlProcessInfo_t, nvmlProcessUtilizationSample_t,
    nvmlReturn_enum_NVML_ERROR_INSUFFICIENT_SIZE, nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT,
    nvmlReturn_enum_NVML_ERROR_NOT_FOUND, nvmlReturn_t,
};

use super::{has, unix_us, write};
use crate::config::{Feature, Process};
use crate::library::{Answer, with_board};

const MIB: u64 = 1 << 20;

/// What NVML writes for "not on a MIG instance".
const NO_INSTANCE: c_uint = c_uint::MAX;

/// `NVML_VALUE_NOT_AVAILABLE` as an unsigned long long.
const NOT_TOLD: c_ulonglong = c_ulonglong::MAX;

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetComputeRunningProcesses_v3(
    device: nvmlDevice_t,
    count: *mut c_uint,
    list: *mut nvmlProcessInfo_t,
) -> nvmlReturn_t {
    with_board(device, |board, _| {
        has(board, Feature::ComputeProcesses)?;
        // SAFETY: NVML's contract is that of this function.
        unsafe { write_list(count, list, &board.config.processes, info) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetGraphicsRunningProcesses_v3(
    device: nvmlDevice_t,
    count: *mut c_uint,
    list: *mut nvmlProcessInfo_t,
) -> nvmlReturn_t {
    with_board(device, |board, _| {
        has(board, Feature::GraphicsProcesses)?;
        // SAFETY: NVML's contract is that of this function.
        unsafe { write_list(count, list, &board.config.graphics_processes, info) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetProcessUtilization(
    device: nvmlDevice_t,
    list: *mut nvmlProcessUtilizationSample_t,
    count: *mut c_uint,
    last_seen: c_ulonglong,
) -> nvmlReturn_t {
    with_board(device, |board, _| {
        has(board, Feature::ProcessUtilization)?;
        let now_us = u64::try_from(unix_us()).unwrap_or(0);
        let all = board.config.processes.iter().chain(&board.config.graphics_processes);
        let busy: Vec<(u32, u32)> =
            all.filter_map(|process| Some((process.pid, process.utilization_pct?))).collect();
        if busy.is_empty() || now_us <= last_seen {
            return Err(nvmlReturn_enum_NVML_ERROR_NOT_FOUND);
        }
        let sample = |(pid, sm): (u32, u32)| nvmlProcessUtilizationSample_t {
            pid,
            timeStamp: now_us,
            smUtil: sm,
            memUtil: sm / 2,
            encUtil: 0,
            decUtil: 0,
        };
        // SAFETY: NVML's contract is that of this function.
        unsafe { write_list(count, list, &busy, sample) }
    })
}

fn info(process: Process) -> nvmlProcessInfo_t {
    nvmlProcessInfo_t {
        pid: process.pid,
        usedGpuMemory: process.memory_mib.map_or(NOT_TOLD, |mib| mib.saturating_mul(MIB)),
        gpuInstanceId: NO_INSTANCE,
        computeInstanceId: NO_INSTANCE,
    }
}

/// Writes a list where the caller has room for it; the count is written in any case.
///
/// # Safety
/// `count` is null or points to an unsigned int that says how many places `list` has, unless it is null.
unsafe fn write_list<S: Copy, T>(
    count: *mut c_uint,
    list: *mut T,
    items: &[S],
    entry: impl Fn(S) -> T,
) -> Answer {
    if count.is_null() {
        return Err(nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT);
    }
    // SAFETY: not null, and by the contract of this function.
    let room = if list.is_null() { 0 } else { unsafe { count.read() as usize } };
    // SAFETY: as above.
    unsafe { write(count, c_uint::try_from(items.len()).unwrap_or(c_uint::MAX))? };
    if room < items.len() {
        return Err(nvmlReturn_enum_NVML_ERROR_INSUFFICIENT_SIZE);
    }
    for (position, from) in items.iter().enumerate() {
        // SAFETY: the list has `room` places, and `position` is below that.
        unsafe { write(list.add(position), entry(*from))? };
    }
    Ok(())
}
