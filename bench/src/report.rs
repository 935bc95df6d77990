//! Tables for people, on the terminal and in a file of documentation: the same Markdown for both.

use std::fmt::Write as _;
use std::path::Path;

use crate::Outcome;
use crate::machine::Machine;

/// The result of one benchmark.
pub(crate) struct Section {
    /// Names the markers in the file.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// Sentences under the table: how it was measured, what was left out.
    pub(crate) notes: Vec<String>,
    pub(crate) columns: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Section {
    /// The table and its notes.
    pub(crate) fn body(&self) -> String {
        let header: Vec<String> = self.columns.iter().map(|column| (*column).to_owned()).collect();
        let width = |column: usize| {
            let cells = std::iter::once(&header).chain(&self.rows).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..header.len()).map(width).collect();
        let line = |row: &[String]| {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!(" {cell:<width$} |"));
            format!("|{}\n", cells.collect::<String>())
        };
        let rule = widths.iter().map(|width| "-".repeat(width + 2)).collect::<Vec<_>>().join("|");
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        let mut body = format!("{}|{rule}|\n{rows}", line(&header));
        for note in &self.notes {
            let _ = write!(body, "\n- {note}");
        }
        body
    }
}

/// Repeated figures of one thing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures(Vec<f64>);

impl Figures {
    pub(crate) fn push(&mut self, figure: f64) {
        self.0.push(figure);
    }

    /// The middle one, where there is one.
    pub(crate) fn median(&self) -> Option<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        (!sorted.is_empty()).then(|| median(&sorted))
    }

    /// Median, then the extremes, with so many decimals; a dash when there is none.
    pub(crate) fn show(&self, decimals: usize) -> String {
        let mut sorted = self.0.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        match sorted.as_slice() {
            [] => "-".into(),
            [only] => format!("{only:.decimals$}"),
            [least, .., most] if least.to_bits() == most.to_bits() => format!("{least:.decimals$}"),
            [least, .., most] => {
                format!("{:.decimals$} ({least:.decimals$}-{most:.decimals$})", median(&sorted))
            }
        }
    }
}

impl FromIterator<f64> for Figures {
    fn from_iter<I: IntoIterator<Item = f64>>(figures: I) -> Self {
        Self(figures.into_iter().collect())
    }
}

/// The middle of sorted figures, at least one.
fn median(sorted: &[f64]) -> f64 {
    f64::midpoint(sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2])
}

/// Says a sentence now.
#[expect(clippy::print_stdout, reason = "printing is what this program is for")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

/// Replaces what stands between the section's markers in a file; both must be there.
pub(crate) fn write(file: &Path, machine: &Machine, section: &Section) -> Outcome<()> {
    let in_file = |what: &str| format!("{}: {what}", file.display());
    let text = std::fs::read_to_string(file).map_err(|error| in_file(&error.to_string()))?;
    let warning = machine.warning().map_or_else(String::new, |warning| format!("{warning}\n\n"));
    let body = format!("{}\n\n{warning}{}", machine.describe(), section.body());
    let text = replace(&text, section.name, &body).ok_or_else(|| in_file(&missing(section.name)))?;
    std::fs::write(file, text).map_err(|error| in_file(&error.to_string()))?;
    Ok(())
}

fn missing(name: &str) -> String {
    format!("the lines `{}` and `{}` are needed, in this order", begin(name), end(name))
}

fn begin(name: &str) -> String {
    format!("<!-- {name}: begin -->")
}

fn end(name: &str) -> String {
    format!("<!-- {name}: end -->")
}

fn replace(text: &str, name: &str, body: &str) -> Option<String> {
    let (before, rest) = text.split_once(&begin(name))?;
    let (_, after) = rest.split_once(&end(name))?;
    Some(format!("{before}{}\n{body}\n{}{after}", begin(name), end(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_the_median_with_its_extremes() {
        assert_eq!([3.0, 1.0, 9.0].into_iter().collect::<Figures>().show(1), "3.0 (1.0-9.0)");
        assert_eq!([1.0, 2.0].into_iter().collect::<Figures>().show(1), "1.5 (1.0-2.0)");
        assert_eq!(Figures::default().show(1), "-", "what was not measured is no zero");
    }

    #[test]
    fn only_what_is_between_the_markers_of_a_section_is_replaced() {
        let text = "a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb\n<!-- y: begin -->\n<!-- y: end -->\n";
        let new = replace(text, "x", "new").expect("both markers");
        assert_eq!(new, text.replace("old", "new"));
        assert_eq!(replace(text, "z", "new"), None);
    }
}
