# The targets are also the steps of CI (.ci/run calls `make test`).
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
SHELL := bash

BIN    := .build/bin
PROTOS := chain/record/record.proto
SIMULATED := ./integration/sim/...
UNIT   := ./plugin/... ./chain/... ./consenter/... ./network/... $(SIMULATED)
RACE   := ./chain/... ./consenter/... $(SIMULATED)
SHIPPED := ./plugin/... $(RACE)
STEPS  := lint portable check-generated unit race sim-short matrix integration $(if $(NO_KAFKA),,kafka) $(if $(FABRIC_TREES),lines) $(if $(NO_DOCKER),,containers)

FUZZTIME ?= 10s
FUZZED   := chain consenter network plugin
# Simulation: make sim SEEDS=100000, or one run again: make sim SEED=132
SEEDS ?= 100000
SEED  ?=
# Mutants that `make test` proves the checkers with; make mutants has all of them.
FEW   := no-stale-check,overflow-covers-too-much,timer-lost,topic-id-ignored,judges-by-the-clock,acknowledges-anyway
# Narrow the integration suite: make integration FOCUS='joins late'
FOCUS ?=
# What its networks order through: embedded, apache, apache:VERSION
BROKERS ?= embedded
# Set it without Java: make test then leaves out what needs Apache Kafka, and reports that
NO_KAFKA ?=
# Set it if you are not root: the specs that mount small disks, to fill them, are left out, and the summary reports that
NO_ROOT ?=
# Set it without a container engine, or if you are not root: the network in containers is left out, and the summary reports that
NO_DOCKER ?=
# The version of Apache Kafka, for make kafka (default: 4) and make test-kafka (default: both)
VERSION ?=
# Narrow make test-kafka: make test-kafka PART='contract golden' VERSION=3.9; or make lines PART=line-verdicts
PART ?=
# The lowest port of the suites' first network, for a second checkout on the machine
BASE_PORT ?=

# For make images: docker (default) or podman; another platform; what the orderer's is built from (default: scratch); which
# images (default: orderer and broker)
ENGINE   ?=
PLATFORM ?=
BASE     ?=
IMAGES   ?=
# Folder of a Fabric CA release: make images IMAGES=ca builds it; with FABRIC_SAMPLES, make containers runs -ca on it
FABRIC_CA ?=

# Folder of fabric-samples, with bin and config of a release: make containers then also runs the test-network in it, with
# peers of the first of FABRIC_TREES
FABRIC_SAMPLES ?=

# Folders of Fabric releases, separated by colons, that make lines and make test prove the orderer on
FABRIC_TREES ?=

LINT     := go tool -modfile=.tools/go.mod golangci-lint run --allow-serial-runners
GENERATE := go -C .tools run ./generate -root ..
SIM      := go run ./integration/sim/run
SUITE    = $(GOTEST) -name $@ -live -specs $(CURDIR)/.build/test/$@.json --
REPORT   = -ginkgo.v -ginkgo.json-report=$(CURDIR)/.build/test/$@.json
BUT_ROOT := $(if $(NO_ROOT), && !root)
LEFT_OUT := $(if $(NO_KAFKA),; NO_KAFKA is set: nothing ran on Apache Kafka)$(if $(NO_ROOT),; NO_ROOT is set: no disk was filled)$(if $(NO_DOCKER),; NO_DOCKER is set: nothing ran in containers,$(if $(FABRIC_SAMPLES),$(if $(FABRIC_CA),,; FABRIC_CA is empty: nothing ran with -ca)))$(if $(FABRIC_TREES),,; FABRIC_TREES is empty: no Fabric but the module of go.mod)
COUNTS   := $(CURDIR)/.build/test/counts
GOTEST    = go -C .tools run ./gotest -dir .. -counts $(COUNTS)
PORTS     = $(if $(BASE_PORT),-base-port=$(BASE_PORT))

# The parts of make test-kafka: of ./integration/apache, and of ./integration (its parts_test.go says which
# file is in which). What no part names is in the last of each, so that nothing is left out.
APACHE_PARTS := contract access rows
SUITE_PARTS  := brokers links slow loss golden recovery orders
contract     := TestConformance|TestDenials
access       := TestAccess|TestLeastPrivilege|TestRights
tests_rows   := -skip '^($(contract)|$(access))'
tests         = $(or $(tests_$*),-run '^($($*))')

# The parts of make lines: on each release, and on all of them together.
LINE_PARTS := line-unit line-race
LINE_SUITE_PARTS := lines takeover
# lines-3.9 runs the specs of lines on the older Kafka.
LINES_ONCE := line-verdicts $(LINE_SUITE_PARTS) lines-3.9

