// A disk that is slow to write what it has for good: fsync and fdatasync wait for as many
// milliseconds as the file says that SLOW_SYNC_FILE names. For LD_PRELOAD.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void wait_as_told(void) {
	const char *path = getenv("SLOW_SYNC_FILE");
	char text[16] = {0};
	int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (file < 0)
		return;
	if (read(file, text, sizeof text - 1) > 0)
		usleep(1000 * (useconds_t)atoi(text));
	close(file);
}

int fsync(int file) {
	wait_as_told();
	return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
	wait_as_told();
	return (int)syscall(SYS_fdatasync, file);
}
