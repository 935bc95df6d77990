//! Sets of events, in which a program registers for the errors of GPUs. Only critical errors (Xid) ever occur; other
//! events may be registered for.

use std::collections::BTreeMap;

use nvml_wrapper_sys::bindings::{
    nvmlEventTypeXidCriticalError, nvmlReturn_enum_NVML_ERROR_GPU_IS_LOST,
    nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT, nvmlReturn_enum_NVML_ERROR_TIMEOUT, nvmlReturn_t,
};

use crate::board::{Board, Moment};

/// The sets that programs have created, by their handles.
#[derive(Debug, Default)]
pub(crate) struct EventSets {
    sets: BTreeMap<usize, Vec<Registration>>,
    last: usize,
}

/// A GPU in a set.
#[derive(Debug)]
struct Registration {
    index: u32,
    types: u64,
    /// What was before is not told, as by a real library.
    after_ns: i64,
}

/// An error that is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    /// The GPU.
    pub(crate) index: u32,
    /// Its number.
    pub(crate) xid: u64,
}

impl EventSets {
    pub(crate) fn create(&mut self) -> usize {
        self.last += 1;
        self.sets.insert(self.last, Vec::new());
        self.last
    }

    pub(crate) fn free(&mut self, set: usize) -> Result<(), nvmlReturn_t> {
        self.sets.remove(&set).map(drop).ok_or(nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT)
    }

    pub(crate) fn register(
        &mut self,
        set: usize,
        index: u32,
        types: u64,
        now_ns: i64,
    ) -> Result<(), nvmlReturn_t> {
        let set = self.sets.get_mut(&set).ok_or(nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT)?;
        set.push(Registration { index, types, after_ns: now_ns });
        Ok(())
    }

    /// The oldest error of a set that was not told yet. Without one, a GPU that is lost is, and else time is out.
    pub(crate) fn next(&mut self, set: usize, boards: &[Board], at: Moment) -> Result<Told, nvmlReturn_t> {
        let set = self.sets.get_mut(&set).ok_or(nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT)?;
        let of = |index: u32| boards.iter().find(move |board| board.index == index);
        let listens = |registration: &&mut Registration| {
            registration.types & u64::from(nvmlEventTypeXidCriticalError) != 0
        };
        let errors = set.iter_mut().filter(listens).filter_map(|registration| {
            let (t_ns, xid) = of(registration.index)?.next_xid(registration.after_ns, at)?;
            Some((t_ns, xid, registration))
        });
        if let Some((t_ns, xid, registration)) = errors.min_by_key(|(t_ns, ..)| *t_ns) {
            registration.after_ns = t_ns;
            return Ok(Told { index: registration.index, xid });
        }
        let lost =
            set.iter().filter_map(|registration| of(registration.index)).any(|board| board.is_lost(at));
        Err(if lost { nvmlReturn_enum_NVML_ERROR_GPU_IS_LOST } else { nvmlReturn_enum_NVML_ERROR_TIMEOUT })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{GpuConfig, Xid};

    const XID: u64 = nvmlEventTypeXidCriticalError as u64;

    fn board(index: u32, xids: &[(f64, u64)]) -> Board {
        let xids = xids.iter().map(|(after_s, xid)| Xid { after_s: *after_s, xid: *xid }).collect();
        Board { config: GpuConfig { xids, ..GpuConfig::default() }, index }
    }

    fn at(t_ms: i64) -> Moment {
        Moment { t_ns: t_ms * 1_000_000, init_ns: 0 }
    }

    #[test]
    fn errors_are_told_once_in_their_order_and_only_those_after_the_registration() {
        let boards = [board(0, &[(1.0, 13), (3.0, 31)]), board(1, &[(2.0, 48)])];
        let mut sets = EventSets::default();
        let set = sets.create();
        for index in [0, 1] {
            sets.register(set, index, XID, at(1_500).t_ns).expect("there is the set");
        }
        let mut next = |t_ms| sets.next(set, &boards, at(t_ms)).map(|told| (told.index, told.xid));
        assert_eq!(next(1_900), Err(nvmlReturn_enum_NVML_ERROR_TIMEOUT));
        assert_eq!([next(5_000), next(5_000)], [Ok((1, 48)), Ok((0, 31))]);
        assert_eq!(next(9_000), Err(nvmlReturn_enum_NVML_ERROR_TIMEOUT));
    }

    #[test]
    fn a_gpu_that_is_lost_tells_its_last_error_first() {
        let mut lost = board(0, &[(1.0, 79)]);
        lost.config.lost_after_s = Some(1.0);
        let mut sets = EventSets::default();
        let set = sets.create();
        sets.register(set, 0, XID, 0).expect("there is the set");
        assert_eq!(sets.next(set, &[lost.clone()], at(1_100)), Ok(Told { index: 0, xid: 79 }));
        assert_eq!(sets.next(set, &[lost], at(1_200)), Err(nvmlReturn_enum_NVML_ERROR_GPU_IS_LOST));
    }

    #[test]
    fn who_registers_for_something_else_hears_nothing_and_a_set_that_was_freed_is_none() {
        let boards = [board(0, &[(1.0, 13)])];
        let mut sets = EventSets::default();
        let set = sets.create();
        sets.register(set, 0, 0x4, 0).expect("there is the set");
        assert_eq!(sets.next(set, &boards, at(2_000)), Err(nvmlReturn_enum_NVML_ERROR_TIMEOUT));
        sets.free(set).expect("it was created");
        assert_eq!(sets.free(set), Err(nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT));
        assert_eq!(sets.next(set, &boards, at(2_000)), Err(nvmlReturn_enum_NVML_ERROR_INVALID_ARGUMENT));
    }
}
