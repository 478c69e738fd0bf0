package fabricnet

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/form"
)

// Options describe the network to start. The zero value of a field means its default.
type Options struct {
	Dir          string         `json:"-"`            // everything is below it; default ".network"
	Bin          string         `json:"bin"`          // folder of the binaries; default: built into .build/bin
	Fabric       string         `json:"fabric"`       // source tree of the Fabric release to build the binaries from; default: the module in go.mod
	OrdererBins  map[int]string `json:"ordererBins"`  // folders with the binaries of single orderers, by number from 1, to mix Fabric releases
	PeerBins     map[int]string `json:"peerBins"`     // the same of peers
	InTree       string         `json:"inTree"`       // folder with the orderer of Fabric 2.5 as released: the network begins with such orderers and a system channel that creates Channels; see Replace
	Channels     []string       `json:"channels"`     // ordered through Kafka; default mychannel
	Type         string         `json:"type"`         // consensus type of Channels: kafka, the default, or etcdraft
	Raft         []string       `json:"raft"`         // channels of type etcdraft, ordered by Raft, in addition to them
	Orderers     int            `json:"orderers"`     // default 3
	Peers        int            `json:"peers"`        // default 2, alternating between Org1 and Org2; negative for none
	Orgs         int            `json:"orgs"`         // peer organizations; default: those of the peers, or 1. More than 2 only without peers
	AnyWriters   bool           `json:"anyWriters"`   // /Channel/Writers is ANY of the organizations' policies, as in Fabric's samples; see configtx
	Brokers      []string       `json:"brokers"`      // host:port of running brokers; default: an embedded one
	Apache       string         `json:"apache"`       // version of Apache Kafka whose brokers are started; see UseBrokers
	BrokerCount  int            `json:"brokerCount"`  // of Apache Kafka; default 3
	BrokerLines  []string       `json:"brokerLines"`  // more lines of server.properties, for every broker of Apache Kafka; see apache.Cluster
	Proxied      bool           `json:"proxied"`      // orderers reach the brokers of Apache Kafka through a proxy; see package links
	Compatible   []string       `json:"compatible"`   // channels that may be read by the rules of in-tree orderers
	Moved        []string       `json:"moved"`        // channel=id of the topics that channels were moved to
	Settings     []string       `json:"settings"`     // of every orderer's Consensus.Kafka, as in its environment: TIMEOUTS_DIAL=2s
	Environment  []string       `json:"environment"`  // more variables of every orderer, after those that the network sets: GOGC=100
	Profiled     bool           `json:"profiled"`     // orderers serve profiles of themselves, at Orderer.Profile
	LedgerDisk   int            `json:"ledgerDisk"`   // size in MB of an in-memory disk for each orderer's ledger; 0: on the disk of Dir
	Crypto       string         `json:"crypto"`       // folder of crypto material in cryptogen's layout; with it, Channels has no default. Default: it is generated
	MaxMessages  int            `json:"maxMessages"`  // of a block; default 10
	BatchTimeout time.Duration  `json:"batchTimeout"` // default 500 ms
	BasePort     int            `json:"basePort"`     // lowest of the ports, all on 127.0.0.1; default 17050
	Replication  int            `json:"replication"`  // of a topic; default: 1 for the embedded broker, else up to 3

	Progress io.Writer `json:"-"` // gets one line per step; default: discarded
}

// portSpan is the number of ports, from the base, that a network may use.
const portSpan = 600

