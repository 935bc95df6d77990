// A trace on the screen: holds uPlot, the stretch that is shown, and the data fetched for it. React only says what to
// show; moving and zooming do not go through it, so that they stay smooth.
import uPlot from "uplot";

import type { TraceWindow } from "../api/trace";
import { columns } from "./columns";
import { fetched, moved, serves, zoomed, type Range } from "./range";
import { traceOptions, type TraceStyle } from "./uplot";

export type Ask = (fromS: number, toS: number, buckets: number) => Promise<TraceWindow>;

export type TraceViewEvents = {
  /** New data is drawn. */
  drawn: (window: TraceWindow) => void;
  /** The person has moved away from what was shown by itself. */
  moved: () => void;
  failed: (error: unknown) => void;
};

export class TraceView {
  private readonly chart: uPlot;
  private range: Range = { fromS: 0, toS: 1 };
  private data: Range | null = null;
  private window: TraceWindow | null = null;
  private asking = false;
  private wanted: Range | null = null;
  private gone = false;

  constructor(
    box: HTMLElement,
    style: TraceStyle,
    height: number,
    private readonly ask: Ask,
    private readonly events: TraceViewEvents,
  ) {
    const empty = [[0, 1], ...style.names.map(() => [null, null])] as uPlot.AlignedData;
    this.chart = new uPlot(traceOptions(style, Math.max(200, box.clientWidth), height), empty, box);
    this.chart.over.addEventListener("wheel", this.onWheel, { passive: false });
    this.chart.over.addEventListener("mouseup", this.onSelect);
    this.chart.over.addEventListener("mousedown", this.onGrab, true);
    this.chart.over.addEventListener("dblclick", this.showAll);
  }

  destroy(): void {
    this.gone = true;
    this.chart.destroy();
  }

  resize(width: number, height: number): void {
    this.chart.setSize({ width: Math.max(200, width), height });
  }

  /** The canvas, for saving it. */
  canvas(): HTMLCanvasElement {
    return this.chart.ctx.canvas;
  }

  /** What is shown, and the data behind it. */
  shown(): { range: Range; window: TraceWindow } | null {
    return this.window === null ? null : { range: this.range, window: this.window };
  }

  /** Shows a stretch; `fresh` data is asked for even where there is some, because the trace grows. */
  show(range: Range, fresh = false): void {
    this.range = range;
    // What is asked for anew is drawn once, when it is there.
    if (!fresh) this.chart.setScale("x", { min: range.fromS, max: range.toS });
    if (fresh || !serves(this.data, range)) this.fetch(range, fresh);
  }

  redraw(): void {
    this.chart.redraw(false);
  }

  key(key: string): boolean {
    const middle = (this.range.fromS + this.range.toS) / 2;
    if (key === "ArrowLeft") this.go(moved(this.range, -0.1));
    else if (key === "ArrowRight") this.go(moved(this.range, 0.1));
    else if (key === "+" || key === "=") this.go(zoomed(this.range, 0.7, middle));
    else if (key === "-") this.go(zoomed(this.range, 1 / 0.7, middle));
    else if (key === "Home" || key === "0") this.showAll();
    else return false;
    return true;
  }

  readonly showAll = (): void => {
    const extent = this.window?.extent;
    if (extent) this.go({ fromS: extent.beginS, toS: Math.max(extent.endS, extent.beginS + 0.2) });
  };

  private go(range: Range): void {
    this.events.moved();
    this.show(range);
  }

  /** One question at a time; what is wanted meanwhile is asked for next, and only the latest of that. */
  private fetch(range: Range, exact: boolean): void {
    if (this.asking) {
      this.wanted = range;
      return;
    }
    this.asking = true;
    const stretch = exact ? range : fetched(range);
    const share = exact ? 1 : 3;
    const buckets = Math.ceil(Math.max(100, this.chart.bbox.width / devicePixelRatio) * share);
    this.ask(stretch.fromS, stretch.toS, buckets)
      .then((window) => this.take(window, stretch))
      .catch(this.events.failed)
      .finally(() => {
        this.asking = false;
        const next = this.wanted;
        this.wanted = null;
        if (next !== null && !this.gone && !serves(this.data, next)) this.fetch(next, exact);
      });
  }

  private take(window: TraceWindow, stretch: Range): void {
    if (this.gone) return;
    this.window = window;
    this.data = stretch;
    this.chart.batch(() => {
      this.chart.setData(columns(window) as uPlot.AlignedData, false);
      this.chart.setScale("x", { min: this.range.fromS, max: this.range.toS });
    });
    this.events.drawn(window);
  }

  private readonly onWheel = (event: WheelEvent): void => {
    event.preventDefault();
    if (event.shiftKey) return this.go(moved(this.range, Math.sign(event.deltaY + event.deltaX) * 0.08));
    const at = this.chart.posToVal(event.offsetX, "x");
    this.go(zoomed(this.range, event.deltaY > 0 ? 1.25 : 0.8, at));
  };

  /** A stretch was drawn over with the left button: it is looked at closer. */
  private readonly onSelect = (): void => {
    const { left, width } = this.chart.select;
    if (width < 4) return;
    const range = { fromS: this.chart.posToVal(left, "x"), toS: this.chart.posToVal(left + width, "x") };
    this.chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.go(range);
  };

  /** The middle button, or the left one with shift, takes hold of the trace. */
  private readonly onGrab = (event: MouseEvent): void => {
    if (event.button !== 1 && !(event.button === 0 && event.shiftKey)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const begin = { x: event.clientX, range: this.range };
    const width = this.chart.bbox.width / devicePixelRatio;
    const move = (now: MouseEvent) => this.go(moved(begin.range, (begin.x - now.clientX) / width));
    const release = () => {
      document.removeEventListener("mousemove", move);
      document.removeEventListener("mouseup", release);
    };
    document.addEventListener("mousemove", move);
    document.addEventListener("mouseup", release);
  };
}
