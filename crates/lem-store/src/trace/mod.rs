//! Power traces: appended in small pieces while a run goes on, merged when it is over, read as a whole.

pub mod codec;

use lem_measure::{Sample, Trace};
use sqlx::SqliteConnection;

use crate::table::runs;
use crate::table::trace_chunks::{self, Chunk, PackedChunk, TraceDevice};
use crate::{Store, StoreError};
use codec::CHUNK_SAMPLES;

const STORING: &str = "storing samples";

impl Store {
    /// Appends samples, in the order of time, to the trace of a device. On disk when it returns; call it about once
    /// a second, so that a crash loses no more than that.
    pub async fn append_trace(
        &self,
        run_id: &str,
        device_id: &str,
        samples: &[Sample],
    ) -> Result<(), StoreError> {
        if samples.is_empty() {
            return Ok(());
        }
        let mut tx = self.write(STORING).await?;
        self.insert_samples(&mut tx, run_id, device_id, samples).await?;
        tx.commit().await.map_err(self.failed(STORING))
    }

    /// Inserts samples in pieces of [`CHUNK_SAMPLES`].
    pub(crate) async fn insert_samples(
        &self,
        conn: &mut SqliteConnection,
        run_id: &str,
        device_id: &str,
        samples: &[Sample],
    ) -> Result<(), StoreError> {
        for piece in samples.chunks(CHUNK_SAMPLES) {
            let packed = pack(run_id, device_id, piece)?;
            trace_chunks::insert(conn, run_id, device_id, &packed).await.map_err(self.failed(STORING))?;
        }
        Ok(())
    }

    /// Merges the small pieces of a run's traces into pieces of [`CHUNK_SAMPLES`]. Safe at any time, all or nothing
    /// for each device; a trace that is damaged stays as it is and is an error.
    pub async fn compact_trace(&self, run_id: &str) -> Result<(), StoreError> {
        for device in self.trace_devices(run_id).await? {
            self.compact_device(run_id, &device.device_id).await?;
        }
        Ok(())
    }

    async fn compact_device(&self, run_id: &str, device_id: &str) -> Result<(), StoreError> {
        let failed = self.failed("merging samples");
        let mut tx = self.write("merging samples").await?;
        let chunks = trace_chunks::of_device(&mut tx, run_id, device_id).await.map_err(failed)?;
        let merged = chunks
            .split_last()
            .is_none_or(|(_, others)| others.iter().all(|c| c.n as usize == CHUNK_SAMPLES));
        if merged {
            return Ok(());
        }
        trace_chunks::delete(&mut tx, run_id, device_id).await.map_err(failed)?;
        let mut pending = Vec::with_capacity(2 * CHUNK_SAMPLES);
        for chunk in &chunks {
            pending.extend(unpack(run_id, device_id, chunk)?);
            let full = pending.len() - pending.len() % CHUNK_SAMPLES;
            self.insert_samples(&mut tx, run_id, device_id, &pending[..full]).await?;
            pending.drain(..full);
        }
        self.insert_samples(&mut tx, run_id, device_id, &pending).await?;
        tx.commit().await.map_err(failed)
    }

    /// The trace of a device in a run. An error if the run has none for it, or a piece of it is damaged.
    pub async fn trace(&self, run_id: &str, device_id: &str) -> Result<Trace, StoreError> {
        let failed = self.failed("reading samples");
        let mut tx = self.read("reading samples").await?;
        let chunks = trace_chunks::of_device(&mut tx, run_id, device_id).await.map_err(failed)?;
        if chunks.is_empty() {
            runs::status(&mut tx, run_id).await.map_err(failed)?.ok_or_else(|| StoreError::no_run(run_id))?;
            return Err(StoreError::NotFound {
                what: "power trace of device",
                id: device_id.into(),
                hint: "`lem result show RUN` lists the devices of a run",
            });
        }
        let mut trace = Trace::default();
        for chunk in &chunks {
            for sample in unpack(run_id, device_id, chunk)? {
                trace.push(sample);
            }
        }
        Ok(trace)
    }

    /// The devices that have a trace in a run, and what each covers.
    pub async fn trace_devices(&self, run_id: &str) -> Result<Vec<TraceDevice>, StoreError> {
        let failed = self.failed("listing traces");
        let mut tx = self.read("listing traces").await?;
        runs::status(&mut tx, run_id).await.map_err(failed)?.ok_or_else(|| StoreError::no_run(run_id))?;
        trace_chunks::devices(&mut tx, run_id).await.map_err(failed)
    }
}

fn pack(run_id: &str, device_id: &str, samples: &[Sample]) -> Result<PackedChunk, StoreError> {
    PackedChunk::new(samples).map_err(|source| StoreError::Unpackable {
        run: run_id.into(),
        device: device_id.into(),
        source,
    })
}

fn unpack(run_id: &str, device_id: &str, chunk: &Chunk) -> Result<Vec<Sample>, StoreError> {
    chunk.unpack().map_err(|source| StoreError::CorruptTrace {
        run: run_id.into(),
        device: device_id.into(),
        seq: chunk.seq,
        source,
    })
}

#[cfg(test)]
mod tests;
