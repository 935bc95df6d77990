//! The rules of derived values, on examples that can be followed by hand.

mod example;
mod footprint;
mod peaks;
mod phases;
mod utilization;
mod work;
