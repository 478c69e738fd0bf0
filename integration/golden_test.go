package integration_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/IBM/sarama"
	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/record"
	"github.com/fabric-kafka/orderer/chain/session/golden"
	"github.com/fabric-kafka/orderer/network/client"
	"github.com/fabric-kafka/orderer/network/fabricnet"
	"github.com/fabric-kafka/orderer/network/inspect"
)

// The recorded channels name their broker, so only one replay runs at a time.
var _ = Describe("golden vectors", Ordered, ContinueOnFailure, func() {
	for _, name := range golden.Names {
		It("cuts the records of "+name+" into the blocks of in-tree orderers", func(ctx SpecContext) {
			r := newReplay(ctx, name, name)
			r.join(ctx)
			r.faithful(ctx)
		}, SpecTimeout(9*time.Minute))

		It("cuts the records of "+name+" into the same blocks when it is killed halfway", func(ctx SpecContext) {
			const tries = 4 // on a busy machine the orderer may finish before it is killed
			for try := 1; killedHalfway(ctx, name) == 0; try++ {
				Expect(try).To(BeNumerically("<", tries), "each kill came too late, at the last block")
			}
		}, SpecTimeout(9*time.Minute))
	}

	It("continues where a recording ends", func(ctx SpecContext) {
		r := newReplay(ctx, "plain", "plain")
		r.join(ctx)
		r.faithful(ctx)
		r.orderNext(ctx, 400*time.Millisecond)
	}, SpecTimeout(9*time.Minute))

	It("follows the rules of in-tree orderers only where an operator allows it", func(ctx SpecContext) {
		r := newReplay(ctx, "plain")
		r.join(ctx)
		Eventually(ctx, r.status(ctx, replayer, "plain")).Should(Equal("consenter failed"))
		Expect(r.orders(ctx, replayer, "plain")).To(refuse(cb.Status_SERVICE_UNAVAILABLE, "Consensus.Kafka.Topic.Compatible"))
		Expect(r.topic.Bounds(ctx)).To(Equal(log.Bounds{End: log.Offset(len(r.vector.Records))}), "the orderer has written to a topic that it may not use")

		By("allowing it")
		Expect(r.Stop(replayer)).To(Succeed())
		r.allow("plain")
		Expect(r.Start(ctx, replayer)).To(Succeed())
		r.faithful(ctx)
	}, SpecTimeout(9*time.Minute))
})

const (
	replayer       = "orderer1"
	recordedBroker = "127.0.0.1:19492" // in the config of the recorded channels
	replayBase     = 18991             // base port that gives recordedBroker to the embedded broker
	replayApache   = 18982             // the same for a broker of Apache Kafka
)

// replay is an orderer of the recorded network and a topic with the recorded records.
type replay struct {
	*world
	vector *golden.Vector
	topic  log.Log
}

// newReplay starts the recorded network with a new broker. The compatible
// channels may use the rules of in-tree orderers.
func newReplay(ctx context.Context, name string, compatible ...string) *replay {
	v, err := golden.Read(recording(name))
	Expect(err).NotTo(HaveOccurred())
	awaitRecordedBroker(ctx)
	dir, err := os.MkdirTemp("", "kafka-network-")
	Expect(err).NotTo(HaveOccurred())
	o := fabricnet.Options{
		Dir: filepath.Join(dir, "net"), BasePort: replayBase,
		Crypto: filepath.Join("testdata", "golden-crypto"), Orderers: 1, Peers: -1, Compatible: compatible,
	}
	if *brokers != "embedded" {
		o.BasePort = replayApache
	}
	n := up(ctx, o, 1)
	Expect(n.Descriptor().Brokers).To(Equal([]string{recordedBroker}))
	reader, err := fabricnet.NewReader(n.Dir(), n.Descriptor())
	Expect(err).NotTo(HaveOccurred())
	admin := reader.Identity() // the only identity whose key is in testdata
	r := &replay{world: &world{Network: n, reader: reader, admin: admin, user: admin}, vector: v}
	r.fill(ctx)
	return r
}

func recording(name string) string {
	return filepath.Join("..", "chain", "session", "testdata", "golden", name)
}

