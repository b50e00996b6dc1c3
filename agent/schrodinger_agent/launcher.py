"""Puts one database process into its target: a program of its own, ``python -I -S -E launcher.py FD LABEL``.

It uses the standard library only.

The agent starts it from its main thread and hands it a socket, on which the launcher receives what to run and
reports back.

    agent ── launcher ── init (PID 1 of a new PID namespace) ── database ── its children
                                                             └─ companions ── their children

Companions are programs of the same node, started in the same way. The first of all that ends by itself ends the node;
where an orderly end was asked for, all have time for it.

Launcher, init and programs ask the kernel to be killed when their parent dies (PR_SET_PDEATHSIG), and the kernel kills
a whole PID namespace with its init; so a SIGKILL of the agent ends every process of every target, daemons included,
with nobody left to help. The launcher itself stays outside the target's cgroup: it is never frozen and can always
reap init.

Where namespaces are not permitted the launcher is its database's init as far as an ordinary process can be: a subreaper
(PR_SET_CHILD_SUBREAPER), to which orphans of the tree come back, and which kills the tree until nothing is left.

Messages (SOCK_SEQPACKET, JSON). From the agent: the specification. From here: ``init`` with a pidfd of whom to kill
and to ask for an orderly end, ``executing`` sent by the database's process itself, whose number the kernel translates
for the agent (SCM_CREDENTIALS), and which waits for a byte then if it is ``held``, ``supervised`` from each program,
with where the kernel asks about its system calls if it has a filter, then ``started`` or ``failed``, and ``exited``
with the status of the first program that ended by itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import sys

TYPE_CHECKING = False  # typing.TYPE_CHECKING, without the time it takes to import typing
if TYPE_CHECKING:
    from typing import Any, NoReturn, TypeAlias

    Spec: TypeAlias = dict[str, Any]

KILL_TREE = signal.SIGUSR1
"""To a launcher without a PID namespace: end the whole tree now."""

MESSAGE_BYTES = 1 << 20
"""Longest message: an environment and arguments. The kernel's limit for both together (ARG_MAX) is usually 2 MiB."""

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_CLONE_NEWNS = 0x00020000
_CLONE_NEWPID = 0x20000000
_CLONE_NEWNET = 0x40000000
_MS_NOSUID_NODEV_NOEXEC = 0x2 | 0x4 | 0x8
_MS_REC_PRIVATE = 0x4000 | 0x40000
_MS_BIND = 0x1000
_MNT_DETACH = 2
_SYS_MOVE_MOUNT = 429  # of every architecture; C libraries before 2.36 have no function for it
_MOVE_MOUNT_F_EMPTY_PATH = 4
_AT_FDCWD = -100
_PR_SET_NO_NEW_PRIVS = 38
_SYS_SECCOMP = {"x86_64": 317, "aarch64": 277}
_SECCOMP_SET_MODE_FILTER = 1
_SECCOMP_FILTER_FLAG_NEW_LISTENER = 8
_INSTRUCTION_BYTES = 8


class _SockFprog(ctypes.Structure):
    """``struct sock_fprog`` of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def main() -> None:
    """Receive the specification, enter the target, run the database, and exit when it has ended."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    channel.set_inheritable(False)
    spec = json.loads(channel.recv(MESSAGE_BYTES))
    try:
        _enter_and_run(spec, channel)
    except OSError as error:
        _fail(channel, _in_words(error), of_request=False)
        sys.exit(1)


