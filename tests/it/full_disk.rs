//! A disk that fills up while a campaign runs: a clear error, and after space is freed the rest can be done.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use lem_tests::{Project, integer, text};

/// A small disk of its own, gone when this is dropped.
struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts it, which only root may; `None` where that is refused.
    fn mount(folder: &Path) -> Option<Self> {
        fs::create_dir_all(folder).expect("a temporary folder can be written to");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m", "lem-tests"]).arg(folder).output();
        mount.is_ok_and(|output| output.status.success()).then(|| Self { folder: folder.to_owned() })
    }

    /// Writes until nothing more fits.
    fn fill(&self) -> PathBuf {
        let path = self.folder.join("filler");
        let mut file = File::create(&path).expect("an empty file takes no space");
        for size in [65_536, 4096, 1] {
            let block = vec![0; size];
            while file.write_all(&block).is_ok() {}
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, because a failed test may have left a process there.
        let _ = Command::new("umount").arg("--lazy").arg(&self.folder).status();
    }
}

#[test]
fn a_full_disk_stops_the_campaign_with_advice_and_the_rest_can_be_resumed() {
    let project = Project::new().execution("cycles", 6).scripted("a", "honest window_ms=1000");
    let Some(disk) = SmallDisk::mount(&project.file("results")) else {
        // The runner shows this with --nocapture; without root there is no disk to fill.
        let note =
            "SKIPPED a_full_disk_stops_the_campaign: mounting a small tmpfs was refused (run as root)\n";
        std::io::stderr().write_all(note.as_bytes()).expect("standard error is open");
        return;
    };
    let mut running = project.start_run();
    running.wait_for("a finished run", |event| event["event"] == "run_finished");
    let filler = disk.fill();
    let finished = running.finish().exits(2);
    assert!(finished.stderr.contains("lem.db"), "the error names the file: {}", finished.stderr);
    assert!(finished.stderr.contains("full"), "it says what happened: {}", finished.stderr);
    assert!(finished.stderr.contains("free space"), "it says what to do: {}", finished.stderr);
    project.leaves_no_worker();

    fs::remove_file(filler).expect("it was there");
    let before: Vec<_> = project.results().into_iter().filter(|row| row["status"] == "completed").collect();
    assert!(!before.is_empty(), "finished runs are safe");
    let _ = project.lem(&["run", "--resume", "latest", "--json"]).exits(0);
    let rows = project.results();
    let done: Vec<i64> =
        rows.iter().filter(|row| row["status"] == "completed").map(|row| integer(row, "index")).collect();
    assert_eq!(done, [0, 1, 2, 3, 4, 5], "every planned run is completed once");
    assert!(before.iter().all(|row| rows.contains(row)), "what was finished before is as it was");
    assert_eq!(text(&project.campaigns()[0], "status"), "completed");
    drop(disk);
}
