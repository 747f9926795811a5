# Everything here is a short name for a command that can be typed as well.

.PHONY: run run-postgres build test test-short lint wine fuzz simulate mutations crash faults proxies soak bench bench-check bench-peers generate hostile web web-build

run:            ## start a server with its defaults
	go run ./cmd/sarang serve

run-postgres:   ## the same on a PostgreSQL of its own, in a temporary folder
	./scripts/postgres.sh run go run ./cmd/sarang serve --store {}

build:          ## bin/sarang
	CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/sarang

test:           ## the whole check, some forty minutes on two cores (25 is the aim)
	./scripts/test.sh

test-short:     ## the tests once, without race detector and fuzzing
	go test -short ./...

lint:           ## vet, staticcheck, gofumpt
	./scripts/lint.sh

wine:           ## the Windows tests of all packages, under Wine
	./scripts/wine.sh test

TIME ?= 30s
fuzz:           ## every fuzz target for TIME each: make fuzz TIME=5m
	TIME=$(TIME) ./scripts/fuzz.sh

simulate: TIME = 10m
simulate:       ## the whole server from random seeds: make simulate TIME=10m
	TIME=$(TIME) ./scripts/simulate.sh

mutations:      ## faults on purpose: does the simulation notice?
	./scripts/mutations.sh

crash:          ## kill the server at random moments: make crash KILLS=20
	./scripts/crash.sh

faults:         ## everything goes wrong with its PostgreSQL: make faults FAULTS=32
	./scripts/faults.sh

proxies:        ## nginx, HAProxy and Caddy before a real server (installs them: Debian, root)
	./scripts/proxies.sh

soak:           ## does anything grow in a long run? make soak DURATION=10m
	./scripts/soak.sh

hostile:        ## attackers against a real server, beside clients that behave
	./scripts/hostile.sh

bench:          ## the measurements that docs/ talks about: make bench ARGS='--quick'
	./scripts/bench.sh $(ARGS)

bench-check:    ## does this commit make anything slower than its parent? make bench-check BEFORE=v1.0
	./scripts/bench.sh --before $(or $(BEFORE),HEAD~1) --repeat 5 $(ARGS)

bench-peers:    ## the same, after installing Redis, InspIRCd and mosquitto (Debian, root)
	./scripts/bench.sh peers $(ARGS)

generate:       ## Go code from proto/
	./scripts/generate.sh

web:            ## the page and the TypeScript SDK, with a browser
	./scripts/web.sh

web-build:      ## builds the page that the server embeds
	./scripts/web.sh build
