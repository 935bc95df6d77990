//! External power meters beside runs that are over: put there, and taken away again.

use lem_measure::Sample;

use crate::table::run_meters::{self, METER_DEVICE, RunMeter};
use crate::table::runs::{self, RunStatus};
use crate::table::trace_chunks;
use crate::{Store, StoreError};

/// A meter with its readings on the clock of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct MeteredRun {
    /// The run.
    pub run_id: String,
    /// What the meter saw.
    pub meter: RunMeter,
    /// Its power, in the order of time.
    pub samples: Vec<Sample>,
}

impl Store {
    /// Puts meters beside runs, all or none, each in place of the one that was there. Refused for a run that is not over.
    pub async fn put_meters(&self, metered: &[MeteredRun]) -> Result<(), StoreError> {
        const DOING: &str = "storing the readings of a meter";
        let failed = self.failed(DOING);
        let mut tx = self.write(DOING).await?;
        for MeteredRun { run_id, meter, samples } in metered {
            let status = runs::status(&mut tx, run_id).await.map_err(failed)?;
            let status = status.ok_or_else(|| StoreError::no_run(run_id))?;
            if matches!(status, RunStatus::Waiting | RunStatus::Running) {
                let (run, status) = (run_id.clone(), status.name().into());
                return Err(StoreError::WrongState { run, status, wanted: "over", action: "given a meter" });
            }
            trace_chunks::delete(&mut tx, run_id, METER_DEVICE).await.map_err(failed)?;
            run_meters::put(&mut tx, run_id, meter).await.map_err(failed)?;
            self.insert_samples(&mut tx, run_id, METER_DEVICE, samples).await?;
        }
        tx.commit().await.map_err(failed)
    }

    /// Takes the meters of runs away with their readings, and returns how many had one.
    pub async fn remove_meters(&self, runs: &[String]) -> Result<u32, StoreError> {
        const DOING: &str = "removing the readings of a meter";
        let failed = self.failed(DOING);
        let mut tx = self.write(DOING).await?;
        let mut removed = 0;
        for run in runs {
            removed += u32::from(run_meters::delete(&mut tx, run).await.map_err(failed)?);
            trace_chunks::delete(&mut tx, run, METER_DEVICE).await.map_err(failed)?;
        }
        tx.commit().await.map_err(failed)?;
        Ok(removed)
    }
}

#[cfg(test)]
mod tests {
    use lem_measure::Channel;

    use super::*;
    use crate::ResultFilter;
    use crate::testing::{outcome, samples, start, store_with_plan};

    fn metered(energy_j: f64) -> MeteredRun {
        let meter = RunMeter {
            name: "wall".into(),
            file_name: "wall.csv".into(),
            file_sha256: "00".into(),
            imported_unix_ns: 1,
            alignment: "power".into(),
            offset_s: -3.5,
            offset_uncertainty_s: 0.5,
            correlation: Some(0.98),
            accuracy: None,
            interval_s: 1.0,
            readings: 20,
            energy_j: Some(energy_j),
            energy_uncertainty_j: Some(9.0),
            withheld: None,
            notes: vec!["one line had no reading".into()],
        };
        MeteredRun { run_id: "run-1".into(), meter, samples: samples(0, 20) }
    }

    #[tokio::test]
    async fn the_energy_of_a_meter_stands_beside_that_of_the_devices_and_changes_nothing_of_it() {
        let store = store_with_plan(1).await;
        start(&store, "run-1", 0).await;
        let error = store.put_meters(&[metered(900.0)]).await.unwrap_err();
        assert!(error.to_string().contains("is running"), "{error}");
        store.finish_run("run-1", &outcome()).await.unwrap();
        let before = store.run("run-1").await.unwrap();
        store.put_meters(&[metered(950.0)]).await.unwrap();
        store.put_meters(&[metered(900.0)]).await.unwrap();
        let run = store.run("run-1").await.unwrap();
        assert_eq!(run.meter, Some(metered(900.0).meter), "the later one takes the place of the earlier");
        assert_eq!((run.row.meter_energy_j, run.row.meter_energy_uncertainty_j), (Some(900.0), Some(9.0)));
        assert_eq!(run.row.meter_name.as_deref(), Some("wall"));
        assert_eq!(run.row.energy_j, before.row.energy_j);
        assert_eq!(run.row.gpu_energy_j, before.row.gpu_energy_j);
        let trace = store.trace("run-1", METER_DEVICE).await.unwrap();
        let power: Vec<f64> = trace.channel(Channel::Power).map(|(_, watts)| watts).collect();
        assert_eq!(power, (100..120).map(f64::from).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_meter_is_taken_away_with_its_readings_and_goes_with_its_run() {
        let store = store_with_plan(1).await;
        start(&store, "run-1", 0).await;
        store.finish_run("run-1", &outcome()).await.unwrap();
        store.put_meters(&[metered(900.0)]).await.unwrap();
        assert_eq!(store.remove_meters(&["run-1".into()]).await.unwrap(), 1);
        assert_eq!(store.remove_meters(&["run-1".into()]).await.unwrap(), 0);
        let run = store.run("run-1").await.unwrap();
        assert_eq!((run.meter, run.traces.len(), run.row.meter_energy_j), (None, 0, None));
        store.put_meters(&[metered(900.0)]).await.unwrap();
        store.delete_runs(&["run-1".into()]).await.unwrap();
        assert_eq!(store.results(&ResultFilter::default()).await.unwrap(), []);
    }
}
