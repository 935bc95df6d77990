//! Table `window_parts`: the window of a run by what its requests were doing.

use lem_measure::WindowPart;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::finite;
use crate::word::Word;

/// Inserts the parts of a run's window.
pub(crate) async fn insert(
    conn: &mut SqliteConnection,
    run_id: &str,
    parts: &[WindowPart],
) -> sqlx::Result<()> {
    for part in parts {
        sqlx::query(
            "INSERT INTO window_parts (run_id, part, seconds, stretches, energy_j, energy_uncertainty_j, withheld)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(run_id)
        .bind(Word(part.part))
        .bind(part.seconds)
        .bind(part.stretches)
        .bind(finite(part.energy_j))
        .bind(finite(part.energy_uncertainty_j))
        .bind(&part.withheld)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// The parts of a run's window, in the order of [`lem_measure::Part::ALL`].
pub(crate) async fn of_run(conn: &mut SqliteConnection, run_id: &str) -> sqlx::Result<Vec<WindowPart>> {
    let rows =
        sqlx::query("SELECT * FROM window_parts WHERE run_id = ?").bind(run_id).fetch_all(conn).await?;
    let mut parts = rows.iter().map(part).collect::<sqlx::Result<Vec<WindowPart>>>()?;
    parts.sort_by_key(|part| part.part);
    Ok(parts)
}

fn part(row: &SqliteRow) -> sqlx::Result<WindowPart> {
    let Word(part) = row.try_get("part")?;
    Ok(WindowPart {
        part,
        seconds: row.try_get("seconds")?,
        stretches: row.try_get("stretches")?,
        energy_j: row.try_get("energy_j")?,
        energy_uncertainty_j: row.try_get("energy_uncertainty_j")?,
        withheld: row.try_get("withheld")?,
    })
}
