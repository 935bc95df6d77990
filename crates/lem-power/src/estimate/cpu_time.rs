//! The CPU time that the kernel has accounted since it started (`proc_stat(5)`).

/// Time that all CPUs together spent working, in clock ticks: user (which includes guests), nice, system, irq and
/// softirq. Waiting for I/O is idling, and stolen time was spent by another machine.
///
/// Needs the first line of the account only. Fails with a sentence on what is wrong.
pub(super) fn busy_ticks(text: &str) -> Result<u64, String> {
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
    Ok(user + nice + system + irq + softirq)
}

/// The logical CPUs that are on line, from the whole account.
pub(super) fn count_cpus(text: &str) -> Result<u32, String> {
    let is_cpu = |line: &&str| {
        line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let cpus = u32::try_from(text.lines().filter(is_cpu).count());
    cpus.ok().filter(|&cpus| cpus > 0).ok_or_else(|| "there is no line \"cpu0\"".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_work_is_busy() {
        let text = "cpu  10 20 30 9000 500 4 5 700 3 0\ncpu0 5 10 15 1 1 2 2 1 1 0\ncpu1 5 10 15 1 1 2 3 1 1 0\nintr 1\n";
        assert_eq!((busy_ticks(text), count_cpus(text)), (Ok(69), Ok(2)));
    }

    #[test]
    fn a_text_that_is_no_account_is_refused_with_the_place() {
        let refused = |text| busy_ticks(text).expect_err(text);
        assert_eq!(refused(""), "the first line does not begin with \"cpu \"");
        assert_eq!(refused("cpu  1 2\n"), "the first line has no column \"system\"");
        assert_eq!(
            refused("cpu  1 2 x 4 5 6 7\n"),
            "column \"system\" of the first line is \"x\", not a number"
        );
        assert_eq!(count_cpus("cpu  1 2 3 4 5 6 7\n"), Err("there is no line \"cpu0\"".into()));
    }
}
