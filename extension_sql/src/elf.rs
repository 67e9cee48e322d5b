//! Sections of ELF files of 64 bits, as Linux has them on the machines that pgrx supports.

/// The bytes of the first section whose name is wanted.
pub fn section(file: &[u8], is_wanted: impl Fn(&str) -> bool) -> Option<&[u8]> {
    if !file.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let headers_at = number::<8>(file, 0x28)?;
    let header_size = number::<2>(file, 0x3a)?;
    let count = number::<2>(file, 0x3c)?;
    let names_index = number::<2>(file, 0x3e)?;
    let header = |index: usize| file.get(headers_at + index * header_size..);
    let names = contents(file, header(names_index)?)?;
    (0..count).find_map(|index| {
        let header = header(index)?;
        let name = names.get(number::<4>(header, 0)?..)?;
        let name = name.split(|byte| *byte == 0).next()?;
        let is_it = std::str::from_utf8(name).is_ok_and(&is_wanted);
        is_it.then(|| contents(file, header)).flatten()
    })
}

fn contents<'a>(file: &'a [u8], header: &[u8]) -> Option<&'a [u8]> {
    let (at, size) = (number::<8>(header, 0x18)?, number::<8>(header, 0x20)?);
    file.get(at..at.checked_add(size)?)
}

/// A number of `N` bytes, the lowest first.
fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<usize> {
    let mut wide = [0; 8];
    wide[..N].copy_from_slice(bytes.get(at..at + N)?);
    usize::try_from(u64::from_le_bytes(wide)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// This program is such a file itself.
    #[test]
    fn sections_of_this_program_are_found_by_name() {
        let program = std::env::current_exe().expect("it has a path");
        let file = std::fs::read(program).expect("it can be read");
        assert!(section(&file, |name| name == ".text").is_some_and(|text| text.len() > 1000));
        assert!(section(&file, |name| name == ".pgrxsc").is_none());
        assert!(section(&file[..100], |name| name == ".text").is_none());
        assert!(section(b"no ELF file", |_| true).is_none());
    }
}