// awaitRecordedBroker waits until the address of the recorded broker is free, and keeps the suites of other
// checkouts on this machine from using it until the spec is over: with two networks at one address, the records of
// one would be written to the topic of the other.
func awaitRecordedBroker(ctx context.Context) {
	GinkgoHelper()
	lock, err := os.OpenFile(filepath.Join(os.TempDir(), "fabric-kafka-golden.lock"), os.O_CREATE|os.O_RDWR, 0o666)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(lock.Close)
	Eventually(ctx, func() error { return syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }).
		WithTimeout(5*time.Minute).Should(Succeed(), "the suite of another checkout uses the recorded broker's address")
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	Expect(fabricnet.AwaitVacant(ctx, recordedBroker)).To(Succeed(), "the recorded channels name this address: stop the process that listens there")
}

// fill creates the topic and writes the recorded values to it, at their offsets.
func (r *replay) fill(ctx context.Context) {
	topic, err := inspect.OpenTopic([]string{recordedBroker}, r.vector.Name)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(topic.Close)
	r.topic = topic
	Expect(topic.Create(ctx)).To(Succeed())

	c := sarama.NewConfig()
	c.Producer.Return.Successes = true
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Net.MaxOpenRequests = 1 // keeps the order
	p, err := sarama.NewSyncProducer([]string{recordedBroker}, c)
	Expect(err).NotTo(HaveOccurred())
	defer p.Close()
	var all []*sarama.ProducerMessage
	for _, value := range r.vector.Records {
		m := &sarama.ProducerMessage{Topic: r.vector.Name}
		if value != nil {
			m.Value = sarama.ByteEncoder(value)
		}
		all = append(all, m)
	}
	Expect(p.SendMessages(all)).To(Succeed())
	for n, m := range all {
		Expect(m.Offset).To(Equal(int64(n)), "a record is not at its offset")
	}
}

// killedHalfway kills the orderer at a random height and restarts it. It returns the number of blocks
// that were left to cut, and stops the network.
func killedHalfway(ctx context.Context, name string) (rest float64) {
	GinkgoHelper()
	r := newReplay(ctx, name, name)
	r.join(ctx)
	blocks := uint64(len(r.vector.Headers))
	at := 2 + rand.New(rand.NewPCG(uint64(GinkgoRandomSeed()), blocks)).Uint64N(blocks/2)
	Eventually(ctx, r.height).WithPolling(time.Millisecond).Should(BeNumerically(">=", at))
	Expect(r.Kill(replayer)).To(Succeed())
	Expect(r.Start(ctx, replayer)).To(Succeed())
	r.faithful(ctx)
	rest, err := r.metric(ctx, "blocks_cut")
	Expect(err).NotTo(HaveOccurred())
	GinkgoWriter.Printf("killed at height %d of %d, intended at %d\n", blocks-uint64(rest), blocks, at)
	Expect(rest).To(BeNumerically("<=", blocks-at))
	Expect(r.Halt()).To(Succeed())
	return rest
}

// join joins the orderer to the channel with the recorded genesis block.
func (r *replay) join(ctx context.Context) {
	block, err := os.ReadFile(filepath.Join(recording(r.vector.Name), "genesis.block"))
	Expect(err).NotTo(HaveOccurred())
	Expect(r.Join(ctx, replayer, r.vector.Name, block)).To(Succeed())
}

// allow sets Topic.Compatible in the orderer's file to a channel.
func (r *replay) allow(channel string) {
	file := filepath.Join(r.Dir(), "config", "orderer", "orderer.yaml")
	text, err := os.ReadFile(file)
	Expect(err).NotTo(HaveOccurred())
	Expect(strings.Count(string(text), "Compatible: []")).To(Equal(1))
	text = []byte(strings.Replace(string(text), "Compatible: []", "Compatible: ["+channel+"]", 1))
	Expect(os.WriteFile(file, text, 0o644)).To(Succeed())
}

// progress is the height of an orderer and what it has left to read.
type progress struct {
	height uint64
	unread int64 // records
}

