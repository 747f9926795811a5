//go:build !linux

package main

import (
	"errors"
	"net/netip"
	"time"
)

// errLinux is what this program says on other systems: its sockets are Linux's.
var errLinux = errors.New("the attackers run on Linux only")

type poller struct{}

type socketOptions struct{ recvBufferBytes int }

func newPoller() (*poller, error)                                          { return nil, errLinux }
func (*poller) close()                                                     {}
func (*poller) add(int, bool, bool) error                                  { return errLinux }
func (*poller) change(int, bool, bool) error                               { return errLinux }
func (*poller) wait(time.Duration, func(fd int, read, write, broken bool)) {}

func sysDial(netip.Addr, netip.AddrPort, socketOptions) (int, error) { return 0, errLinux }
func sysError(int) error                                             { return errLinux }
func sysRead(int, []byte) (int, error)                               { return 0, errLinux }
func sysWrite(int, []byte) (int, error)                              { return 0, errLinux }
func sysFinish(int)                                                  {}
func sysClose(int, bool)                                             {}
func cpuWait(int) time.Duration                                      { return 0 }
func pinSelf(int) error                                              { return errLinux }
func pinWords(int) []string                                          { return nil }
func raiseFiles()                                                    {}
