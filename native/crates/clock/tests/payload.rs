//! The payload, copied somewhere and run, against the clocks of the kernel.
#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::mem::transmute;
use std::ptr::{copy_nonoverlapping, null_mut};

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
use rustix::time::{ClockId, clock_gettime};
use schrodinger_clock::{FUNCTIONS, HEADER_BYTES, PAYLOAD};

const SECOND: i64 = 1_000_000_000;
const REALTIME: usize = 0;
const MONOTONIC: usize = 1;
const TOLERANCE: i64 = SECOND / 20;

/// Offset, base, rate, amplitude, period.
type Skew = [i64; 5];

struct Copy(*mut u8);

impl Copy {
    fn new() -> Self {
        let access = ProtFlags::READ | ProtFlags::WRITE | ProtFlags::EXEC;
        // SAFETY: a fresh mapping, of more bytes than are copied.
        unsafe {
            let page = mmap_anonymous(null_mut(), 8192, access, MapFlags::PRIVATE).unwrap().cast::<u8>();
            copy_nonoverlapping(PAYLOAD.as_ptr(), page, PAYLOAD.len());
            Copy(page)
        }
    }

    fn set(&self, sequence: i64, class: usize, skew: Skew) {
        let block = ((sequence & 1) as usize * 2 + class) * 5;
        // SAFETY: within the header, which is aligned.
        unsafe {
            let header = self.0.add(128).cast::<i64>();
            for (index, value) in skew.into_iter().enumerate() {
                header.add(2 + block + index).write_volatile(value);
            }
            header.write_volatile(sequence);
        }
    }

    fn function(&self, name: &str) -> *const u8 {
        let (_, at) = FUNCTIONS.into_iter().find(|(function, _)| *function == name).unwrap();
        assert!(at >= HEADER_BYTES && at < PAYLOAD.len());
        // SAFETY: within the mapping.
        unsafe { self.0.add(at) }
    }

    fn read(&self, clock: i32) -> Result<i64, i64> {
        let mut time = [0i64; 2];
        // SAFETY: that is what the function is.
        let failed = unsafe {
            transmute::<*const u8, extern "C" fn(i32, *mut i64) -> i64>(self.function("clock_gettime"))(
                clock,
                time.as_mut_ptr(),
            )
        };
        assert!((0..SECOND).contains(&time[1]));
        if failed == 0 { Ok(time[0] * SECOND + time[1]) } else { Err(failed) }
    }

    fn ahead(&self, clock: i32, of: ClockId) -> i64 {
        self.read(clock).unwrap() - now(of)
    }
}

fn now(clock: ClockId) -> i64 {
    let time = clock_gettime(clock);
    time.tv_sec * SECOND + time.tv_nsec
}

fn about(measured: i64, wanted: i64) {
    assert!((measured - wanted).abs() < TOLERANCE, "{measured} ns, not {wanted}");
}

#[test]
fn without_a_skew_it_tells_what_the_kernel_tells() {
    let copy = Copy::new();
    about(copy.ahead(0, ClockId::Realtime), 0);
    about(copy.ahead(1, ClockId::Monotonic), 0);
}

#[test]
fn an_offset_moves_all_clocks_of_its_class_and_no_others() {
    let copy = Copy::new();
    let hour = 3600 * SECOND;
    copy.set(1, REALTIME, [hour, 0, 0, 0, 0]);
    for clock in [0, 5] {
        about(copy.ahead(clock, ClockId::Realtime), hour);
    }
    for clock in [1, 6] {
        about(copy.ahead(clock, ClockId::Monotonic), 0);
    }
    copy.set(2, MONOTONIC, [-SECOND / 2, 0, 0, 0, 0]);
    about(copy.ahead(0, ClockId::Realtime), 0);
    about(copy.ahead(1, ClockId::Monotonic), -SECOND / 2);
    about(copy.ahead(7, ClockId::Boottime), -SECOND / 2);
    about(copy.ahead(2, ClockId::ProcessCPUTime), 0);
}

#[test]
fn a_fraction_is_carried_both_ways() {
    let copy = Copy::new();
    for sequence in 1..2000 {
        let offset = (sequence - 1000) * 1_234_567;
        copy.set(sequence, REALTIME, [offset, 0, 0, 0, 0]);
        about(copy.ahead(0, ClockId::Realtime), offset);
    }
}

#[test]
fn a_rate_adds_up_since_its_base() {
    let copy = Copy::new();
    let base = now(ClockId::Monotonic) - 100 * SECOND;
    copy.set(1, MONOTONIC, [0, base, (1 << 32) / 4, 0, 0]);
    about(copy.ahead(1, ClockId::Monotonic), 25 * SECOND);
    copy.set(2, MONOTONIC, [SECOND, base, -(1 << 32), 0, 0]);
    assert_eq!(copy.read(1).unwrap(), base + SECOND, "it stands still");
}

#[test]
fn a_slow_monotonic_clock_never_goes_back() {
    let copy = Copy::new();
    copy.set(1, MONOTONIC, [0, now(ClockId::Monotonic), -(1 << 32) * 9 / 10, 0, 0]);
    let mut last = 0;
    for _ in 0..200_000 {
        let read = copy.read(1).unwrap();
        assert!(read >= last, "{read} after {last}");
        last = read;
    }
}

#[test]
fn every_other_period_is_ahead() {
    let copy = Copy::new();
    let (period, amplitude) = (1000 * SECOND, 7 * SECOND);
    let base = now(ClockId::Monotonic);
    for (periods, wanted) in [(0, amplitude), (1, 0), (2, amplitude), (3, 0)] {
        copy.set(1, REALTIME, [0, base - periods * period, 0, amplitude, period]);
        about(copy.ahead(0, ClockId::Realtime), wanted);
    }
}

#[test]
fn the_older_functions_tell_the_same() {
    let copy = Copy::new();
    copy.set(1, REALTIME, [86_400 * SECOND, 0, 0, 0, 0]);
    let (mut time, mut zone, mut seconds) = ([0i64; 2], [7i32; 2], 0i64);
    // SAFETY: that is what the functions are.
    let told = unsafe {
        let gettimeofday: extern "C" fn(*mut i64, *mut i32) -> i64 = transmute(copy.function("gettimeofday"));
        assert_eq!(gettimeofday(time.as_mut_ptr(), zone.as_mut_ptr()), 0);
        assert_eq!(gettimeofday(null_mut(), null_mut()), 0);
        transmute::<*const u8, extern "C" fn(*mut i64) -> i64>(copy.function("time"))(&mut seconds)
    };
    let wanted = now(ClockId::Realtime) + 86_400 * SECOND;
    about(time[0] * SECOND + time[1] * 1000, wanted);
    assert_ne!(zone, [7, 7]);
    assert_eq!(told, seconds);
    assert!((told - wanted / SECOND).abs() <= 1);
}

#[test]
fn what_the_kernel_refuses_stays_refused_and_no_time_is_before_zero() {
    let copy = Copy::new();
    copy.set(1, REALTIME, [i64::MIN / 2, 0, 0, 0, 0]);
    assert_eq!(copy.read(0), Ok(0));
    assert_eq!(copy.read(10), Err(-22), "EINVAL");
}
