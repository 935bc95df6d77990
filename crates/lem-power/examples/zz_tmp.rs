//! tmp
#![allow(clippy::all, clippy::pedantic, clippy::print_stdout, clippy::disallowed_methods)]
use lem_power::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let t0 = now_ns();
    let mut c = MeterChoice::parse(&a[1]).unwrap();
    c.paths.nvml_library = a.get(3).map(|p| p.into());
    let o = open(&c).unwrap_or_else(|e| panic!("{e}"));
    let t1 = now_ns();
    let n = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let n2 = n.clone();
    let s = Sampler::start(o.meters, SamplerConfig { interval_ms: a[2].parse().unwrap(), batch_ms: 100 }, move |e| {
        if let SamplerEvent::Samples { samples, .. } = e { n2.fetch_add(samples.len(), std::sync::atomic::Ordering::Relaxed); }
    }).unwrap();
    let t2 = now_ns();
    let cpu = || { let s = std::fs::read_to_string("/proc/self/schedstat").unwrap(); let task: u64 = std::fs::read_dir("/proc/self/task").unwrap().map(|d| std::fs::read_to_string(d.unwrap().path().join("schedstat")).unwrap().split(' ').next().unwrap().parse::<u64>().unwrap()).sum(); let _ = s; task };
    std::thread::sleep(std::time::Duration::from_millis(500));
    let c0 = cpu();
    std::thread::sleep(std::time::Duration::from_secs(10));
    let c1 = cpu();
    let rss = std::fs::read_to_string("/proc/self/status").unwrap().lines().find(|l| l.starts_with("VmHWM")).unwrap().to_owned();
    println!("open {:.2} ms start {:.2} ms cpu {:.3} ms/s {} samples {} {:?}", (t1-t0) as f64/1e6, (t2-t1) as f64/1e6, (c1-c0) as f64/1e7, rss, n.load(std::sync::atomic::Ordering::Relaxed), s.stop());
}
