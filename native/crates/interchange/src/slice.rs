//! A part of a history, as a history.

use std::path::Path;

use schrodinger_history::{Error, Event, History, Rows, Transcript};

/// Write the rows of these numbers, which rise, to `target`, which must not exist, with the functions, times and words that they have.
pub fn copy_rows(history: &History, rows: &[usize], target: &Path) -> Result<u64, Error> {
    if !rows.is_sorted_by(|one, next| one < next) || rows.last().is_some_and(|&last| last >= history.rows()) {
        return Err(Error::Misuse(format!(
            "the rows to copy must rise and be among the {} of the history",
            history.rows()
        )));
    }
    let mut transcript = Transcript::create(target, history.functions())?;
    let mut wanted = rows.iter().copied().peekable();
    for batch in history.batches(0..history.rows()) {
        let (first_row, batch) = batch?;
        let end = first_row + batch.num_rows();
        let columns = Rows::of(&batch);
        while let Some(row) = wanted.next_if(|&row| row < end) {
            let row = row - first_row;
            let event = Event {
                kind: columns.kind(row),
                process: columns.process[row],
                f: columns.f[row],
                key: columns.key(row),
                value: columns.value(row),
                detail: columns.detail(row),
            };
            transcript.write(columns.time[row], &event)?;
        }
    }
    transcript.finish_with(&history.words())
}
