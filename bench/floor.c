// floor: the least that handing a message to many receivers can cost.
//
// A bare loop that sends every receiver the bytes of a round and does nothing else:
// no protocol, no store, no reads but for one byte that ends the round. It prints the
// sender's CPU time per delivery, the figure that a chat server is held against.
//
//   cc -O2 -o floor floor.c && ./floor uring --receivers 1000 --bytes 117 --window 16 --seconds 5
//
// The sender is pinned to core 0 and the receivers, one process with epoll, to core 1;
// --cores SENDER,RECEIVERS says others, the same one twice for a machine with one.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what) {
	perror(what);
	exit(1);
}

static void pin(int core) {
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(core, &set);
	if (sched_setaffinity(0, sizeof set, &set)) perror("sched_setaffinity"); // goes on where it is
}

static double seconds(struct timeval t) { return t.tv_sec + t.tv_usec / 1e6; }

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

// receive reads and drops; after each roundBytes it writes a byte to tell.
static void receive(int *fds, int n, long roundBytes, int tell) {
	static char buf[1 << 20];
	struct epoll_event events[1024];
	int ep = epoll_create1(0);
	for (int i = 0; i < n; i++) {
		struct epoll_event e = {.events = EPOLLIN, .data.fd = fds[i]};
		if (epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &e)) die("epoll_ctl");
	}
	for (long got = 0;;) {
		int k = epoll_wait(ep, events, 1024, -1);
		for (int i = 0; i < k; i++) {
			ssize_t r = read(events[i].data.fd, buf, sizeof buf);
			if (r <= 0) exit(0);
			got += r;
		}
		for (; got >= roundBytes; got -= roundBytes)
			if (write(tell, "x", 1) != 1) exit(0);
	}
}

// A ring with just what is needed: fill entries, submit all, reap all.
static struct {
	int fd;
	unsigned *sqTail, *sqMask, *sqArray, *cqHead, *cqTail, *cqMask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
} ring;

static void openRing(unsigned entries) {
	struct io_uring_params p = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE, .cq_entries = 2 * entries};
	ring.fd = syscall(__NR_io_uring_setup, entries, &p);
	if (ring.fd < 0) die("io_uring_setup");
	size_t sq = p.sq_off.array + p.sq_entries * 4, cq = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
	char *m = mmap(0, sq > cq ? sq : cq, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_SQ_RING);
	ring.sqes = mmap(0, p.sq_entries * sizeof *ring.sqes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_SQES);
	if (m == MAP_FAILED || ring.sqes == MAP_FAILED) die("mmap");
	ring.sqTail = (unsigned *)(m + p.sq_off.tail), ring.sqMask = (unsigned *)(m + p.sq_off.ring_mask);
	ring.sqArray = (unsigned *)(m + p.sq_off.array);
	ring.cqHead = (unsigned *)(m + p.cq_off.head), ring.cqTail = (unsigned *)(m + p.cq_off.tail);
	ring.cqMask = (unsigned *)(m + p.cq_off.ring_mask), ring.cqes = (struct io_uring_cqe *)(m + p.cq_off.cqes);
}

static void sendRing(int *fds, int n, const char *b, size_t len) {
	unsigned tail = *ring.sqTail;
	for (int i = 0; i < n; i++, tail++) {
		struct io_uring_sqe *s = &ring.sqes[tail & *ring.sqMask];
		memset(s, 0, sizeof *s);
		s->opcode = IORING_OP_SEND, s->fd = fds[i], s->addr = (unsigned long)b, s->len = len;
		s->msg_flags = MSG_NOSIGNAL | MSG_WAITALL;
		ring.sqArray[tail & *ring.sqMask] = tail & *ring.sqMask;
	}
	atomic_store_explicit((_Atomic unsigned *)ring.sqTail, tail, memory_order_release);
	for (int submit = n, done = 0; done < n; submit = 0) {
		if (syscall(__NR_io_uring_enter, ring.fd, submit, n - done, IORING_ENTER_GETEVENTS, NULL, 0) < 0 && errno != EINTR) die("io_uring_enter");
		unsigned head = *ring.cqHead, end = atomic_load_explicit((_Atomic unsigned *)ring.cqTail, memory_order_acquire);
		for (; head != end; head++, done++)
			if (ring.cqes[head & *ring.cqMask].res != (int)len) fprintf(stderr, "short send\n"), exit(1);
		atomic_store_explicit((_Atomic unsigned *)ring.cqHead, head, memory_order_release);
	}
}