.PHONY: help build binaries images generate check-generated lint portable unit race sim sim-compat mutants sim-short fuzz matrix integration kafka containers test-kafka $(APACHE_PARTS:%=part-%) $(SUITE_PARTS:%=part-%) lines $(LINE_PARTS:%=part-%) $(LINES_ONCE:%=part-%) test demo bench clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## the orderer with the plugin in it, into .build/bin
	go run ./plugin/builder --out $(BIN)

# What the suites start, before their time limits begin: the first build takes a quarter of an hour on a busy machine.
binaries:
	go run ./plugin/builder --out $(BIN) --with osnkafka,peer,osnadmin,configtxgen,cryptogen,configtxlator

images: ## container images of the orderer and of a broker (IMAGES=orderer, PLATFORM=linux/arm64, BASE=IMAGE, ENGINE=podman)
	go run ./network/images $(or $(IMAGES),$(if $(PLATFORM),orderer,orderer broker)) --sbom $(if $(ENGINE),--engine $(ENGINE)) $(if $(PLATFORM),--platform $(PLATFORM)) $(if $(BASE),--base $(BASE)) $(if $(FABRIC_CA),--fabric-ca $(FABRIC_CA))

generate: ## Go code of the .proto files
	$(GENERATE) $(PROTOS)

check-generated: ## fails when generated code is stale
	@fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && \
	$(GENERATE) -out "$$fresh" $(PROTOS) && \
	for file in $(PROTOS:.proto=.pb.go); do \
		diff -u "$$file" "$$fresh/$$file" || { echo "$$file is stale: run make generate" >&2; exit 1; }; \
	done

lint: ## golangci-lint, as pinned in .tools/go.mod, the words of .tools/words, and the packages of .tools/layout
	$(LINT) ./...
	cd .tools && go tool golangci-lint run --allow-serial-runners ./...
	go -C .tools run ./words -root ..
	go -C .tools run ./layout -root ..

portable: ## all but the integration tests with processes compiles for macOS as well
	CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 go vet $(UNIT)

unit: .build/test ## unit tests, of the tools too, and what the suite checks of itself
	cd .tools && go test ./...
	$(GOTEST) -name unit -- -timeout 5m -skip '^TestIntegration$$' $(UNIT) ./integration

race: .build/test ## unit tests of chain and consenter, and the simulation, under the race detector
	$(GOTEST) -name race -- -race -timeout 10m $(RACE)

