package main

import (
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// poller tells which sockets can be read or written.
type poller struct {
	fd     int
	events []unix.EpollEvent
}

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	return &poller{fd: fd, events: make([]unix.EpollEvent, 512)}, err
}

func (p *poller) close() { _ = unix.Close(p.fd) }

func interest(read, write bool) (e uint32) {
	if read {
		e |= unix.EPOLLIN
	}
	if write {
		e |= unix.EPOLLOUT
	}
	return e
}

func (p *poller) add(fd int, read, write bool) error {
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: interest(read, write), Fd: int32(fd)})
}

func (p *poller) change(fd int, read, write bool) error {
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_MOD, fd, &unix.EpollEvent{Events: interest(read, write), Fd: int32(fd)})
}

// wait calls ready for each socket that something can be done with. broken says that
// the connection has failed or ended in both directions.
func (p *poller) wait(d time.Duration, ready func(fd int, read, write, broken bool)) {
	n, err := unix.EpollWait(p.fd, p.events, int(max(d, 0).Milliseconds()))
	if err != nil {
		return // interrupted
	}
	for _, e := range p.events[:n] {
		broken := e.Events&(unix.EPOLLERR|unix.EPOLLHUP) != 0
		ready(int(e.Fd), e.Events&unix.EPOLLIN != 0, e.Events&unix.EPOLLOUT != 0, broken)
	}
}

// socketOptions are what attackers set on a socket; zero is the system's default.
type socketOptions struct{ recvBufferBytes int }

// sysDial starts to connect a socket of the address from (not valid: any) to to.
func sysDial(from netip.Addr, to netip.AddrPort, o socketOptions) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, os.NewSyscallError("socket", err)
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if o.recvBufferBytes > 0 {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, o.recvBufferBytes)
	}
	if from.IsValid() {
		// The port is chosen when the connection is made, so that one port serves for
		// several far ends; ip(7).
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
		if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: from.As4()}); err != nil {
			_ = unix.Close(fd)
			return 0, os.NewSyscallError("bind", err)
		}
	}
	err = unix.Connect(fd, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())})
	if err != nil && !errors.Is(err, unix.EINPROGRESS) {
		_ = unix.Close(fd)
		return 0, os.NewSyscallError("connect", err)
	}
	return fd, nil
}

// sysError is what has become of a connect, or what is wrong with a socket.
func sysError(fd int) error {
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil || n == 0 {
		return err
	}
	return unix.Errno(n)
}

// sysRead and sysWrite return errFull when there is nothing to do now.
func sysRead(fd int, b []byte) (int, error) {
	n, err := unix.Read(fd, b)
	return max(n, 0), again(err)
}

func sysWrite(fd int, b []byte) (int, error) {
	n, err := unix.SendmsgN(fd, b, nil, nil, unix.MSG_NOSIGNAL)
	return max(n, 0), again(err)
}

func again(err error) error {
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		return errFull
	}
	return err
}

func sysFinish(fd int) { _ = unix.Shutdown(fd, unix.SHUT_WR) }

// sysClose closes a socket, with a reset if that is wanted.
func sysClose(fd int, reset bool) {
	if reset {
		_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
	_ = unix.Close(fd)
}

// pinSelf keeps all threads of this program, and those that come from them, on one CPU.
func pinSelf(cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range tasks {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			return err
		}
		if err := unix.SchedSetaffinity(id, &set); err != nil && !errors.Is(err, unix.ESRCH) {
			return os.NewSyscallError("sched_setaffinity", err)
		}
	}
	return nil
}

// cpuWait is how long the threads of a process were ready to run and had to wait for a
// CPU, since their start; proc(5), schedstat. On a machine that others use, too, this is
// what to look at before a latency is believed.
func cpuWait(pid int) (sum time.Duration) {
	dir := "/proc/" + strconv.Itoa(pid) + "/task/"
	tasks, _ := os.ReadDir(dir)
	for _, t := range tasks {
		text, _ := os.ReadFile(dir + t.Name() + "/schedstat")
		if fields := strings.Fields(string(text)); len(fields) > 1 {
			ns, _ := strconv.ParseInt(fields[1], 10, 64)
			sum += time.Duration(ns)
		}
	}
	return sum
}

// pinWords run a command on one CPU; nil if that can not be had.
func pinWords(cpu int) []string {
	if _, err := exec.LookPath("taskset"); err != nil || runtime.NumCPU() < 2 {
		return nil
	}
	return []string{"taskset", "-c", strconv.Itoa(cpu)}
}

// raiseFiles allows this program as many open files as the system lets it have.
func raiseFiles() {
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &l) == nil && l.Cur < l.Max {
		l.Cur = l.Max
		_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &l)
	}
}
