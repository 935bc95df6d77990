-- When requests were under way, what of them fell into the window, and what the window was made of.

ALTER TABLE requests ADD COLUMN start_ns INTEGER; -- when the engine got it
ALTER TABLE requests ADD COLUMN waited_ms REAL; -- the part of its latencies before that
-- For a request that began before the window: what of it lies inside.
ALTER TABLE requests ADD COLUMN in_window_input_tokens INTEGER;
ALTER TABLE requests ADD COLUMN in_window_output_tokens INTEGER
    CONSTRAINT "what fell into the window is known of prompt and answer, or of neither"
    CHECK ((in_window_input_tokens IS NULL) = (in_window_output_tokens IS NULL));

ALTER TABLE runs ADD COLUMN parts_withheld TEXT; -- why the window is not divided into parts

-- The window by what its requests were doing; a part that did not occur has no row.
CREATE TABLE window_parts (
    run_id               TEXT    NOT NULL REFERENCES runs (id),
    part                 TEXT    NOT NULL CHECK (part IN ('prefill', 'decode', 'mixed', 'between')),
    seconds              REAL    NOT NULL,
    stretches            INTEGER NOT NULL,
    energy_j             REAL,
    energy_uncertainty_j REAL,
    withheld             TEXT,
    PRIMARY KEY (run_id, part),
    CONSTRAINT "a part has an energy or it says why not" CHECK ((energy_j IS NULL) = (withheld IS NOT NULL))
) STRICT, WITHOUT ROWID;
