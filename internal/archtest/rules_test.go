package archtest

import (
	"fmt"
	"slices"
	"strings"
)

// module is the path that the project's own imports begin with.
const module = "sarang"

// floors are the project's top-level packages from the bottom up. A package
// imports its own floor and those below.
func floors() []string {
	return []string{"lock", "mem", "aio", "engine", "packet", "websocket", "proto", "chat", "client", "internal", "cmd", testsFloor}
}

// testsFloor are the programs and tests that look at the real server from outside.
// They may use everything, and nobody uses them.
const testsFloor = "tests"

// base are the floors that know nothing of chat; games build on them. The engine is
// below package packet: that is one framing of several.
func base() []string { return []string{"lock", "mem", "aio", "engine", "packet", "websocket"} }

// The parts of a node. The hub is the same behind every gateway; assembly alone puts
// gateways, engine and hub together. What gateways of packets have in common is package
// internal/gateway, for them alone. Package internal/store chooses among its drivers,
// which stand below it.
const (
	gateways = "internal/gateway/"
	shared   = "internal/gateway"
	stores   = "internal/store/"
	hub      = "internal/hub"
	assembly = "internal/node"
)

// sqlTrunk is what the stores on database servers share: its drivers stand on it.
const sqlTrunk = "internal/store/sqlstore"

// adapters are the families of packages that each talk to one technology.
func adapters() []string { return []string{gateways, stores, "internal/cluster/"} }

// importRule returns what is wrong with package from importing package to, both
// without the module's name: "" if nothing. Tests may reach upwards, as a client is
// tested against a server; but the base knows nothing of chat even there.
func importRule(from, to string, test bool) string {
	fromFloor, toFloor := floorOf(from), floorOf(to)
	switch {
	case fromFloor == "examples":
		if !slices.Contains(base(), toFloor) && toFloor != "examples" {
			return "an example shows what can be built on the public packages " + strings.Join(base(), ", ")
		}
		return ""
	case rank(fromFloor) < 0:
		return fmt.Sprintf("%q is no floor: give it a place in docs/ARCHITECTURE.md and in this test", fromFloor)
	case rank(toFloor) < 0:
		return fmt.Sprintf("%q is not to be imported", toFloor)
	case toFloor == testsFloor && fromFloor != testsFloor:
		return "what looks at the server from outside is used by nobody"
	case slices.Contains(base(), fromFloor) && !slices.Contains(base(), toFloor):
		return "the base knows nothing of chat"
	case test:
		return ""
	case rank(fromFloor) < rank(toFloor):
		return fmt.Sprintf("%s is above %s: imports go down", toFloor, fromFloor)
	case fromFloor == "chat" && toFloor != "chat":
		return "chat is the domain and stands on the standard library alone"
	case strings.HasPrefix(to, gateways) && !strings.HasPrefix(from, gateways) && from != assembly:
		return "gateways are put in by " + assembly + " alone"
	case to == shared && !within(from, shared) && from != assembly:
		return "what gateways have in common is theirs and " + assembly + "'s alone"
	case within(from, hub) && slices.Contains([]string{"packet", "websocket", "proto"}, toFloor):
		return "the hub knows no wire protocol"
	case adapterOf(from) != "" && adapterOf(to) != "" && adapterOf(from) != adapterOf(to):
		return "packages that talk to the outside do not import each other"
	}
	return ""
}

// floorOf returns the first element of a package's path.
func floorOf(pkg string) string {
	first, _, _ := strings.Cut(pkg, "/")
	return first
}

// rank is a floor's height, -1 for what is no floor.
func rank(floor string) int { return slices.Index(floors(), floor) }

// within reports whether pkg is dir or below it.
func within(pkg, dir string) bool { return pkg == dir || strings.HasPrefix(pkg, dir+"/") }

// adapterOf returns the adapter that a package belongs to (its family and the next
// element), "" for none. Conformance suites (…test) belong to everybody, and what stores on
// database servers share to all of those.
func adapterOf(pkg string) string {
	for _, family := range adapters() {
		if rest, ok := strings.CutPrefix(pkg, family); ok {
			name, _, _ := strings.Cut(rest, "/")
			if strings.HasSuffix(name, "test") || family+name == sqlTrunk {
				return ""
			}
			return family + name
		}
	}
	return ""
}

// outsideRule returns what is wrong with package from importing a package of the
// standard library, "" if nothing: rooms are pure.
func outsideRule(from, imported string, test bool) string {
	if from != "internal/room" || test {
		return ""
	}
	switch floorOf(imported) {
	case "os", "net", "syscall", "database":
		return "internal/room has no I/O: it takes input and returns effects"
	}
	return ""
}
