# /// script
# requires-python = "==3.11.*"
# dependencies = ["scipy==1.17.1", "numpy==2.4.6"]
# ///
"""Write reference.json: fixed data and what SciPy and NumPy say of it, for tests/scipy.rs to compare with.

    python3 -m venv venv && venv/bin/pip install scipy==1.17.1 numpy==2.4.6 && venv/bin/python generate.py

The data is written out or comes from fixed seeds; another run of the same versions writes the same file.
"""

import json
import platform
import re
import warnings
from pathlib import Path

import numpy as np
import scipy
from scipy import stats

RESAMPLES = 200_000
OURS = 10_000  # resamples of the Rust implementation, whose Monte Carlo error is measured with SciPy
REPEATS = 60  # of the interval with that many resamples

draw = np.random.default_rng(20_260_101)


def rounded(values, digits=6):
    """Values that are short in JSON and the same in Python and in Rust."""
    return [float(f"{value:.{digits}g}") for value in values]


SAMPLES = {
    "two": [101.25, 99.5],
    "three": [10.1, 10.4, 9.9],
    "five": [200.5, 201.25, 199.75, 202.0, 198.5],
    "ten": rounded(draw.normal(1500, 20, 10)),
    "thirty": rounded(draw.normal(75, 1.5, 30)),
    "skewed five": [1.0, 1.5, 2.25, 4.0, 11.0],
    "skewed ten": rounded(draw.exponential(3, 10)),
    "skewed thirty": rounded(draw.lognormal(1, 1, 30)),
    "one outlier": [10.0, 10.25, 9.75, 10.5, 9.5, 10.125, 25.0],
    "two outliers": [10.0, 10.25, 9.75, 10.5, 9.5, 10.125, 25.0, -3.0, 10.0, 10.375],
    "mostly the same": [5.0, 5.0, 5.0, 5.0, 5.0, 6.0, 5.0],
    "constant": [42.0, 42.0, 42.0, 42.0, 42.0],
    "negative": [-3.5, -2.25, -8.0, -1.0, -4.75, -2.0],
    "both signs": [-2.0, 1.5, 0.25, -0.75, 3.0, -1.25],
    "tiny": rounded(draw.normal(3e-9, 2e-10, 10)),
    "huge": rounded(draw.normal(5e14, 3e12, 10)),
    "large mean, small spread": [1e6 + value for value in [0.125, 0.25, 0.0, 0.5, 0.375]],
    "ties": [3.0, 3.0, 4.0, 4.0, 4.0, 5.0, 7.0, 7.0],
}


def paired_data():
    """Pairs of samples."""
    ten, thirty = draw.normal(1500, 40, 10), draw.normal(75, 5, 30)
    return {
        "two": ([100.0, 103.0], [98.5, 100.25]),
        "three": ([10.0, 11.0, 12.5], [10.5, 12.0, 12.75]),
        "five": ([200.0, 204.0, 199.0, 207.0, 202.0], [190.5, 195.0, 191.25, 194.0, 193.5]),
        "ten, no effect": (rounded(ten), rounded(ten + draw.normal(0, 5, 10))),
        "thirty, strong": (rounded(thirty), rounded(thirty * 0.8 + draw.normal(0, 0.3, 30))),
        "with an outlier": ([5.0, 5.25, 4.75, 5.5, 5.0, 5.125], [5.5, 5.5, 5.25, 6.25, 5.25, 20.0]),
        "both signs": ([-1.0, 2.0, 0.5, -3.0, 1.25], [0.5, 1.0, 2.5, -1.0, 4.0]),
        "tiny": (rounded(draw.normal(3e-9, 1e-10, 8)), rounded(draw.normal(3.2e-9, 1e-10, 8))),
        "huge": (rounded(draw.normal(5e14, 1e12, 8)), rounded(draw.normal(5.1e14, 1e12, 8))),
    }


def line_data():
    """Points."""
    order, temperature = np.arange(1, 31), draw.uniform(35, 60, 10)
    return {
        "three": ([1.0, 2.0, 3.0], [10.0, 10.5, 10.25]),
        "five": ([1.0, 2.0, 3.0, 4.0, 5.0], [200.0, 203.0, 203.5, 207.0, 208.0]),
        "no slope": ([float(i) for i in order], rounded(draw.normal(75, 1.5, 30))),
        "steep": ([float(i) for i in order], rounded(75 + 2.5 * order + draw.normal(0, 1, 30))),
        "falling": ([1.0, 3.0, 4.0, 8.0], [-1.0, -6.5, -7.0, -17.0]),
        "temperature": (rounded(temperature), rounded(1500 * (1 + 0.003 * temperature) + draw.normal(0, 5, 10))),
        "tiny y": (rounded(temperature), rounded(draw.normal(3e-9, 1e-10, 10))),
        "huge": (rounded(draw.normal(5e14, 1e13, 10)), rounded(draw.normal(5e14, 1e12, 10))),
        "an outlier": ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [5.0, 5.0, 5.125, 5.0, 4.875, 30.0]),
    }


