package integration_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/fabricnet"
	"github.com/fabric-kafka/orderer/network/inspect"
	"github.com/fabric-kafka/orderer/network/stress/load"
)

// world is a network with the identities that use it.
type world struct {
	*fabricnet.Network
	reader *inspect.Reader
	admin  *client.Identity // of the orderer organization
	user   *client.Identity // of Org1
}

func newWorld(n *fabricnet.Network) *world {
	d := n.Descriptor()
	r, err := fabricnet.NewReader(n.Dir(), d)
	Expect(err).NotTo(HaveOccurred())
	user, err := client.LoadIdentity(d.Users[0].MSPID, filepath.Join(n.Dir(), d.Users[0].Cert), filepath.Join(n.Dir(), d.Users[0].Key))
	Expect(err).NotTo(HaveOccurred())
	return &world{Network: n, reader: r, admin: r.Identity(), user: user}
}

// targets returns the named orderers, or all if none is named.
func (w *world) targets(names ...string) []load.Target {
	var out []load.Target
	for _, o := range w.Descriptor().Orderers {
		if len(names) == 0 || slices.Contains(names, o.Name) {
			out = append(out, load.Target{Name: o.Name, Address: o.Address, CA: filepath.Join(w.Dir(), o.TLSCA)})
		}
	}
	return out
}

// running is a load in the background of a spec.
type running struct {
	result chan load.Result
}

// fewest is the number of acknowledged envelopes below which a load proves nothing.
const fewest = 100

// load sends envelopes in the background for at least d and until more than [fewest] are acknowledged. It
// uses the named orderers (all if none is named), switching to another after each error.
func (w *world) load(ctx context.Context, channel string, d time.Duration, orderers ...string) *running {
	r := &running{make(chan load.Result, 1)}
	end, enough := time.Now().Add(d), make(chan struct{})
	stop := sync.OnceFunc(func() { close(enough) })
	report := func(p load.Progress) {
		if p.Acknowledged > fewest && time.Now().After(end) {
			stop()
		}
	}
	go func() {
		defer GinkgoRecover()
		defer close(r.result)
		result, err := load.Run(ctx, load.Config{
			Channel: channel, Who: w.user, Targets: w.targets(orderers...), Until: end.Add(2 * time.Minute), Enough: enough, Report: report,
			Rate: 150, Size: 1500, Streams: 6, Persist: true, Settle: 2 * time.Minute,
		})
		Expect(err).NotTo(HaveOccurred())
		r.result <- result
	}()
	return r
}

// sound waits for the load to end and checks that every acknowledged
// envelope is on every orderer exactly once.
func (r *running) sound(ctx context.Context) load.Result {
	var result load.Result
	Eventually(ctx, r.result).WithTimeout(6 * time.Minute).Should(Receive(&result))
	GinkgoWriter.Println(result)
	Expect(result.Acknowledged).To(BeNumerically(">", fewest), "the load did not get through")
	Expect(result.Missing).To(BeZero(), "acknowledged envelopes are missing")
	Expect(result.Duplicated).To(BeZero(), "envelopes are in the ledger twice")
	return result
}

// equal waits until these orderers (all if none is named) have the same height,
// then compares every block.
func (w *world) equal(ctx context.Context, channel string, names ...string) uint64 {
	GinkgoHelper()
	if len(names) == 0 {
		names = w.Descriptor().Running()
	}
	Eventually(ctx, func() []string { return slices.Compact(w.answers(ctx, channel, names)) }).Should(HaveLen(1), "the orderers' heights differ")
	height, err := w.reader.Verify(ctx, channel, names)
	Expect(err).NotTo(HaveOccurred())
	return height
}

// answers returns the heights that the orderers report, as text. An error carries the name of its
// orderer, so that no two errors are equal.
func (w *world) answers(ctx context.Context, channel string, names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		height, err := w.reader.Height(ctx, name, channel)
		if out[i] = fmt.Sprint(height); err != nil {
			out[i] = fmt.Sprintf("%s: %v", name, err)
		}
	}
	return out
}

// heights returns the orderers' heights, zero for those that cannot be read.
func (w *world) heights(ctx context.Context, channel string, names []string) []uint64 {
	out := make([]uint64, len(names))
	for i, name := range names {
		out[i], _ = w.reader.Height(ctx, name, channel)
	}
	return out
}

// orders sends one envelope to an orderer.
func (w *world) orders(ctx context.Context, orderer, channel string) error {
	e, err := w.user.Message(channel, 500)
	Expect(err).NotTo(HaveOccurred())
	return w.submit(ctx, orderer, e)
}

func (w *world) submit(ctx context.Context, orderer string, e *cb.Envelope) error {
	o, err := w.reader.Dial(orderer)
	Expect(err).NotTo(HaveOccurred())
	defer o.Close()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return o.Submit(ctx, e)
}

// config returns the config in force at an orderer.
func (w *world) config(ctx context.Context, orderer, channel string) *cb.Config {
	GinkgoHelper()
	o, err := w.reader.Dial(orderer)
	Expect(err).NotTo(HaveOccurred())
	defer o.Close()
	c, err := o.Config(ctx, w.admin, channel)
	Expect(err).NotTo(HaveOccurred())
	return c
}

// update submits a config update of the orderer group through an orderer.
func (w *world) update(ctx context.Context, orderer, channel string, config *cb.Config, values map[string]proto.Message) error {
	e, err := client.OrdererUpdate(w.admin, channel, config, values)
	Expect(err).NotTo(HaveOccurred())
	return w.submit(ctx, orderer, e)
}

// status returns a function that reads the relation and status of a channel from the
// participation API of an orderer, or the error.
func (w *world) status(ctx context.Context, orderer, channel string) func() string {
	return func() string {
		info, err := w.Info(ctx, orderer, channel)
		if err != nil {
			return err.Error()
		}
		return info.Relation + " " + info.Status
	}
}

func (w *world) genesis(channel string) []byte {
	GinkgoHelper()
	b, err := os.ReadFile(filepath.Join(w.Dir(), "blocks", channel+".block"))
	Expect(err).NotTo(HaveOccurred())
	return b
}

// write appends values to a topic, as a foreign writer with the rights to write.
func (w *world) write(ctx context.Context, topic string, values ...[]byte) {
	GinkgoHelper()
	l, err := inspect.OpenTopic(w.Descriptor().Brokers, topic)
	Expect(err).NotTo(HaveOccurred())
	defer l.Close()
	for _, v := range values {
		Expect(l.Append(ctx, v)).To(Succeed())
	}
}
