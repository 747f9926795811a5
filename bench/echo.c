// echo: the bare loops that an echo server is held against.
//
//   cc -O2 -o echo echo.c && ./echo uring|epoll PORT
//
// uring: one multishot receive per connection into a ring of provided buffers, and the
// answer sent from the buffer that the bytes came in; all requests of a round are
// handed over by the one call that waits for the next. epoll: read and send, as soon
// as epoll tells. Neither looks at what it echoes.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ENTRIES = 4096, BUFFERS = 4096, BUFFER_BYTES = 4096, GROUP = 0 };
enum op { ACCEPT = 1, RECV, SEND };

static void die(const char *what) {
	perror(what);
	exit(1);
}

static struct {
	int fd;
	unsigned tail, *sqHead, *sqTail, *sqMask, *sqArray, *cqHead, *cqTail, *cqMask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	struct io_uring_buf_ring *buffers;
	char *memory;
} ring;

static void openRing(void) {
	struct io_uring_params p = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE, .cq_entries = 4 * ENTRIES};
	ring.fd = syscall(__NR_io_uring_setup, ENTRIES, &p);
	if (ring.fd < 0) die("io_uring_setup");
	size_t sq = p.sq_off.array + p.sq_entries * 4, cq = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
	char *m = mmap(0, sq > cq ? sq : cq, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_SQ_RING);
	ring.sqes = mmap(0, p.sq_entries * sizeof *ring.sqes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.fd, IORING_OFF_SQES);
	if (m == MAP_FAILED || ring.sqes == MAP_FAILED) die("mmap");
	ring.sqHead = (unsigned *)(m + p.sq_off.head), ring.sqTail = (unsigned *)(m + p.sq_off.tail);
	ring.sqMask = (unsigned *)(m + p.sq_off.ring_mask), ring.sqArray = (unsigned *)(m + p.sq_off.array);
	ring.cqHead = (unsigned *)(m + p.cq_off.head), ring.cqTail = (unsigned *)(m + p.cq_off.tail);
	ring.cqMask = (unsigned *)(m + p.cq_off.ring_mask), ring.cqes = (struct io_uring_cqe *)(m + p.cq_off.cqes);
}

// give hands a buffer (back) to the kernel.
static void give(unsigned id) {
	unsigned short tail = ring.buffers->tail;
	struct io_uring_buf *b = &ring.buffers->bufs[tail & (BUFFERS - 1)];
	b->addr = (unsigned long)(ring.memory + (size_t)id * BUFFER_BYTES), b->len = BUFFER_BYTES, b->bid = id;
	atomic_store_explicit((_Atomic unsigned short *)&ring.buffers->tail, tail + 1, memory_order_release);
}

