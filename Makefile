# Everything here is a short name for a command that can be typed as well.

.PHONY: run build test test-short lint fuzz bench generate

run:            ## start a server with its defaults
	go run ./cmd/sarang serve

build:          ## bin/sarang
	CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/sarang

test:           ## the whole check, about ten minutes on two cores
	./scripts/test.sh

test-short:     ## the tests once, without race detector and fuzzing
	go test -short ./...

lint:           ## vet, staticcheck, gofumpt
	./scripts/lint.sh

TIME ?= 30s
fuzz:           ## every fuzz target for TIME each: make fuzz TIME=5m
	TIME=$(TIME) ./scripts/fuzz.sh

bench:          ## the measurements that docs/ talks about
	./scripts/bench.sh

generate:       ## Go code from proto/
	./scripts/generate.sh
