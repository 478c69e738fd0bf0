package integration_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/network/admin/command"
	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/fabricnet"
)

// trees are the Fabric releases that the specs of release lines build from.
var trees = flag.String("trees", "", "source trees of Fabric releases, separated by colons, for the specs labeled lines")

// line is a release line, found by a folder that only its trees have.
type line struct{ name, mark string }

var (
	line25 = line{"2.5", "orderer/consensus/kafka"}
	line31 = line{"3.1", "orderer/consensus/smartbft"}
)

// tree returns the source tree of a line, or fails the spec.
func (l line) tree() string {
	GinkgoHelper()
	for dir := range strings.SplitSeq(*trees, ":") {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(l.mark))); dir != "" && err == nil {
			return dir
		}
	}
	Fail("no source tree of Fabric " + l.name + " is given: make lines FABRIC_TREES=DIR[:DIR]")
	return ""
}

// build compiles our orderer for a line, with its peer and tools, and returns the folder. That of the
// module has been built.
func (l line) build(ctx context.Context) string {
	GinkgoHelper()
	if l == module {
		return binaries
	}
	tree := l.tree()
	root, err := filepath.Abs("..")
	Expect(err).NotTo(HaveOccurred())
	out := filepath.Join(root, ".build", "bin-"+filepath.Base(tree))
	Expect(fabricnet.Build(ctx, root, out, "--fabric", tree)).To(Succeed())
	return out
}

// stock compiles a line's own orderer, and returns the folder.
func (l line) stock(ctx context.Context) string {
	GinkgoHelper()
	tree := l.tree()
	out, err := filepath.Abs(filepath.Join("..", ".build", "stock-"+filepath.Base(tree)))
	Expect(err).NotTo(HaveOccurred())
	c := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", out+string(filepath.Separator), "./cmd/orderer")
	c.Dir = tree
	text, err := c.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), "%s", text)
	return out
}

// updates changes the number of messages in a block, through all orderers in turn, until ctx ends,
// and then reports how many updates are in a block. The next one is made when all orderers have the
// last one: by the rules of in-tree orderers, the copies of envelopes that became stale in between
// multiply with each update that they meet.
func (w *world) updates(ctx context.Context, channel string) <-chan uint64 {
	GinkgoHelper()
	first := w.config(ctx, "orderer1", channel).Sequence
	done := make(chan uint64, 1)
	go func() {
		defer GinkgoRecover()
		defer close(done)
		last := first
		for i := uint32(0); ctx.Err() == nil; i++ {
			sequence, err := w.resize(ctx, fmt.Sprintf("orderer%d", i%3+1), channel, 5+i%7)
			if err == nil {
				Eventually(func() bool { return ctx.Err() != nil || w.have(ctx, channel, sequence+1) }).Should(BeTrue())
				last = max(last, sequence+1)
			}
			select { // so that traffic is ordered between them
			case <-ctx.Done():
			case <-time.After(3 * time.Second):
			}
		}
		done <- last - first
	}()
	return done
}

// have reports whether all three orderers have a config of this sequence, or a later one.
func (w *world) have(ctx context.Context, channel string, sequence uint64) bool {
	for i := range 3 {
		o, err := w.reader.Dial(fmt.Sprintf("orderer%d", i+1))
		if err != nil {
			return false
		}
		config, err := o.Config(ctx, w.admin, channel)
		o.Close()
		if err != nil || config.Sequence < sequence {
			return false
		}
	}
	return true
}

// resize sets the number of messages in a block, and returns the sequence of the config that
// the update was made for.
func (w *world) resize(ctx context.Context, orderer, channel string, messages uint32) (sequence uint64, err error) {
	o, err := w.reader.Dial(orderer)
	if err != nil {
		return 0, err
	}
	defer o.Close()
	err = o.UpdateConfig(ctx, w.admin, channel, func(config *cb.Config) (map[string]proto.Message, error) {
		sequence = config.Sequence
		return client.BatchSizeUpdate(config, messages)
	})
	return sequence, err
}

// replaced replaces orderers one at a time by those of a folder, each after the previous one has caught up.
func (w *world) replaced(ctx context.Context, bin, channel string, orderers ...string) {
	GinkgoHelper()
	for _, o := range orderers {
		By("replacing " + o)
		Expect(w.Replace(ctx, o, bin)).To(Succeed())
		w.level(ctx, o, channel)
	}
}

// level waits until an orderer has the blocks that another one has now.
func (w *world) level(ctx context.Context, orderer, channel string) {
	GinkgoHelper()
	target, err := w.reader.Height(ctx, otherThan(orderer), channel)
	Expect(err).NotTo(HaveOccurred())
	Eventually(ctx, func() uint64 { return w.heights(ctx, channel, []string{orderer})[0] }).Should(BeNumerically(">=", target))
}

// otherThan returns the name of another orderer.
func otherThan(orderer string) string {
	if orderer == "orderer1" {
		return "orderer2"
	}
	return "orderer1"
}

