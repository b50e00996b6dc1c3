//! Runs in a program between its loader and its `main`, and takes it into the file system of another process.
//!
//! The loader has by then mapped the program and all of its libraries from the host's file system, and nothing is looked up any
//! more (`LD_BIND_NOW`); so nothing has to be there where `main` begins, neither program, nor library, nor shell. Chaos Mesh's
//! nsexec has the same idea.
//!
//! It uses no library, not even C's, because it may run before that one has been initialised: its system calls are its own. It
//! allocates nothing, and edits the environment in place, so that neither the program nor its children see how they were started.

#![no_std]

use core::arch::asm;
use core::ffi::{CStr, c_char, c_int};

/// Descriptors of the mount namespace, of the root in it, of the pipe to report to and of this library, and whether the eager binding
/// was our wish: five numbers, with a comma behind each.
const ORDERS: &[u8] = b"SCHRODINGER_ENTER=";
const PRELOAD: &[u8] = b"LD_PRELOAD=";
const BIND_NOW: &[u8] = b"LD_BIND_NOW=";

const CLONE_NEWNS: usize = 0x0002_0000;
/// What env(1), chroot(1) and timeout(1) end with when they themselves fail.
const FAILED: usize = 125;

#[cfg(target_arch = "x86_64")]
mod number {
    pub const WRITE: usize = 1;
    pub const CLOSE: usize = 3;
    pub const FCHDIR: usize = 81;
    pub const CHROOT: usize = 161;
    pub const EXIT_GROUP: usize = 231;
    pub const SETNS: usize = 308;
}

#[cfg(target_arch = "aarch64")]
mod number {
    pub const WRITE: usize = 64;
    pub const CLOSE: usize = 57;
    pub const FCHDIR: usize = 50;
    pub const CHROOT: usize = 51;
    pub const EXIT_GROUP: usize = 94;
    pub const SETNS: usize = 268;
}

type Constructor = unsafe extern "C" fn(c_int, *const *const c_char, *mut *mut c_char);

#[used]
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: Constructor = enter;

/// glibc's loader gives every constructor the arguments of `main`.
unsafe extern "C" fn enter(_: c_int, _: *const *const c_char, environment: *mut *mut c_char) {
    // SAFETY: the array of the new program's environment, of strings that end with a zero, itself ending with a null; nothing else
    // runs in the process yet.
    unsafe {
        let Some(orders) = find(environment, ORDERS) else { return };
        let [mounts, root, report, library, ours] = numbers((*orders).add(ORDERS.len()));
        remove(orders);
        if ours == 1
            && let Some(variable) = find(environment, BIND_NOW)
        {
            remove(variable);
        }
        if let Some(variable) = find(environment, PRELOAD) {
            forget_first(variable);
        }
        let mut outcome = call(number::SETNS, mounts, CLONE_NEWNS, 0);
        if outcome == 0 {
            outcome = call(number::FCHDIR, root, 0, 0);
        }
        if outcome == 0 {
            outcome = call(number::CHROOT, c".".as_ptr() as usize, 0, 0);
        }
        let told = (-outcome) as i32;
        call(number::WRITE, report, (&raw const told) as usize, size_of::<i32>());
        if outcome != 0 {
            call(number::EXIT_GROUP, FAILED, 0, 0);
        }
        for descriptor in [mounts, root, report, library] {
            call(number::CLOSE, descriptor, 0, 0);
        }
    }
}

/// Where in the array the variable is whose name, with its equals sign, this is.
unsafe fn find(mut environment: *mut *mut c_char, name: &[u8]) -> Option<*mut *mut c_char> {
    // SAFETY: of the caller.
    unsafe {
        while !(*environment).is_null() {
            if CStr::from_ptr(*environment).to_bytes().starts_with(name) {
                return Some(environment);
            }
            environment = environment.add(1);
        }
    }
    None
}

/// Let the variables behind this one move up.
unsafe fn remove(mut variable: *mut *mut c_char) {
    // SAFETY: of the caller.
    unsafe {
        while !(*variable).is_null() {
            *variable = *variable.add(1);
            variable = variable.add(1);
        }
    }
}

/// Take the first of the libraries that are preloaded, this one, off the list; no others, no variable.
unsafe fn forget_first(variable: *mut *mut c_char) {
    // SAFETY: of the caller; what is written is shorter than what was there, and ends with the same zero.
    unsafe {
        let list = (*variable).add(PRELOAD.len());
        let text = CStr::from_ptr(list).to_bytes();
        let Some(colon) = text.iter().position(|byte| *byte == b':') else { return remove(variable) };
        let rest = text.len() - colon;
        for index in 0..rest {
            list.add(index).write_volatile(list.add(colon + 1 + index).read_volatile());
        }
    }
}

/// Numbers with a comma behind each. There are as many as we wrote.
unsafe fn numbers(mut text: *const c_char) -> [usize; 5] {
    let mut found = [0; 5];
    for number in &mut found {
        // SAFETY: of the caller; nothing behind the string's zero is read.
        unsafe {
            while (*text as u8).is_ascii_digit() {
                *number = *number * 10 + usize::from(*text as u8 - b'0');
                text = text.add(1);
            }
            if *text as u8 == b',' {
                text = text.add(1);
            }
        }
    }
    found
}

#[cfg(target_arch = "x86_64")]
unsafe fn call(number: usize, a: usize, b: usize, c: usize) -> isize {
    let outcome: isize;
    // SAFETY: the kernel's convention, syscall(2); what the call does is the caller's affair.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => outcome,
            in("rdi") a,
            in("rsi") b,
            in("rdx") c,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    outcome
}

#[cfg(target_arch = "aarch64")]
unsafe fn call(number: usize, a: usize, b: usize, c: usize) -> isize {
    let outcome: isize;
    // SAFETY: the kernel's convention, syscall(2); what the call does is the caller's affair.
    unsafe {
        asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") a as isize => outcome,
            in("x1") b,
            in("x2") c,
            options(nostack),
        );
    }
    outcome
}

#[panic_handler]
fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        // SAFETY: it takes a number.
        unsafe { call(number::EXIT_GROUP, FAILED, 0, 0) };
    }
}
