-- What lets a number be defended: its baseline, its quality, what surrounded it, and how its gap went.

ALTER TABLE planned_runs ADD COLUMN not_needed TEXT; -- why it is not run: its experiment is known well enough

ALTER TABLE runs ADD COLUMN gap_json TEXT; -- how the gap was to end, and temperatures
ALTER TABLE runs ADD COLUMN grade TEXT CHECK (grade IN ('a', 'b', 'c', 'invalid'));
ALTER TABLE runs ADD COLUMN quality_json TEXT; -- the checks behind the grade
ALTER TABLE runs ADD COLUMN surroundings_json TEXT; -- the machine around the devices, and what changed about it

-- What the devices drew without work, as it applies to a run, and the energy above it.
CREATE TABLE run_baselines (
    run_id                        TEXT    NOT NULL REFERENCES runs (id),
    kind                          TEXT    NOT NULL CHECK (kind IN ('bare', 'context', 'loaded')),
    chosen                        INTEGER NOT NULL, -- whether the campaign asked for this one
    power_w                       REAL    NOT NULL,
    power_uncertainty_w           REAL    NOT NULL,
    sd_w                          REAL,
    temperature_c                 REAL,
    duration_s                    REAL    NOT NULL,
    age_s                         REAL    NOT NULL,
    drift                         REAL,
    adjusted_energy_j             REAL,
    adjusted_energy_uncertainty_j REAL,
    withheld                      TEXT,
    PRIMARY KEY (run_id, kind),
    CONSTRAINT "an adjusted energy is there or it says why not"
        CHECK ((adjusted_energy_j IS NULL) = (withheld IS NOT NULL))
) STRICT, WITHOUT ROWID;
