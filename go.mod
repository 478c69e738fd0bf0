module github.com/fabric-kafka/orderer

go 1.26.0

// What the orderer is made of.
require (
	// At least 1.61.1: chain/log/kafka/reader/leader.go relies on how its consumer follows a leader.
	github.com/IBM/sarama v1.61.1
	// Tells keys of transactions apart, without an allocation for each: the version that Fabric requires.
	github.com/cespare/xxhash/v2 v2.1.2
	// The protobuf runtime of fabric-protos-go: the version that Fabric requires.
	github.com/golang/protobuf v1.5.2
	// The newest that the module proxy serves (main of April 2023).
	github.com/hyperledger/fabric v1.4.0-rc1.0.20230405174026-695dd57e01c2
	// Checks for /healthz, as that Fabric has them.
	github.com/hyperledger/fabric-lib-go v1.0.0
	// Messages of that Fabric; a newer major line registers the same names and cannot be linked beside it.
	github.com/hyperledger/fabric-protos-go v0.3.0
	// Decodes orderer.yaml, as Fabric's own consenters do: the version that Fabric requires.
	github.com/mitchellh/mapstructure v1.4.3
	// The interface through which sarama measures, to have it measure nothing: the version that sarama requires.
	github.com/rcrowley/go-metrics v0.0.0-20250401214520-65e299d6c5c9
	// Log-in with SCRAM. At least 1.3.0: the errors of older ones can hold the password.
	github.com/xdg-go/scram v1.4.0
	// Free space of the ledgers' disk.
	golang.org/x/sys v0.48.0
	// Runtime of our own messages, and through the tool line below their generator: one version for both.
	google.golang.org/protobuf v1.36.12
)

// What the network tool and the tests use beside.
require (
	// Reads CPU profiles of orderers, for the stages of the bench; it has no releases.
	github.com/google/pprof v0.0.0-20260802141513-ef3492d7dac3
	// Replaces a file as a whole.
	github.com/google/renameio/v2 v2.0.2
	// Chaincode shim of that Fabric.
	github.com/hyperledger/fabric-chaincode-go v0.0.0-20220713164125-8f0791c989d7
	// The version that Fabric requires: later ones refuse consensus type kafka.
	github.com/hyperledger/fabric-config v0.1.0
	// Runner and matchers of the integration suite; newer than Fabric's own, for contexts and time-outs of specs.
	github.com/onsi/ginkgo/v2 v2.34.0
	github.com/onsi/gomega v1.43.0
	// Commands and their flags.
	github.com/spf13/cobra v1.10.2
	// To find out whether an orderer has its ledgers open; the version that Fabric requires.
	github.com/syndtr/goleveldb v1.0.1-0.20210305035536-64b5b1c73954
	// The embedded broker. Builds with franz-go 1.22 or newer only, whatever it asks for.
	github.com/twmb/franz-go/pkg/kfake v0.0.0-20260918054303-01f206a7e32c
	// Goroutine leaks in tests.
	go.uber.org/goleak v1.3.0
	// The builder reads go.mod of a Fabric tree and completes ours with it.
	golang.org/x/mod v0.41.0
	// errgroup.
	golang.org/x/sync v0.24.0
	// Draws the plots of the bench, as SVG and PNG and without cgo.
	gonum.org/v1/plot v0.17.0
	// The version that Fabric requires: newer ones demand what its server does not do.
	google.golang.org/grpc v1.47.0
	// Edits orderer.yaml and keeps its comments, which yaml.v2 does not.
	go.yaml.in/yaml/v3 v3.0.5
	// Edits Fabric's sample configuration; the version that Fabric reads it with.
	gopkg.in/yaml.v2 v2.4.0
)