func (o Options) withDefaults() Options {
	if o.Dir == "" {
		o.Dir = ".network"
	}
	if len(o.Channels) == 0 && len(o.Raft) == 0 && o.Crypto == "" {
		o.Channels = []string{"mychannel"}
	}
	o.Type = cmp.Or(o.Type, fabric.ConsensusTypeKafka)
	o.Orderers = cmp.Or(o.Orderers, 3)
	o.Peers = cmp.Or(o.Peers, 2)
	o.Peers = max(o.Peers, 0)
	o.MaxMessages = cmp.Or(o.MaxMessages, 10)
	o.BatchTimeout = cmp.Or(o.BatchTimeout, 500*time.Millisecond)
	o.BasePort = cmp.Or(o.BasePort, 17050)
	if o.Apache != "" {
		o.BrokerCount = cmp.Or(o.BrokerCount, 3)
	}
	if o.Replication == 0 {
		o.Replication = min(3, len(o.brokers()))
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	return o
}

var channelName = regexp.MustCompile(`^[a-z][a-z0-9.-]{0,248}$`)

func (o Options) validate() error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	all := o.allChannels()
	for i, c := range all {
		check(channelName.MatchString(c), "channel %q: want lower case letters, digits, dots and dashes, a letter first", c)
		check(!slices.Contains(all[:i], c), "channel %q is named twice", c)
	}
	check(o.Orderers >= 1 && o.Orderers <= 9, "%d orderers: want 1 to 9", o.Orderers)
	check(o.Bin == "" || o.Fabric == "", "a folder of binaries and a Fabric tree to build them from: want one of them")
	for number := range o.OrdererBins {
		check(number >= 1 && number <= o.Orderers, "a binary for orderer %d: there are orderers 1 to %d", number, o.Orderers)
	}
	check(o.Type == fabric.ConsensusTypeKafka || o.Type == form.SharedType, "channels of type %q: want %s or %s", o.Type, fabric.ConsensusTypeKafka, form.SharedType)
	check(o.InTree == "" || o.Type == fabric.ConsensusTypeKafka, "channels of type %s of in-tree orderers: want %s", o.Type, fabric.ConsensusTypeKafka)
	check(o.InTree == "" || len(o.Raft) == 0, "channels of type etcdraft with in-tree orderers: want none")
	check(o.Peers <= 8, "%d peers: want up to 8", o.Peers)
	check(o.Peers == 0 || o.orgs() <= 2, "%d organizations with peers: want 1 or 2, or no peers", o.orgs())
	if o.Apache != "" {
		check(slices.Contains([]int{1, 3, 5}, o.BrokerCount), "%d brokers: want 1, 3 or 5", o.BrokerCount)
	} else {
		check(o.BrokerCount == 0, "a number of brokers is for Apache Kafka only: --brokers apache")
	}
	check(o.LedgerDisk == 0 || o.LedgerDisk >= 128, "%d MB for a ledger: want 128 at least, half of it is the orderers' reserve", o.LedgerDisk)
	check(!o.Proxied || o.Apache != "", "a proxy is for brokers of Apache Kafka only: --brokers apache")
	check(!o.Proxied || o.InTree == "" || o.Orderers == 1, "%d in-tree orderers behind a proxy: want 1, since they all take the brokers' addresses from the channel", o.Orderers)
	check(o.MaxMessages >= 1, "%d messages a block: want at least 1", o.MaxMessages)
	check(o.BatchTimeout >= time.Millisecond, "batch timeout %v: want at least 1ms", o.BatchTimeout)
	check(o.BasePort >= 1024 && o.BasePort+portSpan < 65536, "base port %d: want 1024 to %d", o.BasePort, 65535-portSpan)
	return errors.Join(faults...)
}

func (o Options) allChannels() []string { return slices.Concat(o.Channels, o.Raft) }

// Ports relative to the base; each orderer and peer has ten.
const (
	ordererPort   = 0
	peerPort      = 100
	proxyPort     = 200 // twenty for each broker after the first ten; see links.go
	chaincodePort = 500
	brokerPort    = 501
	apachePort    = 510 // ten for each broker
)

func (o Options) address(port int) string { return fmt.Sprintf("127.0.0.1:%d", o.BasePort+port) }

// ordererName and peerName return the name of the i-th process, from 0.
func ordererName(i int) string { return fmt.Sprintf("orderer%d", i+1) }
func peerName(i int) string    { return fmt.Sprintf("peer%d", i+1) }

const (
	brokerName    = "broker"
	proxyName     = "proxy"
	chaincodeName = "chaincode"
)

// numberOf returns the number at the end of a process's name, or 0.
func numberOf(name string) int {
	number, _ := strconv.Atoi(strings.TrimLeft(name, "abcdefghijklmnopqrstuvwxyz"))
	return number
}

// orgOf returns the number of the i-th peer's organization, 1 or 2.
func orgOf(peer int) int { return peer%2 + 1 }

// orgs returns the number of peer organizations. A network without peers has
// at least one for its clients.
func (o Options) orgs() int { return max(1, min(2, o.Peers), o.Orgs) }

// seat returns the number of a peer within its organization, as cryptogen counts.
func seat(peer int) int { return peer / 2 }

func orgMSP(org int) string    { return fmt.Sprintf("Org%dMSP", org) }
func orgDomain(org int) string { return fmt.Sprintf("org%d.example.com", org) }

// Folders of cryptogen's output, relative to the network's.
func ordererOrgDir() string { return filepath.Join("crypto", "ordererOrganizations", "example.com") }

func ordererCrypto(i int) string {
	return filepath.Join(ordererOrgDir(), "orderers", ordererName(i)+".example.com")
}

func peerOrgDir(org int) string {
	return filepath.Join("crypto", "peerOrganizations", orgDomain(org))
}

func peerCrypto(i int) string {
	return filepath.Join(peerOrgDir(orgOf(i)), "peers", fmt.Sprintf("peer%d.%s", seat(i), orgDomain(orgOf(i))))
}

func userCrypto(orgDir, user, domain string) string {
	return filepath.Join(orgDir, "users", user+"@"+domain)
}
