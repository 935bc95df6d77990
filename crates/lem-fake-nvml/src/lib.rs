//! A simulated GPU behind the C ABI of the NVIDIA Management Library: a `libnvidia_ml.so` that a program loads in
//! place of the driver's, so that its NVML path is run through the real loader, without a GPU.
//!
//! What it can do: everything that LEM reads of a GPU, and what common tools ask first. Any other symbol is absent, and
//! a reading that a simulated board does not have answers "not supported", as a real library does.
//!
//! All readings are functions of `CLOCK_MONOTONIC` and of the configuration, without noise, so that a test can compute
//! the true energy of any window from the signal. The names of its GPUs begin with `LEM simulated `, by which
//! programs of this project know that nothing was measured.
//!
//! [`model`] is the same GPU for Rust, at any time that is asked for: simulations need not wait.
//!
//! # Configuration
//! The environment variable `LEM_FAKE_NVML` holds JSON, or the path of a file with JSON; it is read by `nvmlInit`.
//! Without it there is one `LEM simulated H100`. The JSON is a list of GPUs, or an object:
//!
//! ```json
//! { "driver_version": "580.95.05",
//!   "init_error": null,
//!   "gpus": [ { "name": "H100", "architecture": "hopper",
//!               "signal": { "shape": "constant", "watts": 300 } } ] }
//! ```
//!
//! `init_error` makes `nvmlInit` fail: `driver_not_loaded`, `no_permission`, `version_mismatch`, `unknown`. Keys of a
//! GPU, all optional:
//!
//! | key | default | meaning |
//! |---|---|---|
//! | `model` | none | a real board, whose name, architecture, sensors, power limit and memory are then the defaults: `p100`, `v100`, `a100`, `h100`, `rtx3090`, `rtx4090` |
//! | `name` | `H100` | follows `LEM simulated ` |
//! | `uuid` | `GPU-1e30fa4e-0000-4000-8000-00000000000N` | N is the index |
//! | `architecture` | `hopper` | `pascal` (GP100), `volta`, `turing`, `ampere` (GA100), `ga10x`, `ada`, `hopper`, `blackwell`: sensors and capabilities |
//! | `signal` | sine 180 +- 60 W in 10 s | true power: `constant` (`watts`), `sine` (`mean_w`, `amplitude_w`, `period_s`), `square` (`low_w`, `high_w`, `period_s`, `duty`), `steps` (`steps`: list of `watts`, `seconds`), `ramps` (`ramps`: list of `from_w`, `to_w`, `seconds`) |
//! | `counter_present` | `true` | whether there is an energy counter |
//! | `counter_update_ms`, `counter_phase_ms` | 100, 0 | when the counter moves: at phase + n x update of the monotonic clock |
//! | `power_present` | `true` | whether `nvmlDeviceGetPowerUsage` works |
//! | `instant_present`, `average_present` | of the architecture | whether fields 186 and 185 work |
//! | `sensor_update_ms`, `sensor_phase_ms`, `instant_window_ms` | of the architecture, 0 | when the sensor updates (as the counter), and what it then averages over |
//! | `response_ms` | 0 | time constant with which the power sensor follows |
//! | `gain_error` | 0 | share by which power and energy are read too high, -0.5 to 0.5 |
//! | `temperature_present` | `true` | |
//! | `ambient_c`, `c_per_w`, `time_constant_s` | 30, 0.1, 20 | first-order heating towards ambient + power x `c_per_w` |
//! | `sm_clock_mhz`, `memory_clock_mhz` | 1980, 2619 | |
//! | `memory_total_mib`, `memory_used_mib` | 81559, 1024 | |
//! | `power_limit_w` | 700 | limit, default limit and upper bound |
//! | `throttled_share` | 0 | share of the time held down by the power limit |
//! | `lost_after_s` | never | seconds after `nvmlInit` at which the GPU falls off the bus |
//! | `reset_after_s` | never | seconds after `nvmlInit` at which its counter starts again from 0 |
//! | `mig` | of the architecture | `true`, `false`; absent on boards without MIG |
//! | `persistence`, `ecc` | `true` | |
//! | `processes`, `graphics_processes` | `[]` | lists of `pid`, `memory_mib` (not told if absent), `utilization_pct` (idle if absent; above 100 as from a driver that is wrong) |
//! | `ecc_corrected`, `ecc_uncorrected` | 0 | errors since the driver was loaded; not told where `ecc` is `false` |
//! | `power_limit_set_w` | `power_limit_w` | the limit in force, where somebody has set another than the default |
//! | `xids` | `[]` | critical errors: list of `after_s` (seconds after `nvmlInit`) and `xid` (its number); told to those who have registered before |
//! | `unsupported` | `[]` | what this board answers "not supported" to: `compute_processes`, `graphics_processes`, `process_utilization`, `ecc_errors`, `application_clocks`, `compute_mode`, `pcie`, `power_limits`, `events` |

mod abi;
mod board;
mod config;
mod events;
mod library;
pub mod model;
mod models;
