package integration_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/golang/protobuf/proto"
	cb "github.com/hyperledger/fabric-protos-go/common"
	ab "github.com/hyperledger/fabric-protos-go/orderer"
	"github.com/hyperledger/fabric-protos-go/orderer/etcdraft"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/fabric-kafka/orderer/network/admin/command"
	"github.com/fabric-kafka/orderer/network/fabricnet"
)

var _ = Describe("a channel of type kafka", Ordered, func() {
	const channel = "mychannel"
	var w *world

	BeforeAll(func(ctx SpecContext) {
		w = raise(ctx, fabricnet.Options{Channels: []string{channel}, Raft: []string{"raft"}})
	}, NodeTimeout(6*time.Minute))

	It("becomes one of type etcdraft, and continues to order", func(ctx SpecContext) {
		Expect(w.Invoke(ctx, channel, "put", "k", "by type kafka")).To(Succeed())
		w.enters(ctx, channel)
		Expect(w.Invoke(ctx, channel, "put", "k", "by the shared type")).To(Succeed())
		w.load(ctx, channel, 5*time.Second).sound(ctx)
		w.equal(ctx, channel)
	}, NodeTimeout(6*time.Minute))

	It("leaves for Raft, and loses nothing", func(ctx SpecContext) {
		w.load(ctx, channel, 5*time.Second).sound(ctx)
		w.leaves(ctx, channel)
		Expect(w.Invoke(ctx, channel, "put", "k", "by Raft")).To(Succeed())
		for peer := 1; peer <= 2; peer++ {
			Eventually(ctx, func() (string, error) { return w.Query(ctx, peer, channel, "get", "k") }).Should(ContainSubstring("by Raft"))
		}
		w.load(ctx, channel, 5*time.Second).sound(ctx)
		w.equal(ctx, channel)
	}, NodeTimeout(8*time.Minute))
})

// enters brings a channel of type kafka to the shared type, by osnkafka. One orderer reads the block that changes the type
// later, and one is killed right after it.
func (w *world) enters(ctx context.Context, channel string) {
	GinkgoHelper()
	flags := w.deliverFlags()
	code, out := w.osnkafka(ctx, append([]string{"change-type", channel, "--dry-run"}, flags...)...)
	Expect(code).To(Equal(command.ExitFine), out)
	Expect(out).To(And(ContainSubstring("Nothing was submitted"), ContainSubstring(`"type": "etcdraft"`)))
	w.inForce(ctx, channel, map[string]proto.Message{"ConsensusType": &ab.ConsensusType{Type: "kafka", State: ab.ConsensusType_STATE_MAINTENANCE}})
	Expect(w.orders(ctx, "orderer1", channel)).To(refuse(cb.Status_SERVICE_UNAVAILABLE, "maintenance mode"))

	By("changing the type while an orderer is down")
	shared := w.consensus(ctx, "raft", func(t *ab.ConsensusType, m *etcdraft.ConfigMetadata) {
		m.Consenters, t.State = nil, ab.ConsensusType_STATE_MAINTENANCE
	})
	w.equal(ctx, channel)
	Expect(w.Kill("orderer3")).To(Succeed())
	w.inForce(ctx, channel, shared)
	height := w.equal(ctx, channel, "orderer1", "orderer2")
	Expect(w.Kill("orderer2")).To(Succeed())
	code, out = w.osnkafka(ctx, append([]string{"change-type", channel, "--wait", "1s"}, flags...)...)
	Expect(code).To(Equal(command.ExitUnreachable), out)
	Expect(out).To(ContainSubstring("Every orderer must answer"))
	for _, name := range []string{"orderer2", "orderer3"} {
		Expect(w.Start(ctx, name)).To(Succeed())
		Eventually(ctx, w.status(ctx, name, channel)).Should(Equal("consenter active"))
	}
	Expect(w.equal(ctx, channel)).To(Equal(height))

	By("continuing, and doing it again")
	for _, says := range []string{"normal mode: in block", "is ordered by Kafka (type etcdraft)"} {
		code, out = w.osnkafka(ctx, append([]string{"change-type", channel}, flags...)...)
		Expect(code).To(Equal(command.ExitFine), out)
		Expect(out).To(ContainSubstring(says))
	}
	w.equal(ctx, channel)
}

