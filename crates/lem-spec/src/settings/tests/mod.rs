//! The rules of the settings file, each as a sentence.

mod edits;
mod generated;
mod reading;
