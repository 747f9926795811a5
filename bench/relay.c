// relay: the smallest chat server that the benchmarks' client can talk to.
//
// One room. What a publisher sends is written to every receiver, byte for byte: one
// send per receiver and round, a round being what one read has brought. It does not
// look at messages, keeps no order but that of one publisher, and a receiver whose
// socket is full ends it. With this much a server can not do less; the floor
// (floor.c) leaves out reading and waking up as well. With a FILE, what a round
// brings is on the disk before anybody sees it: written over what the file had, so that
// nothing but the bytes has to be synced.
//
//   cc -O2 -o relay relay.c && ./relay uring|send PORT [FILE]
//
// A frame is its size (uint16, little-endian, the head included), then the length of
// its text or 0xffff for an order: 'H' (hello), 'J' (join). An order is answered with
// the same bytes.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 20000, READ_BYTES = 256 << 10, RING = 32768, HEAD = 4, STORE_BYTES = 16 << 20 };

static void die(const char *what) {
	perror(what);
	exit(1);
}

// What of a frame has come but not all of it; only publishers and newcomers have such.
static struct conn {
	char *tail;
	int tailLen, receiver;
} conns[CONNECTIONS_MAX];
static int receivers[CONNECTIONS_MAX], receiverCount;

static struct {
	int fd;
	unsigned *sqTail, *sqMask, *sqArray, *cqHead, *cqTail, *cqMask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
} ring;

static void openRing(void) {
	struct io_uring_params p = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE, .cq_entries = 2 * RING};
	ring.fd = syscall(__NR_io_uring_setup, RING, &p);
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

static struct {
	int fd;
	off_t at;
} file = {-1, 0};

static void openStore(const char *path) {
	static char zeros[1 << 20];
	file.fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (file.fd < 0) die(path);
	for (int n = 0; n < STORE_BYTES; n += sizeof zeros)
		if (write(file.fd, zeros, sizeof zeros) != sizeof zeros) die(path);
	if (fsync(file.fd)) die(path);
}

// store puts a round on the disk, if there is a file; it begins again at its end.
static void store(const char *b, size_t len) {
	if (file.fd < 0) return;
	if (file.at + len > STORE_BYTES) file.at = 0;
	if (pwrite(file.fd, b, len, file.at) != (ssize_t)len || fdatasync(file.fd)) die("store");
	file.at += len;
}

// sendRing hands all sends over at once and waits for the last. MSG_WAITALL has the
// kernel finish a short send.
static void sendRing(const char *b, size_t len) {
	unsigned tail = *ring.sqTail;
	for (int i = 0; i < receiverCount; i++, tail++) {
		struct io_uring_sqe *s = &ring.sqes[tail & *ring.sqMask];
		memset(s, 0, sizeof *s);
		s->opcode = IORING_OP_SEND, s->fd = receivers[i], s->addr = (unsigned long)b, s->len = len;
		s->msg_flags = MSG_NOSIGNAL | MSG_WAITALL;
		ring.sqArray[tail & *ring.sqMask] = tail & *ring.sqMask;
	}
	atomic_store_explicit((_Atomic unsigned *)ring.sqTail, tail, memory_order_release);
	for (int submit = receiverCount, done = 0; done < receiverCount; submit = 0) {
		if (syscall(__NR_io_uring_enter, ring.fd, submit, receiverCount - done, IORING_ENTER_GETEVENTS, NULL, 0) < 0 && errno != EINTR) die("io_uring_enter");
		unsigned head = *ring.cqHead, end = atomic_load_explicit((_Atomic unsigned *)ring.cqTail, memory_order_acquire);
		for (; head != end; head++, done++)
			if (ring.cqes[head & *ring.cqMask].res != (int)len) fprintf(stderr, "a receiver is gone, or too slow\n"), exit(1);
		atomic_store_explicit((_Atomic unsigned *)ring.cqHead, head, memory_order_release);
	}
}

// sendPlain: the sockets block, so that a full one holds up the rest, as MSG_WAITALL
// does above.
static void sendPlain(const char *b, size_t len) {
	for (int i = 0; i < receiverCount; i++)
		if (send(receivers[i], b, len, MSG_NOSIGNAL) != (ssize_t)len) die("send");
}