static void openBuffers(void) {
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	ring.buffers = mmap(0, BUFFERS * sizeof(struct io_uring_buf), PROT_READ | PROT_WRITE, flags, -1, 0);
	ring.memory = mmap(0, (size_t)BUFFERS * BUFFER_BYTES, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (ring.buffers == MAP_FAILED || ring.memory == MAP_FAILED) die("mmap");
	struct io_uring_buf_reg reg = {.ring_addr = (unsigned long)ring.buffers, .ring_entries = BUFFERS, .bgid = GROUP};
	if (syscall(__NR_io_uring_register, ring.fd, IORING_REGISTER_PBUF_RING, &reg, 1)) die("IORING_REGISTER_PBUF_RING");
	for (unsigned i = 0; i < BUFFERS; i++) give(i);
}

// enter hands over what is queued and waits for so many completions.
static void enter(unsigned want) {
	atomic_store_explicit((_Atomic unsigned *)ring.sqTail, ring.tail, memory_order_release);
	unsigned n = ring.tail - atomic_load_explicit((_Atomic unsigned *)ring.sqHead, memory_order_acquire);
	if (syscall(__NR_io_uring_enter, ring.fd, n, want, IORING_ENTER_GETEVENTS, NULL, 0) < 0 && errno != EINTR && errno != EBUSY) die("io_uring_enter");
}

static struct io_uring_sqe *request(enum op op, int code, int fd, unsigned buffer) {
	if (ring.tail - atomic_load_explicit((_Atomic unsigned *)ring.sqHead, memory_order_acquire) == ENTRIES) enter(0);
	unsigned i = ring.tail++ & *ring.sqMask;
	struct io_uring_sqe *s = &ring.sqes[i];
	memset(s, 0, sizeof *s);
	ring.sqArray[i] = i;
	s->opcode = code, s->fd = fd, s->user_data = (uint64_t)op << 56 | (uint64_t)buffer << 32 | (unsigned)fd;
	return s;
}

static void startAccept(int l) { request(ACCEPT, IORING_OP_ACCEPT, l, 0)->ioprio = IORING_ACCEPT_MULTISHOT; }

static void startRecv(int fd) {
	struct io_uring_sqe *s = request(RECV, IORING_OP_RECV, fd, 0);
	s->ioprio = IORING_RECV_MULTISHOT, s->flags = IOSQE_BUFFER_SELECT, s->buf_group = GROUP;
}

static void startSend(int fd, unsigned buffer, int len) {
	struct io_uring_sqe *s = request(SEND, IORING_OP_SEND, fd, buffer);
	s->addr = (unsigned long)(ring.memory + (size_t)buffer * BUFFER_BYTES), s->len = len, s->msg_flags = MSG_NOSIGNAL | MSG_WAITALL;
}

static void noDelay(int fd) {
	int one = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

// completed goes on from one completion. A connection is closed when its receive has
// ended; a send that is under way then fails by itself.
static void completed(const struct io_uring_cqe *c) {
	int fd = (int)(unsigned)c->user_data, more = c->flags & IORING_CQE_F_MORE;
	switch (c->user_data >> 56) {
	case ACCEPT:
		if (c->res >= 0) noDelay(c->res), startRecv(c->res);
		if (!more) startAccept(fd);
		break;
	case RECV:
		if (c->res > 0) startSend(fd, c->flags >> IORING_CQE_BUFFER_SHIFT, c->res);
		else if (c->res != -ENOBUFS) close(fd);
		if (!more && (c->res > 0 || c->res == -ENOBUFS)) startRecv(fd);
		break;
	case SEND:
		give(c->user_data >> 32 & 0xffff);
		break;
	}
}

static void serveRing(int l) {
	openRing();
	openBuffers();
	startAccept(l);
	for (;;) {
		enter(1);
		unsigned head = *ring.cqHead, end = atomic_load_explicit((_Atomic unsigned *)ring.cqTail, memory_order_acquire);
		for (; head != end; head++) {
			struct io_uring_cqe c = ring.cqes[head & *ring.cqMask];
			atomic_store_explicit((_Atomic unsigned *)ring.cqHead, head + 1, memory_order_release);
			completed(&c);
		}
	}
}

static void serveEpoll(int l) {
	static char buf[1 << 16];
	struct epoll_event events[1024], e = {.events = EPOLLIN, .data.fd = l};
	int ep = epoll_create1(0);
	if (epoll_ctl(ep, EPOLL_CTL_ADD, l, &e)) die("epoll_ctl");
	for (;;) {
		int k = epoll_wait(ep, events, 1024, -1);
		for (int i = 0; i < k; i++) {
			int fd = events[i].data.fd;
			if (fd == l) {
				if ((fd = accept(l, 0, 0)) < 0) continue;
				noDelay(fd);
				e = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
				if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e)) die("epoll_ctl");
				continue;
			}
			ssize_t n = recv(fd, buf, sizeof buf, MSG_DONTWAIT);
			if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
			if (n <= 0 || send(fd, buf, n, MSG_NOSIGNAL) != n) close(fd);
		}
	}
}

int main(int argc, char **argv) {
	if (argc != 3 || (strcmp(argv[1], "uring") && strcmp(argv[1], "epoll"))) {
		fprintf(stderr, "usage: echo uring|epoll PORT\n");
		return 2;
	}
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(atoi(argv[2]))};
	int l = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(l, (void *)&a, sizeof a) || listen(l, 4096)) die("listen");
	(strcmp(argv[1], "uring") ? serveEpoll : serveRing)(l);
}