fuzz: ## every fuzz target for FUZZTIME (10s); fails if one exists that cannot be run
	@set -euo pipefail; files=$$(grep -rl --include='*_test.go' '^func Fuzz' $(FUZZED)); \
	dirs=$$(dirname $$files | sort -u); for dir in $$dirs; do \
		written=$$(grep -ho '^func Fuzz[A-Za-z0-9_]*' $$dir/*_test.go | cut -c6- | sort); \
		listed=$$(go test -list '^Fuzz' "./$$dir"); \
		listed=$$(grep '^Fuzz' <<<"$$listed" | sort); \
		[ "$$written" = "$$listed" ] || { echo "$$dir has" $$written "and would run" $$listed >&2; exit 1; }; \
		for target in $$written; do \
			echo "== $$dir $$target"; \
			go test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "./$$dir"; \
		done; \
	done

sim: ## simulated channels under all faults (SEEDS=100000, or SEED=n for one)
	$(SIM) seeds $(if $(SEED),--seed $(SEED),--seeds $(SEEDS))

sim-compat: ## the defects of in-tree orderers next to ours, as a table
	$(SIM) compat

mutants: ## proves the simulation's checkers: each deliberate defect must be caught
	$(SIM) mutants

sim-short: ## what CI runs of sim and mutants
	$(SIM) seeds --seeds 5000
	$(SIM) mutants --seeds 3000 --only $(FEW)

matrix: .build/test ## what Kafka can do to a channel, on the embedded broker
	$(GOTEST) -name matrix -- -timeout 5m -count 1 ./integration/matrix

integration: .build/test binaries ## real orderers, peers and brokers (FOCUS='text' narrows it, BROKERS=apache:3.9)
	$(SUITE) -timeout 45m -count 1 ./integration -args -brokers=$(BROKERS) $(PORTS) $(REPORT) $(if $(FOCUS),-ginkgo.focus='$(FOCUS)') \
		-ginkgo.label-filter='$(if $(filter embedded,$(BROKERS)),!kafka,!lines)$(BUT_ROOT)'

kafka: .build/test binaries ## what only Apache Kafka can show: three brokers, logging in, rights, rows of the matrix (VERSION=3.9)
	$(GOTEST) -name access -- -timeout 15m -count 1 ./integration/apache -run 'TestAccess|TestLeastPrivilege|TestRights|TestRow' -args -kafka=$(or $(VERSION),4)
	$(SUITE) -timeout 30m -count 1 ./integration -args -brokers=apache:$(or $(VERSION),4) $(PORTS) $(REPORT) -ginkgo.label-filter='kafka && !minutes$(BUT_ROOT)'

containers: .build/test binaries ## manifests, images, and a network in containers with an engine of its own (needs root; FABRIC_SAMPLES=DIR for more)
	go -C .tools run ./manifests -root .. network/kubernetes/orderer.yaml
	$(GOTEST) -name $@ -live -- -v -timeout 25m -count 1 ./integration/containers $(if $(FABRIC_SAMPLES),-args -samples=$(FABRIC_SAMPLES) -tree=$(firstword $(subst :, ,$(FABRIC_TREES))) -ca=$(FABRIC_CA))

test-kafka: .build/test ## all that runs on Apache Kafka, in parts, on both versions (PART='contract golden', VERSION=3.9)
	@go -C .tools run ./parts -counts $(CURDIR)/.build/test/part -parts '$(APACHE_PARTS) $(SUITE_PARTS)' -versions '3.9 4' \
		-part '$(PART)' -version '$(VERSION)' -left-out '$(if $(NO_ROOT),NO_ROOT is set: no disk was filled)'

$(APACHE_PARTS:%=part-%): part-%: .build/test
	$(GOTEST) -name $* -- -timeout 28m -count 1 ./integration/apache $(tests) -args -kafka=$(VERSION)

$(SUITE_PARTS:%=part-%): part-%: .build/test binaries
	$(SUITE) -timeout 28m -count 1 ./integration -args -brokers=apache:$(VERSION) -part=$* $(PORTS) $(REPORT) -ginkgo.timeout=25m \
		-ginkgo.label-filter='!none$(BUT_ROOT)'

lines: .build/test ## the packages that ship, against the Fabric releases in FABRIC_TREES=DIR[:DIR...]
	@[ -n "$(FABRIC_TREES)" ] || { echo "make lines: FABRIC_TREES names no folder; set it to checkouts or unpacked source archives of Fabric releases, with colons between" >&2; exit 2; }
	@go -C .tools run ./parts -counts $(CURDIR)/.build/test/part -parts '$(LINE_PARTS)' -once '$(LINES_ONCE)' -versions '$(subst :, ,$(FABRIC_TREES))' \
		-part '$(PART)'

part-line-unit: .build/test
	flags=$$(go run ./plugin/builder flags --fabric $(VERSION)) && go vet $$flags $(SHIPPED) && \
	FABRIC_TREES=$(VERSION) $(GOTEST) -name line-unit -- $$flags -timeout 10m $(SHIPPED)

part-line-race: .build/test
	flags=$$(go run ./plugin/builder flags --fabric $(VERSION)) && \
	$(GOTEST) -name line-race -- $$flags -race -timeout 15m $(RACE)

$(LINE_SUITE_PARTS:%=part-%) part-lines-3.9: part-%: .build/test
	$(SUITE) -timeout 58m -count 1 ./integration -args -brokers=apache:$(if $(filter lines,$*),4,3.9) -part=$(*:-3.9=) -trees=$(FABRIC_TREES) $(PORTS) $(REPORT) -ginkgo.timeout=55m

part-line-verdicts: .build/test
	$(GOTEST) -name line-verdicts -live -- -v -run '^TestLinesReachTheSameVerdicts$$' -count 1 -timeout 40m ./chain/verdict -args -fabric-trees='$(FABRIC_TREES)'

test: .build/test ## lint, portable, check-generated, unit, race, sim-short, matrix, integration, kafka, containers (NO_KAFKA=1, NO_ROOT=1, NO_DOCKER=1 leave out)
	@rm -f .build/test/counts; all=$$SECONDS; for step in $(STEPS); do \
		echo "== $$step"; start=$$SECONDS; \
		$(MAKE) $$step || { echo "== $$step failed after $$((SECONDS - start)) s" >&2; exit 1; }; \
		echo "== $$step: $$((SECONDS - start)) s"; \
	done; echo "== all: $$((SECONDS - all)) s$(LEFT_OUT)"

demo: ## starts a network, orders chaincode transactions, and shows the blocks
	go run ./network demo

bench: ## benchmarks of the core and the log
	go test -run '^$$' -bench . -benchmem ./chain/...

clean: ## stops a network in .network and removes what was built
	@if [ -e .network ]; then go run ./network down; fi
	rm -rf .build

.build/test:
	@mkdir -p $@
