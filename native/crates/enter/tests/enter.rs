//! Programs of the host inside a process that has namespaces of its own and an empty root.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod isolated;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Output, Stdio};

use isolated::{HOST, Target};

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn signal(child: &Child, signal: i32) {
    // SAFETY: a number and a signal; the child has not been waited for.
    assert_eq!(unsafe { libc::kill(child.id().try_into().unwrap(), signal) }, 0);
}

/// A helper whose program has said that it runs.
fn started(mut command: Command) -> (Child, BufReader<impl Read>) {
    let mut child = command.stdout(Stdio::piped()).stdin(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    (child, said)
}

/// Wait until nobody holds the other end any more: until the program is gone.
fn gone(mut said: impl Read) {
    said.read_to_end(&mut Vec::new()).unwrap();
}

/// A shell that waits for its input, which the helper's caller holds.
const WAITS: &str = "echo ready; read line";

#[test]
fn a_program_of_the_host_runs_where_there_is_no_program() {
    let Some(target) = Target::make() else { return };
    assert_eq!(text(&target.enter(&[], &["ls", "-a", "/"]).output().unwrap()), ".\n..\n");
    fs::write(target.path("only-inside"), "here").unwrap();
    assert_eq!(text(&target.enter(&[], &["cat", "/only-inside"]).output().unwrap()), "here");
}

#[test]
fn a_program_is_in_every_namespace_of_the_target() {
    let Some(target) = Target::make() else { return };
    target.mount_proc();
    for namespace in ["net", "mnt", "pid", "ipc", "uts"] {
        let inside = target.enter(&[], &["readlink", &format!("/proc/self/ns/{namespace}")]).output().unwrap();
        let theirs = fs::read_link(format!("/proc/{}/ns/{namespace}", target.pid)).unwrap();
        assert_eq!(text(&inside).trim(), theirs.to_str().unwrap());
    }
    assert_eq!(text(&target.enter(&[], &["uname", "-n"]).output().unwrap()).trim(), HOST);
    let number = text(&target.enter(&[], &["readlink", "/proc/self"]).output().unwrap());
    assert!(number.trim().parse::<i32>().unwrap() < 100, "{number} is a number of the host");
}

#[test]
fn only_the_namespaces_that_were_asked_for_are_entered() {
    let Some(target) = Target::make() else { return };
    let network = target.enter(&["--only", "network"], &["readlink", "/proc/self/ns/net"]).output().unwrap();
    let theirs = fs::read_link(format!("/proc/{}/ns/net", target.pid)).unwrap();
    assert_eq!(text(&network).trim(), theirs.to_str().unwrap());
    let name = target.enter(&["--only", "network,pid"], &["uname", "-n"]).output().unwrap();
    assert_ne!(text(&name).trim(), HOST);
}

#[test]
fn a_program_begins_where_it_is_told_to_as_seen_from_inside() {
    let Some(target) = Target::make() else { return };
    fs::create_dir_all(target.path("var/data/etc")).unwrap();
    symlink("/var/data", target.path("etc")).unwrap(); // of which another one is outside
    let seen = |options: &[&str]| text(&target.enter(options, &["ls"]).output().unwrap());
    assert_eq!(seen(&[]), "etc\nvar\n");
    assert_eq!(seen(&["--directory", "/var"]), "data\n");
    assert_eq!(seen(&["--directory", "/etc"]), "etc\n");
    let network = ["--only", "network", "--directory", "/proc/self"]; // whose file system is ours
    assert_eq!(text(&target.enter(&network, &["ls", "-d", "ns"]).output().unwrap()), "ns\n");
    let nowhere = target.enter(&["--directory", "/usr"], &["ls"]).output().unwrap();
    assert_eq!(nowhere.status.code(), Some(125));
    let said = String::from_utf8_lossy(&nowhere.stderr);
    assert!(said.contains("the program cannot begin in /usr inside: No such file or directory"), "{said}");
}

#[test]
fn a_static_program_runs_inside() {
    let Some(target) = Target::make() else { return };
    let here = tempfile::tempdir().unwrap();
    let source = here.path().join("look.c");
    let look = r#"
        #include <stdio.h>
        #include <unistd.h>
        int main(int count, char **arguments) {
            char name[64] = "";
            gethostname(name, sizeof name - 1);
            printf("%s %s %d %d\n", name, arguments[1], access("/etc", F_OK), access("below", F_OK));
            return count;
        }"#;
    fs::write(&source, look).unwrap();
    let program = here.path().join("look");
    let compiled = Command::new("cc").arg("-static").arg("-o").args([&program, &source]).status().unwrap();
    assert!(compiled.success());
    fs::create_dir_all(target.path("here/below")).unwrap();
    let output = target.enter(&["--directory", "/here"], &[program.to_str().unwrap(), "word"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{HOST} word -1 0\n"));
}

#[test]
fn the_environment_inside_is_that_outside() {
    let Some(target) = Target::make() else { return };
    for given in
        [&[("A", "1"), ("LD_BIND_NOW", "1"), ("LD_PRELOAD", "libm.so.6 libc.so.6"), ("Z", "")][..], &[("A", "=")]]
    {
        let environment = given.iter().copied().chain([("PATH", "/usr/bin:/bin")]);
        let outside = Command::new("env").env_clear().envs(environment.clone()).output().unwrap();
        let inside = target.enter(&[], &["env"]).env_clear().envs(environment).output().unwrap();
        assert_eq!(text(&inside), text(&outside));
    }
}

#[test]
fn a_program_has_no_descriptor_of_ours() {
    let Some(target) = Target::make() else { return };
    target.mount_proc();
    let open = |mut command: Command| text(&command.stdin(Stdio::null()).output().unwrap());
    let mut outside = Command::new("ls");
    outside.arg("/proc/self/fd");
    assert_eq!(open(target.enter(&[], &["ls", "/proc/self/fd"])), open(outside));
}

#[test]
fn the_status_of_the_program_is_that_of_the_helper() {
    let Some(target) = Target::make() else { return };
    let status = |script: &str| target.enter(&[], &["sh", "-c", script]).status().unwrap();
    assert_eq!(status("exit 0").code(), Some(0));
    assert_eq!(status("exit 77").code(), Some(77));
    assert_eq!(status("kill -KILL $$").signal(), Some(libc::SIGKILL));
    assert_eq!(status("kill -TERM $$").signal(), Some(libc::SIGTERM));
    assert_eq!(status("kill -SEGV $$").signal(), Some(libc::SIGSEGV));
}

#[test]
fn a_signal_to_the_helper_is_one_to_the_program() {
    let Some(target) = Target::make() else { return };
    let (mut child, said) = started(target.enter(&[], &["sh", "-c", &format!("trap 'exit 7' USR1; {WAITS}")]));
    let input = child.stdin.take(); // to wait would close it
    signal(&child, libc::SIGUSR1);
    assert_eq!(child.wait().unwrap().code(), Some(7));
    gone(said);
    drop(input);
    let (mut child, said) = started(target.enter(&[], &["sh", "-c", WAITS]));
    let input = child.stdin.take();
    signal(&child, libc::SIGTERM);
    assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGTERM));
    gone(said);
    drop(input);
}

#[test]
fn the_helper_stands_still_while_the_program_does() {
    let Some(target) = Target::make() else { return };
    let mut command = target.enter(&[], &["sh", "-c", WAITS]);
    // Nobody in an orphaned group can be stopped so, and the group of a test's runner may be one. That of a child is not.
    command.process_group(0);
    let (mut child, said) = started(command);
    let pid = child.id().try_into().unwrap();
    let mut status = 0;
    signal(&child, libc::SIGTSTP);
    // SAFETY: the status is on this stack.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, libc::WUNTRACED) }, pid);
    assert!(libc::WIFSTOPPED(status));
    signal(&child, libc::SIGCONT);
    drop(child.stdin.take()); // the shell reads it to its end, if it goes on
    gone(said);
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_killed_helper_leaves_no_program() {
    let Some(target) = Target::make() else { return };
    let (mut child, said) = started(target.enter(&[], &["sh", "-c", WAITS]));
    let input = child.stdin.take(); // still open: the shell does not end by itself
    signal(&child, libc::SIGKILL);
    assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGKILL));
    gone(said);
    drop(input);
}