def descendants(root: int) -> list[int]:
    """Every process below ``root``, parents first, by the parents' numbers in /proc."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208 - pathlib would double the launcher's start-up time
        if entry.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{entry}/stat", "rb") as file:  # noqa: PTH123 - as above
                # The name in parentheses may hold anything, parentheses too: what follows the last one is
                # well-formed. See proc(5).
                parent = int(file.read().rpartition(b")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry))
    found = list(children.get(root, ()))
    for process in found:  # grows while it is walked
        found.extend(children.get(process, ()))
    return found


def _enter_and_run(spec: Spec, channel: socket.socket) -> NoReturn:
    isolated = spec["pid_namespace"]
    _die_with_parent(signal.SIGKILL if isolated else KILL_TREE)
    if os.getppid() != spec["agent"]:  # it died before we asked to die with it
        sys.exit(1)
    os.setsid()
    if spec["network_fd"] is not None:
        _call("setns", spec["network_fd"], _CLONE_NEWNET)
        os.close(spec["network_fd"])
    if not isolated:
        _call("prctl", _PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        _join_cgroups(spec)
        _supervise(spec, channel)
    _call("unshare", _CLONE_NEWPID | _CLONE_NEWNS)
    launcher = os.pidfd_open(os.getpid())
    init = os.fork()
    if init == 0:
        try:
            _init(spec, channel, launcher)
        except OSError as error:
            _fail(channel, _in_words(error), of_request=False)
        os._exit(1)
    channel.close()
    os.waitpid(init, 0)
    os._exit(0)


def _init(spec: Spec, channel: socket.socket, launcher: int) -> NoReturn:
    _die_with_parent(signal.SIGKILL)
    # A pidfd is readable once its process has ended. Asking for the parent would not do: in here it is always 0.
    ended, _, _ = select.select([launcher], [], [], 0)
    if ended:
        os._exit(1)
    os.close(launcher)
    _join_cgroups(spec)
    _call("mount", b"none", b"/", None, _MS_REC_PRIVATE, None)
    _call("mount", b"proc", b"/proc", b"proc", _MS_NOSUID_NODEV_NOEXEC, None)
    if spec["disk"] is not None:
        _mount_disk(spec["disk"])
    for file, place in spec["files"]:
        _call("mount", os.fsencode(file), os.fsencode(place), None, _MS_BIND, None)
    _supervise(spec, channel)


def _mount_disk(disk: Spec) -> None:
    """Put the node's directory of a detached mount where its data belongs; the rest of the disk is not to be seen."""
    whole, node, data = (os.fsencode(disk[name]) for name in ("whole", "node", "data"))
    _call("syscall", _SYS_MOVE_MOUNT, disk["mount_fd"], b"", _AT_FDCWD, whole, _MOVE_MOUNT_F_EMPTY_PATH)
    os.close(disk["mount_fd"])
    _call("mount", node, data, None, _MS_BIND, None)
    _call("umount2", whole, _MNT_DETACH)  # a descriptor of it is still open


def _supervise(spec: Spec, channel: socket.socket) -> NoReturn:
    """Run the programs, reap orphans, forward SIGTERM. Never returns."""
    reach = {signal.SIGTERM, KILL_TREE}
    signal.pthread_sigmask(signal.SIG_BLOCK, reach)  # until there is a database to forward them to
    socket.send_fds(channel, [json.dumps({"event": "init"}).encode()], [os.pidfd_open(os.getpid())])
    failure, executed = os.pipe()
    programs = {_start(spec, argv, channel, executed) for argv in (spec["argv"], *spec["companions"])}
    os.close(executed)
    is_asked_to_end = False

    def ask_to_end(*_: object) -> None:
        nonlocal is_asked_to_end
        is_asked_to_end = True
        for program in programs:
            _signal(program, signal.SIGTERM)

    signal.signal(signal.SIGTERM, ask_to_end)
    signal.signal(KILL_TREE, lambda *_: _kill_tree())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, reach)
    failed = os.read(failure, 4096).decode(errors="replace")
    if failed:
        _fail(channel, failed, of_request=True)
    else:
        channel.send(json.dumps({"event": "started"}).encode())
    first = _wait_for_one_of(programs)
    while is_asked_to_end and programs:
        _wait_for_one_of(programs)
    channel.send(json.dumps({"event": "exited", "status": first}).encode())
    if not spec["pid_namespace"]:
        _kill_tree()
    os._exit(0)  # of a PID namespace's init: the kernel now kills the rest of it


def _start(spec: Spec, argv: list[str], channel: socket.socket, executed: int) -> int:
    """Fork a program; ``executed`` is closed when it runs, and told why if it can't."""
    program = os.fork()
    if program == 0:
        try:
            _execute(spec, argv, channel)
        except OSError as error:
            # execvpe names the last place that it looked in, not what it was asked for.
            subject = spec["directory"] if error.filename == spec["directory"] else argv[0]
            os.write(executed, f"{str(error.strerror).lower()}: {subject}".encode())
        os._exit(127)
    return program