require (
	code.cloudfoundry.org/clock v1.0.0 // indirect
	codeberg.org/go-fonts/liberation v0.5.0 // indirect
	codeberg.org/go-latex/latex v0.2.0 // indirect
	codeberg.org/go-pdf/fpdf v0.11.1 // indirect
	git.sr.ht/~sbinet/gg v0.7.0 // indirect
	github.com/Azure/go-ansiterm v0.0.0-20170929234023-d6e3b3328b78 // indirect
	github.com/IBM/idemix v0.0.0-20220112103229-701e7610d405 // indirect
	github.com/IBM/mathlib v0.0.0-20220112091634-0a7378db6912 // indirect
	github.com/Knetic/govaluate v3.0.1-0.20171022003610-9aa49832a739+incompatible // indirect
	github.com/Masterminds/semver/v3 v3.4.0 // indirect
	github.com/Microsoft/go-winio v0.5.2 // indirect
	github.com/Microsoft/hcsshim v0.8.25 // indirect
	github.com/SmartBFT-Go/consensus v0.0.0-20230212211744-e5a79afcea81 // indirect
	github.com/VictoriaMetrics/fastcache v1.9.0 // indirect
	github.com/ajstarks/svgo v0.0.0-20211024235047-1546f124cd8b // indirect
	github.com/alecthomas/template v0.0.0-20190718012654-fb15b899a751 // indirect
	github.com/alecthomas/units v0.0.0-20210912230133-d1bdfacee922 // indirect
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/bits-and-blooms/bitset v1.2.1 // indirect
	github.com/chzyer/readline v1.5.1 // indirect
	github.com/consensys/gnark-crypto v0.6.0 // indirect
	github.com/containerd/cgroups v1.0.3 // indirect
	github.com/containerd/containerd v1.5.18 // indirect
	github.com/davecgh/go-spew v1.1.1 // indirect
	github.com/docker/docker v20.10.24+incompatible // indirect
	github.com/docker/go-connections v0.4.0 // indirect
	github.com/docker/go-units v0.5.0 // indirect
	github.com/dustin/go-humanize v1.0.0 // indirect
	github.com/eapache/go-resiliency v1.7.0 // indirect
	github.com/felixge/httpsnoop v1.0.1 // indirect
	github.com/fsnotify/fsnotify v1.4.9 // indirect
	github.com/fsouza/go-dockerclient v1.7.3 // indirect
	github.com/go-kit/kit v0.10.0 // indirect
	github.com/go-logfmt/logfmt v0.5.1 // indirect
	github.com/go-logr/logr v1.4.3 // indirect
	github.com/go-task/slim-sprig/v3 v3.0.0 // indirect
	github.com/gogo/protobuf v1.3.2 // indirect
	github.com/golang/freetype v0.0.0-20170609003504-e2365dfdc4a0 // indirect
	github.com/golang/groupcache v0.0.0-20210331224755-41bb18bfe9da // indirect
	github.com/golang/snappy v0.0.4 // indirect
	github.com/google/go-cmp v0.7.0 // indirect
	github.com/gorilla/handlers v1.5.1 // indirect
	github.com/gorilla/mux v1.8.0 // indirect
	github.com/grpc-ecosystem/go-grpc-middleware v1.3.0 // indirect
	github.com/hashicorp/go-uuid v1.0.3 // indirect
	github.com/hashicorp/hcl v1.0.0 // indirect
	github.com/hyperledger/fabric-amcl v0.0.0-20210603140002-2670f91851c8 // indirect
	github.com/ianlancetaylor/demangle v0.0.0-20250417193237-f615e6bd150b // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/jcmturner/aescts/v2 v2.0.0 // indirect
	github.com/jcmturner/dnsutils/v2 v2.0.0 // indirect
	github.com/jcmturner/gofork v1.7.6 // indirect
	github.com/jcmturner/gokrb5/v8 v8.4.4 // indirect
	github.com/jcmturner/rpc/v2 v2.0.3 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/magiconair/properties v1.8.1 // indirect
	github.com/matttproud/golang_protobuf_extensions v1.0.4 // indirect
	github.com/miekg/pkcs11 v1.1.1 // indirect
	github.com/mmcloughlin/addchain v0.4.0 // indirect
	github.com/moby/sys/mount v0.2.0 // indirect
	github.com/moby/sys/mountinfo v0.6.2 // indirect
	github.com/moby/term v0.0.0-20201216013528-df9cb8a40635 // indirect
	github.com/morikuni/aec v1.0.0 // indirect
	github.com/opencontainers/go-digest v1.0.0 // indirect
	github.com/opencontainers/image-spec v1.0.2 // indirect
	github.com/opencontainers/runc v1.1.5 // indirect
	github.com/pelletier/go-toml v1.8.1 // indirect
	github.com/pierrec/lz4/v4 v4.1.33 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	github.com/prometheus/client_golang v1.11.1 // indirect
	github.com/prometheus/client_model v0.3.0 // indirect
	github.com/prometheus/common v0.32.1 // indirect
	github.com/prometheus/procfs v0.8.0 // indirect
	github.com/sirupsen/logrus v1.9.0 // indirect
	github.com/spf13/afero v1.3.1 // indirect
	github.com/spf13/cast v1.3.1 // indirect
	github.com/spf13/jwalterweatherman v1.1.0 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	github.com/spf13/viper v1.7.0 // indirect
	github.com/stretchr/testify v1.12.1 // indirect
	github.com/subosito/gotenv v1.2.0 // indirect
	github.com/sykesm/zap-logfmt v0.0.4 // indirect
	github.com/tedsuo/ifrit v0.0.0-20220120221754-dd274de71113 // indirect
	github.com/twmb/franz-go v1.22.2 // indirect
	github.com/twmb/franz-go/pkg/kadm v1.19.0 // indirect
	github.com/twmb/franz-go/pkg/kmsg v1.15.0 // indirect
	github.com/xdg-go/stringprep v1.0.4 // indirect
	go.etcd.io/etcd/client/pkg/v3 v3.5.1 // indirect
	go.etcd.io/etcd/pkg/v3 v3.5.1 // indirect
	go.etcd.io/etcd/raft/v3 v3.5.1 // indirect
	go.etcd.io/etcd/server/v3 v3.5.1 // indirect
	go.opencensus.io v0.22.4 // indirect
	go.uber.org/atomic v1.7.0 // indirect
	go.uber.org/multierr v1.6.0 // indirect
	go.uber.org/zap v1.19.0 // indirect
	golang.org/x/crypto v0.57.0 // indirect
	golang.org/x/image v0.30.0 // indirect
	golang.org/x/net v0.59.0 // indirect
	golang.org/x/text v0.42.0 // indirect
	golang.org/x/tools v0.49.0 // indirect
	google.golang.org/genproto v0.0.0-20210602131652-f16073e35f0c // indirect
	gopkg.in/alecthomas/kingpin.v2 v2.2.6 // indirect
	gopkg.in/ini.v1 v1.51.0 // indirect
)

tool google.golang.org/protobuf/cmd/protoc-gen-go