#[test]
fn a_helper_whose_parent_dies_leaves_no_program() {
    let Some(target) = Target::make() else { return };
    let helper = env!("CARGO_BIN_EXE_schrodinger-enter");
    let inside = format!("{helper} {} --parent $$ -- sh -c '{WAITS}' <&3 & wait", target.pid);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("exec 3<&0; {inside}")]);
    let (mut child, said) = started(shell);
    let input = child.stdin.take();
    signal(&child, libc::SIGKILL);
    child.wait().unwrap();
    gone(said);
    drop(input);
}

#[test]
fn a_parent_that_is_another_is_none() {
    let Some(target) = Target::make() else { return };
    let output = target.enter(&["--parent", "1"], &["true"]).output().unwrap();
    assert_eq!(output.status.code(), Some(125));
    assert!(String::from_utf8_lossy(&output.stderr).contains("process 1 is not our parent"), "{output:?}");
}

#[test]
fn what_cannot_be_taken_inside_is_refused() {
    let Some(target) = Target::make() else { return };
    let here = tempfile::tempdir().unwrap();
    let make = |name: &str, content: &[u8], mode: u32| {
        let path = here.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let script = make("script", b"#!/bin/sh\ntouch /was-run\n", 0o755);
    let rubbish = make("rubbish", b"\x7fELF and no more", 0o755);
    let plain = make("plain", b"#!/bin/sh\n", 0o644);
    let raised = make("raised", &fs::read("/bin/true").unwrap(), 0o755);
    chown(&raised, Some(65534), None).unwrap();
    fs::set_permissions(&raised, fs::Permissions::from_mode(0o4755)).unwrap();
    for (program, status, words) in [
        (script.as_str(), 126, "it is a script, which nobody could read inside; name its interpreter"),
        (&rubbish, 126, "it is no ELF program of this machine"),
        (&plain, 126, "Permission denied"),
        (&raised, 126, "it gains privileges (set-user-ID), so its loader preloads nothing"),
        ("/no/such/program", 127, "no such program on the host"),
        ("no-such-program", 127, "no such program along PATH on the host"),
    ] {
        let output = target.enter(&[], &[program]).output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(words), "{output:?}");
    }
    assert!(!target.path("was-run").exists());
}

#[test]
fn a_target_that_is_not_there_is_named() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_schrodinger-enter")).args(["2147483647", "--", "true"]).output().unwrap();
    assert_eq!(output.status.code(), Some(125));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("process 2147483647 cannot be entered: No such process"), "{said}");
}

#[test]
fn arguments_that_say_nothing_are_told_with_what_would() {
    for (arguments, words) in [
        (&[][..], "TARGET is missing"),
        (&["0", "--", "true"], "TARGET is \"0\", not the number of a process"),
        (&["1", "true"], "true is no option"),
        (&["1", "--only", "user", "--", "true"], "--only is \"user\"; give some of network,mount,pid,ipc,uts"),
        (&["1", "--parent", "-5", "--", "true"], "--parent is \"-5\", not the number of a process"),
        (&["1", "--directory"], "a path is missing behind --directory"),
        (&["1", "--"], "a program is missing behind --"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_schrodinger-enter")).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(125), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(words) && said.contains("use: schrodinger-enter TARGET"), "{said}");
    }
}
