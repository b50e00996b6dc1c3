/* Runs in a program between its loader and its `main`, and takes it into the file system of another process.
 *
 * The loader has by then mapped the program and all of its libraries from the host's file system, and nothing is looked up
 * any more (`LD_BIND_NOW`); so nothing has to be there where `main` begins, neither program, nor library, nor shell. Chaos
 * Mesh's nsexec has the same idea.
 *
 * It uses no library, not even C's, because it may run before that one has been initialised, and the program may have none:
 * its system calls are its own, and the linker refuses what would have to be found elsewhere (`-z defs`). It allocates
 * nothing, and edits the environment in place, so that neither the program nor its children see how they were started.
 */

/* Descriptors of the mount namespace, of the root in it, of where in there to begin, of the pipe to report to and of this
 * library, and whether the eager binding was our wish: numbers, with a comma behind each. */
#define ORDERS "SCHRODINGER_ENTER="
#define PRELOAD "LD_PRELOAD="
#define BIND_NOW "LD_BIND_NOW="

enum { MOUNTS, ROOT, DIRECTORY, REPORT, LIBRARY, OURS, FIELDS };

#define CLONE_NEWNS 0x00020000
/* What env(1), chroot(1) and timeout(1) end with when they themselves fail. */
#define FAILED 125

#if defined(__x86_64__)
enum { WRITE = 1, CLOSE = 3, FCHDIR = 81, CHROOT = 161, EXIT_GROUP = 231, SETNS = 308 };

static long call(long number, long first, long second, long third) {
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(first), "S"(second), "d"(third)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined(__aarch64__)
enum { WRITE = 64, CLOSE = 57, FCHDIR = 50, CHROOT = 51, EXIT_GROUP = 94, SETNS = 268 };

static long call(long number, long first, long second, long third) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = first;
    register long x1 __asm__("x1") = second;
    register long x2 __asm__("x2") = third;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}
#else
#error "no constructor for this architecture"
#endif

/* What follows the name, with its equals sign, of a variable; null if it is another. */
static char *value_of(char *variable, const char *name) {
    while (*name)
        if (*variable++ != *name++)
            return 0;
    return variable;
}

/* Where in the environment the variable of this name is, or its end. */
static char **find(char **environment, const char *name) {
    while (*environment && !value_of(*environment, name))
        environment++;
    return environment;
}

/* Let the variables behind this one move up. */
static void drop(char **variable) {
    do
        variable[0] = variable[1];
    while (*variable++);
}

/* Take the first of the libraries that are preloaded, this one, off the list; no others, no variable. */
static void forget_first(char **variable) {
    char *list = value_of(*variable, PRELOAD), *rest = list;
    while (*rest && *rest != ':')
        rest++;
    if (!*rest) {
        drop(variable);
        return;
    }
    do
        *list++ = *++rest;
    while (*rest);
}

/* Numbers with a comma behind each. There are as many as we wrote. */
static void read_numbers(const char *text, long *numbers) {
    for (int field = 0; field < FIELDS; field++) {
        numbers[field] = 0;
        for (; *text >= '0' && *text <= '9'; text++)
            numbers[field] = numbers[field] * 10 + (*text - '0');
        if (*text == ',')
            text++;
    }
}

/* glibc's loader gives every constructor the arguments of `main`. Nothing else runs in the process yet. */
static __attribute__((constructor, used)) void enter(int count, char **arguments, char **environment) {
    (void)count, (void)arguments;
    char **found = find(environment, ORDERS);
    if (!*found)
        return;
    long orders[FIELDS];
    read_numbers(value_of(*found, ORDERS), orders);
    drop(found);
    if (orders[OURS] && *(found = find(environment, BIND_NOW)))
        drop(found);
    if (*(found = find(environment, PRELOAD)))
        forget_first(found);
    long outcome = call(SETNS, orders[MOUNTS], CLONE_NEWNS, 0);
    if (!outcome)
        outcome = call(FCHDIR, orders[ROOT], 0, 0);
    if (!outcome)
        outcome = call(CHROOT, (long)".", 0, 0);
    if (!outcome)
        outcome = call(FCHDIR, orders[DIRECTORY], 0, 0);
    int told = (int)-outcome;
    call(WRITE, orders[REPORT], (long)&told, sizeof told);
    if (outcome)
        call(EXIT_GROUP, FAILED, 0, 0);
    for (int field = MOUNTS; field <= LIBRARY; field++)
        call(CLOSE, orders[field], 0, 0);
}