// drop forgets a connection. Receivers keep their order: nobody relies on it, but the
// last one in its place is all it takes.
static void drop(int fd) {
	if (conns[fd].receiver)
		for (int i = 0; i < receiverCount; i++)
			if (receivers[i] == fd) {
				receivers[i] = receivers[--receiverCount];
				break;
			}
	free(conns[fd].tail);
	conns[fd] = (struct conn){0};
	close(fd);
}

// deliver stores a round and sends it to everybody.
static void deliver(const char *b, size_t len, void (*sendAll)(const char *, size_t)) {
	if (!len || !receiverCount) return;
	store(b, len);
	sendAll(b, len);
}

static unsigned u16(const char *b) { return (unsigned char)b[0] | (unsigned char)b[1] << 8; }

// order answers hello and join.
static void order(int fd, const char *b, unsigned size) {
	if (size != HEAD + 1) return;
	if (b[HEAD] == 'J' && !conns[fd].receiver) {
		conns[fd].receiver = 1;
		receivers[receiverCount++] = fd;
	}
	if (send(fd, b, size, MSG_NOSIGNAL) != (ssize_t)size) die("send");
}

// take finds the whole frames of b: orders are answered, what stands between them is
// for everybody. It returns how many bytes it took, -1 for nonsense.
static int take(int fd, const char *b, int n, void (*sendAll)(const char *, size_t)) {
	int at = 0, from = 0;
	while (n - at >= HEAD) {
		int size = u16(b + at);
		if (size < HEAD) return -1;
		if (size > n - at) break;
		if (u16(b + at + 2) == 0xffff) {
			deliver(b + from, at - from, sendAll);
			order(fd, b + at, size);
			from = at + size;
		}
		at += size;
	}
	deliver(b + from, at - from, sendAll);
	return at;
}

static void readFrom(int fd, void (*sendAll)(const char *, size_t)) {
	static char buf[READ_BYTES + 65536];
	struct conn *c = &conns[fd];
	memcpy(buf, c->tail ? c->tail : "", c->tailLen);
	ssize_t r = recv(fd, buf + c->tailLen, READ_BYTES, MSG_DONTWAIT);
	if (r < 0 && (errno == EAGAIN || errno == EINTR)) return;
	int n = c->tailLen + (int)r, taken = r <= 0 ? -1 : take(fd, buf, n, sendAll);
	if (taken < 0) {
		drop(fd);
		return;
	}
	c->tailLen = n - taken;
	if (c->tailLen && !c->tail && !(c->tail = malloc(65536))) die("malloc");
	if (c->tailLen) memcpy(c->tail, buf + taken, c->tailLen);
}

int main(int argc, char **argv) {
	if (argc < 3 || argc > 4 || (strcmp(argv[1], "uring") && strcmp(argv[1], "send"))) {
		fprintf(stderr, "usage: relay uring|send PORT [FILE]\n");
		return 2;
	}
	if (argc == 4) openStore(argv[3]);
	void (*sendAll)(const char *, size_t) = strcmp(argv[1], "uring") ? sendPlain : sendRing;
	if (sendAll == sendRing) openRing();
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(atoi(argv[2]))};
	int l = socket(AF_INET, SOCK_STREAM, 0), ep = epoll_create1(0), one = 1;
	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(l, (void *)&a, sizeof a) || listen(l, 4096)) die("listen");
	struct epoll_event events[1024], e = {.events = EPOLLIN, .data.fd = l};
	if (epoll_ctl(ep, EPOLL_CTL_ADD, l, &e)) die("epoll_ctl");
	for (;;) {
		int k = epoll_wait(ep, events, 1024, -1);
		for (int i = 0; i < k; i++) {
			if (events[i].data.fd != l) {
				readFrom(events[i].data.fd, sendAll);
				continue;
			}
			int fd = accept(l, 0, 0);
			if (fd < 0 || fd >= CONNECTIONS_MAX) die("accept");
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
			e = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
			if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e)) die("epoll_ctl");
		}
	}
}
