//! Compose files as users have them: what they resolve to, what is refused, and that Docker Compose agrees.

mod fixtures;
mod reading;
mod reference;
mod refusals;
mod robustness;
