//! Scripts that time in the page, because a driver's round trip costs more than what is timed. Each ends by calling its
//! last argument.

/// Milliseconds from the change of address to a run until its trace is drawn and said.
pub(super) const FIRST_PICTURE: &str = "
    const [run, done] = arguments;
    const begun = performance.now();
    location.hash = `#/results/run/${run}`;
    const look = () => {
        const chart = document.querySelector('main [role=img][tabindex]');
        const drawn = location.hash.includes(run) && document.querySelector(`[data-run='${run}']`) !== null
            && chart !== null && chart.querySelector('canvas') !== null && chart.ariaLabel.includes(', last ');
        if (drawn) return done(performance.now() - begun);
        if (performance.now() - begun > 60000) return done(null);
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
";

/// Frames per second while the trace that is shown is moved to and fro by a key in every frame, for 4 s.
pub(super) const MOVING: &str = "
    const done = arguments[arguments.length - 1];
    const chart = document.querySelector('main [role=img][tabindex]');
    const key = (name) => chart.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true }));
    chart.focus();
    for (let i = 0; i < 4; i += 1) key('+');
    let frames = 0;
    const begun = performance.now();
    const frame = () => {
        key(frames % 30 < 15 ? 'ArrowRight' : 'ArrowLeft');
        frames += 1;
        const passed = performance.now() - begun;
        if (passed > 4000) return done((frames * 1000) / passed);
        requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
";

/// The same where nothing is done.
pub(super) const IDLE: &str = "
    const done = arguments[arguments.length - 1];
    let frames = 0;
    const begun = performance.now();
    const frame = () => {
        frames += 1;
        const passed = performance.now() - begun;
        if (passed > 4000) return done((frames * 1000) / passed);
        requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
";

/// Milliseconds from the change of address to the results until the first row has its values.
pub(super) const FIRST_ROW: &str = "
    const done = arguments[arguments.length - 1];
    const begun = performance.now();
    location.hash = '#/results';
    const look = () => {
        const row = document.querySelector('[role=table][aria-label=Runs] [role=row][aria-rowindex=\"2\"]:not([aria-busy])');
        if (row !== null) return done(performance.now() - begun);
        if (performance.now() - begun > 60000) return done(null);
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
";

/// Frames per second while the table is scrolled by so many rows in every frame, for 4 s.
pub(super) const SCROLLING: &str = "
    const [rows, done] = arguments;
    const scroller = document.querySelector('[role=region][aria-label=Runs]');
    let frames = 0;
    const begun = performance.now();
    const frame = () => {
        scroller.scrollTop += 30 * rows;
        frames += 1;
        const passed = performance.now() - begun;
        if (passed > 4000) return done((frames * 1000) / passed);
        requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
";
