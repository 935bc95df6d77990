//! The state of the library between `nvmlInit` and `nvmlShutdown`, which count their callers as the real ones do.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use nvml_wrapper_sys::bindings::{
    nvmlDevice_t, nvmlReturn_enum_NVML_ERROR_DRIVER_NOT_LOADED, nvmlReturn_enum_NVML_ERROR_GPU_IS_LOST,
    nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT, nvmlReturn_enum_NVML_ERROR_LIB_RM_VERSION_MISMATCH,
    nvmlReturn_enum_NVML_ERROR_NO_PERMISSION, nvmlReturn_enum_NVML_ERROR_UNINITIALIZED,
    nvmlReturn_enum_NVML_ERROR_UNKNOWN, nvmlReturn_enum_NVML_SUCCESS, nvmlReturn_t,
};
use rustix::time::{ClockId, clock_gettime};

use crate::board::{Board, Moment};
use crate::config::{Config, InitError};
use crate::events::EventSets;

/// What a C function answers: nothing more, or an error code.
pub(crate) type Answer = Result<(), nvmlReturn_t>;

/// An initialised library.
pub(crate) struct Library {
    users: u32,
    init_ns: i64,
    pub(crate) driver_version: String,
    pub(crate) boards: Vec<Board>,
    event_sets: Mutex<EventSets>,
}

static LIBRARY: RwLock<Option<Library>> = RwLock::new(None);

/// Initialises the library, or counts one more user of it.
pub(crate) fn init() -> Answer {
    let mut library = LIBRARY.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(library) = library.as_mut() {
        library.users += 1;
        return Ok(());
    }
    let config = Config::from_environment().map_err(|cause| complain(&cause))?;
    if let Some(error) = config.init_error {
        return Err(init_error(error));
    }
    let boards = (0..).zip(config.gpus).map(|(index, config)| Board { config, index });
    *library = Some(Library {
        users: 1,
        init_ns: now_ns(),
        driver_version: config.driver_version,
        boards: boards.collect(),
        event_sets: Mutex::default(),
    });
    Ok(())
}

/// Counts one user less, and forgets everything with the last one.
pub(crate) fn shutdown() -> Answer {
    let mut library = LIBRARY.write().unwrap_or_else(PoisonError::into_inner);
    let state = library.as_mut().ok_or(nvmlReturn_enum_NVML_ERROR_UNINITIALIZED)?;
    state.users -= 1;
    if state.users == 0 {
        *library = None;
    }
    Ok(())
}

/// Runs the body of a C function: no panic may cross into C.
pub(crate) fn answer(body: impl FnOnce() -> Answer) -> nvmlReturn_t {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => nvmlReturn_enum_NVML_SUCCESS,
        Ok(Err(code)) => code,
        Err(_) => nvmlReturn_enum_NVML_ERROR_UNKNOWN,
    }
}

/// [`answer`] with the library, which must be initialised.
pub(crate) fn with_library(body: impl FnOnce(&Library) -> Answer) -> nvmlReturn_t {
    answer(|| {
        let library = LIBRARY.read().unwrap_or_else(PoisonError::into_inner);
        body(library.as_ref().ok_or(nvmlReturn_enum_NVML_ERROR_UNINITIALIZED)?)
    })
}

/// [`answer`] with a GPU, which must exist and not be lost, and with the time.
pub(crate) fn with_board(device: nvmlDevice_t, body: impl FnOnce(&Board, Moment) -> Answer) -> nvmlReturn_t {
    with_library(|library| {
        let position = device.addr().checked_sub(1);
        let board = position.and_then(|position| library.boards.get(position));
        let board = board.ok_or(nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT)?;
        let at = library.moment();
        if board.is_lost(at) {
            return Err(nvmlReturn_enum_NVML_ERROR_GPU_IS_LOST);
        }
        body(board, at)
    })
}

impl Library {
    pub(crate) fn event_sets(&self) -> MutexGuard<'_, EventSets> {
        self.event_sets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn moment(&self) -> Moment {
        Moment { t_ns: now_ns(), init_ns: self.init_ns }
    }

    /// The handle of a GPU: its position and one, never followed as a pointer.
    pub(crate) fn handle(&self, board: &Board) -> Result<nvmlDevice_t, nvmlReturn_t> {
        if board.is_lost(self.moment()) {
            return Err(nvmlReturn_enum_NVML_ERROR_GPU_IS_LOST);
        }
        Ok(handle_at(board.index))
    }
}

/// The handle of the GPU at a position.
pub(crate) fn handle_at(index: u32) -> nvmlDevice_t {
    std::ptr::without_provenance_mut(index as usize + 1)
}

fn init_error(error: InitError) -> nvmlReturn_t {
    match error {
        InitError::DriverNotLoaded => nvmlReturn_enum_NVML_ERROR_DRIVER_NOT_LOADED,
        InitError::NoPermission => nvmlReturn_enum_NVML_ERROR_NO_PERMISSION,
        InitError::VersionMismatch => nvmlReturn_enum_NVML_ERROR_LIB_RM_VERSION_MISMATCH,
        InitError::Unknown => nvmlReturn_enum_NVML_ERROR_UNKNOWN,
    }
}

#[expect(
    clippy::print_stderr,
    reason = "the C ABI has no other way to say what is wrong with the configuration"
)]
fn complain(cause: &str) -> nvmlReturn_t {
    eprintln!("lem-fake-nvml: {} cannot be used: {cause}", crate::config::VARIABLE);
    nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT
}

fn now_ns() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}