// ownConsenters writes the file of consenters that are the network's orderers, for osnkafka leave.
func (w *world) ownConsenters() string {
	GinkgoHelper()
	text := ""
	for _, o := range w.Descriptor().Orderers {
		host, port, err := net.SplitHostPort(o.Address)
		Expect(err).NotTo(HaveOccurred())
		certificate := filepath.Join(w.Dir(), o.TLSCert)
		text += fmt.Sprintf("- {Host: %s, Port: %s, ClientTLSCert: %s, ServerTLSCert: %s}\n", host, port, certificate, certificate)
	}
	file := filepath.Join(GinkgoT().TempDir(), "consenters.yaml")
	Expect(os.WriteFile(file, []byte(text), 0o600)).To(Succeed())
	return file
}

// consenters writes the file of the consenters of a Raft channel, for osnkafka leave.
func (w *world) consenters(ctx context.Context, channel string, change func(*etcdraft.ConfigMetadata)) string {
	GinkgoHelper()
	dir, text := GinkgoT().TempDir(), ""
	w.consensus(ctx, channel, func(_ *ab.ConsensusType, m *etcdraft.ConfigMetadata) {
		change(m)
		for i, c := range m.Consenters {
			for name, certificate := range map[string][]byte{"server": c.ServerTlsCert, "client": c.ClientTlsCert} {
				Expect(os.WriteFile(filepath.Join(dir, fmt.Sprint(name, i)), certificate, 0o600)).To(Succeed())
			}
			text += fmt.Sprintf("- {Host: %s, Port: %d, ClientTLSCert: client%d, ServerTLSCert: server%d}\n", c.Host, c.Port, i, i)
		}
	})
	file := filepath.Join(dir, "consenters.yaml")
	Expect(os.WriteFile(file, []byte(text), 0o600)).To(Succeed())
	return file
}

// leaves gives a channel of the shared type to Raft, with the consenters of the channel raft, by osnkafka, which is interrupted
// after the last block. One orderer reads that block later.
func (w *world) leaves(ctx context.Context, channel string) {
	GinkgoHelper()
	file := w.consenters(ctx, "raft", func(*etcdraft.ConfigMetadata) {})
	leave := func(more ...string) (int, string) {
		return w.osnkafka(ctx, append(append([]string{"leave", channel, "--consenters", file}, w.deliverFlags()...), more...)...)
	}
	code, out := leave("--dry-run")
	Expect(code).To(Equal(command.ExitFine), out)
	Expect(out).To(And(ContainSubstring("Nothing was submitted"), ContainSubstring(`"consenters"`)))
	wrong := w.consenters(ctx, "raft", func(m *etcdraft.ConfigMetadata) { m.Consenters[0].Port = m.Consenters[1].Port })
	code, out = w.osnkafka(ctx, append([]string{"leave", channel, "--consenters", wrong}, w.deliverFlags()...)...)
	Expect(code).To(Equal(command.ExitRefused), out)
	Expect(out).To(ContainSubstring("presents the certificate of"))
	Expect(w.config(ctx, "orderer1", channel).ChannelGroup.Groups["Orderer"].Values).To(HaveKey("KafkaBrokers"))

	By("interrupting it while it waits for the orderers to be restarted")
	code, out = leave("--wait", "3s")
	Expect(code).To(Equal(command.ExitRefused), out)
	Expect(out).To(ContainSubstring("Restart every orderer of the channel now"))
	height := w.equal(ctx, channel)
	for _, name := range w.Descriptor().Running() {
		Eventually(ctx, w.status(ctx, name, channel)).Should(Equal("consenter inactive"))
	}
	Expect(w.orders(ctx, "orderer1", channel)).NotTo(Succeed())

	By("restarting the orderers while it waits, the last one after the others order")
	ended := make(chan string, 1)
	go func() {
		defer GinkgoRecover()
		code, out := leave()
		Expect(code).To(Equal(command.ExitFine), out)
		ended <- out
	}()
	for _, name := range []string{"orderer1", "orderer2"} {
		Expect(w.Kill(name)).To(Succeed())
		Expect(w.Start(ctx, name)).To(Succeed())
	}
	Eventually(ctx, func() []uint64 { return w.heights(ctx, channel, []string{"orderer1", "orderer2"}) }).Should(HaveEach(height + 1))
	Consistently(ctx, ended, 2*time.Second).ShouldNot(Receive())
	Expect(w.Kill("orderer3")).To(Succeed())
	Expect(w.Start(ctx, "orderer3")).To(Succeed())
	Eventually(ctx, ended).Should(Receive(And(ContainSubstring("waiting for "), ContainSubstring("is ordered by Raft"))))
	for _, name := range w.Descriptor().Running() {
		Eventually(ctx, w.status(ctx, name, channel)).Should(Equal("consenter active"))
	}
}
