/* The payload in a program that has nothing else, for any architecture that has one: an emulator can run it.
 *
 * It exits with 0, or with the number of the first check that failed.
 */

#include "../src/payload.c"

#if defined(__x86_64__)
#define EXIT 60
#else
#define EXIT 93
#endif

static void require(int number, int holds) {
    if (!holds) {
        call(EXIT, number, 0);
        __builtin_unreachable();
    }
}

static i64 read_ns(int clock) {
    struct timespec_ time = {0, 0};
    require(1, payload_clock_gettime(clock, &time) == 0);
    require(2, time.nanoseconds >= 0 && time.nanoseconds < SECOND);
    return time.seconds * SECOND + time.nanoseconds;
}

static i64 kernel_ns(int clock) {
    struct timespec_ time = {0, 0};
    require(3, call(CLOCK_GETTIME, clock, &time) == 0);
    return time.seconds * SECOND + time.nanoseconds;
}

static int about(i64 measured, i64 wanted) {
    i64 off = measured - wanted;
    return off > -SECOND && off < SECOND;
}

/* The compiler calls it for structures; there is no library to have it. */
void *memcpy(void *to, const void *from, unsigned long bytes) {
    for (unsigned long i = 0; i < bytes; i++)
        ((volatile char *)to)[i] = ((const char *)from)[i];
    return to;
}

/* One class is under this skew, the other is right. */
static void set(i64 sequence, int class, struct skew skew) {
    volatile struct skew *both = header()->skew[sequence & 1];
    static const struct skew nothing;
    both[class] = skew;
    both[!class] = nothing;
    header()->sequence = sequence;
}

void _start(void) {
    require(10, about(read_ns(0), kernel_ns(0)));
    require(11, about(read_ns(1), kernel_ns(1)));
    set(1, REALTIME, (struct skew){.offset = 3600 * SECOND + 1});
    require(12, about(read_ns(0), kernel_ns(0) + 3600 * SECOND));
    require(13, about(read_ns(5), kernel_ns(5) + 3600 * SECOND));
    require(14, about(read_ns(1), kernel_ns(1)));
    set(2, REALTIME, (struct skew){.offset = -86400 * SECOND - 999999999});
    require(15, about(read_ns(0), kernel_ns(0) - 86400 * SECOND - 999999999));
    struct timeval_ older = {0, 0};
    int zone[2] = {7, 7};
    require(16, payload_gettimeofday(&older, zone) == 0 && zone[0] != 7 && payload_gettimeofday(0, 0) == 0);
    require(17, about(older.seconds * SECOND, kernel_ns(0) - 86401 * SECOND));
    i64 seconds = 0;
    require(18, payload_time(&seconds) == seconds && about(seconds * SECOND, kernel_ns(0) - 86401 * SECOND));
    i64 base = kernel_ns(1) - 100 * SECOND;
    set(3, MONOTONIC, (struct skew){.base = base, .rate = 1LL << 30});
    require(19, about(read_ns(1), kernel_ns(1) + 25 * SECOND));
    require(20, about(read_ns(0), kernel_ns(0)));
    set(4, MONOTONIC, (struct skew){.base = base, .rate = -(1LL << 32)});
    require(21, read_ns(1) == base);
    set(5, MONOTONIC, (struct skew){.base = base, .amplitude = 7 * SECOND, .period = 60 * SECOND});
    require(22, about(read_ns(1), kernel_ns(1)));
    set(6, MONOTONIC, (struct skew){.base = base, .amplitude = 7 * SECOND, .period = 30 * SECOND});
    require(23, about(read_ns(1), kernel_ns(1)));
    set(7, MONOTONIC, (struct skew){.base = base, .amplitude = 7 * SECOND, .period = 45 * SECOND});
    require(24, about(read_ns(1), kernel_ns(1) + 7 * SECOND));
    set(8, REALTIME, (struct skew){.offset = -(1LL << 62)});
    require(25, read_ns(0) == 0);
    struct timespec_ unused;
    require(26, payload_clock_gettime(10, &unused) == -22);
    set(9, REALTIME, (struct skew){.offset = SECOND * 3600});
    require(27, about(read_ns(2), kernel_ns(2)));
    require(0, 0);
}
