# Everything that a fresh machine needs is made on the way: a Docker engine, Go, make and git
# are enough. The first run without a registry builds the cluster's images, once.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Runs a command with the Docker engine and the images that fit this machine.
WITH_IMAGES := hack/with-images
PODPROOF := bin/podproof
# Those with code of ours; hack/node's wrap Kubernetes and containerd, which take minutes to vet.
MODULES := . api hack hack/admission hack/verifiers

# ARGS is passed on to podproof: make verify-prod ARGS='--only "image/*" -v'
ARGS ?=

# One setting for all builds, so that they share Go's build cache; only the race detector needs cgo.
export CGO_ENABLED := 0
RACE := CGO_ENABLED=1 go test -race

.PHONY: help
help: ## Say what can be made
	@sed -n 's/^\([a-z0-9 -]*\):.*## \(.*\)/\1	\2/p' $(MAKEFILE_LIST) | expand -t 22

.PHONY: build
build: ## Build podproof to bin/podproof
	@go build -ldflags '-s -w -X main.stamped=$(shell git describe --tags --always --dirty 2>/dev/null)' -o $(PODPROOF) ./cmd/podproof

# Where podproof's own image goes: a registry's name, or a folder.
IMAGE ?= oci:bin/image
# The same commit makes the same programs, whoever builds them, and so the same digest.
PROGRAM := go build -trimpath -buildvcs=false -ldflags '-s -w -X main.stamped=$(shell git describe --tags --always --dirty 2>/dev/null)'

.PHONY: image
image: build ## podproof's own image, for amd64 and arm64, without Docker (IMAGE=registry.example/podproof:v1)
	@for arch in amd64 arm64; do GOOS=linux GOARCH=$$arch $(PROGRAM) -o bin/podproof-linux-$$arch ./cmd/podproof; done
	@$(PODPROOF) agent push $(IMAGE)

.PHONY: build-prod
build-prod: build ## Build the API's production image, reactbin-api-prod:latest
	@$(WITH_IMAGES) -n go,static $(PODPROOF) build

.PHONY: verify-prod-k8s verify-prod
verify-prod-k8s verify-prod: build ## Verify the API's production image in a kind cluster
	@$(WITH_IMAGES) $(PODPROOF) verify $(ARGS)

.PHONY: test
test: lint test-unit test-integration test-e2e ## Lint, unit, integration and end-to-end tests

.PHONY: test-unit
test-unit: ## Tests in seconds, without Docker
	@for m in $(MODULES); do (cd $$m && $(RACE) ./...); done

.PHONY: test-integration
test-integration: test-page test-verifiers ## The API's tests against a real Postgres, the page's, and those of other verifiers
	@$(WITH_IMAGES) -n postgres hack/with-postgres env -C api $(RACE) -count=1 -tags integration ./...

.PHONY: test-page
test-page: ## The HTML report in a real Chromium; ARGS='-artifacts -outputdir /tmp/page' keeps the screenshots
	@hack/with-chromium go test -count=1 -tags integration -run TestPage ./internal/report $(ARGS)

.PHONY: test-verifiers
test-verifiers: build ## What cosign's library, which Kyverno calls, makes of podproof's statements
	@cd hack/verifiers && go test -count=1 -tags integration ./...

.PHONY: test-kyverno
test-kyverno: build ## What Kyverno's own command line makes of podproof's statements and of its policy; compiles it once
	@hack/with-kyverno env -C hack/verifiers go test -count=1 -timeout 20m -v -tags 'integration kyverno' -run TestKyverno ./...

.PHONY: test-e2e
test-e2e: build ## podproof on a real cluster: the good images, and the mutants that must fail
	@$(WITH_IMAGES) bash -ec 'for p in ./internal/collect/build ./cmd/podproof; do go test -count=1 -timeout 50m -v -tags e2e $$p; done'

.PHONY: soak
soak: build ## Verify reactbin 20 times in one cluster: the same verdicts each time (ARGS='-runs 5 -busy')
	@$(WITH_IMAGES) go test -count=1 -timeout 3h -v -tags 'e2e soak' -run TestSoak ./cmd/podproof $(ARGS)

.PHONY: soak-busy
soak-busy: build ## Verify good images and mutants on a machine at load 30 (ARGS='-runs 10 -images reactbin,fastapi')
	@$(WITH_IMAGES) go test -count=1 -timeout 4h -v -tags 'e2e soak' -run TestBusy ./cmd/podproof $(ARGS)

.PHONY: test-nodes
test-nodes: build ## podproof in a namespace of a cluster of three nodes, with policies, a quota and an audit log
	@$(WITH_IMAGES) go test -count=1 -timeout 1h -v -tags 'e2e nodes' -run TestThreeNodes ./cmd/podproof $(ARGS)

.PHONY: truth-nodeless
truth-nodeless: build ## Try the whole truth table with nodes and with --no-node-access, side by side
	@$(WITH_IMAGES) go test -count=1 -timeout 2h -v -tags 'e2e soak' -run TestTruthTableWithoutNodes ./cmd/podproof $(ARGS)

.PHONY: lint
lint: ## gofmt, go vet, staticcheck, shellcheck
	@hack/lint $(MODULES)

.PHONY: bench
bench: build ## Time podproof inspect beside programs that read the same images
	@hack/bench/run $(ARGS)

.PHONY: bench-verify
bench-verify: build ## Time whole runs of podproof verify beside kind alone and a script (ARGS='-script FILE -n 3')
	@$(WITH_IMAGES) hack/bench/run verify $(ARGS)

.PHONY: bench-many
bench-many: build ## Time podproof verify with 8 contracts beside one, in fresh clusters (ARGS='-n 3 -parallel 0,3,1')
	@$(WITH_IMAGES) hack/bench/run many $(ARGS)

.PHONY: images
images: ## Pull or build the images that a run needs
	@hack/images ensure

.PHONY: engine-stop
engine-stop: ## End the private Docker engine, where one was started
	@hack/engine stop

.PHONY: clean
clean: ## Remove what runs kept or left, and bin/
	@if [ -x $(PODPROOF) ]; then $(WITH_IMAGES) -n static $(PODPROOF) clean; fi
	@rm -rf bin
