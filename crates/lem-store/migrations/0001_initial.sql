-- The first schema. Never edit a migration that was released: add another one.
--
-- *_unix_ns: wall time, nanoseconds since 1970. *_ns: CLOCK_MONOTONIC of the machine that measured, nanoseconds.
-- *_json: JSON text. NULL in a measured column: the value is missing, never zero.

-- "LEMD": tells a database of ours from that of another program.
PRAGMA application_id = 0x4C454D44;

-- What the machine was like, stored once for all campaigns that saw the same.
CREATE TABLE environments (
    hash TEXT NOT NULL PRIMARY KEY, -- SHA-256 of the JSON with sorted keys
    json TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE campaigns (
    id               TEXT    NOT NULL PRIMARY KEY,
    name             TEXT    NOT NULL,
    source_file      TEXT,
    source_text      TEXT,
    settings_text    TEXT,
    plan_json        TEXT    NOT NULL,
    overrides_json   TEXT    NOT NULL,
    seed             TEXT    NOT NULL, -- decimal: all 64 bits of it do not fit into a signed INTEGER
    status           TEXT    NOT NULL CHECK (status IN ('running', 'completed', 'failed', 'interrupted')),
    created_unix_ns  INTEGER NOT NULL,
    finished_unix_ns INTEGER,
    environment_hash TEXT    NOT NULL REFERENCES environments (hash),
    app_version      TEXT    NOT NULL,
    holder_pid       INTEGER,
    message          TEXT
) STRICT;

CREATE TABLE experiments (
    campaign_id     TEXT    NOT NULL REFERENCES campaigns (id),
    position        INTEGER NOT NULL,
    name            TEXT    NOT NULL,
    backend         TEXT    NOT NULL,
    service         TEXT,
    runner          TEXT    NOT NULL,
    model           TEXT    NOT NULL,
    parameters_json TEXT    NOT NULL,
    PRIMARY KEY (campaign_id, position),
    UNIQUE (campaign_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE planned_runs (
    campaign_id   TEXT    NOT NULL,
    idx           INTEGER NOT NULL,
    experiment    INTEGER NOT NULL,
    cycle         INTEGER NOT NULL,
    gap_planned_s REAL    NOT NULL,
    gap_source    TEXT    NOT NULL,
    PRIMARY KEY (campaign_id, idx),
    FOREIGN KEY (campaign_id, experiment) REFERENCES experiments (campaign_id, position)
) STRICT, WITHOUT ROWID;

-- One row for each attempt at a planned run.
CREATE TABLE runs (
    id                   TEXT    NOT NULL PRIMARY KEY,
    campaign_id          TEXT    NOT NULL,
    idx                  INTEGER NOT NULL,
    attempt              INTEGER NOT NULL, -- from 1
    status               TEXT    NOT NULL
        CHECK (status IN ('waiting', 'running', 'completed', 'failed', 'interrupted')),
    error_kind           TEXT,
    error_message        TEXT,
    stderr_tail          TEXT,
    started_unix_ns      INTEGER,
    ended_unix_ns        INTEGER,
    anchor_monotonic_ns  INTEGER, -- one instant on both clocks
    anchor_unix_ns       INTEGER,
    gap_actual_s         REAL,
    gap_ended_because    TEXT,
    start_temperature_c  REAL,
    window_start_ns      INTEGER,
    window_end_ns        INTEGER,
    energy_j             REAL,
    energy_uncertainty_j REAL,
    energy_source        TEXT,
    provenance           TEXT CHECK (provenance IN ('measured', 'estimated', 'simulated')),
    requests             INTEGER,
    input_tokens         INTEGER,
    output_tokens        INTEGER,
    ttft_ms_p50          REAL,
    result_json          TEXT,
    container_json       TEXT,
    sampler_json         TEXT,
    warnings_json        TEXT    NOT NULL DEFAULT '[]',
    UNIQUE (campaign_id, idx, attempt),
    FOREIGN KEY (campaign_id, idx) REFERENCES planned_runs (campaign_id, idx),
    CONSTRAINT "a window has two edges and ends after it starts"
        CHECK ((window_start_ns IS NULL) = (window_end_ns IS NULL) AND window_end_ns > window_start_ns),
    CONSTRAINT "an energy says whether it was measured"
        CHECK (energy_j IS NULL OR (provenance IS NOT NULL AND energy_source IS NOT NULL))
) STRICT;

-- A planned run is completed once, and at most one attempt at it is under way.
CREATE UNIQUE INDEX one_completed_attempt ON runs (campaign_id, idx) WHERE status = 'completed';
CREATE UNIQUE INDEX one_open_attempt ON runs (campaign_id, idx) WHERE status IN ('waiting', 'running');

CREATE TABLE run_devices (
    run_id                 TEXT NOT NULL REFERENCES runs (id),
    device_id              TEXT NOT NULL,
    name                   TEXT NOT NULL,
    kind                   TEXT NOT NULL,
    source                 TEXT NOT NULL,
    provenance             TEXT NOT NULL CHECK (provenance IN ('measured', 'estimated', 'simulated')),
    counter_energy_j       REAL,
    counter_uncertainty_j  REAL,
    integral_energy_j      REAL,
    integral_uncertainty_j REAL,
    energy_j               REAL,
    energy_uncertainty_j   REAL,
    mean_power_w           REAL,
    start_temperature_c    REAL,
    max_temperature_c      REAL,
    info_json              TEXT NOT NULL,
    PRIMARY KEY (run_id, device_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE phases (
    run_id               TEXT    NOT NULL REFERENCES runs (id),
    seq                  INTEGER NOT NULL,
    phase                TEXT    NOT NULL,
    start_ns             INTEGER NOT NULL,
    end_ns               INTEGER,
    energy_j             REAL,
    energy_uncertainty_j REAL,
    PRIMARY KEY (run_id, seq),
    CONSTRAINT "a phase does not end before it starts" CHECK (end_ns >= start_ns)
) STRICT, WITHOUT ROWID;

CREATE TABLE requests (
    run_id        TEXT    NOT NULL REFERENCES runs (id),
    idx           INTEGER NOT NULL,
    input_tokens  INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    ttft_ms       REAL,
    latency_ms    REAL    NOT NULL,
    itl_ms        BLOB,
    PRIMARY KEY (run_id, idx)
) STRICT;

-- The samples of one device in one run, in pieces: small ones while the run goes on, merged afterwards.
CREATE TABLE trace_chunks (
    run_id      TEXT    NOT NULL REFERENCES runs (id),
    device_id   TEXT    NOT NULL,
    seq         INTEGER NOT NULL,
    n           INTEGER NOT NULL,
    t0_ns       INTEGER NOT NULL,
    t1_ns       INTEGER NOT NULL,
    min_power_w REAL,
    max_power_w REAL,
    encoding    INTEGER NOT NULL,
    data        BLOB    NOT NULL,
    PRIMARY KEY (run_id, device_id, seq)
) STRICT;

CREATE TABLE diagnostics (
    id          INTEGER PRIMARY KEY,
    campaign_id TEXT    NOT NULL REFERENCES campaigns (id),
    run_id      TEXT REFERENCES runs (id),
    severity    TEXT    NOT NULL CHECK (severity IN ('note', 'warning', 'error')),
    code        TEXT    NOT NULL,
    message     TEXT    NOT NULL,
    hint        TEXT,
    at_unix_ns  INTEGER NOT NULL
) STRICT;

CREATE INDEX diagnostics_of_campaign ON diagnostics (campaign_id);
CREATE INDEX diagnostics_of_run ON diagnostics (run_id);

CREATE TABLE events (
    campaign_id TEXT    NOT NULL REFERENCES campaigns (id),
    seq         INTEGER NOT NULL,
    at_unix_ns  INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    json        TEXT    NOT NULL,
    PRIMARY KEY (campaign_id, seq)
) STRICT, WITHOUT ROWID;
