package integration_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"

	"github.com/fabric-kafka/orderer/network/fabricnet"
)

// An orderer of Fabric 2.5.0 to 2.5.2, or of the module that go.mod requires, can hang in a channel of Raft from its start
// on, with or without the options of the builder. In its package etcdraft, the chain applies the log and waits for the node
// to sync it, for each consenter (chain.go:1183); when a message of the leader arrives just then, the node waits for the
// chain to take a change of leader, or more of the log (node.go:156). An operator restarts the orderer; Fabric 2.5.3 and
// 3.0.0 have no such wait. See https://github.com/hyperledger/fabric/issues/4199.
const defect = "Fabric's defect 4199"

// waitsIn returns an expression for a goroutine that waits in a method of package etcdraft to send on a channel.
func waitsIn(method string) *regexp.Regexp {
	return regexp.MustCompile(`(?m)^goroutine \d+ .*\[chan send.*\]:\n(runtime\..*\n\t.*\n)*github\.com/hyperledger/fabric/orderer/consensus/etcdraft\.` + regexp.QuoteMeta(method) + `\(`)
}

var chainWaits, nodeWaits = waitsIn("(*Chain).apply"), waitsIn("(*node).run")

// defective reports whether stacks show that an orderer stands still because of the defect.
func defective(stacks string) bool {
	return chainWaits.MatchString(stacks) && nodeWaits.MatchString(stacks)
}

// Start starts a process. An orderer in which the defect struck is started again, and the report has an entry for that.
func (w *world) Start(ctx context.Context, name string) error {
	if err := w.Network.Start(ctx, name); err != nil {
		return err
	}
	return w.passDefect(ctx, name)
}

// Replace restarts a process with other binaries, and starts it again as [world.Start] does.
func (w *world) Replace(ctx context.Context, name, bin string) error {
	if err := w.Network.Replace(ctx, name, bin); err != nil {
		return err
	}
	return w.passDefect(ctx, name)
}

// passDefect restarts an orderer until its Raft runs in every channel, as an operator would.
func (w *world) passDefect(ctx context.Context, name string) error {
	o, err := w.Orderer(name)
	if err != nil || o.Profile == "" {
		return nil // a broker or a peer, or a network without Raft
	}
	for w.struck(ctx, o) {
		AddReportEntry(defect, name+" stood still, and was restarted")
		if err := errors.Join(w.Stop(name), w.Network.Start(ctx, name)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// struck waits until Raft runs in every channel of an orderer that was just started, and reports whether its stacks show
// instead that it never will. If it does not run for another reason, the spec is to find that.
func (w *world) struck(ctx context.Context, o fabricnet.Orderer) bool {
	for _, c := range w.Descriptor().Channels {
		if w.series(o.Name, "consensus_etcdraft_cluster_size", c.Name) < 0 {
			continue // not a channel of Raft, or not on this orderer
		}
		batches := func() float64 { return w.series(o.Name, "consensus_etcdraft_data_persist_duration_count", c.Name) }
		begun := time.Now()
		for first := batches(); batches() < first+2 && time.Since(begun) < time.Minute && ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
			if time.Since(begun) > 2*time.Second && defective(stacksOf(o)) { // there is a batch for each heartbeat
				return true
			}
		}
	}
	return false
}

// stacksOf returns the stacks of a running orderer's goroutines, or why there are none.
func stacksOf(o fabricnet.Orderer) string {
	_, text := get("http://" + o.Profile + "/debug/pprof/goroutine?debug=2")
	return text
}

func TestDefective(t *testing.T) {
	goroutine := func(state, method string) string {
		return "goroutine 116 gp=0xc6df8d5b4a0 m=nil [" + state + "]:\nruntime.gopark(0x42?, 0x7fea3fa31a00?)\n\truntime/proc.go:462 +0xce\n" +
			"runtime.chansend1(0xc6df92bfb00?, 0xc6df7f6be38?)\n\truntime/chan.go:161 +0x17\n" +
			"github.com/hyperledger/fabric/orderer/consensus/etcdraft." + method + "(0xc6df7f5c308)\n\tetcdraft/chain.go:1183 +0x428\n" +
			"github.com/hyperledger/fabric/orderer/consensus/etcdraft.(*Chain).run(0xc6df7f5c308)\n\tetcdraft/chain.go:809 +0xcd4\n"
	}
	chain, node := goroutine("chan send", "(*Chain).apply"), goroutine("chan send, 2 minutes", "(*node).run")
	for _, c := range []struct {
		what   string
		stacks []string
		want   bool
	}{
		{"both wait for each other", []string{node, chain}, true},
		{"only the chain waits", []string{chain, goroutine("select", "(*node).run")}, false},
		{"only the node waits", []string{goroutine("runnable", "(*Chain).apply"), node}, false},
		{"a method that the chain calls waits", []string{goroutine("chan send", "(*Chain).writeBlock"), node}, false},
	} {
		if got := defective(strings.Join(c.stacks, "\n")); got != c.want {
			t.Errorf("%s: %v", c.what, got)
		}
	}
}
