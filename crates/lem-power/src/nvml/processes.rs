//! The processes on a GPU, as NVML lists them: by their ids on the host, also where they run in containers.

use std::collections::BTreeMap;

use nvml_wrapper::Device;
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::struct_wrappers::device::{ProcessInfo, ProcessUtilizationSample};
use serde::{Deserialize, Serialize};

use super::error::reason;

/// What a process does on a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessKind {
    /// It computes (CUDA).
    Compute,
    /// It draws (OpenGL, Vulkan), as a display server does.
    Graphics,
    /// Both.
    ComputeAndGraphics,
}

/// A process on a GPU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GpuProcess {
    /// Its id on the host, as the driver sees it.
    pub pid: u32,
    /// What it does there.
    pub kind: ProcessKind,
    /// Memory of the GPU that it holds, in bytes; `None` where the driver does not tell.
    pub memory_bytes: Option<u64>,
    /// The greatest share of the time that its kernels ran, in percent (0 to 100), among the samples that the driver has
    /// taken since the last look and still holds; `None` where the driver takes none.
    pub utilization_pct: Option<u32>,
}

/// The processes of a GPU by ascending id; `None` where those that compute are not told. `since_us` is the time of the
/// newest sample of utilization that was seen, and is moved on. Reasons for what is missing go to `absent`.
pub(super) fn processes(
    gpu: &Device<'_>,
    since_us: &mut u64,
    absent: &mut BTreeMap<String, String>,
) -> Option<Vec<GpuProcess>> {
    let mut keep = |name: &str, error: &NvmlError| absent.insert(name.to_owned(), reason(error));
    let mut found = BTreeMap::new();
    match gpu.running_compute_processes() {
        Ok(list) => add(&mut found, list, ProcessKind::Compute),
        Err(error) => {
            keep("processes", &error);
            return None;
        }
    }
    match gpu.running_graphics_processes() {
        Ok(list) => add(&mut found, list, ProcessKind::Graphics),
        Err(error) => _ = keep("graphics_processes", &error),
    }
    match gpu.process_utilization_stats(*since_us) {
        Ok(samples) => utilize(&mut found, &samples, since_us),
        // nvml.h: nobody had any utilization since then.
        Err(NvmlError::NotFound) => utilize(&mut found, &[], since_us),
        Err(error) => _ = keep("process_utilization", &error),
    }
    Some(found.into_values().collect())
}

fn add(found: &mut BTreeMap<u32, GpuProcess>, list: Vec<ProcessInfo>, kind: ProcessKind) {
    for process in list {
        let memory_bytes = match process.used_gpu_memory {
            UsedGpuMemory::Used(bytes) => Some(bytes),
            UsedGpuMemory::Unavailable => None,
        };
        let pid = process.pid;
        let new = GpuProcess { pid, kind, memory_bytes, utilization_pct: None };
        let entry = found.entry(pid).or_insert(new);
        // Listed again: by the other list, or by another instance of a GPU that MIG has split. Memory is not added up,
        // since both lists name all of it.
        entry.memory_bytes = entry.memory_bytes.max(memory_bytes);
        if entry.kind != kind {
            entry.kind = ProcessKind::ComputeAndGraphics;
        }
    }
}

/// Notes the greatest utilization of each process. Only those that had some are sampled, so the others had none.
fn utilize(found: &mut BTreeMap<u32, GpuProcess>, samples: &[ProcessUtilizationSample], since_us: &mut u64) {
    for process in found.values_mut() {
        process.utilization_pct = Some(0);
    }
    for sample in samples {
        // Some drivers write entries that they never filled in: old ones, or of more than everything.
        if sample.timestamp <= *since_us || sample.sm_util > 100 {
            continue;
        }
        if let Some(process) = found.get_mut(&sample.pid) {
            process.utilization_pct = process.utilization_pct.max(Some(sample.sm_util));
        }
    }
    *since_us = samples.iter().map(|sample| sample.timestamp).fold(*since_us, u64::max);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(pid: u32, timestamp: u64, sm_util: u32) -> ProcessUtilizationSample {
        ProcessUtilizationSample { pid, timestamp, sm_util, mem_util: 0, enc_util: 0, dec_util: 0 }
    }

    fn listed(pid: u32, bytes: u64) -> ProcessInfo {
        let used_gpu_memory = UsedGpuMemory::Used(bytes);
        ProcessInfo { pid, used_gpu_memory, gpu_instance_id: None, compute_instance_id: None }
    }

    #[test]
    fn a_process_of_both_lists_is_one_process() {
        let mut found = BTreeMap::new();
        add(&mut found, vec![listed(7, 100)], ProcessKind::Compute);
        add(&mut found, vec![listed(7, 100), listed(8, 5)], ProcessKind::Graphics);
        let kinds: Vec<_> = found.values().map(|p| (p.pid, p.kind, p.memory_bytes)).collect();
        let both = (7, ProcessKind::ComputeAndGraphics, Some(100));
        assert_eq!(kinds, [both, (8, ProcessKind::Graphics, Some(5))]);
    }

    #[test]
    fn samples_that_were_seen_and_those_that_cannot_be_are_left_out() {
        let mut found = BTreeMap::new();
        add(&mut found, vec![listed(7, 0), listed(8, 0), listed(9, 0)], ProcessKind::Compute);
        let samples = [
            sample(7, 90, 70),
            sample(7, 110, 20),
            sample(7, 120, 30),
            sample(8, 130, 4_000_000_000),
            sample(1, 140, 9),
        ];
        let mut since_us = 100;
        utilize(&mut found, &samples, &mut since_us);
        let shares: Vec<_> = found.values().map(|process| process.utilization_pct).collect();
        assert_eq!(shares, [Some(30), Some(0), Some(0)]);
        assert_eq!(since_us, 140);
    }
}
