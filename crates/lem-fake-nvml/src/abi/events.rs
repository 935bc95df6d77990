//! Registering for events of GPUs, and waiting for them.

use std::ffi::{c_uint, c_ulonglong};
use std::time::{Duration, Instant};

use nvml_wrapper_sys::bindings::{
    nvmlDevice_t, nvmlEventData_t, nvmlEventSet_t, nvmlEventTypeXidCriticalError,
    nvmlReturn_enum_NVML_ERROR_TIMEOUT, nvmlReturn_t,
};

use super::{has, write};
use crate::config::Feature;
use crate::library::{handle_at, with_board, with_library};

/// Whoever waits looks so often.
const LOOK: Duration = Duration::from_millis(5);

/// What NVML writes for "not on a MIG instance".
const NO_INSTANCE: c_uint = c_uint::MAX;

const XID: c_ulonglong = nvmlEventTypeXidCriticalError as c_ulonglong;

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceGetSupportedEventTypes(
    device: nvmlDevice_t,
    types: *mut c_ulonglong,
) -> nvmlReturn_t {
    with_board(device, |board, _| {
        has(board, Feature::Events)?;
        // SAFETY: NVML's contract: `types` points to an unsigned long long.
        unsafe { write(types, XID) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlEventSetCreate(set: *mut nvmlEventSet_t) -> nvmlReturn_t {
    with_library(|library| {
        let handle = library.event_sets().create();
        // SAFETY: NVML's contract: `set` points to a handle. The handle is a number, never followed as a pointer.
        unsafe { write(set, std::ptr::without_provenance_mut(handle)) }
    })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlEventSetFree(set: nvmlEventSet_t) -> nvmlReturn_t {
    with_library(|library| library.event_sets().free(set.addr()))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlDeviceRegisterEvents(
    device: nvmlDevice_t,
    types: c_ulonglong,
    set: nvmlEventSet_t,
) -> nvmlReturn_t {
    // Not within `with_library`, whose lock is taken by `with_board` too.
    let mut found = None;
    let answer = with_board(device, |board, at| {
        has(board, Feature::Events)?;
        found = Some((board.index, at.t_ns));
        Ok(())
    });
    match found {
        Some((index, now_ns)) => {
            with_library(|library| library.event_sets().register(set.addr(), index, types, now_ns))
        }
        None => answer,
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn nvmlEventSetWait_v2(
    set: nvmlEventSet_t,
    data: *mut nvmlEventData_t,
    timeout_ms: c_uint,
) -> nvmlReturn_t {
    let until = Instant::now() + Duration::from_millis(u64::from(timeout_ms));
    loop {
        let answer = with_library(|library| {
            let told = library.event_sets().next(set.addr(), &library.boards, library.moment())?;
            let event = nvmlEventData_t {
                device: handle_at(told.index),
                eventType: XID,
                eventData: told.xid,
                gpuInstanceId: NO_INSTANCE,
                computeInstanceId: NO_INSTANCE,
            };
            // SAFETY: NVML's contract: `data` points to a structure.
            unsafe { write(data, event) }
        });
        let left = until.saturating_duration_since(Instant::now());
        if answer != nvmlReturn_enum_NVML_ERROR_TIMEOUT || left.is_zero() {
            return answer;
        }
        // The library is not locked meanwhile.
        std::thread::park_timeout(left.min(LOOK));
    }
}
