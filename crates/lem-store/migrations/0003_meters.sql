-- What an external power meter saw of a run: a channel beside the devices, never a part of their sum, for it contains them.
-- Its readings are the trace of device 'meter', on the clock of the run.
CREATE TABLE run_meters (
    run_id               TEXT    NOT NULL PRIMARY KEY REFERENCES runs (id),
    name                 TEXT    NOT NULL,
    file_name            TEXT    NOT NULL, -- without its folder
    file_sha256          TEXT    NOT NULL,
    imported_unix_ns     INTEGER NOT NULL,
    alignment            TEXT    NOT NULL CHECK (alignment IN ('clock', 'power')),
    offset_s             REAL    NOT NULL, -- what was added to the meter's times
    offset_uncertainty_s REAL    NOT NULL,
    correlation          REAL,             -- of its power with that of the devices
    accuracy             REAL,             -- share of a reading, as the meter's maker states it
    interval_s           REAL    NOT NULL,
    readings             INTEGER NOT NULL,
    energy_j             REAL,
    energy_uncertainty_j REAL,
    withheld             TEXT,
    notes_json           TEXT    NOT NULL,
    CONSTRAINT "an energy is there or it says why not" CHECK ((energy_j IS NULL) = (withheld IS NOT NULL))
) STRICT, WITHOUT ROWID;