def _wait_for_one_of(programs: set[int]) -> int:
    """Wait until one of these has ended, and take it out; returns its status."""
    while True:
        ended, status = os.wait()
        if ended in programs:
            programs.remove(ended)
            return os.waitstatus_to_exitcode(status)


def _execute(spec: Spec, argv: list[str], channel: socket.socket) -> None:
    os.setsid()
    _die_with_parent(signal.SIGKILL)
    for ignored_by_python in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored_by_python, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.chdir(spec["directory"])
    if argv is spec["argv"]:
        channel.send(json.dumps({"event": "executing"}).encode())
    if spec["filter"] is not None:
        listener = _ask_about_calls(bytes.fromhex(spec["filter"]))
        socket.send_fds(channel, [json.dumps({"event": "supervised"}).encode()], [listener])
        os.close(listener)
    if spec["user"] is not None:
        _become(spec["user"])
    if spec["held"] and argv is spec["argv"]:
        channel.recv(1)  # the agent wants to be there when it is executed, and says when it is
    os.execvpe(argv[0], argv, spec["environment"])  # noqa: S606 - an argument list, as wanted


def _become(user: Spec) -> None:
    """Go on as another user, to whom belongs what root has put into the directory."""
    for folder, folders, files in os.walk("."):
        for path in (folder, *(f"{folder}/{name}" for name in (*folders, *files))):
            if os.lstat(path).st_uid == 0:
                os.chown(path, user["number"], user["group"], follow_symlinks=False)
    os.setgroups(user["groups"])
    os.setgid(user["group"])
    os.setuid(user["number"])
    _die_with_parent(signal.SIGKILL)  # the kernel forgets it when rights change


def _ask_about_calls(program: bytes) -> int:
    """Let the kernel ask about system calls from now on, here and in every child; returns where it asks."""
    code = ctypes.create_string_buffer(program, len(program))
    filter_ = _SockFprog(len(program) // _INSTRUCTION_BYTES, ctypes.addressof(code))
    try:
        return _seccomp(filter_)
    except PermissionError:  # an ordinary user's programs may not gain privileges once they are filtered
        _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        return _seccomp(filter_)


def _seccomp(filter_: _SockFprog) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    number = ctypes.c_long(_SYS_SECCOMP[os.uname().machine])
    arguments = ctypes.c_ulong(_SECCOMP_SET_MODE_FILTER), ctypes.c_ulong(_SECCOMP_FILTER_FLAG_NEW_LISTENER)
    descriptor = int(libc.syscall(number, *arguments, ctypes.byref(filter_)))
    if descriptor < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"seccomp(2): {os.strerror(error)}")
    return descriptor


def _fail(channel: socket.socket, error: str, *, of_request: bool) -> None:
    channel.send(json.dumps({"event": "failed", "error": error, "of_request": of_request}).encode())


def _kill_tree() -> NoReturn:
    """Kill until nothing is left. What forks meanwhile comes back to us, the subreaper, for the next round."""
    while True:
        for process in descendants(os.getpid()):
            _signal(process, signal.SIGKILL)
        try:
            os.wait()
            while os.waitpid(-1, os.WNOHANG) != (0, 0):  # all that are dead by now: a round looks at every process
                pass
        except ChildProcessError:
            os._exit(0)


def _signal(process: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, number)


def _join_cgroups(spec: Spec) -> None:
    for path in spec["cgroups"]:
        with open(f"{path}/cgroup.procs", "w") as file:  # noqa: PTH123 - as above
            file.write("0")


def _die_with_parent(number: int) -> None:
    _call("prctl", _PR_SET_PDEATHSIG, number, 0, 0, 0)


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    wide = name in {"prctl", "mount", "syscall"}
    widened = [ctypes.c_ulong(a) if isinstance(a, int) and wide else a for a in arguments]
    if getattr(libc, name)(*widened) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}(2): {os.strerror(number)}")


def _in_words(error: OSError) -> str:
    return f"{error.strerror}: {error.filename}" if error.filename else str(error.strerror)


if __name__ == "__main__":
    main()
