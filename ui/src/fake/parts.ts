// The window by what its requests were doing: one after the other, each read in 30 ms and then answered. The board's counter
// moves every 100 ms, so that the energy of prefill is withheld, as it is on most real boards with short prompts.
import type { ResultRow, WindowPart } from "../api/bindings";

const SPACING_MS = 100;

type Parts = { window_parts: WindowPart[]; parts_withheld: string | null };

export function partsOf(row: ResultRow): Parts {
  const { window_s, energy_j, requests, ttft_ms_p50 } = row;
  if (row.status !== "completed" || window_s === null || energy_j === null || requests === null)
    return { window_parts: [], parts_withheld: null };
  if (ttft_ms_p50 === null) {
    const why = `${requests} of ${requests} requests have no time to first token; most engines tell it with \`streaming: true\``;
    return { window_parts: [], parts_withheld: why };
  }
  const prefill_s = (requests * ttft_ms_p50) / 1000;
  const decode_s = window_s - prefill_s;
  // Reading draws a fifth more than answering.
  const decode_j = energy_j * (decode_s / (decode_s + 1.2 * prefill_s));
  const withheld =
    `its ${requests} stretches last ${ttft_ms_p50.toFixed(0)} ms on average, and the energy rests on moments ` +
    `${SPACING_MS} ms apart: below twice that nothing tells them apart`;
  const prefill: WindowPart = {
    part: "prefill",
    seconds: prefill_s,
    stretches: requests,
    energy_j: null,
    energy_uncertainty_j: null,
    withheld,
  };
  const decode: WindowPart = {
    part: "decode",
    seconds: decode_s,
    stretches: requests,
    energy_j: decode_j,
    energy_uncertainty_j: decode_j * 0.04,
    withheld: null,
  };
  return { window_parts: [prefill, decode], parts_withheld: null };
}