static void sendPlain(int *fds, int n, const char *b, size_t len) {
	for (int i = 0; i < n; i++)
		if (send(fds[i], b, len, MSG_NOSIGNAL) != (ssize_t)len) die("send");
}

// listenLocal opens a listener on a free port of the loopback device; *a is its address.
static int listenLocal(struct sockaddr_in *a) {
	socklen_t len = sizeof *a;
	*a = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int l = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(l, (void *)a, sizeof *a) || listen(l, 4096) || getsockname(l, (void *)a, &len)) die("listen");
	return l;
}

// connectAll makes the receivers' sockets. The listener's queue holds them until the
// sender accepts; connect waits when it is full.
static int *connectAll(const struct sockaddr_in *a, int n) {
	int *in = calloc(n, sizeof *in);
	for (int i = 0; i < n; i++) {
		in[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (in[i] < 0 || connect(in[i], (const void *)a, sizeof *a)) die("connect");
	}
	return in;
}

static int *acceptAll(int l, int n) {
	int *out = calloc(n, sizeof *out), one = 1;
	for (int i = 0; i < n; i++) {
		if ((out[i] = accept(l, 0, 0)) < 0) die("accept");
		setsockopt(out[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	}
	return out;
}

int main(int argc, char **argv) {
	int receivers = 1000, bytes = 117, window = 1, sendCore = 0, receiveCore = 1, tell[2];
	double limit = 5;
	if (argc < 2 || (strcmp(argv[1], "uring") && strcmp(argv[1], "send"))) {
		fprintf(stderr, "usage: floor uring|send [--receivers N] [--bytes N] [--window N] [--seconds S] [--cores SENDER,RECEIVERS]\n");
		return 2;
	}
	int uring = !strcmp(argv[1], "uring");
	for (int i = 2; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--receivers")) receivers = atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "--bytes")) bytes = atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "--window")) window = atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "--seconds")) limit = atof(argv[i + 1]);
		else if (!strcmp(argv[i], "--cores") && sscanf(argv[i + 1], "%d,%d", &sendCore, &receiveCore) == 2) continue;
		else fprintf(stderr, "floor: %s %s is no option\n", argv[i], argv[i + 1]), exit(2);
	}
	if (receivers < 1 || bytes < 1 || window < 1) fprintf(stderr, "floor: at least one receiver, byte and message\n"), exit(2);
	struct sockaddr_in a;
	int l = listenLocal(&a);
	if (pipe(tell)) die("pipe");
	size_t len = (size_t)bytes * window;
	pid_t parent = getpid(), child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent) return 1;
		close(l);
		pin(receiveCore);
		receive(connectAll(&a, receivers), receivers, (long)len * receivers, tell[1]);
	}
	close(tell[1]);
	pin(sendCore);
	int *out = acceptAll(l, receivers);
	char *b = malloc(len), x;
	memset(b, 'x', len);
	if (uring) openRing(4096 > receivers ? 4096 : receivers);
	struct rusage from, to;
	long rounds = 0;
	getrusage(RUSAGE_SELF, &from);
	double begin = now();
	while (now() - begin < limit) {
		(uring ? sendRing : sendPlain)(out, receivers, b, len);
		if (read(tell[0], &x, 1) != 1) die("receivers are gone");
		rounds++;
	}
	double wall = now() - begin;
	getrusage(RUSAGE_SELF, &to);
	kill(child, SIGKILL);
	waitpid(child, 0, 0);
	double user = seconds(to.ru_utime) - seconds(from.ru_utime), system = seconds(to.ru_stime) - seconds(from.ru_stime);
	double deliveries = (double)rounds * window * receivers;
	printf("{\"how\":\"%s\",\"receivers\":%d,\"bytes\":%d,\"window\":%d,\"deliveries\":%.0f,\"deliveries_per_second\":%.0f,"
	       "\"user_us\":%.4f,\"system_us\":%.4f,\"cpu_us_per_delivery\":%.4f}\n",
	       argv[1], receivers, bytes, window, deliveries, deliveries / wall, user / deliveries * 1e6, system / deliveries * 1e6,
	       (user + system) / deliveries * 1e6);
}
