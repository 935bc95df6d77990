// A text that is typed over a written value, until it is taken over.
import { useState } from "react";

/** What is typed; whenever another value is written, by whomever, that stands in the field. */
export function useTyped<T>(written: T): [typed: T, type: (next: T) => void] {
  const [before, setBefore] = useState(written);
  const [typed, type] = useState(written);
  if (before !== written) {
    setBefore(written);
    type(written);
  }
  return [typed, type];
}
