# One line per kind of run; `make help` lists them.

GO ?= go

.PHONY: help build demo test race lint short kafka peers bench

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

build: ## the program, ./tidemark
	CGO_ENABLED=0 $(GO) build -trimpath -o tidemark ./cmd/tidemark

demo: ## a broker in the process, a shop's traffic, the live page
	$(GO) run ./cmd/tidemark demo

test: ## everything, on the real components (Kafka from Maven; DuckDB with cgo); says what it skips
	./.ci/test

short: ## the unit tests only
	$(GO) test -tags synctests -short ./...

race: ## the packages with goroutines, under the race detector
	$(GO) test -tags synctests -race -short ./...

lint: ## gofmt, vet, staticcheck
	./.ci/lint

kafka: ## fetch the real broker's jars
	./bench/kafka/kafka.sh fetch

peers: ## fetch the engines that Tidemark is measured beside, and hold each against the oracle
	TIDEMARK_PEERS=all $(GO) test -v -timeout 60m ./bench/peers

SCENARIO ?= zipf-10m
BENCH ?=
bench: ## measure a scenario: make bench SCENARIO=latency BENCH="--broker kafka"; SCENARIO=all for all of them
	$(GO) run ./bench run $(SCENARIO) $(BENCH)
