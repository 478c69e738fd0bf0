package bench

import (
	"bytes"
	"math"
	"testing"

	"github.com/google/pprof/profile"

	"github.com/fabric-kafka/orderer/chain/checktest"
)

// stack is a sample: its functions, the innermost first.
type stack struct {
	nanoseconds int64
	functions   []string
}

// profileOf writes a CPU profile as a Go process does.
func profileOf(t *testing.T, stacks ...stack) *bytes.Buffer {
	p := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
		PeriodType: &profile.ValueType{Type: "cpu", Unit: "nanoseconds"}, Period: 1e7,
	}
	functions := map[string]*profile.Location{}
	for _, s := range stacks {
		sample := &profile.Sample{Value: []int64{s.nanoseconds / 1e7, s.nanoseconds}}
		for _, name := range s.functions {
			l := functions[name]
			if l == nil {
				id := uint64(len(functions) + 1)
				f := &profile.Function{ID: id, Name: name}
				l = &profile.Location{ID: id, Line: []profile.Line{{Function: f}}}
				functions[name] = l
				p.Function, p.Location = append(p.Function, f), append(p.Location, l)
			}
			sample.Location = append(sample.Location, l)
		}
		p.Sample = append(p.Sample, sample)
	}
	var b bytes.Buffer
	checktest.Must(t, p.Write(&b))
	return &b
}

const (
	fabric = "github.com/hyperledger/fabric/"
	own    = "github.com/fabric-kafka/orderer/"
	kafka  = "github.com/IBM/sarama."
)

// The innermost function that says something decides: Order is called by Broadcast, and appends.
func TestSharesOfStages(t *testing.T) {
	verify := "crypto/ecdsa.Verify"
	process, order := fabric+"orderer/common/broadcast.(*Handler).ProcessMessage", own+"chain.(*Chain).Order"
	loop := own + "chain.(*Chain).run"
	got, err := Shares(profileOf(t,
		stack{30e7, []string{verify, process, "google.golang.org/grpc.(*Server).handleStream"}},
		stack{10e7, []string{"proto.Marshal", own + "chain/record.Encode", order, process}},
		stack{10e7, []string{"syscall.Write", kafka + "(*Broker).write", kafka + "(*brokerProducer).run"}},
		stack{10e7, []string{"syscall.Read", kafka + "(*Broker).responseReceiver"}},
		stack{10e7, []string{"crypto/sha256.block", own + "chain/record.EnvelopeOf", loop}},
		stack{10e7, []string{"syscall.fsync", fabric + "common/ledger/blkstorage.(*blockfileMgr).addBlock", fabric + "orderer/common/multichannel.(*BlockWriter).commitBlock"}},
		stack{10e7, []string{"proto.Marshal", fabric + "orderer/common/multichannel.(*BlockWriter).CreateNextBlock", loop}},
		stack{5e7, []string{"runtime.gcDrain", "runtime.gcBgMarkWorker"}},
		stack{5e7, []string{"google.golang.org/grpc.(*serverStream).SendMsg", fabric + "common/deliver.(*Handler).deliverBlocks"}},
	))
	checktest.Must(t, err)
	// Sending a delivered block is gRPC's: it is the innermost that is known.
	for s, want := range map[Stage]float64{ingress: 0.35, appending: 0.2, reading: 0.1, deciding: 0.2, writing: 0.1, other: 0.05} {
		if math.Abs(got[s]-want) > 1e-9 {
			t.Errorf("%s has the share %.3f, want %.3f", s, got[s], want)
		}
	}
}

func TestStageOfOtherConsenters(t *testing.T) {
	for function, want := range map[string]Stage{
		fabric + "orderer/consensus/etcdraft.(*Chain).Order":                     appending,
		fabric + "orderer/consensus/etcdraft.(*Chain).run":                       shared,
		fabric + "orderer/consensus/etcdraft.(*node).run":                        appending,
		"go.etcd.io/etcd/raft/v3.(*raft).Step":                                   appending,
		fabric + "orderer/consensus/kafka.(*chainImpl).enqueue":                  appending,
		fabric + "orderer/consensus/kafka.(*chainImpl).processMessagesToBlocks":  shared,
		fabric + "orderer/common/blockcutter.(*receiver).Ordered":                deciding,
		"github.com/Shopify/sarama.(*partitionConsumer).responseFeeder":          reading,
		"github.com/hyperledger/fabric/vendor/google.golang.org/grpc/internal.X": ingress,
	} {
		if got, ok := stageOf(function); !ok || got != want {
			t.Errorf("%s is a sign of %q, want %q", function, got, want)
		}
	}
	for _, function := range []string{"runtime.mcall", "main.main", "example.com/notsarama.(*consumer).x", ""} {
		if got, ok := stageOf(function); ok {
			t.Errorf("%q is a sign of %q, want none", function, got)
		}
	}
}

func TestNoProfile(t *testing.T) {
	_, err := Shares(bytes.NewBufferString("not a profile"))
	checktest.Fails(t, err, "read the CPU profile")
	_, err = Shares(profileOf(t))
	checktest.Fails(t, err, "no samples")
}