var _ = Describe("a network of in-tree orderers with a system channel", Ordered, Label("kafka", "minutes", "lines"), func() {
	const channel = "mychannel"
	var w *operator
	var sent int // acknowledged envelopes, of all loads

	// under runs f while envelopes and config updates are ordered, and checks that nothing is lost.
	under := func(ctx context.Context, updates bool, f func()) {
		GinkgoHelper()
		traffic := w.load(ctx, channel, 30*time.Second)
		racing, stop := context.WithCancel(ctx)
		defer stop()
		var changed <-chan uint64
		if updates {
			changed = w.updates(racing, channel)
		}
		f()
		result := traffic.sound(ctx)
		sent += result.Acknowledged
		stop()
		if updates {
			Expect(<-changed).To(BeNumerically(">", 2), "no config update raced with the traffic")
		}
		w.equal(ctx, channel)
	}

	BeforeAll(func(ctx SpecContext) {
		stock, ours := line25.stock(ctx), line25.build(ctx)
		w = newOperator(raise(ctx, fabricnet.Options{InTree: stock, Bin: ours, Replication: 3}), channel)
	}, NodeTimeout(20*time.Minute))

	It("orders with its own orderers", func(ctx SpecContext) {
		under(ctx, true, func() {})
		Expect(w.Invoke(ctx, channel, "put", "k", "v1")).To(Succeed())
	}, NodeTimeout(5*time.Minute))

	It("prepares the next orderers as the guide says", func(ctx SpecContext) {
		w.succeeds(ctx, buildOurs, "orderer.tar.gz")
		w.succeeds(ctx, carryOver, "has the section Consensus.Kafka")
		code, out := w.follows(ctx, survey)
		Expect(code).To(Equal(command.ExitRefused), out)
		Expect(out).To(ContainSubstring("--add-config retention.ms=-1"))
	}, NodeTimeout(15*time.Minute))

	It("is taken over one orderer at a time, under load with config updates", func(ctx SpecContext) {
		under(ctx, true, func() { w.exchange(ctx, "bin", "orderer1", "orderer2", "orderer3") })
		Expect(w.rules(ctx, "orderer1")()).To(Equal(record.RuleSet_RULE_SET_COMPATIBLE))
		Expect(w.Invoke(ctx, channel, "put", "k", "v2")).To(Succeed())
	}, NodeTimeout(8*time.Minute))

	It("upgrades to the strict rules under load, once no in-tree orderer has written for ten minutes", func(ctx SpecContext) {
		code, out := w.follows(ctx, upgrade)
		Expect(code).To(Equal(command.ExitRefused), out)
		Expect(out).To(ContainSubstring("stop the in-tree orderers"))
		under(ctx, false, func() {}) // more records than the command looks at
		Eventually(ctx, func() error {
			_, err := w.tool(ctx, "upgrade-rules", "--dry-run")
			return err
		}).WithTimeout(12 * time.Minute).WithPolling(20 * time.Second).Should(Succeed())
		under(ctx, false, func() {
			w.succeeds(ctx, upgrade, "described as strict")
			Eventually(ctx, w.rules(ctx, "orderer1")).Should(Equal(record.RuleSet_RULE_SET_STRICT))
		})
	}, NodeTimeout(18*time.Minute))

	It("loses its system channel offline, one orderer at a time, under load", func(ctx SpecContext) {
		under(ctx, false, func() {
			for _, w.orderer = range []string{"orderer1", "orderer2", "orderer3"} {
				code, out := w.follows(ctx, removeOld)
				Expect(code).To(Equal(command.ExitRefused), out)
				Expect(out).To(ContainSubstring("stop the orderer first"))
				Expect(w.Stop(w.orderer)).To(Succeed())
				w.succeeds(ctx, removeOld, "the channels are now "+channel)
				Expect(w.Start(ctx, w.orderer)).To(Succeed())
				w.level(ctx, w.orderer, channel)
			}
		})
	}, NodeTimeout(6*time.Minute))

	It("changes to type etcdraft under load, as the guide says", func(ctx SpecContext) {
		under(ctx, false, func() {
			w.orderer = "orderer1"
			w.succeeds(ctx, changeType, "is ordered by Kafka (type etcdraft)")
			w.succeeds(ctx, changeType, "is ordered by Kafka (type etcdraft)") // there is nothing left to do
		})
		Expect(w.Invoke(ctx, channel, "put", "k", "of type etcdraft")).To(Succeed())
	}, NodeTimeout(5*time.Minute))

	It("continues with orderers of 3.1, one at a time, under load with config updates", func(ctx SpecContext) {
		w.succeeds(ctx, buildNewer, "")
		w.succeeds(ctx, carryNewer, "has the section Consensus.Kafka")
		under(ctx, true, func() { w.exchange(ctx, "bin31", "orderer1", "orderer2", "orderer3") })
		Expect(w.Invoke(ctx, channel, "put", "k", "v3")).To(Succeed())
		Expect(w.Query(ctx, 2, channel, "get", "k")).To(ContainSubstring("v3"))
	}, NodeTimeout(20*time.Minute))

	It("has peers of 3.1, one in place and a new one by a snapshot", func(ctx SpecContext) {
		w.renewPeers(ctx, line31.build(ctx))
		under(ctx, false, func() {})
		height := w.equal(ctx, channel)
		for peer := 1; peer <= 2; peer++ {
			Eventually(ctx, func() (uint64, error) { return w.PeerHeight(ctx, peer, channel) }).Should(BeNumerically(">=", height))
		}
	}, NodeTimeout(8*time.Minute))

	It("leaves for Raft, as the guide says", func(ctx SpecContext) {
		w.leavesAsWritten(ctx)
		GinkgoWriter.Printf("acknowledged in all: %d\n", sent)
		Expect(sent).To(BeNumerically(">", 10000))
		Expect(w.left()).To(BeEmpty(), "commands of the guides that no spec has run")
	}, NodeTimeout(8*time.Minute))
})
