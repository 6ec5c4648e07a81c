# Everything here also runs as the plain go commands it names; .ci/run runs all of it.
export CGO_ENABLED = 0
PYTHON ?= python3
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: all build check test test-purego race fuzz bench generate schema ci

all: build check test

build:
	go build ./...

check: # format, vet, architecture
	@test -z "$$(gofmt -l -s $$(git ls-files '*.go' | grep -v /testdata/))" || (gofmt -l -s $$(git ls-files '*.go'); false)
	go vet ./...
	go run $(STATICCHECK) ./...
	go test ./internal/lint

test:
	go test ./...

test-purego: # without assembly
	go test -tags purego -short ./...

race: # needs a C compiler
	CGO_ENABLED=1 go test -race -short -skip AllocatesNothing ./internal/par/... ./internal/plan/... ./internal/feed/... ./runtime/... ./internal/kernel/move/...

fuzz: # each fuzz target for a while
	@for pkg in $$(grep -rl '^func Fuzz' --include='*_test.go' . | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -ho '^func Fuzz[A-Za-z0-9]*' $$pkg/*_test.go | cut -d' ' -f2); do \
	    go test -run '^$$' -fuzz "^$$f$$" -fuzztime 30s $$pkg || exit 1; done; done

bench:
	go test -run '^$$' -bench . -benchmem ./internal/kernel/... ./runtime/...

generate: # assembly and tables that Go programs write
	go generate ./...

schema: # operator schemas; PYTHON must have the package onnx that the generator names
	$(PYTHON) onnx/schema/_gen/gen.py

ci:
	.ci/run