func (r *replay) progress(ctx context.Context) (p progress, err error) {
	if p.height, err = r.height(ctx); err != nil {
		return p, err
	}
	next, err := r.metric(ctx, "next_offset")
	if err != nil {
		return p, err
	}
	bounds, err := r.topic.Bounds(ctx)
	p.unread = int64(bounds.End) - int64(next)
	return p, err
}

func (r *replay) height(ctx context.Context) (uint64, error) {
	info, err := r.Info(ctx, replayer, r.vector.Name)
	if err == nil && info.Status == "failed" {
		return 0, StopTrying(fmt.Sprintf("the channel has stopped at height %d", info.Height))
	}
	return info.Height, err
}

// metric returns a metric of the orderer for the replayed channel, summed over all other labels.
func (r *replay) metric(ctx context.Context, name string) (sum float64, err error) {
	o, err := r.Orderer(replayer)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+o.Operations+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		labels, value, _ := strings.Cut(lines.Text(), "} ")
		if !strings.HasPrefix(labels, "consensus_kafka_"+name+"{") || !strings.Contains(labels, `channel="`+r.vector.Name+`"`) {
			continue
		}
		f, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return 0, err
		}
		sum += f
	}
	return sum, lines.Err()
}

// faithful waits until the orderer has read all recorded records and its own,
// and compares its blocks with the recorded ones.
func (r *replay) faithful(ctx context.Context) {
	GinkgoHelper()
	all := progress{height: uint64(len(r.vector.Headers))}
	Eventually(ctx, r.progress).Should(Equal(all))
	// An open batch is cut after the BatchTimeout, 0.4 s at the end of each recording.
	Consistently(ctx, r.height).WithTimeout(2*time.Second).Should(Equal(all.height), "blocks that were not recorded")
	Eventually(ctx, r.progress).Should(Equal(all))

	var got []golden.Header
	Expect(r.reader.Blocks(ctx, replayer, r.vector.Name, func(b *cb.Block) error {
		h, err := header(b)
		got = append(got, h)
		return err
	})).To(Succeed())
	Expect(got).To(HaveLen(len(r.vector.Headers)))
	for n, want := range r.vector.Headers {
		if want.Metadata == nil {
			want.Metadata = &golden.Metadata{}
		}
		Expect(got[n]).To(Equal(want), "block %d", n)
	}
}

// header returns a block in the form of a recording.
func header(b *cb.Block) (golden.Header, error) {
	s, err := client.Summarize(b)
	if err != nil {
		return golden.Header{}, err
	}
	value, err := hex.DecodeString(s.Metadata)
	if err != nil {
		return golden.Header{}, err
	}
	m, err := record.DecodeMetadata(value)
	return golden.Header{
		Orderer: 1, Number: s.Number, DataHash: s.DataHash, HeaderHash: s.HeaderHash, LastConfig: s.LastConfig,
		Metadata: &golden.Metadata{Persisted: m.LastOffsetPersisted, Processed: m.LastOriginalOffsetProcessed, Resubmitted: m.LastResubmittedConfigOffset},
	}, err
}

// orderNext submits one envelope and expects it alone in the next block, not
// before the BatchTimeout.
func (r *replay) orderNext(ctx context.Context, timeout time.Duration) {
	e, err := r.user.Message(r.vector.Name, 500)
	Expect(err).NotTo(HaveOccurred())
	sent := time.Now()
	Expect(r.submit(ctx, replayer, e)).To(Succeed())
	o, err := r.reader.Dial(replayer)
	Expect(err).NotTo(HaveOccurred())
	defer o.Close()
	last := len(r.vector.Headers) - 1
	b, err := o.Block(ctx, r.user, r.vector.Name, uint64(last+1))
	Expect(err).NotTo(HaveOccurred())
	Expect(time.Since(sent)).To(BeNumerically(">=", timeout))
	Expect(hex.EncodeToString(b.Header.PreviousHash)).To(Equal(r.vector.Headers[last].HeaderHash))
	bytes, err := proto.Marshal(e)
	Expect(err).NotTo(HaveOccurred())
	Expect(b.Data.Data).To(Equal([][]byte{bytes}))
}
