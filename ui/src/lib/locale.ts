// Imported before everything else. WebKitGTK under LANG=C reports the language "C", with which `Intl` throws: uPlot asks it
// while it is loaded, and the page would stay white.
try {
  Intl.getCanonicalLocales(navigator.language);
} catch {
  Object.defineProperty(navigator, "language", { get: () => "en-US", configurable: true });
}

// Charts are drawn anew many times a second. A canvas in main memory is several times faster than one that WebKit
// composes with software OpenGL, which is what machines without a display's GPU have.
const getContext = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (this: HTMLCanvasElement, kind: string, options?: object) {
  return getContext.call(this, kind, { ...options, willReadFrequently: true });
} as typeof getContext;
