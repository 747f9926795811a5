package peer

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strconv"

	"sarang/aio"
	"sarang/bench/internal/wire"
)

// Server is one of the compared chat servers, in one configuration.
type Server struct {
	Name     string
	Tool     string // of Tools
	Protocol wire.Protocol
	Setup    string // how it is configured, in a sentence for the report
	// ConnectsMax is how many connects are under way at once if not as many as with the
	// others; 0: as many.
	ConnectsMax int
	Optional    bool // not one of those that are measured unless asked for

	command func(tool, dir string, addr netip.AddrPort, conns int) (Command, error)
}

// Command returns what starts the server for conns connections.
func (s Server) Command(t *Tools, conns int) func(dir string, addr netip.AddrPort) (Command, error) {
	return func(dir string, addr netip.AddrPort) (Command, error) {
		tool, ok := t.Path[s.Tool]
		if !ok {
			return Command{}, fmt.Errorf("%s: %s", s.Name, t.Missing[s.Tool])
		}
		return s.command(tool, dir, addr, conns)
	}
}

// Servers are all that can be compared, in the order of the report.
func Servers() []Server {
	all := []Server{relayServer("uring"), relayServer("send"), storingRelay()}
	for _, kind := range aio.Kinds() {
		all = append(all, sarangServer("sarang-"+kind, kind, wire.Sarang{}))
	}
	all = append(all, sarangServer("sarang-ephemeral", "auto", wire.Sarang{Ephemeral: true}))
	for _, kind := range aio.Kinds() {
		s := sarangServer(BeforePrefix+kind, kind, wire.Sarang{})
		s.Tool, s.Optional, s.Setup = ToolBefore, true, "sarang-"+kind+" of the commit that --before names"
		all = append(all, s)
	}
	return append(all, peers()...)
}

// peers are the servers of others.
func peers() []Server {
	return []Server{
		{
			Name: "redis", Tool: ToolRedis, Protocol: wire.Redis{},
			Setup:   "--save '' --appendonly no --maxclients enough --client-output-buffer-limit pubsub 0 0 0 --tcp-backlog 1024; no log",
			command: redisCommand,
		},
		{
			Name: "nats", Tool: ToolNATS, Protocol: wire.NATS{},
			Setup: "nats-server as a library in a process of its own; defaults, but for max_pending 1 GiB and no log",
			command: func(tool, _ string, addr netip.AddrPort, conns int) (Command, error) {
				return Command{Args: []string{tool, "--listen", addr.String(), "--connections", strconv.Itoa(conns + spareConns)}}, nil
			},
		},
		{
			Name: "inspircd", Tool: ToolInspIRCd, Protocol: wire.IRC{},
			Setup:   "fakelag off, command rate, recvq, sendq and clones unlimited, no name or ident look-ups, no log; greets newcomers once a second, so 1,000 connect at once and not 64",
			command: inspircdCommand, ConnectsMax: 1000,
		},
		{
			Name: "mosquitto", Tool: ToolMosquitto, Protocol: wire.MQTT{},
			Setup: "MQTT 3.1.1, QoS 0; set_tcp_nodelay true, max_queued_messages 0, no persistence, no log",
			command: func(tool, dir string, addr netip.AddrPort, _ int) (Command, error) {
				conf := fmt.Sprintf("listener %d 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n"+
					"max_queued_messages 0\nmax_queued_bytes 0\nmax_connections -1\nsys_interval 0\nlog_type none\n", addr.Port())
				return Command{Args: []string{tool, "-c", dir + "/mosquitto.conf"}, File: map[string]string{"mosquitto.conf": conf}}, nil
			},
		},
	}
}

// spareConns are connections beyond a workload's: the one that looks whether the
// server listens, and what the server keeps for itself.
const spareConns = 100

// BeforePrefix stands before the driver in the names of servers of another commit.
const BeforePrefix = "before-"

