//! Fits `SparseLogistic` to one svmlight file, tests it on another and prints one line of JSON.
//!
//! A line is `LABEL,LABEL FEATURE:VALUE FEATURE:VALUE`: labels are numbers from 0, feature numbers strictly increase from
//! 1, and a row without labels opens with a space. `benches/peers/logistic.py` compares the figures with scikit-learn's.
//!
//! ```text
//! cargo run --release --example fit_svmlight -- train.svm test.svm --c 10 --tolerance 1e-4
//! ```

use anyhow::{Context, ensure};
use clap::Parser;
use linfa::ParamGuard;
use linfa::dataset::DatasetBase;
use linfa::traits::Fit;
use ndarray::Array2;
use petition::logistic::SparseLogistic;
use petition::math::softplus;
use petition::sparse::SparseRecords;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Parser)]
struct Args {
    /// Rows to learn from
    train: PathBuf,
    /// Rows to test on; features that training did not show are passed over
    test: PathBuf,
    /// The inverse strength of regularisation
    #[arg(long, default_value_t = 1.0)]
    c: f64,
    /// The relative duality gap at which training stops
    #[arg(long, default_value_t = 1e-4)]
    tolerance: f64,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let (train, test) = (read(&args.train)?, read(&args.test)?);
    let largest = |rows: &[Row]| rows.iter().filter_map(|r| r.cells.last()).map(|&(column, _)| column + 1).max();
    let n_features = largest(&train).unwrap_or(0) as usize;
    let n_labels = train.iter().chain(&test).flat_map(|r| &r.labels).max().map_or(0, |&label| label + 1);
    let params = SparseLogistic::params().c(args.c).tolerance(args.tolerance).check()?;
    let dataset = DatasetBase::new(records(&train, n_features)?, targets(&train, n_labels));

    let (wall, cpu) = (Instant::now(), cpu_seconds()?);
    let model = params.fit(&dataset)?;
    let (fit_seconds, fit_cpu_seconds) = (wall.elapsed().as_secs_f64(), cpu_seconds()? - cpu);

    let objective = objective(&model, &dataset.records, &dataset.targets, args.c);
    let reported: f64 = model.objectives().iter().sum();
    ensure!((objective / reported - 1.0).abs() < 1e-9, "the model reports {reported} and its weights give {objective}");

    let (x, y) = (records(&test, n_features)?, targets(&test, n_labels));
    let line = serde_json::json!({
        "rows": train.len(),
        "features": n_features,
        "labels": n_labels,
        "fit_seconds": fit_seconds,
        "fit_cpu_seconds": fit_cpu_seconds,
        "objective": objective,
        "n_epochs": model.n_epochs(),
        "accuracy": accuracy(&model.decision(&x), &test),
        "micro_f1": micro_f1(&model.probabilities(&x), &y),
    });
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

/// One line of the file; columns count from 0.
struct Row {
    labels: Vec<usize>,
    cells: Vec<(u32, f32)>,
}

fn read(path: &Path) -> anyhow::Result<Vec<Row>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(n, line)| row(line).with_context(|| format!("{}:{}", path.display(), n + 1))).collect()
}

fn row(line: &str) -> anyhow::Result<Row> {
    let (labels, cells) = line.split_once(' ').unwrap_or((line, ""));
    let labels =
        labels.split(',').filter(|l| !l.is_empty()).map(|l| l.parse().with_context(|| format!("`{l}` is no label")));
    let cells = cells.split_whitespace().map(|cell| {
        let (feature, value) = cell.split_once(':').with_context(|| format!("`{cell}` is no FEATURE:VALUE"))?;
        let column = feature.parse::<u32>().ok().and_then(|f| f.checked_sub(1));
        anyhow::Ok((column.with_context(|| format!("`{feature}` is no feature number from 1"))?, value.parse()?))
    });
    Ok(Row { labels: labels.collect::<Result<_, _>>()?, cells: cells.collect::<Result<_, _>>()? })
}

fn records(rows: &[Row], n_features: usize) -> anyhow::Result<SparseRecords> {
    let mut records = SparseRecords::new(n_features);
    for row in rows {
        records.push(row.cells.iter().copied().filter(|&(column, _)| (column as usize) < n_features))?;
    }
    Ok(records)
}

fn targets(rows: &[Row], n_labels: usize) -> Array2<bool> {
    let mut targets = Array2::from_elem((rows.len(), n_labels), false);
    for (row, of_row) in rows.iter().enumerate() {
        of_row.labels.iter().for_each(|&label| targets[[row, label]] = true);
    }
    targets
}

/// ½ |w|² + ½ b² + C Σ ln(1 + exp(−y f)), summed over the labels, from the weights.
fn objective(model: &SparseLogistic, x: &SparseRecords, y: &Array2<bool>, c: f64) -> f64 {
    let squares: f64 = model.weights().iter().chain(model.intercepts()).map(|w| w * w).sum();
    let decision = model.decision(x);
    let losses = decision.iter().zip(y).map(|(&f, &positive)| softplus(if positive { -f } else { f }));
    0.5 * squares + c * losses.sum::<f64>()
}

/// The share of rows whose label has the highest score, 0 to 1; `None` unless every row has one label.
fn accuracy(scores: &Array2<f64>, rows: &[Row]) -> Option<f64> {
    let mut n_right = 0;
    for (scores, row) in scores.rows().into_iter().zip(rows) {
        let &[label] = row.labels.as_slice() else { return None };
        let best = scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        n_right += usize::from(best.is_some_and(|(best, _)| best == label));
    }
    Some(n_right as f64 / rows.len() as f64)
}

/// 2 TP / (2 TP + FP + FN) over all rows and labels, a label being said from a probability of one half, 0 to 1; `None` when
/// nothing is said and nothing is true.
fn micro_f1(probabilities: &Array2<f64>, y: &Array2<bool>) -> Option<f64> {
    let (mut n_both, mut n_said, mut n_true) = (0, 0, 0);
    for (&p, &positive) in probabilities.iter().zip(y) {
        let said = p >= 0.5;
        n_both += usize::from(said && positive);
        n_said += usize::from(said);
        n_true += usize::from(positive);
    }
    (n_said + n_true > 0).then(|| 2.0 * n_both as f64 / (n_said + n_true) as f64)
}

/// The processor time that all living threads have used so far; rayon's live as long as the process.
///
/// The first number of a thread's `schedstat` is its time on a processor in nanoseconds. Source: Linux,
/// Documentation/scheduler/sched-stats.rst.
///
/// # Errors
/// There is no such file, as on systems other than Linux.
fn cpu_seconds() -> anyhow::Result<f64> {
    let mut nanoseconds = 0;
    for thread in std::fs::read_dir("/proc/self/task").context("processor time is read from /proc, on Linux")? {
        let stat = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        nanoseconds += stat.split(' ').next().unwrap_or_default().parse::<u64>().context("schedstat")?;
    }
    Ok(nanoseconds as f64 * 1e-9)
}