def bca(values):
    """The BCa interval of the mean, and how far one of 10,000 resamples is from that of the next seed."""
    if len(values) < 5 or len(set(values)) == 1:
        return None

    def interval(resamples, seed):
        # In batches: a resample of all at once would be 200,000 x 30 numbers.
        found = stats.bootstrap(
            (np.array(values),), np.mean, n_resamples=resamples, method="BCa", batch=10_000,
            rng=np.random.default_rng(seed),
        )
        return found.confidence_interval

    exact = interval(RESAMPLES, 1)
    repeats = np.array([interval(OURS, seed) for seed in range(2, 2 + REPEATS)])
    return {"ends": list(map(float, exact)), "monte_carlo_sd": list(map(float, repeats.std(axis=0, ddof=1)))}


def t_interval(values):
    """Student's interval of the mean."""
    if len(set(values)) == 1:
        return [float(np.mean(values))] * 2  # SciPy: nan
    found = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    return [float(found.low), float(found.high)]


def modified_z_outliers(values):
    """Written from the formula: SciPy has none."""
    values = np.array(values)
    if len(values) < 3:
        return []
    distance = np.abs(values - np.median(values))
    mad = np.median(distance)
    sd = mad / 0.6745 if mad > 0 else 1.253314 * distance.mean()
    return [int(i) for i in np.flatnonzero(distance > 3.5 * sd)]


def sample(name, values):
    return {
        "name": name,
        "values": values,
        "mean": float(np.mean(values)),
        "median": float(np.median(values)),
        "sd": float(np.std(values, ddof=1)),
        "mad": float(stats.median_abs_deviation(values)),
        "interval": t_interval(values),
        "outliers": modified_z_outliers(values),
        "bca": bca(values),
    }


def pair(name, a, b):
    test = stats.ttest_rel(b, a)
    interval = test.confidence_interval(0.95)
    difference = np.array(b) - np.array(a)
    ratio = None
    if min(a) > 0 and min(b) > 0:
        logs = stats.ttest_rel(np.log(b), np.log(a)).confidence_interval(0.95)
        middle = float(stats.gmean(np.array(b) / np.array(a)))
        ratio = [middle, float(np.exp(logs.low)), float(np.exp(logs.high))]
    return {
        "name": name, "a": a, "b": b,
        "difference": float(difference.mean()),
        "interval": [float(interval.low), float(interval.high)],
        "p": float(test.pvalue),
        "d_z": float(difference.mean() / difference.std(ddof=1)),
        "ratio": ratio,
        "bca": bca(difference.tolist()),
    }


def line(name, x, y):
    found = stats.linregress(x, y)
    half = stats.t.ppf(0.975, len(x) - 2) * found.stderr
    return {
        "name": name, "x": x, "y": y,
        "slope": float(found.slope),
        "intercept": float(found.intercept),
        "slope_interval": [float(found.slope - half), float(found.slope + half)],
        "p": float(found.pvalue),
        "r_squared": float(found.rvalue) ** 2,
    }


def main():
    warnings.simplefilter("error")
    reference = {
        "made_by": f"scipy {scipy.__version__}, numpy {np.__version__}, python {platform.python_version()}",
        "resamples": RESAMPLES,
        "student_975": [[n, float(stats.t.ppf(0.975, n))] for n in (1, 2, 3, 4, 9, 29, 99, 1000, 10_000)],
        "samples": [sample(name, values) for name, values in SAMPLES.items()],
        "pairs": [pair(name, a, b) for name, (a, b) in paired_data().items()],
        "lines": [line(name, x, y) for name, (x, y) in line_data().items()],
    }
    path = Path(__file__).with_name("reference.json")
    # A list of numbers on one line.
    text = re.sub(r"\[[^\[\]{}]*\]", lambda found: " ".join(found.group().split()), json.dumps(reference, indent=1))
    path.write_text(text + "\n")


if __name__ == "__main__":
    main()
