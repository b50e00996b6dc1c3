//! Values as a person writes them.

/// The value with this number; nothing is nil.
pub fn shown(number: u32, names: &[Option<i64>]) -> String {
    match names.get(number as usize) {
        Some(Some(value)) => value.to_string(),
        Some(None) => "nil".to_owned(),
        None => format!("?{number}"),
    }
}

/// The values with these numbers, at most a few of them: `[3, 1, 4 and 12 more]`.
pub fn bracketed(numbers: impl Iterator<Item = u32>, names: &[Option<i64>]) -> String {
    const FEW: usize = 12;
    let numbers: Vec<u32> = numbers.collect();
    let first: Vec<String> = numbers.iter().take(FEW).map(|&number| shown(number, names)).collect();
    let more = match numbers.len().saturating_sub(FEW) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("[{}{more}]", first.join(", "))
}
