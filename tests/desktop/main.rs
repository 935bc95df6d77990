//! The window, driven as a person would. Pictures of every screen, light and dark, go to `test-artifacts/desktop`.
//!
//! Where a program for it is missing, each test says that it is skipped; with `LEM_REQUIRE_DESKTOP=1` that is a failure.
//! `scripts/desktop.sh` installs what is needed.

mod closing;
mod containers;
mod cooling;
mod failures;
mod first_start;
mod screens;
mod settings;
