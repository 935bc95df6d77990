//! The CPU time that the kernel has accounted since it started (`proc_stat(5)`).

/// Busy time of all CPUs, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CpuTime {
    /// Time spent working, in clock ticks: user (which includes guests), nice, system, irq and softirq. Waiting for
    /// I/O is idling, and stolen time was spent by another machine.
    pub(super) busy_ticks: u64,
    /// Logical CPUs that are on line.
    pub(super) cpus: u32,
}

/// Reads the text of `/proc/stat`. Fails with a sentence on what is wrong.
pub(super) fn parse(text: &str) -> Result<CpuTime, String> {
    let total = text.lines().next().filter(|line| line.starts_with("cpu "));
    let total = total.ok_or("the first line does not begin with \"cpu \"")?;
    let mut columns = [0_u64; 7];
    let mut words = total.split_whitespace().skip(1);
    for (column, name) in
        columns.iter_mut().zip(["user", "nice", "system", "idle", "iowait", "irq", "softirq"])
    {
        let word = words.next().ok_or_else(|| format!("the first line has no column {name:?}"))?;
        *column = word
            .parse()
            .map_err(|_| format!("column {name:?} of the first line is {word:?}, not a number"))?;
    }
    let [user, nice, system, _idle, _iowait, irq, softirq] = columns;
    let cpus = text.lines().filter(|line| is_cpu(line)).count();
    Ok(CpuTime {
        busy_ticks: user + nice + system + irq + softirq,
        cpus: u32::try_from(cpus).ok().filter(|&n| n > 0).ok_or("there is no line \"cpu0\"")?,
    })
}

fn is_cpu(line: &str) -> bool {
    line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_work_is_busy() {
        let text = "cpu  10 20 30 9000 500 4 5 700 3 0\ncpu0 5 10 15 1 1 2 2 1 1 0\ncpu1 5 10 15 1 1 2 3 1 1 0\nintr 1\n";
        assert_eq!(parse(text), Ok(CpuTime { busy_ticks: 69, cpus: 2 }));
    }

    #[test]
    fn a_text_that_is_no_account_is_refused_with_the_place() {
        assert!(parse("").is_err());
        assert_eq!(parse("cpu  1 2\n"), Err("the first line has no column \"system\"".into()));
        assert_eq!(
            parse("cpu  1 2 x 4 5 6 7\ncpu0 1\n"),
            Err("column \"system\" of the first line is \"x\", not a number".into())
        );
        assert_eq!(parse("cpu  1 2 3 4 5 6 7\n"), Err("there is no line \"cpu0\"".into()));
    }
}