func sarangServer(name, io string, p wire.Sarang) Server {
	setup := "defaults (durable room, --sync power-safe: a group commit with one fsync); --io " + io + ", limits raised to the workload's"
	if p.Ephemeral {
		setup = "as above, --io " + io + ", with an ephemeral room, which is not stored"
	}
	return Server{
		Name: name, Tool: ToolSarang, Protocol: p, Setup: setup, Optional: p.Ephemeral || io == "portable",
		command: func(tool, dir string, addr netip.AddrPort, conns int) (Command, error) {
			args := []string{
				tool, "serve", "--listen", "tcp://" + addr.String(), "--http", "off", "--io", io, "--data", dir + "/data",
				"--sessions-max", strconv.Itoa(conns + spareConns), "--rooms-joined-max", strconv.Itoa(max(64, conns)), "--log-level", "warn",
			}
			help, err := exec.Command(tool, "serve", "--help").Output()
			if err != nil {
				return Command{}, fmt.Errorf("%s serve --help: %w", tool, err)
			}
			if bytes.Contains(help, []byte("--web ")) { // older ones have no web address, or know "off" only
				args = append(args, "--web", "off")
			}
			return Command{Args: args}, nil
		},
	}
}

func relayServer(how string) Server {
	return Server{
		Name: "relay-" + how, Tool: ToolRelay, Protocol: wire.Relay{},
		Setup: "bench/relay.c: the smallest server that the same client can talk to; 118 bytes per delivery",
		command: func(tool, _ string, addr netip.AddrPort, _ int) (Command, error) {
			return Command{Args: []string{tool, how, strconv.Itoa(int(addr.Port()))}}, nil
		},
	}
}

// storingRelay is the least that a server can do which stores what it shows.
func storingRelay() Server {
	s := relayServer("uring")
	s.Name = "relay-stored"
	s.Setup = "relay-uring, and every round is written to a file of fixed length and synced (fdatasync) before it is sent"
	s.command = func(tool, dir string, addr netip.AddrPort, _ int) (Command, error) {
		return Command{Args: []string{tool, "uring", strconv.Itoa(int(addr.Port())), dir + "/stored"}}, nil
	}
	return s
}

func redisCommand(tool, dir string, addr netip.AddrPort, conns int) (Command, error) {
	return Command{Args: []string{
		tool, "--bind", "127.0.0.1", "--port", strconv.Itoa(int(addr.Port())), "--dir", dir, "--save", "", "--appendonly", "no",
		"--maxclients", strconv.Itoa(conns + spareConns), "--client-output-buffer-limit", "pubsub 0 0 0",
		"--tcp-backlog", "1024", "--loglevel", "warning",
	}}, nil
}

// inspircdCommand: the server refuses to be root unless told to.
func inspircdCommand(tool, dir string, addr netip.AddrPort, conns int) (Command, error) {
	limit := conns + spareConns
	conf := fmt.Sprintf(`<server name="bench.localhost" description="bench" network="bench">
<admin name="bench" nick="bench" email="bench@localhost">
<bind address="127.0.0.1" port="%d" type="clients">
<connect name="main" allow="*" timeout="60" pingfreq="10m" hardsendq="1G" softsendq="512M" recvq="64M" threshold="1000000"
 commandrate="1000000000" fakelag="no" localmax="%[2]d" globalmax="%[2]d" maxconnwarn="no" resolvehostnames="no" useident="no"
 limit="%[2]d" maxchans="%[2]d">
<performance softlimit="%[2]d" somaxconn="1024" netbuffersize="65534" clonesonconnect="no" quietbursts="yes">
<options defaultmodes="nt">
<class name="none"><type name="none"><files>
<limits maxchan="60">
<cidr ipv4clone="32" ipv6clone="128">
<pid file="%s/inspircd.pid">
`, addr.Port(), limit, dir)
	args := []string{tool, "--nofork", "--nolog", "--config", dir + "/inspircd.conf"}
	if os.Geteuid() == 0 {
		args = append(args, "--runasroot")
	}
	return Command{Args: args, File: map[string]string{"inspircd.conf": conf}}, nil
}
